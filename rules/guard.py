"""How healthy an open position is, and what is done about it (S13).

health = 0.30 pnl + 0.20 drawdown + 0.20 volatility + 0.15 time + 0.15 liquidity, each from 0 (bad) to 100 (good),
linear between its two ends and cut there:

- pnl: the profit, in stop-loss distances (R, after Van K. Tharp, Trade Your Way to Financial Freedom, 1998):
  50 + 50 * profit percent / stop loss percent; 0 at the stop, 50 at the entry, 100 at as much profit.
- drawdown: what was given back since the best price, in percent of the entry price:
  100 - 100 * drawdown percent / stop loss percent.
- volatility: 100 * (2 - average true range now / usual): 100 as usual or calmer, 0 at twice that.
- time: 100 - 100 * age / horizon; 0 when the grace period of an aged position ends.
- liquidity: 100 - 100 * spread percent / largest spread; the spread is (ask - bid) / middle.

Invariants:
1. Every score, and the health, is from 0 to 100.
2. The health never rises when one of its inputs gets worse.
3. The mirror image of a position is as healthy.
4. What is not known scores half.
5. The level is the one of the health, or, where the health has only just risen above its border, the one before.
6. A level gets worse at once, and better only when the health is clear of the border.
7. An action is due once, when the level gets worse, and nothing is done in advise mode.
8. A tightened stop is closer than the working one, at most half the way to the price, and never triggers at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from messages.settings import GuardMode
from messages.state import RiskLevel
from messages.values import ZERO, Price, Side
from rules.rounding import round_stop

_HUNDRED: Final = Decimal(100)
_TWO: Final = Decimal(2)
_HALF_SCORE: Final = Decimal(50)
_MS_AN_HOUR: Final = 3_600_000
_WEIGHTS: Final = (Decimal("0.30"), Decimal("0.20"), Decimal("0.20"), Decimal("0.15"), Decimal("0.15"))
"""Of pnl, drawdown, volatility, age (time) and liquidity."""


class GuardAction(StrEnum):
    """What a risk level asks for. ``CLOSE_ALL`` tries a limit order before the market; ``EXIT_NOW`` does not."""

    WATCH = "watch"
    TIGHTEN_STOP = "tighten_stop"
    CLOSE_PART = "close_part"
    CLOSE_ALL = "close_all"
    EXIT_NOW = "exit_now"


ACTIONS: Final[Mapping[RiskLevel, GuardAction]] = MappingProxyType(
    {
        RiskLevel.LOW: GuardAction.WATCH,
        RiskLevel.MEDIUM: GuardAction.TIGHTEN_STOP,
        RiskLevel.HIGH: GuardAction.CLOSE_PART,
        RiskLevel.CRITICAL: GuardAction.CLOSE_ALL,
        RiskLevel.EMERGENCY: GuardAction.EXIT_NOW,
    }
)
_LEVELS: Final = tuple(RiskLevel)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardPolicy:
    """Settings of S13, and what the scores are measured by.

    Attributes:
        stop_loss_percent: One R: what the profit and the drawdown are measured in.
        horizon_hours: The age at which time scores nothing: the maximum age and the grace period of S11.
        max_spread_percent: The spread at which liquidity scores nothing.
        borders: The least health of LOW, MEDIUM, HIGH and CRITICAL; below the last is EMERGENCY.
        clearance: How far above a border the health must rise before the level gets better.
    """

    mode: GuardMode = GuardMode.ADVISE
    stop_loss_percent: Decimal = Decimal("2.0")
    horizon_hours: Decimal | int = 11
    max_spread_percent: Decimal = Decimal("2.0")
    borders: tuple[Decimal, Decimal, Decimal, Decimal] = (Decimal(60), Decimal(45), Decimal(30), Decimal(15))
    clearance: Decimal = Decimal(5)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedPosition:
    """What the health of a position is read from.

    Attributes:
        price: The present one; ``best`` the best since the entry, or since trailing became active.
        age_ms: Since the entry.
        volatility_ratio: Average true range now / usual, not cut to bounds; ``None`` while that is not known.
    """

    side: Side
    entry_price: Price
    price: Price
    best: Price
    age_ms: int
    volatility_ratio: Decimal | None
    bid: Price | None
    ask: Price | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardScores:
    """Each from 0 (bad) to 100 (good)."""

    pnl: Decimal
    drawdown: Decimal
    volatility: Decimal
    age: Decimal
    liquidity: Decimal

    @property
    def health(self) -> Decimal:
        """The weighted sum, from 0 to 100."""
        scores = (self.pnl, self.drawdown, self.volatility, self.age, self.liquidity)
        return sum((weight * score for weight, score in zip(_WEIGHTS, scores, strict=True)), ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardVerdict:
    """What the guard found.

    Attributes:
        due: The level has become worse, and asks for more than to watch.
        acts: ``action`` is to be done; where it is due and not to be done, people are told what would be.
    """

    scores: GuardScores
    level: RiskLevel
    action: GuardAction
    due: bool
    acts: bool


def guard_verdict(*, position: GuardedPosition, previous: RiskLevel, policy: GuardPolicy) -> GuardVerdict:
    """The health of ``position``, whose level was ``previous``, and what follows from it."""
    scores = guard_scores(position, policy)
    level = risk_level(health=scores.health, previous=previous, policy=policy)
    due = _LEVELS.index(level) > _LEVELS.index(previous)
    return GuardVerdict(
        scores=scores, level=level, action=ACTIONS[level], due=due, acts=due and policy.mode is GuardMode.ACT
    )


def guard_scores(position: GuardedPosition, policy: GuardPolicy) -> GuardScores:
    """The five scores; the formulas are in the header."""
    sign = 1 if position.side is Side.LONG else -1
    profit_percent = _HUNDRED * sign * (position.price - position.entry_price) / position.entry_price
    given_back_percent = _HUNDRED * sign * (position.best - position.price) / position.entry_price
    ratio = position.volatility_ratio
    return GuardScores(
        pnl=_cut(_HALF_SCORE + _HALF_SCORE * profit_percent / policy.stop_loss_percent),
        drawdown=_cut(_HUNDRED - _HUNDRED * given_back_percent / policy.stop_loss_percent),
        volatility=_HALF_SCORE if ratio is None else _cut(_HUNDRED * (_TWO - ratio)),
        age=_cut(_HUNDRED - _HUNDRED * position.age_ms / (policy.horizon_hours * _MS_AN_HOUR)),
        liquidity=_liquidity(position.bid, position.ask, policy),
    )


def risk_level(*, health: Decimal, previous: RiskLevel, policy: GuardPolicy) -> RiskLevel:
    """The level of ``health`` for a position whose level was ``previous``."""
    before, found = _LEVELS.index(previous), _level_number(health, policy)
    if found < before:
        found = min(before, _level_number(health - policy.clearance, policy))
    return _LEVELS[found]


def tightened_stop(*, side: Side, price: Price, stop_price: Price, tick: Price) -> Price | None:
    """The stop half the way from ``stop_price`` to ``price``, on the tick; ``None`` where there is no closer tick."""
    half_way = (stop_price + price) / _TWO
    # Rounded away from the price, so that it is never past half the way.
    other = Side.SHORT if side is Side.LONG else Side.LONG
    stop = round_stop(half_way, tick=tick, side=other)
    is_closer = stop_price < stop < price if side is Side.LONG else price < stop < stop_price
    return stop if is_closer else None


def _level_number(health: Decimal, policy: GuardPolicy) -> int:
    return sum(health < border for border in policy.borders)


def _liquidity(bid: Price | None, ask: Price | None, policy: GuardPolicy) -> Decimal:
    if bid is None or ask is None or bid <= ZERO or ask <= ZERO:
        return _HALF_SCORE
    spread_percent = _HUNDRED * (ask - bid) * _TWO / (bid + ask)
    return _cut(_HUNDRED - _HUNDRED * spread_percent / policy.max_spread_percent)


def _cut(score: Decimal) -> Decimal:
    return min(max(score, ZERO), _HUNDRED)
