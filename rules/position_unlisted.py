"""A position on record whose symbol the venue does not list any more: no actor can look after it, for want of rules."""

from dataclasses import replace

from messages.journal import EventRecord, Severity
from messages.state import CloseReason, PositionPhase, PositionState
from messages.values import ZERO


def ended_unlisted(position: PositionState, *, now_ms: int) -> tuple[PositionState, EventRecord]:
    """``position`` as it ended, settled by the venue or by hand while nobody looked, and what people are told."""
    was_open = position.opened_quantity > ZERO
    ended = replace(
        position,
        phase=PositionPhase.CLOSED if was_open else PositionPhase.ROLLED_BACK,
        closed_ms=now_ms,
        close_reason=CloseReason.OUTSIDE if was_open else CloseReason.ENTRY_FAILED,
    )
    event = EventRecord(
        kind="phantom_position",
        severity=Severity.WARNING,
        text=f"{position.side} {position.quantity} was on record, and is neither open on the venue nor listed there: "
        "what it came to at the end is not known",
        at_ms=now_ms,
        subject=f"{position.key.venue}/{position.key.symbol}",
        position_id=position.position_id,
    )
    return ended, event
