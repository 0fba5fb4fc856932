"""F16: a cancel is refused for ever.

Fails without the question after the tries (``_cancel_refused``, ``_cancel_leftover``), and without the growing wait.
"""

from decimal import Decimal

import pytest
from sqlalchemy import select

from adapters.simulator.fault_script import EventType, FaultAction, FaultRule, RequestType
from adapters.simulator.profiles import Profile
from messages.values import OrderPurpose, Side
from messages.venue import CancelOrder, OrderAccepted, RejectReason
from persistence import tables
from rules.position_case import PositionPolicies
from rules.position_draft import spec_of
from rules.trailing import TrailingPolicy
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import (
    BOTH_SIDES,
    EVERY_PROFILE,
    ON_PAPER,
    a_world,
    at,
    figure,
    open_a,
    open_quantity,
    stops_of,
)
from tests.scenarios.test_f08_close_rejected import close_it
from tests.scenarios.world import World

TRAILING = PositionPolicies(trailing=TrailingPolicy(min_update_interval_s=5, min_improvement_percent=Decimal("0.01")))
FAULTY_S = 1_200.0
REFUSED = pytest.mark.parametrize("reason", [RejectReason.OTHER, RejectReason.NOT_FOUND])


def refused(reason: RejectReason) -> FaultRule:
    return FaultRule(action=FaultAction.REJECT, requests=(RequestType.CANCEL,), reason=reason, until_s=FAULTY_S)


def cancels(world: World) -> dict[str, list[int]]:
    """When each order was asked to be cancelled, by its client order id."""
    with world.store.reading() as connection:
        rows = connection.execute(select(tables.order_audit_log)).mappings()
        asked = [(row["intent_id"], row["requested_ms"]) for row in rows if row["operation"] == "CancelOrder"]
    times: dict[str, list[int]] = {}
    for intent_id, at_ms in asked:
        times.setdefault(str(intent_id).partition(".")[0], []).append(at_ms)
    return times


def in_the_first_minute(times: list[int]) -> int:
    return sum(at_ms - times[0] < 60_000 for at_ms in times)


@EVERY_PROFILE
@BOTH_SIDES
@REFUSED
def test_take_profits_that_cannot_be_cancelled_are_not_asked_for_in_a_storm(
    profile: Profile, side: Side, reason: RejectReason
) -> None:
    """The position is closed by hand, its take profits stay where the venue leaves them, and no cancel succeeds."""
    world = a_world(profile, refused(reason))
    open_a(side, world, for_s=20)
    close_it(world)
    world.run_for(FAULTY_S)
    for times in cancels(world).values():
        assert in_the_first_minute(times) <= 3
        assert len(times) <= 8
    world.run_for(700)
    assert open_quantity(world) == 0
    assert world.account().orders == ()
    assert_postcondition_c(world, interrupted=True)


@ON_PAPER
@BOTH_SIDES
def test_a_cancel_that_never_reached_the_venue_was_not_refused_and_is_sent_again_soon(
    profile: Profile, side: Side
) -> None:
    """The venue cannot be reached for half a minute; what rests there without need does so for no longer."""
    away = FaultRule(
        action=FaultAction.REJECT, requests=(RequestType.CANCEL,), reason=RejectReason.NOT_SENT, until_s=60
    )
    world = a_world(profile, away)
    open_a(side, world, for_s=20)
    close_it(world)
    world.run_for(50)
    assert world.account().orders == ()
    assert_postcondition_c(world, interrupted=True)


@EVERY_PROFILE
@BOTH_SIDES
def test_an_order_that_is_gone_already_is_taken_for_gone_when_its_cancel_is_refused(
    profile: Profile, side: Side
) -> None:
    """The venue took the order away and told nobody; every cancel answers that it cannot be done."""
    silence = FaultRule(action=FaultAction.EVENT_LOST, events=(EventType.ORDER,), from_s=20, until_s=FAULTY_S)
    world = a_world(profile, refused(RejectReason.OTHER), silence)
    open_a(side, world, for_s=25)
    for order in world.account().orders:
        assert isinstance(world.exchange.by_hand(CancelOrder(order=spec_of(order, OrderPurpose.STOP))), OrderAccepted)
    close_it(world)
    world.run_for(60)
    assert all(len(times) <= 3 for times in cancels(world).values())
    assert_postcondition_c(world, interrupted=True)
    open_a(side, world, for_s=30)
    assert open_quantity(world) > 0, "the symbol is free again"


@EVERY_PROFILE
@BOTH_SIDES
@REFUSED
def test_trailing_goes_on_or_waits_while_no_stop_can_be_cancelled(
    profile: Profile, side: Side, reason: RejectReason
) -> None:
    world = a_world(profile, refused(reason), policies=TRAILING)
    open_a(side, world, for_s=20)
    before = figure(world, "unprotected_seconds")
    for price in range(42_640, 43_060, 60):
        world.price(at(side, price))
        world.run_for(30)
    assert figure(world, "unprotected_seconds") == before
    for times in cancels(world).values():
        assert in_the_first_minute(times) <= 3
    assert stops_of(world)
    world.run_for(FAULTY_S + 500)
    assert len(stops_of(world)) == 1
    assert_postcondition_c(world, interrupted=True)
