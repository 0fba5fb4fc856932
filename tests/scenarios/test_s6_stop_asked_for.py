"""S6: a stop that is gone is placed again also when the question for it meets a venue in trouble."""

from adapters.simulator.fault_script import EventType, FaultAction, FaultRule, RequestType
from adapters.simulator.profiles import Profile
from messages.orders import OrderSpec
from messages.values import ClientOrderId, OrderPurpose, Side
from messages.venue import CancelOrder, OrderAccepted, RejectReason
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import EVERY_PROFILE, a_world, open_a, stops_of

VERIFIED_EVERY_S = 60


@EVERY_PROFILE
def test_a_question_for_a_stop_that_failed_is_asked_again_at_once(profile: Profile) -> None:
    nobody_tells = FaultRule(action=FaultAction.EVENT_LOST, events=(EventType.ORDER,), from_s=20)
    in_trouble = FaultRule(
        action=FaultAction.REJECT, requests=(RequestType.QUERY,), reason=RejectReason.OTHER, from_s=20, count=2
    )
    world = a_world(profile, nobody_tells, in_trouble)
    open_a(Side.LONG, world, for_s=30)
    (stop,) = stops_of(world)
    by_hand = OrderSpec(
        client_order_id=stop.client_order_id or ClientOrderId("byhand"),
        venue_order_id=stop.venue_order_id,
        symbol=stop.symbol,
        side=stop.side,
        kind=stop.kind,
        purpose=OrderPurpose.STOP,
        quantity=stop.quantity,
        reduce_only=True,
    )
    assert isinstance(world.exchange.by_hand(CancelOrder(order=by_hand)), OrderAccepted)
    world.run_for(VERIFIED_EVERY_S + 10)
    assert len(stops_of(world)) == 1
    assert_postcondition_c(world)
