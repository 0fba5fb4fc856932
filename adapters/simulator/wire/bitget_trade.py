"""Bitget's order requests, carried out by the engine."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from adapters.simulator.orders import CONDITIONAL
from adapters.simulator.paper import PaperExchange
from adapters.simulator.wire.bitget_errors import WireRefusedError, refusal
from adapters.simulator.wire.bitget_rows import Row, engine_id, ids_row, margin_mode, plan_type, symbol_of
from adapters.simulator.wire.dialect import Ask
from messages.orders import OrderReport, OrderSpec, PositionReport
from messages.values import (
    ClientOrderId,
    MarginMode,
    OrderKind,
    OrderPurpose,
    OrderSide,
    Price,
    Quantity,
    Side,
    Symbol,
    TriggerSource,
    VenueOrderId,
)
from messages.venue import (
    AccountReport,
    AmendOrder,
    CancelOrder,
    FetchAccount,
    LeverageSet,
    OrderAccepted,
    OrderRejected,
    PlaceOrder,
    SetLeverage,
)

Body = Mapping[str, Any]
_ENTRY: Final = {Side.LONG: OrderSide.BUY, Side.SHORT: OrderSide.SELL}
_EXIT: Final = {Side.LONG: OrderSide.SELL, Side.SHORT: OrderSide.BUY}
_HOLDS: Final = {"long": Side.LONG, "short": Side.SHORT, "buy": Side.LONG, "sell": Side.SHORT}
NO_ID: Final = ClientOrderId("")


class BitgetTrade:
    """Places, moves and cancels."""

    def __init__(self, exchange: PaperExchange) -> None:
        self._exchange = exchange
        self._hedge = exchange.config.exchange.hedge

    # --- placing ------------------------------------------------------------------------------------------------------

    async def place_order(self, body: Body, ask: Ask) -> Row:
        """POST place-order: market and limit, opening and closing."""
        symbol, side, hedge_side, closing = self._direction(body)
        if not closing:
            await self._use_margin_mode(symbol, hedge_side, body, ask)
        preset = str(body.get("presetStopLossPrice") or "")
        kind = OrderKind.LIMIT if body.get("orderType") == "limit" else OrderKind.MARKET
        spec = OrderSpec(
            client_order_id=ClientOrderId(str(body.get("clientOid") or "")),
            symbol=symbol,
            side=side,
            kind=kind,
            purpose=OrderPurpose.CLOSE if closing else OrderPurpose.ENTRY,
            quantity=_number(body, "size"),
            price=_number(body, "price") if kind is OrderKind.LIMIT else None,
            reduce_only=closing,
            hedge_side=hedge_side,
            attached_stop_price=_decimal(preset, "presetStopLossPrice") if preset else None,
        )
        return ids_row(await self._placed(spec, ask, plan=False))

    async def place_tpsl(self, body: Body, ask: Ask) -> Row:
        """POST place-tpsl-order: a stop or take profit of a position, or of a part of it."""
        plan = str(body.get("planType"))
        if plan not in {"pos_loss", "loss_plan", "pos_profit", "profit_plan"}:
            raise WireRefusedError("40019", f"Parameter planType {plan} is wrong")
        stop = plan in {"pos_loss", "loss_plan"}
        quantity = None if plan == "pos_loss" else await self._plan_size(body, ask, whole=plan == "pos_profit")
        return ids_row(await self._placed(self._plan_spec(body, stop=stop, quantity=quantity), ask, plan=True))

    async def place_pos_tpsl(self, body: Body, ask: Ask) -> list[Row]:
        """POST place-pos-tpsl: stop and take profit at once."""
        rows: list[Row] = []
        for prefix, stop in (("stopLoss", True), ("stopSurplus", False)):
            if not body.get(f"{prefix}TriggerPrice"):
                continue
            part = {
                "symbol": body.get("symbol"),
                "holdSide": body.get("holdSide"),
                "triggerPrice": body[f"{prefix}TriggerPrice"],
                "triggerType": body.get(f"{prefix}TriggerType"),
                "clientOid": body.get(f"{prefix}ClientOid"),
                "size": body.get(f"{prefix}Size"),
            }
            sized = bool(part["size"])
            quantity = None if stop and not sized else await self._plan_size(part, ask, whole=not sized)
            spec = self._plan_spec(part, stop=stop, quantity=quantity)
            rows.append(ids_row(await self._placed(spec, ask, plan=True)))
        return rows

    async def place_plan(self, body: Body, ask: Ask) -> Row:
        """POST place-plan-order: a trigger order; the side of the price that it waits on says what it is."""
        symbol, side, hedge_side, closing = self._direction(body)
        trigger = _number(body, "triggerPrice")
        tick = self._exchange.current_tick(symbol)
        rises = tick is not None and trigger > tick.mark
        spec = OrderSpec(
            client_order_id=ClientOrderId(str(body.get("clientOid") or "")),
            symbol=symbol,
            side=side,
            kind=OrderKind.STOP_MARKET if rises == (side is OrderSide.BUY) else OrderKind.TAKE_PROFIT_MARKET,
            purpose=OrderPurpose.STOP,
            quantity=_number(body, "size"),
            trigger_price=trigger,
            trigger_source=_source(body),
            reduce_only=closing,
            hedge_side=hedge_side,
        )
        return ids_row(await self._placed(spec, ask, plan=True))

    async def close_positions(self, body: Body, ask: Ask) -> Row:
        """POST close-positions: at market, all or one side."""
        wanted = str(body.get("holdSide") or "")
        done: list[Row] = []
        for position in (await self._account(symbol_of(body) or None, ask)).positions:
            if not wanted or _HOLDS.get(wanted) is position.side:
                report = await self._placed(_closing(position), ask, plan=False)
                done.append({**ids_row(report), "symbol": str(position.symbol)})
        if not done:
            raise WireRefusedError("22002")
        return {"successList": done, "failureList": [], "result": True}

    # --- moving and cancelling ----------------------------------------------------------------------------------------

    async def modify_tpsl(self, body: Body, ask: Ask) -> Row:
        """POST modify-tpsl-order: in place; without a size for what is the whole position's."""
        found = await self._find(body, ask, plan=True)
        size = str(body.get("size") or "")
        spec = OrderSpec(
            client_order_id=found.client_order_id or NO_ID,
            symbol=found.symbol,
            side=found.side,
            kind=found.kind,
            purpose=OrderPurpose.STOP,
            quantity=_decimal(size, "size") if size and found.quantity is not None else None,
            trigger_price=_number(body, "triggerPrice"),
            trigger_source=found.trigger_source,
            reduce_only=True,
            hedge_side=found.hedge_side,
            venue_order_id=found.venue_order_id,
        )
        return await self._amended(spec, ask, plan=True)

    async def modify_order(self, body: Body, ask: Ask) -> Row:
        """POST modify-order: the price and size of a limit order. The client id stays, where Bitget changes it."""
        found = await self._find(body, ask, plan=False)
        size, price = str(body.get("newSize") or ""), str(body.get("newPrice") or "")
        spec = OrderSpec(
            client_order_id=found.client_order_id or NO_ID,
            symbol=found.symbol,
            side=found.side,
            kind=found.kind,
            purpose=OrderPurpose.ENTRY,
            quantity=_decimal(size, "newSize") if size else found.quantity,
            price=_decimal(price, "newPrice") if price else found.price,
            reduce_only=found.reduce_only,
            hedge_side=found.hedge_side,
            venue_order_id=found.venue_order_id,
        )
        return await self._amended(spec, ask, plan=False)

    async def cancel_order(self, body: Body, ask: Ask) -> Row:
        """POST cancel-order."""
        return ids_row(await self._cancelled(self._named(body, OrderKind.LIMIT), ask, plan=False))

    async def cancel_plans(self, body: Body, ask: Ask) -> Row:
        """POST cancel-plan-order: those of the list, each with its own outcome, or all of the family."""
        done: list[Row] = []
        failed: list[Row] = []
        wanted = body.get("orderIdList")
        if wanted is None:
            wanted = [
                {"orderId": str(row["orderId"])}
                for order in (await self._account(symbol_of(body) or None, ask)).orders
                if order.kind in CONDITIONAL and _in_family(order, str(body.get("planType") or ""))
                for row in [ids_row(order)]
            ]
        for each in wanted:
            named = self._named({**each, "symbol": body.get("symbol")}, OrderKind.STOP_MARKET)
            try:
                done.append(ids_row(await self._cancelled(named, ask, plan=True)))
            except WireRefusedError as error:
                failed.append(
                    {
                        "orderId": str(each.get("orderId") or ""),
                        "clientOid": str(each.get("clientOid") or ""),
                        "errorMsg": error.text,
                        "errorCode": error.code,
                    }
                )
        return {"successList": done, "failureList": failed}

    async def cancel_all(self, body: Body, ask: Ask) -> Row:
        """POST batch-cancel-orders: the named ones, or every regular order."""
        wanted: Sequence[Body] | None = body.get("orderIdList")
        if wanted is None:
            account = await self._account(symbol_of(body) or None, ask)
            wanted = [ids_row(order) for order in account.orders if order.kind not in CONDITIONAL]
        done = [
            ids_row(
                await self._cancelled(
                    self._named({**each, "symbol": body.get("symbol")}, OrderKind.LIMIT), ask, plan=False
                )
            )
            for each in wanted
        ]
        return {"successList": done, "failureList": []}

    # --- inside -------------------------------------------------------------------------------------------------------

    def _direction(self, body: Body) -> tuple[Symbol, OrderSide, Side | None, bool]:
        """Symbol, side, position side, and whether it only reduces."""
        symbol, side = symbol_of(body), OrderSide(str(body.get("side")).lower())
        trade_side = str(body.get("tradeSide") or "").lower()
        if self._hedge != bool(trade_side):
            raise WireRefusedError("40774")
        if not self._hedge:
            return symbol, side, None, str(body.get("reduceOnly")).upper() == "YES"
        held = Side.LONG if side is OrderSide.BUY else Side.SHORT
        closing = trade_side == "close"
        return symbol, (_EXIT if closing else _ENTRY)[held], held, closing

    def _plan_spec(self, body: Body, *, stop: bool, quantity: Quantity | None) -> OrderSpec:
        held = self._held(body)
        return OrderSpec(
            client_order_id=ClientOrderId(str(body.get("clientOid") or "")),
            symbol=symbol_of(body),
            side=_EXIT[held],
            kind=OrderKind.STOP_MARKET if stop else OrderKind.TAKE_PROFIT_MARKET,
            purpose=OrderPurpose.STOP,
            quantity=quantity,
            trigger_price=_number(body, "triggerPrice"),
            trigger_source=_source(body),
            reduce_only=True,
            hedge_side=held if self._hedge else None,
        )

    def _held(self, body: Body) -> Side:
        hold = str(body.get("holdSide"))
        if hold not in _HOLDS or self._hedge != (hold in {"long", "short"}):
            raise WireRefusedError("40774")
        return _HOLDS[hold]

    async def _plan_size(self, body: Body, ask: Ask, *, whole: bool) -> Quantity:
        """The size asked for; a take profit of the whole position has the size that the position has now."""
        if not whole:
            return _number(body, "size")
        held = self._held(body)
        account = await self._account(symbol_of(body), ask)
        size = next((each.quantity for each in account.positions if each.side is held), None)
        if size is None:
            raise WireRefusedError("43023")
        return size

    async def _use_margin_mode(self, symbol: Symbol, hedge_side: Side | None, body: Body, ask: Ask) -> None:
        """Every order names the margin mode that it wants its position in."""
        wanted = str(body.get("marginMode") or "crossed")
        setting = self._exchange.look(lambda exchange: exchange.state.account.setting((symbol, hedge_side)))
        if symbol not in self._exchange.look(lambda exchange: exchange.state.instruments):
            raise WireRefusedError("40034", "Parameter symbol does not exist")
        if wanted == margin_mode(setting.margin_mode):
            return
        mode = MarginMode.ISOLATED if wanted == "isolated" else MarginMode.CROSS
        request = SetLeverage(symbol=symbol, leverage=setting.leverage, margin_mode=mode, hedge_side=hedge_side)
        answer = await ask(request)
        if not isinstance(answer, LeverageSet):
            raise refusal(answer)

    def _named(self, body: Body, kind: OrderKind) -> OrderSpec:
        """The order that a request names, by either id."""
        native = str(body.get("orderId") or "")
        return OrderSpec(
            client_order_id=ClientOrderId(str(body.get("clientOid") or "")),
            symbol=symbol_of(body),
            side=OrderSide.SELL,
            kind=kind,
            purpose=OrderPurpose.CLOSE,
            quantity=None,
            venue_order_id=(engine_id(native) or VenueOrderId("0")) if native else None,
        )

    async def _find(self, body: Body, ask: Ask, *, plan: bool) -> OrderReport:
        """The working order that a request names; a network with its faults lies in between."""
        named = self._named(body, OrderKind.STOP_MARKET if plan else OrderKind.LIMIT)
        _ = await self._account(named.symbol, ask)
        venue = self._exchange.config.exchange.venue
        found = self._exchange.look(
            lambda exchange: order.report(venue) if (order := exchange.state.orders.find(named)) else None
        )
        if found is None or (found.kind in CONDITIONAL) != plan:
            raise WireRefusedError("43025" if plan else "40768")
        return found

    async def _account(self, symbol: Symbol | None, ask: Ask) -> AccountReport:
        answer = await ask(FetchAccount(symbol=symbol))
        if not isinstance(answer, AccountReport):
            raise refusal(answer)
        return answer

    async def _placed(self, spec: OrderSpec, ask: Ask, *, plan: bool) -> OrderReport:
        answer = await ask(PlaceOrder(order=spec))
        if not isinstance(answer, OrderAccepted):
            raise refusal(answer, plan=plan)
        return answer.report

    async def _amended(self, spec: OrderSpec, ask: Ask, *, plan: bool) -> Row:
        answer = await ask(AmendOrder(order=spec))
        if not isinstance(answer, OrderAccepted):
            raise refusal(answer, plan=plan)
        return ids_row(answer.report)

    async def _cancelled(self, spec: OrderSpec, ask: Ask, *, plan: bool) -> OrderReport:
        kind = self._exchange.look(
            lambda exchange: order.kind if (order := exchange.state.orders.find(spec)) else spec.kind
        )
        if (kind in CONDITIONAL) != plan:
            raise WireRefusedError("43025" if plan else "40768")
        answer = await ask(CancelOrder(order=spec))
        if isinstance(answer, OrderAccepted):
            return answer.report
        if isinstance(answer, OrderRejected):
            raise refusal(answer, plan=plan)
        raise refusal(answer)


def _closing(position: PositionReport) -> OrderSpec:
    return OrderSpec(
        client_order_id=NO_ID,
        symbol=position.symbol,
        side=_EXIT[position.side],
        kind=OrderKind.MARKET,
        purpose=OrderPurpose.CLOSE,
        quantity=position.quantity,
        reduce_only=True,
        hedge_side=position.hedge_side,
    )


def _in_family(order: OrderReport, plan: str) -> bool:
    """Whether ``order`` is of the plan type that a request names; without one it is the trigger orders."""
    own = plan_type(order)
    if plan == "profit_loss":
        return own != "normal_plan"
    return own == (plan or "normal_plan")


def _source(body: Body) -> TriggerSource:
    return TriggerSource.LAST if body.get("triggerType") == "fill_price" else TriggerSource.MARK


def _number(body: Body, name: str) -> Price:
    value = body.get(name)
    if value in (None, ""):
        raise WireRefusedError("40019", f"Parameter {name} cannot be empty")
    return _decimal(str(value), name)


def _decimal(text: str, name: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise WireRefusedError("40019", f"Parameter {name} error") from None
    if not value.is_finite():
        raise WireRefusedError("40019", f"Parameter {name} error")
    return value
