"""S8.7 through the whole system: what a person reads there is what rests at the venue."""

from decimal import Decimal

from adapters.simulator.profiles import Profile
from messages.values import Side
from rules.position_case import PositionPolicies
from rules.trailing import TrailingPolicy
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import BOTH_SIDES, EVERY_PROFILE, a_world, at, figure, open_a, stops_of


@EVERY_PROFILE
@BOTH_SIDES
def test_a_long_at_42000_has_its_stop_at_41160_and_at_42630_it_trails_to_42417(profile: Profile, side: Side) -> None:
    world = a_world(profile)
    open_a(side, world)
    assert [stop.trigger_price for stop in stops_of(world)] == [at(side, 41_160)]

    world.price(at(side, 42_500))
    # Longer than a minute, so that what follows is no momentum, which would halve the callback.
    world.run_for(70)
    assert [stop.trigger_price for stop in stops_of(world)] == [at(side, 42_042)], "breakeven, and no trailing yet"

    world.price(at(side, 42_630))
    world.run_for(5)
    # 0.995 of 42630 is 42416.85, and for the mirrored short 1.005 of 41370 is 41576.85: each to the safe side.
    assert [stop.trigger_price for stop in stops_of(world)] == [Decimal(42_417 if side is Side.LONG else 41_576)]
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
def test_the_stop_follows_the_best_price_and_never_moves_back(profile: Profile, side: Side) -> None:
    world = a_world(profile)
    open_a(side, world)
    best, levels = Decimal(0), []
    for price in (42_630, 42_700, 42_600, 42_900, 42_800, 43_100):
        world.price(at(side, price))
        world.run_for(70)
        levels += [stop.trigger_price for stop in stops_of(world)]
        best = max(best, Decimal(price))
    trailed = [level for level in levels if level is not None]
    assert len(trailed) == len(levels) > 0
    assert trailed == sorted(trailed, reverse=side is Side.SHORT)
    assert len(set(trailed)) > 2
    assert_postcondition_c(world)
    limit_s = 0 if profile.capabilities.amend_stop or profile.capabilities.two_stops else 0.5
    entry_s = 0 if profile.capabilities.attach_stop_to_entry else 0.5
    assert figure(world, "worst_window_seconds") <= max(limit_s, entry_s)


@EVERY_PROFILE
@BOTH_SIDES
def test_the_trailed_stop_closes_what_is_left_and_leaves_nothing_behind(profile: Profile, side: Side) -> None:
    world = a_world(profile, policies=PositionPolicies(trailing=TrailingPolicy(min_update_interval_s=0)))
    open_a(side, world)
    for price in (42_630, 42_800, 42_300):
        world.price(at(side, price))
        world.run_for(10)
    assert world.account().positions == ()
    assert world.account().orders == ()
    assert_postcondition_c(world)
