"""OKX's trade endpoints that change something: their parameters as orders of the engine, and what is acknowledged."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final, TypeAlias

from adapters.simulator.paper import PaperExchange
from adapters.simulator.wire.dialect import Ask
from adapters.simulator.wire.okx_book import Book, Seen
from adapters.simulator.wire.okx_gate import RefusalError, not_simulated, refusal_of, wrong
from adapters.simulator.wire.okx_rows import Row, algo_id, order_id
from adapters.venues.okx_rows import hedge_side_of, number_of, symbol_of
from messages.orders import OrderReport, OrderSpec
from messages.values import (
    ClientOrderId,
    MarginMode,
    OrderKind,
    OrderPurpose,
    OrderSide,
    Price,
    Side,
    Symbol,
    TriggerSource,
)
from messages.venue import (
    AccountReport,
    AmendOrder,
    CancelOrder,
    FetchAccount,
    OrderAccepted,
    OrderRequest,
    PlaceOrder,
    SetLeverage,
)

Params: TypeAlias = Mapping[str, object]
AT_MARKET: Final = "-1"
_SOURCES: Final = {"mark": TriggerSource.MARK, "last": TriggerSource.LAST, "index": TriggerSource.MARK}
_SECOND_HALF: Final = "T2"
_CODE_OF_PURPOSE: Final = slice(18, 20)


def text_in(params: Params, name: str) -> str:
    """A parameter as text; numbers and truth values may come bare."""
    value = params.get(name)
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def decimal_in(params: Params, name: str) -> Decimal | None:
    """A parameter as a number.

    Raises:
        RefusalError: It is none.
    """
    try:
        return number_of(text_in(params, name))
    except ValueError as error:
        raise wrong(name) from error


class Trade:
    """Places, amends and cancels."""

    def __init__(self, exchange: PaperExchange, book: Book) -> None:
        self._exchange = exchange
        self._book = book
        self._hedge = exchange.config.exchange.hedge

    def symbol(self, params: Params) -> Symbol:
        """The instrument's symbol.

        Raises:
            RefusalError: There is no such instrument.
        """
        symbol = symbol_of(text_in(params, "instId"))
        if symbol is None or symbol not in self._book.symbols():
            raise RefusalError("51001", "Instrument ID doesn't exist.")
        return symbol

    # --- regular orders -----------------------------------------------------------------------------------------------

    async def order(self, params: Params, ask: Ask) -> Row:
        """``trade/order``."""
        spec = self._regular(params)
        self._use_mode(spec, text_in(params, "tdMode"))
        report = await self._done(PlaceOrder(order=spec), ask, algo=False)
        return {
            "clOrdId": text_in(params, "clOrdId"),
            "ordId": order_id(report.venue_order_id),
            "tag": text_in(params, "tag"),
            "ts": str(self._exchange.venue_ms),
        }

    async def amend(self, params: Params, ask: Ask) -> Row:
        """``trade/amend-order``."""
        spec = self._known(params, "ordId", "clOrdId", missing="51503")
        spec = replace(
            spec,
            quantity=decimal_in(params, "newSz") or spec.quantity,
            price=decimal_in(params, "newPx") or spec.price,
        )
        report = await self._done(AmendOrder(order=spec), ask, algo=False, missing="51503")
        return {"clOrdId": spec.client_order_id, "ordId": order_id(report.venue_order_id), "reqId": ""}

    async def cancel(self, params: Params, ask: Ask) -> Row:
        """``trade/cancel-order``."""
        spec = self._known(params, "ordId", "clOrdId", missing="51400")
        report = await self._done(CancelOrder(order=spec), ask, algo=False, missing="51400")
        return {"clOrdId": spec.client_order_id, "ordId": order_id(report.venue_order_id)}

    async def close_position(self, params: Params, ask: Ask) -> Row:
        """``trade/close-position``: at market, whole."""
        symbol, hedge_side = self.symbol(params), hedge_side_of(text_in(params, "posSide"))
        account = await ask(FetchAccount(symbol=symbol))
        if not isinstance(account, AccountReport):
            raise refusal_of(account, algo=False)
        position = next((each for each in account.positions if each.hedge_side == hedge_side), None)
        if position is None:
            raise RefusalError("51023", "Position does not exist.", in_row=False)
        spec = OrderSpec(
            client_order_id=ClientOrderId(""),
            symbol=symbol,
            side=OrderSide.SELL if position.side is Side.LONG else OrderSide.BUY,
            kind=OrderKind.MARKET,
            purpose=OrderPurpose.CLOSE,
            quantity=position.quantity,
            reduce_only=True,
            hedge_side=hedge_side,
        )
        await self._done(PlaceOrder(order=spec), ask, algo=False)
        return {"clOrdId": "", "instId": text_in(params, "instId"), "posSide": text_in(params, "posSide"), "tag": ""}

    def _regular(self, params: Params) -> OrderSpec:
        kind = {"market": OrderKind.MARKET, "limit": OrderKind.LIMIT}.get(text_in(params, "ordType"))
        if kind is None:
            raise not_simulated("ordType")
        quantity = decimal_in(params, "sz")
        if quantity is None:
            raise wrong("sz")
        spec = self._spec(params, kind, quantity, "clOrdId")
        attached = params.get("attachAlgoOrds")
        if not isinstance(attached, Sequence) or not attached:
            return spec
        stop = attached[0]
        if spec.reduce_only:
            raise RefusalError("51100", "Unable to place order: TP/SL cannot be attached to a reduce-only order")
        if not isinstance(stop, Mapping) or len(attached) > 1 or text_in(stop, "tpTriggerPx"):
            raise not_simulated("attachAlgoOrds")
        return replace(
            spec,
            attached_stop_price=_price(stop, "slTriggerPx"),
            attached_stop_id=ClientOrderId(text_in(stop, "attachAlgoClOrdId")) or None,
            trigger_source=_source(stop, "slTriggerPxType"),
        )

    # --- algo orders --------------------------------------------------------------------------------------------------

    async def algo(self, params: Params, ask: Ask) -> Row:
        """``trade/order-algo``; ``clOrdId`` is taken and forgotten, as OKX does."""
        spec = self._conditional(params)
        self._use_mode(spec, text_in(params, "tdMode"))
        report = await self._done(PlaceOrder(order=spec), ask, algo=True)
        return {
            "algoClOrdId": text_in(params, "algoClOrdId"),
            "algoId": algo_id(report.venue_order_id),
            "clOrdId": "",
            "tag": text_in(params, "tag"),
        }

    async def amend_algo(self, params: Params, ask: Ask) -> Row:
        """``trade/amend-algos``; left out, the trigger source becomes the last price."""
        spec = self._known(params, "algoId", "algoClOrdId", missing="51503")
        prefix = "Sl" if spec.kind is OrderKind.STOP_MARKET else "Tp"
        trigger = decimal_in(params, f"new{prefix}TriggerPx")
        if trigger == 0:
            raise not_simulated(f"new{prefix}TriggerPx")
        if trigger is not None and text_in(params, f"new{prefix}OrdPx") != AT_MARKET:
            raise wrong(f"new{prefix}OrdPx")
        spec = replace(
            spec,
            trigger_price=spec.trigger_price if trigger is None else trigger,
            trigger_source=_source(params, f"new{prefix}TriggerPxType"),
            quantity=decimal_in(params, "newSz") or spec.quantity,
        )
        report = await self._done(AmendOrder(order=spec), ask, algo=True, missing="51503")
        return {"algoClOrdId": spec.client_order_id, "algoId": algo_id(report.venue_order_id), "reqId": ""}

    async def cancel_algo(self, params: Params, ask: Ask) -> Row:
        """One of ``trade/cancel-algos``."""
        self.symbol(params)
        spec = self._known(params, "algoId", "algoClOrdId", missing="51400")
        report = await self._done(CancelOrder(order=spec), ask, algo=True, missing="51400")
        return {"algoClOrdId": "", "algoId": algo_id(report.venue_order_id), "clOrdId": "", "tag": ""}

    def _conditional(self, params: Params) -> OrderSpec:
        prefix, is_stop = self._trigger_of(params)
        if text_in(params, "orderPx" if prefix == "" else f"{prefix}OrdPx") != AT_MARKET:
            raise not_simulated(f"{prefix}OrdPx")
        fraction = text_in(params, "closeFraction")
        quantity = None if fraction else decimal_in(params, "sz")
        if fraction not in {"", "1"} or (not fraction and quantity is None):
            raise wrong("closeFraction" if fraction else "sz")
        reduces = text_in(params, "reduceOnly") == "true"
        if not self._hedge and not reduces and (fraction or text_in(params, "cxlOnClosePos") == "true"):
            raise wrong("reduceOnly")
        kind = OrderKind.STOP_MARKET if is_stop else OrderKind.TAKE_PROFIT_MARKET
        name = "triggerPx" if prefix == "" else f"{prefix}TriggerPx"
        return replace(
            self._spec(params, kind, quantity, "algoClOrdId"),
            trigger_price=_price(params, name),
            trigger_source=_source(params, f"{name}Type"),
        )

    def _trigger_of(self, params: Params) -> tuple[str, bool]:
        """Which of the trigger prices it has, and whether it is a stop."""
        match text_in(params, "ordType"), bool(text_in(params, "slTriggerPx")), bool(text_in(params, "tpTriggerPx")):
            case "conditional", True, False:
                return "sl", True
            case "conditional", False, True:
                return "tp", False
            case "trigger", False, False:
                rises = _price(params, "triggerPx") > self._book.last(self.symbol(params))
                return "", rises == (text_in(params, "side") == "buy")
            case _:
                raise not_simulated("ordType")

    # --- both ---------------------------------------------------------------------------------------------------------

    def _spec(self, params: Params, kind: OrderKind, quantity: Decimal | None, id_name: str) -> OrderSpec:
        if text_in(params, "side") not in {"buy", "sell"}:
            raise wrong("side")
        if text_in(params, "tdMode") not in {"cross", "isolated"}:
            raise wrong("tdMode")
        side = OrderSide(text_in(params, "side"))
        hedge_side = hedge_side_of(text_in(params, "posSide"))
        exits = hedge_side is not None and (side is OrderSide.SELL) == (hedge_side is Side.LONG)
        reduces = exits or text_in(params, "reduceOnly") == "true"
        own_id = text_in(params, id_name)
        return OrderSpec(
            client_order_id=ClientOrderId(own_id),
            symbol=self.symbol(params),
            side=side,
            kind=kind,
            purpose=_purpose(kind, own_id, reduces=reduces),
            quantity=quantity,
            price=_price(params, "px") if kind is OrderKind.LIMIT else None,
            reduce_only=reduces,
            hedge_side=hedge_side,
        )

    def _known(self, params: Params, id_name: str, client_name: str, *, missing: str) -> OrderSpec:
        """The order that is meant, as it is now; one of the other list is not found."""
        own_id, client_id = text_in(params, id_name), text_in(params, client_name)
        seen = self._book.by_own_id(own_id) if own_id else self._book.by_client_id(client_id)
        if seen is None or seen.conditional != (id_name == "algoId"):
            raise RefusalError(missing, "Order does not exist")
        return spec_of(seen)

    def _use_mode(self, spec: OrderSpec, mode: str) -> None:
        """Each order says its margin mode; OKX would open a second position in another one than the first's."""
        setting = self._book.setting(spec.symbol, spec.hedge_side)
        if setting.margin_mode.value == mode:
            return
        request = SetLeverage(
            symbol=spec.symbol,
            leverage=setting.leverage,
            margin_mode=MarginMode(mode),
            hedge_side=spec.hedge_side,
        )
        if not spec.reduce_only and self._exchange.by_hand(request) is not None:
            setting = self._book.setting(spec.symbol, spec.hedge_side)
        if setting.margin_mode.value != mode:
            raise not_simulated("tdMode")

    async def _done(self, request: OrderRequest, ask: Ask, *, algo: bool, missing: str = "51603") -> OrderReport:
        answer = await ask(request)
        if not isinstance(answer, OrderAccepted):
            raise refusal_of(answer, algo=algo, missing=missing)
        return answer.report


