"""What Holdfast knows about one position: the state that its actor holds and the journal keeps.

Everything here survives a restart, so everything here is a value that can be written down and read back.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from messages.orders import OrderSpec
from messages.reasons import Why
from messages.values import (
    ClientOrderId,
    IntentId,
    MarginMode,
    Money,
    PositionId,
    PositionKey,
    Price,
    Quantity,
    Side,
    VenueOrderId,
)


class PositionPhase(StrEnum):
    """The life of a position (S4.1)."""

    PENDING_ENTRY = "pending_entry"
    ENTRY_PLACED = "entry_placed"
    PENDING_SL = "pending_sl"
    ACTIVE = "active"
    CLOSING = "closing"
    CLOSED = "closed"
    ROLLED_BACK = "rolled_back"


class StopPhase(StrEnum):
    """The life of a position's stop. ``MOVING`` keeps the old stop alive until the new one is confirmed."""

    ABSENT = "absent"
    PLACING = "placing"
    WORKING = "working"
    MOVING = "moving"


class TrailingPhase(StrEnum):
    """S8.1. ``BREAKEVEN``: the stop is at breakeven and trailing goes on from there."""

    INACTIVE = "inactive"
    WAITING = "waiting"
    BREAKEVEN = "breakeven"
    ACTIVE = "active"
    TRIGGERED = "triggered"


class TakeProfitPhase(StrEnum):
    """The life of one take profit."""

    PLANNED = "planned"
    PLACING = "placing"
    WORKING = "working"
    FILLED = "filled"
    SKIPPED = "skipped"


class IntentAction(StrEnum):
    """What an intent does at the venue."""

    PLACE = "place"
    AMEND = "amend"
    CANCEL = "cancel"


class IntentStatus(StrEnum):
    """The outcome of an intent; ``INTENDED`` and ``UNKNOWN`` are open and are resolved first after a restart."""

    INTENDED = "intended"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    NEVER_SENT = "never_sent"


class CloseReason(StrEnum):
    """Why a position ended."""

    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"
    TRAILING = "trailing"
    OPERATOR = "operator"
    STOP_WOULD_TRIGGER = "stop_would_trigger"
    UNPROTECTED = "unprotected"
    LIQUIDATION = "liquidation"
    ADL = "adl"
    OUTSIDE = "outside"
    ENTRY_FAILED = "entry_failed"
    AGED = "aged"
    GUARD = "guard"


