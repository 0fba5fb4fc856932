"""A position's story as one value: what happened, what was decided, why each order was sent, what the venue said.

msgspec encodes these as they are for ``holdfast explain --json``, Decimals as strings; fields may be added, never
renamed. ``what`` tells the steps apart.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from messages.journal import Severity
from messages.orders import FillKind
from messages.reasons import Rule
from messages.state import CloseReason, IntentAction, IntentStatus, PositionPhase
from messages.values import (
    ClientOrderId,
    Money,
    OrderKind,
    OrderPurpose,
    OrderSide,
    PositionId,
    Price,
    Quantity,
    Side,
    Symbol,
    Venue,
    VenueOrderId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InputView:
    """A figure that a rule looked at; ``age_ms`` is how old it was then, ``None`` for one that is not read anywhere."""

    name: str
    value: Decimal
    age_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    """One request to the venue for an order, and its answer: the kind of it, and what it says."""

    operation: str
    asked_ms: int
    answered_ms: int
    answer: str
    says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStep:
    """Something that was sent, or was about to be.

    Attributes:
        rule: What asked for it; ``None`` where an earlier version wrote it.
        before: The level that it replaces.
        attached_stop_id: The stop that came with it.
        outcome: What became of it, in the end; ``outcome_ms`` is when that was known.
    """

    what: Literal["order"] = "order"
    at_ms: int
    intent_id: str
    client_order_id: ClientOrderId
    action: IntentAction
    purpose: OrderPurpose
    side: OrderSide
    kind: OrderKind
    quantity: Quantity | None
    outcome: IntentStatus
    price: Price | None = None
    trigger_price: Price | None = None
    attached_stop_id: ClientOrderId | None = None
    attached_stop_price: Price | None = None
    rule: Rule | None = None
    why: str = ""
    before: Price | None = None
    inputs: tuple[InputView, ...] = ()
    requests: tuple[RequestView, ...] = ()
    venue_order_id: VenueOrderId | None = None
    outcome_ms: int | None = None
    outcome_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventStep:
    """A decision or a transition."""

    what: Literal["event"] = "event"
    at_ms: int
    kind: str
    severity: Severity
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FillStep:
    """An execution; ``at_ms`` is the venue's time."""

    what: Literal["fill"] = "fill"
    at_ms: int
    fill_id: str
    client_order_id: ClientOrderId | None
    venue_order_id: VenueOrderId
    side: OrderSide
    quantity: Quantity
    price: Price
    kind: FillKind
    commission: Money
    realized_pnl: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingStep:
    """A funding payment; positive was received."""

    what: Literal["funding"] = "funding"
    at_ms: int
    amount: Money


Step: TypeAlias = OrderStep | EventStep | FillStep | FundingStep


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One life of a position. Steps are in the order of time; at one moment the cause stands before what it led to."""

    position_id: PositionId
    venue: Venue
    symbol: Symbol
    hedge_side: Side | None
    side: Side
    phase: PositionPhase
    quantity: Quantity
    opened_quantity: Quantity
    entry_price: Price
    opened_ms: int
    closed_ms: int | None
    close_reason: CloseReason | None
    exit_price: Price | None
    stop_price: Price | None
    realized_pnl: Money
    commission: Money
    funding: Money
    steps: tuple[Step, ...]

    @property
    def order_ids(self) -> frozenset[ClientOrderId]:
        """Every client order id that it explains, stops that came with an entry among them."""
        orders = [step for step in self.steps if isinstance(step, OrderStep)]
        attached = {step.attached_stop_id for step in orders if step.attached_stop_id is not None}
        return frozenset({step.client_order_id for step in orders} | attached)
