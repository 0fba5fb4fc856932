"""The engine's orders, fills, positions and instruments as Bybit V5 shows them, in REST answers and on streams."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias

from adapters.simulator.account import SimPosition
from adapters.simulator.engine import Exchange
from adapters.simulator.state import exit_side
from messages.instruments import Instrument
from messages.market import Tick
from messages.orders import FillKind, FillReport, FundingReport, OrderReport, OrderStatus, PositionReport
from messages.values import ZERO, OrderKind, OrderSide, Side, Symbol, TriggerSource, VenueOrderId

Row: TypeAlias = dict[str, Any]

SIDES: Final = {OrderSide.BUY: "Buy", OrderSide.SELL: "Sell"}
POSITION_SIDES: Final = {Side.LONG: "Buy", Side.SHORT: "Sell"}
INDICES: Final = {None: 0, Side.LONG: 1, Side.SHORT: 2}
HEDGE_SIDES: Final[Mapping[int, Side | None]] = {0: None, 1: Side.LONG, 2: Side.SHORT}
_SOURCES: Final = {TriggerSource.MARK: "MarkPrice", TriggerSource.LAST: "LastPrice"}
_FILL_KINDS: Final = {
    FillKind.TRADE: "Trade",
    FillKind.LIQUIDATION: "BustTrade",
    FillKind.AUTO_DELEVERAGING: "AdlTrade",
}
_ID_TAIL: Final = 16**12
CONDITIONAL: Final = (OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET)


def native_id(number: str) -> str:
    """An engine's number in the form of the venue's ids."""
    value = int(number) if number.isdigit() else 0
    return f"c6f0{value // _ID_TAIL:04x}-7f21-4079-913d-{value % _ID_TAIL:012x}"


def engine_id(native: str) -> VenueOrderId:
    """Back again; an id that is none of ours finds nothing."""
    head, _, tail = native.partition("-")
    try:
        return VenueOrderId(str(int(head[4:], 16) * _ID_TAIL + int(tail[-12:], 16)))
    except ValueError:
        return VenueOrderId("")


def number(value: Decimal | None) -> str:
    """A number as the venue writes it; nothing is an empty string."""
    return "" if value is None else f"{value:f}"


def order_row(exchange: Exchange, report: OrderReport) -> Row:
    """An order of ``report``'s condition; what reports do not carry comes from ``exchange``."""
    order = exchange.state.orders.by_id(report.venue_order_id)
    conditional = report.kind in CONDITIONAL
    quantity = report.quantity
    if quantity is None:
        position = exchange.state.account.positions.get((report.symbol, report.hedge_side))
        quantity = report.filled_quantity or (position.quantity if position is not None else ZERO)
    attached = None if order is None else order.attached_stop_price
    parent = None if order is None or order.parent is None else exchange.state.orders.by_id(order.parent)
    triggered = order is not None and order.triggered
    return {
        "orderId": native_id(report.venue_order_id),
        "orderLinkId": report.client_order_id or "",
        "parentOrderLinkId": "" if parent is None else parent.client_order_id or "",
        "blockTradeId": "",
        "symbol": report.symbol,
        "price": number(report.price) or "0",
        "qty": number(quantity),
        "side": SIDES[report.side],
        "isLeverage": "",
        "positionIdx": INDICES[report.hedge_side],
        "orderStatus": _status(report, conditional=conditional, triggered=triggered),
        "createType": _create_type(report),
        "cancelType": "UNKNOWN" if report.status is not OrderStatus.CANCELLED else "CancelByUser",
        "rejectReason": report.reject_reason if report.status is OrderStatus.REJECTED else "EC_NoError",
        "avgPrice": number(report.average_price),
        "leavesQty": number(quantity - report.filled_quantity if report.status is OrderStatus.WORKING else ZERO),
        "cumExecQty": number(report.filled_quantity),
        "cumExecValue": number((report.average_price or ZERO) * report.filled_quantity),
        "cumExecFee": "0",
        "timeInForce": "GTC" if report.kind is OrderKind.LIMIT else "IOC",
        "orderType": "Limit" if report.kind is OrderKind.LIMIT else "Market",
        "stopOrderType": _stop_order_type(report),
        "triggerPrice": number(report.trigger_price),
        "takeProfit": "",
        "stopLoss": number(attached),
        "tpslMode": "Full" if report.quantity is None else ("Partial" if _is_partial(report) else ""),
        "tpTriggerBy": "",
        "slTriggerBy": "",
        "triggerDirection": _direction(report) if conditional else 0,
        "triggerBy": _SOURCES[report.trigger_source] if conditional else "",
        "reduceOnly": report.reduce_only,
        "closeOnTrigger": report.quantity is None,
        "smpType": "None",
        "createdTime": str(report.created_ms),
        "updatedTime": str(report.updated_ms),
    }


