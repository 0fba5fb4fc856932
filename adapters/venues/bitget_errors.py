"""What Bitget's refusals mean, by native code: ccxt's classes are wrong for some (40010 is no login problem).

Source: the recorded error bodies, and Bitget's documentation. A code that is not listed is a refusal without a meaning
for rules, unless its words, or ccxt, say that the venue failed; an answer without a code proves nothing.
"""

import json
import re
from collections.abc import Mapping
from typing import Final

import ccxt

from adapters.venues.mode_hint import MODE_HINT
from adapters.venues.transport import never_connected
from messages.venue import OrderRejected, OutcomeUnknown, RejectReason

SUCCESS: Final = "00000"
RETRY_AFTER_S: Final = 1.0
"""Bitget's windows are one second long, and it sends no Retry-After of its own."""

UNKNOWN_OUTCOME: Final = frozenset({"40010", "40015", "40200", "40604", "40725", "50008"})
"""Time-outs and failures inside the venue: the request may have been executed."""

REASONS: Final[Mapping[str, RejectReason]] = {
    "40762": RejectReason.INSUFFICIENT_MARGIN,
    "43012": RejectReason.INSUFFICIENT_MARGIN,
    "40754": RejectReason.INSUFFICIENT_MARGIN,
    "40786": RejectReason.DUPLICATE_ID,
    "40768": RejectReason.NOT_FOUND,
    "40109": RejectReason.NOT_FOUND,
    "43001": RejectReason.NOT_FOUND,
    "43025": RejectReason.NOT_FOUND,
    "22002": RejectReason.NO_POSITION,
    "43023": RejectReason.NO_POSITION,
    "40757": RejectReason.NO_POSITION,
    "40836": RejectReason.REDUCE_ONLY_REFUSED,
    "45122": RejectReason.WOULD_TRIGGER,
    "40917": RejectReason.WOULD_TRIGGER,
    "40830": RejectReason.WOULD_TRIGGER,
    "40832": RejectReason.WOULD_TRIGGER,
    "40915": RejectReason.WOULD_TRIGGER,
    "43008": RejectReason.PRICE_BAND,
    "43009": RejectReason.PRICE_BAND,
    "40808": RejectReason.SIZE,
    "45110": RejectReason.SIZE,
    "45111": RejectReason.SIZE,
    "45113": RejectReason.SIZE,
    "43027": RejectReason.SIZE,
    "429": RejectReason.RATE_LIMITED,
    "30007": RejectReason.RATE_LIMITED,
    "50009": RejectReason.RATE_LIMITED,
    "40005": RejectReason.CLOCK,
    "40008": RejectReason.CLOCK,
    "40001": RejectReason.AUTHENTICATION,
    "40002": RejectReason.AUTHENTICATION,
    "40003": RejectReason.AUTHENTICATION,
    "40006": RejectReason.AUTHENTICATION,
    "40009": RejectReason.AUTHENTICATION,
    "40011": RejectReason.AUTHENTICATION,
    "40012": RejectReason.AUTHENTICATION,
    "40014": RejectReason.AUTHENTICATION,
    "40018": RejectReason.AUTHENTICATION,
    "40037": RejectReason.AUTHENTICATION,
    "40085": RejectReason.AUTHENTICATION,
    "40034": RejectReason.NOT_TRADING,
    "40404": RejectReason.ORDER_TYPE_WITHDRAWN,
    "40308": RejectReason.NOT_TRADING,
    "40309": RejectReason.NOT_TRADING,
    "41114": RejectReason.NOT_TRADING,
    "43115": RejectReason.NOT_TRADING,
}
_STOP_EXISTS: Final = re.compile(r"(?i)already (been )?(set|exist)|tpsl.*exist")
"""Bitget's code for a second position stop is not documented; its words are taken instead."""
_OTHER_MODE: Final = frozenset({"40774"})
_SAYS_NOTHING: Final = re.compile(r"(?i)system|server|service|try again|time[d ]*out|unknown error|internal")
"""A code that nobody told us of, with such words, is a failure of the venue and no refusal."""
_CODE: Final = re.compile(r'"code"\s*:\s*"?(\d+)')


class RefusedError(Exception):
    """An answer of the venue that is a refusal although the call itself went well (a failureList)."""

    def __init__(self, answer: OrderRejected | OutcomeUnknown) -> None:
        super().__init__(answer.text)
        self.answer = answer


def meaning(code: str, text: str) -> OrderRejected | OutcomeUnknown:
    """What a native error code says."""
    said = f"{code} {text}".strip() + (MODE_HINT if code in _OTHER_MODE else "")
    if code in UNKNOWN_OUTCOME or (code not in REASONS and _SAYS_NOTHING.search(text)):
        return OutcomeUnknown(text=said)
    reason = REASONS.get(code, RejectReason.OTHER)
    if reason is RejectReason.OTHER and _STOP_EXISTS.search(text):
        reason = RejectReason.STOP_EXISTS
    retry_after_s = RETRY_AFTER_S if reason is RejectReason.RATE_LIMITED else None
    return OrderRejected(reason=reason, text=said, retry_after_s=retry_after_s)


def meaning_of(error: ccxt.BaseError) -> OrderRejected | OutcomeUnknown:
    """What an exception of ccxt says: by the native code in its text, then by what is certain of its class."""
    text = str(error)
    code, message = _native(text)
    certain = isinstance(error, ccxt.RateLimitExceeded | ccxt.DDoSProtection | ccxt.InvalidNonce)
    failed = isinstance(error, ccxt.OperationFailed) and not certain
    if code in REASONS or (code and code != SUCCESS and not failed):
        return meaning(code, message)
    if isinstance(error, ccxt.RateLimitExceeded | ccxt.DDoSProtection):
        return OrderRejected(reason=RejectReason.RATE_LIMITED, text=_short(text), retry_after_s=RETRY_AFTER_S)
    if isinstance(error, ccxt.InvalidNonce):
        return OrderRejected(reason=RejectReason.CLOCK, text=_short(text))
    if never_connected(error):
        return OrderRejected(reason=RejectReason.NOT_SENT, text=_short(text))
    return OutcomeUnknown(text=f"{type(error).__name__}: {_short(text)}")


def _native(text: str) -> tuple[str, str]:
    """Code and message of the body that ccxt puts behind its own name; empty where there is none."""
    start = text.find("{")
    if start < 0:
        return "", ""
    try:
        body = json.loads(text[start:])
    except ValueError:
        found = _CODE.search(text)
        return (found.group(1), _short(text)) if found else ("", "")
    if not isinstance(body, dict):
        return "", ""
    return str(body.get("code") or ""), str(body.get("msg") or "")


def _short(text: str) -> str:
    return text[:300]
