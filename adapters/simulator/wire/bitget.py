"""Bitget's classic v2 futures API in front of the simulated exchange."""

import hmac
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl, unquote_plus

import msgspec

from adapters.simulator.paper import PaperExchange
from adapters.simulator.profiles import BITGET, Profile
from adapters.simulator.wire.bitget_errors import (
    WireDownError,
    WireRefusedError,
    down_response,
    error_response,
)
from adapters.simulator.wire.bitget_reads import BitgetReads
from adapters.simulator.wire.bitget_stream import BitgetStream, sign
from adapters.simulator.wire.bitget_trade import BitgetTrade
from adapters.simulator.wire.dialect import Ask, HttpRequest, HttpResponse, Keys, WireSession
from messages.values import Venue

SECOND_MS: Final = 1_000
STALE_MS: Final = 30_000
"""A request that was signed longer ago is refused."""
_MIX: Final = "/api/v2/mix"
_LIMITS: Final = {
    f"{_MIX}/position/all-position": 5,
    f"{_MIX}/account/set-leverage": 5,
    f"{_MIX}/account/set-margin-mode": 5,
    f"{_MIX}/account/set-position-mode": 5,
    f"{_MIX}/market/contracts": 20,
    "/api/v2/public/time": 20,
}
_USUAL_LIMIT: Final = 10
"""Requests a second, for each endpoint by itself."""
_Handler: TypeAlias = Callable[[Mapping[str, Any], Ask], Awaitable[object]]


