"""The life of a position, as a table (S4.1).

``PENDING_ENTRY → ENTRY_PLACED → PENDING_SL → ACTIVE``, from each of the first three ``→ ROLLED_BACK``, and from ACTIVE
``→ CLOSING → CLOSED``. One decision may take several steps: a fill with an attached stop is ENTRY_FILLED then
STOP_CONFIRMED; a stop that filled at the venue is POSITION_GONE twice (ACTIVE → CLOSING → CLOSED), or CLOSE_DECIDED and
POSITION_GONE.

Invariants:
1. Every phase has a row, and an ended position has an empty one.
2. A position becomes ACTIVE only by a confirmed stop.
3. A position that has filled never returns to waiting for its entry.
4. Only a position that was never ACTIVE is rolled back, and only one that was CLOSING is closed.
5. From every phase that is not an end, an end can be reached.
6. A position that is being closed never becomes ACTIVE again.
7. What a venue may say late or twice never moves a position backwards.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from messages.state import PositionPhase as Phase


class PositionEvent(StrEnum):
    """What can happen to a position, as far as its phase is concerned."""

    ENTRY_SENT = "entry_sent"
    """The venue has the entry, or may have it."""
    ENTRY_FILLED = "entry_filled"
    """A fill, partial or whole, of the entry."""
    ENTRY_FAILED = "entry_failed"
    """The entry ended, or certainly never reached the venue, without any fill."""
    STOP_CONFIRMED = "stop_confirmed"
    """The venue has a working stop that covers what is open."""
    CLOSE_DECIDED = "close_decided"
    """It shall be closed: by a person, by a rule, or because no stop can be placed."""
    POSITION_GONE = "position_gone"
    """Fills, or the venue's report, say that nothing is open any more."""


_Event = PositionEvent


def _row(cells: dict[PositionEvent, Phase]) -> Mapping[PositionEvent, Phase]:
    return MappingProxyType(cells)


TRANSITIONS: Mapping[Phase, Mapping[PositionEvent, Phase]] = MappingProxyType(
    {
        Phase.PENDING_ENTRY: _row(
            {
                _Event.ENTRY_SENT: Phase.ENTRY_PLACED,
                # The stream is faster than the answer, and after a crash the fill is found by client order id.
                _Event.ENTRY_FILLED: Phase.PENDING_SL,
                _Event.ENTRY_FAILED: Phase.ROLLED_BACK,
                # The intent may be on its way already: only the venue can say that nothing was opened.
                _Event.CLOSE_DECIDED: Phase.PENDING_ENTRY,
            }
        ),
        Phase.ENTRY_PLACED: _row(
            {
                # A second witness, or the same id sent again after an unknown outcome.
                _Event.ENTRY_SENT: Phase.ENTRY_PLACED,
                _Event.ENTRY_FILLED: Phase.PENDING_SL,
                _Event.ENTRY_FAILED: Phase.ROLLED_BACK,
                # An attached stop may be reported before the fill that it belongs to.
                _Event.STOP_CONFIRMED: Phase.ENTRY_PLACED,
                # The entry is cancelled first; it may fill until the venue says that it has ended.
                _Event.CLOSE_DECIDED: Phase.ENTRY_PLACED,
            }
        ),
        Phase.PENDING_SL: _row(
            {
                # The answer to the entry came after the fill.
                _Event.ENTRY_SENT: Phase.PENDING_SL,
                # A limit entry fills in pieces.
                _Event.ENTRY_FILLED: Phase.PENDING_SL,
                # With an attached stop this follows the fill in the same decision.
                _Event.STOP_CONFIRMED: Phase.ACTIVE,
                # No stop can be placed: closed at market, yet it was never ACTIVE, so it ends ROLLED_BACK (S4.5).
                _Event.CLOSE_DECIDED: Phase.PENDING_SL,
                # That close, or a stop that filled before it was confirmed, or a person.
                _Event.POSITION_GONE: Phase.ROLLED_BACK,
            }
        ),
        Phase.ACTIVE: _row(
            {
                _Event.ENTRY_SENT: Phase.ACTIVE,
                # The rest of a limit entry, or an addition.
                _Event.ENTRY_FILLED: Phase.ACTIVE,
                # Moved, resized or placed again.
                _Event.STOP_CONFIRMED: Phase.ACTIVE,
                _Event.CLOSE_DECIDED: Phase.CLOSING,
                # Stop, take profit, liquidation or a person: books are to be settled, leftovers to be cancelled.
                _Event.POSITION_GONE: Phase.CLOSING,
            }
        ),
        Phase.CLOSING: _row(
            {
                _Event.ENTRY_SENT: Phase.CLOSING,
                # A fill that was under way when the close was decided: there is more to close.
                _Event.ENTRY_FILLED: Phase.CLOSING,
                # The stop stays until the position is flat, and may still be placed again.
                _Event.STOP_CONFIRMED: Phase.CLOSING,
                # A refused close is decided again.
                _Event.CLOSE_DECIDED: Phase.CLOSING,
                _Event.POSITION_GONE: Phase.CLOSED,
            }
        ),
        # A fill that arrives after one of these is an anomaly: reconciliation adopts or closes what is open.
        Phase.CLOSED: _row({}),
        Phase.ROLLED_BACK: _row({}),
    }
)


def next_phase(phase: Phase, event: PositionEvent) -> Phase | None:
    """The phase after ``event``; ``None`` is a missing cell: an anomaly, counted and reconciled, never ignored."""
    return TRANSITIONS[phase].get(event)
