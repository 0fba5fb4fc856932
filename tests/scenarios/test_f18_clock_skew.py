"""F18: the venue's clock and ours differ by two seconds; what is refused for it is sent again with the same id."""

import pytest

from adapters.simulator.profiles import Profile
from messages.values import OrderPurpose, Side
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import BOTH_SIDES, EVERY_PROFILE, a_world, at, open_a, placed_ids, stops_of


@EVERY_PROFILE
@pytest.mark.parametrize("offset_ms", [-2_000, 2_000])
def test_a_clock_that_is_off_from_the_start_delays_and_repeats_nothing(profile: Profile, offset_ms: int) -> None:
    world = a_world(profile)
    world.exchange.skew_clock(offset_ms)
    open_a(Side.LONG, world, for_s=30)
    assert len(world.account().positions) == 1
    assert len(set(placed_ids(world, OrderPurpose.ENTRY))) == 1
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
def test_a_clock_that_jumps_while_a_stop_moves_costs_neither_the_stop_nor_the_move(
    profile: Profile, side: Side
) -> None:
    world = a_world(profile)
    open_a(side, world)
    (before,) = [stop.trigger_price for stop in stops_of(world)]
    world.exchange.skew_clock(2_000)
    world.price(at(side, 42_630))
    world.run_for(30)
    (after,) = [stop.trigger_price for stop in stops_of(world)]
    assert after != before
    assert_postcondition_c(world)
