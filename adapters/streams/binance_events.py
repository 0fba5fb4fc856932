"""Binance's stream messages as typed values, and what they say in our words.

Fields that are not named here are ignored: the venue adds some every few months.
"""

from decimal import Decimal
from typing import Final, Literal, TypeVar

import msgspec

from adapters.venues.binance_reports import (
    BINANCE,
    KINDS,
    STATUSES,
    fill_kind_of,
    hedge_side_of,
    order_side_of,
    reduces,
    trigger_source_of,
)
from messages.orders import FillReport, OrderReport, OrderStatus, PositionReport
from messages.values import (
    ZERO,
    ClientOrderId,
    MarginMode,
    OrderKind,
    Side,
    Symbol,
    VenueOrderId,
)

EXECUTED: Final = frozenset({"TRADE", "CALCULATED"})
"""Execution types that may carry a fill; CALCULATED is a liquidation's or an auto-deleveraging's."""

BuyOrSell = Literal["BUY", "SELL"]
Ends = Literal["BOTH", "LONG", "SHORT"]


class Envelope(msgspec.Struct):
    """What every message begins to be understood by: an event, one of a combined stream, or an answer to us."""

    e: str = ""
    stream: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")
    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw(b"")
    error: msgspec.Raw = msgspec.Raw(b"")


class TradedOrder(msgspec.Struct):
    """The order of an ORDER_TRADE_UPDATE."""

    symbol: str = msgspec.field(name="s")
    client_order_id: str = msgspec.field(name="c")
    side: BuyOrSell = msgspec.field(name="S")
    type: str = msgspec.field(name="o")
    quantity: Decimal = msgspec.field(name="q")
    execution: str = msgspec.field(name="x")
    status: str = msgspec.field(name="X")
    order_id: int = msgspec.field(name="i")
    last_quantity: Decimal = msgspec.field(name="l", default=ZERO)
    filled: Decimal = msgspec.field(name="z", default=ZERO)
    last_price: Decimal = msgspec.field(name="L", default=ZERO)
    time_ms: int = msgspec.field(name="T", default=0)
    trade_id: int = msgspec.field(name="t", default=0)
    price: Decimal = msgspec.field(name="p", default=ZERO)
    average_price: Decimal = msgspec.field(name="ap", default=ZERO)
    stop_price: Decimal = msgspec.field(name="sp", default=ZERO)
    commission: Decimal = msgspec.field(name="n", default=ZERO)
    commission_asset: str = msgspec.field(name="N", default="USDT")
    maker: bool = msgspec.field(name="m", default=False)
    reduce_only: bool = msgspec.field(name="R", default=False)
    close_position: bool = msgspec.field(name="cp", default=False)
    original_type: str = msgspec.field(name="ot", default="")
    position_side: Ends = msgspec.field(name="ps", default="BOTH")
    working_type: str = msgspec.field(name="wt", default="CONTRACT_PRICE")


class OrderTradeUpdate(msgspec.Struct):
    """A regular order changed or executed."""

    order: TradedOrder = msgspec.field(name="o")


class AlgoNews(msgspec.Struct):
    """The order of an ALGO_UPDATE; ``child`` is the regular order that its trigger made."""

    client_order_id: str = msgspec.field(name="caid")
    algo_id: int = msgspec.field(name="aid")
    type: str = msgspec.field(name="o")
    symbol: str = msgspec.field(name="s")
    side: BuyOrSell = msgspec.field(name="S")
    status: str = msgspec.field(name="X")
    quantity: Decimal | None = msgspec.field(name="q", default=None)
    position_side: Ends = msgspec.field(name="ps", default="BOTH")
    child: str | int = msgspec.field(name="ai", default="")
    average_price: Decimal | None = msgspec.field(name="ap", default=None)
    filled: Decimal | None = msgspec.field(name="aq", default=None)
    trigger_price: Decimal | None = msgspec.field(name="tp", default=None)
    price: Decimal | None = msgspec.field(name="p", default=None)
    working_type: str = msgspec.field(name="wt", default="CONTRACT_PRICE")
    close_position: bool = msgspec.field(name="cp", default=False)
    reduce_only: bool = msgspec.field(name="R", default=False)
    reason: str | None = msgspec.field(name="rm", default=None)


