"""The engine's orders, fills, positions and money as rows of Bitget's, the same for requests and streams.

Ids: the engine counts; Bitget's are numbers of 19 digits. A plan order that triggers fills under the id of another
order, and whoever gives no client id gets a number for one.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias
from zlib import crc32

from adapters.simulator.engine import Exchange
from adapters.simulator.orders import CONDITIONAL, SimOrder
from messages.orders import FillKind, FillReport, OrderReport, OrderStatus, PositionReport
from messages.values import MarginMode, OrderKind, OrderSide, Side, Symbol, TriggerSource, VenueOrderId

Row: TypeAlias = dict[str, Any]
_ORDERS: Final = 1_111_000_000_000_000_000
_CHILDREN: Final = 1_222_000_000_000_000_000
_CLIENTS: Final = 1_333_000_000_000_000_000
TRADES: Final = 1_444_000_000_000_000_000
_ENTRY: Final = {Side.LONG: OrderSide.BUY, Side.SHORT: OrderSide.SELL}
_REGULAR_STATUS: Final = {
    OrderStatus.WORKING: "live",
    OrderStatus.FILLED: "filled",
    OrderStatus.CANCELLED: "canceled",
    OrderStatus.REJECTED: "canceled",
    OrderStatus.EXPIRED: "canceled",
}
_PLAN_STATUS: Final = {
    OrderStatus.WORKING: "live",
    OrderStatus.FILLED: "executed",
    OrderStatus.CANCELLED: "cancelled",
    OrderStatus.REJECTED: "fail_execute",
    OrderStatus.EXPIRED: "fail_trigger",
}
_STREAM_PLANS: Final = {
    "pos_loss": "psl",
    "loss_plan": "sl",
    "pos_profit": "ptp",
    "profit_plan": "tp",
    "normal_plan": "pl",
}


def text(value: Decimal | None) -> str:
    """A number as Bitget writes it."""
    if value is None:
        return ""
    plain = format(value, "f")
    return (plain.rstrip("0").rstrip(".") if "." in plain else plain) or "0"


def order_id(venue_order_id: str) -> str:
    """The engine's id as Bitget's."""
    return str(_ORDERS + int(venue_order_id))


def child_id(venue_order_id: str) -> str:
    """The id of the order that a plan order creates when it triggers."""
    return str(_CHILDREN + int(venue_order_id))


def engine_id(native: str) -> VenueOrderId | None:
    """The engine's id of an order, or of the plan order that created it; ``None`` for what was never ours."""
    if not native.isdigit():
        return None
    for base in (_CHILDREN, _ORDERS):
        if int(native) > base:
            return VenueOrderId(str(int(native) - base))
    return None


def is_child(native: str) -> bool:
    """Whether it is the id of an order that a plan order created."""
    return native.isdigit() and _CHILDREN < int(native) < _CLIENTS


def plan_type(report: OrderReport) -> str:
    """The family of a conditional order."""
    if not report.reduce_only and report.hedge_side is None:
        return "normal_plan"
    if report.kind is OrderKind.STOP_MARKET:
        return "pos_loss" if report.quantity is None else "loss_plan"
    return "profit_plan"


def regular_row(exchange: Exchange, report: OrderReport) -> Row:
    """A row of the regular orders. A plan order comes here once it has triggered: as the order that it created."""
    child = report.kind in CONDITIONAL
    kept = exchange.state.orders.by_id(report.venue_order_id)
    number = int(report.venue_order_id)
    status = _REGULAR_STATUS[report.status]
    if status == "live" and report.filled_quantity:
        status = "partially_filled"
    size = report.filled_quantity if report.quantity is None else report.quantity
    average = report.average_price or Decimal(0)
    return {
        "symbol": str(report.symbol),
        "size": text(size),
        "orderId": child_id(str(number)) if child else order_id(str(number)),
        "clientOid": str(_CLIENTS + number) if child else _client_id(report),
        "baseVolume": text(report.filled_quantity),
        "fee": "0",
        "price": text(report.price) if report.price is not None else "",
        "priceAvg": text(report.average_price),
        "status": status,
        "state": status,
        **_sides(exchange, report),
        "force": "gtc",
        "totalProfits": "0",
        "marginCoin": "USDT",
        "quoteVolume": text(report.filled_quantity * average),
        "leverage": str(_setting(exchange, report).leverage),
        "marginMode": margin_mode(_setting(exchange, report).margin_mode),
        "enterPointSource": "API",
        "orderType": "limit" if report.kind is OrderKind.LIMIT else "market",
        "orderSource": _source(report),
        "presetStopSurplusPrice": "",
        "presetStopLossPrice": "" if kept is None else text(kept.attached_stop_price),
        "reduceOnly": "YES" if report.reduce_only else "NO",
        "cTime": str(report.created_ms),
        "uTime": str(report.updated_ms),
    }


