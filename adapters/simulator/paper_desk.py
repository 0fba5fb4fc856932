"""Answers one request as the venue would, after the faults that befall it: the part of the transport without time."""

from dataclasses import replace
from typing import assert_never

from adapters.simulator.engine import Exchange
from adapters.simulator.fault_script import FaultAction, FaultRule
from adapters.simulator.orders import CONDITIONAL
from messages.venue import (
    AccountReport,
    AmendOrder,
    CancelOrder,
    FetchAccount,
    FetchFills,
    FetchInstruments,
    FetchServerTime,
    OrderRejected,
    OutcomeUnknown,
    PlaceOrder,
    QueryOrder,
    RejectReason,
    ServerTime,
    SetLeverage,
    VenueAnswer,
    VenueRequest,
)

Found = dict[FaultAction, FaultRule]
"""The faults that befall one request."""


def answer_request(
    exchange: Exchange, request: VenueRequest, found: Found, *, now_ms: int, sent_ms: int, venue_ms: int
) -> VenueAnswer:
    """Execute ``request``; ``sent_ms`` is when it left the client, ``venue_ms`` what the venue takes the time to be."""
    refusal = _refused_by_fault(request, found)
    if refusal is not None:
        return refusal
    answer = _execute(exchange, request, found, now_ms=now_ms, sent_ms=sent_ms, venue_ms=venue_ms)
    if FaultAction.MAINTENANCE in found:
        return OutcomeUnknown(text="503 service unavailable")
    if FaultAction.FORGET in found and isinstance(answer, AccountReport):
        return replace(answer, orders=tuple(order for order in answer.orders if order.kind not in CONDITIONAL))
    return answer


def _refused_by_fault(request: VenueRequest, found: Found) -> VenueAnswer | None:
    """The answer of a fault that keeps the request from being executed."""
    for action, rule in found.items():
        if action is FaultAction.RATE_LIMIT:
            text = rule.text or "429 too many requests"
            return OrderRejected(reason=RejectReason.RATE_LIMITED, text=text, retry_after_s=rule.retry_after_s)
        if action is FaultAction.REJECT and rule.reason is not None:
            return OrderRejected(reason=rule.reason, text=rule.text or "refused by the fault script")
        if action is FaultAction.ORDER_TYPE_WITHDRAWN:
            text = rule.text or "-4120 order type not supported for this endpoint"
            return OrderRejected(reason=RejectReason.ORDER_TYPE_WITHDRAWN, text=text)
        if action is FaultAction.MAINTENANCE and not rule.executed:
            return OutcomeUnknown(text="503 service unavailable")
        if action is FaultAction.FORGET and not isinstance(request, FetchAccount):
            return OrderRejected(reason=RejectReason.NOT_FOUND, text="order does not exist")
    return None


def _execute(
    exchange: Exchange, request: VenueRequest, found: Found, *, now_ms: int, sent_ms: int, venue_ms: int
) -> VenueAnswer:
    match request:
        case PlaceOrder(order=order):
            partial = found.get(FaultAction.PARTIAL_FILL)
            return exchange.place(order, now_ms, allowance=None if partial is None else partial.quantities[0])
        case AmendOrder(order=order):
            return exchange.amend(order, now_ms)
        case CancelOrder(order=order):
            return exchange.cancel(order, now_ms)
        case SetLeverage():
            return exchange.set_leverage(request, now_ms)
        case QueryOrder():
            return exchange.query(request.symbol, request.client_order_id)
        case FetchAccount():
            return exchange.account(request.symbol, taken_ms=sent_ms)
        case FetchFills():
            return exchange.fills(request.symbol, request.since_ms)
        case FetchInstruments():
            return exchange.instruments()
        case FetchServerTime():
            return ServerTime(server_ms=venue_ms)
        case _:
            assert_never(request)
