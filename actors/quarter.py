"""The prices of the present quarter of an hour of one symbol, as the market actor hears them."""

from messages.candles import CANDLE_MS, QuarterEnded
from messages.market import Tick
from messages.values import ZERO


class Quarter:
    """Keeps the extremes and the last price; what it does with a tick is a few comparisons."""

    __slots__ = ("_ends_ms", "_high", "_last", "_latest_ms", "_low")

    def __init__(self) -> None:
        self._ends_ms = self._latest_ms = 0
        self._high = self._low = self._last = ZERO

    def take(self, tick: Tick) -> QuarterEnded | None:
        """Take ``tick``; the first one of a later quarter tells what the one before came to."""
        time_ms = tick.time_ms
        if time_ms >= self._ends_ms:
            return self._begin(tick)
        if time_ms >= self._latest_ms:
            self._latest_ms, self._last = time_ms, tick.last
        elif time_ms < self._ends_ms - CANDLE_MS:
            return None
        if tick.high > self._high or tick.low < self._low:
            self._high, self._low = max(self._high, tick.high), min(self._low, tick.low)
        return None

    def _begin(self, tick: Tick) -> QuarterEnded | None:
        ended = None
        if self._ends_ms:
            ended = QuarterEnded(
                symbol=tick.symbol,
                high=self._high,
                low=self._low,
                last=self._last,
                last_ms=self._latest_ms,
                next=tick.last,
                next_ms=tick.time_ms,
            )
        self._ends_ms = tick.time_ms - tick.time_ms % CANDLE_MS + CANDLE_MS
        self._latest_ms, self._last = tick.time_ms, tick.last
        self._high, self._low = tick.high, tick.low
        return ended
