"""S3: an amount over the venue's maximum order size is split into several orders, and covered all the while."""

from decimal import Decimal

from adapters.simulator.fault_script import FaultAction, FaultRule, RequestType
from adapters.simulator.profiles import Profile
from messages.orders import OrderStatus
from messages.values import OrderKind, OrderPurpose, Side
from messages.venue import RejectReason
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import (
    BOTH_SIDES,
    EVERY_PROFILE,
    STOPS_LARGER_THAN_MARKET_ORDERS,
    a_world,
    figure,
    open_a,
    open_quantity,
    placed_ids,
    profiles_where,
)
from tests.scenarios.test_f08_close_rejected import close_it
from tests.scenarios.world import BTC, World, an_instrument

LARGEST = Decimal("0.004")
WANTED = Decimal("0.010")
ENTRIES = 3
"""0.004, 0.003 and 0.003."""
A_ROUND_TRIP_S = 0.5


def opened(profile: Profile, side: Side) -> World:
    world = a_world(profile, instruments=[an_instrument(BTC, max_market_quantity=LARGEST)])
    open_a(side, world, for_s=10)
    return world


@STOPS_LARGER_THAN_MARKET_ORDERS
@BOTH_SIDES
def test_an_entry_over_the_maximum_is_opened_whole_in_several_orders(profile: Profile, side: Side) -> None:
    world = opened(profile, side)
    assert open_quantity(world) == WANTED
    assert len(placed_ids(world, "entry")) == ENTRIES
    assert figure(world, "worst_window_seconds") < A_ROUND_TRIP_S
    assert_postcondition_c(world)


@profiles_where(lambda profile: not profile.capabilities.whole_position_stop)
@BOTH_SIDES
def test_no_more_is_opened_than_one_stop_can_be_for(profile: Profile, side: Side) -> None:
    instrument = an_instrument(BTC, max_market_quantity=LARGEST, max_quantity=LARGEST)
    world = a_world(profile, instruments=[instrument])
    open_a(side, world, for_s=60)
    assert open_quantity(world) == LARGEST
    assert len(placed_ids(world, "entry")) == 1
    assert_postcondition_c(world)


@STOPS_LARGER_THAN_MARKET_ORDERS
@BOTH_SIDES
def test_it_is_closed_whole_in_several_orders(profile: Profile, side: Side) -> None:
    world = opened(profile, side)
    assert open_quantity(world) == WANTED
    close_it(world)
    world.run_for(15)
    assert open_quantity(world) == 0
    closes = [
        order
        for order in world.exchange.engine.state.orders.known(BTC)
        if order.kind is OrderKind.MARKET and order.reducing and order.status is OrderStatus.FILLED
    ]
    assert sum((order.filled_quantity for order in closes), Decimal(0)) == WANTED
    assert all(order.filled_quantity <= LARGEST for order in closes)
    assert_postcondition_c(world)


@EVERY_PROFILE
def test_a_slice_that_is_refused_is_the_last_one_and_what_is_open_is_covered(profile: Profile) -> None:
    """Sent again and again, it would use up the venue's limits for as long as the position lives."""
    refused = FaultRule(
        action=FaultAction.REJECT,
        requests=(RequestType.PLACE,),
        purposes=(OrderPurpose.ENTRY,),
        nth=2,
        count=5,
        reason=RejectReason.INSUFFICIENT_MARGIN,
    )
    world = a_world(profile, refused, instruments=[an_instrument(BTC, max_market_quantity=LARGEST)])
    open_a(Side.LONG, world, for_s=30)
    assert open_quantity(world) == LARGEST
    assert_postcondition_c(world)
