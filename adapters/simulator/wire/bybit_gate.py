"""What stands in front of Bybit's simulated endpoints: signatures, the clock, rate limits, the envelope of answers."""

import hashlib
import hmac
import json
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from adapters.simulator.paper import PaperExchange
from adapters.simulator.wire.dialect import HttpRequest, HttpResponse, Keys
from messages.venue import OrderRejected, OutcomeUnknown, RejectReason

AHEAD_MS: Final = 1_000
"""How far a client's clock may be ahead of the venue's."""
ADDRESS_LIMIT, ADDRESS_MS = 600, 5_000
_A_SECOND: Final = {
    "/v5/order/create": 10,
    "/v5/order/amend": 10,
    "/v5/order/cancel": 10,
    "/v5/order/cancel-all": 10,
    "/v5/position/trading-stop": 10,
    "/v5/position/set-leverage": 10,
}
_READS_A_SECOND: Final = 50

RATE_LIMITED: Final = 10006
_CODES: Final[Mapping[RejectReason, tuple[int, str]]] = {
    RejectReason.WOULD_TRIGGER: (110093, "expect Falling, but trigger_price >= current"),
    RejectReason.INSUFFICIENT_MARGIN: (110007, "ab not enough for new order"),
    RejectReason.DUPLICATE_ID: (110072, "OrderLinkedID is duplicate"),
    RejectReason.NOT_FOUND: (110001, "order not exists or too late to cancel"),
    RejectReason.REDUCE_ONLY_REFUSED: (110017, "Reduce-only rule not satisfied"),
    RejectReason.NO_POSITION: (110017, "current position is zero, cannot fix reduce-only order qty"),
    RejectReason.PRICE_BAND: (110003, "Order price exceeds the allowable range."),
    RejectReason.STOP_EXISTS: (110061, "Not allowed to have more than 20 TP/SLs under Partial tpSlMode"),
    RejectReason.ORDER_TYPE_WITHDRAWN: (10001, "params error: orderType is not supported"),
    RejectReason.RATE_LIMITED: (RATE_LIMITED, "Too many visits. Exceeded the API Rate Limit."),
    RejectReason.CLOCK: (10002, "invalid request, please check your server timestamp or recv_window param."),
    RejectReason.AUTHENTICATION: (10003, "API key is invalid."),
    RejectReason.NOT_TRADING: (110074, "This contract is not live"),
}


