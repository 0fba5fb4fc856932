"""Requests to open positions."""

from dataclasses import dataclass

from messages.values import Price, Side, Symbol, Venue


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A request to open a position (S1), as it came from any source, after validation.

    Attributes:
        signal_id: Given by the source, or derived from the content: the same signal has the same id.
        timestamp_ms: Start of its 15-minute candle, UTC.
        venue: ``None``: the first venue that trades the symbol.
    """

    signal_id: str
    timestamp_ms: int
    symbol: Symbol
    side: Side
    score_week: float
    score_month: float
    venue: Venue | None = None
    entry_price: Price | None = None
    take_profit_1: Price | None = None
    take_profit_2: Price | None = None
    stop_price: Price | None = None
    raw: str = ""
