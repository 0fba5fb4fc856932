"""The wire between a living process and the shell in another terminal: local, authenticated, JSON only."""
