"""Reading a Bybit account and its markets, and setting leverage and margin mode."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from adapters.venues.bybit_errors import BybitRefusedError
from adapters.venues.bybit_http import BybitHttp, of_category
from adapters.venues.bybit_orders import OPEN, PAGE
from adapters.venues.bybit_rows import (
    BYBIT,
    FUNDING,
    SETTLE_COIN,
    ExecutionRow,
    OrderRow,
    PositionRow,
    fill_report,
    funding_report,
    needed,
    number,
    order_report,
    position_report,
)
from adapters.venues.delisting import ends_ms
from messages.instruments import Instrument
from messages.orders import BalanceReport, OrderReport, OrderStatus
from messages.values import ZERO, MarginMode, Symbol
from messages.venue import (
    AccountReport,
    FetchFills,
    FillsReport,
    InstrumentsReport,
    LeverageSet,
    OrderRejected,
    RejectReason,
    SetLeverage,
)

TAKER_RATE: Final = Decimal("0.00055")
MAKER_RATE: Final = Decimal("0.0002")
"""Bybit's rates without a VIP level; what was really paid is in the fills."""
WINDOW_MS: Final = 7 * 24 * 3_600_000
"""Executions are told of at most seven days at once."""
HISTORY_MS: Final = 730 * 24 * 3_600_000
"""And of two years."""
_MODES: Final = {MarginMode.ISOLATED: "ISOLATED_MARGIN", MarginMode.CROSS: "REGULAR_MARGIN"}


class _Step(msgspec.Struct, rename="camel"):
    tick_size: str


class _Lot(msgspec.Struct, rename="camel"):
    qty_step: str
    min_order_qty: str
    max_order_qty: str = ""
    max_mkt_order_qty: str = ""
    min_notional_value: str = ""


class _InstrumentRow(msgspec.Struct, rename="camel"):
    symbol: str
    contract_type: str
    status: str
    settle_coin: str
    price_filter: _Step
    lot_size_filter: _Lot
    delivery_time: str = ""


class _Coin(msgspec.Struct, rename="camel"):
    coin: str
    wallet_balance: str = ""
    equity: str = ""
    total_position_im: str = msgspec.field(default="", name="totalPositionIM")
    total_order_im: str = msgspec.field(default="", name="totalOrderIM")


class _Wallet(msgspec.Struct, rename="camel"):
    coin: list[_Coin]
    total_available_balance: str = ""


