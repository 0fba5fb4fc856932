"""A position's side of the record: its decisions, their numbers, and what a late record of it means."""

from dataclasses import replace
from hashlib import sha256

from actors.kernel import Context, Ref
from messages.journal import Decision, EventRecord, Severity
from messages.positions import PositionRestored
from messages.state import CloseReason, PositionPhase, PositionState
from messages.values import Epoch, PositionId
from rules.position_case import PositionCase


class PositionRecord:
    """Numbers the decisions of one incarnation and hands them to the journal.

    ``complete``: the database itself was asked at the start, not the spool alone.
    """

    def __init__(self, *, journal: Ref, owner_epoch: int) -> None:
        self._journal = journal
        self._owner_epoch = owner_epoch
        self._decisions = 0
        self.complete = True

    def blank(self, context: Context) -> Decision:
        """A decision of this incarnation, with nothing in it yet."""
        self._decisions += 1
        epoch = Epoch(owner=self._owner_epoch, actor=context.epoch)
        return Decision(
            decision_id=f"{context.path}:{epoch.owner}.{epoch.actor}.{self._decisions}",
            path=context.path,
            epoch=epoch,
            at_ms=context.now_ms(),
        )

    def commit(self, context: Context, decision: Decision) -> None:
        """Have ``decision`` made durable.

        Raises:
            StaleEpoch: This incarnation was replaced.
        """
        context.check_epoch()
        self._journal.tell(decision)

    def stamp(self, context: Context) -> str:
        """Unique among everything that any incarnation decided."""
        return f"{self._owner_epoch}.{context.epoch}.{self._decisions}"

    def new_position_id(self, context: Context) -> PositionId:
        """Unique across restarts, and the same in every run of the same history."""
        text = f"{context.path}:{self.stamp(context)}:{context.now_ms()}"
        return PositionId(sha256(text.encode()).hexdigest()[:16])

    def comes_late(self, message: PositionRestored) -> bool:
        """Whether ``message`` is the record that the database could not give at the start."""
        if self.complete or not message.complete:
            return False
        self.complete = True
        return message.restored is not None


def with_open_intents(case: PositionCase, message: PositionRestored) -> PositionCase:
    """``case`` with the intents that only the database knew to be open."""
    known = message.restored.open_intents if message.restored is not None else ()
    return replace(case, intents={**{intent.intent_id: intent for intent in known}, **case.intents})


def superseded(blank: Decision, old: PositionState, new: PositionState) -> Decision:
    """The record of ``old`` ends: while the database was out of reach its position was taken over as ``new``."""
    event = EventRecord(
        kind="position_superseded",
        severity=Severity.WARNING,
        text=f"{old.side} {old.quantity} goes on as position {new.position_id}, adopted while the database was away",
        at_ms=blank.at_ms,
        subject=f"{old.key.venue}/{old.key.symbol}",
        position_id=old.position_id,
    )
    ended = replace(old, phase=PositionPhase.CLOSED, closed_ms=blank.at_ms, close_reason=CloseReason.OUTSIDE)
    return replace(blank, position=ended, events=(event,))
