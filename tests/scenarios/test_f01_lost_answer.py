"""F1: the answer to a stop is lost, though the venue accepted it; its event comes late."""

import pytest

from adapters.simulator.fault_script import EventType, FaultAction, FaultRule, RequestType
from adapters.simulator.profiles import Profile
from messages.orders import OrderSpec
from messages.values import ClientOrderId, OrderKind, OrderPurpose, OrderSide, Side
from messages.venue import CancelOrder, OrderAccepted, PlaceOrder
from rules.rounding import entry_side
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import (
    BOTH_SIDES,
    EVERY_PROFILE,
    a_world,
    alerts,
    at,
    figure,
    fills_of,
    open_a,
    placed_ids,
    profits_of,
    stops_of,
)
from tests.scenarios.world import BTC, World

EVENTS_LATE = FaultRule(action=FaultAction.EVENT_LATE, events=(EventType.ORDER,), delay_s=2.0)
FIRST_WINDOW_S = 0.5
"""Where the stop cannot come with the entry: two round trips, of at most 40 ms each, and room for a second try."""


def lost_answer(
    *purposes: OrderPurpose, count: int = 1, requests: tuple[RequestType, ...] = (RequestType.PLACE,)
) -> FaultRule:
    return FaultRule(action=FaultAction.LOST_ANSWER, requests=requests, purposes=purposes, count=count)


def assert_one_stop_under_one_id(world: World) -> None:
    """Never two live stops, and the retries carried the id of the first try."""
    assert len(stops_of(world)) == 1
    assert figure(world, "worst_over_cover_seconds") == 0
    assert figure(world, "duplicate_orders") == 0
    assert len(set(placed_ids(world, OrderPurpose.STOP))) <= 1
    assert "stop_failed" not in world.kinds(), "that the id is taken counts as success"
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
@pytest.mark.parametrize("lost", [1, 3])
def test_a_stop_whose_answers_are_lost_is_there_once(profile: Profile, side: Side, lost: int) -> None:
    """Where the stop comes with the entry, it is the entry's answer that is lost."""
    attached = profile.capabilities.attach_stop_to_entry
    purpose = OrderPurpose.ENTRY if attached else OrderPurpose.STOP
    world = a_world(profile, lost_answer(purpose, count=lost), EVENTS_LATE)
    open_a(side, world, for_s=40)
    assert len(fills_of(world)) == 1
    assert figure(world, "worst_window_seconds") <= (0 if attached else FIRST_WINDOW_S)
    assert_one_stop_under_one_id(world)
    assert world.account().positions[0].quantity == fills_of(world)[0].quantity


@EVERY_PROFILE
@BOTH_SIDES
def test_the_stop_of_an_adopted_position_whose_answer_is_lost_is_there_once(profile: Profile, side: Side) -> None:
    world = a_world(profile, lost_answer(OrderPurpose.STOP), EVENTS_LATE)
    buy_by_hand(world, side)
    world.run_for(130)
    assert_one_stop_under_one_id(world)
    assert len(placed_ids(world, OrderPurpose.STOP)) >= 1


@EVERY_PROFILE
@BOTH_SIDES
def test_a_stop_taken_away_by_hand_is_placed_again_once_though_the_answer_is_lost(profile: Profile, side: Side) -> None:
    world = a_world(profile, lost_answer(OrderPurpose.STOP, count=2))
    open_a(side, world, for_s=20)
    before = figure(world, "unprotected_seconds")
    cancel_stop_by_hand(world)
    world.run_for(40)
    assert figure(world, "unprotected_seconds") - before <= FIRST_WINDOW_S
    assert len(stops_of(world)) == 1
    assert figure(world, "worst_over_cover_seconds") == 0
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
@pytest.mark.parametrize("lost", [1, 3])
def test_a_take_profit_whose_answer_is_lost_is_there_once(profile: Profile, side: Side, lost: int) -> None:
    purposes = (OrderPurpose.TAKE_PROFIT_1, OrderPurpose.TAKE_PROFIT_2)
    world = a_world(profile, lost_answer(*purposes, count=lost), EVENTS_LATE)
    open_a(side, world, for_s=60)
    assert len(profits_of(world)) == 2
    assert_one_stop_under_one_id(world)
    assert not alerts(world)


@EVERY_PROFILE
@BOTH_SIDES
@pytest.mark.parametrize("request_type", [RequestType.AMEND, RequestType.PLACE, RequestType.CANCEL])
def test_a_move_whose_answer_is_lost_moves_once(profile: Profile, side: Side, request_type: RequestType) -> None:
    world = a_world(profile, lost_answer(OrderPurpose.STOP, requests=(request_type,)), EVENTS_LATE)
    open_a(side, world, for_s=70)
    world.price(at(side, 42_500))
    world.run_for(40)
    assert [stop.trigger_price for stop in stops_of(world)] == [at(side, 42_042)]
    assert figure(world, "worst_over_cover_seconds") <= 5
    assert_postcondition_c(world)


def buy_by_hand(world: World, side: Side) -> None:
    """Somebody opens a position past us."""
    spec = OrderSpec(
        client_order_id=ClientOrderId("byhand1"),
        symbol=BTC,
        side=OrderSide(entry_side(side)),
        kind=OrderKind.MARKET,
        purpose=OrderPurpose.ENTRY,
        quantity=world.size_usd / 42_000,
    )
    assert isinstance(world.exchange.by_hand(PlaceOrder(order=spec)), OrderAccepted)


def cancel_stop_by_hand(world: World) -> None:
    """Somebody takes the stop away."""
    stop = stops_of(world)[0]
    spec = OrderSpec(
        client_order_id=stop.client_order_id or ClientOrderId("unknown"),
        venue_order_id=stop.venue_order_id,
        symbol=stop.symbol,
        side=stop.side,
        kind=stop.kind,
        purpose=OrderPurpose.STOP,
        quantity=stop.quantity,
        reduce_only=True,
    )
    assert isinstance(world.exchange.by_hand(CancelOrder(order=spec)), OrderAccepted)
