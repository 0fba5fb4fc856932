"""How a position that has grown old is let go: at breakeven first, then at a growing loss, in the end at market (S11).

The exit is a reduce-only limit order beside the stop, which stays. Ages are differences of UTC milliseconds: summer
time and time zones do not come in.

Invariants:
1. A position that is not older than its age has no exit.
2. In the grace period the exit pays for the commission, and is the nearest tick that does.
3. After it the exit is never further from the entry than the tolerated loss, and less than a tick nearer.
4. With time the phase only goes on, and the exit only moves to where it fills more surely.
5. At the maximum loss the position is closed at market, and not before.
6. Only the age counts, not the moment.
7. Nothing is placed while an exit may still rest, so that two never add up to more than the position.
8. What is placed or amended is for the size at hand, at the wanted price.
9. Asked again and again, the exit that is wanted comes to rest, alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from messages.state import AgedPhase
from messages.values import ZERO, Price, Quantity, Side
from rules.pnl import breakeven_price
from rules.rounding import percent_of, round_stop

_MS_AN_HOUR: Final = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AgedPolicy:
    """Settings of S11; percents are of the entry price.

    Attributes:
        max_age_hours: A position older than this is aged.
        grace_hours: For so long after that the exit rests at breakeven.
        loss_step_percent: Tolerated for each hour beyond the grace period, parts of hours in proportion.
        max_loss_percent: The most that is tolerated; once it is reached the position is closed at market.
        acceleration: Times the tolerated loss ``accelerated_after_hours`` beyond the grace period.
        check_every_ms: How often the exit follows the schedule.
    """

    max_age_hours: Decimal | int = 3
    grace_hours: Decimal | int = 8
    loss_step_percent: Decimal = Decimal("0.5")
    max_loss_percent: Decimal = Decimal("10.0")
    acceleration: Decimal = Decimal("1.2")
    accelerated_after_hours: int = 10
    check_every_ms: int = _MS_AN_HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class AgedExit:
    """Where an old position is let go.

    Attributes:
        tolerated_percent: The loss that is put up with.
        limit_price: Of the exit; ``None`` when there is to be none: not yet, or no more, as it is closed at market.
    """

    phase: AgedPhase
    tolerated_percent: Decimal
    limit_price: Price | None


def aged_exit(
    *,
    side: Side,
    entry_price: Price,
    opened_ms: int,
    now_ms: int,
    commission_percent: Decimal,
    tick: Price,
    policy: AgedPolicy,
) -> AgedExit:
    """The exit of a position that was opened at ``opened_ms``, as it should be at ``now_ms``."""
    aged_ms = now_ms - opened_ms - policy.max_age_hours * _MS_AN_HOUR
    if aged_ms <= 0:
        return AgedExit(phase=AgedPhase.YOUNG, tolerated_percent=ZERO, limit_price=None)
    beyond_ms = aged_ms - policy.grace_hours * _MS_AN_HOUR
    if beyond_ms <= 0:
        price = breakeven_price(side=side, entry_price=entry_price, commission_percent=commission_percent, tick=tick)
        return AgedExit(phase=AgedPhase.GRACE, tolerated_percent=ZERO, limit_price=price)
    tolerated = _tolerated_percent(beyond_ms, policy)
    if tolerated >= policy.max_loss_percent:
        return AgedExit(phase=AgedPhase.EMERGENCY, tolerated_percent=policy.max_loss_percent, limit_price=None)
    loss = percent_of(entry_price, tolerated)
    price = entry_price - loss if side is Side.LONG else entry_price + loss
    # Rounded as a stop is: towards the smaller loss.
    return AgedExit(
        phase=AgedPhase.PROGRESSIVE, tolerated_percent=tolerated, limit_price=round_stop(price, tick=tick, side=side)
    )


def _tolerated_percent(beyond_ms: Decimal | int, policy: AgedPolicy) -> Decimal:
    step = policy.loss_step_percent
    if beyond_ms > policy.accelerated_after_hours * _MS_AN_HOUR:
        step *= policy.acceleration
    # Divided last: a third of an hour has no end in decimals, and the maximum must be reached on the millisecond.
    return step * beyond_ms / _MS_AN_HOUR


# --- from the exit that rests to the one that is wanted ---------------------------------------------------------------


class ExitStep(StrEnum):
    """What to do next about the resting exit."""

    LEAVE = "leave"
    PLACE = "place"
    AMEND = "amend"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestingExit:
    """An exit that rests, or may still rest, at the venue.

    Attributes:
        quantity: What of it has not filled.
        settled: No request about it is under way or without an answer.
    """

    price: Price
    quantity: Quantity
    settled: bool


def next_exit_step(
    *, resting: Sequence[RestingExit], wanted_price: Price | None, quantity: Quantity, can_amend: bool
) -> ExitStep:
    """The one step towards an exit of ``quantity`` at ``wanted_price``, or towards none; then ask again.

    ``resting`` are the exits that are not proven gone. AMEND and CANCEL are about the first settled one.
    """
    if not resting:
        return ExitStep.LEAVE if wanted_price is None or quantity <= ZERO else ExitStep.PLACE
    settled = [each for each in resting if each.settled]
    if not settled:
        return ExitStep.LEAVE
    if wanted_price is None or quantity <= ZERO or len(resting) > 1:
        return ExitStep.CANCEL
    if (settled[0].price, settled[0].quantity) == (wanted_price, quantity):
        return ExitStep.LEAVE
    return ExitStep.AMEND if can_amend else ExitStep.CANCEL