class Refusal(Exception):  # noqa: N818 - the venue refuses; nothing is wrong with the simulator
    """An answer that is no success."""

    def __init__(self, *, code: int, text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.status = status
        self.headers = headers or {}


def refusal_of(answer: object) -> Refusal:
    """What the engine's refusal is in the venue's words."""
    if isinstance(answer, OrderRejected):
        if answer.reason is RejectReason.SIZE:
            small = "value" in answer.text
            code, text = (110094, "Order notional value below the lower limit") if small else (10001, _QTY)
        elif "position mode" in answer.text:
            code, text = 10001, "position idx not match position mode"
        elif answer.text.startswith("attached stop"):
            code, text = 10001, "StopLoss set for position should lower than base_price??LastPrice"
        else:
            code, text = _CODES.get(answer.reason, (10001, f"params error: {answer.text}"))
        return Refusal(code=code, text=text, headers={"retry-after-s": str(answer.retry_after_s or "")})
    if isinstance(answer, OutcomeUnknown):
        return Refusal(code=0, text="service unavailable", status=503)
    raise TypeError(f"not a refusal: {answer}")


_QTY: Final = "params error: Qty invalid"


def wrong(text: str) -> Refusal:
    """A request that is not as it should be."""
    return Refusal(code=10001, text=f"params error: {text}")


class Gate:
    """Lets requests in, or says why not; wraps what comes out."""

    def __init__(self, exchange: PaperExchange, keys: Keys) -> None:
        self._exchange = exchange
        self._keys = keys
        self._visits: dict[str, deque[int]] = {}

    def check_signature(self, request: HttpRequest) -> None:
        """Check the key, the clock and the signature, which is made over the raw query or body.

        Raises:
            Refusal: One of them is wrong.
        """
        headers = {name.lower(): value for name, value in request.headers.items()}
        key, stamp = headers.get("x-bapi-api-key", ""), headers.get("x-bapi-timestamp", "")
        window = headers.get("x-bapi-recv-window", "5000")
        if key != self._keys.api_key:
            raise Refusal(code=10003, text="API key is invalid.")
        signed = request.body.decode() if request.method == "POST" else request.query
        payload = f"{stamp}{key}{window}{signed}".encode()
        expected = hmac.new(self._keys.api_secret.encode(), payload, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, headers.get("x-bapi-sign", "")):
            raise Refusal(code=10004, text=f"error sign! origin_string[{payload.decode()}]")
        now_ms = self._exchange.venue_ms
        if not stamp.isdigit() or not now_ms - int(window) <= int(stamp) < now_ms + AHEAD_MS:
            text = f"{_CODES[RejectReason.CLOCK][1]} req_timestamp[{stamp}],server_timestamp[{now_ms}]"
            raise Refusal(code=10002, text=text)

    def check_rate(self, path: str) -> Mapping[str, str]:
        """Count a visit; gives the headers that tell what is left.

        Raises:
            Refusal: There were too many, of this kind or from this address.
        """
        now_ms = self._exchange.clock.now_ms()
        if self._count("address", now_ms, ADDRESS_MS) > ADDRESS_LIMIT:
            raise Refusal(code=403, text="access too frequent", status=403)
        limit = _A_SECOND.get(path, _READS_A_SECOND)
        used = self._count(path, now_ms, 1_000)
        reset_ms = self._visits[path][0] + 1_000
        headers = self._rate_headers(limit, limit - used, reset_ms)
        if used > limit:
            self._visits[path].pop()
            raise Refusal(code=RATE_LIMITED, text=_CODES[RejectReason.RATE_LIMITED][1], headers=headers)
        return headers

    def answer(self, result: Mapping[str, Any], headers: Mapping[str, str]) -> HttpResponse:
        """A success."""
        return self._envelope(0, "OK", result, headers)

    def refuse(self, refusal: Refusal, rate: Mapping[str, str]) -> HttpResponse:
        """No success."""
        if refusal.status != 200:  # noqa: PLR2004 - HTTP's own number
            return HttpResponse(body=refusal.text.encode(), status=refusal.status)
        headers = {**rate, **refusal.headers}
        wait = headers.pop("retry-after-s", "")
        if refusal.code == RATE_LIMITED and wait:
            headers.update(self._rate_headers(10, 0, self._exchange.clock.now_ms() + int(float(wait) * 1_000)))
        return self._envelope(refusal.code, refusal.text, {}, headers)

    def _count(self, name: str, now_ms: int, window_ms: int) -> int:
        visits = self._visits.setdefault(name, deque())
        while visits and visits[0] <= now_ms - window_ms:
            visits.popleft()
        visits.append(now_ms)
        return len(visits)

    @staticmethod
    def _rate_headers(limit: int, left: int, reset_ms: int) -> dict[str, str]:
        return {
            "X-Bapi-Limit": str(limit),
            "X-Bapi-Limit-Status": str(max(left, 0)),
            "X-Bapi-Limit-Reset-Timestamp": str(reset_ms),
        }

    def _envelope(self, code: int, text: str, result: Mapping[str, Any], headers: Mapping[str, str]) -> HttpResponse:
        body = {
            "retCode": code,
            "retMsg": text,
            "result": result,
            "retExtInfo": {},
            "time": self._exchange.venue_ms,
        }
        return HttpResponse(body=json.dumps(body, separators=(",", ":")).encode(), headers=headers)
