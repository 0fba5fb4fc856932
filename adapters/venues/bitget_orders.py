"""Orders in Bitget's words, there and back."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeAlias

from adapters.venues.bitget_links import Link, own_id
from messages.orders import FillKind, FillReport, OrderReport, OrderSpec, OrderStatus
from messages.values import (
    ZERO,
    MarginMode,
    OrderKind,
    OrderSide,
    Side,
    Symbol,
    TriggerSource,
    Venue,
    VenueOrderId,
)

Row: TypeAlias = Mapping[str, Any]
VENUE: Final = Venue("bitget")
PRODUCT: Final = "USDT-FUTURES"
MARGIN_COIN: Final = "USDT"
CONDITIONAL: Final = frozenset({OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET})
MARGIN_MODES: Final = {MarginMode.ISOLATED: "isolated", MarginMode.CROSS: "crossed"}
TRIGGER_TYPES: Final = {TriggerSource.MARK: "mark_price", TriggerSource.LAST: "fill_price"}
WHOLE: Final = frozenset({"pos_loss", "pos_profit", "psl", "ptp"})
STOPS: Final = frozenset({"pos_loss", "loss_plan", "psl", "sl"})
PROFITS: Final = frozenset({"pos_profit", "profit_plan", "ptp", "tp"})
_STATUSES: Final = {
    "live": OrderStatus.WORKING,
    "new": OrderStatus.WORKING,
    "init": OrderStatus.WORKING,
    "not_trigger": OrderStatus.WORKING,
    "partially_filled": OrderStatus.WORKING,
    "executing": OrderStatus.WORKING,
    "filled": OrderStatus.FILLED,
    "full_fill": OrderStatus.FILLED,
    "executed": OrderStatus.FILLED,
    "triggered": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELLED,
    "cancelled": OrderStatus.CANCELLED,
    "cancel": OrderStatus.CANCELLED,
    "fail_trigger": OrderStatus.REJECTED,
    "fail_execute": OrderStatus.REJECTED,
    "fail_executed": OrderStatus.REJECTED,
    "rejected": OrderStatus.REJECTED,
    "expired": OrderStatus.EXPIRED,
}
_ENTRY_SIDES: Final = {Side.LONG: OrderSide.BUY, Side.SHORT: OrderSide.SELL}
_EXIT_SIDES: Final = {Side.LONG: OrderSide.SELL, Side.SHORT: OrderSide.BUY}


class UnreadableError(ValueError):
    """A row of the venue that does not say what it must."""


def number(row: Row, *names: str) -> Decimal:
    """The first of the fields that is given, as a number; zero when none is.

    Raises:
        UnreadableError: It is no number.
    """
    for name in names:
        value = row.get(name)
        if value not in (None, ""):
            try:
                found = Decimal(str(value))
            except InvalidOperation as error:
                raise UnreadableError(f"{name} is {value!r}") from error
            if not found.is_finite():
                raise UnreadableError(f"{name} is {value!r}")
            return found
    return ZERO


def whole_number(row: Row, *names: str) -> int:
    """The same for times and counts."""
    return int(number(row, *names))


def text_of(value: Decimal) -> str:
    """A number as the venue wants it: no exponent, no padding."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


# --- ours to theirs ---------------------------------------------------------------------------------------------------


def new_order(spec: OrderSpec, margin_mode: MarginMode) -> dict[str, str]:
    """The body of ``place-order``: market and limit orders, opening and closing."""
    body = {"symbol": str(spec.symbol), "orderType": "limit" if spec.kind is OrderKind.LIMIT else "market"}
    if spec.price is not None:
        body["price"] = text_of(spec.price)
    body |= {
        "force": "GTC",
        "marginCoin": MARGIN_COIN,
        "size": text_of(spec.quantity or ZERO),
        "productType": PRODUCT,
        "clientOid": str(spec.client_order_id),
    }
    if spec.attached_stop_price is not None:
        body["presetStopLossPrice"] = text_of(spec.attached_stop_price)
    body["marginMode"] = MARGIN_MODES[margin_mode]
    if spec.hedge_side is None:
        if spec.reduce_only:
            body["reduceOnly"] = "YES"
        body["side"] = str(spec.side)
    elif spec.side is _ENTRY_SIDES[spec.hedge_side]:
        body |= {"tradeSide": "Open", "side": str(spec.side)}
    else:
        # To close, the venue wants the side of the position, not of the order.
        body |= {"tradeSide": "Close", "side": str(_ENTRY_SIDES[spec.hedge_side])}
    return body


