"""Prices of quarters of an hour."""

from dataclasses import dataclass
from typing import ClassVar, Final

from messages.delivery import Delivery, Lane
from messages.values import Price, Symbol

CANDLE_MS: Final = 900_000
"""A quarter of an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedCandle:
    """A candle that nothing can change any more; ``start_ms`` is its beginning, UTC, and a multiple of its length."""

    start_ms: int
    open: Price
    high: Price
    low: Price
    close: Price


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleHistory:
    """The candles of one symbol.

    Attributes:
        closed: Oldest first.
        forming: The candle of now, so far.
        latest_ms: The time of its newest tick, whose price is its close.
        whole: It was watched from its start.
    """

    closed: tuple[ClosedCandle, ...] = ()
    forming: ClosedCandle | None = None
    latest_ms: int = 0
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarterEnded:
    """Told by the market actor with the first price of a later quarter of an hour: those of the one before.

    Attributes:
        last_ms: The venue's time of ``last``, UTC; the highest and lowest are of the same quarter.
        next_ms: That of ``next``, the first price of the later quarter.
    """

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.NORMAL, idempotent=True)

    symbol: Symbol
    high: Price
    low: Price
    last: Price
    last_ms: int
    next: Price
    next_ms: int
