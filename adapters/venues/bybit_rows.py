"""Bybit's rows of orders, executions and positions, the same in REST answers and in stream messages, as our reports.

Numbers are strings that may be empty; fields we do not read are ignored, so that the venue may add more. A word that we
do not know raises :class:`UnknownWordError`: the caller decides what that is worth.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final, TypeVar

import msgspec

from messages.orders import FillKind, FillReport, FundingReport, OrderReport, OrderStatus, PositionReport
from messages.values import (
    ZERO,
    ClientOrderId,
    MarginMode,
    OrderKind,
    OrderSide,
    Side,
    Symbol,
    TriggerSource,
    Venue,
    VenueOrderId,
)

BYBIT: Final = Venue("bybit")
CATEGORY: Final = "linear"
SETTLE_COIN: Final = "USDT"

_STATUSES: Final = {
    "New": OrderStatus.WORKING,
    "PartiallyFilled": OrderStatus.WORKING,
    "Untriggered": OrderStatus.WORKING,
    "Triggered": OrderStatus.WORKING,
    "Filled": OrderStatus.FILLED,
    "Cancelled": OrderStatus.CANCELLED,
    "PartiallyFilledCanceled": OrderStatus.CANCELLED,
    "Deactivated": OrderStatus.CANCELLED,
    "Rejected": OrderStatus.REJECTED,
}
_SIDES: Final = {"Buy": OrderSide.BUY, "Sell": OrderSide.SELL}
_POSITION_SIDES: Final = {"Buy": Side.LONG, "Sell": Side.SHORT}
_HEDGE_SIDES: Final = {0: None, 1: Side.LONG, 2: Side.SHORT}
_FILL_KINDS: Final = {
    "Trade": FillKind.TRADE,
    "BlockTrade": FillKind.TRADE,
    "Delivery": FillKind.TRADE,
    "BustTrade": FillKind.LIQUIDATION,
    "AdlTrade": FillKind.AUTO_DELEVERAGING,
}
_STOPS: Final = frozenset({"StopLoss", "PartialStopLoss", "TrailingStop"})
_TAKE_PROFITS: Final = frozenset({"TakeProfit", "PartialTakeProfit"})
FUNDING: Final = "Funding"
_RISES: Final = 1
_T = TypeVar("_T")
_NO_ERROR: Final = frozenset({"", "EC_NoError"})


class UnknownWordError(ValueError):
    """A status, side or type that this version does not know."""


class OrderRow(msgspec.Struct, frozen=True, rename="camel"):
    """An order; ``position_idx`` 1 and 2 are the long and short side of hedge mode."""

    symbol: str
    order_id: str
    side: str
    order_type: str
    order_status: str
    order_link_id: str = ""
    price: str = ""
    qty: str = ""
    cum_exec_qty: str = ""
    avg_price: str = ""
    position_idx: int = 0
    stop_order_type: str = ""
    tpsl_mode: str = ""
    trigger_price: str = ""
    trigger_by: str = ""
    trigger_direction: int = 0
    reduce_only: bool = False
    reject_reason: str = ""
    created_time: str = "0"
    updated_time: str = "0"


class ExecutionRow(msgspec.Struct, frozen=True, rename="camel"):
    """An execution or a funding payment; ``exec_fee`` is positive when paid."""

    symbol: str
    exec_id: str
    exec_type: str
    order_id: str = ""
    order_link_id: str = ""
    side: str = ""
    exec_price: str = ""
    exec_qty: str = ""
    exec_fee: str = ""
    fee_currency: str = ""
    exec_time: str = "0"
    is_maker: bool = False
    closed_size: str = ""


class PositionRow(msgspec.Struct, frozen=True, rename="camel"):
    """A position. REST says ``avgPrice`` where the stream says ``entryPrice``; flat is size 0 and no side."""

    symbol: str
    side: str = ""
    size: str = "0"
    avg_price: str = ""
    entry_price: str = ""
    mark_price: str = ""
    leverage: str = ""
    liq_price: str = ""
    unrealised_pnl: str = ""
    position_idx: int = 0
    updated_time: str = "0"


def number(text: str) -> Decimal | None:
    """A number, or ``None`` where the venue leaves it out.

    Raises:
        UnknownWordError: Neither.
    """
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise UnknownWordError(f"{text[:40]!r} is no number") from None
    if not value.is_finite():
        raise UnknownWordError(f"{text[:40]!r} is no number")
    return value


def needed(text: str) -> Decimal:
    """A number that must be there.

    Raises:
        UnknownWordError: It is not.
    """
    value = number(text)
    if value is None:
        raise UnknownWordError("a number is missing")
    return value


def order_report(row: OrderRow, *, otherwise: OrderStatus | None = None) -> OrderReport:
    """The order as a report; an unknown status is ``otherwise`` (a list of open orders says enough).

    Raises:
        UnknownWordError: A word is not known.
    """
    status = _STATUSES.get(row.order_status, otherwise)
    if status is None:
        raise UnknownWordError(f"order status {row.order_status!r}")
    side = _known(_SIDES, row.side)
    kind = _kind(row, side)
    whole = kind in (OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET) and _is_of_position(row)
    return OrderReport(
        venue=BYBIT,
        symbol=Symbol(row.symbol),
        venue_order_id=VenueOrderId(row.order_id),
        client_order_id=ClientOrderId(row.order_link_id) if row.order_link_id else None,
        side=side,
        kind=kind,
        status=status,
        quantity=None if whole else needed(row.qty),
        filled_quantity=number(row.cum_exec_qty) or ZERO,
        price=number(row.price) if kind is OrderKind.LIMIT else None,
        trigger_price=number(row.trigger_price) or None if kind is not OrderKind.LIMIT else None,
        trigger_source=TriggerSource.LAST if row.trigger_by == "LastPrice" else TriggerSource.MARK,
        average_price=number(row.avg_price) or None,
        reduce_only=row.reduce_only or whole,
        hedge_side=hedge_side(row.position_idx),
        created_ms=_time(row.created_time),
        updated_ms=_time(row.updated_time),
        reject_reason="" if row.reject_reason in _NO_ERROR else row.reject_reason,
    )


def fill_report(row: ExecutionRow, *, hedge: bool) -> FillReport | None:
    """The execution as a fill; ``None`` for what is none (funding, session settlements).

    In hedge mode the row does not name the position's side; ``closedSize`` tells whether it closed or opened.

    Raises:
        UnknownWordError: A word is not known.
    """
    if row.exec_type in (FUNDING, "Settle"):
        return None
    side = _known(_SIDES, row.side)
    return FillReport(
        venue=BYBIT,
        symbol=Symbol(row.symbol),
        fill_id=row.exec_id,
        venue_order_id=VenueOrderId(row.order_id),
        client_order_id=ClientOrderId(row.order_link_id) if row.order_link_id else None,
        side=side,
        price=needed(row.exec_price),
        quantity=needed(row.exec_qty),
        commission=number(row.exec_fee) or ZERO,
        commission_asset=row.fee_currency or SETTLE_COIN,
        time_ms=_time(row.exec_time),
        kind=_known(_FILL_KINDS, row.exec_type),
        maker=row.is_maker,
        hedge_side=_side_of_fill(row, side) if hedge else None,
    )


def funding_report(row: ExecutionRow, *, hedge: bool) -> FundingReport:
    """The funding payment: its fee is what was paid. The row's side is the position's.

    Raises:
        UnknownWordError: A word is not known.
    """
    return FundingReport(
        venue=BYBIT,
        symbol=Symbol(row.symbol),
        funding_id=row.exec_id,
        amount=-needed(row.exec_fee),
        time_ms=_time(row.exec_time),
        hedge_side=_POSITION_SIDES.get(row.side) if hedge else None,
    )


def position_report(row: PositionRow, margin_mode: MarginMode) -> PositionReport | None:
    """The position; ``None`` when it is flat. The row does not say the margin mode, which is the account's.

    Raises:
        UnknownWordError: A word is not known.
    """
    size = needed(row.size)
    if not size:
        return None
    return PositionReport(
        venue=BYBIT,
        symbol=Symbol(row.symbol),
        side=_known(_POSITION_SIDES, row.side),
        quantity=size,
        entry_price=needed(row.avg_price or row.entry_price),
        mark_price=needed(row.mark_price),
        leverage=number(row.leverage) or Decimal(1),
        margin_mode=margin_mode,
        liquidation_price=number(row.liq_price) or None,
        unrealized_pnl=number(row.unrealised_pnl) or ZERO,
        hedge_side=hedge_side(row.position_idx),
        updated_ms=_time(row.updated_time),
    )


def hedge_side(position_idx: int) -> Side | None:
    """The position side that an index stands for; ``None`` in one-way mode.

    Raises:
        UnknownWordError: There is no such index.
    """
    if position_idx not in _HEDGE_SIDES:
        raise UnknownWordError(f"position index {position_idx}")
    return _HEDGE_SIDES[position_idx]


def _kind(row: OrderRow, side: OrderSide) -> OrderKind:
    if row.stop_order_type in _STOPS:
        return OrderKind.STOP_MARKET
    if row.stop_order_type in _TAKE_PROFITS:
        return OrderKind.TAKE_PROFIT_MARKET
    if number(row.trigger_price):
        rises = row.trigger_direction == _RISES
        return OrderKind.STOP_MARKET if rises == (side is OrderSide.BUY) else OrderKind.TAKE_PROFIT_MARKET
    match row.order_type:
        case "Market":
            return OrderKind.MARKET
        case "Limit":
            return OrderKind.LIMIT
        case other:
            raise UnknownWordError(f"order type {other!r}")


def _is_of_position(row: OrderRow) -> bool:
    """Whether it closes the whole position, whatever its size becomes: set by trading-stop, or with an entry."""
    return row.stop_order_type in ("StopLoss", "TakeProfit") and row.tpsl_mode != "Partial"


def _side_of_fill(row: ExecutionRow, side: OrderSide) -> Side:
    closes = bool(number(row.closed_size))
    return Side.LONG if (side is OrderSide.BUY) != closes else Side.SHORT


def _known(words: Mapping[str, _T], word: str) -> _T:
    found = words.get(word)
    if found is None:
        raise UnknownWordError(f"{word[:40]!r}, not one of {', '.join(words)}")
    return found


def _time(text: str) -> int:
    return int(text) if text.isdigit() else 0
