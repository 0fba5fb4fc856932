"""F25: a stop without a quantity covers the whole position, whatever its size, and is not doubled."""

from decimal import Decimal

from adapters.simulator.profiles import Profile
from messages.values import Side
from rules.rounding import closer
from tests.scenarios.hands import can_have_whole_position_stops, place_stop, position_of, reduce_by_hand, stop_of, trade
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import BOTH_SIDES, a_world, at, entry_side, figure, open_a, profiles_where
from tests.scenarios.world import BTC, World

WHERE_IT_EXISTS = profiles_where(can_have_whole_position_stops)
OFFERED = profiles_where(lambda profile: profile.capabilities.whole_position_stop)
SIZE = Decimal("0.01")


def a_position_with_such_a_stop(profile: Profile, side: Side) -> World:
    """Opened by hand while nobody looked, under a stop without a quantity, placed by hand as well."""
    world = a_world(profile)
    world.kill()
    trade(world, BTC, entry_side(side), SIZE)
    position = position_of(world, BTC)
    assert position is not None
    place_stop(world, position, at(side, 41_200), None)
    world.run_for(2)
    world.start()
    world.run_for(20)
    return world


def cover_of(world: World) -> Decimal | None:
    stop = stop_of(world, BTC)
    assert stop is not None
    return stop.quantity


@WHERE_IT_EXISTS
@BOTH_SIDES
def test_it_is_taken_for_full_cover_and_no_second_stop_is_sent(profile: Profile, side: Side) -> None:
    world = a_position_with_such_a_stop(profile, side)
    assert cover_of(world) is None
    assert figure(world, "worst_window_seconds") == 0
    (known,) = (restored.position for restored in world.store.load())
    assert known.stop.working is not None
    assert known.stop.working.quantity is None
    assert_postcondition_c(world, interrupted=True)


@WHERE_IT_EXISTS
@BOTH_SIDES
def test_it_covers_what_is_added_and_what_is_left(profile: Profile, side: Side) -> None:
    world = a_position_with_such_a_stop(profile, side)
    trade(world, BTC, entry_side(side), SIZE)
    world.run_for(70)
    assert cover_of(world) is None
    reduce_by_hand(world, BTC, Decimal("0.25"))
    world.run_for(70)
    assert cover_of(world) is None
    assert figure(world, "unprotected_seconds") == 0
    assert_postcondition_c(world, interrupted=True)


@WHERE_IT_EXISTS
@BOTH_SIDES
def test_when_it_moves_the_position_stays_covered(profile: Profile, side: Side) -> None:
    world = a_position_with_such_a_stop(profile, side)
    world.price(at(side, 42_630))
    world.run_for(90)
    stop = stop_of(world, BTC)
    assert stop is not None
    assert stop.trigger_price is not None
    assert stop.trigger_price != at(side, 41_200)
    assert closer(side, stop.trigger_price, at(side, 42_416)) == stop.trigger_price
    assert figure(world, "worst_window_seconds") == 0
    assert_postcondition_c(world, interrupted=True)


@OFFERED
@BOTH_SIDES
def test_where_it_is_offered_it_is_what_is_sent_and_a_partial_close_leaves_it_alone(
    profile: Profile, side: Side
) -> None:
    world = a_world(profile)
    open_a(side, world)
    stop = stop_of(world, BTC)
    assert stop is not None
    reduce_by_hand(world, BTC, Decimal("0.5"))
    world.run_for(30)
    assert stop_of(world, BTC) is not None
    if stop.quantity is None:
        assert stop_of(world, BTC) == stop
    assert figure(world, "unprotected_seconds") == 0
    assert_postcondition_c(world)
