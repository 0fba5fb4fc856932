"""Whether a second signal adds to an open position, and how much (S10).

Invariants:
1. An addition is the base size times the ladder's step times the regime's multiplier.
2. No position gets more additions than its profile allows, and at most three while the market is choppy.
3. No two additions are closer together than the profile's interval.
4. A deeper loss never allows what a lesser one refused, and the stricter of the two limits applies.
5. An addition never lifts a position over its maximum size.
6. An addition never takes more margin than its share of what is available, by the venue's own figures.
7. Nothing is added against the position's direction, or far from the price that the signal named.
8. A refusal names its reason, with the figures.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from messages.conditions import BalanceProfile, Regime
from messages.state import PositionState
from messages.values import ZERO, Money, Price, Side
from rules.rounding import notional, percent_of

_MS_A_SECOND: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """What a balance profile allows: the ``steps``, as parts of the base size, are one for each addition.

    Attributes:
        min_interval_s: Least time between two additions, and between the entry and the first.
        max_loss_percent: The loss, of the entry price, beyond which nothing is added.
    """

    steps: tuple[Decimal, ...]
    min_interval_s: int
    max_loss_percent: Decimal


def _steps(text: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(step) for step in text.split())


LADDERS: Final[Mapping[BalanceProfile, Ladder]] = MappingProxyType(
    {
        BalanceProfile.SMALL: Ladder(steps=_steps("1.0 0.6 0.4"), min_interval_s=60, max_loss_percent=Decimal("1.5")),
        BalanceProfile.MEDIUM: Ladder(
            steps=_steps("1.0 0.7 0.5 0.3 0.2"), min_interval_s=45, max_loss_percent=Decimal("2.0")
        ),
        BalanceProfile.LARGE: Ladder(
            steps=_steps("1.0 0.8 0.6 0.4 0.3 0.2 0.15"), min_interval_s=30, max_loss_percent=Decimal("3.0")
        ),
    }
)
REGIME_MULTIPLIER: Final[Mapping[Regime, Decimal]] = MappingProxyType(
    {Regime.TRENDING: Decimal("1.1"), Regime.RANGING: Decimal("0.9"), Regime.CHOPPY: Decimal("0.7")}
)
REGIME_MAX_LOSS_PERCENT: Final[Mapping[Regime, Decimal]] = MappingProxyType(
    {Regime.TRENDING: Decimal("2.5"), Regime.RANGING: Decimal("1.5"), Regime.CHOPPY: Decimal("1.0")}
)
MAX_ADDITIONS_CHOPPY: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderPolicy:
    """Settings of S10.

    Attributes:
        enabled: Whether a second signal may add at all.
        max_position_usd: The largest position, by its value at the present price.
        leverage: What is set; ``max_position_usd`` at it is the most margin that one position may hold.
        margin_share_percent: The part of the available margin that one addition may take.
        max_price_gap_percent: How far, of the present price, the price that a signal names may be from it.
    """

    enabled: bool = True
    max_position_usd: Money = Decimal(5000)
    leverage: int = 3
    margin_share_percent: Decimal = Decimal(80)
    max_price_gap_percent: Decimal = Decimal("2.0")


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderPosition:
    """The position that a signal might add to.

    Attributes:
        entry_price: Average of the entry and the additions so far.
        value_usd: At the present price, with what is being added already.
        base_usd: The base size: the value of the first entry.
        additions: How many there were, those under way among them.
        last_added_ms: When the last of them, or the entry, was filled, UTC.
        margin_usd: What the venue holds for it.
        leverage: What the venue is set to.
    """

    side: Side
    entry_price: Price
    value_usd: Money
    base_usd: Money
    additions: int
    last_added_ms: int
    margin_usd: Money
    leverage: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """What to add: the ``number``-th addition, from 1, of ``size_usd`` which is the base size times ``coefficient``."""

    number: int
    coefficient: Decimal
    size_usd: Money


class AdditionRefusal(StrEnum):
    """Why nothing is added; ``NOT_NOW`` is for what the position itself is busy with."""

    NOT_NOW = "not_now"
    SIZE = "size"
    SWITCHED_OFF = "switched_off"
    DIRECTION = "direction"
    PRICE = "price"
    TOO_MANY = "too_many"
    TOO_SOON = "too_soon"
    TOO_DEEP = "too_deep"
    POSITION_TOO_LARGE = "position_too_large"
    MARGIN_UNKNOWN = "margin_unknown"
    MARGIN_SHORT = "margin_short"
    POSITION_MARGIN = "position_margin"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdditionRefused:
    """Nothing is added: the first ``reason`` that was found, and the figures in ``text``."""

    reason: AdditionRefusal
    text: str


def ladder_addition(
    *,
    position: LadderPosition,
    signal_side: Side,
    signal_price: Price | None,
    price: Price,
    available_usd: Money | None,
    profile: BalanceProfile,
    regime: Regime,
    now_ms: int,
    policy: LadderPolicy,
) -> Addition | AdditionRefused:
    """What a signal adds to ``position`` at the present ``price``, or why it adds nothing.

    ``signal_price`` is the entry that the signal names, if any; ``available_usd`` the free margin as the venue told it.
    """
    refused = _signal_refused(position, signal_side, signal_price, price, policy)
    refused = refused or _ladder_refused(position, price, profile, regime, now_ms)
    if refused is not None:
        return refused
    coefficient = next_coefficient(additions=position.additions, profile=profile, regime=regime)
    addition = Addition(
        number=position.additions + 1, coefficient=coefficient, size_usd=position.base_usd * coefficient
    )
    return _size_refused(position, addition.size_usd, available_usd, policy) or addition


def next_coefficient(*, additions: int, profile: BalanceProfile, regime: Regime) -> Decimal:
    """Which part of the base size follows after ``additions`` of them; 0 where no further one is allowed."""
    if additions >= max_additions(profile, regime):
        return ZERO
    return LADDERS[profile].steps[additions] * REGIME_MULTIPLIER[regime]


def base_value(position: PositionState, *, contract_size: Decimal) -> Money:
    """The value of a position's first entry, which additions are multiples of."""
    if position.ladder.base_usd > ZERO:
        return position.ladder.base_usd
    return notional(quantity=position.base_quantity, price=position.entry_price, contract_size=contract_size)


