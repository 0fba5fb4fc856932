"""F14: a person takes the stop away while the entry fills in pieces, and the venue puts it back with the next piece.

Where a position has one stop, the one that comes back takes the place of the one that was placed meanwhile.
"""

from decimal import Decimal

from adapters.simulator.fault_script import EventType, FaultAction, FaultRule, RequestType
from adapters.simulator.profiles import Profile
from messages.values import OrderPurpose, Side
from tests.scenarios.hands import cancel_stop, reduce_by_hand
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import BOTH_SIDES, a_world, figure, open_a, profiles_where
from tests.scenarios.wire.link import WireProfile
from tests.scenarios.world import BTC, World

ONE_STOP_FOR_ALL = profiles_where(
    lambda profile: (
        profile.capabilities.whole_position_stop
        and profile.capabilities.stop_client_order_id
        and not profile.capabilities.attached_stop_needs_full_fill
        and not isinstance(profile, WireProfile)
    )
)
IN_PIECES = FaultRule(
    action=FaultAction.PARTIAL_FILL,
    requests=(RequestType.PLACE,),
    purposes=(OrderPurpose.ENTRY,),
    quantities=(Decimal("0.004"),),
    every_s=1.0,
    fill_rest=True,
)
OURS_IS_REPLACED_UNHEARD = FaultRule(action=FaultAction.EVENT_LOST, events=(EventType.ORDER,), nth=7, count=1)


FILLS_ARE_TOLD_LATE = FaultRule(action=FaultAction.EVENT_LATE, events=(EventType.FILL,), nth=3, delay_s=0.2)


def until_the_first_piece(world: World, side: Side) -> None:
    """The others follow a second later each."""
    open_a(side, world, for_s=0)
    while not world.account().positions:
        world.run_for(0.01)


def stop_taken_away(world: World, side: Side, after_s: float) -> None:
    """Between the pieces of the entry."""
    until_the_first_piece(world, side)
    world.run_for(after_s)
    cancel_stop(world, BTC)


@ONE_STOP_FOR_ALL
@BOTH_SIDES
def test_the_stop_that_the_venue_puts_back_stays_though_ours_is_not_known_to_be_gone(
    profile: Profile, side: Side
) -> None:
    world = a_world(profile, IN_PIECES, OURS_IS_REPLACED_UNHEARD)
    stop_taken_away(world, side, 0.5)
    world.run_for(60)
    assert figure(world, "wrong_cancels") == 0
    assert_postcondition_c(world)


@ONE_STOP_FOR_ALL
@BOTH_SIDES
def test_the_stop_that_the_venue_puts_back_stays_when_ours_is_refused_for_it(profile: Profile, side: Side) -> None:
    world = a_world(profile, IN_PIECES)
    stop_taken_away(world, side, 0.97)
    world.run_for(60)
    assert figure(world, "wrong_cancels") == 0
    assert_postcondition_c(world)


@ONE_STOP_FOR_ALL
@BOTH_SIDES
def test_a_stop_that_comes_with_a_piece_after_the_end_stays_until_the_entry_is_known_to_have_ended(
    profile: Profile, side: Side
) -> None:
    """A person closes what has filled; the next piece fills before the rest of the entry is cancelled."""
    world = a_world(profile, IN_PIECES, FILLS_ARE_TOLD_LATE)
    until_the_first_piece(world, side)
    world.run_for(0.98)
    reduce_by_hand(world, BTC)
    world.run_for(60)
    assert figure(world, "wrong_cancels") == 0
    assert_postcondition_c(world)