def plan_row(exchange: Exchange, report: OrderReport) -> Row:
    """A row of the plan orders."""
    row: Row = {
        "planType": plan_type(report),
        "symbol": str(report.symbol),
        "size": text(report.quantity),
        "orderId": order_id(report.venue_order_id),
        "clientOid": _client_id(report),
        "price": "0",
        "executePrice": "0",
        "callbackRatio": "",
        "triggerPrice": text(report.trigger_price),
        "triggerType": "mark_price" if report.trigger_source is TriggerSource.MARK else "fill_price",
        "planStatus": _PLAN_STATUS[report.status],
        **_sides(exchange, report),
        "side": str(report.side),
        "marginCoin": "USDT",
        "marginMode": margin_mode(_setting(exchange, report).margin_mode),
        "enterPointSource": "API",
        "orderType": "market",
        "stopSurplusTriggerPrice": "",
        "stopSurplusExecutePrice": "",
        "stopSurplusTriggerType": "fill_price",
        "stopLossTriggerPrice": "",
        "stopLossExecutePrice": "",
        "stopLossTriggerType": "fill_price",
        "cTime": str(report.created_ms),
        "uTime": str(report.updated_ms),
    }
    if report.filled_quantity:
        row |= {
            "executeOrderId": child_id(report.venue_order_id),
            "baseVolume": text(report.filled_quantity),
            "priceAvg": text(report.average_price),
        }
    return row


def algo_row(exchange: Exchange, report: OrderReport) -> Row:
    """A row of the orders-algo channel: other words for the same."""
    row = plan_row(exchange, report)
    for name in ("symbol", "planStatus", "baseVolume", "executeOrderId", "priceAvg", "marginMode"):
        row.pop(name, None)
    return row | {
        "instId": str(report.symbol),
        "planType": _STREAM_PLANS[plan_type(report)],
        "status": _PLAN_STATUS[report.status],
        "actualSize": text(report.filled_quantity),
        "triggerTime": str(report.updated_ms),
        "stpMode": "none",
    }


def stream_order_row(exchange: Exchange, report: OrderReport) -> Row:
    """A row of the orders channel."""
    row = regular_row(exchange, report)
    for name in ("symbol", "state", "fee", "quoteVolume", "orderSource", "totalProfits"):
        row.pop(name)
    return row | {
        "instId": str(report.symbol),
        "accBaseVolume": text(report.filled_quantity),
        "reduceOnly": row["reduceOnly"].lower(),
        "feeDetail": [],
        "pnl": "0",
    }


def fill_row(exchange: Exchange, fill: FillReport) -> Row:
    """A row of the fills; without a client id, and under the id of the order that executed."""
    kept = exchange.state.orders.by_id(fill.venue_order_id)
    hedge = exchange.state.config.hedge
    opening = _opens(fill.side, fill.hedge_side) if fill.hedge_side is not None else not (kept and kept.reducing)
    held = fill.hedge_side or (Side.LONG if (fill.side is OrderSide.BUY) == opening else Side.SHORT)
    trade_side = "open" if opening else "close"
    if not hedge:
        trade_side = f"{fill.side}_single"
    if fill.kind is FillKind.LIQUIDATION:
        trade_side = f"burst_close_{held}" if hedge else f"burst_{fill.side}_single"
    elif fill.kind is FillKind.AUTO_DELEVERAGING:
        trade_side = f"dte_sys_adl_close_{held}" if hedge else f"dte_sys_adl_{fill.side}_in_single_side_mode"
    return {
        "tradeId": str(TRADES + int(fill.fill_id)),
        "symbol": str(fill.symbol),
        "orderId": child_id(fill.venue_order_id) if _is_plan(kept) else order_id(fill.venue_order_id),
        "price": text(fill.price),
        "baseVolume": text(fill.quantity),
        "feeDetail": [
            {
                "deduction": "no",
                "feeCoin": fill.commission_asset,
                "totalDeductionFee": "0",
                "totalFee": text(-fill.commission),
            }
        ],
        "side": str(_ENTRY[held]) if hedge else str(fill.side),
        "quoteVolume": text(fill.quantity * fill.price),
        "profit": "0",
        "enterPointSource": "api",
        "tradeSide": trade_side,
        "posMode": "hedge_mode" if hedge else "one_way_mode",
        "tradeScope": "maker" if fill.maker else "taker",
        "orderType": "market",
        "cTime": str(fill.time_ms),
        "uTime": str(fill.time_ms),
    }


