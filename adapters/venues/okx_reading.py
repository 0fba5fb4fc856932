"""Reading an OKX account: both lists of orders with all their pages, positions, money, fills and funding."""

import threading
from typing import Final, TypeVar

import ccxt
import msgspec

from adapters.venues.okx_errors import RefusedError, is_not_there
from adapters.venues.okx_http import OkxHttp
from adapters.venues.okx_reports import (
    algo_report,
    balance_report,
    fill_report,
    funding_report,
    instrument,
    order_id_of,
    order_report,
    position_report,
)
from adapters.venues.okx_requests import ALGO_KINDS, Params
from adapters.venues.okx_rows import (
    OKX,
    AlgoRow,
    BalanceRow,
    BillRow,
    FillRow,
    InstrumentRow,
    OrderRow,
    PositionRow,
    instrument_of,
    is_of_a_client,
    symbol_of,
)
from messages.instruments import Instrument
from messages.orders import OrderReport, PositionReport
from messages.values import ClientOrderId, MarginMode, OrderKind, Symbol
from messages.venue import AccountReport, FillsReport

ALGO_LISTS: Final = ("conditional,oco", "trigger")
"""OKX lists algo orders by type, and only these two together. Trailing ones and slices (TWAP, iceberg) are not read."""
ENDED_ALGOS: Final = ("effective", "canceled", "order_failed")
FUNDING: Final = "8"
QUICK_FILLS_MS: Final = 3 * 86_400_000 - 3_600_000
"""``fills`` goes back three days; what is older is in ``fills-history``, which is slower."""
BILLS_MS: Final = 7 * 86_400_000 - 3_600_000
"""``account/bills`` goes back seven days; what is older is in ``bills-archive``, three months."""
MAX_KNOWN: Final = 10_000
_Row = TypeVar("_Row", bound=msgspec.Struct)


class Modes:
    """The margin mode of each symbol: OKX wants it said with every order, and keeps one position for each mode.

    Shared by the clients of an account. A position's own mode goes before the one that was set.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set: dict[Symbol, MarginMode] = {}
        self._held: dict[Symbol, MarginMode] = {}

    def of(self, symbol: Symbol) -> MarginMode | None:
        """The mode for orders of ``symbol``; ``None`` when nothing is known yet."""
        with self._lock:
            return self._held.get(symbol, self._set.get(symbol))

    def was_set(self, symbol: Symbol, mode: MarginMode) -> None:
        """The mode was set for what is opened next."""
        with self._lock:
            self._set[symbol] = mode

    def seen(self, symbol: Symbol | None, positions: tuple[PositionReport, ...]) -> None:
        """These are the positions of ``symbol``, or of the whole account."""
        held = {position.symbol: position.margin_mode for position in positions}
        with self._lock:
            if symbol is None:
                self._held = held
            else:
                self._held.pop(symbol, None)
                self._held.update(held)


class Children:
    """Which algo order an order was the child of: its fills do not say so."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids: dict[str, ClientOrderId | None] = {}

    def known(self, order_id: str) -> bool:
        """Whether it was asked for already."""
        return order_id in self._ids

    def of(self, order_id: str) -> ClientOrderId | None:
        """The algo order's client id; ``None`` when it has none of its own."""
        return self._ids.get(order_id)

    def learned(self, order_id: str, client_order_id: ClientOrderId | None) -> None:
        """Keep it; the oldest go when there are too many."""
        with self._lock:
            self._ids[order_id] = client_order_id
            if len(self._ids) > MAX_KNOWN:
                del self._ids[next(iter(self._ids))]


