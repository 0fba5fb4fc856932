"""Bybit's lists over the simulated exchange: orders, executions, positions, balance, instruments; with their pages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from adapters.simulator.engine import Exchange
from adapters.simulator.orders import SimOrder
from adapters.simulator.paper import PaperExchange
from adapters.simulator.validation import order_margin
from adapters.simulator.wire.bybit_gate import refusal_of, wrong
from adapters.simulator.wire.bybit_orders import Fields, OrderDesk
from adapters.simulator.wire.bybit_rows import (
    Row,
    balance_row,
    execution_row,
    flat_row,
    funding_row,
    instrument_row,
    order_row,
    position_row,
    ticker_row,
)
from adapters.simulator.wire.dialect import Ask
from messages.orders import FillReport, OrderReport
from messages.values import ZERO, ClientOrderId, MarginMode, Side, Symbol
from messages.venue import (
    AccountReport,
    FetchAccount,
    FetchFills,
    FetchInstruments,
    FillsReport,
    InstrumentsReport,
    OrderAccepted,
    OrderRejected,
    QueryOrder,
    RejectReason,
)

WEEK_MS: Final = 7 * 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class _Size:
    usual: int
    most: int


_ORDERS, _POSITIONS, _EXECUTIONS, _INSTRUMENTS = _Size(20, 50), _Size(20, 200), _Size(50, 100), _Size(500, 1_000)


class Lists:
    """Everything that is read."""

    def __init__(self, exchange: PaperExchange) -> None:
        self._exchange = exchange
        self._desk = OrderDesk(exchange)

    async def open_orders(self, fields: Fields, ask: Ask) -> Row:
        """``order/realtime``: working orders of all kinds, newest first; by id also those that ended.

        Raises:
            Refusal: It says of nothing which orders are wanted.
        """
        if _by_id(fields):
            return _page(await self._one(fields, ask, ended=False), fields, _ORDERS)
        if not fields.get("symbol") and not fields.get("settleCoin"):
            raise wrong("symbol or settleCoin is required")
        account = await self._account(fields, ask)
        wanted = fields.get("orderFilter")
        reports = [order for order in reversed(account.orders) if wanted in (None, _filter_of(order))]
        rows = self._exchange.look(lambda exchange: [order_row(exchange, report) for report in reports])
        return _page(rows, fields, _ORDERS)

    async def ended_orders(self, fields: Fields, ask: Ask) -> Row:
        """``order/history``: orders that work no more, newest first."""
        if _by_id(fields):
            return _page(await self._one(fields, ask, ended=True), fields, _ORDERS)
        await self._account(fields, ask)
        wanted = fields.get("orderStatus")

        def read(exchange: Exchange) -> list[Row]:
            ended = [order for order in exchange.state.orders.all_known() if not order.working]
            rows = [order_row(exchange, _report(exchange, order)) for order in reversed(ended) if _of(fields, order)]
            return [row for row in rows if wanted in (None, row["orderStatus"])]

        return _page(self._exchange.look(read), fields, _ORDERS)

    async def executions(self, fields: Fields, ask: Ask) -> Row:
        """``execution/list``: fills of every kind and funding, newest first, of at most seven days."""
        now_ms = self._exchange.clock.now_ms()
        begin_ms = int(fields.get("startTime") or now_ms - WEEK_MS)
        end_ms = min(int(fields.get("endTime") or begin_ms + WEEK_MS), begin_ms + WEEK_MS)
        rows: list[Row] = []
        for symbol in self._symbols(fields):
            answer = await ask(FetchFills(symbol=symbol, since_ms=begin_ms))
            if not isinstance(answer, FillsReport):
                raise refusal_of(answer)
            rows += self._exchange.look(_execution_rows(answer))
        kind = fields.get("execType")
        wanted = [
            row
            for row in rows
            if int(row["execTime"]) <= end_ms
            and kind in (None, row["execType"])
            and all(fields.get(name) in (None, row[name]) for name in ("orderId", "orderLinkId"))
        ]
        wanted.sort(key=lambda row: (int(row["execTime"]), row["execId"]), reverse=True)
        return _page(wanted, fields, _EXECUTIONS)

    async def positions(self, fields: Fields, ask: Ask) -> Row:
        """``position/list``: asked for by symbol it shows flat positions too."""
        account = await self._account(fields, ask)

        def read(exchange: Exchange) -> list[Row]:
            rows = [position_row(exchange, report) for report in account.positions]
            symbol = fields.get("symbol")
            if symbol in exchange.state.instruments:
                sides: tuple[Side | None, ...] = (Side.LONG, Side.SHORT) if exchange.state.config.hedge else (None,)
                shown = {report.hedge_side for report in account.positions}
                rows += [flat_row(exchange, Symbol(str(symbol)), side) for side in sides if side not in shown]
            return sorted(rows, key=lambda row: (row["symbol"], row["positionIdx"]))

        return _page(self._exchange.look(read), fields, _POSITIONS)

    async def closed_pnl(self, fields: Fields, ask: Ask) -> Row:
        """``position/closed-pnl``: what each reducing execution brought, before commission."""
        executions = await self.executions({**fields, "limit": "100"}, ask)
        rows = [
            {
                "symbol": row["symbol"],
                "side": row["side"],
                "qty": row["execQty"],
                "closedSize": row["closedSize"],
                "avgExitPrice": row["execPrice"],
                "avgEntryPrice": "0",
                "closedPnl": "0",
                "closeFee": row["execFee"],
                "orderId": row["orderId"],
                "execType": row["execType"],
                "fillCount": "1",
                "leverage": "1",
                "createdTime": row["execTime"],
                "updatedTime": row["execTime"],
            }
            for row in executions["list"]
            if Decimal(row["closedSize"] or 0)
        ]
        return _page(rows, fields, _EXECUTIONS)

    async def balance(self, fields: Fields, ask: Ask) -> Row:
        """``account/wallet-balance``."""
        await self._account({}, ask)
        _ = fields

        def read(exchange: Exchange) -> Row:
            account = exchange.state.account
            positions = tuple(account.positions.values())
            held = sum((order_margin(exchange.state, order) for order in exchange.state.orders.all_working()), ZERO)
            symbol = next(iter(exchange.state.instruments))
            side = Side.LONG if exchange.state.config.hedge else None
            isolated = account.setting((symbol, side)).margin_mode is MarginMode.ISOLATED
            return balance_row(exchange, positions, held, isolated=isolated)

        return {"list": [self._exchange.look(read)]}

    async def instruments(self, fields: Fields, ask: Ask) -> Row:
        """``market/instruments-info``; there are linear perpetuals only, all of them launched."""
        answer = await ask(FetchInstruments())
        if not isinstance(answer, InstrumentsReport):
            raise refusal_of(answer)
        wanted = fields.get("category") == "linear" and "status" not in fields
        rows = [
            instrument_row(each)
            for each in answer.instruments
            if wanted and fields.get("symbol") in (None, each.symbol)
        ]
        return _page(rows, fields, _INSTRUMENTS)

    async def tickers(self, fields: Fields, ask: Ask) -> Row:
        """``market/tickers``."""
        _ = ask
        ticks = [self._exchange.current_tick(symbol) for symbol in self._symbols(fields)]
        return {"category": "linear", "list": [ticker_row(tick) for tick in ticks if tick is not None]}

    # --- inside -------------------------------------------------------------------------------------------------------

    def _symbols(self, fields: Fields) -> Sequence[Symbol]:
        if fields.get("symbol"):
            return [Symbol(str(fields["symbol"]))]
        return self._exchange.look(lambda exchange: tuple(exchange.state.instruments))

    async def _account(self, fields: Fields, ask: Ask) -> AccountReport:
        symbol = Symbol(str(fields["symbol"])) if fields.get("symbol") else None
        answer = await ask(FetchAccount(symbol=symbol))
        if not isinstance(answer, AccountReport):
            raise refusal_of(answer)
        return answer

    async def _one(self, fields: Fields, ask: Ask, *, ended: bool) -> list[Row]:
        """The order of an id. Which goes through the network as a question for our id, or as a look at the account."""
        order = self._desk.find(fields)
        link = order.client_order_id if order is not None else ClientOrderId(str(fields.get("orderLinkId") or "-"))
        if link is None or order is None:
            await self._account({"symbol": fields.get("symbol")}, ask)
        else:
            answer = await ask(QueryOrder(symbol=order.symbol, client_order_id=link, kind=order.kind))
            if isinstance(answer, OrderRejected) and answer.reason is RejectReason.NOT_FOUND:
                return []
            if not isinstance(answer, OrderAccepted):
                raise refusal_of(answer)
        found = order
        if found is None or (ended and found.working):
            return []
        return self._exchange.look(lambda exchange: [order_row(exchange, _report(exchange, found))])


def _report(exchange: Exchange, order: SimOrder) -> OrderReport:
    return order.report(exchange.state.config.venue)


def _by_id(fields: Fields) -> bool:
    return bool(fields.get("orderId") or fields.get("orderLinkId"))


def _filter_of(report: OrderReport) -> str:
    return "StopOrder" if report.trigger_price is not None else "Order"


def _of(fields: Fields, order: SimOrder) -> bool:
    return fields.get("symbol") in (None, order.symbol)


def _execution_rows(report: FillsReport) -> Callable[[Exchange], list[Row]]:
    def read(exchange: Exchange) -> list[Row]:
        fills: Sequence[FillReport] = report.fills
        return [execution_row(exchange, fill) for fill in fills] + [funding_row(each) for each in report.funding]

    return read


def _page(rows: Sequence[Row], fields: Fields, size: _Size) -> dict[str, Any]:
    """One page; the cursor is where the next one begins, in the venue's manner nothing that a client can read."""
    limit = min(int(fields.get("limit") or size.usual), size.most)
    begin = int(str(fields.get("cursor") or "page0").removeprefix("page") or 0)
    end = begin + limit
    return {
        "category": "linear",
        "list": list(rows[begin:end]),
        "nextPageCursor": f"page{end}" if end < len(rows) else "",
    }
