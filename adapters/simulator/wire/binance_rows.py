"""The simulated exchange's values as Binance writes them: ids are integers, figures are padded text.

The engine has one list of orders and one id for each; Binance has two. A conditional order has an algo id, and, once it
has triggered, a regular order as its child, which carries its client id.
"""

from decimal import Decimal
from typing import Any, Final

from messages.instruments import Instrument
from messages.market import Tick
from messages.orders import BalanceReport, FillReport, FundingReport, OrderReport, OrderStatus, PositionReport
from messages.values import (
    ZERO,
    MarginMode,
    OrderKind,
    OrderSide,
    Side,
    TriggerSource,
    VenueOrderId,
)

Row = dict[str, Any]

REGULAR_FROM: Final = 8_000_000_000
ALGO_FROM: Final = 2_000_000
CONDITIONAL: Final = frozenset({OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET})
_STATUSES: Final = {
    OrderStatus.WORKING: "NEW",
    OrderStatus.FILLED: "FILLED",
    OrderStatus.CANCELLED: "CANCELED",
    OrderStatus.REJECTED: "REJECTED",
    OrderStatus.EXPIRED: "EXPIRED",
}
_POSITION_SIDES: Final = {None: "BOTH", Side.LONG: "LONG", Side.SHORT: "SHORT"}


def regular_id(venue_order_id: VenueOrderId) -> int:
    """The id of a regular order, or of the child of a conditional one."""
    return REGULAR_FROM + int(venue_order_id)


def algo_id(venue_order_id: VenueOrderId) -> int:
    """The id of a conditional order."""
    return ALGO_FROM + int(venue_order_id)


def engine_id(text: str, first: int) -> VenueOrderId:
    """The engine's id for one of the wire's; one that is none finds nothing."""
    return VenueOrderId(f"{int(text) - first}" if text.isdigit() else "none")


def is_conditional(report: OrderReport) -> bool:
    """Whether it is an algo order."""
    return report.kind in CONDITIONAL


def has_child(report: OrderReport) -> bool:
    """Whether a conditional order triggered, so that there is a regular order of it."""
    return is_conditional(report) and report.filled_quantity > 0


def client_id_of(report: OrderReport) -> str:
    """Orders that nobody sent were the venue's own."""
    return report.client_order_id or f"autoclose-{report.venue_order_id}"


def status_of(report: OrderReport) -> str:
    """Of a regular order."""
    if report.status is OrderStatus.WORKING and report.filled_quantity:
        return "PARTIALLY_FILLED"
    return _STATUSES[report.status]


def algo_status_of(report: OrderReport) -> str:
    """Of a conditional order."""
    if report.status is OrderStatus.FILLED:
        return "FINISHED"
    return "TRIGGERED" if has_child(report) else _STATUSES[report.status]


def type_of(kind: OrderKind) -> str:
    """The venue's word."""
    return kind.value.upper()


def side_of(side: OrderSide) -> str:
    """The venue's word."""
    return side.value.upper()


def position_side_of(hedge_side: Side | None) -> str:
    """``BOTH`` in one-way mode."""
    return _POSITION_SIDES[hedge_side]


def working_type_of(source: TriggerSource) -> str:
    """The venue's word."""
    return "MARK_PRICE" if source is TriggerSource.MARK else "CONTRACT_PRICE"


def padded(value: Decimal | None, step: Decimal) -> str:
    """A figure with as many places as its step has."""
    places = max(0, -int(step.normalize().as_tuple().exponent))
    return f"{value or ZERO:.{places}f}"


def figure(value: Decimal) -> str:
    """Money and the like: eight places."""
    return f"{value:.8f}"


def regular_row(report: OrderReport, instrument: Instrument, *, created: bool = False) -> Row:
    """A regular order. Since July 2026 the answers to create, cancel and modify say no average price."""
    quantity = report.quantity if report.quantity is not None else report.filled_quantity
    order_type = "MARKET" if is_conditional(report) else type_of(report.kind)
    row = {
        "orderId": regular_id(report.venue_order_id),
        "symbol": report.symbol,
        "status": status_of(report),
        "clientOrderId": client_id_of(report),
        "price": padded(report.price, instrument.price_tick),
        "origQty": padded(quantity, instrument.quantity_step),
        "executedQty": padded(report.filled_quantity, instrument.quantity_step),
        "cumQty": padded(report.filled_quantity, instrument.quantity_step),
        "timeInForce": "GTC",
        "type": order_type,
        "reduceOnly": report.reduce_only and report.hedge_side is None,
        "closePosition": False,
        "side": side_of(report.side),
        "positionSide": position_side_of(report.hedge_side),
        "stopPrice": "0",
        "workingType": working_type_of(report.trigger_source),
        "priceProtect": False,
        "origType": order_type,
        "priceMatch": "NONE",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "goodTillDate": 0,
        "updateTime": report.updated_ms,
    }
    if not created:
        average = report.average_price or ZERO
        row |= {
            "avgPrice": f"{average:.5f}",
            "cumQuote": figure(average * report.filled_quantity),
            "time": report.created_ms,
        }
    return row


