"""Closed candles for tests of what is measured on them."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from hypothesis import strategies as st

from messages.candles import CANDLE_MS, ClosedCandle


def candles_of(closes: Sequence[Decimal | int], *, wick: Decimal | int = 0) -> list[ClosedCandle]:
    """Candles that open where the one before closed, with a ``wick`` above and below; the first is flat but for it."""
    candles = []
    for number, close in enumerate(closes):
        opened, closed = Decimal(closes[max(number - 1, 0)]), Decimal(close)
        high, low = max(opened, closed) + wick, min(opened, closed) - wick
        candles.append(ClosedCandle(start_ms=number * CANDLE_MS, open=opened, high=high, low=low, close=closed))
    return candles


def scaled(candles: Sequence[ClosedCandle], factor: Decimal) -> list[ClosedCandle]:
    """The same movement at ``factor`` times the prices."""
    return [
        replace(
            candle,
            open=candle.open * factor,
            high=candle.high * factor,
            low=candle.low * factor,
            close=candle.close * factor,
        )
        for candle in candles
    ]


def upside_down(candles: Sequence[ClosedCandle], *, around: Decimal) -> list[ClosedCandle]:
    """The same movement with up and down exchanged."""
    return [
        replace(
            candle,
            open=around - candle.open,
            high=around - candle.low,
            low=around - candle.high,
            close=around - candle.close,
        )
        for candle in candles
    ]


def series(*, least: int = 1, most: int = 130) -> st.SearchStrategy[list[ClosedCandle]]:
    """Between ``least`` and ``most`` candles, calm and wild ones."""
    return st.builds(
        lambda closes, wick: candles_of(closes, wick=wick),
        st.lists(st.integers(1_000, 1_100) | st.integers(500, 2_000), min_size=least, max_size=most),
        st.integers(0, 30),
    )
