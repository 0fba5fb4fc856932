"""What happened on Binance since some time: executions, with the ids of their orders, and funding; every page."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol, TypeVar

from adapters.venues.binance_errors import CallFailed, is_not_found
from adapters.venues.binance_reports import Income, RegularOrder, Trade, fill_report
from messages.orders import FillReport
from messages.values import Symbol

T = TypeVar("T")

WINDOW_MS: Final = 7 * 86_400_000
"""The longest time between startTime and endTime of a call for trades."""
PAGE: Final = 1_000
MAX_PAGES: Final = 200
KNOWN_FOR_MS: Final = 90 * 86_400_000
"""Older trades are not given any more."""


class ClientIds(Protocol):
    """The client order ids that were looked up before."""

    def client_id(self, symbol: str, order_id: int) -> str | None:
        """Of a regular order."""
        ...

    def remember(self, symbol: str, order_id: int, client_order_id: str) -> None:
        """Keep one."""
        ...


class Call(Protocol):
    """One raw call, read as a shape; raises when there is no such answer."""

    def __call__(self, method: Callable[[dict[str, str]], Any], params: Mapping[str, str], shape: type[T], /) -> T:
        """Call it."""
        ...


class BinanceHistory:
    """Reads the past: executions of one symbol, payments of all."""

    def __init__(self, exchange: Any, ids: ClientIds, call: Call) -> None:
        self._exchange = exchange
        self._ids = ids
        self._call = call

    def fills(self, symbol: Symbol, since_ms: int) -> tuple[FillReport, ...]:
        """Executions of all kinds, oldest first, each with its order's client order id where there is one."""
        trades = {trade.id: trade for trade in self._trades(symbol, since_ms) if trade.time >= since_ms}
        return tuple(
            fill_report(symbol, trade, self._client_id(symbol, trade.order_id))
            for trade in sorted(trades.values(), key=lambda each: (each.time, each.id))
        )

    def funding(self, since_ms: int) -> list[Income]:
        """Funding payments of all symbols."""
        found: dict[tuple[str, str], Income] = {}
        start_ms = since_ms
        for _ in range(MAX_PAGES):
            params = {"incomeType": "FUNDING_FEE", "startTime": f"{start_ms}"}
            rows = self._call(self._exchange.fapiPrivateGetIncome, params | {"limit": f"{PAGE}"}, list[Income])
            known = len(found)
            found |= {(row.symbol, f"{row.tran_id}"): row for row in rows}
            if len(rows) < PAGE or len(found) == known:
                break
            start_ms = max(row.time for row in rows)
        return list(found.values())

    def _trades(self, symbol: Symbol, since_ms: int) -> Iterator[Trade]:
        """By windows of time up to the first page that is full, from there on by id, which skips nothing."""
        now_ms = int(self._exchange.milliseconds())
        start_ms = max(since_ms, now_ms - KNOWN_FOR_MS)
        while start_ms <= now_ms:
            end_ms = start_ms + WINDOW_MS - 1
            # The last window has no end: the venue's clock may be ahead of ours.
            until = {} if end_ms >= now_ms else {"endTime": f"{end_ms}"}
            page = self._page(symbol, {"startTime": f"{start_ms}"} | until)
            yield from page
            if len(page) == PAGE:
                yield from self._trades_from(symbol, max(trade.id for trade in page) + 1)
                return
            start_ms += WINDOW_MS

    def _trades_from(self, symbol: Symbol, first_id: int) -> Iterator[Trade]:
        for _ in range(MAX_PAGES):
            page = self._page(symbol, {"fromId": f"{first_id}"})
            yield from page
            if len(page) < PAGE:
                return
            first_id = max(trade.id for trade in page) + 1

    def _page(self, symbol: Symbol, params: Mapping[str, str]) -> list[Trade]:
        whole = {"symbol": str(symbol), **params, "limit": f"{PAGE}"}
        return self._call(self._exchange.fapiPrivateGetUserTrades, whole, list[Trade])

    def _client_id(self, symbol: Symbol, order_id: int) -> str | None:
        """A trade names its order by the venue's id only; the order itself is asked for the client's."""
        known = self._ids.client_id(symbol, order_id)
        if known is None:
            params = {"symbol": str(symbol), "orderId": f"{order_id}"}
            try:
                known = self._call(self._exchange.fapiPrivateGetOrder, params, RegularOrder).client_order_id
            except CallFailed as failed:
                if not is_not_found(failed):
                    raise
                known = ""
            self._ids.remember(symbol, order_id, known)
        return known
