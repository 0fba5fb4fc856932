import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.state import PositionPhase
from rules.position_lifecycle import TRANSITIONS, PositionEvent, next_phase
from tests.rules.grid import as_grid, drawn

GRID = """
                pending_entry  entry_placed  pending_sl   active   closing  closed  rolled_back
entry_sent      entry_placed   .             .            .        .        -       -
entry_filled    pending_sl     pending_sl    .            .        .        -       -
entry_failed    rolled_back    rolled_back   -            -        -        -       -
stop_confirmed  -              .             active       .        .        -       -
close_decided   .              .             .            closing  .        -       -
position_gone   -              -             rolled_back  closing  closed   -       -
"""

ENDED = {PositionPhase.CLOSED, PositionPhase.ROLLED_BACK}
BEFORE_A_FILL = {PositionPhase.PENDING_ENTRY, PositionPhase.ENTRY_PLACED}
histories = st.lists(st.sampled_from(PositionEvent), max_size=25)


def _lived(history: list[PositionEvent]) -> list[tuple[PositionPhase, PositionEvent, PositionPhase]]:
    """The transitions of a position that met ``history``; anomalies leave it where it was."""
    phase, steps = PositionPhase.PENDING_ENTRY, []
    for event in history:
        after = next_phase(phase, event)
        if after is not None:
            steps.append((phase, event, after))
            phase = after
    return steps


def test_the_table_is_this_grid() -> None:
    assert drawn(TRANSITIONS, PositionEvent) == as_grid(GRID)


def test_1_every_phase_has_a_row_and_an_ended_position_has_an_empty_one() -> None:
    assert set(TRANSITIONS) == set(PositionPhase)
    assert {phase for phase, row in TRANSITIONS.items() if not row} == ENDED


@given(history=histories)
def test_2_a_position_becomes_active_only_by_a_confirmed_stop(history: list[PositionEvent]) -> None:
    for before, event, after in _lived(history):
        if after is PositionPhase.ACTIVE and before is not PositionPhase.ACTIVE:
            assert event is PositionEvent.STOP_CONFIRMED


@given(history=histories)
def test_3_a_position_that_has_filled_never_returns_to_waiting_for_its_entry(history: list[PositionEvent]) -> None:
    filled = False
    for _, event, after in _lived(history):
        filled = filled or event is PositionEvent.ENTRY_FILLED
        assert not (filled and after in BEFORE_A_FILL)


@given(history=histories)
def test_4_only_a_position_that_was_never_active_is_rolled_back_and_only_one_that_was_closing_is_closed(
    history: list[PositionEvent],
) -> None:
    steps = _lived(history)
    been = {before for before, _, _ in steps}
    end = steps[-1][2] if steps else PositionPhase.PENDING_ENTRY
    assert not (end is PositionPhase.ROLLED_BACK and PositionPhase.ACTIVE in been)
    assert not (end is PositionPhase.CLOSED and PositionPhase.CLOSING not in been)


@pytest.mark.parametrize("start", sorted(set(PositionPhase) - ENDED))
def test_5_from_every_phase_that_is_not_an_end_an_end_can_be_reached(start: PositionPhase) -> None:
    reached = {start}
    for _ in PositionPhase:
        reached |= {after for phase in reached for after in TRANSITIONS[phase].values()}
    assert reached & ENDED


@given(history=histories)
def test_6_a_position_that_is_being_closed_never_becomes_active_again(history: list[PositionEvent]) -> None:
    closing = False
    for _, _, after in _lived(history):
        closing = closing or after is PositionPhase.CLOSING
        assert not (closing and after is PositionPhase.ACTIVE)


@given(history=histories, late=st.sampled_from([PositionEvent.ENTRY_SENT, PositionEvent.ENTRY_FILLED]))
def test_7_what_a_venue_may_say_late_or_twice_never_moves_a_position_backwards(
    history: list[PositionEvent], late: PositionEvent
) -> None:
    order = [*PositionPhase]
    steps = _lived([*history, late, late])
    assert all(order.index(after) >= order.index(before) for before, _, after in steps)


def test_an_attached_stop_takes_a_filled_entry_through_pending_sl_in_one_decision() -> None:
    events = [PositionEvent.ENTRY_SENT, PositionEvent.STOP_CONFIRMED]
    events += [PositionEvent.ENTRY_FILLED, PositionEvent.STOP_CONFIRMED]
    assert [after for _, _, after in _lived(events)] == ["entry_placed", "entry_placed", "pending_sl", "active"]


def test_a_stop_that_filled_at_the_venue_closes_the_position_by_way_of_closing() -> None:
    steps = [PositionEvent.ENTRY_SENT, PositionEvent.ENTRY_FILLED, PositionEvent.STOP_CONFIRMED]
    steps += [PositionEvent.POSITION_GONE, PositionEvent.POSITION_GONE]
    assert [after for _, _, after in _lived(steps)][-2:] == ["closing", "closed"]


@pytest.mark.parametrize("ended", sorted(ENDED))
def test_a_fill_after_the_end_is_an_anomaly(ended: PositionPhase) -> None:
    assert next_phase(ended, PositionEvent.ENTRY_FILLED) is None
