"""The prices of the present quarter of an hour of one symbol, as the market actor hears them."""

from messages.candles import CANDLE_MS, QuarterEnded
from messages.market import Tick


class Quarter:
    """Keeps the extremes and the last price; what it does with a tick is a few comparisons."""

    __slots__ = ("_ends_ms", "_high", "_last", "_low")

    def __init__(self) -> None:
        self._ends_ms = 0
        self._last: Tick | None = None

    def take(self, tick: Tick) -> QuarterEnded | None:
        """Take ``tick``; the first one of a later quarter tells what the one before came to."""
        last = self._last
        if last is None or tick.time_ms >= self._ends_ms:
            self._ends_ms = tick.time_ms - tick.time_ms % CANDLE_MS + CANDLE_MS
            ended = None if last is None else self._ended(last, tick)
            self._last, self._high, self._low = tick, tick.high, tick.low
            return ended
        if tick.time_ms >= last.time_ms:
            self._last = tick
        if tick.time_ms >= self._ends_ms - CANDLE_MS:
            self._high = max(self._high, tick.high)
            self._low = min(self._low, tick.low)
        return None

    def _ended(self, last: Tick, tick: Tick) -> QuarterEnded:
        return QuarterEnded(
            symbol=tick.symbol,
            high=self._high,
            low=self._low,
            last=last.last,
            last_ms=last.time_ms,
            next=tick.last,
            next_ms=tick.time_ms,
        )
