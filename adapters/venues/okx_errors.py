"""What OKX's refusals mean, by its own codes: ccxt's classes are too coarse, and some of them wrong.

A code that is not in the tables: one of the general class (50000 to 50999) proves nothing, any other is a refusal.
Sources: OKX v5 error codes; ccxt's classes only where no code came at all.
"""

from typing import Final

import ccxt
import msgspec

from adapters.venues.mode_hint import MODE_HINT
from adapters.venues.transport import never_connected
from messages.venue import OrderRejected, OutcomeUnknown, RejectReason

RETRY_AFTER_S: Final = 0.5
"""OKX does not say when to come back; its windows are two seconds long and slide."""
MAX_TEXT: Final = 300
TOO_MANY: Final = frozenset({418, 429})
FIRST_OF_ORDERS: Final = 51_000
ALL_FAILED: Final = frozenset({"1", "2"})
"""Top codes that only say that the reasons are in the rows."""


class RefusedError(Exception):
    """OKX said no; ``code`` is its own."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code


_BY_REASON: Final = {
    RejectReason.WOULD_TRIGGER: (
        *("51046", "51047", "51048", "51049", "51050", "51051", "51052", "51053"),
        *("51277", "51278", "51279", "51280", "51302", "51303", "51304", "51305"),
    ),
    RejectReason.INSUFFICIENT_MARGIN: ("51008", "51119", "51127", "51131", "51502"),
    RejectReason.DUPLICATE_ID: ("51011", "51016", "51065", "51068"),
    RejectReason.NOT_FOUND: ("51400", "51401", "51402", "51416", "51503", "51509", "51510", "51603"),
    RejectReason.REDUCE_ONLY_REFUSED: ("51112", "51170", "51205"),
    RejectReason.NO_POSITION: ("51023", "51058", "51169"),
    RejectReason.PRICE_BAND: ("51006", "51116", "51137", "51138"),
    RejectReason.SIZE: ("51004", "51005", "51020", "51101", "51102", "51103", "51104", "51120", "51121", "51202"),
    RejectReason.STOP_EXISTS: ("51088",),
    RejectReason.RATE_LIMITED: ("50011", "50061", "51113"),
    RejectReason.CLOCK: ("50102", "50112"),
    RejectReason.AUTHENTICATION: (
        *("50100", "50101", "50103", "50104", "50105", "50106", "50107"),
        *("50110", "50111", "50113", "50114", "51010", "51024"),
    ),
    RejectReason.NOT_TRADING: ("51001", "51012", "51015", "51021", "51022", "51027", "51028", "51155"),
    RejectReason.OTHER: ("50002", "50014", "50015", "50016", "50120", "51000", "59000"),
}
REASONS: Final = {code: reason for reason, codes in _BY_REASON.items() for code in codes}
UNKNOWN: Final = frozenset({"50001", "50004", "50013", "50026", "51054", "51149", "51290", "51410"})
"""Codes after which the order may exist: busy, maintenance, timed out, and a cancel that is under way already."""


def answer_of(code: str, text: str) -> OrderRejected | OutcomeUnknown:
    """What ``code`` proves."""
    said = f"okx {code} {text}".strip()[:MAX_TEXT]
    if code == "51000" and "posSide" in text:
        said += MODE_HINT
    reason = REASONS.get(code)
    if reason is not None:
        wait_s = RETRY_AFTER_S if reason is RejectReason.RATE_LIMITED else None
        return OrderRejected(reason=reason, text=said, retry_after_s=wait_s)
    refused = code in ALL_FAILED or (code.isdecimal() and int(code) >= FIRST_OF_ORDERS)
    if code in UNKNOWN or not refused:
        return OutcomeUnknown(text=said)
    return OrderRejected(reason=RejectReason.OTHER, text=said)


def answer_to_error(error: ccxt.BaseError) -> OrderRejected | OutcomeUnknown:
    """What an exception of ccxt's proves: by the venue's code where there is one, else by how the transport failed."""
    code, text = code_in(str(error))
    if code:
        return answer_of(code, text)
    said = f"{type(error).__name__}: {error}"[:MAX_TEXT]
    if isinstance(error, ccxt.RateLimitExceeded | ccxt.DDoSProtection) or _status_of(error) in TOO_MANY:
        return OrderRejected(reason=RejectReason.RATE_LIMITED, text=said, retry_after_s=RETRY_AFTER_S)
    if never_connected(error):
        return OrderRejected(reason=RejectReason.NOT_SENT, text=said)
    if isinstance(error, ccxt.AuthenticationError):
        return OrderRejected(reason=RejectReason.AUTHENTICATION, text=said)
    return OutcomeUnknown(text=said)


def _status_of(error: ccxt.BaseError) -> int | None:
    """The HTTP status; ccxt takes a 429 without a code for a venue that is not available."""
    status = getattr(getattr(error.__context__, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def is_not_there(error: RefusedError | ccxt.BaseError) -> bool:
    """Whether the venue itself says that there is no such order."""
    code = error.code if isinstance(error, RefusedError) else code_in(str(error))[0]
    return REASONS.get(code) is RejectReason.NOT_FOUND


class _Row(msgspec.Struct, rename="camel"):
    s_code: str = ""
    s_msg: str = ""


class _Envelope(msgspec.Struct):
    code: str = ""
    msg: str = ""
    data: list[_Row] = []


def code_in(text: str) -> tuple[str, str]:
    """The venue's code and words in an exception's text (``okx {json}``): the row's before the envelope's.

    Both are empty when there is no such thing in it.
    """
    _, _, body = text.partition(" ")
    try:
        envelope = msgspec.json.decode(body.encode(), type=_Envelope)
    except (msgspec.DecodeError, UnicodeError):
        return "", ""
    for row in envelope.data:
        if row.s_code not in {"", "0"}:
            return row.s_code, row.s_msg
    return envelope.code, envelope.msg
