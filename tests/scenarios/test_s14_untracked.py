"""S14: what is on the venue and on no record is taken over, only told, or left alone, as UNTRACKED says."""

import pytest

from actors import addresses
from actors.desk import Untracked
from adapters.simulator.fault_script import FaultAction, FaultRule, RequestType
from adapters.simulator.profiles import PROFILES, Profile
from messages.positions import ClosePosition
from messages.state import CloseReason
from messages.values import OrderSide, PositionKey, Side
from tests.scenarios.hands import reduce_by_hand, trade
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import EVERY_PROFILE, a_world, open_a, open_quantity, stops_of
from tests.scenarios.test_s14_opened_by_hand import trade_by_hand
from tests.scenarios.world import BTC, PAPER_VENUE, World


def after_one_of_ours(untracked: Untracked) -> World:
    """A position opened by hand where one of ours has ended: its actor lives, and has nothing to do."""
    world = a_world(PROFILES["paper"], untracked=untracked)
    open_a(Side.LONG, world)
    world.price(41_000)
    world.run_for(10)
    assert open_quantity(world) == 0
    trade_by_hand(world, Side.LONG)
    world.run_for(130)
    return world


@pytest.mark.parametrize(
    ("untracked", "stops", "told"), [(Untracked.ADOPT, 1, 0), (Untracked.ALERT, 0, 1), (Untracked.IGNORE, 0, 0)]
)
def test_where_a_position_of_ours_has_been_before_one_of_somebody_else_is_treated_as_anywhere(
    untracked: Untracked, stops: int, told: int
) -> None:
    world = after_one_of_ours(untracked)
    assert len(stops_of(world)) == stops
    assert world.kinds().count("untracked_position") == told


def test_an_untracked_position_that_comes_again_is_told_again() -> None:
    world = after_one_of_ours(Untracked.ALERT)
    reduce_by_hand(world, BTC)
    world.run_for(130)
    trade(world, BTC, OrderSide.BUY, world.size_usd / 42_000)
    world.run_for(700)
    folded = [event for event in world.events if event.kind == "untracked_position"]
    assert len(folded) == 2


@EVERY_PROFILE
def test_a_close_that_comes_before_the_venue_s_instruments_is_done_when_they_are_known(profile: Profile) -> None:
    late = FaultRule(action=FaultAction.LATE_ANSWER, requests=(RequestType.INSTRUMENTS,), delay_s=3.0, from_s=20)
    world = a_world(profile, late)
    open_a(Side.LONG, world, for_s=20)
    world.kill()
    process = world.start()
    desk = process.system.ref(addresses.desk(PAPER_VENUE))
    desk.tell(ClosePosition(key=PositionKey(venue=PAPER_VENUE, symbol=BTC), reason=CloseReason.OPERATOR))
    world.run_for(1)
    assert open_quantity(world) > 0
    world.run_for(30)
    assert open_quantity(world) == 0
    assert_postcondition_c(world, interrupted=True)
