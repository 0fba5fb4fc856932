"""Binance's REST answers as typed values, and what they say in our words.

Fields that are not named here are ignored: the venue adds some every few months. Binance has two lists of orders, with
ids of their own: regular ones, and conditional ("algo") ones, which make a regular order when they trigger.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec

from adapters.venues.delisting import ends_ms
from messages.instruments import Instrument
from messages.orders import (
    BalanceReport,
    FillKind,
    FillReport,
    FundingReport,
    OrderReport,
    OrderStatus,
    PositionReport,
)
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

BINANCE: Final = Venue("binance")
MAKER_RATE: Final = Decimal("0.0002")
TAKER_RATE: Final = Decimal("0.0005")
"""Of an account without discounts."""
DEFAULT_MAINTENANCE_RATE: Final = Decimal("0.01")

KINDS: Final[Mapping[str, OrderKind]] = {
    "MARKET": OrderKind.MARKET,
    "LIMIT": OrderKind.LIMIT,
    "STOP": OrderKind.STOP_MARKET,
    "STOP_MARKET": OrderKind.STOP_MARKET,
    "TRAILING_STOP_MARKET": OrderKind.STOP_MARKET,
    "TAKE_PROFIT": OrderKind.TAKE_PROFIT_MARKET,
    "TAKE_PROFIT_MARKET": OrderKind.TAKE_PROFIT_MARKET,
}
STATUSES: Final[Mapping[str, OrderStatus]] = {
    "NEW": OrderStatus.WORKING,
    "PARTIALLY_FILLED": OrderStatus.WORKING,
    "PENDING_CANCEL": OrderStatus.WORKING,
    "NEW_ADL": OrderStatus.WORKING,
    "NEW_INSURANCE": OrderStatus.WORKING,
    "TRIGGERING": OrderStatus.WORKING,
    "TRIGGERED": OrderStatus.WORKING,
    "FILLED": OrderStatus.FILLED,
    "FINISHED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELLED,
    "REJECTED": OrderStatus.REJECTED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
}
TRIGGERED: Final = frozenset({"TRIGGERED", "FINISHED"})
"""In these conditions of an algo order a regular order, its child, says what became of it."""

PositionSide = Literal["BOTH", "LONG", "SHORT"]


class RegularOrder(msgspec.Struct, rename="camel"):
    """An order of the regular list."""

    order_id: int
    symbol: str
    status: str
    client_order_id: str
    side: Literal["BUY", "SELL"]
    type: str
    orig_qty: Decimal
    executed_qty: Decimal = ZERO
    price: Decimal = ZERO
    avg_price: Decimal = ZERO
    stop_price: Decimal = ZERO
    orig_type: str = ""
    reduce_only: bool = False
    close_position: bool = False
    position_side: PositionSide = "BOTH"
    working_type: str = "CONTRACT_PRICE"
    time: int = 0
    update_time: int = 0


class AlgoOrder(msgspec.Struct, rename="camel"):
    """A conditional order; ``actual_order_id`` is the regular order that its trigger made."""

    algo_id: int
    client_algo_id: str
    order_type: str
    symbol: str
    side: Literal["BUY", "SELL"]
    algo_status: str
    quantity: Decimal | None = None
    trigger_price: Decimal | None = None
    price: Decimal | None = None
    position_side: PositionSide = "BOTH"
    working_type: str = "CONTRACT_PRICE"
    close_position: bool = False
    reduce_only: bool = False
    create_time: int = 0
    update_time: int = 0
    actual_order_id: str | int | None = None


class AlgoCancelled(msgspec.Struct, rename="camel"):
    """The answer to the cancel of a conditional order."""

    algo_id: int
    code: str | int


class PositionRow(msgspec.Struct, rename="camel"):
    """A position; ``position_amt`` is signed, and of whichever sign on each side of hedge mode."""

    symbol: str
    position_amt: Decimal
    entry_price: Decimal
    mark_price: Decimal
    notional: Decimal
    position_side: PositionSide = "BOTH"
    liquidation_price: Decimal = ZERO
    isolated_margin: Decimal = ZERO
    position_initial_margin: Decimal = ZERO
    profit: Decimal = msgspec.field(default=ZERO, name="unRealizedProfit")
    update_time: int = 0


class AssetRow(msgspec.Struct, rename="camel"):
    """One currency of the account."""

    asset: str
    wallet_balance: Decimal
    margin_balance: Decimal
    available_balance: Decimal


class Account(msgspec.Struct, rename="camel"):
    """The account's money."""

    total_wallet_balance: Decimal
    total_margin_balance: Decimal
    available_balance: Decimal
    assets: list[AssetRow] = []


class AccountConfig(msgspec.Struct, rename="camel"):
    """The modes that the account is in ("Futures Account Configuration")."""

    dual_side_position: bool
    multi_assets_margin: bool = False


