"""Prices of a quarter of an hour, once nothing can change them any more."""

from dataclasses import dataclass

from messages.values import Price


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedCandle:
    """One closed candle; ``start_ms`` is its beginning, UTC, and a multiple of its length."""

    start_ms: int
    open: Price
    high: Price
    low: Price
    close: Price
