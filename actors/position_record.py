"""A position's side of the record: its decisions, their numbers, and what a late record of it means."""

from dataclasses import replace
from hashlib import sha256
from typing import Final

from actors.kernel import Context, Ref
from actors.record import Record
from messages.journal import Decision, EventRecord, IntentOutcome, Severity
from messages.positions import IntentSettled, NeverSent, PositionRestored
from messages.state import CloseReason, IntentStatus, PositionPhase, PositionState, TrailingPhase
from messages.values import PositionId
from messages.venue import OrderAccepted, OrderRejected, OutcomeUnknown
from rules.position_case import PositionCase
from rules.position_decision import PositionDecision

WITH_A_POSITION: Final = frozenset({PositionPhase.PENDING_SL, PositionPhase.ACTIVE, PositionPhase.CLOSING})


class PositionRecord(Record):
    """The decisions of one position's actor, and the names that they give.

    ``complete``: the database itself was asked at the start, not the spool alone.
    """

    def __init__(self, *, journal: Ref, owner_epoch: int) -> None:
        super().__init__(journal=journal, owner_epoch=owner_epoch)
        self.complete = True

    def commit(self, context: Context, decision: Decision) -> None:
        """Have ``decision`` made durable.

        Raises:
            StaleEpoch: This incarnation was replaced.
        """
        context.check_epoch()
        self.write(decision)

    def follow(self, context: Context, decision: PositionDecision) -> None:
        """Have what a rule decided made durable, with everything that follows from it, where it changed anything."""
        draft = decision.draft
        if decision.changed:
            self.commit(
                context,
                replace(
                    self.blank(context),
                    position=decision.case.position,
                    trailing=decision.case.trailing,
                    intents=tuple(draft.intents),
                    outcomes=tuple(draft.outcomes),
                    fills=tuple(draft.fills),
                    funding=tuple(draft.funding),
                    events=tuple(draft.events),
                    signals=tuple(draft.signals),
                    scaling=tuple(draft.scaling),
                ),
            )

    def note_outcome(self, context: Context, settled: IntentSettled) -> None:
        """Put on record what became of an intent that the present position did not send."""
        blank = self.blank(context)
        self.commit(context, replace(blank, outcomes=(outcome_of(settled, at_ms=blank.at_ms),)))

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


def outcome_of(settled: IntentSettled, *, at_ms: int) -> IntentOutcome:
    """What became of an intent that no position waits for any more: what is unknown stays so."""
    statuses = {
        OrderAccepted: IntentStatus.ACCEPTED,
        OrderRejected: IntentStatus.REJECTED,
        NeverSent: IntentStatus.NEVER_SENT,
        OutcomeUnknown: IntentStatus.UNKNOWN,
    }
    text = "" if isinstance(settled.outcome, OrderAccepted) else settled.outcome.text
    status = statuses[type(settled.outcome)]
    return IntentOutcome(intent_id=settled.intent.intent_id, status=status, at_ms=at_ms, text=text)


def with_open_intents(case: PositionCase, message: PositionRestored) -> PositionCase:
    """``case`` with the intents that only the database knew to be open."""
    known = message.restored.open_intents if message.restored is not None else ()
    return replace(case, intents={**{intent.intent_id: intent for intent in known}, **case.intents})


def rejoined(record: PositionCase, case: PositionCase) -> PositionCase:
    """The record of a position that was taken over without it, with what has become of its orders since.

    Size and sums are those of the record: the fills after it are read, and each counts once.
    """
    known, now = record.position, case.position
    goes_on = now.phase in {PositionPhase.ACTIVE, PositionPhase.CLOSING} and known.phase in WITH_A_POSITION
    position = replace(
        known,
        phase=now.phase if goes_on else known.phase,
        stop=now.stop,
        sequence=max(known.sequence, now.sequence),
        leftovers=(*now.leftovers, *(item for item in known.leftovers if item not in now.leftovers)),
        floor_stop_price=now.floor_stop_price or known.floor_stop_price,
        close_order_id=now.close_order_id or known.close_order_id,
        close_attempts=max(known.close_attempts, now.close_attempts),
        close_reason=now.close_reason or known.close_reason,
        breakeven_done=known.breakeven_done or now.breakeven_done,
    )
    return replace(
        record,
        position=position,
        trailing=case.trailing if case.trailing.phase is TrailingPhase.ACTIVE else record.trailing,
        intents={**record.intents, **case.intents},
        unknown={**record.unknown, **case.unknown},
    )


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
