"""Bybit's order endpoints over the simulated exchange: what each request asks of the engine.

Simplified: a take profit for the whole position is one for its size at that time, and only market orders follow a
trigger.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeAlias

from adapters.simulator.engine import Exchange
from adapters.simulator.orders import SimOrder
from adapters.simulator.paper import PaperExchange
from adapters.simulator.state import exit_side
from adapters.simulator.wire.bybit_gate import Refusal, refusal_of, wrong
from adapters.simulator.wire.bybit_rows import CONDITIONAL, HEDGE_SIDES, POSITION_SIDES, Row, engine_id, native_id
from adapters.simulator.wire.dialect import Ask
from messages.orders import OrderSpec
from messages.values import (
    ClientOrderId,
    OrderKind,
    OrderPurpose,
    OrderSide,
    Quantity,
    Side,
    Symbol,
    TriggerSource,
)
from messages.venue import (
    AmendOrder,
    CancelOrder,
    OrderAccepted,
    OrderRejected,
    PlaceOrder,
    RejectReason,
    VenueAnswer,
)

Fields: TypeAlias = Mapping[str, Any]
_SIDES: Final = {"Buy": OrderSide.BUY, "Sell": OrderSide.SELL}
_RISES: Final = 1
_UNCHANGED: Final = "The order remains unchanged as the parameters entered match the existing ones."


class OrderDesk:
    """Takes, changes and cancels orders."""

    def __init__(self, exchange: PaperExchange) -> None:
        self._exchange = exchange

    async def create(self, fields: Fields, ask: Ask) -> Row:
        """``order/create``.

        Raises:
            Refusal: It is not taken.
        """
        spec = self._new_order(fields)
        answer = await ask(PlaceOrder(order=spec))
        report = _accepted(answer, spec).report
        take_profit = decimal(fields, "takeProfit")
        if take_profit:
            await self._take_profit(spec.symbol, spec.hedge_side, take_profit, spec.quantity, fields, ask)
        return _ids(report.venue_order_id, report.client_order_id)

    async def amend(self, fields: Fields, ask: Ask) -> Row:
        """``order/amend``.

        Raises:
            Refusal: It is not done.
        """
        order = self.find(fields)
        if order is None:
            raise refusal_of(OrderRejected(reason=RejectReason.NOT_FOUND, text=""))
        trigger, price = decimal(fields, "triggerPrice"), decimal(fields, "price")
        quantity = decimal(fields, "qty")
        same = (
            trigger in (None, order.trigger_price)
            and price in (None, order.price)
            and quantity in (None, order.quantity)
        )
        if same and order.working:
            raise Refusal(code=10001, text=_UNCHANGED)
        spec = replace(
            _spec_of(order),
            trigger_price=trigger if trigger is not None else order.trigger_price,
            price=price if price is not None else order.price,
            quantity=quantity if quantity is not None else order.quantity,
        )
        _accepted(await ask(AmendOrder(order=spec)), spec)
        return _ids(order.venue_order_id, order.client_order_id)

    async def cancel(self, fields: Fields, ask: Ask) -> Row:
        """``order/cancel``: an order of any kind.

        Raises:
            Refusal: There is none that can be cancelled.
        """
        if not fields.get("orderId") and not fields.get("orderLinkId"):
            raise wrong("orderId or orderLinkId is required")
        order = self.find(fields)
        if order is None:
            await ask(CancelOrder(order=_nothing(symbol_of(fields))))
            raise refusal_of(OrderRejected(reason=RejectReason.NOT_FOUND, text=""))
        spec = _spec_of(order)
        _accepted(await ask(CancelOrder(order=spec)), spec)
        return _ids(order.venue_order_id, order.client_order_id)

    async def cancel_all(self, fields: Fields, ask: Ask) -> Row:
        """``order/cancel-all``: without a filter also what protects."""
        wanted = fields.get("orderFilter")
        symbol = fields.get("symbol")
        orders = self._exchange.look(lambda exchange: tuple(exchange.state.orders.all_working()))
        cancelled = []
        for order in orders:
            kind = "StopOrder" if order.conditional else "Order"
            if symbol in (None, order.symbol) and wanted in (None, kind):
                answer = await ask(CancelOrder(order=_spec_of(order)))
                if isinstance(answer, OrderAccepted):
                    cancelled.append(_ids(order.venue_order_id, order.client_order_id))
        return {"list": cancelled, "success": "1"}

    async def trading_stop(self, fields: Fields, ask: Ask) -> Row:
        """``position/trading-stop``: what protects the position; a price of 0 removes it.

        Raises:
            Refusal: It is not done.
        """
        symbol, side = symbol_of(fields), hedge_side(fields)
        open_side = self._exchange.look(lambda exchange: _open_side(exchange, symbol, side))
        if open_side is None:
            raise Refusal(code=10001, text="can not set tp/sl/ts for zero position")
        if fields.get("stopLoss") not in (None, ""):
            await self._stop_loss(symbol, side, open_side, fields, ask)
        take_profit = decimal(fields, "takeProfit")
        if take_profit:
            await self._take_profit(symbol, side, take_profit, decimal(fields, "tpSize"), fields, ask)
        return {}

    def find(self, fields: Fields) -> SimOrder | None:
        """The order that a request names; the venue's id goes before ours."""
        symbol = fields.get("symbol")
        if fields.get("orderId"):
            number = engine_id(str(fields["orderId"]))
            found = self._exchange.look(lambda exchange: exchange.state.orders.by_id(number))
        else:
            link = ClientOrderId(str(fields.get("orderLinkId", "")))
            found = self._exchange.look(lambda exchange: exchange.state.orders.by_client_id(link))
        return found if found is not None and symbol in (None, found.symbol) else None

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _stop_loss(self, symbol: Symbol, side: Side | None, open_side: Side, fields: Fields, ask: Ask) -> None:
        price = decimal(fields, "stopLoss")
        size = decimal(fields, "slSize") if fields.get("tpslMode") == "Partial" else None
        existing = self._exchange.look(lambda exchange: _position_stop(exchange, symbol, side))
        if size is None and existing is not None:
            spec = _spec_of(existing)
            if not price:
                _accepted(await ask(CancelOrder(order=spec)), spec)
                return
            source = _source(fields, "slTriggerBy")
            if (price, source) == (existing.trigger_price, existing.trigger_source):
                raise Refusal(code=34040, text="not modified")
            _accepted(await ask(AmendOrder(order=replace(spec, trigger_price=price))), spec)
            return
        if not price:
            raise Refusal(code=34040, text="not modified")
        spec = OrderSpec(
            client_order_id=ClientOrderId(""),
            symbol=symbol,
            side=exit_side(open_side),
            kind=OrderKind.STOP_MARKET,
            purpose=OrderPurpose.STOP,
            quantity=size,
            trigger_price=price,
            trigger_source=_source(fields, "slTriggerBy"),
            reduce_only=True,
            hedge_side=side,
        )
        _accepted(await ask(PlaceOrder(order=spec)), spec)

    async def _take_profit(
        self,
        symbol: Symbol,
        side: Side | None,
        price: Decimal,
        quantity: Quantity | None,
        fields: Fields,
        ask: Ask,
    ) -> None:
        def place(exchange: Exchange) -> tuple[Side, Quantity] | None:
            position = exchange.state.account.positions.get((symbol, side))
            return None if position is None else (position.side, quantity or position.quantity)

        found = self._exchange.look(place)
        if found is None:
            return
        spec = OrderSpec(
            client_order_id=ClientOrderId(""),
            symbol=symbol,
            side=exit_side(found[0]),
            kind=OrderKind.TAKE_PROFIT_MARKET,
            purpose=OrderPurpose.TAKE_PROFIT_1,
            quantity=found[1],
            trigger_price=price,
            trigger_source=_source(fields, "tpTriggerBy"),
            reduce_only=True,
            hedge_side=side,
        )
        _accepted(await ask(PlaceOrder(order=spec)), spec)

    def _new_order(self, fields: Fields) -> OrderSpec:
        symbol, side = symbol_of(fields), _SIDES.get(str(fields.get("side")))
        order_type, trigger = fields.get("orderType"), decimal(fields, "triggerPrice")
        if side is None or order_type not in ("Market", "Limit"):
            raise wrong("side or orderType")
        if not self._exchange.look(lambda exchange: symbol in exchange.state.instruments):
            raise wrong(f"symbol invalid {symbol}")
        kind = OrderKind.MARKET if order_type == "Market" else OrderKind.LIMIT
        if trigger is not None:
            direction = fields.get("triggerDirection")
            if direction not in (1, 2) or kind is OrderKind.LIMIT:
                raise wrong("triggerDirection invalid")
            follows = (direction == _RISES) == (side is OrderSide.BUY)
            kind = OrderKind.STOP_MARKET if follows else OrderKind.TAKE_PROFIT_MARKET
        reduces = fields.get("reduceOnly") is True
        stop = decimal(fields, "stopLoss") or None
        return OrderSpec(
            client_order_id=ClientOrderId(str(fields.get("orderLinkId", ""))),
            symbol=symbol,
            side=side,
            kind=kind,
            purpose=_purpose(kind, reduces=reduces),
            quantity=self._quantity(fields),
            price=decimal(fields, "price") if kind is OrderKind.LIMIT else None,
            trigger_price=trigger,
            trigger_source=_source(fields, "slTriggerBy" if stop else "triggerBy"),
            reduce_only=reduces,
            attached_stop_price=stop,
            hedge_side=hedge_side(fields),
        )

    def _quantity(self, fields: Fields) -> Quantity:
        quantity = decimal(fields, "qty")
        if quantity is None:
            raise wrong("Qty invalid")
        if quantity == 0 and fields.get("reduceOnly") is True and fields.get("closeOnTrigger") is True:
            key = (symbol_of(fields), hedge_side(fields))
            position = self._exchange.look(lambda exchange: exchange.state.account.positions.get(key))
            return quantity if position is None else position.quantity
        return quantity


