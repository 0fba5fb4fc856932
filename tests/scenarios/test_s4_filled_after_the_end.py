"""S4.3: what an entry fills after the stop of its first pieces has closed them, and what others open then."""

from decimal import Decimal

import pytest

from adapters.simulator.fault_script import EventType, FaultAction, FaultRule, RequestType
from adapters.simulator.profiles import BINANCE, WORST, Profile
from messages.values import OrderPurpose, Side
from persistence.queries import Queries
from rules.rounding import entry_side
from tests.scenarios.hands import trade
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import BOTH_SIDES, a_world, at, figure, open_a, open_quantity, stops_of
from tests.scenarios.world import BTC

IN_PIECES = FaultRule(
    action=FaultAction.PARTIAL_FILL,
    requests=(RequestType.PLACE,),
    purposes=(OrderPurpose.ENTRY,),
    quantities=(Decimal("0.004"),),
    every_s=3.0,
    fill_rest=True,
)
UNTOLD = FaultRule(action=FaultAction.EVENT_LOST, events=(EventType.FILL, EventType.ORDER), from_s=6.02)
NOT_CANCELLED = FaultRule(
    action=FaultAction.LOST_REQUEST, requests=(RequestType.CANCEL,), purposes=(OrderPurpose.ENTRY,), count=1
)
SLOW_FILLS = FaultRule(action=FaultAction.LATE_ANSWER, requests=(RequestType.FILLS,), delay_s=0.5)
STOPS_FOR_A_QUANTITY = pytest.mark.parametrize("profile", [BINANCE, WORST], ids=lambda profile: profile.name)


@STOPS_FOR_A_QUANTITY
@BOTH_SIDES
def test_what_fills_after_the_end_and_is_told_by_nobody_is_of_the_same_position_and_closed(
    profile: Profile, side: Side
) -> None:
    world = a_world(profile, IN_PIECES, UNTOLD, NOT_CANCELLED, SLOW_FILLS)
    open_a(side, world, for_s=2)
    world.price(at(side, 41_000))
    world.run_for(10)
    assert open_quantity(world) == 0
    assert figure(world, "positions_opened") == 2, "by the venue's book: it was flat in between"
    (closed,) = Queries(world.store).closed_positions()
    assert closed.opened_quantity == Decimal("0.01")
    assert_postcondition_c(world, interrupted=True)


@STOPS_FOR_A_QUANTITY
@BOTH_SIDES
def test_what_a_person_opens_just_after_the_end_is_a_position_of_its_own(profile: Profile, side: Side) -> None:
    slow = FaultRule(action=FaultAction.LATE_ANSWER, requests=(RequestType.CANCEL,), delay_s=0.5)
    world = a_world(profile, slow)
    open_a(side, world)
    world.price(at(side, 41_000))
    while open_quantity(world):
        world.run_for(0.05)
    world.run_for(0.1)
    assert "position_closed" in world.kinds()
    trade(world, BTC, entry_side(side), Decimal("0.005"))
    world.run_for(5)
    assert open_quantity(world) == Decimal("0.005")
    assert len(stops_of(world)) == 1
    assert_postcondition_c(world, interrupted=True)
