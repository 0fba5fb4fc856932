"""How much a market moves now, against how much it has been moving: what distances are scaled by (S3).

The average true range is Wilder's (J. Welles Wilder, New Concepts in Technical Trading Systems, 1978): the true range
of a candle is the largest of high - low, |high - close before| and |low - close before|; the first average is their
mean over the period, and each later one is (before * (period - 1) + true range) / period.

Invariants:
1. The factor is never outside its bounds.
2. Without enough closed candles, or in a market without any movement, distances stay as they are set.
3. The same movement at another level of prices gives the same factor.
4. A steady market has the factor 1.
5. A scaled distance is less than the whole price.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Final

from messages.candles import ClosedCandle
from messages.values import ZERO, Price

_ONE: Final = Decimal(1)
_WIDEST_PERCENT: Final = Decimal(99)


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilityPolicy:
    """Lengths in candles.

    Attributes:
        period: Of the average true range; 14 is Wilder's.
        averaged_over: How many average true ranges the usual one is the mean of: a day of quarters.
        least_averaged: With fewer of them there is no usual one yet.
        least_factor: Distances are never scaled by less; ``most_factor`` by more.
    """

    period: int = 14
    averaged_over: int = 96
    least_averaged: int = 14
    least_factor: Decimal = Decimal("0.5")
    most_factor: Decimal = Decimal("2.0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Volatility:
    """What was measured, as prices, and the factor that follows."""

    now: Price
    usual: Price
    factor: Decimal


def measured_volatility(*, candles: Sequence[ClosedCandle], policy: VolatilityPolicy) -> Volatility | None:
    """The volatility after the last of ``candles``, which follow each other; ``None`` while that cannot be said."""
    ranges = average_true_ranges(candles, policy.period)[-policy.averaged_over :]
    if len(ranges) < policy.least_averaged:
        return None
    now, usual = ranges[-1], sum(ranges, ZERO) / len(ranges)
    if usual == ZERO:
        return None
    factor = min(max(now / usual, policy.least_factor), policy.most_factor)
    return Volatility(now=now, usual=usual, factor=factor)


def distance_factor(volatility: Volatility | None) -> Decimal:
    """What distances are multiplied by; 1 while the volatility is not known."""
    return _ONE if volatility is None else volatility.factor


def scaled_percent(percent: Decimal, factor: Decimal) -> Decimal:
    """A distance of ``percent`` (2.0 is 2 %) times ``factor``."""
    return min(percent * factor, max(percent, _WIDEST_PERCENT))


def average_true_ranges(candles: Sequence[ClosedCandle], period: int) -> list[Price]:
    """Wilder's average after each candle that has one, oldest first."""
    ranges = true_ranges(candles)
    if len(ranges) < period:
        return []
    averages = [sum(ranges[:period], ZERO) / period]
    for true_range in ranges[period:]:
        averages.append((averages[-1] * (period - 1) + true_range) / period)
    return averages


def true_ranges(candles: Sequence[ClosedCandle]) -> list[Price]:
    """The true range of each candle but the first, which has no close before it."""
    return [max(candle.high, before.close) - min(candle.low, before.close) for before, candle in pairwise(candles)]