class RiskLevel(StrEnum):
    """What the guard thinks of a position (S13), from fine to worst."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"
    EMERGENCY = "emergency"


class AgedPhase(StrEnum):
    """How far a position has aged (S11)."""

    YOUNG = "young"
    GRACE = "grace"
    PROGRESSIVE = "progressive"
    EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """The durable record of something that is about to be sent.

    Attributes:
        intent_id: Unique; for PLACE it is the client order id, for the others derived from it.
        protective: Goes before entries and polls, and is never held back.
        expires_ms: After this it must not be sent any more (entries); ``None`` never.
        why: Which rule asked for it, from which figures; ``None`` where an earlier version wrote it.
    """

    intent_id: IntentId
    position_id: PositionId
    key: PositionKey
    action: IntentAction
    order: OrderSpec
    protective: bool
    created_ms: int
    expires_ms: int | None = None
    why: Why | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopOrder:
    """A stop resting, or about to rest, on the venue.

    Attributes:
        quantity: ``None`` covers the whole position.
        attached: It was sent with the entry, and comes into being with its first fill.
    """

    client_order_id: ClientOrderId
    trigger_price: Price
    quantity: Quantity | None
    venue_order_id: VenueOrderId | None = None
    attached: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StopState:
    """The stop of a position.

    Attributes:
        working: Confirmed by the venue.
        next: Being placed, or what the working one is being amended to.
        intent_id: The one outstanding intent that places or moves it.
        attempts: Failed tries in a row.
        not_before_ms: No further try before this time.
        triggered: The last stop filled: what closes the position next is its fill, also under a name that is not ours.
        local_price: The level that the venue refuses to move the working stop to, and that is watched here instead: the
            weaker protection, for it ends with the process (F10).
        unprotected_since_ms: Since when an open position is not fully covered; ``None`` while covered.
    """

    phase: StopPhase = StopPhase.ABSENT
    working: StopOrder | None = None
    next: StopOrder | None = None
    intent_id: IntentId | None = None
    attempts: int = 0
    not_before_ms: int = 0
    triggered: bool = False
    local_price: Price | None = None
    unprotected_since_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeProfitState:
    """One take profit: ``level`` 1 or 2, the quantity wanted and what of it has filled."""

    level: int
    trigger_price: Price
    quantity: Quantity
    phase: TakeProfitPhase = TakeProfitPhase.PLANNED
    client_order_id: ClientOrderId | None = None
    venue_order_id: VenueOrderId | None = None
    filled_quantity: Quantity = Decimal(0)
    intent_id: IntentId | None = None
    attempts: int = 0
    not_before_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """An order of this position that is to be cancelled, ``why`` in words, and not proven gone yet."""

    order: OrderSpec
    intent_id: IntentId | None = None
    attempts: int = 0
    not_before_ms: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitOrder:
    """The reduce-only limit order at which an old position is let go; ``price`` is the schedule's."""

    client_order_id: ClientOrderId
    price: Price
    quantity: Quantity
    venue_order_id: VenueOrderId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgedState:
    """How a position is let go because of its age.

    Attributes:
        phase: As people were last told.
        exit: The exit that rests, or was sent; an earlier one that is not proven gone is among the leftovers.
        attempts: Refusals in a row.
        not_before_ms: No further exit before this time.
        others: Orders of others that rest to leave the position, and what of it each is for; ``None`` is all of it.
        covered: Whether people were told that those leave nothing for an exit.
    """

    phase: AgedPhase = AgedPhase.YOUNG
    exit: ExitOrder | None = None
    attempts: int = 0
    not_before_ms: int = 0
    others: tuple[tuple[str, Quantity | None], ...] = ()
    covered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AdditionState:
    """An addition whose orders are under way (S10).

    Attributes:
        number: From 1.
        from_quantity: What had been opened before it.
        distance_factor: What the distances of stop and take profits are multiplied by when they are planned anew.
        stop_price: As its signal names it; so are ``take_profit_1`` and ``take_profit_2``.
        filled_quantity: Of its own orders; ``filled_value`` is the sum of price times quantity.
    """

    number: int
    signal_id: str
    coefficient: Decimal
    from_quantity: Quantity
    distance_factor: Decimal = Decimal(1)
    stop_price: Price | None = None
    take_profit_1: Price | None = None
    take_profit_2: Price | None = None
    filled_quantity: Quantity = Decimal(0)
    filled_value: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderState:
    """What was added to a position (S10).

    Attributes:
        base_usd: The value of the first entry, from when something was first to be added; 0 before.
        additions: How many have filled, whole or in part.
        last_added_ms: When the last of them had filled; 0 before the first.
    """

    base_usd: Money = Decimal(0)
    additions: int = 0
    last_added_ms: int = 0
    under_way: AdditionState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailingState:
    """The trailing stop of a position (S8.8), restored as it was, never reset to the current price.

    Attributes:
        highest: Best price seen for a long since the entry, from the activation on since that; ``lowest`` for a short.
            Both are kept for both sides.
        stop_price: The stop that trailing wants, or ``None`` while it wants none.
        callback_percent: Distance from the best price, in percent.
        last_update_ms: When the venue last confirmed a stop that trailing moved (S8.4); 0 never.
    """

    position_id: PositionId
    phase: TrailingPhase
    highest: Price
    lowest: Price
    activation_price: Price
    callback_percent: Decimal
    stop_price: Price | None = None
    update_count: int = 0
    last_update_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionState:
    """One life of a position.

    Attributes:
        wanted_quantity: What the entry asked for, or with an addition what is to have been opened in all.
        quantity: What is open, from the fills. Fills add up to it, always.
        entry_price: Average of the opening fills; the planned price before the first fill.
        entry_limit_price: Price of the limit entry that is tried first; ``None`` at market.
        sequence: The last sequence number used for a client order id.
        initial_stop_price: The stop planned at the entry; a stop loss never moves behind it.
        margin_mode: As it was set, then as the venue tells it; ``None`` on a record from before it was kept.
        floor_stop_price: A stop that a person moved closer; ``None`` when nobody did.
        guard_stop_price: A stop that the guard moved closer; ``None`` when it did not.
        risk_level: What the guard last found.
        base_quantity: The size of the first entry, for what scales with it.
        least_close_usd: The least value of a partial close, from when it was opened; ``None``: as it is set.
        close_reason: Set when a close is decided, kept when closed.
        close_overdue_ms: When a person is told, or told again, that a decided close is not done.
        realized_pnl: Gross, from the fills' prices; commission and funding are apart.
        leftovers: Orders to be cancelled; no new position before they are proven gone.
        seen_fills: Fill ids that are counted already, so that a duplicate event changes nothing.
        order_fills: Cumulative filled quantity per client order id (or venue order id where ours is absent).
        entered_ms: When its own entry first filled, by the venue's clock; 0 before, and where it was taken over.
    """

    position_id: PositionId
    key: PositionKey
    phase: PositionPhase
    side: Side
    wanted_quantity: Quantity
    entry_price: Price
    initial_stop_price: Price
    leverage: int
    opened_ms: int
    margin_mode: MarginMode | None = None
    quantity: Quantity = Decimal(0)
    base_quantity: Quantity = Decimal(0)
    opened_quantity: Quantity = Decimal(0)
    least_close_usd: Money | None = None
    sequence: int = 0
    signal_id: str = ""
    reservation_id: str = ""
    stop: StopState = field(default_factory=StopState)
    take_profits: tuple[TakeProfitState, ...] = ()
    floor_stop_price: Price | None = None
    entry_intent_id: IntentId | None = None
    entry_order_id: ClientOrderId | None = None
    entry_limit_price: Price | None = None
    entry_done: bool = False
    close_order_id: ClientOrderId | None = None
    close_attempts: int = 0
    close_not_before_ms: int = 0
    close_overdue_ms: int = 0
    aged: AgedState = field(default_factory=AgedState)
    ladder: LadderState = field(default_factory=LadderState)
    guard_stop_price: Price | None = None
    risk_level: RiskLevel = RiskLevel.LOW
    close_reason: CloseReason | None = None
    closed_ms: int | None = None
    exit_price: Price | None = None
    realized_pnl: Money = Decimal(0)
    commission: Money = Decimal(0)
    funding: Money = Decimal(0)
    breakeven_done: bool = False
    leftovers: tuple[Leftover, ...] = ()
    seen_fills: tuple[str, ...] = ()
    order_fills: tuple[tuple[str, Quantity], ...] = ()
    entered_ms: int = 0
