"""F11: the stream is connected and answers pings, and brings nothing while the price moves.

Fails without the market actor's look at how old its prices are (``_check``).
"""

from dataclasses import replace
from decimal import Decimal

import pytest

from adapters.simulator.fault_script import FaultAction, FaultRule
from adapters.simulator.paper_config import Delay
from adapters.simulator.profiles import Profile
from messages.values import Side
from persistence.queries import Queries
from rules.position_case import PositionPolicies
from rules.trailing import TrailingPolicy
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import (
    BOTH_SIDES,
    EVERY_PROFILE,
    ON_PAPER,
    a_world,
    at,
    figure,
    open_a,
    open_quantity,
    stops_of,
)
from tests.scenarios.world import World

TRAILING = PositionPolicies(trailing=TrailingPolicy(min_update_interval_s=1, min_improvement_percent=Decimal("0.01")))
SILENT_FROM_S = 40.0
NOTICED_S = 5.0
TAKEN_OVER_S = 2.0
MOVED_S = 0.2
"""A request to the venue, twice over."""


def a_trailing_world(profile: Profile, side: Side, *, silent_s: float = 20.0) -> World:
    """Trailing is active when the stream falls silent, at ``SILENT_FROM_S``; nothing has happened since."""
    silence = FaultRule(action=FaultAction.STREAM_SILENCE, from_s=SILENT_FROM_S, until_s=SILENT_FROM_S + silent_s)
    world = a_world(profile, silence, policies=TRAILING)
    open_a(side, world, for_s=10)
    world.price(at(side, 42_640))
    world.run_for(SILENT_FROM_S - 12)
    return world


@EVERY_PROFILE
@BOTH_SIDES
def test_a_stop_goes_on_trailing_while_the_stream_says_nothing(profile: Profile, side: Side) -> None:
    world = a_trailing_world(profile, side)
    (before,) = [stop.trigger_price for stop in stops_of(world)]
    world.price(at(side, 43_000))
    world.run_for(1 + NOTICED_S + TAKEN_OVER_S + MOVED_S)
    (after,) = [stop.trigger_price for stop in stops_of(world)]
    assert before != after
    assert after == (42_785 if side is Side.LONG else 41_205), "half a percent behind the new price"
    world.run_for(60)
    assert_postcondition_c(world)


@ON_PAPER
@BOTH_SIDES
def test_a_stop_trails_though_no_price_has_come_by_the_stream_since_the_start(profile: Profile, side: Side) -> None:
    world = a_world(profile, policies=TRAILING)
    open_a(side, world, for_s=10)
    world.kill()
    never = Delay(min_ms=600_000, max_ms=600_000)
    world.exchange.config = replace(world.exchange.config, connect_delay=never)
    world.start()
    world.run_for(10)
    world.price(at(side, 43_000))
    world.run_for(NOTICED_S + TAKEN_OVER_S + MOVED_S)
    (stop,) = stops_of(world)
    assert stop.trigger_price == (42_785 if side is Side.LONG else 41_205), "half a percent behind the new price"
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
@pytest.mark.parametrize("silent_s", [20.0, 90.0])
def test_a_fall_through_the_trailing_level_in_silence_is_known_in_time_and_counted_once(
    profile: Profile, side: Side, silent_s: float
) -> None:
    world = a_trailing_world(profile, side, silent_s=silent_s)
    world.run_for(1)
    world.price(at(side, 42_300))
    world.run_for(NOTICED_S + TAKEN_OVER_S + 2)
    assert open_quantity(world) == 0, "the stop that rests there has closed it"
    assert len(Queries(world.store).closed_positions()) == 1, "and that is known from a reading"
    world.run_for(silent_s + 60)
    assert figure(world, "worst_window_seconds") <= 2 * 0.04 + 0.1
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
def test_an_entry_in_silence_is_protected_all_the_same(profile: Profile, side: Side) -> None:
    silence = FaultRule(action=FaultAction.STREAM_SILENCE, from_s=5, until_s=65)
    world = a_world(profile, silence, policies=TRAILING)
    world.run_for(5)
    open_a(side, world, for_s=90)
    assert open_quantity(world) > 0
    assert figure(world, "worst_window_seconds") <= 2.0
    assert_postcondition_c(world)
