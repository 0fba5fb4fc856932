"""Between the prices that matter to it a position is left alone, and what it did not see is in the next it does."""

from actors.kernel import Conservation
from adapters.simulator.profiles import Profile
from messages.values import Side
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import BOTH_SIDES, EVERY_PROFILE, a_world, at, open_a
from tests.scenarios.world import BTC, World


def told(world: World) -> int:
    assert world.process is not None
    found: Conservation = world.process.system.conservation(f"position/{world.venue}/{BTC}")
    return found.told


@EVERY_PROFILE
@BOTH_SIDES
def test_ticks_inside_the_band_do_not_wake_a_position(profile: Profile, side: Side) -> None:
    world = a_world(profile)
    open_a(side, world, for_s=20)
    before = told(world)
    for second in range(40):
        world.price(at(side, 42_010 + second % 2))
        world.run_for(1)
    assert told(world) - before < 20
    assert_postcondition_c(world)


@EVERY_PROFILE
def test_also_after_the_market_actor_was_restarted(profile: Profile) -> None:
    world = a_world(profile)
    open_a(Side.LONG, world, for_s=20)
    assert world.process is not None
    world.process.system.restart(f"exchange/{world.venue}/market")
    world.run_for(5)
    before = told(world)
    for second in range(40):
        world.price(42_010 + second % 2)
        world.run_for(1)
    assert told(world) - before < 20