class SymbolConfig(msgspec.Struct, rename="camel"):
    """How positions of a symbol are opened ("Symbol Configuration"); ``margin_type`` is ISOLATED or CROSSED."""

    symbol: str
    margin_type: str
    leverage: int


class Trade(msgspec.Struct, rename="camel"):
    """An execution; it does not say the client order id."""

    id: int
    order_id: int
    side: Literal["BUY", "SELL"]
    price: Decimal
    qty: Decimal
    commission: Decimal
    time: int
    commission_asset: str = "USDT"
    maker: bool = False
    position_side: PositionSide = "BOTH"


class Income(msgspec.Struct, rename="camel"):
    """A payment; funding is one kind."""

    income: Decimal
    time: int
    tran_id: int | str
    symbol: str = ""
    income_type: str = ""


class Listed(msgspec.Struct, rename="camel"):
    """A symbol of the exchange; each filter names its own figures."""

    symbol: str
    status: str
    filters: list[dict[str, Any]]
    contract_type: str = ""
    quote_asset: str = ""
    margin_asset: str = ""
    delivery_date: int = 0


class ExchangeInfo(msgspec.Struct):
    """Everything that is listed."""

    symbols: list[Listed]


class Bracket(msgspec.Struct, rename="camel"):
    """One step of the maintenance margin's ladder."""

    maint_margin_ratio: float


class SymbolBrackets(msgspec.Struct):
    """A symbol's ladder, the first step first."""

    symbol: str
    brackets: list[Bracket]


# --- in our words -----------------------------------------------------------------------------------------------------


def hedge_side_of(position_side: str) -> Side | None:
    """``BOTH`` is one-way mode."""
    return {"LONG": Side.LONG, "SHORT": Side.SHORT}.get(position_side)


def order_side_of(side: str) -> OrderSide:
    """Ours for theirs."""
    return OrderSide.BUY if side == "BUY" else OrderSide.SELL


def trigger_source_of(working_type: str) -> TriggerSource:
    """Ours for theirs."""
    return TriggerSource.MARK if working_type == "MARK_PRICE" else TriggerSource.LAST


def reduces(side: OrderSide, hedge_side: Side | None, *, flagged: bool) -> bool:
    """In hedge mode the side of the position says it, and the flag may not be sent."""
    if hedge_side is None:
        return flagged
    return flagged or (side is OrderSide.SELL) == (hedge_side is Side.LONG)


def fill_kind_of(client_order_id: str) -> FillKind:
    """The venue's own orders carry ids that say what they are."""
    if client_order_id.startswith("autoclose-"):
        return FillKind.LIQUIDATION
    if client_order_id.startswith("adl_autoclose"):
        return FillKind.AUTO_DELEVERAGING
    return FillKind.TRADE


def regular_report(order: RegularOrder) -> OrderReport:
    """A regular order."""
    kind = KINDS.get(order.orig_type or order.type, OrderKind.LIMIT)
    side, hedge_side = order_side_of(order.side), hedge_side_of(order.position_side)
    return OrderReport(
        venue=BINANCE,
        symbol=Symbol(order.symbol),
        venue_order_id=VenueOrderId(f"{order.order_id}"),
        client_order_id=ClientOrderId(order.client_order_id),
        side=side,
        kind=kind,
        status=STATUSES.get(order.status, OrderStatus.WORKING),
        quantity=None if order.close_position else order.orig_qty,
        filled_quantity=order.executed_qty,
        price=order.price or None,
        trigger_price=order.stop_price or None,
        trigger_source=trigger_source_of(order.working_type),
        average_price=order.avg_price or None,
        reduce_only=reduces(side, hedge_side, flagged=order.reduce_only or order.close_position),
        hedge_side=hedge_side,
        created_ms=order.time or order.update_time,
        updated_ms=order.update_time,
    )


def algo_report(order: AlgoOrder, child: OrderReport | None = None) -> OrderReport:
    """A conditional order; once it has triggered, its ``child`` says how it went."""
    side, hedge_side = order_side_of(order.side), hedge_side_of(order.position_side)
    report = OrderReport(
        venue=BINANCE,
        symbol=Symbol(order.symbol),
        venue_order_id=VenueOrderId(f"{order.algo_id}"),
        client_order_id=ClientOrderId(order.client_algo_id),
        side=side,
        kind=KINDS.get(order.order_type, OrderKind.STOP_MARKET),
        status=STATUSES.get(order.algo_status, OrderStatus.WORKING),
        quantity=None if order.close_position else order.quantity,
        price=order.price or None,
        trigger_price=order.trigger_price or None,
        trigger_source=trigger_source_of(order.working_type),
        reduce_only=reduces(side, hedge_side, flagged=order.reduce_only or order.close_position),
        hedge_side=hedge_side,
        created_ms=order.create_time,
        updated_ms=order.update_time,
    )
    if child is None:
        filled = report.quantity if report.status is OrderStatus.FILLED else None
        return report if filled is None else replace(report, filled_quantity=filled)
    return replace(
        report,
        status=child.status,
        filled_quantity=child.filled_quantity,
        average_price=child.average_price,
        updated_ms=max(report.updated_ms, child.updated_ms),
    )


