"""S4.2 where the stop that the entry carries comes with its last fill (OKX), and is told of late."""

from decimal import Decimal

from adapters.simulator.fault_script import EventType, FaultAction, FaultRule, RequestType
from adapters.simulator.profiles import Profile
from messages.values import OrderPurpose, Side
from messages.venue import RejectReason
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import BOTH_SIDES, a_world, figure, open_a, placed_ids, profiles_where, stops_of

COMES_WITH_THE_LAST_FILL = profiles_where(lambda profile: profile.capabilities.attached_stop_needs_full_fill)
LATE_FILLS = FaultRule(action=FaultAction.EVENT_LATE, events=(EventType.FILL,), delay_s=2)
LATE_ORDERS = FaultRule(action=FaultAction.EVENT_LATE, events=(EventType.ORDER,), delay_s=0.4)
SLOW_READINGS = FaultRule(
    action=FaultAction.LATE_ANSWER, requests=(RequestType.ACCOUNT, RequestType.FILLS), delay_s=0.6
)
REFUSED_ONCE = FaultRule(
    action=FaultAction.REJECT,
    requests=(RequestType.PLACE,),
    purposes=(OrderPurpose.STOP,),
    reason=RejectReason.OTHER,
    count=1,
)
ON_ITS_WAY = FaultRule(
    action=FaultAction.LATE_EXECUTION,
    requests=(RequestType.PLACE,),
    purposes=(OrderPurpose.STOP,),
    count=1,
    delay_s=0.55,
)
IN_PIECES = FaultRule(
    action=FaultAction.PARTIAL_FILL,
    requests=(RequestType.PLACE,),
    purposes=(OrderPurpose.ENTRY,),
    quantities=(Decimal("0.004"),),
    every_s=0.3,
    fill_rest=True,
)


@COMES_WITH_THE_LAST_FILL
@BOTH_SIDES
def test_an_entry_that_is_said_to_have_filled_whole_is_not_in_pieces_though_its_fills_come_later(
    profile: Profile, side: Side
) -> None:
    world = a_world(profile, LATE_FILLS, LATE_ORDERS, SLOW_READINGS)
    open_a(side, world)
    assert placed_ids(world, OrderPurpose.STOP) == []
    assert len(stops_of(world)) == 1
    assert_postcondition_c(world)


@COMES_WITH_THE_LAST_FILL
@BOTH_SIDES
def test_a_stop_that_came_with_the_entry_stays_while_ours_is_refused(profile: Profile, side: Side) -> None:
    """Ours is on its way when it comes; it is not in the way of ours, and until then it is all that protects."""
    world = a_world(profile, IN_PIECES, LATE_ORDERS, SLOW_READINGS, ON_ITS_WAY, REFUSED_ONCE)
    open_a(side, world, for_s=20)
    assert figure(world, "wrong_cancels") == 0
    assert_postcondition_c(world)