class AlgoUpdate(msgspec.Struct):
    """A conditional order changed."""

    order: AlgoNews = msgspec.field(name="o")
    time_ms: int = msgspec.field(name="T", default=0)


class ChangedPosition(msgspec.Struct):
    """A position of an ACCOUNT_UPDATE; ``amount`` is signed."""

    symbol: str = msgspec.field(name="s")
    amount: Decimal = msgspec.field(name="pa")
    entry_price: Decimal = msgspec.field(name="ep")
    profit: Decimal = msgspec.field(name="up", default=ZERO)
    margin_type: str = msgspec.field(name="mt", default="cross")
    isolated_wallet: Decimal = msgspec.field(name="iw", default=ZERO)
    position_side: Ends = msgspec.field(name="ps", default="BOTH")


class ChangedAccount(msgspec.Struct):
    """The account of an ACCOUNT_UPDATE: only what changed."""

    reason: str = msgspec.field(name="m", default="")
    positions: list[ChangedPosition] = msgspec.field(name="P", default_factory=list)


class AccountUpdate(msgspec.Struct):
    """Balances and positions changed."""

    account: ChangedAccount = msgspec.field(name="a")
    time_ms: int = msgspec.field(name="T", default=0)


class ChangedLeverage(msgspec.Struct):
    """The setting of an ACCOUNT_CONFIG_UPDATE."""

    symbol: str = msgspec.field(name="s")
    leverage: int = msgspec.field(name="l")


class ConfigUpdate(msgspec.Struct):
    """A setting changed; ``setting`` is missing when it is one of the whole account."""

    setting: ChangedLeverage | None = msgspec.field(name="ac", default=None)


class MarkPrice(msgspec.Struct):
    """markPriceUpdate."""

    symbol: str = msgspec.field(name="s")
    mark: Decimal = msgspec.field(name="p")
    time_ms: int = msgspec.field(name="E")


class AggregateTrade(msgspec.Struct):
    """aggTrade: what was executed at one price."""

    symbol: str = msgspec.field(name="s")
    last: Decimal = msgspec.field(name="p")
    time_ms: int = msgspec.field(name="E")


class DayTicker(msgspec.Struct):
    """24hrTicker: it has the last price also where nobody trades just now."""

    symbol: str = msgspec.field(name="s")
    last: Decimal = msgspec.field(name="c")
    time_ms: int = msgspec.field(name="E")


class BookTicker(msgspec.Struct):
    """bookTicker: the best bid and ask."""

    symbol: str = msgspec.field(name="s")
    bid: Decimal = msgspec.field(name="b")
    ask: Decimal = msgspec.field(name="a")
    time_ms: int = msgspec.field(name="E", default=0)


T = TypeVar("T", bound=msgspec.Struct)


def sound(values: T) -> T:
    """The same values, if all of their figures are numbers.

    Raises:
        ValueError: One is infinite, or none at all: JSON text can say so.
    """
    for value in msgspec.structs.astuple(values):
        if isinstance(value, Decimal) and not value.is_finite():
            raise ValueError(f"no number: {value}")
    return values


# --- in our words -----------------------------------------------------------------------------------------------------


def order_report(order: TradedOrder) -> OrderReport:
    """A regular order as it is now.

    Raises:
        KeyError: A status or type that is not known.
    """
    side, hedge_side = order_side_of(order.side), hedge_side_of(order.position_side)
    kind = KINDS.get(order.original_type or order.type, OrderKind.MARKET)
    return OrderReport(
        venue=BINANCE,
        symbol=Symbol(order.symbol),
        venue_order_id=VenueOrderId(f"{order.order_id}"),
        client_order_id=ClientOrderId(order.client_order_id),
        side=side,
        kind=kind,
        status=STATUSES[order.status],
        quantity=None if order.close_position else order.quantity,
        filled_quantity=order.filled,
        price=order.price or None,
        trigger_price=order.stop_price or None,
        trigger_source=trigger_source_of(order.working_type),
        average_price=order.average_price or None,
        reduce_only=reduces(side, hedge_side, flagged=order.reduce_only or order.close_position),
        hedge_side=hedge_side,
        created_ms=order.time_ms,
        updated_ms=order.time_ms,
    )


