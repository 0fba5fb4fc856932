"""F17: the venue refuses a reduce-only order, because the levels add up to more than the position.

Fails without the planning anew (``_replanned`` in ``position_plan_exit``): the levels keep their old sizes.
"""

from decimal import Decimal

import pytest

from adapters.simulator.fault_script import EventType, FaultAction, FaultRule, RequestType
from adapters.simulator.paper import PaperExchange
from adapters.simulator.profiles import Profile
from messages.orders import OrderSpec
from messages.values import ClientOrderId, OrderKind, OrderPurpose, OrderSide, Side
from messages.venue import OrderAccepted, PlaceOrder, RejectReason
from rules.rounding import exit_side
from tests.scenarios.plants import WatchedCalls
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import (
    BOTH_SIDES,
    EVERY_PROFILE,
    a_world,
    at,
    figure,
    open_a,
    open_quantity,
    profits_of,
    stops_of,
)
from tests.scenarios.test_f08_close_rejected import close_it
from tests.scenarios.world import BTC, World

PROFITS = (OrderPurpose.TAKE_PROFIT_1, OrderPurpose.TAKE_PROFIT_2)
FITS_WITHIN_S = 20
"""Three tries, 5 s apart."""
SENT_S = 60
"""Longer than a take profit waits for its next try, twice."""


def refusing(
    *purposes: OrderPurpose, count: int, requests: tuple[RequestType, ...] = (RequestType.PLACE,)
) -> FaultRule:
    return FaultRule(
        action=FaultAction.REJECT,
        requests=requests,
        purposes=purposes,
        reason=RejectReason.REDUCE_ONLY_REFUSED,
        text="-2022 ReduceOnly Order is rejected",
        count=count,
    )


def a_watched_world(profile: Profile, *rules: FaultRule) -> tuple[World, list[WatchedCalls]]:
    """A world, and the clients that it sends through."""
    clients: list[WatchedCalls] = []

    def connect(exchange: PaperExchange) -> WatchedCalls:
        clients.append(WatchedCalls(exchange))
        return clients[-1]

    return a_world(profile, *rules, connect=connect), clients


def halve_by_hand(world: World, side: Side) -> None:
    """Somebody closes half of it past us."""
    spec = OrderSpec(
        client_order_id=ClientOrderId("byhand1"),
        symbol=BTC,
        side=OrderSide(exit_side(side)),
        kind=OrderKind.MARKET,
        purpose=OrderPurpose.CLOSE,
        quantity=open_quantity(world) / 2,
        reduce_only=True,
    )
    assert isinstance(world.exchange.by_hand(PlaceOrder(order=spec)), OrderAccepted)


@EVERY_PROFILE
@BOTH_SIDES
@pytest.mark.parametrize("count", [1, 3])
def test_take_profits_that_are_refused_are_planned_from_the_position_as_it_is(
    profile: Profile, side: Side, count: int
) -> None:
    """Half of it was closed by hand, nobody is told of it, and the levels no longer fit."""
    silence = FaultRule(
        action=FaultAction.EVENT_LOST,
        events=(EventType.ORDER, EventType.FILL, EventType.POSITION),
        from_s=3,
        until_s=50,
    )
    world, clients = a_watched_world(profile, refusing(*PROFITS, count=count), silence)
    world.boundary = lambda name: halve_once(world, side, name)
    open_a(side, world, for_s=FITS_WITHIN_S)
    remaining = open_quantity(world)
    assert remaining == Decimal("0.005")
    planned = sum((order.quantity or Decimal(0) for order in profits_of(world)), Decimal(0))
    assert planned == remaining, "the refusal is reason enough to read the position; the next reading is a minute away"
    world.run_for(SENT_S + 70)
    assert sum((order.quantity or Decimal(0) for order in profits_of(world)), Decimal(0)) == remaining
    assert_only_entries_open(clients)
    assert_postcondition_c(world)


def halve_once(world: World, side: Side, boundary: str) -> None:
    """At the moment that the first request under a working stop arrives: a take profit for the whole of it."""
    if boundary == "request_arrived" and stops_of(world):
        world.boundary = None
        halve_by_hand(world, side)


def assert_only_entries_open(clients: list[WatchedCalls]) -> None:
    """Whatever was refused: reduce-only is never dropped."""
    orders = [request.order for client in clients for _, request in client.sent if isinstance(request, PlaceOrder)]
    assert len(orders) > 1
    assert all(order.reduce_only for order in orders if order.purpose is not OrderPurpose.ENTRY)


@EVERY_PROFILE
@BOTH_SIDES
def test_a_close_that_is_refused_as_reduce_only_is_sent_again_as_reduce_only(profile: Profile, side: Side) -> None:
    world, clients = a_watched_world(profile, refusing(OrderPurpose.CLOSE, count=2))
    open_a(side, world, for_s=20)
    before = figure(world, "unprotected_seconds")
    close_it(world)
    world.run_for(40)
    assert open_quantity(world) == 0
    assert figure(world, "unprotected_seconds") == before
    assert_only_entries_open(clients)
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
def test_a_stop_whose_move_is_refused_as_reduce_only_stays_and_moves_later(profile: Profile, side: Side) -> None:
    rule = FaultRule(
        action=FaultAction.REJECT,
        requests=(RequestType.PLACE, RequestType.AMEND),
        purposes=(OrderPurpose.STOP,),
        reason=RejectReason.REDUCE_ONLY_REFUSED,
        from_s=25,
        count=1,
    )
    world, clients = a_watched_world(profile, rule)
    open_a(side, world, for_s=25)
    before = figure(world, "unprotected_seconds")
    world.price(at(side, 42_500))
    world.run_for(90)
    naked = figure(world, "unprotected_seconds") - before
    assert naked <= (0 if profile.capabilities.amend_stop or profile.capabilities.two_stops else 2)
    assert_only_entries_open(clients)
    assert_postcondition_c(world)
