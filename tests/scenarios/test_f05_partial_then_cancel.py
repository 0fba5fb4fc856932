"""F5: a limit entry fills in part, is cancelled, and fills more before the cancel takes effect; events come anyhow."""

from decimal import Decimal

import pytest

from adapters.simulator.fault_script import EventType, FaultAction, FaultRule, RequestType
from adapters.simulator.profiles import Profile
from messages.values import OrderPurpose, Price, Side, Symbol
from rules.position_case import OrderPolicy, PositionPolicies
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import (
    BOTH_SIDES,
    EVERY_PROFILE,
    a_world,
    entry_side,
    figure,
    fills_of,
    open_a,
    open_quantity,
    placed_ids,
    profits_of,
    stops_of,
)
from tests.scenarios.world import BTC, START_MS, World

PRICES: dict[Symbol, Price] = {BTC: Decimal(1_000)}
FIRST, MORE = Decimal("0.37"), Decimal("0.21")
TIMEOUT_MS = 3_000

DUPLICATED = FaultRule(action=FaultAction.EVENT_DUPLICATE, events=(EventType.FILL, EventType.ORDER), delay_s=1.5)
SHUFFLED = FaultRule(action=FaultAction.EVENT_REORDER, events=(EventType.FILL, EventType.ORDER), delay_s=1.5)
LOST = FaultRule(action=FaultAction.EVENT_LOST, events=(EventType.FILL,))
LOST_ANSWERS = FaultRule(
    action=FaultAction.LOST_ANSWER, requests=(RequestType.CANCEL,), purposes=(OrderPurpose.ENTRY,), count=2
)


def a_limit_entry_of_one(profile: Profile, *rules: FaultRule, more: Decimal | None = MORE) -> World:
    """A world in which a limit entry of 1.0 fills ``FIRST`` at once, and ``more`` while it is being cancelled."""
    filling = [
        FaultRule(
            action=FaultAction.PARTIAL_FILL,
            requests=(RequestType.PLACE,),
            purposes=(OrderPurpose.ENTRY,),
            quantities=(FIRST,),
            count=1,
        )
    ]
    if more is not None:
        filling.append(
            FaultRule(
                action=FaultAction.FILL_AFTER_CANCEL,
                requests=(RequestType.CANCEL,),
                purposes=(OrderPurpose.ENTRY,),
                quantities=(more,),
                count=1,
                delay_s=2.0,
            )
        )
    orders = OrderPolicy(entry_limit=True, entry_limit_timeout_ms=TIMEOUT_MS)
    return a_world(
        profile, *filling, *rules, prices=PRICES, size_usd=Decimal(1_000), policies=PositionPolicies(orders=orders)
    )


DISORDER = pytest.mark.parametrize(
    "rules",
    [(), (DUPLICATED, SHUFFLED), (LOST,), (LOST_ANSWERS, DUPLICATED)],
    ids=["in order", "shuffled and twice", "fills lost", "cancel unanswered"],
)


@EVERY_PROFILE
@BOTH_SIDES
@DISORDER
def test_what_filled_before_the_cancel_took_effect_is_tracked_and_protected(
    profile: Profile, side: Side, rules: tuple[FaultRule, ...]
) -> None:
    world = a_limit_entry_of_one(profile, *rules)
    open_a(side, world, for_s=2.5)
    assert open_quantity(world) == FIRST
    assert sum((stop.quantity or FIRST for stop in stops_of(world)), Decimal(0)) == FIRST

    world.run_for(60)
    assert open_quantity(world) == FIRST + MORE
    assert_postcondition_c(world)
    profits = [order.quantity for order in profits_of(world)]
    assert profits == [Decimal("0.29"), Decimal("0.29")], "planned anew for 0.58"


@EVERY_PROFILE
@BOTH_SIDES
@DISORDER
def test_nothing_more_is_entered_after_a_partial_fill(
    profile: Profile, side: Side, rules: tuple[FaultRule, ...]
) -> None:
    world = a_limit_entry_of_one(profile, *rules)
    open_a(side, world, for_s=60)
    assert len(set(placed_ids(world, OrderPurpose.ENTRY))) == 1
    assert sum((fill.quantity for fill in fills_of(world, entry_side(side))), Decimal(0)) == FIRST + MORE
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
def test_the_stop_follows_each_piece_within_the_alert_window(profile: Profile, side: Side) -> None:
    world = a_limit_entry_of_one(profile)
    open_a(side, world, for_s=30)
    whole = profile.capabilities.whole_position_stop
    can = profile.capabilities
    attached = can.attach_stop_to_entry and not can.attached_stop_needs_full_fill
    assert figure(world, "worst_window_seconds") <= (0 if whole and attached else 0.5)
    assert figure(world, "worst_over_cover_seconds") <= 2
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
@DISORDER
def test_an_entry_that_fills_whole_while_it_is_being_cancelled_is_one_whole_position(
    profile: Profile, side: Side, rules: tuple[FaultRule, ...]
) -> None:
    world = a_limit_entry_of_one(profile, *rules, more=Decimal("0.63"))
    open_a(side, world, for_s=60)
    assert open_quantity(world) == 1
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
def test_a_limit_entry_that_does_not_fill_is_followed_by_one_at_market(profile: Profile, side: Side) -> None:
    orders = OrderPolicy(entry_limit=True, entry_limit_timeout_ms=TIMEOUT_MS)
    world = a_world(profile, prices=PRICES, size_usd=Decimal(1_000), policies=PositionPolicies(orders=orders))
    away = 990 if side is Side.LONG else 1_010
    world.signal(side="BUY" if side is Side.LONG else "SELL", entry=str(away))
    world.run_for(2)
    assert open_quantity(world) == 0
    assert len(world.account().orders) == 1
    world.run_for(20)
    assert open_quantity(world) > 0
    assert len(set(placed_ids(world, OrderPurpose.ENTRY))) == 2
    assert_postcondition_c(world)


@EVERY_PROFILE
def test_a_piece_is_protected_although_the_account_cannot_be_read(profile: Profile) -> None:
    """Whether a stop came with the piece cannot be seen; one of ours is right in any case."""
    rehearsal = a_limit_entry_of_one(profile)
    open_a(Side.LONG, rehearsal, for_s=15)
    filled_s = (fills_of(rehearsal)[0].time_ms - START_MS) / 1_000
    unreadable = FaultRule(
        action=FaultAction.LOST_ANSWER, requests=(RequestType.ACCOUNT,), from_s=filled_s, until_s=filled_s + 25
    )
    world = a_limit_entry_of_one(profile, unreadable)
    open_a(Side.LONG, world, for_s=15)
    assert fills_of(world)
    assert figure(world, "worst_window_seconds") <= 0.5
    world.run_for(60)
    assert_postcondition_c(world)
