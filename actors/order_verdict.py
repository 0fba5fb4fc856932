"""What an answer of the venue means for an intent: what came of it, or what is to be done to find out."""

from enum import StrEnum
from typing import Final, TypeAlias

from actors.venue_queue import Job, intent_of, may_run_twice, stop_among
from messages.orders import OrderReport, OrderStatus
from messages.positions import IntentOutcomeAnswer, NeverSent
from messages.state import Intent, IntentAction
from messages.venue import AccountReport, FillsReport, OrderAccepted, OrderRejected, RejectReason, VenueAnswer

REQUEST_LIFE_MS: Final = 15_000
"""The longest that a request may still arrive after it was sent; "not found" proves nothing before it has passed."""


class Next(StrEnum):
    """What is to be done while it is not known what came of an intent."""

    ASK = "ask"
    ASK_LATER = "ask_later"
    ASK_ACCOUNT = "ask_account"
    ASK_FILLS = "ask_fills"
    TRY_AGAIN = "try_again"


Verdict: TypeAlias = IntentOutcomeAnswer | Next


def verdict_of_answer(job: Job, answer: VenueAnswer) -> Verdict:
    """What ``answer`` to the order itself means. A refusal that does not conclude is kept in ``job.refusal``."""
    match answer:
        case OrderAccepted():
            return answer
        case OrderRejected(reason=RejectReason.DUPLICATE_ID) if intent_of(job).action is IntentAction.PLACE:
            return Next.ASK
        case OrderRejected() if job.sends > 1 or job.outstanding > 0:
            # Another send of the same order may have been the one that counted.
            job.refusal = answer
            return Next.ASK
        case OrderRejected():
            return answer
        case _:
            return Next.ASK


def verdict_of_search(job: Job, answer: VenueAnswer, *, anonymous: bool, now_ms: int) -> Verdict:
    """What the venue says when it is asked for the order by its id; an ``anonymous`` one is known by what it is."""
    intent = intent_of(job)
    match answer:
        case OrderAccepted(report=report):
            return _found(job, report, anonymous=anonymous)
        case OrderRejected(reason=RejectReason.NOT_FOUND):
            return _not_found(job, answer, now_ms)
        case AccountReport() if anonymous:
            stop = stop_among(answer, intent.order)
            if stop is not None:
                return _found(job, stop, anonymous=True)
            missing = OrderRejected(reason=RejectReason.NOT_FOUND, text="the position has no stop")
            return _not_found(job, missing, now_ms)
        case AccountReport():
            return _second_source(intent, answer)
        case FillsReport():
            return _third_source(intent, answer)
        case _:
            return Next.ASK_LATER


def may_still_arrive(job: Job, now_ms: int) -> bool:
    """Whether a request of ``job`` may be on its way yet."""
    sent_ms = job.first_sent_ms if job.first_sent_ms is not None else intent_of(job).created_ms
    return now_ms < sent_ms + REQUEST_LIFE_MS


def _found(job: Job, report: OrderReport, *, anonymous: bool) -> Verdict:
    """The order is there; whether what was intended with it came about, its condition says."""
    intent = intent_of(job)
    as_intended = {
        IntentAction.PLACE: not anonymous or report.trigger_price == intent.order.trigger_price,
        IntentAction.AMEND: report.trigger_price == intent.order.trigger_price,
        IntentAction.CANCEL: report.status is not OrderStatus.WORKING,
    }
    if as_intended[intent.action]:
        return OrderAccepted(report=report)
    if job.refusal is not None and job.outstanding == 0:
        return job.refusal
    return Next.TRY_AGAIN


def _not_found(job: Job, answer: OrderRejected, now_ms: int) -> Verdict:
    intent = intent_of(job)
    if intent.action is not IntentAction.PLACE:
        return job.refusal or answer
    if job.refusal is not None and job.refusal.reason is not RejectReason.DUPLICATE_ID and job.outstanding == 0:
        return job.refusal
    if intent.order.reduce_only and not may_run_twice(intent):
        # It reduces, and carries the same id: a second arrival is refused, so it need not be waited for.
        return Next.TRY_AGAIN
    if may_still_arrive(job, now_ms):
        return Next.ASK_LATER
    return Next.TRY_AGAIN if intent.order.reduce_only else Next.ASK_ACCOUNT


def _second_source(intent: Intent, account: AccountReport) -> Verdict:
    """The account itself, after the longest life of a request: an entry that is in neither was never there."""
    resting = any(order.client_order_id == intent.order.client_order_id for order in account.orders)
    position = any(item.hedge_side == intent.order.hedge_side for item in account.positions)
    if resting:
        return Next.ASK_LATER
    return Next.ASK_FILLS if position else NeverSent(text="the venue knows neither the order nor a position")


def _third_source(intent: Intent, report: FillsReport) -> Verdict:
    """What opened the position that is there: where all fills since are of other orders, this one never was there."""
    order = intent.order
    for fill in report.fills:
        opens = fill.side is order.side and fill.hedge_side == order.hedge_side
        if opens and fill.client_order_id in {order.client_order_id, None}:
            return Next.ASK_LATER
    return NeverSent(text="the venue knows neither the order nor a fill of it")
