"""Bitget's codes for what the engine refuses."""

import msgspec

from adapters.simulator.wire.dialect import HttpResponse
from messages.venue import OrderRejected, OutcomeUnknown, RejectReason

_CODES = {
    RejectReason.INSUFFICIENT_MARGIN: "40762",
    RejectReason.DUPLICATE_ID: "40786",
    RejectReason.REDUCE_ONLY_REFUSED: "40836",
    RejectReason.PRICE_BAND: "43009",
    RejectReason.ORDER_TYPE_WITHDRAWN: "40404",
    RejectReason.RATE_LIMITED: "429",
    RejectReason.CLOCK: "40008",
    RejectReason.AUTHENTICATION: "40012",
    RejectReason.NOT_TRADING: "40309",
}
_TEXTS = {
    "40762": "The order amount exceeds the balance",
    "40786": "Duplicate clientOid",
    "40836": "Reduce-only order quantity error",
    "40404": "Request URL NOT FOUND",
    "429": "Too Many Requests",
    "40008": "Request timestamp expired",
    "40012": "apikey/password is incorrect",
    "40309": "The contract has been removed",
    "43025": "Plan order does not exist",
    "43023": "Insufficient position, can not set profit or stop loss",
    "40768": "Order does not exist",
    "40109": "The data of the order cannot be found, please confirm the order number",
    "22002": "No position to close",
    "40774": "The order type for unilateral position must also be the unilateral position type.",
    "45117": "Currently holding positions or orders, the margin mode cannot be adjusted",
    "40797": "Exceeded the maximum settable leverage",
}
_OTHERS = (
    ("position side", "40774"),
    ("margin mode", "45117"),
    ("leverage", "40797"),
    ("multiple", "45115"),
)
RATE_STATUS = 429
REFUSED_STATUS = 400


class WireRefusedError(Exception):
    """The venue says no, with this code."""

    def __init__(self, code: str, text: str = "", *, status: int = REFUSED_STATUS) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text or _TEXTS.get(code, code)
        self.status = RATE_STATUS if code == str(RATE_STATUS) else status


class WireDownError(Exception):
    """The venue is out of service: what it answers is a page for people."""


def refusal(answer: object, *, plan: bool = False, detail: bool = False) -> Exception:
    """What a request that was not granted is answered with, in the list that it was about."""
    if isinstance(answer, OutcomeUnknown):
        return WireDownError(answer.text)
    if not isinstance(answer, OrderRejected):
        raise TypeError(f"{type(answer).__name__} is no refusal")
    code = _code(answer, plan=plan, detail=detail)
    return WireRefusedError(code, _TEXTS.get(code) or answer.text)


def error_response(error: WireRefusedError, *, now_ms: int) -> HttpResponse:
    """The body of a refusal."""
    body = {"code": error.code, "msg": error.text, "requestTime": now_ms, "data": None}
    return HttpResponse(body=msgspec.json.encode(body), status=error.status)


def down_response() -> HttpResponse:
    """No JSON at all."""
    return HttpResponse(body=b"<html>503 Service Temporarily Unavailable</html>", status=503)


def _code(answer: OrderRejected, *, plan: bool, detail: bool) -> str:
    reason, text = answer.reason, answer.text
    if reason is RejectReason.NOT_FOUND:
        return "43025" if plan else "40109" if detail else "40768"
    if reason is RejectReason.NO_POSITION:
        return "43023" if plan else "22002"
    if reason is RejectReason.WOULD_TRIGGER:
        return "40917"
    if reason is RejectReason.SIZE:
        return "45110" if "value" in text else "45111" if "minimum" in text else "40808"
    if reason is RejectReason.STOP_EXISTS:
        # Not documented by the venue: the words are what clients can go by.
        return "45103"
    if reason in _CODES:
        return _CODES[reason]
    return next((code for word, code in _OTHERS if word in text), "40019")
