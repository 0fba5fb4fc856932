"""S4, S17: a position that opened and was stopped out while nobody could hear of it is on record like any other."""

from adapters.simulator.fault_script import FaultAction, FaultRule, RequestType
from adapters.simulator.profiles import Profile
from messages.state import CloseReason
from messages.values import OrderPurpose, Side
from persistence.queries import Queries
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import BOTH_SIDES, a_world, at, figure, fills_of, open_a, open_quantity, profiles_where

ATTACHED = profiles_where(lambda profile: profile.capabilities.attach_stop_to_entry)
DEAF_UNTIL_S = 6.0
ASKED_FROM_S = 3.5
QUERY_AWAY_UNTIL_S = 9.0
FILLS_AWAY_UNTIL_S = 12.0
"""The entry's own answer comes before its fills can be read."""
NO_ANSWER = FaultRule(action=FaultAction.LOST_ANSWER, requests=(RequestType.PLACE,), purposes=(OrderPurpose.ENTRY,))
NO_EVENTS = FaultRule(action=FaultAction.EVENT_LOST, from_s=0.0, until_s=DEAF_UNTIL_S)


def no_answer_to(*requests: RequestType, until_s: float) -> FaultRule:
    return FaultRule(action=FaultAction.MAINTENANCE, requests=requests, from_s=ASKED_FROM_S, until_s=until_s)


@ATTACHED
@BOTH_SIDES
def test_an_entry_that_was_stopped_out_before_anything_was_heard_of_it_is_no_failed_entry(
    profile: Profile, side: Side
) -> None:
    """The first that is heard is that the stop has filled; then the venue says that the entry had."""
    world = a_world(
        profile,
        NO_ANSWER,
        NO_EVENTS,
        no_answer_to(RequestType.QUERY, until_s=QUERY_AWAY_UNTIL_S),
        no_answer_to(RequestType.ACCOUNT, RequestType.FILLS, until_s=FILLS_AWAY_UNTIL_S),
    )
    open_a(side, world, for_s=DEAF_UNTIL_S - 1)
    assert open_quantity(world) > 0
    world.price(at(side, 40_000))
    world.run_for(30)
    assert open_quantity(world) == 0
    (closed,) = Queries(world.store).closed_positions()
    assert closed.close_reason is CloseReason.STOP_LOSS
    assert "rolled_back" not in world.kinds()
    assert len(closed.seen_fills) == len(fills_of(world)) == 2
    assert figure(world, "unprotected_seconds") == 0
    assert_postcondition_c(world)
