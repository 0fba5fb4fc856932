"""The order endpoints of the simulated Binance: from parameters to the engine's orders, strictly.

What the venue does not read it refuses (-1104): an attached stop that is silently ignored would open unprotected.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Final, TypeVar

from adapters.simulator.engine import Exchange
from adapters.simulator.orders import SimOrder
from adapters.simulator.paper import PaperExchange
from adapters.simulator.wire.binance_refusals import Refused, refused
from adapters.simulator.wire.binance_rows import (
    ALGO_FROM,
    REGULAR_FROM,
    Row,
    algo_row,
    engine_id,
    has_child,
    is_conditional,
    regular_row,
)
from adapters.simulator.wire.dialect import Ask
from messages.instruments import Instrument
from messages.orders import OrderReport, OrderSpec
from messages.values import (
    ClientOrderId,
    OrderKind,
    OrderPurpose,
    OrderSide,
    Side,
    Symbol,
    TriggerSource,
    VenueOrderId,
)
from messages.venue import (
    AmendOrder,
    CancelOrder,
    OrderAccepted,
    OrderRejected,
    OutcomeUnknown,
    PlaceOrder,
    RejectReason,
    VenueAnswer,
)

Params = Mapping[str, str]
T = TypeVar("T")

_CLIENT_ID: Final = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
_COMMON: Final = frozenset({"timestamp", "recvWindow", "symbol"})
_NEW: Final = _COMMON | {"side", "type", "quantity", "price", "timeInForce", "reduceOnly", "positionSide"}
_REGULAR: Final = _NEW | {"newClientOrderId", "newOrderRespType"}
_ALGO: Final = _NEW | {
    "algoType",
    "clientAlgoId",
    "newOrderRespType",
    "triggerPrice",
    "workingType",
    "closePosition",
    "priceProtect",
}
_REGULAR_KINDS: Final = {"MARKET": OrderKind.MARKET, "LIMIT": OrderKind.LIMIT}
_ALGO_KINDS: Final = {
    "STOP_MARKET": OrderKind.STOP_MARKET,
    "TAKE_PROFIT_MARKET": OrderKind.TAKE_PROFIT_MARKET,
}
_ALGO_TYPES: Final = {*_ALGO_KINDS, "STOP", "TAKE_PROFIT", "TRAILING_STOP_MARKET"}
"""The last three are refused: the engine has none like them, and another kind in their place would be a lie."""
_SIDES: Final = {"BUY": OrderSide.BUY, "SELL": OrderSide.SELL}
_POSITION_SIDES: Final = {"LONG": Side.LONG, "SHORT": Side.SHORT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which order a request means: in one of the two lists, by an id of the venue's or of the client's."""

    symbol: Symbol
    venue_order_id: VenueOrderId | None
    client_order_id: ClientOrderId
    algo: bool