def execution_row(exchange: Exchange, fill: FillReport) -> Row:
    """A fill."""
    order = exchange.state.orders.by_id(fill.venue_order_id)
    closes = order is not None and order.reducing
    value = fill.price * fill.quantity
    return {
        "symbol": fill.symbol,
        "orderId": native_id(fill.venue_order_id),
        "orderLinkId": fill.client_order_id or "",
        "side": SIDES[fill.side],
        "orderType": "Limit" if order is not None and order.kind is OrderKind.LIMIT else "Market",
        "stopOrderType": "UNKNOWN" if order is None or not order.conditional else "StopLoss",
        "execTime": str(fill.time_ms),
        "feeCurrency": "",
        "isMaker": fill.maker,
        "execFee": number(fill.commission),
        "feeRate": number((fill.commission / value).quantize(Decimal("0.000001"))) if value else "0",
        "execId": native_id(fill.fill_id),
        "execPrice": number(fill.price),
        "execValue": number(value),
        "execType": _FILL_KINDS[fill.kind],
        "execQty": number(fill.quantity),
        "leavesQty": "0",
        "closedSize": number(fill.quantity) if closes else "0",
        "seq": int(fill.fill_id) if fill.fill_id.isdigit() else 0,
    }


def funding_row(payment: FundingReport) -> Row:
    """A funding payment: the fee is what was paid, so that income is negative."""
    return {
        "symbol": payment.symbol,
        "orderId": "",
        "orderLinkId": "",
        "side": POSITION_SIDES.get(payment.hedge_side, "Buy") if payment.hedge_side else "Buy",
        "orderType": "UNKNOWN",
        "stopOrderType": "UNKNOWN",
        "execTime": str(payment.time_ms),
        "feeCurrency": "",
        "isMaker": False,
        "execFee": number(-payment.amount),
        "feeRate": "0.0001",
        "execId": native_id(payment.funding_id),
        "execPrice": "0",
        "execValue": "0",
        "execType": "Funding",
        "execQty": "0",
        "leavesQty": "0",
        "closedSize": "",
        "seq": 0,
    }


def position_row(exchange: Exchange, report: PositionReport, *, stream: bool = False) -> Row:
    """An open position."""
    key = (report.symbol, report.hedge_side)
    kept = exchange.state.account.positions.get(key)
    side = exit_side(report.side)
    stops = [each for each in exchange.state.reducing_orders(key, side) if each.is_stop and each.quantity is None]
    return {
        **_position(report.symbol, report.hedge_side, report.leverage, exchange, stream=stream),
        "side": POSITION_SIDES[report.side],
        "size": number(report.quantity),
        "entryPrice" if stream else "avgPrice": number(report.entry_price),
        "positionValue": number(report.quantity * report.entry_price),
        "markPrice": number(report.mark_price),
        "liqPrice": number(report.liquidation_price),
        "positionIM": number(kept.margin if kept is not None else ZERO),
        "stopLoss": number(stops[0].trigger_price) if stops else "",
        "unrealisedPnl": number(report.unrealized_pnl),
        "updatedTime": str(report.updated_ms),
    }


def flat_row(exchange: Exchange, symbol: Symbol, side: Side | None, *, stream: bool = False) -> Row:
    """A position of size zero, as the venue shows it where it is asked for by symbol."""
    leverage = Decimal(exchange.state.account.setting((symbol, side)).leverage)
    return _position(symbol, side, leverage, exchange, stream=stream)


def instrument_row(instrument: Instrument) -> Row:
    """A perpetual's trading rules."""
    base = instrument.symbol.removesuffix("USDT")
    return {
        "symbol": instrument.symbol,
        "contractType": "LinearPerpetual",
        "status": "Trading" if instrument.trading else "Closed",
        "baseCoin": base,
        "quoteCoin": "USDT",
        "settleCoin": "USDT",
        "launchTime": "1585526400000",
        "deliveryTime": str(instrument.ends_ms or 0),
        "deliveryFeeRate": "",
        "priceScale": "2",
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "125.00", "leverageStep": "0.01"},
        "priceFilter": {
            "minPrice": number(instrument.price_tick),
            "maxPrice": "1999999.80",
            "tickSize": number(instrument.price_tick),
        },
        "lotSizeFilter": {
            "maxOrderQty": number(instrument.max_quantity),
            "minOrderQty": number(instrument.min_quantity),
            "qtyStep": number(instrument.quantity_step),
            "maxMktOrderQty": number(instrument.max_market_quantity),
            "minNotionalValue": number(instrument.min_notional),
        },
        "unifiedMarginTrade": True,
        "fundingInterval": 480,
        "copyTrading": "none",
        "isPreListing": False,
    }