def new_plan(spec: OrderSpec) -> dict[str, str]:
    """The body of ``place-tpsl-order``: stops and take profits; without a size it is the whole position's."""
    one_way = "buy" if spec.side is OrderSide.SELL else "sell"
    body = {
        "symbol": str(spec.symbol),
        "productType": PRODUCT,
        "marginCoin": MARGIN_COIN,
        "planType": plan_type(spec),
        "triggerPrice": text_of(spec.trigger_price or ZERO),
        "triggerType": TRIGGER_TYPES[spec.trigger_source],
        "holdSide": one_way if spec.hedge_side is None else str(spec.hedge_side),
        "clientOid": str(spec.client_order_id),
    }
    if spec.quantity is not None:
        body["size"] = text_of(spec.quantity)
    return body


def plan_type(spec: OrderSpec) -> str:
    """In which of the venue's families a conditional order is."""
    if spec.kind is OrderKind.STOP_MARKET:
        return "pos_loss" if spec.quantity is None else "loss_plan"
    return "pos_profit" if spec.quantity is None else "profit_plan"


def report_of(spec: OrderSpec, venue_order_id: str, status: OrderStatus, *, now_ms: int) -> OrderReport:
    """What is known of an order when the venue answers with nothing but its id."""
    return OrderReport(
        venue=VENUE,
        symbol=spec.symbol,
        venue_order_id=VenueOrderId(venue_order_id),
        client_order_id=spec.client_order_id,
        side=spec.side,
        kind=spec.kind,
        status=status,
        quantity=spec.quantity,
        price=spec.price,
        trigger_price=spec.trigger_price,
        trigger_source=spec.trigger_source,
        reduce_only=spec.reduce_only,
        hedge_side=spec.hedge_side,
        updated_ms=now_ms,
    )


# --- theirs to ours ---------------------------------------------------------------------------------------------------


def order_report(row: Row) -> OrderReport:
    """A row of the list of regular orders, of its history, or of the orders channel.

    Raises:
        UnreadableError: It does not say what it must.
    """
    side, hedge_side = _sides(row)
    filled = number(row, "accBaseVolume", "baseVolume")
    average = number(row, "priceAvg")
    return OrderReport(
        venue=VENUE,
        symbol=_symbol(row),
        venue_order_id=_order_id(row),
        client_order_id=own_id(row),
        side=side,
        kind=OrderKind.LIMIT if row.get("orderType") == "limit" else OrderKind.MARKET,
        status=_status(row, "status", "state"),
        quantity=number(row, "size"),
        filled_quantity=filled,
        price=(number(row, "price") or None) if row.get("orderType") == "limit" else None,
        average_price=average if average and filled else None,
        reduce_only=str(row.get("reduceOnly")).upper() == "YES" or "close" in str(row.get("tradeSide")).lower(),
        hedge_side=hedge_side,
        created_ms=whole_number(row, "cTime"),
        updated_ms=whole_number(row, "uTime"),
    )


def plan_report(row: Row) -> OrderReport | None:
    """A row of the list of plan orders, of its history, or of the orders-algo channel; ``None`` for a trigger order.

    Raises:
        UnreadableError: It does not say what it must.
    """
    plan = str(row.get("planType"))
    if plan not in STOPS and plan not in PROFITS:
        return None
    side, hedge_side = _plan_sides(row)
    whole = plan in WHOLE
    status = _status(row, "planStatus", "status")
    return OrderReport(
        venue=VENUE,
        symbol=_symbol(row),
        venue_order_id=_order_id(row),
        client_order_id=own_id(row),
        side=side,
        kind=OrderKind.STOP_MARKET if plan in STOPS else OrderKind.TAKE_PROFIT_MARKET,
        status=status,
        quantity=None if whole else number(row, "size"),
        filled_quantity=number(row, "baseVolume", "actualSize"),
        trigger_price=number(row, "triggerPrice"),
        trigger_source=TriggerSource.LAST if row.get("triggerType") == "fill_price" else TriggerSource.MARK,
        average_price=number(row, "priceAvg") or None,
        reduce_only=True,
        hedge_side=hedge_side,
        created_ms=whole_number(row, "cTime"),
        updated_ms=whole_number(row, "uTime"),
        reject_reason=str(row.get("planStatus") or row.get("status")) if status is OrderStatus.REJECTED else "",
    )