class BinanceOrders:
    """Creates, changes, cancels and looks up orders."""

    def __init__(self, exchange: PaperExchange) -> None:
        self._exchange = exchange
        self._generated = 0

    # --- regular ------------------------------------------------------------------------------------------------------

    async def create(self, params: Params, ask: Ask) -> Row:
        """POST /fapi/v1/order."""
        if params.get("type") in _ALGO_TYPES:
            text = "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."
            raise Refused(-4120, text)
        _only(params, _REGULAR)
        instrument = self.instrument(params)
        kind = _word(params, "type", _REGULAR_KINDS, code=-1116, text="Invalid orderType.")
        if kind is OrderKind.LIMIT and required(params, "timeInForce") != "GTC":
            raise Refused(-1115, "Invalid timeInForce.")
        spec = self._spec(params, kind, params.get("newClientOrderId"), _decimal(params, "quantity"))
        price = _decimal(params, "price") if kind is OrderKind.LIMIT else None
        report = await self._placed(ask, replace(spec, price=price), algo=False)
        return regular_row(report, instrument, created=True)

    async def modify(self, params: Params, ask: Ask) -> Row:
        """PUT /fapi/v1/order: limit orders only."""
        instrument = self.instrument(params)
        order = self.found(self.wanted(params, algo=False))
        if order is None or order.kind is not OrderKind.LIMIT:
            raise Refused(-2013, "Order does not exist.")
        if order.side is not _word(params, "side", _SIDES, code=-1117, text="Invalid side."):
            raise Refused(-1117, "Invalid side.")
        price, quantity = _decimal(params, "price"), _decimal(params, "quantity")
        if (price, quantity) == (order.price, order.quantity):
            raise Refused(-5027, "No need to modify the order.")
        spec = replace(_spec_of(order), price=price, quantity=quantity)
        return regular_row(order_in(await ask(AmendOrder(order=spec)), query=True), instrument, created=True)

    async def cancel(self, params: Params, ask: Ask) -> Row:
        """DELETE /fapi/v1/order."""
        instrument = self.instrument(params)
        report = await self._cancelled(self.wanted(params, algo=False), ask)
        return regular_row(report, instrument, created=True)

    async def cancel_all(self, params: Params, ask: Ask) -> Row:
        """DELETE /fapi/v1/allOpenOrders: the conditional ones stay."""
        await self._cancel_every(params, ask, algo=False)
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    # --- conditional --------------------------------------------------------------------------------------------------

    async def create_algo(self, params: Params, ask: Ask) -> Row:
        """POST /fapi/v1/algoOrder."""
        _only(params, _ALGO)
        instrument = self.instrument(params)
        if required(params, "algoType") != "CONDITIONAL":
            raise Refused(-20130, "Invalid data sent for a parameter 'algoType'")
        kind = _word(params, "type", _ALGO_KINDS, code=-1116, text="Invalid orderType.")
        whole = params.get("closePosition") == "true"
        if whole and ("quantity" in params or "reduceOnly" in params):
            text = f"Parameter '{'quantity' if 'quantity' in params else 'reduceonly'}' sent when not required."
            raise Refused(-1106, text)
        spec = self._spec(params, kind, params.get("clientAlgoId"), None if whole else _decimal(params, "quantity"))
        source = TriggerSource.MARK if params.get("workingType") == "MARK_PRICE" else TriggerSource.LAST
        spec = replace(spec, trigger_price=_decimal(params, "triggerPrice"), trigger_source=source)
        return algo_row(await self._placed(ask, spec, algo=True), instrument)

    async def cancel_algo(self, params: Params, ask: Ask) -> Row:
        """DELETE /fapi/v1/algoOrder."""
        wanted = self.wanted(params, algo=True)
        report = await self._cancelled(wanted, ask)
        return {
            "algoId": ALGO_FROM + int(report.venue_order_id),
            "clientAlgoId": report.client_order_id or "",
            "code": "200",
            "msg": "success",
        }

    async def cancel_all_algos(self, params: Params, ask: Ask) -> Row:
        """DELETE /fapi/v1/algoOpenOrders."""
        await self._cancel_every(params, ask, algo=True)
        return {"code": "200", "msg": "The operation of cancel all open order is done."}

    # --- for the reading endpoints ------------------------------------------------------------------------------------

    def instrument(self, params: Params) -> Instrument:
        """The symbol that is asked about."""
        name = required(params, "symbol")
        found = self._exchange.look(lambda engine: engine.state.instruments.get(Symbol(name)))
        if found is None:
            raise Refused(-1121, "Invalid symbol.")
        return found

    def wanted(self, params: Params, *, algo: bool) -> Wanted:
        """Which order is meant."""
        by_venue, by_client = ("algoId", "clientAlgoId") if algo else ("orderId", "origClientOrderId")
        if by_venue not in params and by_client not in params:
            raise Refused(-1102, f"Param '{by_client}' or '{by_venue}' must be sent, but both were empty/null!")
        first = ALGO_FROM if algo else REGULAR_FROM
        venue_id = engine_id(params[by_venue], first) if by_venue in params else None
        client_id = ClientOrderId(params.get(by_client, ""))
        symbol = Symbol(params.get("symbol", ""))
        if not symbol:
            # Algo orders may be meant without their symbol.
            order = self._exchange.look(lambda engine: engine.state.orders.by_client_id(client_id))
            symbol = order.symbol if order is not None else symbol
        return Wanted(symbol=symbol, venue_order_id=venue_id, client_order_id=client_id, algo=algo)

    def found(self, wanted: Wanted) -> OrderReport | None:
        """The order in its list, as it is now; the child of a triggered order is in the regular one."""

        def read(engine: Exchange) -> OrderReport | None:
            orders = engine.state.orders
            order: SimOrder | None
            if wanted.venue_order_id is not None:
                order = orders.by_id(wanted.venue_order_id)
            else:
                order = orders.by_client_id(wanted.client_order_id)
            return order.report(engine.state.config.venue) if order is not None else None

        report = self._exchange.look(read)
        if report is None or report.symbol != wanted.symbol:
            return None
        there = is_conditional(report) if wanted.algo else not is_conditional(report) or has_child(report)
        return report if there else None

    # --- inside -------------------------------------------------------------------------------------------------------

    def _spec(self, params: Params, kind: OrderKind, client_id: str | None, quantity: Decimal | None) -> OrderSpec:
        side = _word(params, "side", _SIDES, code=-1117, text="Invalid side.")
        if client_id is None:
            self._generated += 1
            client_id = f"web_{self._exchange.clock.now_ms()}_{self._generated}"
        if not _CLIENT_ID.fullmatch(client_id):
            raise Refused(-4015, "Client order id length should be less than 36 chars")
        hedge = self._exchange.look(lambda engine: engine.state.config.hedge)
        hedge_side = _POSITION_SIDES.get(params.get("positionSide", "BOTH"))
        if hedge != (hedge_side is not None):
            raise Refused(-4061, "Order's position side does not match user's setting.")
        if hedge and "reduceOnly" in params:
            raise Refused(-1106, "Parameter 'reduceonly' sent when not required.")
        reduces = params.get("reduceOnly") == "true" or quantity is None
        if hedge_side is not None:
            reduces = (side is OrderSide.SELL) == (hedge_side is Side.LONG)
        return OrderSpec(
            client_order_id=ClientOrderId(client_id),
            symbol=Symbol(params["symbol"]),
            side=side,
            kind=kind,
            purpose=_purpose(kind, reduces=reduces),
            quantity=quantity,
            reduce_only=reduces,
            hedge_side=hedge_side,
        )

    async def _placed(self, ask: Ask, spec: OrderSpec, *, algo: bool) -> OrderReport:
        return order_in(await ask(PlaceOrder(order=spec)), algo=algo)

    async def _cancelled(self, wanted: Wanted, ask: Ask) -> OrderReport:
        order = self.found(wanted)
        if order is None or (not wanted.algo and is_conditional(order)):
            text = f"no order {wanted.client_order_id}"
            raise refused(OrderRejected(reason=RejectReason.NOT_FOUND, text=text), algo=wanted.algo)
        return order_in(await ask(CancelOrder(order=_spec_of(order))), algo=wanted.algo)

    async def _cancel_every(self, params: Params, ask: Ask, *, algo: bool) -> None:
        symbol = self.instrument(params).symbol

        def working(engine: Exchange) -> list[OrderReport]:
            orders = engine.state.orders.working(symbol)
            return [order.report(engine.state.config.venue) for order in orders if order.conditional is algo]

        for order in self._exchange.look(working):
            await ask(CancelOrder(order=_spec_of(order)))