def ticker_row(tick: Tick) -> Row:
    """Prices of one symbol."""
    return {
        "symbol": tick.symbol,
        "lastPrice": number(tick.last),
        "markPrice": number(tick.mark),
        "indexPrice": number(tick.mark),
        "bid1Price": number(tick.bid),
        "bid1Size": "1",
        "ask1Price": number(tick.ask),
        "ask1Size": "1",
        "fundingRate": "0.0001",
        "nextFundingTime": "0",
        "prevPrice24h": number(tick.last),
        "highPrice24h": number(tick.high),
        "lowPrice24h": number(tick.low),
        "volume24h": "1",
        "turnover24h": "1",
    }


def balance_row(exchange: Exchange, positions: Sequence[SimPosition], order_margin: Decimal, *, isolated: bool) -> Row:
    """The unified account; with isolated margin it has no available balance of its own."""
    balance = exchange.balance()
    return {
        "accountType": "UNIFIED",
        "totalEquity": number(balance.equity),
        "totalWalletBalance": number(balance.wallet),
        "totalAvailableBalance": "" if isolated else number(balance.available),
        "coin": [
            {
                "coin": "USDT",
                "equity": number(balance.equity),
                "walletBalance": number(balance.wallet),
                "usdValue": number(balance.equity),
                "unrealisedPnl": number(balance.equity - balance.wallet),
                "totalPositionIM": number(sum((each.margin for each in positions), ZERO)),
                "totalOrderIM": number(order_margin),
                "locked": "0",
                "availableToWithdraw": "",
                "borrowAmount": "0",
            }
        ],
    }


def _position(symbol: Symbol, side: Side | None, leverage: Decimal, exchange: Exchange, *, stream: bool) -> Row:
    return {
        "positionIdx": INDICES[side],
        "symbol": symbol,
        "side": "",
        "size": "0",
        "entryPrice" if stream else "avgPrice": "0",
        "positionValue": "",
        "tradeMode": 0,
        "positionStatus": "Normal",
        "leverage": number(leverage),
        "markPrice": number(exchange.state.markets[symbol].mark),
        "liqPrice": "",
        "tpslMode": "Full",
        "takeProfit": "",
        "stopLoss": "",
        "trailingStop": "0",
        "unrealisedPnl": "",
        "cumRealisedPnl": "0",
        "seq": exchange.state.sequence,
        "isReduceOnly": False,
        "createdTime": str(exchange.state.now_ms),
        "updatedTime": str(exchange.state.now_ms),
    }


def _status(report: OrderReport, *, conditional: bool, triggered: bool) -> str:
    match report.status:
        case OrderStatus.WORKING if report.filled_quantity:
            return "PartiallyFilled"
        case OrderStatus.WORKING:
            return "Untriggered" if conditional and not triggered else "New"
        case OrderStatus.FILLED:
            return "Filled"
        case OrderStatus.REJECTED:
            return "Rejected"
        case OrderStatus.CANCELLED | OrderStatus.EXPIRED:
            return "Deactivated" if conditional and not triggered else "Cancelled"


def _is_partial(report: OrderReport) -> bool:
    return report.kind in CONDITIONAL and report.client_order_id is None


def _stop_order_type(report: OrderReport) -> str:
    if report.kind not in CONDITIONAL:
        return ""
    name = "StopLoss" if report.kind is OrderKind.STOP_MARKET else "TakeProfit"
    if report.quantity is None:
        return name
    return f"Partial{name}" if _is_partial(report) else "Stop"


def _create_type(report: OrderReport) -> str:
    kind = _stop_order_type(report)
    return {"": "CreateByUser", "Stop": "CreateByStopOrder"}.get(kind, f"CreateBy{kind}")


def _direction(report: OrderReport) -> int:
    rises = (report.kind is OrderKind.STOP_MARKET) == (report.side is OrderSide.BUY)
    return 1 if rises else 2
