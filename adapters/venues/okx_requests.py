"""How orders of ours are said to OKX: the parameters of its endpoints, and which of its two lists an order is in."""

from typing import Final, TypeAlias

from adapters.venues.okx_rows import instrument_of, text_of
from messages.orders import OrderReport, OrderSpec, OrderStatus
from messages.values import MarginMode, OrderKind, OrderSide, Side, TriggerSource, Venue, VenueOrderId

Params: TypeAlias = dict[str, object]
AT_MARKET: Final = "-1"
ALGO_KINDS: Final = frozenset({OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET})
"""What is in the list of algo orders; everything else is a regular order."""
_SOURCES: Final = {TriggerSource.MARK: "mark", TriggerSource.LAST: "last"}
_PREFIXES: Final = {OrderKind.STOP_MARKET: "sl", OrderKind.TAKE_PROFIT_MARKET: "tp"}


def regular_order(order: OrderSpec, mode: MarginMode) -> Params:
    """For ``trade/order``. In hedge mode the position side says what reduces, and ``reduceOnly`` is left out."""
    params: Params = {
        "instId": instrument_of(order.symbol),
        "tdMode": mode.value,
        "side": order.side.value,
        "ordType": "limit" if order.kind is OrderKind.LIMIT else "market",
    }
    if order.quantity is not None:
        params["sz"] = text_of(order.quantity)
    if order.price is not None:
        params["px"] = text_of(order.price)
    params["clOrdId"] = order.client_order_id
    if order.hedge_side is not None:
        params["posSide"] = order.hedge_side.value
    elif order.reduce_only:
        params["reduceOnly"] = True
    if order.attached_stop_price is not None:
        params["attachAlgoOrds"] = [_attached_stop(order)]
    return params


def _attached_stop(order: OrderSpec) -> Params:
    """It becomes an algo order of its own, for the entry's quantity, once the entry has filled completely."""
    stop: Params = {} if order.attached_stop_id is None else {"attachAlgoClOrdId": order.attached_stop_id}
    price = "" if order.attached_stop_price is None else text_of(order.attached_stop_price)
    return stop | {"slTriggerPx": price, "slOrdPx": AT_MARKET, "slTriggerPxType": _SOURCES[order.trigger_source]}


def algo_order(order: OrderSpec, mode: MarginMode) -> Params:
    """For ``trade/order-algo``: a stop or a take profit, on the whole position where there is no quantity.

    ``cxlOnClosePos`` ties it to the position; OKX takes that for reduce-only orders, which there are in one-way mode.
    """
    params: Params = {
        "instId": instrument_of(order.symbol),
        "tdMode": mode.value,
        "side": order.side.value,
        "ordType": "conditional",
    }
    if order.quantity is None:
        params["closeFraction"] = "1"
    else:
        params["sz"] = text_of(order.quantity)
    if order.hedge_side is not None:
        params["posSide"] = order.hedge_side.value
    elif order.reduce_only:
        params["reduceOnly"] = "true"
    prefix = _PREFIXES[order.kind]
    params[f"{prefix}TriggerPx"] = "" if order.trigger_price is None else text_of(order.trigger_price)
    params[f"{prefix}OrdPx"] = AT_MARKET
    params[f"{prefix}TriggerPxType"] = _SOURCES[order.trigger_source]
    params["algoClOrdId"] = order.client_order_id
    if order.hedge_side is None and order.reduce_only:
        params["cxlOnClosePos"] = "true"
    return params


def algo_amend(order: OrderSpec) -> Params:
    """For ``trade/amend-algos``. The trigger source is always said: left out, OKX takes the last price."""
    prefix = _PREFIXES[order.kind].capitalize()
    params = algo_identity(order) | {
        f"new{prefix}TriggerPx": "" if order.trigger_price is None else text_of(order.trigger_price),
        f"new{prefix}OrdPx": AT_MARKET,
        f"new{prefix}TriggerPxType": _SOURCES[order.trigger_source],
    }
    if order.quantity is not None:
        params["newSz"] = text_of(order.quantity)
    return params


def regular_amend(order: OrderSpec) -> Params:
    """For ``trade/amend-order``."""
    params = regular_identity(order)
    if order.quantity is not None:
        params["newSz"] = text_of(order.quantity)
    if order.price is not None:
        params["newPx"] = text_of(order.price)
    return params


def regular_identity(order: OrderSpec) -> Params:
    """Which regular order: by OKX's id where it is known, since an order of a person's may carry none of ours."""
    params: Params = {"instId": instrument_of(order.symbol)}
    if order.venue_order_id is not None:
        return params | {"ordId": order.venue_order_id}
    return params | {"clOrdId": order.client_order_id}


def algo_identity(order: OrderSpec) -> Params:
    """Which algo order; ``clOrdId`` is no id of it."""
    params: Params = {"instId": instrument_of(order.symbol)}
    if order.venue_order_id is not None:
        return params | {"algoId": order.venue_order_id}
    return params | {"algoClOrdId": order.client_order_id}


def report_of(
    order: OrderSpec, venue: Venue, venue_order_id: VenueOrderId, status: OrderStatus, now_ms: int
) -> OrderReport:
    """What an acknowledgement proves of an order: that it is there (or ended), and nothing about fills."""
    reduces = order.reduce_only or order.quantity is None
    if order.hedge_side is not None:
        reduces = (order.side is OrderSide.SELL) == (order.hedge_side is Side.LONG)
    return OrderReport(
        venue=venue,
        symbol=order.symbol,
        venue_order_id=venue_order_id,
        client_order_id=order.client_order_id,
        side=order.side,
        kind=order.kind,
        status=status,
        quantity=order.quantity,
        price=order.price,
        trigger_price=order.trigger_price,
        trigger_source=order.trigger_source,
        reduce_only=reduces,
        hedge_side=order.hedge_side,
        created_ms=now_ms,
        updated_ms=now_ms,
    )
