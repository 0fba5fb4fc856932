"""F26: somebody switches the account's position mode while a position is open."""

from dataclasses import replace

from adapters.simulator.profiles import Profile
from messages.values import Side, Symbol
from tests.scenarios.hands import position_of, stop_of
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import BOTH_SIDES, ENTRY, EVERY_PROFILE, a_world, at, figure, open_a, profiles_where
from tests.scenarios.world import BTC, World

ETH = Symbol("ETHUSDT")
KEEPS_THE_OLD_STOP = profiles_where(lambda profile: profile.capabilities.amend_stop or profile.capabilities.two_stops)


def switch_mode(world: World, *, hedge: bool = True) -> None:
    """From now on orders must (or must not) name the side of their position."""
    state = world.exchange.engine.state
    state.config = replace(state.config, hedge=hedge)


def reasons(world: World) -> list[str]:
    return [event.text for event in world.events if event.kind == "entry_refused"]


@EVERY_PROFILE
@BOTH_SIDES
def test_opening_is_refused_with_a_hint_and_the_stop_that_is_there_is_kept(profile: Profile, side: Side) -> None:
    world = a_world(profile, prices={BTC: ENTRY, ETH: ENTRY})
    open_a(side, world, for_s=10)
    before = stop_of(world, BTC)
    switch_mode(world)
    world.signal(ETH)
    world.run_for(150)
    assert position_of(world, ETH) is None
    (reason,) = reasons(world)
    assert "position mode" in reason
    assert stop_of(world, BTC) == before
    assert figure(world, "unprotected_seconds") <= 0.1
    assert_postcondition_c(world)


@KEEPS_THE_OLD_STOP
@BOTH_SIDES
def test_a_move_that_the_mode_forbids_leaves_the_old_stop_and_is_made_when_the_mode_is_back(
    profile: Profile, side: Side
) -> None:
    world = a_world(profile)
    open_a(side, world, for_s=10)
    switch_mode(world)
    world.price(at(side, 42_600))
    world.run_for(60)
    assert stop_of(world, BTC) is not None
    assert figure(world, "worst_window_seconds") <= 0.1
    switch_mode(world, hedge=False)
    world.run_for(150)
    stop = stop_of(world, BTC)
    assert stop is not None
    assert stop.trigger_price != at(side, 41_160)
    assert_postcondition_c(world)
