"""S14: the account and the fills are read side by side; what fills between the two answers is a fill, no correction."""

from decimal import Decimal

from adapters.simulator.fault_script import EventType, FaultAction, FaultRule, RequestType
from adapters.simulator.profiles import Profile
from messages.values import Side
from persistence.queries import Queries
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import BOTH_SIDES, EVERY_PROFILE, a_world, at, open_a, open_quantity

SLOW_ACCOUNT = FaultRule(
    action=FaultAction.LATE_EXECUTION, requests=(RequestType.ACCOUNT,), from_s=9.905, until_s=10.0, delay_s=0.3
)
LATE_EVENTS = FaultRule(action=FaultAction.EVENT_LATE, events=(EventType.FILL, EventType.ORDER), from_s=9.95, delay_s=1)
"""The fills are answered at once, and the account as it is a moment later."""


@EVERY_PROFILE
@BOTH_SIDES
def test_a_take_profit_that_fills_during_the_start_is_counted_once(profile: Profile, side: Side) -> None:
    world = a_world(profile, SLOW_ACCOUNT, LATE_EVENTS)
    open_a(side, world)
    world.run_for(1.9)
    world.price(at(side, 42_640))
    world.run_for(1)
    world.kill()
    world.start()
    world.run_for(20)
    assert "size_corrected" not in world.kinds()
    assert open_quantity(world) == Decimal("0.005")
    (position,) = Queries(world.store).open_positions()
    assert position.quantity == Decimal("0.005")
    assert_postcondition_c(world, interrupted=True)
