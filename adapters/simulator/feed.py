"""Where prices come from: recorded candles, recorded trades, or a seeded generator.

**The path inside a candle** (no recording knows the real one): open at 0, then the extremes at a quarter and a half
of the candle, then close at three quarters. A rising candle (close at or over open) goes open, low, high, close; a
falling one open, high, low, close: first against its direction, which is the order that hurts stops. From one point
to the next the price moves in a straight line; from a candle's close to the next one's open it jumps.
"""

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from math import sqrt
from operator import attrgetter
from typing import NamedTuple, Protocol

from adapters.candles import Candle, Trade
from adapters.simulator.noise import bell_noise, noise, subject_number, unit_noise
from adapters.simulator.state import round_to
from messages.values import Price, Symbol

BY_TIME = attrgetter("time_ms")


class PricePoint(NamedTuple):
    """A price at a time (UTC ms). ``mark`` is ``None`` when it equals ``last``; ``gap``: jumped to, not moved to."""

    time_ms: int
    symbol: Symbol
    last: Price
    mark: Price | None = None
    gap: bool = False


class MarketFeed(Protocol):
    """Prices of some symbols, from any time on: the same each time they are asked for."""

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """What it has prices of."""
        ...

    def opening(self, at_ms: int) -> Sequence[PricePoint]:
        """The prices that hold at ``at_ms``; of those symbols that have one by then."""
        ...

    def stream(self, after_ms: int, *, step_ms: int | None = None) -> Iterator[PricePoint]:
        """All points after ``after_ms`` in the order of time; a generator may take steps of ``step_ms`` instead."""
        ...


def candle_points(symbol: Symbol, candle: Candle, interval_ms: int, *, shift_ms: int = 0) -> tuple[PricePoint, ...]:
    """The four points of a candle, by the rule above."""
    if candle.close >= candle.open:
        first, second = candle.low, candle.high
    else:
        first, second = candle.high, candle.low
    start = candle.time_ms + shift_ms
    quarter = interval_ms // 4
    return (
        PricePoint(start, symbol, candle.open, None, True),
        PricePoint(start + quarter, symbol, first),
        PricePoint(start + 2 * quarter, symbol, second),
        PricePoint(start + 3 * quarter, symbol, candle.close),
    )


class CandleFeed:
    """Recorded candles by symbol. ``shift_ms`` is added to their times, to replay them in the present."""

    def __init__(self, candles: Mapping[Symbol, Sequence[Candle]], *, shift_ms: int = 0) -> None:
        self._candles = dict(candles)
        self._shift_ms = shift_ms
        self._intervals = {symbol: _interval(rows) for symbol, rows in candles.items()}

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """Those with candles."""
        return tuple(self._candles)

    @property
    def start_ms(self) -> int:
        """The time of the first point."""
        return min(rows[0].time_ms for rows in self._candles.values()) + self._shift_ms

    @property
    def end_ms(self) -> int:
        """The end of the last candle."""
        ends = (rows[-1].time_ms + self._intervals[symbol] for symbol, rows in self._candles.items())
        return max(ends) + self._shift_ms

    def opening(self, at_ms: int) -> Sequence[PricePoint]:
        """The latest point of each symbol at or before ``at_ms``."""
        found = []
        for symbol, rows in self._candles.items():
            index = bisect_right(rows, at_ms - self._shift_ms, key=BY_TIME) - 1
            if index >= 0:
                points = candle_points(symbol, rows[index], self._intervals[symbol], shift_ms=self._shift_ms)
                found.append([point for point in points if point.time_ms <= at_ms][-1]._replace(gap=True))
        return found

    def stream(self, after_ms: int, *, step_ms: int | None = None) -> Iterator[PricePoint]:  # noqa: ARG002 - recorded
        """All points after ``after_ms``; recorded ones are never coarser."""
        parts = [self._points_of(symbol, after_ms) for symbol in self._candles]
        return parts[0] if len(parts) == 1 else heapq.merge(*parts, key=BY_TIME)

    def _points_of(self, symbol: Symbol, after_ms: int) -> Iterator[PricePoint]:
        rows = self._candles[symbol]
        interval_ms = self._intervals[symbol]
        first = max(0, bisect_right(rows, after_ms - self._shift_ms, key=BY_TIME) - 1)
        for index in range(first, len(rows)):
            for point in candle_points(symbol, rows[index], interval_ms, shift_ms=self._shift_ms):
                if point.time_ms > after_ms:
                    yield point


class TradeFeed:
    """Recorded trades by symbol; each is a point, and every one of them is passed."""

    def __init__(self, trades: Mapping[Symbol, Sequence[Trade]], *, shift_ms: int = 0) -> None:
        self._trades = dict(trades)
        self._shift_ms = shift_ms

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """Those with trades."""
        return tuple(self._trades)

    def opening(self, at_ms: int) -> Sequence[PricePoint]:
        """The latest trade of each symbol at or before ``at_ms``."""
        found = []
        for symbol, rows in self._trades.items():
            index = bisect_right(rows, at_ms - self._shift_ms, key=BY_TIME) - 1
            if index >= 0:
                found.append(PricePoint(rows[index].time_ms + self._shift_ms, symbol, rows[index].price, None, True))
        return found

    def stream(self, after_ms: int, *, step_ms: int | None = None) -> Iterator[PricePoint]:  # noqa: ARG002 - recorded
        """All trades after ``after_ms``."""
        return heapq.merge(*(self._points_of(symbol, after_ms) for symbol in self._trades), key=BY_TIME)

    def _points_of(self, symbol: Symbol, after_ms: int) -> Iterator[PricePoint]:
        rows = self._trades[symbol]
        for index in range(bisect_left(rows, after_ms + 1 - self._shift_ms, key=BY_TIME), len(rows)):
            yield PricePoint(rows[index].time_ms + self._shift_ms, symbol, rows[index].price)


