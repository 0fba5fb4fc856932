"""Placing, moving, cancelling and finding orders on Bybit.

**A stop without a quantity** is the position's own (``trading-stop``, tpslMode Full): it is set and moved by the same
call, carries no id of ours, follows the position's size and goes with it. The position identifies it, so it is placed,
moved, cancelled and found by symbol and side. What the call did is read back, for its answer says nothing.
**Everything else** is an order with our id. Answers to ``create``, ``amend`` and ``cancel`` only acknowledge:
what a market order or a cancel came to is read.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from adapters.venues.bybit_errors import BybitRefusedError
from adapters.venues.bybit_http import BybitHttp, Params, of_category
from adapters.venues.bybit_rows import BYBIT, OrderRow, UnknownWordError, order_report
from messages.orders import OrderReport, OrderSpec, OrderStatus
from messages.values import (
    ClientOrderId,
    OrderKind,
    OrderSide,
    Side,
    Symbol,
    TriggerSource,
    VenueOrderId,
)
from messages.venue import (
    OrderAccepted,
    OrderRejected,
    OutcomeUnknown,
    QueryOrder,
    RejectReason,
)

READS: Final = 4
MARKET_READS: Final = 2
READ_AGAIN_S: Final = 0.05
"""What was acknowledged may be shown a moment later."""
PAGE: Final = "50"
OPEN: Final = "privateGetV5OrderRealtime"
ENDED: Final = "privateGetV5OrderHistory"

_SIDES: Final = {OrderSide.BUY: "Buy", OrderSide.SELL: "Sell"}
_SOURCES: Final = {TriggerSource.MARK: "MarkPrice", TriggerSource.LAST: "LastPrice"}
_INDICES: Final = {None: 0, Side.LONG: 1, Side.SHORT: 2}
_RISES, _FALLS = 1, 2

OrderAnswer = OrderAccepted | OrderRejected | OutcomeUnknown


class BybitOrders:
    """The orders of one account, over one client."""

    def __init__(self, http: BybitHttp, *, hedge: bool) -> None:
        self._http = http
        self._hedge = hedge

    def place(self, order: OrderSpec) -> OrderAnswer:
        """Place ``order``.

        Raises:
            BybitRefusedError: It did not succeed.
        """
        if is_position_stop(order):
            return self._set_position_stop(order)
        order_id = self._http.call("privatePostV5OrderCreate", _new_order(order)).get("orderId")
        answer = self._acknowledged(order, order_id)
        if order.kind is OrderKind.MARKET and isinstance(answer, OrderAccepted):
            return self._executed(answer)
        return answer

    def amend(self, order: OrderSpec) -> OrderAnswer:
        """Move ``order`` to its trigger price (limit price) and quantity.

        Raises:
            BybitRefusedError: It did not succeed.
        """
        if is_position_stop(order):
            return self._set_position_stop(order)
        params = {
            **_identity(order),
            **_some(qty=order.quantity, price=order.price, triggerPrice=order.trigger_price),
        }
        if order.trigger_price is not None:
            # Without it the venue goes back to the last price.
            params["triggerBy"] = _SOURCES[order.trigger_source]
        order_id: object = order.venue_order_id
        try:
            order_id = self._http.call("privatePostV5OrderAmend", params).get("orderId")
        except BybitRefusedError as refused:
            if not refused.as_asked:
                raise
        return self._acknowledged(order, order_id or order.venue_order_id)

    def cancel(self, order: OrderSpec) -> OrderAnswer:
        """Cancel ``order``; answered with the order as it ended.

        Raises:
            BybitRefusedError: It did not succeed.
        """
        if is_position_stop(order):
            return self._remove_position_stop(order)
        order_id = self._http.call("privatePostV5OrderCancel", _identity(order)).get("orderId")
        if not order_id:
            return OutcomeUnknown(text="a cancel was answered without an order id")
        ended = self._read_until(lambda: self._ended(order.symbol, orderId=order_id))
        if ended is None:
            return OutcomeUnknown(text="the cancel is acknowledged, and the order not yet shown as ended")
        return OrderAccepted(report=ended)

    def query(self, question: QueryOrder) -> OrderAnswer:
        """Look an order up by our id: open, recently ended, and in the history.

        A stop may be the position's own, which carries no id: in one-way mode the symbol has one at most, and it is the
        answer. In hedge mode the question does not say of which side, and nothing is concluded from either.

        Raises:
            BybitRefusedError: It could not be read.
        """
        for method in (OPEN, ENDED):
            found = self._one(method, question.symbol, orderLinkId=question.client_order_id)
            if found is not None:
                return OrderAccepted(report=found)
        if question.kind is OrderKind.STOP_MARKET and not self._hedge:
            stops = self._position_stops(question.symbol)
            if stops:
                return OrderAccepted(report=stops[0])
        return OrderRejected(reason=RejectReason.NOT_FOUND, text=f"no order {question.client_order_id}")

    # --- the position's own stop --------------------------------------------------------------------------------------

    def _set_position_stop(self, order: OrderSpec) -> OrderAnswer:
        price = order.trigger_price
        if price is None:
            return OrderRejected(reason=RejectReason.OTHER, text="a stop without a trigger price")
        was_so = self._trading_stop(order, stopLoss=_text(price), slTriggerBy=_SOURCES[order.trigger_source])

        def shown() -> OrderReport | None:
            stops = self._position_stops(order.symbol, order)
            return next((stop for stop in stops if stop.trigger_price == price), None)

        stop = self._read_until(shown)
        if stop is None and was_so:
            return OrderRejected(
                reason=RejectReason.STOP_EXISTS, text="the position has this stop, though no list shows it"
            )
        if stop is None:
            return OutcomeUnknown(text="the stop is acknowledged, and not yet shown at its price")
        return OrderAccepted(report=stop)

    def _remove_position_stop(self, order: OrderSpec) -> OrderAnswer:
        shown = self._position_stops(order.symbol, order)
        if not shown:
            return OrderRejected(reason=RejectReason.NOT_FOUND, text="the position has no stop")
        self._trading_stop(order, stopLoss="0")
        stop = shown[0]
        ended = self._read_until(lambda: self._ended(order.symbol, orderId=stop.venue_order_id))
        if ended is None:
            return OutcomeUnknown(text="the removal is acknowledged, and the stop not yet shown as ended")
        return OrderAccepted(report=ended)

    def _trading_stop(self, order: OrderSpec, **what: object) -> bool:
        """Set the position's stop; says whether it was so already."""
        params = of_category(symbol=order.symbol, tpslMode="Full", **what, positionIdx=_INDICES[order.hedge_side])
        if what.get("stopLoss") != "0":
            params["slOrderType"] = "Market"
        try:
            self._http.call("privatePostV5PositionTradingStop", params)
        except BybitRefusedError as refused:
            if not refused.as_asked:
                raise
            return True
        return False

    def _position_stops(self, symbol: Symbol, order: OrderSpec | None = None) -> list[OrderReport]:
        """The working stops that belong to positions of ``symbol``, or to the one that ``order`` reduces."""
        stops = []
        for row in self._http.pages(OPEN, of_category(symbol=symbol, limit=PAGE), OrderRow):
            report = order_report(row, otherwise=OrderStatus.WORKING)
            if report.kind is not OrderKind.STOP_MARKET or report.quantity is not None:
                continue
            same_place = order is None or (report.side, report.hedge_side) == (order.side, order.hedge_side)
            if same_place and report.status is OrderStatus.WORKING:
                stops.append(report)
        return stops

    # --- reading back -------------------------------------------------------------------------------------------------

    def _one(self, method: str, symbol: Symbol, **identity: str) -> OrderReport | None:
        result = self._http.call(method, of_category(symbol=symbol, **identity))
        rows = self._http.rows(result, OrderRow)
        return order_report(rows[0]) if rows else None

    def _ended(self, symbol: Symbol, *, orderId: str) -> OrderReport | None:  # noqa: N803 - the venue's own name
        for method in (OPEN, ENDED):
            report = self._one(method, symbol, orderId=orderId)
            if report is not None and report.status is not OrderStatus.WORKING:
                return report
        return None

    def _executed(self, acknowledged: OrderAccepted) -> OrderAccepted:
        """What became of a market order at once, or refused it after all: a stream that is down would not tell."""
        ack = acknowledged.report
        seen: list[OrderReport] = []

        def ended() -> OrderReport | None:
            shown = self._one(OPEN, ack.symbol, orderId=ack.venue_order_id)
            if shown is not None:
                seen.append(shown)
            return shown if shown is not None and shown.status is not OrderStatus.WORKING else None

        report = self._read_until(ended, reads=MARKET_READS)
        return OrderAccepted(report=report or (seen[-1] if seen else ack))

    def _read_until(self, read: Callable[[], OrderReport | None], *, reads: int = READS) -> OrderReport | None:
        for attempt in range(reads):
            if attempt:
                self._http.wait(READ_AGAIN_S)
            try:
                report = read()
            except (BybitRefusedError, UnknownWordError):
                # What was asked for is done; only the look at it failed.
                continue
            if report is not None:
                return report
        return None

    def _acknowledged(self, order: OrderSpec, order_id: object) -> OrderAnswer:
        if not isinstance(order_id, str) or not order_id:
            return OutcomeUnknown(text="an order was answered without an id")
        return OrderAccepted(
            report=OrderReport(
                venue=BYBIT,
                symbol=order.symbol,
                venue_order_id=VenueOrderId(order_id),
                client_order_id=ClientOrderId(order.client_order_id),
                side=order.side,
                kind=order.kind,
                status=OrderStatus.WORKING,
                quantity=order.quantity,
                price=order.price,
                trigger_price=order.trigger_price,
                trigger_source=order.trigger_source,
                reduce_only=order.reduce_only,
                hedge_side=order.hedge_side,
                updated_ms=self._http.local_ms(),
            )
        )


