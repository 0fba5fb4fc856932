"""F14: a person moves the stop closer while a move of ours is on its way."""

from adapters.simulator.fault_script import FaultAction, FaultRule, RequestType
from adapters.simulator.profiles import Profile
from messages.values import Side
from tests.scenarios.hands import drag_stop
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import BOTH_SIDES, a_world, at, open_a, profiles_where, stops_of
from tests.scenarios.wire.link import WireProfile
from tests.scenarios.world import BTC

SLOW = FaultRule(action=FaultAction.LATE_EXECUTION, requests=(RequestType.AMEND,), count=1, delay_s=0.4)
AMENDS = profiles_where(lambda profile: profile.capabilities.amend_stop and not isinstance(profile, WireProfile))


@AMENDS
@BOTH_SIDES
def test_a_stop_moved_closer_by_hand_while_ours_is_on_its_way_is_the_new_floor(profile: Profile, side: Side) -> None:
    world = a_world(profile, SLOW)
    open_a(side, world)
    world.price(at(side, 42_500))
    while "trailing_breakeven" not in world.kinds():
        world.run_for(0.02)
    world.run_for(0.1)
    drag_stop(world, BTC, at(side, 42_300))
    world.run_for(30)
    assert [stop.trigger_price for stop in stops_of(world)] == [at(side, 42_300)]
    assert_postcondition_c(world)
