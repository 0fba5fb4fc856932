"""OKX v5's REST and WebSocket dialect in front of the simulated exchange."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeAlias
from urllib.parse import parse_qsl

import msgspec

from adapters.simulator.paper import PaperExchange
from adapters.simulator.profiles import OKX as PROFILE
from adapters.simulator.wire.dialect import Ask, HttpRequest, HttpResponse, Keys
from adapters.simulator.wire.okx_book import Book
from adapters.simulator.wire.okx_gate import Gate, RefusalError, not_simulated, ok, refusal_of, refused, wrong
from adapters.simulator.wire.okx_reads import Reads
from adapters.simulator.wire.okx_rows import Row
from adapters.simulator.wire.okx_session import OkxSession
from adapters.simulator.wire.okx_trade import Params, Trade, decimal_in, text_in
from adapters.venues.okx_rows import OKX
from messages.values import MarginMode, Side
from messages.venue import LeverageSet, SetLeverage

ROOT: Final = "/api/v5/"
STREAMS: Final = "/ws/v5/"
MAX_BATCH: Final = 20
MAX_CANCEL_ALGOS: Final = 10
_ACKS: Final[Mapping[str, Row]] = {
    "order": {"clOrdId": "", "ordId": "", "tag": "", "ts": ""},
    "algo": {"algoClOrdId": "", "algoId": "", "clOrdId": "", "tag": ""},
}
_Do: TypeAlias = Callable[[Params, Ask], Awaitable[Row]]


class OkxWire:
    """The one account at ``exchange``, as OKX shows it."""

    venue = OKX
    profile = PROFILE

    def __init__(self, exchange: PaperExchange, keys: Keys) -> None:
        self._exchange = exchange
        self._keys = keys
        self._gate = Gate(exchange, keys)
        self._book = Book(exchange)
        self._trade = Trade(exchange, self._book)
        self._reads = Reads(exchange, self._book)
        self._hedge = exchange.config.exchange.hedge

    async def handle(self, request: HttpRequest, ask: Ask) -> HttpResponse:
        """Answer one REST request."""
        name = request.path.removeprefix(ROOT)
        try:
            self._gate.admit(request, name)
            if request.method == "GET":
                return ok(await self._read(name, dict(parse_qsl(request.query)), ask))
            return await self._change(name, _body_of(request), ask)
        except RefusalError as refusal:
            return refused(refusal)

    def session(self, path: str, query: str) -> OkxSession | None:
        """A WebSocket client on one of the three paths."""
        _ = query
        kind = path.removeprefix(STREAMS)
        if kind not in {"public", "private", "business"}:
            return None
        return OkxSession(self._exchange, self._keys, self._book, kind)

    # --- reading ------------------------------------------------------------------------------------------------------

    async def _read(self, name: str, query: Mapping[str, str], ask: Ask) -> Sequence[Row]:
        reads = self._reads
        match name:
            case "public/instruments":
                return await reads.instruments(query, ask)
            case "public/time":
                return await reads.time(query, ask)
            case "public/mark-price":
                return reads.mark_price(query)
            case "market/ticker":
                return reads.ticker(query)
            case "account/balance":
                return await reads.balance(query, ask)
            case "account/positions":
                return await reads.positions(query, ask)
            case "account/bills" | "account/bills-archive":
                return await reads.bills(query, ask)
            case "account/config":
                return [self._config()]
            case "account/leverage-info":
                return self._leverage(query)
            case "asset/currencies" | "account/positions-history":
                return []
            case "trade/orders-pending":
                return await reads.orders_pending(query, ask)
            case "trade/orders-algo-pending":
                return await reads.algos_pending(query, ask)
            case "trade/order":
                return await reads.order(query, ask)
            case "trade/order-algo":
                return await reads.algo(query, ask)
            case "trade/orders-history":
                return reads.orders_history(query)
            case "trade/orders-algo-history":
                return reads.algos_history(query)
            case "trade/fills" | "trade/fills-history":
                return await reads.fills(query, ask)
            case _:
                raise RefusalError("404", f"{name} is not simulated", status=404, in_row=False)

    def _config(self) -> Row:
        return {
            "acctLv": "2",
            "autoLoan": False,
            "ctIsoMode": "automatic",
            "greeksType": "PA",
            "level": "Lv1",
            "perm": "read_only,trade,withdraw" if self._keys.may_withdraw else "read_only,trade",
            "posMode": "long_short_mode" if self._hedge else "net_mode",
            "uid": "1",
        }

    def _leverage(self, query: Mapping[str, str]) -> list[Row]:
        symbol = self._trade.symbol(query)
        sides: Sequence[Side | None] = (Side.LONG, Side.SHORT) if self._hedge else (None,)
        return [
            {
                "ccy": "",
                "instId": query.get("instId", ""),
                "lever": str(self._book.setting(symbol, side).leverage),
                "mgnMode": query.get("mgnMode", ""),
                "posSide": "net" if side is None else side.value,
            }
            for side in sides
        ]

    # --- changing -----------------------------------------------------------------------------------------------------

    async def _change(self, name: str, body: object, ask: Ask) -> HttpResponse:
        trade = self._trade
        match name:
            case "trade/order":
                return await self._rows("order", [body], trade.order, ask)
            case "trade/batch-orders":
                return await self._rows("order", _several(body, MAX_BATCH), trade.order, ask)
            case "trade/amend-order":
                return await self._rows("order", [body], trade.amend, ask)
            case "trade/cancel-order":
                return await self._rows("order", [body], trade.cancel, ask)
            case "trade/close-position":
                return ok([await trade.close_position(_one(body), ask)])
            case "trade/order-algo":
                return await self._rows("algo", [body], trade.algo, ask)
            case "trade/amend-algos":
                return await self._rows("algo", [body], trade.amend_algo, ask)
            case "trade/cancel-algos":
                return await self._rows("algo", _several(body, MAX_CANCEL_ALGOS), trade.cancel_algo, ask)
            case "account/set-leverage":
                return ok([await self._set_leverage(_one(body), ask)])
            case "account/set-position-mode":
                return ok([self._set_position_mode(_one(body))])
            case _:
                raise RefusalError("404", f"{name} is not simulated", status=404, in_row=False)

    async def _rows(self, kind: str, bodies: Sequence[object], do: _Do, ask: Ask) -> HttpResponse:
        """Each row says of itself what came of it; the envelope, whether all, some (2) or none (1) came about."""
        rows: list[Row] = []
        failed = 0
        for body in bodies:
            try:
                rows.append({**await do(_one(body), ask), "sCode": "0", "sMsg": ""})
            except RefusalError as refusal:
                if not refusal.in_row:
                    raise
                failed += 1
                own_id = text_in(_one(body), "algoClOrdId" if kind == "algo" else "clOrdId")
                identity: Row = {"algoClOrdId": own_id} if kind == "algo" else {"clOrdId": own_id}
                rows.append({**_ACKS[kind], **identity, "sCode": refusal.code, "sMsg": refusal.text})
        code = "0" if not failed else "1" if failed == len(rows) else "2"
        text = {"0": "", "1": "All operations failed", "2": "Bulk operation partially succeeded."}[code]
        return HttpResponse(body=msgspec.json.encode({"code": code, "data": rows, "msg": text}))

    async def _set_leverage(self, params: Params, ask: Ask) -> Row:
        symbol = self._trade.symbol(params)
        lever, mode = decimal_in(params, "lever"), text_in(params, "mgnMode")
        if lever is None or lever != int(lever) or mode not in {"cross", "isolated"}:
            raise RefusalError("51000", "Parameter lever error", in_row=False)
        side = text_in(params, "posSide")
        if self._hedge and mode == "isolated" and side not in {"long", "short"}:
            raise RefusalError("51000", "Parameter posSide error", in_row=False)
        sides: Sequence[Side | None] = [None]
        if self._hedge:
            sides = [Side(side)] if side in {"long", "short"} else [Side.LONG, Side.SHORT]
        for each in sides:
            answer = await ask(
                SetLeverage(symbol=symbol, leverage=int(lever), margin_mode=MarginMode(mode), hedge_side=each)
            )
            if not isinstance(answer, LeverageSet):
                refusal = refusal_of(answer, algo=False)
                raise RefusalError(refusal.code, refusal.text, status=refusal.status, in_row=False)
        return {"instId": text_in(params, "instId"), "lever": str(int(lever)), "mgnMode": mode, "posSide": side}

    def _set_position_mode(self, params: Params) -> Row:
        """The simulated account's mode is decided at its start; asking for the one it is in is fine."""
        mode = text_in(params, "posMode")
        if mode != ("long_short_mode" if self._hedge else "net_mode"):
            raise RefusalError(
                "59000", "Setting failed. Cancel any open orders and close any open positions", in_row=False
            )
        return {"posMode": mode}


def _body_of(request: HttpRequest) -> object:
    try:
        return msgspec.json.decode(request.body)
    except msgspec.DecodeError as error:
        raise RefusalError("50002", "JSON syntax error", in_row=False) from error


def _one(body: object) -> Params:
    if not isinstance(body, Mapping):
        raise wrong("body")
    return body


def _several(body: object, most: int) -> Sequence[object]:
    if not isinstance(body, list) or not body:
        raise wrong("body")
    if len(body) > most:
        raise not_simulated("body")
    return body