class OkxReading:
    """What is read with one client."""

    def __init__(self, http: OkxHttp, modes: Modes, children: Children) -> None:
        self._http = http
        self._modes = modes
        self._children = children

    def instruments(self) -> tuple[Instrument, ...]:
        """The USDT swaps."""
        rows = self._http.rows("publicGetPublicInstruments", {"instType": "SWAP"}, InstrumentRow)
        return tuple(each for row in rows if (each := instrument(row)) is not None)

    def account(self, symbol: Symbol | None) -> AccountReport:
        """Positions, open orders of both lists, money."""
        taken_ms = self._http.now_ms()
        positions = self.positions(symbol)
        return AccountReport(
            venue=OKX,
            symbol=symbol,
            positions=positions,
            orders=(*self._regular_orders(symbol), *self._algo_orders(symbol)),
            balance=balance_report(self._http.rows("privateGetAccountBalance", {}, BalanceRow)),
            taken_ms=taken_ms,
        )

    def positions(self, symbol: Symbol | None) -> tuple[PositionReport, ...]:
        """Open positions; OKX shows closed ones for a while, which are left out."""
        rows = self._http.rows("privateGetAccountPositions", _swaps(symbol), PositionRow)
        reports = tuple(
            report for row in rows if _is_ours(row.inst_id) and (report := position_report(row)) is not None
        )
        self._modes.seen(symbol, reports)
        return reports

    def mode(self, symbol: Symbol) -> MarginMode:
        """The margin mode for an order: of the position, else as it was set, else isolated."""
        known = self._modes.of(symbol)
        if known is not None:
            return known
        self.positions(symbol)
        found = self._modes.of(symbol) or MarginMode.ISOLATED
        self._modes.was_set(symbol, found)
        return found

    def _regular_orders(self, symbol: Symbol | None) -> list[OrderReport]:
        rows = self._http.all_rows("privateGetTradeOrdersPending", _swaps(symbol), OrderRow, lambda row: row.ord_id)
        return [order_report(row) for row in rows if _is_ours(row.inst_id)]

    def _algo_orders(self, symbol: Symbol | None) -> list[OrderReport]:
        found: list[OrderReport] = []
        for kinds in ALGO_LISTS:
            rows = self._http.all_rows(
                "privateGetTradeOrdersAlgoPending",
                {"ordType": kinds} | _swaps(symbol),
                AlgoRow,
                lambda row: row.algo_id,
            )
            found.extend(algo_report(row) for row in rows if _is_ours(row.inst_id))
        return found

    # --- one order ----------------------------------------------------------------------------------------------------

    def order(self, symbol: Symbol, client_order_id: ClientOrderId, kind: OrderKind) -> OrderReport | None:
        """One order of ours; ``None`` when OKX says of each list that it is not there."""
        if kind in ALGO_KINDS:
            return self._algo_order(symbol, client_order_id)
        return self._regular_order(symbol, client_order_id)

    def _regular_order(self, symbol: Symbol, client_order_id: ClientOrderId) -> OrderReport | None:
        identity: Params = {"instId": instrument_of(symbol), "clOrdId": client_order_id}
        rows = self._if_there("privateGetTradeOrder", identity, OrderRow)
        for method in ("privateGetTradeOrdersPending", "privateGetTradeOrdersHistory"):
            if not rows:
                listed = self._http.all_rows(method, _swaps(symbol), OrderRow, lambda row: row.ord_id)
                rows = [row for row in listed if row.cl_ord_id == client_order_id]
        return order_report(rows[0]) if rows else None

    def _algo_order(self, symbol: Symbol, client_order_id: ClientOrderId) -> OrderReport | None:
        rows = self._if_there("privateGetTradeOrderAlgo", {"algoClOrdId": client_order_id}, AlgoRow)
        lists: list[tuple[str, Params]] = [("privateGetTradeOrdersAlgoPending", {})]
        lists += [("privateGetTradeOrdersAlgoHistory", {"state": state}) for state in ENDED_ALGOS]
        for method, which in lists:
            if not rows:
                params = {"ordType": ALGO_LISTS[0]} | _swaps(symbol) | which
                listed = self._http.all_rows(method, params, AlgoRow, lambda row: row.algo_id)
                rows = [row for row in listed if row.algo_cl_ord_id == client_order_id]
        return algo_report(rows[0]) if rows else None

    def order_after_cancel(self, identity: Params, kind: OrderKind) -> OrderReport | None:
        """The order as it is now, by any of its ids; ``None`` when OKX forgot it: unfilled ones soon are."""
        if kind in ALGO_KINDS:
            algos = self._if_there("privateGetTradeOrderAlgo", identity, AlgoRow)
            return algo_report(algos[0]) if algos else None
        orders = self._if_there("privateGetTradeOrder", identity, OrderRow)
        return order_report(orders[0]) if orders else None

    def _if_there(self, method: str, identity: Params, row: type[_Row]) -> list[_Row]:
        """What one look-up gives; nothing when OKX says that there is no such order."""
        try:
            return self._http.rows(method, identity, row)
        except (RefusedError, ccxt.ExchangeError) as error:
            if is_not_there(error):
                return []
            raise

    # --- fills and funding --------------------------------------------------------------------------------------------

    def fills(self, symbol: Symbol, since_ms: int) -> FillsReport:
        """Executions and funding payments of ``symbol`` since ``since_ms``, oldest first."""
        age_ms = self._http.now_ms() - since_ms
        method = "privateGetTradeFills" if age_ms < QUICK_FILLS_MS else "privateGetTradeFillsHistory"
        # Whether ``begin`` takes in its own millisecond is not documented: asked for one earlier, and filtered.
        params: Params = _swaps(symbol) | {"begin": str(max(since_ms - 1, 0))}
        rows = self._http.all_rows(method, params, FillRow, lambda row: row.bill_id)
        # The newest comes first, also of one millisecond: what opened must come before what closed it.
        fills = [fill_report(row, self._id_of(row)) for row in reversed(rows)]
        # Bills may be asked for by instrument; OKX pays a position's funding as profit and loss of type 8.
        billed = "privateGetAccountBills" if age_ms < BILLS_MS else "privateGetAccountBillsArchive"
        bills = self._http.all_rows(billed, params | {"type": FUNDING}, BillRow, lambda row: row.bill_id)
        funding = [funding_report(row) for row in bills if symbol_of(row.inst_id) == symbol]
        return FillsReport(
            venue=OKX,
            symbol=symbol,
            since_ms=since_ms,
            fills=tuple(sorted((each for each in fills if each.time_ms >= since_ms), key=lambda each: each.time_ms)),
            funding=tuple(
                sorted((each for each in funding if each.time_ms >= since_ms), key=lambda each: each.time_ms)
            ),
        )

    def _id_of(self, row: FillRow) -> ClientOrderId | None:
        """The client id of the order, or of the algo order whose child it is: that one has to be asked for."""
        if is_of_a_client(row.cl_ord_id):
            return ClientOrderId(row.cl_ord_id)
        if not self._children.known(row.ord_id):
            identity: Params = {"instId": row.inst_id, "ordId": row.ord_id}
            orders = self._if_there("privateGetTradeOrder", identity, OrderRow)
            self._children.learned(row.ord_id, order_id_of(orders[0]) if orders else None)
        return self._children.of(row.ord_id)


def _swaps(symbol: Symbol | None) -> Params:
    params: Params = {"instType": "SWAP"}
    return params if symbol is None else params | {"instId": instrument_of(symbol)}


def _is_ours(inst_id: str) -> bool:
    """Whether it is a USDT swap; others may be traded on the account, and are nobody's business here."""
    return symbol_of(inst_id) is not None
