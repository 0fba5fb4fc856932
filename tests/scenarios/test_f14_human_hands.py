"""F14: a liquidation and what people did by hand; no event tells of it, and only the next reading of the account does.

``interrupted``: what a position left behind rests until that reading, which is longer than the ledger's grace.
"""

from collections.abc import Callable
from decimal import Decimal

import pytest

from adapters.simulator.fault_script import FaultAction, FaultRule
from adapters.simulator.profiles import Profile
from messages.state import CloseReason
from messages.values import OrderPurpose, OrderSide, Side, Symbol
from persistence.queries import Queries
from tests.scenarios.hands import (
    cancel_stop,
    drag_stop,
    position_of,
    reduce_by_hand,
    set_leverage,
    stop_of,
    trade,
)
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import (
    BOTH_SIDES,
    ENTRY,
    EVERY_PROFILE,
    a_world,
    at,
    entry_side,
    open_a,
    placed_ids,
    profiles_where,
)
from tests.scenarios.world import BTC, World

ETH = Symbol("ETHUSDT")
SILENT_FROM_S = 10.0
NEXT_READING_S = 125


def a_silent_world(profile: Profile, side: Side) -> World:
    """One position, and from now on no order, fill or position event."""
    silence = FaultRule(action=FaultAction.EVENT_LOST, from_s=SILENT_FROM_S)
    world = a_world(profile, silence, prices={BTC: ENTRY, ETH: ENTRY})
    open_a(side, world, for_s=10)
    assert position_of(world, BTC) is not None
    return world


def closed_because(world: World) -> list[CloseReason | None]:
    return [position.close_reason for position in Queries(world.store).closed_positions()]


@EVERY_PROFILE
@BOTH_SIDES
def test_a_liquidation_is_recorded_as_one_and_nothing_is_placed_again(profile: Profile, side: Side) -> None:
    world = a_silent_world(profile, side)
    set_leverage(world, BTC, 100)
    world.price(at(side, 41_400))
    world.run_for(NEXT_READING_S)
    assert position_of(world, BTC) is None
    assert closed_because(world) == [CloseReason.LIQUIDATION]
    assert_postcondition_c(world, interrupted=True)


@EVERY_PROFILE
@BOTH_SIDES
def test_a_position_that_was_deleveraged_is_recorded_as_such_and_nothing_is_placed_again(
    profile: Profile, side: Side
) -> None:
    world = a_silent_world(profile, side)
    world.exchange.deleverage(BTC)
    world.run_for(NEXT_READING_S)
    assert position_of(world, BTC) is None
    assert closed_because(world) == [CloseReason.ADL]
    assert "deleveraged" in world.kinds()
    assert_postcondition_c(world, interrupted=True)


@EVERY_PROFILE
@BOTH_SIDES
def test_the_stop_follows_what_deleveraging_has_left(profile: Profile, side: Side) -> None:
    world = a_silent_world(profile, side)
    before = position_of(world, BTC)
    assert before is not None
    world.exchange.deleverage(BTC, Decimal("0.4"))
    world.run_for(NEXT_READING_S)
    left = position_of(world, BTC)
    assert left is not None
    assert left.quantity == before.quantity * Decimal("0.6")
    assert_postcondition_c(world, interrupted=True)


@EVERY_PROFILE
@BOTH_SIDES
def test_a_position_closed_by_hand_is_recorded_with_its_profit_and_its_orders_go(profile: Profile, side: Side) -> None:
    world = a_silent_world(profile, side)
    world.price(at(side, 42_100))
    world.run_for(2)
    reduce_by_hand(world, BTC)
    world.run_for(NEXT_READING_S)
    (position,) = Queries(world.store).closed_positions()
    assert position.close_reason is CloseReason.OUTSIDE
    assert position.realized_pnl == Decimal(1)
    assert not world.account().orders
    assert len(set(placed_ids(world, OrderPurpose.STOP))) <= 1
    assert_postcondition_c(world, interrupted=True)


@EVERY_PROFILE
@BOTH_SIDES
@pytest.mark.parametrize("change", ["halved", "doubled"])
def test_the_stop_follows_a_size_that_was_changed_by_hand(profile: Profile, side: Side, change: str) -> None:
    world = a_silent_world(profile, side)
    before = position_of(world, BTC)
    assert before is not None
    if change == "halved":
        reduce_by_hand(world, BTC, Decimal("0.5"))
    else:
        trade(world, BTC, entry_side(side), before.quantity)
    world.run_for(NEXT_READING_S)
    after = position_of(world, BTC)
    assert after is not None
    assert after.quantity == before.quantity * (Decimal("0.5") if change == "halved" else 2)
    assert_postcondition_c(world)


@EVERY_PROFILE
@pytest.mark.parametrize("side", list(OrderSide))
def test_a_position_opened_by_hand_is_adopted_under_a_stop(profile: Profile, side: OrderSide) -> None:
    world = a_silent_world(profile, Side.LONG)
    trade(world, ETH, side, Decimal("0.01"))
    world.run_for(NEXT_READING_S)
    assert stop_of(world, ETH) is not None
    assert "position_adopted" in world.kinds()
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
def test_a_stop_cancelled_by_hand_is_placed_again(profile: Profile, side: Side) -> None:
    world = a_silent_world(profile, side)
    cancel_stop(world, BTC)
    world.run_for(NEXT_READING_S)
    stop = stop_of(world, BTC)
    assert stop is not None
    assert stop.trigger_price == at(side, 41_160)
    assert "stop_lost" in world.kinds()
    assert_postcondition_c(world)


@profiles_where(lambda profile: profile.capabilities.amend_stop)
@BOTH_SIDES
@pytest.mark.parametrize(
    ("dragged_to", "kept_at"), [(41_500, 41_500), (40_500, 41_160)], ids=["closer is kept", "away is restored"]
)
def test_a_stop_dragged_by_hand_is_kept_as_the_floor_or_restored(
    profile: Profile, side: Side, dragged_to: int, kept_at: int
) -> None:
    world = a_silent_world(profile, side)
    drag_stop(world, BTC, at(side, dragged_to))
    world.run_for(NEXT_READING_S)
    stop = stop_of(world, BTC)
    assert stop is not None
    assert stop.trigger_price == at(side, kept_at)
    assert "stop_moved_by_hand" in world.kinds()
    cancel_stop(world, BTC)
    world.run_for(NEXT_READING_S)
    again = stop_of(world, BTC)
    assert again is not None
    assert again.trigger_price == at(side, kept_at), "the floor outlives the stop that set it"
    assert_postcondition_c(world)


HANDS: dict[str, Callable[[World], None]] = {
    "closed": lambda world: reduce_by_hand(world, BTC),
    "halved": lambda world: reduce_by_hand(world, BTC, Decimal("0.5")),
    "doubled": lambda world: trade(world, BTC, OrderSide.BUY, Decimal("0.01")),
    "stop cancelled": lambda world: cancel_stop(world, BTC),
}


@EVERY_PROFILE
@pytest.mark.parametrize("hand", HANDS.values(), ids=HANDS)
def test_what_hands_did_while_the_process_was_down_is_found_at_the_start(
    profile: Profile, hand: Callable[[World], None]
) -> None:
    world = a_world(profile)
    open_a(Side.LONG, world)
    world.kill()
    hand(world)
    world.run_for(10)
    world.start()
    world.run_for(20)
    assert_postcondition_c(world, interrupted=True)
