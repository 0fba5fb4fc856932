"""What Bybit's answers mean when they are no success: by native code, because ccxt's classes are too coarse.

Bybit answers HTTP 200 with a ``retCode``; ccxt raises with ``"bybit {body}"`` as the text. Code 10001 has many
meanings, which only its words tell apart. Sources: Bybit V5 error codes; ccxt 4.5.90 for failures of transport.
"""

import re
from collections.abc import Mapping
from typing import Final

import ccxt
import msgspec

from adapters.venues.transport import never_connected
from messages.venue import OrderRejected, OutcomeUnknown, RejectReason

_NOT_MODIFIED: Final = frozenset({110025, 110026, 110043, 34040})
"""It is as asked already: position mode, margin mode, leverage, take profit and stop loss."""
RATE_WAIT_S: Final = 1.0
"""Where the venue does not say when its window ends: its windows are a second long."""
BAN_WAIT_S: Final = 60.0
"""The ban of an address (HTTP 403) lasts ten minutes; asking once a minute does not prolong it, and finds its end."""

_REASONS: Final[Mapping[int, RejectReason]] = {
    -1: RejectReason.CLOCK,
    403: RejectReason.RATE_LIMITED,
    429: RejectReason.RATE_LIMITED,
    10002: RejectReason.CLOCK,
    10003: RejectReason.AUTHENTICATION,
    10004: RejectReason.AUTHENTICATION,
    10005: RejectReason.AUTHENTICATION,
    10006: RejectReason.RATE_LIMITED,
    10007: RejectReason.AUTHENTICATION,
    10010: RejectReason.AUTHENTICATION,
    10018: RejectReason.RATE_LIMITED,
    10029: RejectReason.NOT_TRADING,
    33004: RejectReason.AUTHENTICATION,
    110001: RejectReason.NOT_FOUND,
    110003: RejectReason.PRICE_BAND,
    110004: RejectReason.INSUFFICIENT_MARGIN,
    110006: RejectReason.INSUFFICIENT_MARGIN,
    110007: RejectReason.INSUFFICIENT_MARGIN,
    110008: RejectReason.NOT_FOUND,
    110010: RejectReason.NOT_FOUND,
    110012: RejectReason.INSUFFICIENT_MARGIN,
    110014: RejectReason.INSUFFICIENT_MARGIN,
    110030: RejectReason.DUPLICATE_ID,
    110034: RejectReason.NO_POSITION,
    110045: RejectReason.INSUFFICIENT_MARGIN,
    110058: RejectReason.SIZE,
    110072: RejectReason.DUPLICATE_ID,
    110074: RejectReason.NOT_TRADING,
    110092: RejectReason.WOULD_TRIGGER,
    110093: RejectReason.WOULD_TRIGGER,
    110094: RejectReason.SIZE,
    170213: RejectReason.NOT_FOUND,
    3100116: RejectReason.SIZE,
}
_UNKNOWN: Final = frozenset({10000, 10014, 10016, 110079})
"""Time-out, "duplicate request" (of which the first may stand), server error, order being processed."""

_BY_WORDS: Final = (
    (re.compile(r"zero position|position is zero", re.IGNORECASE), RejectReason.NO_POSITION),
    (re.compile(r"should (be )?(lower|higher|greater|less) than", re.IGNORECASE), RejectReason.WOULD_TRIGGER),
    (re.compile(r"symbol", re.IGNORECASE), RejectReason.NOT_TRADING),
    (re.compile(r"\bqty\b|quantity", re.IGNORECASE), RejectReason.SIZE),
)
_SIGNED: Final = re.compile(r"\s*origin_string.*", re.DOTALL)
"""What was signed comes back with a refused signature: the key is in it."""
_PARAMETERS: Final = 10001
_REDUCE_ONLY: Final = 110017


class _Body(msgspec.Struct, rename="camel"):
    ret_code: int
    ret_msg: str = ""


class BybitRefusedError(Exception):
    """A request that did not succeed: what that means, and the venue's code where it gave one."""

    def __init__(self, answer: OrderRejected | OutcomeUnknown, code: int | None = None) -> None:
        super().__init__(answer.text)
        self.answer = answer
        self.code = code

    @property
    def as_asked(self) -> bool:
        """Whether nothing was done because everything is as asked already."""
        if self.code == _PARAMETERS:
            return "remains unchanged" in self.answer.text
        return self.code in _NOT_MODIFIED


def refusal(code: int, text: str, *, retry_after_s: float | None = None) -> BybitRefusedError:
    """What a ``retCode`` other than 0 means."""
    words = f"{code} {_SIGNED.sub('', text)}".strip()
    if code in _UNKNOWN:
        return BybitRefusedError(OutcomeUnknown(text=words), code)
    reason = _reason(code, text)
    wait_s: float | None = None
    if reason is RejectReason.RATE_LIMITED:
        wait_s = RATE_WAIT_S if retry_after_s is None else retry_after_s
    elif reason is RejectReason.CLOCK:
        # The offset is measured anew before this is told: there is nothing to wait for.
        wait_s = 0.0
    return BybitRefusedError(OrderRejected(reason=reason, text=words, retry_after_s=wait_s), code)


def refusal_of(error: ccxt.BaseError, headers: Mapping[str, str], now_ms: int) -> BybitRefusedError:
    """What an exception of ccxt's means; ``headers`` are those of the last response."""
    body = _body(str(error))
    if body is not None:
        return refusal(body.ret_code, body.ret_msg, retry_after_s=_until_reset_s(headers, now_ms))
    text = f"{type(error).__name__}: {error}"[:300]
    if isinstance(error, (ccxt.RateLimitExceeded, ccxt.DDoSProtection)):
        wait_s = BAN_WAIT_S if re.search(r"\b403\b", text) else RATE_WAIT_S
        return BybitRefusedError(
            OrderRejected(reason=RejectReason.RATE_LIMITED, text=text, retry_after_s=wait_s),
        )
    if never_connected(error):
        return BybitRefusedError(OrderRejected(reason=RejectReason.NOT_SENT, text=text))
    return BybitRefusedError(OutcomeUnknown(text=text))


def _reason(code: int, text: str) -> RejectReason:
    if code == _PARAMETERS:
        return next((reason for words, reason in _BY_WORDS if words.search(text)), RejectReason.OTHER)
    if code == _REDUCE_ONLY:
        zero = _BY_WORDS[0][0].search(text) is not None
        return RejectReason.NO_POSITION if zero else RejectReason.REDUCE_ONLY_REFUSED
    return _REASONS.get(code, RejectReason.OTHER)


def _body(text: str) -> _Body | None:
    begin = text.find("{")
    if begin < 0:
        return None
    try:
        return msgspec.json.decode(text[begin:], type=_Body)
    except msgspec.MsgspecError:
        return None


def _until_reset_s(headers: Mapping[str, str], now_ms: int) -> float | None:
    """How long until the window ends that ``X-Bapi-Limit-Reset-Timestamp`` (UTC ms) tells of."""
    reset = headers.get("X-Bapi-Limit-Reset-Timestamp", "")
    if not reset.isdigit():
        return None
    return max((int(reset) - now_ms) / 1_000, 0.05)
