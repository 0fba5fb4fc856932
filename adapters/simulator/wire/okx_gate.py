"""What stands in front of OKX's simulated endpoints: signatures, the clock, rate limits, refusals, the envelope."""

import base64
import hashlib
import hmac
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from adapters.simulator.paper import PaperExchange
from adapters.simulator.wire.dialect import HttpRequest, HttpResponse, Keys
from messages.venue import OrderRejected, OutcomeUnknown, RejectReason, VenueAnswer

WINDOW_MS: Final = 2_000
LATE_MS: Final = 30_000
"""A request whose timestamp is further off than this is refused."""
LIMITS: Final[Mapping[str, int]] = {
    "trade/order": 60,
    "trade/batch-orders": 60,
    "trade/cancel-order": 60,
    "trade/amend-order": 60,
    "trade/orders-pending": 60,
    "trade/order-algo": 20,
    "trade/cancel-algos": 20,
    "trade/amend-algos": 20,
    "trade/orders-algo-pending": 20,
    "trade/orders-history": 40,
    "trade/orders-algo-history": 20,
    "trade/fills": 60,
    "trade/fills-history": 10,
    "trade/close-position": 20,
    "account/positions": 10,
    "account/balance": 10,
    "account/bills": 10,
    "account/bills-archive": 5,
    "account/set-leverage": 20,
    "account/set-position-mode": 5,
    "account/config": 5,
    "public/instruments": 20,
    "public/time": 10,
}
"""Requests of one method in two seconds; where nothing is said, 20."""
_TOP: Final = {
    RejectReason.RATE_LIMITED: (429, "50011", "Too Many Requests"),
    RejectReason.CLOCK: (401, "50102", "Timestamp request expired"),
    RejectReason.AUTHENTICATION: (401, "50113", "Invalid Sign"),
}
_CODES: Final = {
    RejectReason.INSUFFICIENT_MARGIN: ("51008", "Order failed. Insufficient USDT margin in account"),
    RejectReason.REDUCE_ONLY_REFUSED: ("51112", "Close order size exceeds available size for this position."),
    RejectReason.PRICE_BAND: ("51006", "Order price is not within the price limit"),
    RejectReason.STOP_EXISTS: ("51088", "You can only place 1 TP/SL order to close an entire position."),
    RejectReason.ORDER_TYPE_WITHDRAWN: ("51000", "Parameter ordType error"),
    RejectReason.NOT_TRADING: ("51022", "Contract suspended."),
}


class RefusalError(Exception):
    """An answer that is no success; ``in_row`` where OKX puts the code into a row."""

    def __init__(self, code: str, text: str, *, status: int = 200, in_row: bool = True) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.status = status
        self.in_row = in_row


def wrong(what: str) -> RefusalError:
    """A parameter that is not as it should be."""
    return RefusalError("51000", f"Parameter {what} error")


def not_simulated(what: str) -> RefusalError:
    """Something that OKX can and the simulator cannot."""
    return RefusalError("51000", f"Parameter {what} error: not simulated")


def refusal_of(answer: VenueAnswer, *, algo: bool, missing: str = "51603") -> RefusalError:
    """What the engine's refusal is in OKX's words; ``missing`` is this endpoint's code for an unknown order."""
    if isinstance(answer, OutcomeUnknown):
        return RefusalError("50001", "Service temporarily unavailable", status=503, in_row=False)
    if not isinstance(answer, OrderRejected):
        raise TypeError(f"not a refusal: {answer}")
    reason, text = answer.reason, answer.text
    if reason in _TOP:
        status, code, said = _TOP[reason]
        return RefusalError(code, said, status=status, in_row=False)
    if reason in _CODES:
        return RefusalError(*_CODES[reason])
    match reason:
        case RejectReason.WOULD_TRIGGER:
            if text.startswith("attached"):
                return RefusalError("51051", "The stop loss trigger price should be lower than the best ask price")
            return RefusalError("51280", "SL trigger price can not be higher than the last price")
        case RejectReason.DUPLICATE_ID:
            if algo:
                return RefusalError("51065", "algoClOrdId already exists.")
            return RefusalError("51016", "Client order ID already exists.")
        case RejectReason.NOT_FOUND:
            return RefusalError(missing, "Order does not exist")
        case RejectReason.NO_POSITION:
            code = "51023" if algo else "51169"
            return RefusalError(code, "Order failed because you don't have any positions to reduce or close")
        case RejectReason.SIZE:
            code = "51121" if "multiple" in text else "51202" if "maximum" in text else "51020"
            return RefusalError(code, f"Order quantity: {text}")
        case _ if "position mode" in text:
            return wrong("posSide")
        case _:
            return RefusalError("51000", f"Parameter error: {text}")


