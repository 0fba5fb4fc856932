"""What the engine knows, as OKX's rows. Everything is text; ids are long numbers that differ by what they name."""

from decimal import Decimal
from typing import Final, TypeAlias

from adapters.simulator.orders import CONDITIONAL
from adapters.venues.okx_rows import QUOTE, instrument_of, text_of
from messages.orders import (
    FillKind,
    FillReport,
    OrderReport,
    OrderStatus,
)
from messages.values import MarginMode, OrderKind, OrderSide, Side, TriggerSource, VenueOrderId

Row: TypeAlias = dict[str, object]
ORDERS: Final = 312_269_865_356_000_000
ALGOS: Final = 1_836_487_817_828_000_000
CHILDREN: Final = 2_497_956_918_703_000_000
BILLS: Final = 4_100_000_000_000_000
_ROOM: Final = 1_000_000_000_000
"""How many numbers of each kind there may be before two kinds meet."""
_ORDER_STATES: Final = {
    OrderStatus.WORKING: "live",
    OrderStatus.FILLED: "filled",
    OrderStatus.CANCELLED: "canceled",
    OrderStatus.EXPIRED: "canceled",
    OrderStatus.REJECTED: "canceled",
}
ALGO_STATES: Final = {
    OrderStatus.WORKING: "live",
    OrderStatus.FILLED: "effective",
    OrderStatus.CANCELLED: "canceled",
    OrderStatus.EXPIRED: "order_failed",
    OrderStatus.REJECTED: "order_failed",
}
SOURCES: Final = {TriggerSource.MARK: "mark", TriggerSource.LAST: "last"}
_LIQUIDATIONS: Final = {OrderSide.SELL: "104", OrderSide.BUY: "105"}
_CATEGORIES: Final = {
    FillKind.TRADE: "normal",
    FillKind.LIQUIDATION: "full_liquidation",
    FillKind.AUTO_DELEVERAGING: "adl",
}


def order_id(number: str) -> str:
    """A regular order's id."""
    return str(ORDERS + int(number))


def algo_id(number: str) -> str:
    """An algo order's id."""
    return str(ALGOS + int(number))


def child_id(number: str) -> str:
    """The id of the order that an algo order sends when it triggers."""
    return str(CHILDREN + int(number))


def number_in(own_id: str) -> VenueOrderId | None:
    """The engine's number of an order, whichever of its ids this is."""
    if own_id.isdecimal():
        for kind in (ORDERS, ALGOS, CHILDREN):
            if 0 < int(own_id) - kind < _ROOM:
                return VenueOrderId(str(int(own_id) - kind))
    return None


def is_child_id(own_id: str) -> bool:
    """Whether it is the id of what an algo order has sent."""
    return own_id.isdecimal() and 0 < int(own_id) - CHILDREN < _ROOM


def text_or_empty(number: Decimal | None) -> str:
    """A number, or nothing."""
    return "" if number is None else text_of(number)


def pos_side_of(hedge_side: Side | None) -> str:
    """``net`` in one-way mode."""
    return "net" if hedge_side is None else hedge_side.value


def order_row(report: OrderReport, *, lever: str, mode: MarginMode, kind: FillKind = FillKind.TRADE) -> Row:
    """A regular order."""
    state = _ORDER_STATES[report.status]
    if state == "live" and report.filled_quantity:
        state = "partially_filled"
    return {
        **_EMPTY_ORDER,
        "accFillSz": text_of(report.filled_quantity),
        "avgPx": text_or_empty(report.average_price),
        "cTime": str(report.created_ms),
        "cancelSourceReason": report.reject_reason,
        "category": _CATEGORIES[kind],
        "clOrdId": report.client_order_id or "",
        "instId": instrument_of(report.symbol),
        "lever": lever,
        "ordId": order_id(report.venue_order_id),
        "ordType": "limit" if report.kind is OrderKind.LIMIT else "market",
        "posSide": pos_side_of(report.hedge_side),
        "px": text_or_empty(report.price),
        "reduceOnly": "true" if report.reduce_only and report.hedge_side is None else "false",
        "side": report.side.value,
        "state": state,
        "sz": text_or_empty(report.quantity),
        "tdMode": mode.value,
        "uTime": str(report.updated_ms),
    }


def child_row(algo: OrderReport, *, lever: str, mode: MarginMode) -> Row:
    """The market order that a triggered algo order has sent."""
    own_id = algo_id(algo.venue_order_id)
    row = order_row(algo, lever=lever, mode=mode)
    filled = algo.status is OrderStatus.FILLED
    return row | {
        "algoClOrdId": algo.client_order_id or "",
        "algoId": own_id,
        "clOrdId": f"O{own_id}",
        "ordId": child_id(algo.venue_order_id),
        "ordType": "market",
        "px": "",
        "source": "7",
        "state": "filled" if filled else "partially_filled" if algo.filled_quantity else "live",
        "sz": text_or_empty(algo.quantity if algo.quantity is not None else algo.filled_quantity),
    }