def position_report(row: PositionRow) -> PositionReport | None:
    """A position; ``None`` for a row that only holds orders.

    The leverage is what the margin says (notional ÷ initial margin): version 3 of the call does not name it.
    """
    if not row.position_amt:
        return None
    hedge_side = hedge_side_of(row.position_side)
    margin = row.position_initial_margin
    return PositionReport(
        venue=BINANCE,
        symbol=Symbol(row.symbol),
        side=hedge_side or (Side.LONG if row.position_amt > 0 else Side.SHORT),
        quantity=abs(row.position_amt),
        entry_price=row.entry_price,
        mark_price=row.mark_price,
        leverage=max(Decimal(1), (abs(row.notional) / margin).quantize(Decimal(1))) if margin else Decimal(1),
        margin_mode=MarginMode.ISOLATED if row.isolated_margin else MarginMode.CROSS,
        liquidation_price=row.liquidation_price if row.liquidation_price > 0 else None,
        unrealized_pnl=row.profit,
        hedge_side=hedge_side,
        updated_ms=row.update_time,
    )


def balance_report(account: Account) -> BalanceReport:
    """The money in USDT; of all currencies together where the account shows no USDT."""
    for row in account.assets:
        if row.asset == "USDT":
            return BalanceReport(
                venue=BINANCE, equity=row.margin_balance, available=row.available_balance, wallet=row.wallet_balance
            )
    return BalanceReport(
        venue=BINANCE,
        equity=account.total_margin_balance,
        available=account.available_balance,
        wallet=account.total_wallet_balance,
    )


def fill_report(symbol: Symbol, trade: Trade, client_order_id: str | None) -> FillReport:
    """An execution, with the id of the order that it belongs to where that is known."""
    return FillReport(
        venue=BINANCE,
        symbol=symbol,
        fill_id=f"{trade.id}",
        venue_order_id=VenueOrderId(f"{trade.order_id}"),
        client_order_id=ClientOrderId(client_order_id) if client_order_id else None,
        side=order_side_of(trade.side),
        price=trade.price,
        quantity=trade.qty,
        commission=trade.commission,
        time_ms=trade.time,
        commission_asset=trade.commission_asset,
        kind=fill_kind_of(client_order_id or ""),
        maker=trade.maker,
        hedge_side=hedge_side_of(trade.position_side),
    )


def funding_report(symbol: Symbol, row: Income) -> FundingReport:
    """A funding payment; Binance does not say for which side of hedge mode."""
    return FundingReport(venue=BINANCE, symbol=symbol, funding_id=f"{row.tran_id}", amount=row.income, time_ms=row.time)


def instruments_of(info: ExchangeInfo, brackets: Sequence[SymbolBrackets]) -> Iterator[Instrument]:
    """The trading rules of the USDT perpetuals among what is listed."""
    rates = {each.symbol: Decimal(str(each.brackets[0].maint_margin_ratio)) for each in brackets if each.brackets}
    for listed in info.symbols:
        if "PERPETUAL" in listed.contract_type and listed.quote_asset == listed.margin_asset == "USDT":
            yield _instrument(listed, rates.get(listed.symbol, DEFAULT_MAINTENANCE_RATE))


def _instrument(listed: Listed, maintenance_rate: Decimal) -> Instrument:
    filters = {str(each.get("filterType")): each for each in listed.filters}
    lot, market_lot = filters["LOT_SIZE"], filters.get("MARKET_LOT_SIZE", filters["LOT_SIZE"])
    most, most_at_market = Decimal(lot["maxQty"]), Decimal(market_lot["maxQty"])
    return Instrument(
        venue=BINANCE,
        symbol=Symbol(listed.symbol),
        price_tick=Decimal(filters["PRICE_FILTER"]["tickSize"]),
        quantity_step=max(Decimal(lot["stepSize"]), Decimal(market_lot["stepSize"])),
        min_quantity=max(Decimal(lot["minQty"]), Decimal(market_lot["minQty"])),
        # A stop becomes a market order when it triggers, and is held to the smaller maximum.
        max_quantity=min(most, most_at_market),
        max_market_quantity=most_at_market,
        min_notional=Decimal(filters.get("MIN_NOTIONAL", {}).get("notional", "0")),
        maker_rate=MAKER_RATE,
        taker_rate=TAKER_RATE,
        maintenance_margin_rate=maintenance_rate,
        trading=listed.status == "TRADING",
        ends_ms=ends_ms(listed.delivery_date),
    )
