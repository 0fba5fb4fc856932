"""F18: the venue's clock and ours differ by two seconds; what is refused for it is sent again with the same id."""

from decimal import Decimal

import pytest

from adapters.simulator.fault_script import FaultAction, FaultRule
from adapters.simulator.profiles import PAPER, Profile
from messages.state import CloseReason
from messages.values import OrderPurpose, Side
from persistence.queries import Queries
from tests.scenarios.postcondition import assert_postcondition_c, book_problems
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


@EVERY_PROFILE
@pytest.mark.parametrize("ahead_ms", [-60_000, -8_000, 60_000])
def test_fills_are_on_record_whatever_the_time_that_the_venue_gives_them(profile: Profile, ahead_ms: int) -> None:
    """Nothing comes over the streams: the fills of two positions after each other are asked for, by time."""
    side = Side.LONG
    world = a_world(profile, FaultRule(action=FaultAction.EVENT_LOST), venue_ahead_ms=ahead_ms)
    open_a(side, world)
    world.price(at(side, 40_900))
    world.run_for(70)
    world.price(42_000)
    world.run_for(3)
    open_a(side, world)
    world.price(at(side, 40_900))
    world.run_for(120)
    closed = Queries(world.store).closed_positions(limit=9)
    assert [(life.opened_quantity, life.close_reason) for life in closed] == [
        (Decimal("0.010"), CloseReason.STOP_LOSS)
    ] * 2
    assert not book_problems(world, interrupted=True, name_of_fill=world.name_of_fill)


@pytest.mark.parametrize("ahead_ms", [-1_500, 1_500])
def test_people_are_told_once_of_a_clock_that_is_off_and_once_that_it_is_right(ahead_ms: int) -> None:
    world = a_world(PAPER, venue_ahead_ms=ahead_ms)
    world.run_for(1_300)
    (told,) = [event for event in world.events if event.kind == "clock_off"]
    assert ("1.5 s behind" if ahead_ms > 0 else "1.5 s ahead") in told.text
    world.exchange.skew_clock(-ahead_ms)
    world.run_for(700)
    assert [event.kind for event in world.events if event.kind.startswith("clock")] == ["clock_off", "clock_right"]