def algo_row(report: OrderReport, instrument: Instrument, *, whole: bool = False) -> Row:
    """A conditional order; ``whole`` adds what only the query of one order says."""
    row = {
        "algoId": algo_id(report.venue_order_id),
        "clientAlgoId": client_id_of(report),
        "algoType": "CONDITIONAL",
        "orderType": type_of(report.kind),
        "symbol": report.symbol,
        "side": side_of(report.side),
        "positionSide": position_side_of(report.hedge_side),
        "timeInForce": "GTC",
        "quantity": padded(report.quantity, instrument.quantity_step),
        "algoStatus": algo_status_of(report),
        "triggerPrice": padded(report.trigger_price, instrument.price_tick),
        "price": padded(report.price, instrument.price_tick),
        "icebergQuantity": None,
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "workingType": working_type_of(report.trigger_source),
        "priceMatch": "NONE",
        "closePosition": report.quantity is None,
        "priceProtect": False,
        "reduceOnly": report.reduce_only and report.hedge_side is None,
        "createTime": report.created_ms,
        "updateTime": report.updated_ms,
        "triggerTime": report.updated_ms if has_child(report) else 0,
        "goodTillDate": 0,
    }
    if whole:
        row |= {
            "actualOrderId": f"{regular_id(report.venue_order_id)}" if has_child(report) else "",
            "actualPrice": f"{report.average_price or ZERO:.5f}",
        }
    return row


def position_row(position: PositionReport, instrument: Instrument) -> Row:
    """A row of positionRisk, version 3: the leverage is not in it."""
    sign = 1 if position.side is Side.LONG else -1
    notional = position.quantity * instrument.contract_size * position.mark_price
    margin = notional / position.leverage
    isolated = position.margin_mode is MarginMode.ISOLATED
    return {
        "symbol": position.symbol,
        "positionSide": position_side_of(position.hedge_side),
        "positionAmt": padded(sign * position.quantity, instrument.quantity_step),
        "entryPrice": figure(position.entry_price),
        "breakEvenPrice": figure(position.entry_price),
        "markPrice": figure(position.mark_price),
        "unRealizedProfit": figure(position.unrealized_pnl),
        "liquidationPrice": figure(position.liquidation_price or ZERO),
        "isolatedMargin": figure(margin + position.unrealized_pnl if isolated else ZERO),
        "notional": figure(sign * notional),
        "marginAsset": "USDT",
        "isolatedWallet": figure(margin if isolated else ZERO),
        "initialMargin": figure(margin),
        "maintMargin": figure(notional * instrument.maintenance_margin_rate),
        "positionInitialMargin": figure(margin),
        "openOrderInitialMargin": "0",
        "adl": 1,
        "bidNotional": "0",
        "askNotional": "0",
        "updateTime": position.updated_ms,
    }


def account_row(balance: BalanceReport, now_ms: int) -> Row:
    """The account's money."""
    wallet, equity, available = figure(balance.wallet), figure(balance.equity), figure(balance.available)
    profit = figure(balance.equity - balance.wallet)
    return {
        "totalInitialMargin": "0",
        "totalMaintMargin": "0",
        "totalWalletBalance": wallet,
        "totalUnrealizedProfit": profit,
        "totalMarginBalance": equity,
        "totalCrossWalletBalance": wallet,
        "totalCrossUnPnl": profit,
        "availableBalance": available,
        "maxWithdrawAmount": available,
        "assets": [
            {
                "asset": "USDT",
                "walletBalance": wallet,
                "unrealizedProfit": profit,
                "marginBalance": equity,
                "maintMargin": "0",
                "initialMargin": "0",
                "crossWalletBalance": wallet,
                "crossUnPnl": profit,
                "availableBalance": available,
                "maxWithdrawAmount": available,
                "updateTime": now_ms,
            }
        ],
        "positions": [],
    }