def spec_of(seen: Seen) -> OrderSpec:
    """An order that the engine has, as a request would name it."""
    report = seen.report
    return OrderSpec(
        client_order_id=report.client_order_id or ClientOrderId(""),
        symbol=report.symbol,
        side=report.side,
        kind=report.kind,
        purpose=_purpose(report.kind, report.client_order_id or "", reduces=report.reduce_only),
        quantity=report.quantity,
        price=report.price,
        trigger_price=report.trigger_price,
        trigger_source=report.trigger_source,
        reduce_only=report.reduce_only,
        hedge_side=report.hedge_side,
        venue_order_id=report.venue_order_id,
    )


def _purpose(kind: OrderKind, client_id: str, *, reduces: bool) -> OrderPurpose:
    """For fault scripts, which may ask for it."""
    match kind:
        case OrderKind.STOP_MARKET:
            return OrderPurpose.STOP
        case OrderKind.TAKE_PROFIT_MARKET:
            second = client_id[_CODE_OF_PURPOSE] == _SECOND_HALF
            return OrderPurpose.TAKE_PROFIT_2 if second else OrderPurpose.TAKE_PROFIT_1
        case _:
            return OrderPurpose.CLOSE if reduces else OrderPurpose.ENTRY


def _price(params: Params, name: str) -> Price:
    price = decimal_in(params, name)
    if price is None:
        raise wrong(name)
    return price


def _source(params: Params, name: str) -> TriggerSource:
    return _SOURCES.get(text_in(params, name), TriggerSource.LAST)
