"""What the answer to an intent means for the position that intended it.

Invariants:
1. An intent settles once; a second answer changes nothing.
2. "Unknown" is never taken for "rejected": the account is read before anything follows from it.
3. A refused cancel proves nothing: the order is asked for by its id.
"""

from dataclasses import replace
from typing import Final

from messages.journal import Severity
from messages.positions import IntentSettled, NeverSent
from messages.state import (
    CloseReason,
    Intent,
    IntentAction,
    IntentStatus,
    Leftover,
    PositionPhase,
    StopPhase,
    TakeProfitPhase,
)
from messages.values import OrderPurpose
from messages.venue import OrderAccepted, OrderRejected, OutcomeUnknown, RejectReason
from rules.forgetful_venue import denied_stop_stands
from rules.position_aged import exit_refused
from rules.position_draft import Draft
from rules.position_orders import TAKE_PROFIT_LEVEL, take_order
from rules.position_plan_exit import close_failed, decide_close
from rules.position_stop import naked_wait_ms, stop_confirmed, stop_failed, take_the_stop_that_stands

TAKE_PROFIT_RETRY_MS = 5_000
CANCEL_AGAIN_MS: Final = 2_000
CANCEL_ATTEMPTS: Final = 3
CANCEL_WAIT_MS: Final = 60_000
CANCEL_WAIT_DOUBLINGS: Final = 4
CANCEL_WAIT_CAP_MS: Final = 600_000


def take_settled(draft: Draft, settled: IntentSettled) -> None:
    """Take over the outcome of an intent."""
    intent, outcome = settled.intent, settled.outcome
    if draft.open_intents.get(intent.intent_id) is None:
        _settled_late(draft, settled)
        return
    draft.changed_ms = draft.now_ms
    match outcome:
        case OrderAccepted(report=report):
            draft.settle(intent.intent_id, IntentStatus.ACCEPTED, venue_order_id=str(report.venue_order_id))
            is_overtaken = _is_overtaken(draft, intent)
            _accepted(draft, intent)
            if not is_overtaken:
                take_order(draft, report)
                if intent.action is IntentAction.AMEND and draft.position.stop.phase is StopPhase.MOVING:
                    stop_confirmed(draft, report)
            _after_cancel(draft, intent)
        case OrderRejected(reason=reason, text=text):
            draft.settle(intent.intent_id, IntentStatus.REJECTED, text=f"{reason}: {text}")
            _refused(draft, intent, reason, f"{reason}: {text}")
        case NeverSent(text=text):
            draft.settle(intent.intent_id, IntentStatus.NEVER_SENT, text=text)
            _refused(draft, intent, RejectReason.NOT_SENT, text)
        case OutcomeUnknown(text=text):
            draft.settle(intent.intent_id, IntentStatus.UNKNOWN, text=text)
            draft.unknown[intent.intent_id] = intent
            draft.reads_account = True
            _refused(draft, intent, RejectReason.OTHER, f"outcome unknown: {text}", unknown=True)


def _settled_late(draft: Draft, settled: IntentSettled) -> None:
    """The position went on without this answer: its record is completed, and what the venue shows is a fact."""
    intent, outcome = settled.intent, settled.outcome
    if isinstance(outcome, OutcomeUnknown):
        return
    if draft.unknown.pop(intent.intent_id, None) is not None:
        statuses = {OrderRejected: IntentStatus.REJECTED, NeverSent: IntentStatus.NEVER_SENT}
        draft.settle(intent.intent_id, statuses.get(type(outcome), IntentStatus.ACCEPTED), text="known only later")
        draft.changed_ms = draft.now_ms
    if isinstance(outcome, OrderAccepted) and _is_overtaken(draft, intent):
        draft.doubt()
    elif isinstance(outcome, OrderAccepted):
        take_order(draft, outcome.report)


def _is_overtaken(draft: Draft, intent: Intent) -> bool:
    """A move of the stop that was confirmed by other means, or given up: its answer says what was asked for then."""
    moves_stop = intent.action is IntentAction.AMEND and intent.order.purpose is OrderPurpose.STOP
    return moves_stop and draft.position.stop.intent_id != intent.intent_id


def _accepted(draft: Draft, intent: Intent) -> None:
    """What acceptance alone ends; the order's own report follows."""
    order = intent.order
    if intent.action is IntentAction.CANCEL:
        return
    # The stream may have confirmed it before, and the slot may hold the next intent by now.
    if order.purpose is OrderPurpose.STOP and draft.position.stop.intent_id == intent.intent_id:
        draft.change_stop(intent_id=None)
    for take_profit in draft.position.take_profits:
        if take_profit.intent_id == intent.intent_id:
            draft.change_take_profit(take_profit.level, intent_id=None)


def _after_cancel(draft: Draft, intent: Intent) -> None:
    if intent.action is not IntentAction.CANCEL:
        return
    for leftover in _leftovers_of(draft, intent):
        draft.change_leftover(leftover, intent_id=None)
    stop = draft.position.stop
    if stop.intent_id == intent.intent_id:
        # What failed so far were requests to cancel; placing has not been tried yet.
        draft.change_stop(intent_id=None, attempts=0, not_before_ms=0)


