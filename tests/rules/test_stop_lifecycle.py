import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.state import StopPhase
from rules.stop_lifecycle import TRANSITIONS, StopEvent, next_stop_phase
from tests.rules.grid import as_grid, drawn

GRID = """
                 absent   placing  working  moving
place_sent       placing  .        -        -
place_confirmed  working  working  .        .
place_failed     .        absent   .        .
move_sent        -        -        moving   .
move_confirmed   working  working  .        working
move_failed      .        absent   .        working
stop_lost        .        .        absent   placing
stop_triggered   .        absent   absent   absent
position_gone    .        absent   absent   absent
"""

CONFIRMED = {StopEvent.PLACE_CONFIRMED, StopEvent.MOVE_CONFIRMED}
FROM_OUTSIDE = {StopEvent.STOP_LOST, StopEvent.STOP_TRIGGERED, StopEvent.POSITION_GONE}
OUTCOMES = CONFIRMED | {StopEvent.PLACE_FAILED, StopEvent.MOVE_FAILED}
ALIVE = {StopPhase.WORKING, StopPhase.MOVING}
histories = st.lists(st.sampled_from(StopEvent), max_size=25)


def _after(history: list[StopEvent]) -> StopPhase:
    phase = StopPhase.ABSENT
    for event in history:
        phase = next_stop_phase(phase, event) or phase
    return phase


def test_the_table_is_this_grid() -> None:
    assert drawn(TRANSITIONS, StopEvent) == as_grid(GRID)


def test_1_every_phase_has_a_row() -> None:
    assert set(TRANSITIONS) == set(StopPhase)
    assert all(TRANSITIONS.values())


@given(history=histories)
def test_2_a_stop_counts_as_working_only_after_a_confirmation(history: list[StopEvent]) -> None:
    confirmed = False
    for number, event in enumerate(history, start=1):
        confirmed = (confirmed or event in CONFIRMED) and event not in FROM_OUTSIDE
        assert confirmed or _after(history[:number]) not in ALIVE


@given(history=histories)
def test_3_a_failed_move_leaves_the_old_stop_working(history: list[StopEvent]) -> None:
    if _after(history) in ALIVE:
        assert _after([*history, StopEvent.MOVE_FAILED]) is StopPhase.WORKING


@given(before=histories, after=histories)
def test_4_a_lost_stop_counts_as_lost_in_every_phase_until_another_one_is_confirmed(
    before: list[StopEvent], after: list[StopEvent]
) -> None:
    unconfirmed = [event for event in after if event not in CONFIRMED]
    assert _after([*before, StopEvent.STOP_LOST, *unconfirmed]) not in ALIVE


@given(history=histories, event=st.sampled_from(sorted(FROM_OUTSIDE)))
def test_5_what_happens_at_the_venue_without_us_is_never_an_anomaly(history: list[StopEvent], event: StopEvent) -> None:
    assert next_stop_phase(_after(history), event) is not None


@given(history=histories, event=st.sampled_from(sorted(OUTCOMES)))
def test_6_the_outcome_of_a_request_is_never_an_anomaly(history: list[StopEvent], event: StopEvent) -> None:
    assert next_stop_phase(_after(history), event) is not None


@given(history=histories)
def test_7_a_move_starts_only_from_a_working_stop_a_placement_only_without_one(history: list[StopEvent]) -> None:
    alive = _after(history) in ALIVE
    assert (next_stop_phase(_after(history), StopEvent.MOVE_SENT) is StopPhase.MOVING) is alive
    assert (next_stop_phase(_after(history), StopEvent.PLACE_SENT) is StopPhase.PLACING) is not alive


@pytest.mark.parametrize("outcome", [StopEvent.PLACE_CONFIRMED, StopEvent.MOVE_CONFIRMED])
def test_a_replacement_that_was_under_way_when_the_old_stop_was_lost_still_becomes_the_stop(outcome: StopEvent) -> None:
    lost_while_moving = [StopEvent.PLACE_SENT, StopEvent.PLACE_CONFIRMED, StopEvent.MOVE_SENT, StopEvent.STOP_LOST]
    assert _after(lost_while_moving) is StopPhase.PLACING
    assert _after([*lost_while_moving, outcome]) is StopPhase.WORKING
