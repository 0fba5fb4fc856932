"""When a venue ends a perpetual: each names the time in its list of instruments, and writes "never" in its own way."""

from typing import Final

FAR_AWAY_MS: Final = 4_000_000_000_000
"""Binance writes the year 2100 for a perpetual that goes on (``deliveryDate`` 4133404800000)."""


def ends_ms(figure: object) -> int | None:
    """The time (UTC ms), or ``None`` where none is named: nothing, ``""``, ``0``, ``-1`` or the year 2100."""
    text = str(figure or "").strip()
    time_ms = int(text) if text.isdecimal() else 0
    return time_ms if 0 < time_ms < FAR_AWAY_MS else None
