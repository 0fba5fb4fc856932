"""F8: a close by hand is rejected, or what became of it is not known.

Fails without the pursuit of a decided close (``plan_close``), without the re-arming of a stop during it
(``close_attempts`` in ``plan_stop``), and without what is told of the reading after a refusal.
"""

from decimal import Decimal

import pytest

from adapters.simulator.fault_script import EventType, FaultAction, FaultRule, RequestType
from adapters.simulator.profiles import Profile
from messages.journal import Severity
from messages.positions import ClosePosition
from messages.state import CloseReason
from messages.values import OrderPurpose, PositionKey, Side
from messages.venue import RejectReason
from rules.rounding import exit_side
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import BOTH_SIDES, EVERY_PROFILE, a_world, alerts, figure, fills_of, open_a, open_quantity
from tests.scenarios.test_f01_lost_answer import cancel_stop_by_hand
from tests.scenarios.world import BTC, World

PROTECTED_AGAIN_S = 2.0
"""Noticing that a stop is gone takes a reading; placing it a round trip."""

NO_EVENTS = FaultRule(action=FaultAction.EVENT_LOST, from_s=20, until_s=50)


def on_closes(action: FaultAction, *, count: int | None = 1, **figures: object) -> FaultRule:
    return FaultRule(
        action=action,
        requests=(RequestType.PLACE,),
        purposes=(OrderPurpose.CLOSE,),
        count=count,
        **figures,  # type: ignore[arg-type] # the fields of a rule, which its constructor checks
    )


def close_it(world: World) -> None:
    """An operator closes the position."""
    assert world.process is not None
    desk = world.process.system.find(f"exchange/{world.venue}/desk")
    assert desk is not None
    desk.tell(ClosePosition(key=PositionKey(venue=world.venue, symbol=BTC), reason=CloseReason.OPERATOR))


def closed_quantity(world: World, side: Side) -> Decimal:
    return sum((fill.quantity for fill in fills_of(world, exit_side(side))), Decimal(0))


def assert_closed_once(world: World, side: Side, opened: Decimal) -> None:
    assert open_quantity(world) == 0
    assert closed_quantity(world, side) == opened
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
@pytest.mark.parametrize(
    ("reason", "refusals"),
    [(RejectReason.SIZE, 1), (RejectReason.INSUFFICIENT_MARGIN, 1), (RejectReason.OTHER, 3)],
)
def test_a_rejected_close_is_pursued_under_the_stop(
    profile: Profile, side: Side, reason: RejectReason, refusals: int
) -> None:
    world = a_world(profile, on_closes(FaultAction.REJECT, count=refusals, reason=reason))
    open_a(side, world, for_s=20)
    opened, before = open_quantity(world), figure(world, "unprotected_seconds")
    close_it(world)
    world.run_for(60)
    assert figure(world, "unprotected_seconds") == before
    assert_closed_once(world, side, opened)


@EVERY_PROFILE
@BOTH_SIDES
@pytest.mark.parametrize(
    "rules",
    [
        (on_closes(FaultAction.LOST_ANSWER),),
        (on_closes(FaultAction.LOST_ANSWER, count=3), NO_EVENTS),
        (on_closes(FaultAction.LOST_REQUEST),),
        (on_closes(FaultAction.LATE_ANSWER, delay_s=12.0),),
        (on_closes(FaultAction.LATE_EXECUTION, delay_s=3.0),),
        (on_closes(FaultAction.MAINTENANCE),),
        (on_closes(FaultAction.MAINTENANCE, executed=True), NO_EVENTS),
        (on_closes(FaultAction.MAINTENANCE, executed=True, count=3),),
    ],
    ids=["answer lost", "3 answers lost", "request lost", "answer late", "late", "503", "503 done", "3 503 done"],
)
def test_a_close_of_which_nothing_is_known_closes_once(
    profile: Profile, side: Side, rules: tuple[FaultRule, ...]
) -> None:
    world = a_world(profile, *rules)
    open_a(side, world, for_s=20)
    opened, before = open_quantity(world), figure(world, "unprotected_seconds")
    close_it(world)
    world.run_for(75)
    assert figure(world, "unprotected_seconds") == before
    assert_closed_once(world, side, opened)


@EVERY_PROFILE
@BOTH_SIDES
def test_a_stop_that_is_gone_when_the_close_is_refused_is_placed_again(profile: Profile, side: Side) -> None:
    """Nobody is told that the stop is gone: only looking for it after the refusal shows it."""
    rules = (
        on_closes(FaultAction.REJECT, count=None, reason=RejectReason.OTHER, until_s=80.0),
        FaultRule(action=FaultAction.EVENT_LOST, events=(EventType.ORDER, EventType.POSITION), from_s=20, until_s=80),
    )
    world = a_world(profile, *rules)
    open_a(side, world, for_s=25)
    opened, before = open_quantity(world), figure(world, "unprotected_seconds")
    cancel_stop_by_hand(world)
    close_it(world)
    world.run_for(20)
    assert figure(world, "unprotected_seconds") - before <= PROTECTED_AGAIN_S
    assert figure(world, "positions_uncovered_now") == 0
    assert alerts(world), "a close is refused and nothing protects"
    world.run_for(130)
    assert_closed_once(world, side, opened)


@EVERY_PROFILE
@BOTH_SIDES
def test_what_is_told_of_a_refused_close_is_what_the_venue_showed(profile: Profile, side: Side) -> None:
    world = a_world(profile, on_closes(FaultAction.REJECT, reason=RejectReason.SIZE))
    open_a(side, world, for_s=20)
    close_it(world)
    world.run_for(30)
    (refused,) = [event for event in world.events if event.kind == "close_refused"]
    checked = [event for event in world.events if event.kind == "protection_checked"]
    assert refused.severity is Severity.ERROR
    assert dict(checked[0].data)["stop"] != "none"
    assert checked[0].at_ms - refused.at_ms <= 1_000
    assert_postcondition_c(world)
