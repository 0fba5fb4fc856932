"""F3: for half an hour the venue does not know its own orders: queries and cancels say "does not exist".

The list of orders shows conditional ones only now and then, or never. Without ``rules/forgetful_venue`` positions are
closed at market, or get another stop with each verification: 76 within 400 s on Binance's profile.
"""

from decimal import Decimal

import pytest

from adapters.simulator.fault_script import FaultAction, FaultRule, RequestType
from adapters.simulator.profiles import Profile
from messages.values import Side
from rules.position_case import PositionPolicies
from rules.trailing import TrailingPolicy
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import (
    BOTH_SIDES,
    EVERY_PROFILE,
    a_world,
    alerts,
    at,
    figure,
    open_a,
    open_quantity,
    stops_of,
)
from tests.scenarios.world import World

FORGETS_FROM_S, FORGETS_UNTIL_S = 20.0, 1_820.0
TRAILING = PositionPolicies(trailing=TrailingPolicy(min_update_interval_s=20, min_improvement_percent=Decimal("0.05")))


def forgets(shown: float) -> tuple[FaultRule, ...]:
    """A venue that shows its conditional orders in that share of its lists, and by id never."""

    by_id = FaultRule(
        action=FaultAction.FORGET,
        requests=(RequestType.QUERY, RequestType.CANCEL),
        from_s=FORGETS_FROM_S,
        until_s=FORGETS_UNTIL_S,
    )
    in_lists = FaultRule(
        action=FaultAction.FORGET,
        requests=(RequestType.ACCOUNT,),
        probability=1 - shown,
        from_s=FORGETS_FROM_S,
        until_s=FORGETS_UNTIL_S,
    )
    return by_id, in_lists


def a_forgetful_world(profile: Profile, side: Side, *, shown: float) -> World:
    world = a_world(profile, *forgets(shown), policies=TRAILING)
    open_a(side, world, for_s=FORGETS_FROM_S - 2)
    assert len(stops_of(world)) == 1
    return world


def climb(world: World, side: Side, *, seconds: float) -> int:
    """The price rises for the position bit by bit; gives the most stops that were there at once, at the steps."""
    most = 0
    until_ms = world.time.now_ms() + int(seconds * 1_000)
    price = 42_200
    while world.time.now_ms() < until_ms:
        price = min(price + 40, 43_200)
        world.price(at(side, price))
        world.run_for(40)
        most = max(most, len(stops_of(world)))
    return most


SHOWN = pytest.mark.parametrize("shown", [0.5, 0.0])


@EVERY_PROFILE
@BOTH_SIDES
@SHOWN
def test_a_stop_that_the_venue_denies_is_placed_again_once_at_most(profile: Profile, side: Side, shown: float) -> None:
    """Where the venue takes one stop only, its refusal of another one shows that the first one stands."""
    world = a_forgetful_world(profile, side, shown=shown)
    before = figure(world, "unprotected_seconds")
    most = 0
    for _ in range(30):
        world.run_for(60)
        most = max(most, len(stops_of(world)))
    assert most <= (2 if profile.capabilities.two_stops and not takes_one_whole(profile) else 1)
    assert figure(world, "unprotected_seconds") == before
    assert [alert for alert in alerts(world) if alert.kind == "venue_forgets"]
    world.run_for(400)
    assert open_quantity(world) == Decimal("0.010")
    assert_postcondition_c(world, interrupted=True)


@EVERY_PROFILE
@BOTH_SIDES
def test_trailing_goes_on_while_the_venue_forgets_and_leaves_nothing_behind(profile: Profile, side: Side) -> None:
    world = a_forgetful_world(profile, side, shown=0.5)
    before = figure(world, "unprotected_seconds")
    climb(world, side, seconds=FORGETS_UNTIL_S - FORGETS_FROM_S)
    naked = figure(world, "unprotected_seconds") - before
    assert naked == 0
    world.run_for(900)
    assert open_quantity(world) > 0
    assert_postcondition_c(world, interrupted=True)


def takes_one_whole(profile: Profile) -> bool:
    """Whether a position has one stop, on the whole of it; at OKX the first one has the entry's quantity."""
    capabilities = profile.capabilities
    return capabilities.whole_position_stop and not capabilities.attached_stop_needs_full_fill