def symbol_of(fields: Fields) -> Symbol:
    """The symbol of a request.

    Raises:
        Refusal: It has none.
    """
    symbol = fields.get("symbol")
    if not isinstance(symbol, str) or not symbol:
        raise wrong("symbol invalid")
    return Symbol(symbol)


def hedge_side(fields: Fields) -> Side | None:
    """The position side of a request.

    Raises:
        Refusal: There is no such index.
    """
    index = fields.get("positionIdx", 0)
    if index not in HEDGE_SIDES:
        raise Refusal(code=10001, text="position idx not match position mode")
    return HEDGE_SIDES[index]


def decimal(fields: Fields, name: str) -> Decimal | None:
    """A number of a request.

    Raises:
        Refusal: It is none.
    """
    text = fields.get(name)
    if text in (None, ""):
        return None
    try:
        value = Decimal(str(text))
    except InvalidOperation:
        raise wrong(f"{name} invalid") from None
    if not value.is_finite():
        raise wrong(f"{name} invalid")
    return value


def _accepted(answer: VenueAnswer, spec: OrderSpec) -> OrderAccepted:
    if isinstance(answer, OrderAccepted):
        return answer
    would_trigger = isinstance(answer, OrderRejected) and answer.reason is RejectReason.WOULD_TRIGGER
    if would_trigger and spec.trigger_price is not None:
        raise _passed(spec)
    raise refusal_of(answer)


