"""Binance's error codes: what the simulated exchange's refusals are on the wire."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from adapters.simulator.wire.dialect import HttpResponse
from messages.venue import OrderRejected, OutcomeUnknown, RejectReason

BAD_REQUEST: Final = 400
UNAUTHORIZED: Final = 401
TOO_MANY: Final = 429
UNAVAILABLE: Final = 503

_CODES: Final[Mapping[RejectReason, tuple[int, str]]] = {
    RejectReason.WOULD_TRIGGER: (-2021, "Order would immediately trigger."),
    RejectReason.INSUFFICIENT_MARGIN: (-2019, "Margin is insufficient."),
    RejectReason.REDUCE_ONLY_REFUSED: (
        -4118,
        "ReduceOnly Order Failed. Please check your existing position and open orders",
    ),
    RejectReason.NO_POSITION: (-2022, "ReduceOnly Order is rejected."),
    RejectReason.STOP_EXISTS: (
        -4130,
        "An open stop or take profit order with GTE and closePosition in the direction is existing.",
    ),
    RejectReason.ORDER_TYPE_WITHDRAWN: (
        -4120,
        "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.",
    ),
    RejectReason.CLOCK: (-1021, "Timestamp for this request is outside of the recvWindow."),
    RejectReason.AUTHENTICATION: (-2015, "Invalid API-key, IP, or permissions for action."),
    RejectReason.NOT_TRADING: (-4140, "Invalid symbol status for opening position."),
    RejectReason.NOT_SENT: (-2010, "NEW_ORDER_REJECTED"),
    RejectReason.OTHER: (-2010, "NEW_ORDER_REJECTED"),
}
_BY_TEXT: Final[Mapping[RejectReason, Sequence[tuple[str, int, str]]]] = {
    RejectReason.SIZE: (
        ("value", -4164, "Order's notional must be no smaller than 5 (unless you choose reduce only)."),
        ("over the maximum", -4005, "Quantity greater than max quantity."),
        ("under the minimum", -4004, "Quantity less than min quantity."),
        ("not a multiple", -1111, "Precision is over the maximum defined for this asset."),
        ("", -4003, "Quantity less than or equal to zero."),
    ),
    RejectReason.OTHER: (
        ("not a multiple", -4014, "Price not increased by tick size."),
        ("position side", -4061, "Order's position side does not match user's setting."),
        ("client order id", -4015, "Client order id length should be less than 36 chars"),
        ("leverage is", -4028, "Leverage is not valid"),
        ("margin mode", -4048, "Margin type cannot be changed if there exists position."),
    ),
}
"""Where one of our reasons is several of theirs, by a part of the engine's text; the first that fits."""


class Refused(Exception):  # noqa: N818 - an answer of the venue's on its way out, no error of the simulator's
    """The request ends here, with this code and text."""

    def __init__(self, code: int, text: str, *, status: int = BAD_REQUEST, retry_after_s: float | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.status = status
        self.retry_after_s = retry_after_s


def refused(answer: OrderRejected | OutcomeUnknown, *, algo: bool = False, query: bool = False) -> Refused:
    """The engine's refusal as Binance would say it, of a conditional order or a regular one."""
    if isinstance(answer, OutcomeUnknown):
        text = "Unknown error, please check your request or try again later."
        return Refused(-1000, text, status=UNAVAILABLE)
    match answer.reason:
        case RejectReason.RATE_LIMITED:
            text = "Too many requests; current limit is 2400 requests per minute."
            return Refused(-1003, text, status=TOO_MANY, retry_after_s=answer.retry_after_s)
        case RejectReason.DUPLICATE_ID if algo:
            return Refused(-20132, "The client algo id is duplicated")
        case RejectReason.DUPLICATE_ID:
            return Refused(-4116, "ClientOrderId is duplicated.")
        case RejectReason.NOT_FOUND if algo:
            return Refused(-20124, "Invalid algo id or it has been completed.")
        case RejectReason.NOT_FOUND if query:
            return Refused(-2013, "Order does not exist.")
        case RejectReason.NOT_FOUND:
            return Refused(-2011, "Unknown order sent.")
        case RejectReason.PRICE_BAND:
            return Refused(-4016, "Limit price can't be higher than the cap.")
    for part, code, text in _BY_TEXT.get(answer.reason, ()):
        if part in answer.text:
            return Refused(code, text)
    code, text = _CODES[answer.reason]
    return Refused(code, text, status=UNAUTHORIZED if answer.reason is RejectReason.AUTHENTICATION else BAD_REQUEST)


def response(refusal: Refused, headers: Mapping[str, str]) -> HttpResponse:
    """The answer to send."""
    if refusal.retry_after_s is not None:
        headers = {**headers, "Retry-After": f"{refusal.retry_after_s:g}"}
    return HttpResponse(
        body=msgspec.json.encode({"code": refusal.code, "msg": refusal.text}), status=refusal.status, headers=headers
    )
