"""F9: the first take profit fills in three pieces while the stop moves."""

from decimal import Decimal

import msgspec
import pytest

from adapters.simulator.fault_script import EventType, FaultAction, FaultRule, RequestType
from adapters.simulator.profiles import Profile
from messages.values import OrderPurpose, Side
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
from tests.scenarios.wire.link import WireProfile
from tests.scenarios.world import World

PIECES = (Decimal("0.002"), Decimal("0.001"))
"""Of a first take profit of 0.005: two pieces, and then the rest."""
EVERY_S = 20.0
TRAILING = PositionPolicies(trailing=TrailingPolicy(min_update_interval_s=5, min_improvement_percent=Decimal("0.01")))


def a_world_of_pieces(profile: Profile, *rules: FaultRule) -> World:
    """The pieces fill some 20, 40 s after the take profit was placed, when the price is there from the start."""
    pieces = FaultRule(
        action=FaultAction.PARTIAL_FILL,
        requests=(RequestType.PLACE,),
        purposes=(OrderPurpose.TAKE_PROFIT_1,),
        quantities=PIECES,
        every_s=EVERY_S,
        fill_rest=True,
        count=1,
    )
    return a_world(profile, pieces, *rules, policies=TRAILING)


LOST_ANSWERS = FaultRule(action=FaultAction.LOST_ANSWER, probability=0.2)
DISORDER = pytest.mark.parametrize(
    "rules",
    [
        (),
        (FaultRule(action=FaultAction.EVENT_REORDER, events=(EventType.FILL, EventType.ORDER), delay_s=1.0),),
        (FaultRule(action=FaultAction.EVENT_DUPLICATE, delay_s=3.0),),
        (FaultRule(action=FaultAction.EVENT_LOST, events=(EventType.FILL,)),),
        (FaultRule(action=FaultAction.EVENT_LOST, events=(EventType.ORDER,)),),
        (LOST_ANSWERS,),
    ],
    ids=["in order", "shuffled", "twice", "fills lost", "orders lost", "answers lost"],
)


@EVERY_PROFILE
@BOTH_SIDES
@DISORDER
def test_the_stops_cover_what_is_left_and_not_more_for_over_two_seconds(
    profile: Profile, side: Side, rules: tuple[FaultRule, ...]
) -> None:
    if isinstance(profile, WireProfile):
        # One reading is several requests there, all of which must be answered.
        rules = tuple(
            msgspec.structs.replace(rule, probability=0.05) if rule.action is FaultAction.LOST_ANSWER else rule
            for rule in rules
        )
    world = a_world_of_pieces(profile, *rules)
    open_a(side, world, for_s=6)
    after_entry_s = figure(world, "unprotected_seconds")
    levels = []
    for price in (42_650, 42_700, 42_750, 42_800, 42_850, 42_900, 42_900):
        world.price(at(side, price))
        world.run_for(7)
        levels += [stop.trigger_price for stop in stops_of(world)]
    world.run_for(30)
    assert open_quantity(world) == Decimal("0.005"), "the first take profit filled whole, in three pieces"
    moving_s = figure(world, "unprotected_seconds") - after_entry_s
    never_naked = profile.capabilities.amend_stop or profile.capabilities.two_stops
    assert moving_s <= (0 if never_naked else 0.5 * len(set(levels)))
    # Where the old stop must go first, and its cancel's answer is lost, F2 gives it a second.
    assert figure(world, "worst_window_seconds") <= (1 if LOST_ANSWERS in rules and not never_naked else 0.5)
    assert figure(world, "worst_over_cover_seconds") <= 2
    assert len(set(levels)) >= 3, "the stop moved meanwhile"
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
def test_the_stop_goes_to_breakeven_only_when_the_first_take_profit_is_complete(profile: Profile, side: Side) -> None:
    """Trailing and its breakeven are out of the way: what moves the stop here is the take profit alone."""
    far = TrailingPolicy(
        activation_percent=Decimal(50), breakeven_at_percent=Decimal(50), tp1_progress_percent=Decimal(5000)
    )
    pieces = FaultRule(
        action=FaultAction.PARTIAL_FILL,
        requests=(RequestType.PLACE,),
        purposes=(OrderPurpose.TAKE_PROFIT_1,),
        quantities=PIECES,
        every_s=EVERY_S,
        fill_rest=True,
        count=1,
    )
    world = a_world(profile, pieces, policies=PositionPolicies(trailing=far))
    open_a(side, world, for_s=6)
    world.price(at(side, 42_650))
    seen = []
    for _ in range(60):
        world.run_for(1)
        seen.append((open_quantity(world), [stop.trigger_price for stop in stops_of(world)]))
    partly = [levels for quantity, levels in seen if quantity > Decimal("0.005")]
    assert {quantity for quantity, _ in seen} >= {Decimal("0.008"), Decimal("0.007"), Decimal("0.005")}
    assert all(levels == [at(side, 41_160)] for levels in partly)
    assert seen[-1] == (Decimal("0.005"), [at(side, 42_042)])
    assert not alerts(world)
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
def test_what_remains_after_the_pieces_can_be_closed_by_its_stop(profile: Profile, side: Side) -> None:
    world = a_world_of_pieces(
        profile, FaultRule(action=FaultAction.EVENT_REORDER, events=(EventType.FILL,), delay_s=1.0)
    )
    open_a(side, world, for_s=6)
    world.price(at(side, 42_650))
    world.run_for(25)
    assert Decimal("0.005") < open_quantity(world) < Decimal("0.010"), "in the middle of the pieces"
    world.price(at(side, 41_900))
    world.run_for(60)
    assert open_quantity(world) == 0
    assert world.account().orders == ()
    assert_postcondition_c(world)