def required(params: Params, name: str) -> str:
    """A parameter that must be there."""
    value = params.get(name)
    if not value:
        raise Refused(-1102, f"Mandatory parameter '{name.lower()}' was not sent, was empty/null, or malformed.")
    return value


def _only(params: Params, known: frozenset[str]) -> None:
    read = sum(name in known for name in params)
    if read < len(params):
        text = f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{len(params)}'."
        raise Refused(-1104, text)


def _decimal(params: Params, name: str) -> Decimal:
    try:
        value = Decimal(required(params, name))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise Refused(-1102, f"Mandatory parameter '{name.lower()}' was not sent, was empty/null, or malformed.")
    return value


def _word(params: Params, name: str, words: Mapping[str, T], *, code: int, text: str) -> T:
    found = words.get(required(params, name))
    if found is None:
        raise Refused(code, text)
    return found


def _purpose(kind: OrderKind, *, reduces: bool) -> OrderPurpose:
    """What such an order is usually for: fault scripts choose by it."""
    if kind is OrderKind.STOP_MARKET:
        return OrderPurpose.STOP
    if kind is OrderKind.TAKE_PROFIT_MARKET:
        return OrderPurpose.TAKE_PROFIT_1
    return OrderPurpose.CLOSE if reduces else OrderPurpose.ENTRY


def _spec_of(report: OrderReport) -> OrderSpec:
    """The order that a report shows, to be changed or cancelled."""
    return OrderSpec(
        client_order_id=report.client_order_id or ClientOrderId(""),
        symbol=report.symbol,
        side=report.side,
        kind=report.kind,
        purpose=_purpose(report.kind, reduces=report.reduce_only),
        quantity=report.quantity,
        price=report.price,
        trigger_price=report.trigger_price,
        trigger_source=report.trigger_source,
        reduce_only=report.reduce_only,
        hedge_side=report.hedge_side,
        venue_order_id=report.venue_order_id,
    )


def order_in(answer: VenueAnswer, *, algo: bool = False, query: bool = False) -> OrderReport:
    """The order of an answer.

    Raises:
        Refused: There is none in it.
    """
    match answer:
        case OrderAccepted(report=report):
            return report
        case OrderRejected() | OutcomeUnknown():
            raise refused(answer, algo=algo, query=query)
        case _:
            raise TypeError(f"not an answer to a request for an order: {answer}")
