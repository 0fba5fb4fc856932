"""F19: an actor beside the positions ends in the middle of something, and knows nothing any more of what it heard."""

from decimal import Decimal

from actors import addresses
from adapters.simulator.profiles import Profile
from messages.values import Symbol
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import DIFFERENT_PROFILES
from tests.scenarios.world import BTC, World

ETH = Symbol("ETHUSDT")


def crash(world: World, path: str) -> None:
    """It alone begins anew, at its next turn."""
    assert world.process is not None
    world.process.system.ref(path).tell("what it does not know")


@DIFFERENT_PROFILES
def test_a_desk_that_crashes_beside_an_open_position_goes_on_opening(profile: Profile) -> None:
    world = World(profile=profile, prices={BTC: Decimal(42_000), ETH: Decimal(42_000)})
    world.start()
    world.run_for(1)
    world.signal(BTC)
    world.run_for(5)
    crash(world, addresses.desk(world.venue))
    world.run_for(30)
    world.signal(ETH)
    world.run_for(10)
    assert {position.symbol for position in world.account().positions} == {BTC, ETH}
    assert_postcondition_c(world, crashes=1)


@DIFFERENT_PROFILES
def test_a_desk_that_crashes_while_positions_recover_opens_when_they_have(profile: Profile) -> None:
    for moment in range(20):
        world = World(profile=profile, prices={BTC: Decimal(42_000), ETH: Decimal(42_000)})
        world.start()
        world.run_for(1)
        world.signal(BTC)
        world.run_for(5)
        world.kill()
        world.start()
        world.run_for(0.01 * moment)
        crash(world, addresses.desk(world.venue))
        world.run_for(30)
        world.signal(ETH)
        world.run_for(10)
        assert {position.symbol for position in world.account().positions} == {BTC, ETH}, moment
        assert_postcondition_c(world, crashes=1)