def position_row(report: PositionReport, orders: Sequence[OrderReport] = (), *, hedge: bool) -> Row:
    """A row of the positions; ``orders`` are the working ones, of which the position names its stop."""
    size = text(report.quantity)
    row: Row = {
        "posId": f"9{int(report.side is Side.LONG)}{crc32(report.symbol.encode()):016d}",
        "marginCoin": "USDT",
        "symbol": str(report.symbol),
        "instId": str(report.symbol),
        "holdSide": str(report.side),
        "openDelegateSize": "0",
        "marginSize": text(report.quantity * report.entry_price / report.leverage),
        "available": size,
        "locked": "0",
        "frozen": "0",
        "total": size,
        "leverage": text(report.leverage),
        "achievedProfits": "0",
        "openPriceAvg": text(report.entry_price),
        "marginMode": margin_mode(report.margin_mode),
        "posMode": "hedge_mode" if hedge else "one_way_mode",
        "unrealizedPL": text(report.unrealized_pnl),
        "liquidationPrice": text(report.liquidation_price or Decimal(0)),
        "keepMarginRate": "0.004",
        "markPrice": text(report.mark_price),
        "marginRatio": "0.01",
        "breakEvenPrice": text(report.entry_price),
        "totalFee": "0",
        "deductedFee": "0",
        "grant": "",
        "assetMode": "single",
        "autoMargin": "off",
        "takeProfit": "",
        "stopLoss": "",
        "takeProfitId": "",
        "stopLossId": "",
        "cTime": str(report.updated_ms),
        "uTime": str(report.updated_ms),
    }
    for order in orders:
        own = (order.symbol, order.hedge_side) == (report.symbol, report.hedge_side)
        if own and order.kind is OrderKind.STOP_MARKET and order.quantity is None:
            row |= {"stopLoss": text(order.trigger_price), "stopLossId": order_id(order.venue_order_id)}
    return row


def ids_row(report: OrderReport) -> Row:
    """What an order's acceptance says: nothing but its ids."""
    return {"clientOid": _client_id(report), "orderId": order_id(report.venue_order_id)}


def margin_mode(mode: MarginMode) -> str:
    """Bitget's word for it."""
    return "isolated" if mode is MarginMode.ISOLATED else "crossed"


def symbol_of(row: Mapping[str, Any]) -> Symbol:
    """The symbol that a request names."""
    return Symbol(str(row.get("symbol") or ""))


def _client_id(report: OrderReport) -> str:
    return str(report.client_order_id or _CLIENTS + int(report.venue_order_id))


def _is_plan(kept: SimOrder | None) -> bool:
    return kept is not None and kept.kind in CONDITIONAL


def _source(report: OrderReport) -> str:
    if report.kind not in CONDITIONAL:
        return "normal" if report.kind is OrderKind.LIMIT else "market"
    return f"{plan_type(report).removesuffix('_plan')}_market"


def _opens(side: OrderSide, hedge_side: Side) -> bool:
    return side is _ENTRY[hedge_side]


def _sides(exchange: Exchange, report: OrderReport) -> Row:
    """A close in hedge mode is written with the side of its position."""
    held = report.hedge_side
    if not exchange.state.config.hedge or held is None:
        return {
            "side": str(report.side),
            "posSide": "net",
            "tradeSide": f"{report.side}_single",
            "posMode": "one_way_mode",
        }
    trade_side = "open" if _opens(report.side, held) else "close"
    return {"side": str(_ENTRY[held]), "posSide": str(held), "tradeSide": trade_side, "posMode": "hedge_mode"}


def _setting(exchange: Exchange, report: OrderReport) -> Any:
    return exchange.state.account.setting((report.symbol, report.hedge_side))
