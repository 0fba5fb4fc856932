"""Bitget's reading requests and settings, answered from the engine."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from adapters.simulator.engine import Exchange
from adapters.simulator.orders import CONDITIONAL, SimOrder
from adapters.simulator.paper import PaperExchange
from adapters.simulator.wire.bitget_errors import WireRefusedError, refusal
from adapters.simulator.wire.bitget_money import account_row, bill_row, contract_row
from adapters.simulator.wire.bitget_rows import (
    Row,
    engine_id,
    fill_row,
    is_child,
    margin_mode,
    order_id,
    plan_row,
    plan_type,
    position_row,
    regular_row,
    symbol_of,
    text,
)
from adapters.simulator.wire.dialect import Ask
from messages.orders import OrderReport
from messages.values import ClientOrderId, MarginMode, OrderKind, Side, Symbol
from messages.venue import (
    AccountReport,
    FetchAccount,
    FetchFills,
    FetchInstruments,
    FetchServerTime,
    FillsReport,
    InstrumentsReport,
    LeverageSet,
    OrderAccepted,
    QueryOrder,
    ServerTime,
    SetLeverage,
)

Query = Mapping[str, str]
MAX_PAGE: Final = 100
LINEAR: Final = "USDT-FUTURES"


class BitgetReads:
    """Lists, page by page, newest first."""

    def __init__(self, exchange: PaperExchange) -> None:
        self._exchange = exchange
        self._hedge = exchange.config.exchange.hedge

    async def server_time(self, query: Query, ask: Ask) -> Row:
        """GET public/time."""
        _ = query
        answer = await ask(FetchServerTime())
        if not isinstance(answer, ServerTime):
            raise refusal(answer)
        return {"serverTime": str(answer.server_ms)}

    async def contracts(self, query: Query, ask: Ask) -> list[Row]:
        """GET market/contracts; there are only linear ones."""
        if query.get("productType", LINEAR).upper() != LINEAR:
            return []
        answer = await ask(FetchInstruments())
        if not isinstance(answer, InstrumentsReport):
            raise refusal(answer)
        wanted = query.get("symbol")
        return [contract_row(each) for each in answer.instruments if wanted in (None, each.symbol)]

    async def ticker(self, query: Query, ask: Ask) -> list[Row]:
        """GET market/ticker and market/symbol-price."""
        _ = ask
        symbol = symbol_of(query)
        tick = self._exchange.current_tick(symbol)
        if tick is None:
            raise WireRefusedError("40034", f"Parameter {symbol} does not exist")
        return [
            {
                "symbol": str(symbol),
                "lastPr": text(tick.last),
                "price": text(tick.last),
                "askPr": text(tick.ask),
                "bidPr": text(tick.bid),
                "bidSz": "1",
                "askSz": "1",
                "high24h": text(tick.high),
                "low24h": text(tick.low),
                "ts": str(tick.time_ms),
                "change24h": "0",
                "baseVolume": "0",
                "quoteVolume": "0",
                "usdtVolume": "0",
                "openUtc": text(tick.last),
                "changeUtc24h": "0",
                "indexPrice": text(tick.mark),
                "markPrice": text(tick.mark),
                "fundingRate": "0",
                "holdingAmount": "0",
                "deliveryStartTime": None,
                "deliveryTime": None,
                "deliveryStatus": "",
                "open24h": text(tick.last),
            }
        ]

    async def accounts(self, query: Query, ask: Ask) -> list[Row]:
        """GET account/accounts."""
        _ = query
        return [account_row((await self._account(None, ask)).balance)]

    async def account(self, query: Query, ask: Ask) -> Row:
        """GET account/account: the money, and a symbol's leverage and margin mode."""
        symbol = symbol_of(query)
        row = account_row((await self._account(symbol, ask)).balance)
        return row | self._settings(symbol)

    async def positions(self, query: Query, ask: Ask) -> list[Row]:
        """GET position/all-position and position/single-position."""
        account = await self._account(symbol_of(query) or None, ask)
        return [position_row(each, account.orders, hedge=self._hedge) for each in account.positions]

    async def position_history(self, query: Query, ask: Ask) -> Row:
        """GET position/history-position: this venue keeps no book of closed positions."""
        _ = await self._account(symbol_of(query) or None, ask)
        return {"list": [], "endId": ""}

    # --- orders -------------------------------------------------------------------------------------------------------

    async def detail(self, query: Query, ask: Ask) -> Row:
        """GET order/detail: a regular order, or the one that a plan order created."""
        found = await self._by_ids(query, ask)
        if found is None or (found.kind in CONDITIONAL and not is_child(query.get("orderId", ""))):
            raise WireRefusedError("40109")
        return self._rows([found], regular_row)[0]

    async def pending(self, query: Query, ask: Ask) -> Row:
        """GET orders-pending."""
        account = await self._account(symbol_of(query) or None, ask)
        return self._listed([each for each in account.orders if each.kind not in CONDITIONAL], regular_row, query)

    async def plans_pending(self, query: Query, ask: Ask) -> Row:
        """GET orders-plan-pending."""
        account = await self._account(symbol_of(query) or None, ask)
        return self._listed(_of_family(account.orders, query), plan_row, query)

    async def history(self, query: Query, ask: Ask) -> Row:
        """GET orders-history: what ended, and what plan orders created."""
        ended = await self._ended(query, ask)
        return self._listed([each for each in ended if each.kind not in CONDITIONAL], regular_row, query)

    async def plans_history(self, query: Query, ask: Ask) -> Row:
        """GET orders-plan-history."""
        return self._listed(_of_family(await self._ended(query, ask), query), plan_row, query)

    async def fills(self, query: Query, ask: Ask) -> Row:
        """GET order/fills."""
        reports = [await self._fills(symbol, query, ask) for symbol in self._symbols(query)]
        fills = [fill for report in reports for fill in report.fills]
        fills.sort(key=lambda fill: int(fill.fill_id), reverse=True)
        rows = self._exchange.look(lambda exchange: [fill_row(exchange, fill) for fill in fills])
        wanted = query.get("orderId")
        rows = [row for row in _until(rows, query) if wanted in (None, row["orderId"])]
        page, end = _page(rows, "tradeId", query)
        return {"fillList": page, "endId": end}

    async def bills(self, query: Query, ask: Ask) -> Row:
        """GET account/bill: the funding payments."""
        reports = [await self._fills(symbol, query, ask) for symbol in self._symbols(query)]
        payments = [payment for report in reports for payment in report.funding]
        payments.sort(key=lambda each: int(each.funding_id), reverse=True)
        page, end = _page(_until([bill_row(each) for each in payments], query), "billId", query)
        return {"bills": page, "endId": end}

    # --- settings -----------------------------------------------------------------------------------------------------

    async def set_leverage(self, body: Mapping[str, Any], ask: Ask) -> Row:
        """POST set-leverage."""
        symbol = symbol_of(body)
        holds = [Side(str(body["holdSide"]))] if body.get("holdSide") else list(Side)
        for hold in holds if self._hedge else [None]:
            mode = self._setting(symbol, hold).margin_mode
            await self._set(symbol, int(str(body.get("leverage"))), mode, hold, ask)
        return {"symbol": str(symbol), "marginCoin": "USDT", **self._settings(symbol)}

    async def set_margin_mode(self, body: Mapping[str, Any], ask: Ask) -> Row:
        """POST set-margin-mode."""
        symbol = symbol_of(body)
        mode = MarginMode.ISOLATED if body.get("marginMode") == "isolated" else MarginMode.CROSS
        for hold in list(Side) if self._hedge else [None]:
            await self._set(symbol, self._setting(symbol, hold).leverage, mode, hold, ask)
        return {"symbol": str(symbol), "marginCoin": "USDT", **self._settings(symbol)}

    async def set_position_mode(self, body: Mapping[str, Any], ask: Ask) -> Row:
        """POST set-position-mode: the exchange was started in one mode, and stays in it."""
        _ = ask
        mode = "hedge_mode" if self._hedge else "one_way_mode"
        if body.get("posMode") != mode:
            raise WireRefusedError("40920", "Position or order exists, the position mode cannot be switched")
        return {"posMode": mode}

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _set(self, symbol: Symbol, leverage: int, mode: MarginMode, hold: Side | None, ask: Ask) -> None:
        request = SetLeverage(symbol=symbol, leverage=leverage, margin_mode=mode, hedge_side=hold)
        answer = await ask(request)
        if not isinstance(answer, LeverageSet):
            raise refusal(answer)

    def _setting(self, symbol: Symbol, hold: Side | None) -> Any:
        return self._exchange.look(lambda exchange: exchange.state.account.setting((symbol, hold)))

    def _settings(self, symbol: Symbol) -> Row:
        long, short = (self._setting(symbol, side if self._hedge else None) for side in (Side.LONG, Side.SHORT))
        return {
            "longLeverage": str(long.leverage),
            "shortLeverage": str(short.leverage),
            "crossMarginLeverage": str(long.leverage),
            "crossedMarginLeverage": str(long.leverage),
            "isolatedLongLever": str(long.leverage),
            "isolatedShortLever": str(short.leverage),
            "marginMode": margin_mode(long.margin_mode),
            "posMode": "hedge_mode" if self._hedge else "one_way_mode",
        }

    async def _account(self, symbol: Symbol | None, ask: Ask) -> AccountReport:
        answer = await ask(FetchAccount(symbol=symbol))
        if not isinstance(answer, AccountReport):
            raise refusal(answer)
        return answer

    async def _fills(self, symbol: Symbol, query: Query, ask: Ask) -> FillsReport:
        since_ms = int(query.get("startTime") or 0)
        answer = await ask(FetchFills(symbol=symbol, since_ms=since_ms))
        if not isinstance(answer, FillsReport):
            raise refusal(answer)
        return answer

    def _symbols(self, query: Query) -> Sequence[Symbol]:
        if query.get("symbol"):
            return [symbol_of(query)]
        return self._exchange.look(lambda exchange: tuple(exchange.state.instruments))

    async def _by_ids(self, query: Query, ask: Ask) -> OrderReport | None:
        """The order that a request names, over the network with its faults."""
        client_id = ClientOrderId(query.get("clientOid", ""))
        kept = None
        native = engine_id(query.get("orderId", ""))
        if native is not None:
            kept = self._exchange.look(lambda exchange: exchange.state.orders.by_id(native))
            client_id = (kept.client_order_id if kept is not None else None) or client_id
        symbol = symbol_of(query)
        if not client_id:
            _ = await self._account(symbol, ask)
            return None if kept is None else kept.report(self._exchange.config.exchange.venue)
        kind = OrderKind.LIMIT if kept is None else kept.kind
        answer = await ask(QueryOrder(symbol=symbol, client_order_id=client_id, kind=kind))
        if isinstance(answer, OrderAccepted):
            return answer.report
        raise refusal(answer, detail=True)

    async def _ended(self, query: Query, ask: Ask) -> list[OrderReport]:
        """Orders that work no more, and plan orders whose child still fills: the history is what names the child.

        One that is asked for by its id goes the way of such questions.
        """
        if query.get("clientOid") or query.get("orderId"):
            try:
                found = await self._by_ids(query, ask)
            except WireRefusedError as error:
                if error.code != "40109":
                    raise
                return []
            return [found] if found is not None and found.status != "working" else []
        _ = await self._account(symbol_of(query) or None, ask)
        venue = self._exchange.config.exchange.venue

        def read(exchange: Exchange) -> list[OrderReport]:
            kept = [
                order for symbol in self._symbols_of(exchange, query) for order in exchange.state.orders.known(symbol)
            ]
            return [order.report(venue) for order in kept if not order.working or _is_triggered(order)]

        return self._exchange.look(read)

    @staticmethod
    def _symbols_of(exchange: Exchange, query: Query) -> Sequence[Symbol]:
        return [symbol_of(query)] if query.get("symbol") else tuple(exchange.state.instruments)

    def _rows(self, reports: Sequence[OrderReport], make: Callable[[Exchange, OrderReport], Row]) -> list[Row]:
        return self._exchange.look(lambda exchange: [make(exchange, report) for report in reports])

    def _listed(
        self, reports: Sequence[OrderReport], make: Callable[[Exchange, OrderReport], Row], query: Query
    ) -> Row:
        wanted = [
            each
            for each in sorted(reports, key=lambda each: int(each.venue_order_id), reverse=True)
            if query.get("clientOid") in (None, each.client_order_id)
            and query.get("orderId") in (None, order_id(each.venue_order_id))
        ]
        page, end = _page(self._rows(wanted, make), "orderId", query)
        return {"entrustedList": page or None, "endId": end or None}


def _of_family(orders: Sequence[OrderReport], query: Query) -> list[OrderReport]:
    plan = query.get("planType", "normal_plan")
    conditional = [each for each in orders if each.kind in CONDITIONAL]
    if plan == "profit_loss":
        return [each for each in conditional if plan_type(each) != "normal_plan"]
    return [each for each in conditional if plan_type(each) == plan]


def _until(rows: list[Row], query: Query) -> list[Row]:
    end = query.get("endTime")
    return rows if not end else [row for row in rows if int(row["cTime"]) <= int(end)]


def _page(rows: Sequence[Row], key: str, query: Query) -> tuple[list[Row], str]:
    """What comes after ``idLessThan``, at most a page of it, and the id to go on from."""
    before = query.get("idLessThan")
    left = [row for row in rows if not before or int(row[key]) < int(before)]
    page = left[: min(int(query.get("limit") or MAX_PAGE), MAX_PAGE)]
    return page, str(page[-1][key]) if page else ""


def _is_triggered(order: SimOrder) -> bool:
    return order.kind in CONDITIONAL and order.filled_quantity > 0