def is_position_stop(order: OrderSpec) -> bool:
    """Whether it belongs to the position rather than being an order of its own."""
    return order.kind is OrderKind.STOP_MARKET and order.quantity is None


def _new_order(order: OrderSpec) -> Params:
    params = of_category(
        symbol=order.symbol,
        side=_SIDES[order.side],
        orderType="Limit" if order.kind is OrderKind.LIMIT else "Market",
        orderLinkId=order.client_order_id,
        **_some(qty=order.quantity, price=order.price),
    )
    if order.trigger_price is not None:
        rises = (order.kind is OrderKind.STOP_MARKET) == (order.side is OrderSide.BUY)
        params["triggerDirection"] = _RISES if rises else _FALLS
        params["triggerPrice"] = _text(order.trigger_price)
        params["triggerBy"] = _SOURCES[order.trigger_source]
    if order.reduce_only:
        params["reduceOnly"] = True
    if order.attached_stop_price is not None:
        params["stopLoss"] = _text(order.attached_stop_price)
        params["slTriggerBy"] = _SOURCES[order.trigger_source]
        params["tpslMode"] = "Full"
    if order.hedge_side is not None:
        params["positionIdx"] = _INDICES[order.hedge_side]
    return params


def _identity(order: OrderSpec) -> Params:
    if order.venue_order_id:
        return of_category(symbol=order.symbol, orderId=order.venue_order_id)
    return of_category(symbol=order.symbol, orderLinkId=order.client_order_id)


def _some(**numbers: Decimal | None) -> dict[str, object]:
    return {name: _text(value) for name, value in numbers.items() if value is not None}


def _text(value: Decimal) -> str:
    """Without an exponent, which the venue does not read."""
    return f"{value:f}"
