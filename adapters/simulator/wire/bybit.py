"""Bybit V5's dialect over the simulated exchange: unified account, USDT perpetuals.

Answers what unmodified ccxt asks. Whatever executes goes through the simulated network, so that its delays and faults
apply; details that reports do not carry are looked up in the engine.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl

from adapters.simulator.engine import MAX_LEVERAGE, Exchange
from adapters.simulator.paper import PaperExchange
from adapters.simulator.profiles import BYBIT, Profile
from adapters.simulator.wire.bybit_gate import Gate, Refusal, refusal_of, wrong
from adapters.simulator.wire.bybit_lists import Lists
from adapters.simulator.wire.bybit_orders import Fields, OrderDesk, decimal, symbol_of
from adapters.simulator.wire.bybit_rows import Row
from adapters.simulator.wire.bybit_session import MarketSession, PrivateSession
from adapters.simulator.wire.dialect import Ask, HttpRequest, HttpResponse, Keys, WireSession
from messages.values import MarginMode, Side, Symbol, Venue
from messages.venue import FetchServerTime, LeverageSet, OrderRejected, ServerTime, SetLeverage

_Endpoint: TypeAlias = Callable[[Fields, Ask], Awaitable[Row]]
_PUBLIC: Final = "/v5/market/"
_MODES: Final = {"ISOLATED_MARGIN": MarginMode.ISOLATED, "REGULAR_MARGIN": MarginMode.CROSS}
_ONE_WAY, _HEDGE = 0, 3


class BybitWire:
    """One account on Bybit; satisfies ``WireDialect``."""

    venue = Venue("bybit")
    profile: Profile = BYBIT

    def __init__(self, exchange: PaperExchange, keys: Keys) -> None:
        self._exchange = exchange
        self._keys = keys
        self._gate = Gate(exchange, keys)
        orders, lists = OrderDesk(exchange), Lists(exchange)
        self._endpoints: Mapping[tuple[str, str], _Endpoint] = {
            ("GET", "/v5/market/time"): self._time,
            ("GET", "/v5/market/instruments-info"): lists.instruments,
            ("GET", "/v5/market/tickers"): lists.tickers,
            ("GET", "/v5/user/query-api"): self._key,
            ("GET", "/v5/asset/coin/query-info"): self._coins,
            ("GET", "/v5/account/info"): self._account_info,
            ("GET", "/v5/account/wallet-balance"): lists.balance,
            ("POST", "/v5/account/set-margin-mode"): self._set_margin_mode,
            ("GET", "/v5/position/list"): lists.positions,
            ("GET", "/v5/position/closed-pnl"): lists.closed_pnl,
            ("POST", "/v5/position/set-leverage"): self._set_leverage,
            ("POST", "/v5/position/switch-mode"): self._switch_mode,
            ("POST", "/v5/position/trading-stop"): orders.trading_stop,
            ("POST", "/v5/order/create"): orders.create,
            ("POST", "/v5/order/amend"): orders.amend,
            ("POST", "/v5/order/cancel"): orders.cancel,
            ("POST", "/v5/order/cancel-all"): orders.cancel_all,
            ("GET", "/v5/order/realtime"): lists.open_orders,
            ("GET", "/v5/order/history"): lists.ended_orders,
            ("GET", "/v5/execution/list"): lists.executions,
        }

    async def handle(self, request: HttpRequest, ask: Ask) -> HttpResponse:
        """Answer one REST request."""
        endpoint = self._endpoints.get((request.method, request.path))
        if endpoint is None:
            return HttpResponse(body=b"not found", status=404)
        headers: Mapping[str, str] = {}
        try:
            if not request.path.startswith(_PUBLIC):
                self._gate.check_signature(request)
                headers = self._gate.check_rate(request.path)
            return self._gate.answer(await endpoint(_fields(request), ask), headers)
        except Refusal as refusal:
            return self._gate.refuse(refusal, headers)

    def session(self, path: str, query: str) -> WireSession | None:
        """A new WebSocket client."""
        _ = query
        match path:
            case "/v5/private":
                return PrivateSession(self._exchange, self._keys)
            case "/v5/public/linear":
                return MarketSession(self._exchange)
            case _:
                return None

    # --- the account --------------------------------------------------------------------------------------------------

    async def _time(self, fields: Fields, ask: Ask) -> Row:
        _ = fields
        answer = await ask(FetchServerTime())
        if not isinstance(answer, ServerTime):
            raise refusal_of(answer)
        return {"timeSecond": str(answer.server_ms // 1_000), "timeNano": str(answer.server_ms * 1_000_000)}

    async def _key(self, fields: Fields, ask: Ask) -> Row:
        _ = fields, ask
        wallet = ["AccountTransfer", "Withdraw"] if self._keys.may_withdraw else []
        permissions = {"ContractTrade": ["Order", "Position"], "Wallet": wallet}
        return {
            "id": "1",
            "apiKey": self._keys.api_key,
            "readOnly": 0,
            "permissions": permissions,
            "unified": 0,
            "uta": 1,
        }

    async def _coins(self, fields: Fields, ask: Ask) -> Row:
        _ = fields, ask
        return {"rows": []}

    async def _account_info(self, fields: Fields, ask: Ask) -> Row:
        _ = fields, ask
        mode = self._exchange.look(margin_mode)
        name = next(name for name, value in _MODES.items() if value is mode)
        return {"marginMode": name, "unifiedMarginStatus": 6, "dcpStatus": "OFF", "updatedTime": "1697078946000"}

    async def _set_margin_mode(self, fields: Fields, ask: Ask) -> Row:
        """The account's mode is every symbol's."""
        mode = _MODES.get(str(fields.get("setMarginMode")))
        if mode is None:
            raise wrong("setMarginMode invalid")
        if self._exchange.look(margin_mode) is mode:
            return {"reasons": []}
        for request in self._exchange.look(lambda exchange: _every_setting(exchange, mode)):
            answer = await ask(request)
            if isinstance(answer, OrderRejected):
                return {"reasons": [{"reasonCode": "3400045", "reasonMsg": answer.text}]}
            _done(answer)
        return {"reasons": []}

    async def _set_leverage(self, fields: Fields, ask: Ask) -> Row:
        symbol, leverage = symbol_of(fields), decimal(fields, "buyLeverage") or Decimal(0)
        if not self._exchange.look(lambda exchange: symbol in exchange.state.instruments):
            raise wrong(f"symbol invalid {symbol}")
        if not 1 <= leverage <= MAX_LEVERAGE:
            raise Refusal(code=110013, text="cannot set leverage due to risk limit level")
        settings = self._exchange.look(lambda exchange: _leverages(exchange, symbol))
        if all(set_already == leverage for _, set_already in settings):
            raise Refusal(code=110043, text="leverage not modified")
        mode = self._exchange.look(margin_mode)
        for side, _ in settings:
            _done(await ask(SetLeverage(symbol=symbol, leverage=int(leverage), margin_mode=mode, hedge_side=side)))
        return {}

    async def _switch_mode(self, fields: Fields, ask: Ask) -> Row:
        _ = ask
        mode = fields.get("mode")
        if mode not in (_ONE_WAY, _HEDGE):
            raise wrong("mode invalid")

        def switch(exchange: Exchange) -> Refusal | None:
            state = exchange.state
            if state.config.hedge == (mode == _HEDGE):
                return Refusal(code=110025, text="Position mode is not modified")
            if state.account.positions:
                text = "You have an existing position, so the position mode cannot be switched."
                return Refusal(code=110024, text=text)
            state.config = replace(state.config, hedge=mode == _HEDGE)
            return None

        refusal = self._exchange.look(switch)
        if refusal is not None:
            raise refusal
        return {}


def margin_mode(exchange: Exchange) -> MarginMode:
    """The account's margin mode."""
    symbol = next(iter(exchange.state.instruments))
    return exchange.state.account.setting((symbol, _leverages(exchange, symbol)[0][0])).margin_mode