def _refused(draft: Draft, intent: Intent, reason: RejectReason, text: str, *, unknown: bool = False) -> None:
    if intent.action is IntentAction.CANCEL:
        _cancel_refused(draft, intent, reason, text)
        return
    match intent.order.purpose:
        case OrderPurpose.ENTRY:
            draft.position = replace(draft.position, entry_done=True)
            draft.record("entry_refused", text, Severity.WARNING)
            if draft.position.opened_quantity == 0:
                draft.position = replace(draft.position, close_reason=CloseReason.ENTRY_FAILED)
        case OrderPurpose.STOP if draft.position.stop.intent_id != intent.intent_id:
            draft.doubt()
        case OrderPurpose.STOP:
            _stop_refused(draft, intent, reason, text, unknown=unknown)
        case OrderPurpose.TAKE_PROFIT_1 | OrderPurpose.TAKE_PROFIT_2:
            _take_profit_refused(draft, intent, text)
        case OrderPurpose.CLOSE:
            _close_refused(draft, reason, text)
        case OrderPurpose.GUARD:
            draft.record("guard_part_refused", f"{text}; it is not tried again", Severity.WARNING)
            draft.reads_account = draft.reads_fills = True
        case OrderPurpose.AGED:
            exit_refused(draft, intent.order, text, unknown=unknown)


def _stop_refused(draft: Draft, intent: Intent, reason: RejectReason, text: str, *, unknown: bool) -> None:
    was_protected = draft.position.phase is PositionPhase.ACTIVE
    stop_failed(draft, text)
    stop = draft.position.stop
    match reason:
        case RejectReason.WOULD_TRIGGER:
            decide_close(draft, CloseReason.STOP_WOULD_TRIGGER, text)
            draft.passed_stop, draft.passed_at = intent.order.trigger_price, draft.situation.watched
            draft.change_stop(not_before_ms=draft.now_ms + naked_wait_ms(stop.attempts))
        case RejectReason.ORDER_TYPE_WITHDRAWN if stop.working is None:
            decide_close(draft, CloseReason.UNPROTECTED, f"no stop can be placed here: {text}", Severity.CRITICAL)
        case RejectReason.STOP_EXISTS if denied_stop_stands(draft) or take_the_stop_that_stands(draft):
            pass
        case RejectReason.NO_POSITION | RejectReason.NOT_FOUND | RejectReason.STOP_EXISTS | RejectReason.DUPLICATE_ID:
            draft.doubt()
            draft.reads_fills = True
        case _ if was_protected and stop.working is None and (unknown or stop.attempts > 1):
            decide_close(
                draft, CloseReason.UNPROTECTED, f"the stop was lost while moving it: {text}", Severity.CRITICAL
            )
        case _:
            draft.reads_account = True


def _take_profit_refused(draft: Draft, intent: Intent, text: str) -> None:
    level = TAKE_PROFIT_LEVEL[intent.order.purpose]
    for take_profit in draft.position.take_profits:
        if take_profit.level == level and take_profit.client_order_id == intent.order.client_order_id:
            draft.change_take_profit(
                level,
                phase=TakeProfitPhase.PLANNED,
                intent_id=None,
                client_order_id=None,
                attempts=take_profit.attempts + 1,
                not_before_ms=draft.now_ms + TAKE_PROFIT_RETRY_MS,
            )
            draft.record("take_profit_refused", f"TP{level}: {text}", Severity.WARNING)
            draft.reads_account = True


def _close_refused(draft: Draft, reason: RejectReason, text: str) -> None:
    attempts = close_failed(draft, reason)
    draft.compared_ms = 0  # the account is read a moment from now: what is asked for now would prove nothing
    draft.reads_fills = True
    working = draft.position.stop.working
    draft.record(
        "close_refused",
        f"try {attempts}: {text}; "
        + (f"the stop at {working.trigger_price} is looked for" if working else "no stop is working"),
        Severity.ERROR if working else Severity.CRITICAL,
    )


def _cancel_refused(draft: Draft, intent: Intent, reason: RejectReason, text: str) -> None:
    """The order is asked for by its id, and what the answer shows is the truth: gone, or resting for now.

    What never reached the venue was refused by nobody: it is sent again soon, however often.
    """
    sent = reason is not RejectReason.NOT_SENT
    for leftover in _leftovers_of(draft, intent):
        attempts = leftover.attempts + sent
        wait_ms = cancel_wait_ms(attempts) if sent else CANCEL_AGAIN_MS
        draft.change_leftover(leftover, intent_id=None, attempts=attempts, not_before_ms=draft.now_ms + wait_ms)
        if sent:
            _tell_of_cancels(draft, intent, attempts, text)
    draft.queries.append(intent.order)
    draft.missing = draft.missing | {intent.order.client_order_id}
    if draft.position.stop.intent_id == intent.intent_id:
        stop_failed(draft, f"cancel before the move: {text}")
        attempts = draft.position.stop.attempts
        if draft.position.stop.working is not None:
            draft.change_stop(not_before_ms=draft.now_ms + cancel_wait_ms(attempts))
        _tell_of_cancels(draft, intent, attempts, text)


def cancel_wait_ms(attempts: int) -> int:
    """How long after the ``attempts``-th refusal a cancel may be tried again: soon at first, then rarely (F16)."""
    if attempts < CANCEL_ATTEMPTS:
        return 500 << attempts
    doublings = min(attempts - CANCEL_ATTEMPTS, CANCEL_WAIT_DOUBLINGS)
    return min(CANCEL_WAIT_MS << doublings, CANCEL_WAIT_CAP_MS)


def _tell_of_cancels(draft: Draft, intent: Intent, attempts: int, text: str) -> None:
    if attempts == CANCEL_ATTEMPTS:
        order = intent.order
        draft.record(
            "cancel_refused",
            f"{attempts} requests to cancel {order.kind} {order.client_order_id} were refused: {text}; "
            "unless the venue shows it gone it rests, and is tried again now and then",
            Severity.CRITICAL,
        )


def _leftovers_of(draft: Draft, intent: Intent) -> list[Leftover]:
    return [item for item in draft.position.leftovers if item.intent_id == intent.intent_id]
