"""F6: the price goes through the planned stop before the stop is there."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from itertools import count

import pytest

from adapters.simulator.fault_script import FaultAction, FaultRule, RequestType
from adapters.simulator.profiles import Profile
from messages.state import CloseReason
from messages.values import OrderKind, OrderPurpose, Side
from messages.venue import RejectReason
from persistence.queries import Queries
from rules.rounding import exit_side
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import (
    BOTH_SIDES,
    EVERY_PROFILE,
    STOP_AFTER_ENTRY,
    a_world,
    alerts,
    figure,
    fills_of,
    open_a,
    open_quantity,
    placed_ids,
)
from tests.scenarios.test_f01_lost_answer import cancel_stop_by_hand
from tests.scenarios.test_f08_close_rejected import close_it
from tests.scenarios.world import BTC, World

REQUESTS_BEFORE_AN_ENTRY = 2
"""Leverage, and the account that must be clean."""
ROUND_TRIP_S = 0.04
"""The longest way there and back in these worlds."""


def gap_when(world: World, side: Side, boundary: str, due: Callable[[], bool]) -> None:
    """Let the price jump 2.5 % against ``side``, once, at the first ``boundary`` at which it is ``due``."""
    jump = Decimal("-2.5") if side is Side.LONG else Decimal("2.5")

    def passed(name: str) -> None:
        if name == boundary and due():
            world.boundary = None
            world.exchange.gap(BTC, jump)

    world.boundary = passed


def gap_after_the_fill(world: World, side: Side) -> None:
    """Let the price jump through the planned stop the moment that the entry has filled."""
    gap_when(world, side, "request_executed", lambda: open_quantity(world) > 0)


def refused_closes(reason: RejectReason, count: int | None, *kinds: OrderKind) -> FaultRule:
    return FaultRule(
        action=FaultAction.REJECT,
        requests=(RequestType.PLACE,),
        purposes=(OrderPurpose.CLOSE,),
        kinds=kinds,
        reason=reason,
        count=count,
    )


def closed_because(world: World) -> list[CloseReason | None]:
    return [position.close_reason for position in Queries(world.store).closed_positions()]


@EVERY_PROFILE
@BOTH_SIDES
def test_a_price_past_the_stop_closes_at_market_within_a_round_trip(profile: Profile, side: Side) -> None:
    world = a_world(profile)
    gap_after_the_fill(world, side)
    open_a(side, world, for_s=10)
    assert world.boundary is None, "the price did jump"
    assert open_quantity(world) == 0
    attached = profile.capabilities.attach_stop_to_entry
    # The entry's answer, the refused stop, the close: half a round trip, one, and half a one; and 100 ms.
    assert figure(world, "worst_window_seconds") <= (0 if attached else 2 * ROUND_TRIP_S + 0.1)
    assert closed_because(world) == [CloseReason.STOP_LOSS if attached else CloseReason.STOP_WOULD_TRIGGER]
    assert_postcondition_c(world)


@STOP_AFTER_ENTRY
@BOTH_SIDES
@pytest.mark.parametrize(
    ("reason", "refusals"),
    [(RejectReason.PRICE_BAND, 1), (RejectReason.PRICE_BAND, 2), (RejectReason.SIZE, 1), (RejectReason.OTHER, 3)],
)
def test_a_refused_close_is_tried_otherwise_and_escalated(
    profile: Profile, side: Side, reason: RejectReason, refusals: int
) -> None:
    world = a_world(profile, refused_closes(reason, refusals))
    gap_after_the_fill(world, side)
    open_a(side, world, for_s=20)
    assert open_quantity(world) == 0
    assert figure(world, "worst_window_seconds") <= 2.0
    assert alerts(world), "a close that was refused while nothing protects is told at the highest level"
    assert_postcondition_c(world)


@STOP_AFTER_ENTRY
@BOTH_SIDES
def test_market_closes_that_are_refused_for_good_end_in_a_limit_order_inside_the_band(
    profile: Profile, side: Side
) -> None:
    world = a_world(profile, refused_closes(RejectReason.PRICE_BAND, None, OrderKind.MARKET), band=Decimal(1))
    gap_after_the_fill(world, side)
    open_a(side, world, for_s=20)
    assert open_quantity(world) == 0
    assert figure(world, "worst_window_seconds") <= 2.0
    assert_postcondition_c(world)


@STOP_AFTER_ENTRY
@BOTH_SIDES
def test_closes_that_are_refused_for_a_while_are_pursued_and_a_stop_comes_back(profile: Profile, side: Side) -> None:
    """Nothing can be closed for ten seconds: meanwhile a stop stands, counted from the price as it is."""
    rule = FaultRule(
        action=FaultAction.REJECT,
        requests=(RequestType.PLACE,),
        purposes=(OrderPurpose.CLOSE,),
        reason=RejectReason.OTHER,
        until_s=12.0,
    )
    world = a_world(profile, rule)
    gap_after_the_fill(world, side)
    open_a(side, world, for_s=60)
    assert open_quantity(world) == 0
    assert figure(world, "worst_window_seconds") <= 2.0
    assert alerts(world)
    assert_postcondition_c(world)


@STOP_AFTER_ENTRY
@BOTH_SIDES
def test_a_stop_that_would_trigger_is_not_asked_for_again_and_again(profile: Profile, side: Side) -> None:
    """No tick has told of the gap yet: that the venue refuses the stop says where the price is by now."""
    world = a_world(profile, refused_closes(RejectReason.PRICE_BAND, 1))
    gap_after_the_fill(world, side)
    open_a(side, world, for_s=20)
    assert open_quantity(world) == 0
    assert len(placed_ids(world, OrderPurpose.STOP)) <= 4
    assert figure(world, "worst_window_seconds") <= 0.3
    assert_postcondition_c(world)


@STOP_AFTER_ENTRY
@BOTH_SIDES
def test_a_stop_and_a_close_that_are_refused_for_ever_make_no_storm(profile: Profile, side: Side) -> None:
    nothing_is_taken = FaultRule(
        action=FaultAction.REJECT,
        requests=(RequestType.PLACE,),
        purposes=(OrderPurpose.STOP, OrderPurpose.CLOSE),
        reason=RejectReason.OTHER,
        from_s=20,
        until_s=80,
    )
    world = a_world(profile, nothing_is_taken)
    open_a(side, world, for_s=22)
    cancel_stop_by_hand(world)
    world.run_for(50)
    assert len(placed_ids(world, OrderPurpose.STOP)) <= 60
    assert len(placed_ids(world, OrderPurpose.CLOSE)) <= 20
    assert sum(event.kind == "close_overdue" for event in alerts(world)) >= 1
    world.run_for(60)
    assert open_quantity(world) == 0
    assert_postcondition_c(world)


@STOP_AFTER_ENTRY
@BOTH_SIDES
def test_a_close_is_cut_into_slices_where_the_venue_takes_no_more_at_once(profile: Profile, side: Side) -> None:
    """The venue refuses whatever is larger than a fifth of the position, and has not said so yet."""
    world = a_world(profile)
    open_a(side, world, for_s=20)
    opened = open_quantity(world)
    engine = world.exchange.engine
    engine.set_instrument(
        replace(engine.state.instruments[BTC], max_market_quantity=opened / 5, max_quantity=opened / 5)
    )
    close_it(world)
    world.run_for(60)
    closes = [fill.quantity for fill in fills_of(world, exit_side(side))]
    assert open_quantity(world) == 0
    assert max(closes) <= opened / 5
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
def test_a_gap_before_the_entry_arrives_leaves_nothing_without_a_stop(profile: Profile, side: Side) -> None:
    """Where the stop comes with the entry, the venue refuses both; elsewhere the stop follows the drift (S6.4)."""
    world = a_world(profile)
    arrivals = count(1)
    gap_when(world, side, "request_arrived", lambda: next(arrivals) == REQUESTS_BEFORE_AN_ENTRY + 1)
    open_a(side, world, for_s=20)
    assert world.boundary is None
    assert figure(world, "worst_window_seconds") <= 2 * ROUND_TRIP_S + 0.1
    assert len(placed_ids(world, OrderPurpose.ENTRY)) <= 1
    assert_postcondition_c(world)