def _leverages(exchange: Exchange, symbol: Symbol) -> list[tuple[Side | None, int]]:
    """The leverage of each position that the symbol can have."""
    sides: tuple[Side | None, ...] = (Side.LONG, Side.SHORT) if exchange.state.config.hedge else (None,)
    return [(side, exchange.state.account.setting((symbol, side)).leverage) for side in sides]


def _every_setting(exchange: Exchange, mode: MarginMode) -> list[SetLeverage]:
    """Every symbol at its own leverage and the mode of all."""
    return [
        SetLeverage(symbol=symbol, leverage=leverage, margin_mode=mode, hedge_side=side)
        for symbol in exchange.state.instruments
        for side, leverage in _leverages(exchange, symbol)
    ]


def _done(answer: object) -> None:
    if not isinstance(answer, LeverageSet):
        raise refusal_of(answer)


def _fields(request: HttpRequest) -> dict[str, Any]:
    """The parameters, from the query or the body.

    Raises:
        Refusal: The body is no JSON object.
    """
    if request.method == "GET":
        return dict(parse_qsl(request.query))
    try:
        fields = json.loads(request.body or b"{}")
    except ValueError:
        raise wrong("body is not JSON") from None
    if not isinstance(fields, dict):
        raise wrong("body is not an object")
    if fields.get("category", "linear") != "linear":
        raise wrong("category invalid")
    return fields