def with_fill(row: Row, fill: FillReport, fee_so_far: Decimal) -> Row:
    """An order's push that is about an execution; ``fee`` is the order's so far, ``fillFee`` the execution's."""
    return row | {
        "category": _CATEGORIES[fill.kind],
        "execType": "M" if fill.maker else "T",
        "fee": text_of(-fee_so_far),
        "fillFee": text_of(-fill.commission),
        "fillFeeCcy": fill.commission_asset,
        "fillPx": text_of(fill.price),
        "fillSz": text_of(fill.quantity),
        "fillTime": str(fill.time_ms),
        "tradeId": fill.fill_id,
    }


def algo_row(report: OrderReport, *, last: Decimal, lever: str, mode: MarginMode) -> Row:
    """A conditional order."""
    side = "sl" if report.kind is OrderKind.STOP_MARKET else "tp"
    state = ALGO_STATES[report.status]
    child = child_id(report.venue_order_id) if report.filled_quantity else ""
    return {
        **_EMPTY_ALGO,
        "actualPx": text_or_empty(report.average_price),
        "actualSide": side if report.filled_quantity else "",
        "actualSz": text_of(report.filled_quantity),
        "algoClOrdId": report.client_order_id or "",
        "algoId": algo_id(report.venue_order_id),
        "cTime": str(report.created_ms),
        "closeFraction": "1" if report.quantity is None else "",
        "failCode": "51169" if state == "order_failed" else "",
        "instId": instrument_of(report.symbol),
        "last": text_of(last),
        "lever": lever,
        "ordId": child,
        "ordIdList": [child] if child else [],
        "posSide": pos_side_of(report.hedge_side),
        "reduceOnly": "true" if report.reduce_only and report.hedge_side is None else "false",
        "side": report.side.value,
        f"{side}OrdPx": "-1",
        f"{side}TriggerPx": text_or_empty(report.trigger_price),
        f"{side}TriggerPxType": SOURCES[report.trigger_source],
        "state": state,
        "sz": text_or_empty(report.quantity),
        "tdMode": mode.value,
        "triggerTime": str(report.updated_ms) if child else "",
        "uTime": str(report.updated_ms),
    }


def fill_row(fill: FillReport, *, conditional: bool) -> Row:
    """An execution; of an algo order, it is its child's, which does not say whose child it is but for a prefix."""
    number = fill.venue_order_id
    opens = "1" if fill.side is OrderSide.BUY else "2"
    return {
        **_EMPTY_FILL,
        "billId": str(BILLS + int(fill.fill_id)),
        "clOrdId": f"O{algo_id(number)}" if conditional else fill.client_order_id or "",
        "execType": "M" if fill.maker else "T",
        "fee": text_of(-fill.commission),
        "feeCcy": fill.commission_asset,
        "fillPx": text_of(fill.price),
        "fillSz": text_of(fill.quantity),
        "fillTime": str(fill.time_ms),
        "instId": instrument_of(fill.symbol),
        "ordId": child_id(number) if conditional else order_id(number),
        "posSide": pos_side_of(fill.hedge_side),
        "side": fill.side.value,
        "subType": _LIQUIDATIONS[fill.side] if fill.kind is FillKind.LIQUIDATION else opens,
        "tradeId": fill.fill_id,
        "ts": str(fill.time_ms),
    }


def empty_row(names: str, **filled: object) -> Row:
    """A row with nothing in these fields."""
    return {"instType": "SWAP", **dict.fromkeys(names.split(), ""), **filled}


_EMPTY_ORDER: Final = empty_row(
    "algoClOrdId algoId attachAlgoClOrdId cancelSource ccy execType fillPx fillTime pxType pxUsd pxVol quickMgnType"
    " slOrdPx slTriggerPx slTriggerPxType source stpId tag tgtCcy tpOrdPx tpTriggerPx tpTriggerPxType tradeId",
    attachAlgoOrds=[],
    fee="0",
    feeCcy=QUOTE,
    fillSz="0",
    isTpLimit="false",
    linkedAlgoOrd={"algoId": ""},
    pnl="0",
    rebate="0",
    rebateCcy=QUOTE,
    stpMode="cancel_maker",
)
_EMPTY_ALGO: Final = empty_row(
    "activePx callbackRatio callbackSpread ccy clOrdId moveTriggerPx ordPx pxLimit pxSpread pxVar quickMgnType"
    " slOrdPx slTriggerPx slTriggerPxType szLimit tag tgtCcy timeInterval tpOrdPx tpTriggerPx tpTriggerPxType"
    " triggerPx triggerPxType",
    amendPxOnTriggerType="0",
    attachAlgoOrds=[],
    linkedOrd={"ordId": ""},
    ordType="conditional",
)
_EMPTY_FILL: Final = empty_row(
    "fillFwdPx fillIdxPx fillMarkPx fillMarkVol fillPxUsd fillPxVol tag", feeRate="-0.0005", fillPnl="0"
)


def is_conditional(kind: OrderKind) -> bool:
    """Whether it is in the list of algo orders."""
    return kind in CONDITIONAL
