"""Orders as we want them, and orders, fills, positions and balances as a venue reports them."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from messages.values import (
    ClientOrderId,
    MarginMode,
    Money,
    OrderKind,
    OrderPurpose,
    OrderSide,
    Price,
    Quantity,
    Side,
    Symbol,
    TriggerSource,
    Venue,
    VenueOrderId,
)


class OrderStatus(StrEnum):
    """An order's life at the venue. ``WORKING`` includes a conditional order that waits for its trigger."""

    WORKING = "working"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"


class FillKind(StrEnum):
    """How a fill came about: an order, the venue's liquidation, or its auto-deleveraging."""

    TRADE = "trade"
    LIQUIDATION = "liquidation"
    AUTO_DELEVERAGING = "auto_deleveraging"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSpec:
    """An order to be placed, amended or cancelled.

    Attributes:
        quantity: In the venue's unit; ``None`` for a stop on the whole position.
        price: Limit price; ``None`` for market and conditional market orders.
        trigger_price: For conditional orders only.
        attached_stop_price: A stop that the venue shall create with this entry.
        attached_stop_id: The client order id that stop shall carry.
        hedge_side: The position side in hedge mode, else ``None``.
        venue_order_id: Known for amends and cancels.
    """

    client_order_id: ClientOrderId
    symbol: Symbol
    side: OrderSide
    kind: OrderKind
    purpose: OrderPurpose
    quantity: Quantity | None
    price: Price | None = None
    trigger_price: Price | None = None
    trigger_source: TriggerSource = TriggerSource.MARK
    reduce_only: bool = False
    attached_stop_price: Price | None = None
    attached_stop_id: ClientOrderId | None = None
    hedge_side: Side | None = None
    venue_order_id: VenueOrderId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReport:
    """An order as the venue shows it.

    Attributes:
        quantity: ``None`` when the order closes the whole position.
        client_order_id: ``None`` when the venue carries none; it may be anybody's.
        average_price: Of what filled; ``None`` where the venue does not say.
        reject_reason: The venue's text when it was rejected after acceptance.
    """

    venue: Venue
    symbol: Symbol
    venue_order_id: VenueOrderId
    client_order_id: ClientOrderId | None
    side: OrderSide
    kind: OrderKind
    status: OrderStatus
    quantity: Quantity | None
    filled_quantity: Quantity = Decimal(0)
    price: Price | None = None
    trigger_price: Price | None = None
    trigger_source: TriggerSource = TriggerSource.MARK
    average_price: Price | None = None
    reduce_only: bool = False
    hedge_side: Side | None = None
    created_ms: int = 0
    updated_ms: int = 0
    reject_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FillReport:
    """One execution. ``commission`` is positive when paid, in ``commission_asset``; ``time_ms`` is the venue's UTC."""

    venue: Venue
    symbol: Symbol
    fill_id: str
    venue_order_id: VenueOrderId
    client_order_id: ClientOrderId | None
    side: OrderSide
    price: Price
    quantity: Quantity
    commission: Money
    time_ms: int
    commission_asset: str = "USDT"
    kind: FillKind = FillKind.TRADE
    maker: bool = False
    hedge_side: Side | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionReport:
    """A position as the venue shows it; one that is flat is not reported at all."""

    venue: Venue
    symbol: Symbol
    side: Side
    quantity: Quantity
    entry_price: Price
    mark_price: Price
    leverage: Decimal
    margin_mode: MarginMode = MarginMode.ISOLATED
    liquidation_price: Price | None = None
    unrealized_pnl: Money = Decimal(0)
    hedge_side: Side | None = None
    updated_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingReport:
    """One funding payment; positive ``amount`` was received, negative paid."""

    venue: Venue
    symbol: Symbol
    funding_id: str
    amount: Money
    time_ms: int
    hedge_side: Side | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceReport:
    """The account's money in the settlement currency (USDT)."""

    venue: Venue
    equity: Money
    available: Money
    wallet: Money
