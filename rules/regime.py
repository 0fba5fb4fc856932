"""Whether a market is trending, ranging or choppy, from closed 15-minute candles (S3).

The measure is the Choppiness Index of E. W. Dreiss: 100 * log10(sum of true ranges / (highest high - lowest low)) /
log10(period), over 14 candles, with his bounds 38.2 and 61.8. A straight way has 0, a market that always comes back to
where it was has 100; steps by chance have about 50, since their range grows as the root of their number.

Invariants:
1. The regime depends on the last closed candles of its period, and the close before them, and on nothing else.
2. A market that goes straight in one direction is trending.
3. A market that comes back with every candle is choppy.
4. The same movement at another level of prices, or upside down, is the same regime.
5. Without enough closed candles there is no regime.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from messages.candles import ClosedCandle
from messages.conditions import Regime
from messages.values import ZERO
from rules.volatility import true_ranges

_HUNDRED: Final = Decimal(100)
_NEITHER: Final = Decimal(50)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimePolicy:
    """The period in candles, and the bounds of the index: below is trending, above choppy, between ranging."""

    period: int = 14
    trending_below: Decimal = Decimal("38.2")
    choppy_above: Decimal = Decimal("61.8")


def market_regime(*, candles: Sequence[ClosedCandle], policy: RegimePolicy) -> Regime | None:
    """The regime after the last of ``candles``, which follow each other; ``None`` while that cannot be said."""
    index = choppiness_index(candles, policy.period)
    if index is None:
        return None
    if index < policy.trending_below:
        return Regime.TRENDING
    return Regime.CHOPPY if index > policy.choppy_above else Regime.RANGING


def choppiness_index(candles: Sequence[ClosedCandle], period: int) -> Decimal | None:
    """Dreiss's index; 50 in a market that does not move at all; ``None`` without ``period`` and one more candles."""
    if len(candles) < period + 1:
        return None
    recent = candles[-period:]
    reach = max(candle.high for candle in recent) - min(candle.low for candle in recent)
    way = sum(true_ranges(candles[-period - 1 :]), ZERO)
    if reach == ZERO:
        return _NEITHER
    return _HUNDRED * (way / reach).log10() / Decimal(period).log10()