class BitgetWire:
    """One account on one simulated Bitget; satisfies ``WireDialect``."""

    venue: Venue = Venue("bitget")
    profile: Profile = BITGET

    def __init__(self, exchange: PaperExchange, keys: Keys, *, limited: bool = True, unified: bool = False) -> None:
        """``limited``: whether the venue's rate limits hold; ``unified``: an account that this API refuses."""
        self._exchange = exchange
        self._keys = keys
        self._limited = limited
        self._unified = unified
        self._spent: dict[str, deque[int]] = {}
        reads, trade = BitgetReads(exchange), BitgetTrade(exchange)
        self._public: dict[str, _Handler] = {
            "/api/v2/public/time": reads.server_time,
            f"{_MIX}/market/contracts": reads.contracts,
            f"{_MIX}/market/ticker": reads.ticker,
            f"{_MIX}/market/symbol-price": reads.ticker,
            "/api/v2/spot/public/coins": _nothing,
            "/api/v2/spot/public/symbols": _nothing,
            "/api/v2/margin/currencies": _nothing,
        }
        self._gets: dict[str, _Handler] = {
            "/api/v2/spot/account/info": self._account_info,
            f"{_MIX}/account/accounts": reads.accounts,
            f"{_MIX}/account/account": reads.account,
            f"{_MIX}/account/bill": reads.bills,
            f"{_MIX}/position/all-position": reads.positions,
            f"{_MIX}/position/single-position": reads.positions,
            f"{_MIX}/position/history-position": reads.position_history,
            f"{_MIX}/order/detail": reads.detail,
            f"{_MIX}/order/orders-pending": reads.pending,
            f"{_MIX}/order/orders-history": reads.history,
            f"{_MIX}/order/orders-plan-pending": reads.plans_pending,
            f"{_MIX}/order/orders-plan-history": reads.plans_history,
            f"{_MIX}/order/fills": reads.fills,
            f"{_MIX}/order/fill-history": reads.fills,
        }
        self._posts: dict[str, _Handler] = {
            f"{_MIX}/account/set-leverage": reads.set_leverage,
            f"{_MIX}/account/set-margin-mode": reads.set_margin_mode,
            f"{_MIX}/account/set-position-mode": reads.set_position_mode,
            f"{_MIX}/order/place-order": trade.place_order,
            f"{_MIX}/order/place-tpsl-order": trade.place_tpsl,
            f"{_MIX}/order/place-pos-tpsl": trade.place_pos_tpsl,
            f"{_MIX}/order/place-plan-order": trade.place_plan,
            f"{_MIX}/order/close-positions": trade.close_positions,
            f"{_MIX}/order/modify-tpsl-order": trade.modify_tpsl,
            f"{_MIX}/order/modify-order": trade.modify_order,
            f"{_MIX}/order/cancel-order": trade.cancel_order,
            f"{_MIX}/order/cancel-plan-order": trade.cancel_plans,
            f"{_MIX}/order/batch-cancel-orders": trade.cancel_all,
        }

    async def handle(self, request: HttpRequest, ask: Ask) -> HttpResponse:
        """Answer one REST request."""
        now_ms = self._exchange.venue_ms
        try:
            data = await self._answer(request, ask)
        except WireRefusedError as error:
            return error_response(error, now_ms=now_ms)
        except WireDownError:
            return down_response()
        body = {"code": "00000", "msg": "success", "requestTime": now_ms, "data": data}
        return HttpResponse(body=msgspec.json.encode(body))

    def session(self, path: str, query: str) -> WireSession | None:
        """A client of the private or the public stream."""
        _ = query
        if path not in {"/v2/ws/private", "/v2/ws/public"}:
            return None
        return BitgetStream(self._exchange, self._keys, private=path.endswith("private"))

    async def _answer(self, request: HttpRequest, ask: Ask) -> object:
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        handler = self._public.get(request.path) if request.method == "GET" else None
        if handler is not None:
            self._count(request.path)
            return await handler(query, ask)
        handlers = self._posts if request.method == "POST" else self._gets
        handler = handlers.get(request.path)
        if handler is None:
            raise WireRefusedError("40404", status=404)
        self._check_signature(request)
        if self._unified:
            raise WireRefusedError(
                "40085", "You are in unified account mode, and the classic account API is not supported"
            )
        self._count(request.path)
        return await handler(_body(request.body) if request.method == "POST" else query, ask)

    async def _account_info(self, query: Mapping[str, Any], ask: Ask) -> object:
        """What the key may do is told in codes."""
        _ = query, ask
        codes = ["coow", "cpow", "stor", *(["wwow"] if self._keys.may_withdraw else [])]
        return {"userId": "1", "inviterId": "", "ips": "", "authorities": codes, "parentId": 1}

    def _check_signature(self, request: HttpRequest) -> None:
        """Over the raw bytes of the body and the query as it reads decoded (ccxt and Bitget's documentation)."""
        headers = request.headers
        stamp = headers.get("ACCESS-TIMESTAMP", "")
        if headers.get("ACCESS-KEY") != self._keys.api_key:
            raise WireRefusedError("40006", "Invalid ACCESS_KEY")
        if headers.get("ACCESS-PASSPHRASE") != self._keys.api_passphrase:
            raise WireRefusedError("40012")
        if not stamp.isdigit():
            raise WireRefusedError("40005", "Invalid ACCESS_TIMESTAMP")
        if abs(int(stamp) - self._exchange.venue_ms) > STALE_MS:
            raise WireRefusedError("40008")
        query = f"?{unquote_plus(request.query)}" if request.query else ""
        signed = f"{stamp}{request.method}{request.path}{query}".encode() + request.body
        if not hmac.compare_digest(sign(self._keys.api_secret, signed), headers.get("ACCESS-SIGN", "")):
            raise WireRefusedError("40009", "sign signature error")

    def _count(self, path: str) -> None:
        if not self._limited:
            return
        now_ms = self._exchange.clock.now_ms()
        spent = self._spent.setdefault(path, deque())
        while spent and spent[0] <= now_ms - SECOND_MS:
            spent.popleft()
        if len(spent) >= _LIMITS.get(path, _USUAL_LIMIT):
            raise WireRefusedError("429")
        spent.append(now_ms)


def _body(raw: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError:
        raise WireRefusedError("40017", "Parameter verification failed") from None
    if not isinstance(body, dict):
        raise WireRefusedError("40017", "Parameter verification failed")
    return body


async def _nothing(query: Mapping[str, Any], ask: Ask) -> object:
    """What clients ask for at their start, and nobody needs."""
    _ = query, ask
    return []