class BybitReads:
    """What is read and set beside orders, over one client."""

    def __init__(self, http: BybitHttp, *, hedge: bool) -> None:
        self._http = http
        self._hedge = hedge

    def account(self, symbol: Symbol | None) -> AccountReport:
        """Positions, all open orders of all pages, and the balance.

        Positions come first: what fills in between then shows a stop too many, never one too few.

        Raises:
            BybitRefusedError: A part of it could not be read.
        """
        taken_ms = self._http.local_ms()
        where = of_category(symbol=symbol) if symbol is not None else of_category(settleCoin=SETTLE_COIN)
        margin_mode = self._margin_mode(fresh=symbol is None)
        position_rows = self._http.pages("privateGetV5PositionList", {**where, "limit": "200"}, PositionRow)
        positions = tuple(report for row in position_rows if (report := position_report(row, margin_mode)) is not None)
        order_rows = self._http.pages(OPEN, {**where, "limit": PAGE}, OrderRow)
        # Orders that come and go while pages are turned may be on two of them.
        orders = {report.venue_order_id: report for row in order_rows for report in [_open(row)]}
        return AccountReport(
            venue=BYBIT,
            symbol=symbol,
            positions=positions,
            orders=tuple(orders.values()),
            balance=self._balance(),
            taken_ms=taken_ms,
        )

    def fills(self, request: FetchFills) -> FillsReport:
        """Executions and funding since then, oldest first: also what liquidation and auto-deleveraging did.

        Raises:
            BybitRefusedError: A part of it could not be read.
        """
        rows = {row.exec_id: row for row in self._executions(request)}
        # The newest comes first, also of one millisecond: what opened must come before what closed it.
        in_order = list(reversed(rows.values()))
        in_order.sort(key=lambda row: number(row.exec_time) or ZERO)
        fills = [fill for row in in_order if (fill := fill_report(row, hedge=self._hedge)) is not None]
        funding = [funding_report(row, hedge=self._hedge) for row in in_order if row.exec_type == FUNDING]
        return FillsReport(
            venue=BYBIT,
            symbol=request.symbol,
            since_ms=request.since_ms,
            fills=tuple(fills),
            funding=tuple(funding),
        )

    def instruments(self) -> InstrumentsReport:
        """The trading rules of every USDT perpetual.

        Raises:
            BybitRefusedError: They could not be read.
        """
        rows = self._http.pages("publicGetV5MarketInstrumentsInfo", of_category(limit="1000"), _InstrumentRow)
        wanted = (row for row in rows if row.contract_type == "LinearPerpetual" and row.settle_coin == SETTLE_COIN)
        return InstrumentsReport(venue=BYBIT, instruments=tuple(_instrument(row) for row in wanted))

    def set_leverage(self, request: SetLeverage) -> LeverageSet | OrderRejected:
        """Bring the account's margin mode and the symbol's leverage to what is asked; both sides of a hedge alike.

        What is as it should be is left alone. The venue shows the leverage with the symbol's positions, also flat ones.

        Raises:
            BybitRefusedError: It did not succeed.
        """
        refused = self._set_margin_mode(request.margin_mode)
        if refused is not None:
            return refused
        flat_too = self._http.pages("privateGetV5PositionList", of_category(symbol=request.symbol), PositionRow)
        present = {number(row.leverage) for row in flat_too}
        if present == {Decimal(request.leverage)}:
            return LeverageSet(symbol=request.symbol, leverage=request.leverage, margin_mode=request.margin_mode)
        leverage = str(request.leverage)
        params = of_category(symbol=request.symbol, buyLeverage=leverage, sellLeverage=leverage)
        try:
            self._http.call("privatePostV5PositionSetLeverage", params)
        except BybitRefusedError as error:
            if not error.as_asked:
                raise
        return LeverageSet(symbol=request.symbol, leverage=request.leverage, margin_mode=request.margin_mode)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _set_margin_mode(self, wanted: MarginMode) -> OrderRejected | None:
        if self._margin_mode(fresh=True) is wanted:
            return None
        if self._anything_is_open():
            text = f"margin mode: the account's is not {wanted}, and switching it would switch open positions as well"
            return OrderRejected(reason=RejectReason.OTHER, text=text)
        try:
            result = self._http.call("privatePostV5AccountSetMarginMode", {"setMarginMode": _MODES[wanted]})
        except BybitRefusedError as error:
            if not error.as_asked:
                raise
        else:
            if reasons := result.get("reasons"):
                return OrderRejected(reason=RejectReason.OTHER, text=f"margin mode: {reasons}"[:300])
        self._http.memory.margin_mode = wanted
        return None

    def _anything_is_open(self) -> bool:
        where = of_category(settleCoin=SETTLE_COIN, limit="200")
        return any(number(row.size) for row in self._http.pages("privateGetV5PositionList", where, PositionRow))

    def _margin_mode(self, *, fresh: bool) -> MarginMode:
        known = self._http.memory.margin_mode
        if known is not None and not fresh:
            return known
        told = self._http.call("privateGetV5AccountInfo", {}).get("marginMode")
        mode = MarginMode.ISOLATED if told == _MODES[MarginMode.ISOLATED] else MarginMode.CROSS
        self._http.memory.margin_mode = mode
        return mode

    def _balance(self) -> BalanceReport:
        result = self._http.call("privateGetV5AccountWalletBalance", {"accountType": "UNIFIED"})
        for wallet in self._http.rows(result, _Wallet):
            coin = next((each for each in wallet.coin if each.coin == SETTLE_COIN), _Coin(coin=SETTLE_COIN))
            balance = number(coin.wallet_balance) or ZERO
            held = (number(coin.total_position_im) or ZERO) + (number(coin.total_order_im) or ZERO)
            # With isolated margin the account as a whole has no available balance.
            available = number(wallet.total_available_balance)
            return BalanceReport(
                venue=BYBIT,
                equity=number(coin.equity) or ZERO,
                available=max(ZERO, balance - held) if available is None else available,
                wallet=balance,
            )
        return BalanceReport(venue=BYBIT, equity=ZERO, available=ZERO, wallet=ZERO)

    def _executions(self, request: FetchFills) -> Iterator[ExecutionRow]:
        now_ms = self._http.local_ms() - self._http.memory.offset_ms
        begin_ms = max(request.since_ms, now_ms - HISTORY_MS)
        while begin_ms <= now_ms:
            params = of_category(
                symbol=request.symbol, limit="100", startTime=begin_ms, endTime=begin_ms + WINDOW_MS - 1
            )
            yield from self._http.pages("privateGetV5ExecutionList", params, ExecutionRow)
            begin_ms += WINDOW_MS


def _open(row: OrderRow) -> OrderReport:
    """An order out of a list of open ones, which says its status well enough."""
    return order_report(row, otherwise=OrderStatus.WORKING)


def _instrument(row: _InstrumentRow) -> Instrument:
    lot = row.lot_size_filter
    return Instrument(
        venue=BYBIT,
        symbol=Symbol(row.symbol),
        price_tick=needed(row.price_filter.tick_size),
        quantity_step=needed(lot.qty_step),
        min_quantity=needed(lot.min_order_qty),
        max_quantity=number(lot.max_order_qty),
        max_market_quantity=number(lot.max_mkt_order_qty),
        min_notional=number(lot.min_notional_value) or ZERO,
        maker_rate=MAKER_RATE,
        taker_rate=TAKER_RATE,
        trading=row.status == "Trading",
        ends_ms=ends_ms(row.delivery_time),
    )
