"""S9: of a position that has grown past twice its first size, the first take profit takes the smaller share."""

from decimal import Decimal

import pytest

from adapters.simulator.profiles import Profile
from messages.orders import OrderSpec
from messages.values import ClientOrderId, OrderKind, OrderPurpose, Side
from messages.venue import OrderAccepted, PlaceOrder
from rules.rounding import entry_side
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import EVERY_PROFILE, a_world, open_a, open_quantity, profits_of
from tests.scenarios.world import BTC


@EVERY_PROFILE
@pytest.mark.parametrize(("factor", "share"), [(1, Decimal("0.5")), (2, Decimal("0.35"))])
def test_the_first_take_profit_of_a_position_that_somebody_added_to(
    profile: Profile, factor: int, share: Decimal
) -> None:
    world = a_world(profile)
    open_a(Side.LONG, world)
    more = OrderSpec(
        client_order_id=ClientOrderId("byhand"),
        symbol=BTC,
        side=entry_side(Side.LONG),
        kind=OrderKind.MARKET,
        purpose=OrderPurpose.ENTRY,
        quantity=factor * open_quantity(world),
    )
    assert isinstance(world.exchange.by_hand(PlaceOrder(order=more)), OrderAccepted)
    world.run_for(10)
    first = min(profits_of(world), key=lambda order: order.trigger_price or Decimal(0))
    assert first.quantity is not None
    assert abs(first.quantity - share * open_quantity(world)) < Decimal("0.001")
    assert_postcondition_c(world)
