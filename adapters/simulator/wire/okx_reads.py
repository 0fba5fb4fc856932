"""OKX's endpoints that read: both order lists, their pages and histories, fills, bills, account, public data."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from adapters.simulator.paper import PaperExchange
from adapters.simulator.wire.dialect import Ask
from adapters.simulator.wire.okx_account_rows import (
    balance_row,
    funding_row,
    instrument_row,
    mark_row,
    position_row,
    ticker_row,
)
from adapters.simulator.wire.okx_book import Book, Seen
from adapters.simulator.wire.okx_gate import RefusalError, refusal_of, wrong
from adapters.simulator.wire.okx_rows import ALGO_STATES, Row, fill_row, is_child_id
from adapters.venues.okx_rows import instrument_of, symbol_of
from messages.instruments import Instrument
from messages.market import Tick
from messages.orders import OrderReport
from messages.values import OrderKind, Side, Symbol
from messages.venue import (
    AccountReport,
    FetchAccount,
    FetchFills,
    FetchInstruments,
    FetchServerTime,
    FillsReport,
    InstrumentsReport,
    OrderAccepted,
    QueryOrder,
    ServerTime,
    VenueAnswer,
)

Query = Mapping[str, str]
PAGE: Final = 100
_Answer = TypeVar("_Answer", bound=VenueAnswer)


def _page(rows: Sequence[Row], query: Query, id_name: str) -> list[Row]:
    """The page after the row that is named, of rows that are sorted newest first."""
    after = query.get("after")
    start = 0
    if after is not None:
        start = next((at for at, row in enumerate(rows) if int(str(row[id_name])) < int(after)), len(rows))
    return list(rows[start : start + min(int(query.get("limit", PAGE)), PAGE)])


def _expect(answer: VenueAnswer, kind: type[_Answer]) -> _Answer:
    if not isinstance(answer, kind):
        raise refusal_of(answer, algo=False)
    return answer


class Reads:
    """Answers from the engine, over the simulated network where a request of the port asks the same."""

    def __init__(self, exchange: PaperExchange, book: Book) -> None:
        self._exchange = exchange
        self._book = book

    # --- orders -------------------------------------------------------------------------------------------------------

    async def orders_pending(self, query: Query, ask: Ask) -> list[Row]:
        """``trade/orders-pending``."""
        account = await self._account(query, ask)
        rows = [seen.row for seen in self._seen(account.orders) if not seen.conditional]
        return _page(rows[::-1], query, "ordId")

    async def algos_pending(self, query: Query, ask: Ask) -> list[Row]:
        """``trade/orders-algo-pending``: by type, which must be said."""
        if "ordType" not in query:
            raise wrong("ordType")
        account = await self._account(query, ask)
        wanted = "conditional" in query["ordType"].split(",")
        rows = [seen.row for seen in self._seen(account.orders) if seen.conditional and wanted]
        return _page(rows[::-1], query, "algoId")

    async def order(self, query: Query, ask: Ask) -> list[Row]:
        """``trade/order``; the child of an algo order has an id of its own."""
        own_id = query.get("ordId", "")
        seen = self._book.by_own_id(own_id) if own_id else self._book.by_client_id(query.get("clOrdId", ""))
        child = is_child_id(own_id)
        if seen is None or seen.conditional != child or (child and not seen.triggered):
            await self._ask_in_vain(query, ask)
            raise RefusalError("51603", "Order does not exist", in_row=False)
        await self._confirm(seen, ask)
        return [seen.child if child else seen.row]

    async def algo(self, query: Query, ask: Ask) -> list[Row]:
        """``trade/order-algo``."""
        own_id = query.get("algoId", "")
        seen = self._book.by_own_id(own_id) if own_id else self._book.by_client_id(query.get("algoClOrdId", ""))
        if seen is None or not seen.conditional or is_child_id(own_id):
            await self._ask_in_vain(query, ask)
            raise RefusalError("51603", "Order does not exist", in_row=False)
        await self._confirm(seen, ask)
        return [seen.row]

    def orders_history(self, query: Query) -> list[Row]:
        """``trade/orders-history``."""
        state = query.get("state")
        rows = [
            seen.row
            for seen in self._book.ended(lambda report: _is_of(report, query))
            if not seen.conditional and state in {None, seen.row["state"]}
        ]
        return _page(rows, query, "ordId")

    def algos_history(self, query: Query) -> list[Row]:
        """``trade/orders-algo-history``: a state or an id must be said."""
        state = query.get("state")
        if state is None and "algoId" not in query:
            raise wrong("state")
        rows = [
            seen.row
            for seen in self._book.ended(lambda report: _is_of(report, query))
            if seen.conditional and state in {None, ALGO_STATES[seen.report.status]}
        ]
        return _page(rows, query, "algoId")

    async def _confirm(self, seen: Seen, ask: Ask) -> None:
        """Over the network, as every question goes; what it says may be a fault's."""
        client_id = seen.report.client_order_id
        if client_id is None:
            return
        answer = await ask(QueryOrder(symbol=seen.report.symbol, client_order_id=client_id, kind=seen.report.kind))
        if not isinstance(answer, OrderAccepted):
            refusal = refusal_of(answer, algo=seen.conditional)
            raise RefusalError(refusal.code, refusal.text, status=refusal.status, in_row=False)

    async def _ask_in_vain(self, query: Query, ask: Ask) -> None:
        """Nothing is there; but a venue out of service says that instead."""
        symbol = symbol_of(query.get("instId", "")) or self._book.symbols()[0]
        _expect(await ask(FetchAccount(symbol=symbol)), AccountReport)

    def _seen(self, reports: Sequence[OrderReport]) -> list[Seen]:
        return [seen for each in reports if (seen := self._book.by_number(each.venue_order_id)) is not None]

    # --- money --------------------------------------------------------------------------------------------------------

    async def _account(self, query: Query, ask: Ask) -> AccountReport:
        return _expect(await ask(FetchAccount(symbol=_symbol(query))), AccountReport)

    async def positions(self, query: Query, ask: Ask) -> list[Row]:
        """``account/positions``."""
        account = await self._account(query, ask)
        instruments = self._instruments()
        return [
            position_row(
                position,
                instruments[position.symbol],
                _whole_stop(account.orders, position.symbol, position.hedge_side),
                self._exchange.venue_ms,
            )
            for position in account.positions
        ]

    async def balance(self, query: Query, ask: Ask) -> list[Row]:
        """``account/balance``."""
        _ = query
        account = await self._account({}, ask)
        return [balance_row(account.balance, self._exchange.venue_ms)]

    async def fills(self, query: Query, ask: Ask) -> list[Row]:
        """``trade/fills`` and ``trade/fills-history``."""
        rows = []
        for report in await self._fills(query, ask):
            rows += [fill_row(fill, conditional=self._book.is_conditional(fill)) for fill in report.fills]
        return _page([row for row in rows if query.get("ordId") in {None, row["ordId"]}][::-1], query, "billId")

    async def bills(self, query: Query, ask: Ask) -> list[Row]:
        """``account/bills`` and ``account/bills-archive``; of all kinds, the simulator has those of funding."""
        if query.get("type") != "8":
            return []
        rows = [funding_row(each) for report in await self._fills(query, ask) for each in report.funding]
        return _page(rows[::-1], query, "billId")

    async def _fills(self, query: Query, ask: Ask) -> list[FillsReport]:
        since_ms = int(query.get("begin", 0))
        symbol = _symbol(query)
        wanted = self._book.symbols() if symbol is None else [symbol]
        return [_expect(await ask(FetchFills(symbol=each, since_ms=since_ms)), FillsReport) for each in wanted]

    # --- public -------------------------------------------------------------------------------------------------------

    async def instruments(self, query: Query, ask: Ask) -> list[Row]:
        """``public/instruments``."""
        if query.get("instType") != "SWAP":
            return []
        report = _expect(await ask(FetchInstruments()), InstrumentsReport)
        return [instrument_row(each) for each in report.instruments]

    async def time(self, query: Query, ask: Ask) -> list[Row]:
        """``public/time``."""
        _ = query
        return [{"ts": str(_expect(await ask(FetchServerTime()), ServerTime).server_ms)}]

    def ticker(self, query: Query) -> list[Row]:
        """``market/ticker``."""
        return [ticker_row(self._tick(query))]

    def mark_price(self, query: Query) -> list[Row]:
        """``public/mark-price``."""
        return [mark_row(self._tick(query))]

    def _tick(self, query: Query) -> Tick:
        symbol = symbol_of(query.get("instId", ""))
        tick = None if symbol is None else self._exchange.current_tick(symbol)
        if tick is None:
            raise RefusalError("51001", "Instrument ID doesn't exist.", in_row=False)
        return tick

    def _instruments(self) -> Mapping[Symbol, Instrument]:
        return self._exchange.look(lambda engine: dict(engine.state.instruments))


def _symbol(query: Query) -> Symbol | None:
    """The one that is asked for; ``None`` for all."""
    if not query.get("instId"):
        return None
    symbol = symbol_of(query["instId"])
    if symbol is None:
        raise RefusalError("51001", "Instrument ID doesn't exist.", in_row=False)
    return symbol


def _is_of(report: OrderReport, query: Query) -> bool:
    return query.get("instId") in {None, "", instrument_of(report.symbol)}


def _whole_stop(orders: Sequence[OrderReport], symbol: Symbol, hedge_side: Side | None) -> OrderReport | None:
    for order in orders:
        same_place = (order.symbol, order.hedge_side) == (symbol, hedge_side)
        if same_place and order.kind is OrderKind.STOP_MARKET and order.quantity is None:
            return order
    return None