def trade_row(fill: FillReport, instrument: Instrument) -> Row:
    """An execution."""
    return {
        "buyer": fill.side is OrderSide.BUY,
        "commission": figure(fill.commission),
        "commissionAsset": fill.commission_asset,
        "id": int(fill.fill_id),
        "maker": fill.maker,
        "orderId": regular_id(fill.venue_order_id),
        "price": padded(fill.price, instrument.price_tick),
        "qty": padded(fill.quantity, instrument.quantity_step),
        "quoteQty": figure(fill.price * fill.quantity),
        "realizedPnl": "0",
        "side": side_of(fill.side),
        "positionSide": position_side_of(fill.hedge_side),
        "symbol": fill.symbol,
        "time": fill.time_ms,
    }


def funding_row(payment: FundingReport) -> Row:
    """A funding payment, as income."""
    return {
        "symbol": payment.symbol,
        "incomeType": "FUNDING_FEE",
        "income": figure(payment.amount),
        "asset": "USDT",
        "info": "FUNDING_FEE",
        "time": payment.time_ms,
        "tranId": int(payment.funding_id),
        "tradeId": "",
    }


NEVER_MS: Final = 4_133_404_800_000
"""The year 2100, which Binance writes for a perpetual that goes on."""


def listed_row(instrument: Instrument) -> Row:
    """A symbol of exchangeInfo."""
    base = instrument.symbol.removesuffix("USDT")
    step, most = f"{instrument.quantity_step:f}", f"{instrument.max_quantity or Decimal(10_000_000):f}"
    least, most_at_market = f"{instrument.min_quantity:f}", f"{instrument.max_market_quantity or Decimal(most):f}"
    return {
        "symbol": instrument.symbol,
        "pair": instrument.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": instrument.ends_ms or NEVER_MS,
        "onboardDate": 1569398400000,
        "status": "TRADING" if instrument.trading else "SETTLING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": base,
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": 8,
        "quantityPrecision": 8,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012000",
        "marketTakeBound": "0.30",
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": f"{instrument.price_tick:f}",
                "maxPrice": "100000000",
                "tickSize": f"{instrument.price_tick:f}",
            },
            {"filterType": "LOT_SIZE", "stepSize": step, "minQty": least, "maxQty": most},
            {"filterType": "MARKET_LOT_SIZE", "stepSize": step, "minQty": least, "maxQty": most_at_market},
            {"filterType": "MAX_NUM_ORDERS", "limit": 200},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 10},
            {"filterType": "MIN_NOTIONAL", "notional": f"{instrument.min_notional:f}"},
            {"filterType": "PERCENT_PRICE", "multiplierDown": "0.95", "multiplierUp": "1.05", "multiplierDecimal": "4"},
        ],
        "orderTypes": ["LIMIT", "MARKET", "STOP_MARKET", "TAKE_PROFIT_MARKET"],
        "timeInForce": ["GTC"],
    }


def bracket_row(instrument: Instrument) -> Row:
    """A ladder of one step: the engine has one maintenance rate a symbol."""
    step = {
        "bracket": 1,
        "initialLeverage": 125,
        "notionalCap": 1_000_000_000,
        "notionalFloor": 0,
        "maintMarginRatio": float(instrument.maintenance_margin_rate),
        "cum": 0.0,
    }
    return {"symbol": instrument.symbol, "notionalCoef": 1.0, "brackets": [step]}


def ticker_row(tick: Tick) -> Row:
    """The day's figures, as far as the engine knows them."""
    last = f"{tick.last:f}"
    return {
        "symbol": tick.symbol,
        "priceChange": "0",
        "priceChangePercent": "0",
        "weightedAvgPrice": last,
        "lastPrice": last,
        "lastQty": "0",
        "openPrice": last,
        "highPrice": f"{tick.high:f}",
        "lowPrice": f"{tick.low:f}",
        "volume": "0",
        "quoteVolume": "0",
        "openTime": tick.time_ms,
        "closeTime": tick.time_ms,
        "firstId": 0,
        "lastId": 0,
        "count": 0,
    }


def premium_row(tick: Tick) -> Row:
    """The mark price."""
    mark = figure(tick.mark)
    return {
        "symbol": tick.symbol,
        "markPrice": mark,
        "indexPrice": mark,
        "estimatedSettlePrice": mark,
        "lastFundingRate": "0",
        "nextFundingTime": 0,
        "interestRate": "0",
        "time": tick.time_ms,
    }
