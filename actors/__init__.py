"""The actors of Holdfast: one a file; ``kernel`` is the supervision layer beneath them."""
