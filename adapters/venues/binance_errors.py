"""What Binance's refusals and silences mean.

Sources: the venue's error code pages for USD-M futures, and what ccxt makes of each code. The code decides, not ccxt's
class: one class stands for both "it did not happen" and "it may have happened".
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import ccxt

from adapters.venues.mode_hint import MODE_HINT
from adapters.venues.transport import never_connected
from messages.venue import OrderRejected, OutcomeUnknown, RejectReason

CLOCK_CODES: Final = frozenset({-1021, -5028})
UNKNOWN_OUTCOME: Final = frozenset({-1000, -1001, -1006, -1007, -1008})
"""Internal errors, overload and "execution status unknown": the order may exist, whatever the HTTP status says."""
ALREADY_SO: Final = frozenset({-4046, -4059, -5027})
"""No need to change: margin type, position side, order."""
DEFAULT_RETRY_S: Final = 5.0
"""Where the venue refuses for its rate without saying for how long."""

OTHER_MODE: Final = -4061
REASONS: Final[Mapping[int, RejectReason]] = {
    -1002: RejectReason.AUTHENTICATION,
    -1003: RejectReason.RATE_LIMITED,
    -1015: RejectReason.RATE_LIMITED,
    -1021: RejectReason.CLOCK,
    -1022: RejectReason.AUTHENTICATION,
    -1111: RejectReason.SIZE,
    -1116: RejectReason.ORDER_TYPE_WITHDRAWN,
    -1121: RejectReason.NOT_TRADING,
    -2011: RejectReason.NOT_FOUND,
    -2013: RejectReason.NOT_FOUND,
    -2014: RejectReason.AUTHENTICATION,
    -2015: RejectReason.AUTHENTICATION,
    -2018: RejectReason.INSUFFICIENT_MARGIN,
    -2019: RejectReason.INSUFFICIENT_MARGIN,
    -2021: RejectReason.WOULD_TRIGGER,
    # Mostly: there is nothing to reduce. The rules read the account before they conclude anything from it.
    -2022: RejectReason.NO_POSITION,
    -2024: RejectReason.REDUCE_ONLY_REFUSED,
    -2027: RejectReason.SIZE,
    -4001: RejectReason.PRICE_BAND,
    -4002: RejectReason.PRICE_BAND,
    -4003: RejectReason.SIZE,
    -4004: RejectReason.SIZE,
    -4005: RejectReason.SIZE,
    -4013: RejectReason.PRICE_BAND,
    -4016: RejectReason.PRICE_BAND,
    -4023: RejectReason.SIZE,
    -4024: RejectReason.PRICE_BAND,
    -4108: RejectReason.NOT_TRADING,
    -4112: RejectReason.REDUCE_ONLY_REFUSED,
    -4116: RejectReason.DUPLICATE_ID,
    -4118: RejectReason.REDUCE_ONLY_REFUSED,
    -4120: RejectReason.ORDER_TYPE_WITHDRAWN,
    -4130: RejectReason.STOP_EXISTS,
    -4131: RejectReason.PRICE_BAND,
    -4140: RejectReason.NOT_TRADING,
    -4141: RejectReason.NOT_TRADING,
    -4164: RejectReason.SIZE,
    -4183: RejectReason.PRICE_BAND,
    -4184: RejectReason.PRICE_BAND,
    -4192: RejectReason.NOT_TRADING,
    -4509: RejectReason.NO_POSITION,
    -5028: RejectReason.CLOCK,
    -20124: RejectReason.NOT_FOUND,
    -20132: RejectReason.DUPLICATE_ID,
}
"""Certain refusals. A code that is not here, and not an unknown outcome, is OTHER."""

_CODE: Final = re.compile(r'"code"\s*:\s*"?(-?\d+)')
_QUERY: Final = re.compile(r"\?[^\s\"']+")
_LONGEST_TEXT: Final = 300


Refusal: TypeAlias = OrderRejected | OutcomeUnknown


class CallFailed(Exception):  # noqa: N818 - it carries an answer through the layers, it is no error of ours
    """A call that did not give what was asked for; ``answer`` says what that means."""

    def __init__(self, answer: Refusal, *, code: int | None = None) -> None:
        super().__init__(answer.text)
        self.answer = answer
        self.code = code


def is_not_found(failed: CallFailed) -> bool:
    """Whether the venue said that there is no such order."""
    return isinstance(failed.answer, OrderRejected) and failed.answer.reason is RejectReason.NOT_FOUND


def meaning_of(error: ccxt.BaseError, *, body: str | None, headers: Mapping[str, str] | None) -> Refusal:
    """What follows from a failed call.

    Args:
        error: As ccxt raised it.
        body: The answer's body, when one came for this very request.
        headers: The answer's headers, likewise.
    """
    code = code_of(error, body)
    if isinstance(error, ccxt.DDoSProtection) or code in {-1003, -1015}:
        return OrderRejected(
            reason=RejectReason.RATE_LIMITED, text=_text(error, code, body), retry_after_s=_retry_after_s(headers)
        )
    if code is not None:
        return of_code(code, _text(error, code, body), certain=not isinstance(error, ccxt.OperationFailed))
    if never_connected(error):
        return OrderRejected(reason=RejectReason.NOT_SENT, text=_text(error, code, body))
    match error:
        case ccxt.RateLimitExceeded():
            reason = RejectReason.RATE_LIMITED
        case ccxt.InvalidNonce():
            reason = RejectReason.CLOCK
        case ccxt.AuthenticationError():
            reason = RejectReason.AUTHENTICATION
        case _:
            # Also ccxt's bare ExchangeError without a code: a broken TLS connection is one.
            return OutcomeUnknown(text=_text(error, code, body))
    return OrderRejected(reason=reason, text=_text(error, code, body))


def of_code(code: int, text: str, *, certain: bool = True) -> Refusal:
    """The meaning of a native code; ``certain`` says what one that is not listed means."""
    reason = REASONS.get(code)
    if code in UNKNOWN_OUTCOME or (reason is None and not certain):
        return OutcomeUnknown(text=text)
    retry_s = DEFAULT_RETRY_S if reason is RejectReason.RATE_LIMITED else None
    said = text + (MODE_HINT if code == OTHER_MODE else "")
    return OrderRejected(reason=reason or RejectReason.OTHER, text=said, retry_after_s=retry_s)


def code_of(error: ccxt.BaseError, body: str | None) -> int | None:
    """The native code: from the exception's text, else from the body (ccxt leaves the code out for some texts)."""
    for text in (str(error), body or ""):
        found = _CODE.search(text)
        if found is not None and int(found[1]) < 0:
            return int(found[1])
    return None


def _retry_after_s(headers: Mapping[str, str] | None) -> float:
    for name, value in (headers or {}).items():
        if name.lower() == "retry-after":
            try:
                return max(float(value), 0.0)
            except ValueError:
                break
    return DEFAULT_RETRY_S


def _text(error: ccxt.BaseError, code: int | None, body: str | None) -> str:
    """The venue's own words where there are some; never a URL's query, which carries a signature."""
    words = _message(body) if code is not None else None
    if words is not None:
        return f"{code} {words}"[:_LONGEST_TEXT]
    return f"{type(error).__name__}: {_QUERY.sub('?…', str(error))}"[:_LONGEST_TEXT]


def _message(body: str | None) -> str | None:
    try:
        answer: Any = json.loads(body or "")
    except ValueError:
        return None
    words = answer.get("msg") if isinstance(answer, dict) else None
    return words if isinstance(words, str) else None
