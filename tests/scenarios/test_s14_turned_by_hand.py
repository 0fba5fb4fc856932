"""S14: one order for twice the size turns a position round; what is open then is protected too."""

from decimal import Decimal

import pytest

from adapters.simulator.fault_script import EventType, FaultAction, FaultRule, RequestType
from adapters.simulator.profiles import BINANCE, PAPER, WORST, Profile
from messages.state import CloseReason
from messages.values import OrderPurpose, Side
from persistence.queries import Queries
from rules.rounding import entry_side, exit_side
from tests.scenarios.hands import trade
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import BOTH_SIDES, EVERY_PROFILE, ON_PAPER, a_world, at, figure, open_a, open_quantity
from tests.scenarios.world import BTC, World

SIZE = Decimal("0.01")
SOON_S = 3
"""Far less than the next reading of the account in whole."""


def turned(world: World, side: Side) -> None:
    """A position that has won 100 for each coin is turned round by one order."""
    open_a(side, world)
    world.price(at(side, 42_100))
    world.run_for(5)
    trade(world, BTC, exit_side(side), 2 * SIZE)
    world.run_for(SOON_S)


@EVERY_PROFILE
@BOTH_SIDES
def test_what_is_open_after_a_turn_is_protected_at_once(profile: Profile, side: Side) -> None:
    world = a_world(profile)
    turned(world, side)
    (position,) = world.account().positions
    assert (position.side is side, position.quantity) == (False, SIZE)
    assert figure(world, "worst_window_seconds") < SOON_S
    assert_postcondition_c(world, interrupted=True)


@EVERY_PROFILE
@BOTH_SIDES
def test_the_position_that_was_turned_is_closed_with_its_profit(profile: Profile, side: Side) -> None:
    world = a_world(profile)
    turned(world, side)
    (closed,) = Queries(world.store).closed_positions()
    assert closed.close_reason is CloseReason.OUTSIDE
    assert closed.realized_pnl == 100 * SIZE
    assert "close_refused" not in world.kinds()


@ON_PAPER
def test_a_turn_of_which_no_stream_tells_is_seen_with_the_next_reading(profile: Profile) -> None:
    silent = FaultRule(action=FaultAction.EVENT_LOST, from_s=7)
    world = a_world(profile, silent)
    turned(world, Side.LONG)
    world.run_for(150)
    (position,) = world.account().positions
    assert position.side is Side.SHORT
    assert [closed.realized_pnl for closed in Queries(world.store).closed_positions()] == [100 * SIZE]
    assert_postcondition_c(world, interrupted=True)


@pytest.mark.parametrize("profile", [PAPER, BINANCE, WORST], ids=lambda profile: profile.name)
@BOTH_SIDES
def test_what_is_added_by_hand_while_an_addition_of_ours_is_unknown_is_covered_at_once(
    profile: Profile, side: Side
) -> None:
    """An entry is proven lost only when its longest life is over: nothing else waits for that."""
    lost = FaultRule(
        action=FaultAction.LOST_REQUEST, requests=(RequestType.PLACE,), purposes=(OrderPurpose.ENTRY,), nth=2
    )
    untold = FaultRule(action=FaultAction.EVENT_LOST, events=(EventType.FILL, EventType.ORDER), from_s=60)
    world = a_world(profile, lost, untold)
    open_a(side, world)
    world.run_for(60)
    open_a(side, world, for_s=2)
    trade(world, BTC, entry_side(side), Decimal("0.005"))
    world.run_for(SOON_S)
    assert open_quantity(world) == SIZE + Decimal("0.005")
    assert figure(world, "worst_window_seconds") < SOON_S
    assert figure(world, "positions_uncovered_now") == 0
