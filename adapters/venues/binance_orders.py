"""Our orders in Binance's words: the parameters of each request, in the order in which they are signed.

A stop is always an algo order. Nothing here ever makes a plain order of one: that would execute at once.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from messages.orders import OrderSpec
from messages.values import ClientOrderId, OrderKind, OrderSide, Side, Symbol, TriggerSource, VenueOrderId

Params = dict[str, str]

CONDITIONAL: Final = frozenset({OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET})
_TYPES: Final[Mapping[OrderKind, str]] = {
    OrderKind.MARKET: "MARKET",
    OrderKind.LIMIT: "LIMIT",
    OrderKind.STOP_MARKET: "STOP_MARKET",
    OrderKind.TAKE_PROFIT_MARKET: "TAKE_PROFIT_MARKET",
}


def is_conditional(kind: OrderKind) -> bool:
    """Whether orders of this kind are in the algo list."""
    return kind in CONDITIONAL


def new_regular(spec: OrderSpec) -> Params:
    """POST /fapi/v1/order: a market or limit order."""
    params = {
        "symbol": spec.symbol,
        "side": _side(spec),
        "newClientOrderId": spec.client_order_id,
        "newOrderRespType": "RESULT",
        "type": _TYPES[spec.kind],
        "quantity": plain(spec.quantity or Decimal(0)),
    }
    if spec.price is not None:
        params |= {"price": plain(spec.price), "timeInForce": "GTC"}
    return params | _reducing(spec)


def new_algo(spec: OrderSpec) -> Params:
    """POST /fapi/v1/algoOrder: a stop or take profit, with a quantity or on the whole position."""
    params = {
        "symbol": spec.symbol,
        "side": _side(spec),
        "clientAlgoId": spec.client_order_id,
        "newOrderRespType": "RESULT",
        "type": _TYPES[spec.kind],
    }
    if spec.quantity is not None:
        params["quantity"] = plain(spec.quantity)
    params["triggerPrice"] = plain(spec.trigger_price or Decimal(0))
    if spec.quantity is None:
        # Binance refuses closePosition together with reduceOnly.
        params |= {"closePosition": "true"} | _position_side(spec)
    else:
        params |= _reducing(spec)
    working_type = "MARK_PRICE" if spec.trigger_source is TriggerSource.MARK else "CONTRACT_PRICE"
    return params | {"workingType": working_type, "algoType": "CONDITIONAL"}


def amended_limit(spec: OrderSpec) -> Params:
    """PUT /fapi/v1/order: a limit order's new price and quantity."""
    params = {"symbol": spec.symbol, "side": _side(spec)}
    params |= _regular_id(spec.venue_order_id, spec.client_order_id)
    return params | {"quantity": plain(spec.quantity or Decimal(0)), "price": plain(spec.price or Decimal(0))}


def of_regular(symbol: Symbol, client_order_id: ClientOrderId | str, venue_order_id: VenueOrderId | None) -> Params:
    """What identifies a regular order: the venue's id where it is known."""
    return {"symbol": symbol} | _regular_id(venue_order_id, client_order_id)


def of_algo(symbol: Symbol, client_order_id: ClientOrderId | str, venue_order_id: VenueOrderId | None) -> Params:
    """What identifies a conditional order."""
    key = {"algoId": str(venue_order_id)} if venue_order_id else {"clientAlgoId": str(client_order_id)}
    return {"symbol": symbol} | key


def plain(value: Decimal) -> str:
    """A number as Binance writes it: no exponent, no padding."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _side(spec: OrderSpec) -> str:
    return "BUY" if spec.side is OrderSide.BUY else "SELL"


def _reducing(spec: OrderSpec) -> Params:
    if spec.hedge_side is not None:
        return _position_side(spec)
    return {"reduceOnly": "true"} if spec.reduce_only else {}


def _position_side(spec: OrderSpec) -> Params:
    if spec.hedge_side is None:
        return {}
    return {"positionSide": "LONG" if spec.hedge_side is Side.LONG else "SHORT"}


def _regular_id(venue_order_id: VenueOrderId | None, client_order_id: ClientOrderId | str) -> Params:
    return {"orderId": str(venue_order_id)} if venue_order_id else {"origClientOrderId": str(client_order_id)}