def _passed(spec: OrderSpec) -> Refusal:
    """A trigger price that is passed already; prices are told in ten-thousandths."""
    price = int((spec.trigger_price or Decimal(0)) * 10_000)
    source = "MarkPrice" if spec.trigger_source is TriggerSource.MARK else "LastPrice"
    sells = spec.side is OrderSide.SELL
    if spec.quantity is None:
        words = f"set for {POSITION_SIDES[Side.LONG if sells else Side.SHORT]} position should"
        return Refusal(
            code=10001, text=f"StopLoss:{price} {words} {'lower' if sells else 'higher'} than base_price??{source}"
        )
    if (spec.kind is OrderKind.STOP_MARKET) == sells:
        return Refusal(code=110093, text=f"expect Falling, but trigger_price[{price}] >= current??{source}")
    return Refusal(code=110092, text=f"expect Rising, but trigger_price[{price}] <= current??{source}")


def _ids(venue_order_id: str, client_order_id: str | None) -> Row:
    return {"orderId": native_id(venue_order_id), "orderLinkId": client_order_id or ""}


def _source(fields: Fields, name: str) -> TriggerSource:
    return TriggerSource.MARK if fields.get(name) == "MarkPrice" else TriggerSource.LAST


def _purpose(kind: OrderKind, *, reduces: bool) -> OrderPurpose:
    if kind in CONDITIONAL:
        return OrderPurpose.STOP if kind is OrderKind.STOP_MARKET else OrderPurpose.TAKE_PROFIT_1
    return OrderPurpose.CLOSE if reduces else OrderPurpose.ENTRY


def _spec_of(order: SimOrder) -> OrderSpec:
    return OrderSpec(
        client_order_id=order.client_order_id or ClientOrderId(""),
        symbol=order.symbol,
        side=order.side,
        kind=order.kind,
        purpose=_purpose(order.kind, reduces=order.reducing),
        quantity=order.quantity,
        price=order.price,
        trigger_price=order.trigger_price,
        trigger_source=order.trigger_source,
        reduce_only=order.reduce_only,
        hedge_side=order.hedge_side,
        venue_order_id=order.venue_order_id,
    )


def _nothing(symbol: Symbol) -> OrderSpec:
    """Names no order, so that the network's delays and faults befall a request that finds nothing as well."""
    return OrderSpec(
        client_order_id=ClientOrderId("-"),
        symbol=symbol,
        side=OrderSide.SELL,
        kind=OrderKind.LIMIT,
        purpose=OrderPurpose.CLOSE,
        quantity=Decimal(0),
    )


def _open_side(exchange: Exchange, symbol: Symbol, side: Side | None) -> Side | None:
    position = exchange.state.account.positions.get((symbol, side))
    return None if position is None else position.side


def _position_stop(exchange: Exchange, symbol: Symbol, side: Side | None) -> SimOrder | None:
    orders = exchange.state.reducing_orders((symbol, side))
    return next((order for order in orders if order.is_stop and order.quantity is None), None)