class SeededFeed:
    """A random market as a pure function of seed, symbol and time: no state, so a restart finds it where it must be.

    Within each block of 2^20 steps the logarithm-like level is a Brownian bridge (midpoint displacement) with a few
    jumps that cancel out over the block; from block to block it stays around the base price.

    Args:
        bases: Each symbol's central price.
        ticks: Each symbol's price step.
        step_ms: Time between points.
        volatility_percent: Typical movement within an hour, in percent.
        jump_percent: Typical size of a jump, in percent; there are eight a block.
    """

    DEPTH = 20
    JUMPS = 8

    def __init__(
        self,
        *,
        seed: int,
        bases: Mapping[Symbol, Price],
        ticks: Mapping[Symbol, Price],
        step_ms: int = 1_000,
        volatility_percent: float = 0.5,
        jump_percent: float = 0.8,
    ) -> None:
        self._seed = seed
        self._bases = dict(bases)
        self._ticks = dict(ticks)
        self._step_ms = step_ms
        # A random walk of n steps spreads with the square root of n.
        self._per_step = volatility_percent / 100 / sqrt(3_600_000 / step_ms)
        self._jump = jump_percent / 100
        self._numbers = {symbol: subject_number(symbol) for symbol in bases}
        self._bridges: dict[Symbol, list[tuple[int, int, float, float]]] = {}
        self._jumps: dict[Symbol, tuple[int, list[tuple[int, float]]]] = {}

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """Those with a base price."""
        return tuple(self._bases)

    def opening(self, at_ms: int) -> Sequence[PricePoint]:
        """The price of the step that ``at_ms`` is in."""
        step = at_ms // self._step_ms
        return [PricePoint(at_ms, symbol, self.price(symbol, step), None, True) for symbol in self._bases]

    def stream(self, after_ms: int, *, step_ms: int | None = None) -> Iterator[PricePoint]:
        """A point of each symbol at each step after ``after_ms``, without end."""
        stride = 1 if step_ms is None else max(1, step_ms // self._step_ms)
        step = after_ms // self._step_ms + stride
        while True:
            for symbol in self._bases:
                yield PricePoint(step * self._step_ms, symbol, self.price(symbol, step))
            step += stride

    def price(self, symbol: Symbol, step: int) -> Price:
        """The price at a step, on the symbol's tick."""
        level = self._bridge(symbol, step) + self._jumped(symbol, step)
        # exp() differs between platforms in its last digit; this has the same shape near 0 and never reaches zero.
        growth = 1 + level + level * level / 2 if level >= 0 else 1 / (1 - level + level * level / 2)
        price = self._bases[symbol] * Decimal(f"{growth:.12f}")
        return max(self._ticks[symbol], round_to(price, self._ticks[symbol]))

    def _bridge(self, symbol: Symbol, step: int) -> float:
        """Halve the block down to the step, displacing each midpoint; the path of the last call is kept as a stack."""
        size = 1 << self.DEPTH
        number = self._numbers[symbol]
        stack = self._bridges.setdefault(symbol, [])
        while stack and not stack[-1][0] <= step <= stack[-1][1]:
            stack.pop()
        if not stack:
            block = step // size
            stack.append(
                (block * size, block * size + size, self._anchor(number, block), self._anchor(number, block + 1))
            )
        while True:
            left, right, at_left, at_right = stack[-1]
            if step == left:
                return at_left
            if step == right:
                return at_right
            middle = (left + right) // 2
            spread = self._per_step * sqrt((right - left) / 4)
            at_middle = (at_left + at_right) / 2 + spread * bell_noise(self._seed, number, left, right)
            half = (left, middle, at_left, at_middle) if step <= middle else (middle, right, at_middle, at_right)
            stack.append(half)

    def _anchor(self, number: int, block: int) -> float:
        return self._per_step * (1 << (self.DEPTH // 2)) * bell_noise(self._seed, number, block) / 3

    def _jumped(self, symbol: Symbol, step: int) -> float:
        size = 1 << self.DEPTH
        block = step // size
        known = self._jumps.get(symbol)
        if known is None or known[0] != block:
            number = self._numbers[symbol]
            jumps = []
            total = 0.0
            for index in range(self.JUMPS):
                at = block * size + 1 + noise(self._seed, number, block, index, 1) % (size - 2)
                sign = 1 if unit_noise(self._seed, number, block, index, 3) < 0.5 else -1  # noqa: PLR2004 - a coin
                height = sign * self._jump * (0.5 + unit_noise(self._seed, number, block, index, 2))
                jumps.append((at, height))
                total += height
            last_at, last_height = max(jumps)
            jumps.remove((last_at, last_height))
            jumps.append((last_at, last_height - total))
            known = (block, jumps)
            self._jumps[symbol] = known
        return sum(height for at, height in known[1] if at <= step)


def _interval(rows: Sequence[Candle]) -> int:
    distances = [after.time_ms - before.time_ms for before, after in pairwise(rows)]
    return min(distances, default=60_000)