def ok(data: Sequence[object]) -> HttpResponse:
    """A success."""
    return HttpResponse(body=msgspec.json.encode({"code": "0", "data": data, "msg": ""}))


def refused(refusal: RefusalError, *, row: Mapping[str, object] | None = None) -> HttpResponse:
    """A refusal: in the envelope, or, at the endpoints that answer row by row, in the row."""
    if refusal.in_row and row is not None:
        content = {"code": "1", "data": [{**row, "sCode": refusal.code, "sMsg": refusal.text}], "msg": ""}
        return HttpResponse(body=msgspec.json.encode(content), status=refusal.status)
    content = {"code": refusal.code, "data": [], "msg": refusal.text}
    return HttpResponse(body=msgspec.json.encode(content), status=refusal.status)


def sign(keys: Keys, text: str) -> str:
    """OKX's signature of ``text``."""
    return base64.b64encode(hmac.new(keys.api_secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


class Gate:
    """Lets through what is signed, in time and not too much."""

    def __init__(self, exchange: PaperExchange, keys: Keys) -> None:
        self._exchange = exchange
        self._keys = keys
        self._seen: dict[str, deque[int]] = {}

    def admit(self, request: HttpRequest, name: str) -> None:
        """Check a request to the endpoint ``name``.

        Raises:
            RefusalError: It may not pass.
        """
        if not name.startswith(("public/", "market/")):
            self._check_signature(request)
        now_ms = self._exchange.clock.now_ms()
        seen = self._seen.setdefault(f"{request.method} {name}", deque())
        while seen and seen[0] <= now_ms - WINDOW_MS:
            seen.popleft()
        if len(seen) >= LIMITS.get(name, 20):
            raise RefusalError("50011", "Too Many Requests", status=429, in_row=False)
        seen.append(now_ms)

    def _check_signature(self, request: HttpRequest) -> None:
        headers = request.headers
        checks = (
            ("OK-ACCESS-KEY", self._keys.api_key, "50111", "Invalid OK-ACCESS-KEY"),
            ("OK-ACCESS-PASSPHRASE", self._keys.api_passphrase, "50105", "OK-ACCESS-PASSPHRASE incorrect"),
        )
        for header, right, code, text in checks:
            if headers.get(header) != right:
                raise RefusalError(code, text, status=401, in_row=False)
        stamp = headers.get("OK-ACCESS-TIMESTAMP", "")
        try:
            sent_ms = int(datetime.fromisoformat(stamp).timestamp() * 1_000)
        except ValueError as error:
            raise RefusalError("50112", "Invalid OK-ACCESS-TIMESTAMP", status=401, in_row=False) from error
        if abs(sent_ms - self._exchange.venue_ms) > LATE_MS:
            raise RefusalError("50102", "Timestamp request expired", status=401, in_row=False)
        query = f"?{request.query}" if request.query else ""
        signed = f"{stamp}{request.method}{request.path}{query}{request.body.decode()}"
        if not hmac.compare_digest(sign(self._keys, signed), headers.get("OK-ACCESS-SIGN", "")):
            raise RefusalError("50113", "Invalid Sign", status=401, in_row=False)
