"""The life of a position's stop, as a table (S6, DESIGN §4).

``ABSENT → PLACING → WORKING → MOVING → WORKING``; MOVING keeps the old stop alive until the new one is confirmed.

Invariants:
1. Every phase has a row.
2. A stop counts as working only after a confirmation.
3. A failed move leaves the old stop working.
4. A lost stop counts as lost in every phase, until another one is confirmed.
5. What happens at the venue without us is never an anomaly.
6. The outcome of a request is never an anomaly.
7. A move starts only from a working stop, a placement only without one.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from messages.state import StopPhase as Phase


class StopEvent(StrEnum):
    """What can happen to a stop. A failure is certain; an unknown outcome is none of these, and is asked for."""

    PLACE_SENT = "place_sent"
    PLACE_CONFIRMED = "place_confirmed"
    """Also: found on the venue, at the start or attached to the entry."""
    PLACE_FAILED = "place_failed"
    MOVE_SENT = "move_sent"
    MOVE_CONFIRMED = "move_confirmed"
    MOVE_FAILED = "move_failed"
    """The new one certainly does not exist; the old one was not touched."""
    STOP_LOST = "stop_lost"
    """The stop that counts as working was cancelled, rejected after all, or expired, without us."""
    STOP_TRIGGERED = "stop_triggered"
    POSITION_GONE = "position_gone"


_Event = StopEvent


def _row(cells: dict[StopEvent, Phase]) -> Mapping[StopEvent, Phase]:
    return MappingProxyType(cells)


TRANSITIONS: Mapping[Phase, Mapping[StopEvent, Phase]] = MappingProxyType(
    {
        Phase.ABSENT: _row(
            {
                _Event.PLACE_SENT: Phase.PLACING,
                # Attached to the entry, found at the start, or accepted although its answer was lost.
                _Event.PLACE_CONFIRMED: Phase.WORKING,
                # The position ended, or the old stop triggered, while a request was under way.
                _Event.PLACE_FAILED: Phase.ABSENT,
                _Event.MOVE_CONFIRMED: Phase.WORKING,
                _Event.MOVE_FAILED: Phase.ABSENT,
                # Told twice: by the stream and by a report.
                _Event.STOP_LOST: Phase.ABSENT,
                _Event.STOP_TRIGGERED: Phase.ABSENT,
                _Event.POSITION_GONE: Phase.ABSENT,
            }
        ),
        Phase.PLACING: _row(
            {
                # The same id sent again after the venue said that it does not have it.
                _Event.PLACE_SENT: Phase.PLACING,
                _Event.PLACE_CONFIRMED: Phase.WORKING,
                _Event.PLACE_FAILED: Phase.ABSENT,
                # The old stop was lost while its replacement was under way: that move has become the placement.
                _Event.MOVE_CONFIRMED: Phase.WORKING,
                _Event.MOVE_FAILED: Phase.ABSENT,
                _Event.STOP_LOST: Phase.PLACING,
                # It triggered before its confirmation was seen.
                _Event.STOP_TRIGGERED: Phase.ABSENT,
                _Event.POSITION_GONE: Phase.ABSENT,
            }
        ),
        Phase.WORKING: _row(
            {
                # The second of two witnesses: the answer and the stream both tell it.
                _Event.PLACE_CONFIRMED: Phase.WORKING,
                # Another stop was found on the venue while it was under way, or the loss of the old one was a lie.
                _Event.PLACE_FAILED: Phase.WORKING,
                _Event.MOVE_FAILED: Phase.WORKING,
                _Event.MOVE_SENT: Phase.MOVING,
                # The second witness of a move, or a person who moved it.
                _Event.MOVE_CONFIRMED: Phase.WORKING,
                _Event.STOP_LOST: Phase.ABSENT,
                _Event.STOP_TRIGGERED: Phase.ABSENT,
                _Event.POSITION_GONE: Phase.ABSENT,
            }
        ),
        Phase.MOVING: _row(
            {
                # A late witness of the old stop.
                _Event.PLACE_CONFIRMED: Phase.MOVING,
                _Event.PLACE_FAILED: Phase.MOVING,
                _Event.MOVE_SENT: Phase.MOVING,
                _Event.MOVE_CONFIRMED: Phase.WORKING,
                # The old stop was not touched, or never cancelled: it is alive.
                _Event.MOVE_FAILED: Phase.WORKING,
                # Nothing is confirmed any more, and something is under way.
                _Event.STOP_LOST: Phase.PLACING,
                _Event.STOP_TRIGGERED: Phase.ABSENT,
                _Event.POSITION_GONE: Phase.ABSENT,
            }
        ),
    }
)


def next_stop_phase(phase: Phase, event: StopEvent) -> Phase | None:
    """The phase after ``event``; ``None`` is a missing cell: an anomaly, counted and reconciled, never ignored."""
    return TRANSITIONS[phase].get(event)
