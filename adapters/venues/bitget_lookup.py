"""Finding single orders at Bitget: regular ones, plan ones, and the order behind a fill."""

from collections.abc import Iterable, Mapping

import ccxt

from adapters.venues.bitget_errors import RefusedError, meaning_of
from adapters.venues.bitget_links import Links
from adapters.venues.bitget_orders import Row, closes, order_report, plan_report
from adapters.venues.bitget_session import BitgetSession
from messages.orders import OrderReport
from messages.values import Symbol
from messages.venue import OrderRejected, RejectReason

PROFIT_LOSS = "profit_loss"


class Lookup:
    """Asks every list that may hold an order before it says that there is none."""

    def __init__(self, session: BitgetSession, links: Links) -> None:
        self._session = session
        self._links = links

    def regular(self, symbol: Symbol, key: Mapping[str, str]) -> OrderReport | None:
        """A market or limit order by ``orderId`` or ``clientOid``: the detail, then the open ones, then the history."""
        row = self._detail(symbol, key)
        for name in ("OrderOrdersPending", "OrderOrdersHistory"):
            if row is not None:
                break
            row = self._first(name, symbol, key)
        if row is None:
            return None
        report = order_report(row)
        self._links.learn(report)
        return report

    def plan(self, symbol: Symbol, key: Mapping[str, str]) -> OrderReport | None:
        """A stop or take profit by ``orderId`` or ``clientOid``: the open ones, then the history."""
        for name in ("OrderOrdersPlanPending", "OrderOrdersPlanHistory"):
            row = self._first(name, symbol, {"planType": PROFIT_LOSS, **key})
            if row is not None:
                self._learn_plan(row)
                return plan_report(row)
        return None

    def learn_stops(self, symbol: Symbol) -> None:
        """Look at the open plan orders, so that a stop that came with its entry is recognised."""
        params = {"planType": PROFIT_LOSS, "symbol": str(symbol)}
        for row in self._session.pages("OrderOrdersPlanPending", "entrustedList", params):
            self._learn_plan(row)

    def learn_all(self, symbol: Symbol, fills: Iterable[Row]) -> None:
        """Find the order behind each fill whose order is not known yet."""
        unknown = {str(row.get("orderId")): closes(row) for row in fills if not self._known(row)}
        by_child: dict[str, Row] | None = None
        for order_id, closing in unknown.items():
            report = self.regular(symbol, {"orderId": order_id})
            if not closing or (report is not None and report.client_order_id is not None):
                continue
            if by_child is None:
                by_child = self._plans_by_child(symbol)
            if order_id in by_child:
                self._learn_plan(by_child[order_id])
            else:
                # The history of plan orders may lag behind: what looks foreign now is looked at again next time.
                self._links.forget(order_id)

    def learn_child(self, symbol: Symbol, order_id: str) -> bool:
        """Find the plan order that created ``order_id``; says whether there is one."""
        history = self._session.pages(
            "OrderOrdersPlanHistory",
            "entrustedList",
            {"planType": PROFIT_LOSS, "symbol": str(symbol)},
            until=lambda row: row.get("executeOrderId") == order_id,
        )
        row = next((each for each in history if each.get("executeOrderId") == order_id), None)
        if row is not None:
            self._learn_plan(row)
        return row is not None

    def _known(self, row: Row) -> bool:
        return self._links.find(str(row.get("orderId"))) is not None

    def _plans_by_child(self, symbol: Symbol) -> dict[str, Row]:
        rows = self._session.pages(
            "OrderOrdersPlanHistory", "entrustedList", {"planType": PROFIT_LOSS, "symbol": str(symbol)}
        )
        return {str(row["executeOrderId"]): row for row in rows if row.get("executeOrderId")}

    def _learn_plan(self, row: Row) -> None:
        report = plan_report(row)
        if report is None:
            return
        self._links.learn(report)
        child = str(row.get("executeOrderId") or "")
        if child:
            self._links.learn(report, executes_as=child)

    def _detail(self, symbol: Symbol, key: Mapping[str, str]) -> Row | None:
        try:
            row: Row | None = self._session.get("OrderDetail", symbol=str(symbol), **key)
        except (ccxt.BaseError, RefusedError) as error:
            answer = error.answer if isinstance(error, RefusedError) else meaning_of(error)
            if isinstance(answer, OrderRejected) and answer.reason is RejectReason.NOT_FOUND:
                return None
            raise
        return row or None

    def _first(self, name: str, symbol: Symbol, key: Mapping[str, str]) -> Row | None:
        """The row of a list that the filter picks; a venue that ignores the filter must not mislead us."""
        data = self._session.get(name, symbol=str(symbol), **key) or {}
        field = "orderId" if "orderId" in key else "clientOid"
        for row in data.get("entrustedList") or ():
            if str(row.get(field)) == key[field]:
                found: Row = row
                return found
        return None