def max_additions(profile: BalanceProfile, regime: Regime) -> int:
    """How many additions a position may have in all."""
    most = len(LADDERS[profile].steps)
    return min(most, MAX_ADDITIONS_CHOPPY) if regime is Regime.CHOPPY else most


def max_loss_percent(profile: BalanceProfile, regime: Regime) -> Decimal:
    """The loss, in percent of the entry price, beyond which nothing is added: the stricter of the two."""
    return min(LADDERS[profile].max_loss_percent, REGIME_MAX_LOSS_PERCENT[regime])


def _signal_refused(
    position: LadderPosition, signal_side: Side, signal_price: Price | None, price: Price, policy: LadderPolicy
) -> AdditionRefused | None:
    if not policy.enabled:
        return _refused(AdditionRefusal.SWITCHED_OFF, "additions are switched off")
    if signal_side is not position.side:
        return _refused(AdditionRefusal.DIRECTION, f"the signal is {signal_side}, the position {position.side}")
    if price <= ZERO:
        return _refused(AdditionRefusal.PRICE, f"no price: {price}")
    if signal_price is not None and abs(signal_price - price) > percent_of(price, policy.max_price_gap_percent):
        return _refused(
            AdditionRefusal.PRICE,
            f"the signal names {signal_price}, the price is {price}: more than {policy.max_price_gap_percent} % apart",
        )
    return None


def _ladder_refused(
    position: LadderPosition, price: Price, profile: BalanceProfile, regime: Regime, now_ms: int
) -> AdditionRefused | None:
    most = max_additions(profile, regime)
    if position.additions >= most:
        return _refused(
            AdditionRefusal.TOO_MANY, f"{position.additions} additions of {most} ({profile}, {regime}) are made"
        )
    interval_s = LADDERS[profile].min_interval_s
    since_ms = now_ms - position.last_added_ms
    if since_ms < interval_s * _MS_A_SECOND:
        return _refused(AdditionRefusal.TOO_SOON, f"{since_ms} ms since the last one, of {interval_s} s ({profile})")
    gain = price - position.entry_price if position.side is Side.LONG else position.entry_price - price
    limit = max_loss_percent(profile, regime)
    if gain < -percent_of(position.entry_price, limit):
        return _refused(
            AdditionRefusal.TOO_DEEP,
            f"entry {position.entry_price}, price {price}: a loss of more than {limit} % ({profile}, {regime})",
        )
    return None


def _size_refused(
    position: LadderPosition, size_usd: Money, available_usd: Money | None, policy: LadderPolicy
) -> AdditionRefused | None:
    if position.value_usd + size_usd > policy.max_position_usd:
        return _refused(
            AdditionRefusal.POSITION_TOO_LARGE,
            f"{position.value_usd} and {size_usd} more would pass {policy.max_position_usd}",
        )
    if available_usd is None:
        return _refused(AdditionRefusal.MARGIN_UNKNOWN, "the venue has not told what margin is available")
    # Margins are compared times the leverage: products are exact.
    if size_usd > percent_of(available_usd, policy.margin_share_percent) * position.leverage:
        return _refused(
            AdditionRefusal.MARGIN_SHORT,
            f"margin for {size_usd} at leverage {position.leverage} is more than {policy.margin_share_percent} % of "
            f"the {available_usd} that are available",
        )
    held = position.margin_usd * position.leverage
    if (held + size_usd) * policy.leverage > policy.max_position_usd * position.leverage:
        return _refused(
            AdditionRefusal.POSITION_MARGIN,
            f"margin {position.margin_usd} and that of {size_usd} at leverage {position.leverage} would pass what "
            f"{policy.max_position_usd} need at leverage {policy.leverage}",
        )
    return None


def _refused(reason: AdditionRefusal, text: str) -> AdditionRefused:
    return AdditionRefused(reason=reason, text=text)
