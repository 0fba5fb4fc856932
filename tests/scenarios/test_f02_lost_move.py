"""F2: trailing is active, and the requests that move the stop are really lost."""

from decimal import Decimal

import pytest

from adapters.simulator.fault_script import EventType, FaultAction, FaultRule, RequestType
from adapters.simulator.profiles import Profile
from messages.values import OrderPurpose, Side
from rules.position_case import PositionPolicies
from rules.trailing import TrailingPolicy
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import (
    BOTH_SIDES,
    EVERY_PROFILE,
    ONE_STOP_AT_A_TIME,
    a_world,
    alerts,
    at,
    figure,
    open_a,
    open_quantity,
    profiles_where,
    stops_of,
)
from tests.scenarios.world import World

OPENED_S = 40
"""When the move begins, counted from the exchange's start; everything before it goes well."""


def lost(action: FaultAction, *requests: RequestType, count: int | None) -> FaultRule:
    return FaultRule(
        action=action,
        requests=requests,
        purposes=(OrderPurpose.STOP,),
        count=count,
        from_s=OPENED_S,
        until_s=OPENED_S + 60,
    )


def a_trailing_position(profile: Profile, side: Side, *rules: FaultRule) -> World:
    """Opened, protected, and about to move its stop at ``OPENED_S``."""
    world = a_world(profile, *rules)
    open_a(side, world, for_s=OPENED_S - 2)
    assert len(stops_of(world)) == 1
    return world


def never_naked(profile: Profile) -> bool:
    return profile.capabilities.amend_stop or profile.capabilities.two_stops


LOSSES = pytest.mark.parametrize("action", [FaultAction.LOST_REQUEST, FaultAction.LOST_ANSWER])


@EVERY_PROFILE
@BOTH_SIDES
@LOSSES
def test_three_lost_requests_to_move_the_stop_leave_it_protected(
    profile: Profile, side: Side, action: FaultAction
) -> None:
    moving = RequestType.AMEND if profile.capabilities.amend_stop else RequestType.PLACE
    world = a_trailing_position(profile, side, lost(action, moving, count=3))
    before_s = figure(world, "unprotected_seconds")
    world.price(at(side, 42_520))
    world.run_for(30)

    window_s = figure(world, "unprotected_seconds") - before_s
    assert window_s <= (0 if never_naked(profile) else 1.0)
    assert len(alerts(world)) <= 1
    if open_quantity(world):
        assert [stop.trigger_price for stop in stops_of(world)] == [Decimal(42_308 if side is Side.LONG else 41_687)]
    else:
        assert not never_naked(profile)
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
@LOSSES
def test_requests_to_move_the_stop_that_are_lost_for_a_minute_never_cost_the_protection(
    profile: Profile, side: Side, action: FaultAction
) -> None:
    """Where only one stop may rest and none can be amended, the position is out at market within a second instead."""
    moving = (RequestType.AMEND, RequestType.PLACE, RequestType.CANCEL)
    world = a_trailing_position(profile, side, lost(action, *moving, count=None))
    before_s = figure(world, "unprotected_seconds")
    world.price(at(side, 42_520))
    world.run_for(150)
    window_s = figure(world, "unprotected_seconds") - before_s
    assert window_s <= (0 if never_naked(profile) else 1.0)
    assert len(alerts(world)) <= 1
    assert_postcondition_c(world)


@ONE_STOP_AT_A_TIME
@BOTH_SIDES
def test_without_a_second_stop_a_cancel_that_went_through_and_a_create_that_is_lost_end_within_a_second(
    profile: Profile, side: Side
) -> None:
    world = a_trailing_position(profile, side, lost(FaultAction.LOST_REQUEST, RequestType.PLACE, count=None))
    before_s = figure(world, "unprotected_seconds")
    world.price(at(side, 42_520))
    world.run_for(30)
    assert 0 < figure(world, "unprotected_seconds") - before_s <= 1.0
    assert open_quantity(world) == 0
    assert len(alerts(world)) == 1
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
def test_a_move_that_arrives_after_it_was_given_up_leaves_one_stop(profile: Profile, side: Side) -> None:
    """The requests are slow, not lost: each reaches the venue seven seconds late."""
    slow = FaultRule(
        action=FaultAction.LATE_EXECUTION,
        requests=(RequestType.AMEND, RequestType.PLACE),
        purposes=(OrderPurpose.STOP,),
        from_s=OPENED_S,
        until_s=OPENED_S + 5,
        delay_s=7.0,
    )
    late_events = FaultRule(
        action=FaultAction.EVENT_LATE, events=(EventType.ORDER,), from_s=OPENED_S, until_s=OPENED_S + 20, delay_s=2.0
    )
    world = a_trailing_position(profile, side, slow, late_events)
    before_s = figure(world, "unprotected_seconds")
    world.price(at(side, 42_520))
    world.run_for(90)
    assert figure(world, "unprotected_seconds") - before_s <= (0 if never_naked(profile) else 1.0)
    assert figure(world, "worst_over_cover_seconds") <= 5
    assert_postcondition_c(world)


@profiles_where(lambda profile: profile.capabilities.amend_stop)
@BOTH_SIDES
def test_a_move_that_the_next_one_has_overtaken_is_not_sent_again(profile: Profile, side: Side) -> None:
    """Its answer is late and its event is not: repeated, it would take the stop back to where the next one left it."""
    late = FaultRule(action=FaultAction.LATE_ANSWER, requests=(RequestType.AMEND,), delay_s=4.0)
    often = PositionPolicies(trailing=TrailingPolicy(min_update_interval_s=1, min_improvement_percent=Decimal("0.01")))
    world = a_world(profile, late, policies=often)
    open_a(side, world, for_s=5)
    world.price(at(side, 42_440))
    world.run_for(8)
    seen: list[Decimal] = []
    for price in (42_640, 42_800, 42_950, 43_100):
        world.price(at(side, price))
        for _ in range(45):
            world.run_for(0.05)
            seen += [stop.trigger_price for stop in stops_of(world) if stop.trigger_price is not None]
    assert len(set(seen)) >= 4
    assert seen == sorted(seen, reverse=side is Side.SHORT)
    assert "stop_moved_by_hand" not in world.kinds(), "an old answer is not taken for how the stop is now"
    world.run_for(60)
    assert_postcondition_c(world)