def fill_report(row: Row, link: Link | None) -> FillReport:
    """A row of the fills or of the fill channel, told as a fill of the order that stands behind it.

    Raises:
        UnreadableError: It does not say what it must.
    """
    if link is None:
        side, hedge_side = _fill_sides(row)
        order_id, client_id = _order_id(row), None
    else:
        side, hedge_side = link.side, link.hedge_side
        order_id, client_id = link.venue_order_id, link.client_order_id
    fees = row.get("feeDetail") or ()
    quantity, price = number(row, "baseVolume"), number(row, "price")
    trade_id = str(row.get("tradeId") or "")
    if quantity <= 0 or price <= 0 or not trade_id:
        raise UnreadableError(f"not a fill: {trade_id!r} {quantity} at {price}")
    return FillReport(
        venue=VENUE,
        symbol=_symbol(row),
        fill_id=trade_id,
        venue_order_id=order_id,
        client_order_id=client_id,
        side=side,
        price=price,
        quantity=quantity,
        commission=-sum((number(fee, "totalFee", "fee") for fee in fees), ZERO),
        commission_asset=str(fees[0].get("feeCoin") or MARGIN_COIN) if fees else MARGIN_COIN,
        time_ms=whole_number(row, "cTime"),
        kind=_fill_kind(str(row.get("tradeSide")).lower()),
        maker=row.get("tradeScope") in {"maker", "M"},
        hedge_side=hedge_side,
    )


def closes(row: Row) -> bool:
    """Whether a fill reduced a position, or may have."""
    return str(row.get("tradeSide")).lower() != "open"


def _fill_kind(trade_side: str) -> FillKind:
    if "adl" in trade_side:
        return FillKind.AUTO_DELEVERAGING
    return FillKind.LIQUIDATION if "burst" in trade_side or "liquidation" in trade_side else FillKind.TRADE


def _sides(row: Row) -> tuple[OrderSide, Side | None]:
    """The order's side and, in hedge mode, its position's: a close is written with the position's side."""
    held = _side(row.get("posSide"))
    if row.get("posMode") != "hedge_mode" or held is None:
        return _order_side(row), None
    closing = "close" in str(row.get("tradeSide")).lower()
    return (_EXIT_SIDES if closing else _ENTRY_SIDES)[held], held


def _plan_sides(row: Row) -> tuple[OrderSide, Side | None]:
    held = _side(row.get("posSide"))
    hedge_side = held if row.get("posMode") == "hedge_mode" else None
    return (_order_side(row) if held is None else _EXIT_SIDES[held]), hedge_side


def _fill_sides(row: Row) -> tuple[OrderSide, Side | None]:
    side, trade_side = _order_side(row), str(row.get("tradeSide")).lower()
    if row.get("posMode") != "hedge_mode":
        return side, None
    if "long" in trade_side or "short" in trade_side:
        held = Side.LONG if "long" in trade_side else Side.SHORT
    else:
        held = Side.LONG if side is OrderSide.BUY else Side.SHORT
    return (_EXIT_SIDES if closes(row) else _ENTRY_SIDES)[held], held


def _order_side(row: Row) -> OrderSide:
    side = str(row.get("side")).lower()
    if side not in {"buy", "sell"}:
        raise UnreadableError(f"side {row.get('side')!r}")
    return OrderSide(side)


def _side(value: object) -> Side | None:
    return Side(str(value)) if value in ("long", "short") else None


def _status(row: Row, *names: str) -> OrderStatus:
    text = next((str(row[name]).lower() for name in names if row.get(name)), "")
    if text not in _STATUSES:
        raise UnreadableError(f"status {text!r}")
    return _STATUSES[text]


def _symbol(row: Row) -> Symbol:
    symbol = str(row.get("symbol") or row.get("instId") or "")
    if not symbol:
        raise UnreadableError("no symbol")
    return Symbol(symbol)


def _order_id(row: Row) -> VenueOrderId:
    order_id = str(row.get("orderId") or "")
    if not order_id:
        raise UnreadableError("no order id")
    return VenueOrderId(order_id)