def fill_report(order: TradedOrder, client_order_id: str) -> FillReport | None:
    """The execution that an event tells of; ``None`` when it tells of none, or of one without an id of its own.

    Without its id it could not be told from others: reading the account and its trades finds it.
    """
    if order.execution not in EXECUTED or order.last_quantity <= 0 or order.last_price <= 0 or order.trade_id <= 0:
        return None
    return FillReport(
        venue=BINANCE,
        symbol=Symbol(order.symbol),
        fill_id=f"{order.trade_id}",
        venue_order_id=VenueOrderId(f"{order.order_id}"),
        client_order_id=ClientOrderId(client_order_id),
        side=order_side_of(order.side),
        price=order.last_price,
        quantity=order.last_quantity,
        commission=order.commission,
        time_ms=order.time_ms,
        commission_asset=order.commission_asset,
        kind=fill_kind_of(order.client_order_id),
        maker=order.maker,
        hedge_side=hedge_side_of(order.position_side),
    )


def algo_order_report(order: AlgoNews, time_ms: int) -> OrderReport:
    """A conditional order as it is now. One that finished without an execution was cancelled in the engine.

    Raises:
        KeyError: A status or type that is not known.
    """
    side, hedge_side = order_side_of(order.side), hedge_side_of(order.position_side)
    filled = order.filled or ZERO
    status = STATUSES[order.status]
    if status is OrderStatus.FILLED and not filled:
        status = OrderStatus.CANCELLED
    return OrderReport(
        venue=BINANCE,
        symbol=Symbol(order.symbol),
        venue_order_id=VenueOrderId(f"{order.algo_id}"),
        client_order_id=ClientOrderId(order.client_order_id),
        side=side,
        kind=KINDS[order.type],
        status=status,
        quantity=None if order.close_position else order.quantity,
        filled_quantity=filled,
        trigger_price=order.trigger_price or None,
        trigger_source=trigger_source_of(order.working_type),
        average_price=order.average_price or None,
        reduce_only=reduces(side, hedge_side, flagged=order.reduce_only or order.close_position),
        hedge_side=hedge_side,
        created_ms=time_ms,
        updated_ms=time_ms,
        reject_reason=order.reason or "",
    )


def position_report(position: ChangedPosition, *, leverage: Decimal | None, time_ms: int) -> PositionReport | None:
    """A position as it is now; ``None`` when it is flat. What the event leaves out is worked out from what it says.

    Args:
        position: Of the event.
        leverage: Where it is known; else it is what an isolated position's margin says.
        time_ms: Of the event.
    """
    amount = position.amount
    if not amount:
        return None
    hedge_side = hedge_side_of(position.position_side)
    if leverage is None:
        margin = position.isolated_wallet
        value = abs(amount) * position.entry_price
        leverage = max(Decimal(1), (value / margin).quantize(Decimal(1))) if margin > 0 else Decimal(1)
    return PositionReport(
        venue=BINANCE,
        symbol=Symbol(position.symbol),
        side=hedge_side or (Side.LONG if amount > 0 else Side.SHORT),
        quantity=abs(amount),
        entry_price=position.entry_price,
        mark_price=position.entry_price + position.profit / amount,
        leverage=leverage,
        margin_mode=MarginMode.ISOLATED if position.margin_type == "isolated" else MarginMode.CROSS,
        unrealized_pnl=position.profit,
        hedge_side=hedge_side,
        updated_ms=time_ms,
    )
