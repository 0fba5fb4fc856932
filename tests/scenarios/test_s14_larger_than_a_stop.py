"""S14: a position larger than the venue's largest stop is taken over under one without a quantity, where there is."""

from decimal import Decimal

from adapters.simulator.profiles import Profile
from messages.values import Side
from tests.scenarios.hands import reduce_by_hand, stop_of, trade
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import BOTH_SIDES, a_world, at, entry_side, figure, open_quantity, profiles_where
from tests.scenarios.world import BTC, World, an_instrument

LARGEST = Decimal("0.004")
BREAKEVEN_IS_DUE = 42_450
A_MOVE_S = 0.2
SIZED_STOPS_ONLY = profiles_where(lambda profile: profile.capabilities.sizeless_stop)


def taken_over(profile: Profile, side: Side, orders: int = 3) -> World:
    world = a_world(profile, instruments=[an_instrument(BTC, max_market_quantity=LARGEST, max_quantity=LARGEST)])
    for _ in range(orders):
        trade(world, BTC, entry_side(side), LARGEST)
    world.run_for(30)
    return world


@SIZED_STOPS_ONLY
@BOTH_SIDES
def test_it_has_a_stop_on_the_whole_position_and_is_not_closed(profile: Profile, side: Side) -> None:
    world = taken_over(profile, side)
    assert open_quantity(world) == 3 * LARGEST
    stop = stop_of(world, BTC)
    assert stop is not None
    assert stop.quantity is None
    assert_postcondition_c(world)


@SIZED_STOPS_ONLY
@BOTH_SIDES
def test_its_stop_follows_the_price_with_a_gap_of_two_round_trips(profile: Profile, side: Side) -> None:
    world = taken_over(profile, side)
    before = figure(world, "unprotected_seconds")
    world.price(at(side, BREAKEVEN_IS_DUE))
    world.run_for(5)
    stop = stop_of(world, BTC)
    assert stop is not None
    assert stop.quantity is None
    assert stop.trigger_price == at(side, 42_042)
    assert figure(world, "unprotected_seconds") - before < A_MOVE_S
    assert_postcondition_c(world)


@SIZED_STOPS_ONLY
@BOTH_SIDES
def test_when_it_has_become_small_enough_its_stop_has_a_quantity_again_without_a_gap(
    profile: Profile, side: Side
) -> None:
    world = taken_over(profile, side, orders=2)
    reduce_by_hand(world, BTC, Decimal("0.5"))
    world.run_for(10)
    before = figure(world, "unprotected_seconds")
    world.price(at(side, BREAKEVEN_IS_DUE))
    world.run_for(10)
    stop = stop_of(world, BTC)
    assert stop is not None
    assert stop.quantity == LARGEST
    assert figure(world, "unprotected_seconds") == before
    assert_postcondition_c(world)
