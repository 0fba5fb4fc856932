"""S3 in hedge mode: what is open, or being opened, is counted a side."""

from adapters.simulator.profiles import PROFILES
from messages.values import Side
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.world import World


def a_world() -> World:
    world = World(profile=PROFILES["okx"], hedge=True)
    world.start()
    world.run_for(2)
    return world


def open_sides(world: World) -> list[Side]:
    return sorted(position.side for position in world.exchange.engine.state.account.positions.values())


def test_signals_for_both_sides_of_a_symbol_at_once_are_both_opened() -> None:
    world = a_world()
    world.signal(side="BUY")
    world.signal(side="SELL")
    world.run_for(30)
    assert open_sides(world) == [Side.LONG, Side.SHORT]
    assert_postcondition_c(world)


def test_two_signals_for_one_side_at_once_open_one_position() -> None:
    world = a_world()
    world.signal(side="BUY")
    world.signal(side="BUY")
    world.run_for(30)
    assert open_sides(world) == [Side.LONG]
    assert_postcondition_c(world)
