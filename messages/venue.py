"""What is asked of a venue, and what came of it.

An answer is exactly one of: an accepted order, a snapshot, :class:`OrderRejected` (it certainly did not happen) or
:class:`OutcomeUnknown` (it may have happened). Nothing else is ever inferred from a failed call.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from messages.instruments import Instrument
from messages.orders import (
    BalanceReport,
    FillReport,
    FundingReport,
    OrderReport,
    OrderSpec,
    PositionReport,
)
from messages.values import ClientOrderId, MarginMode, OrderKind, Side, Symbol, Venue, VenueOrderId


class RejectReason(StrEnum):
    """Why a venue certainly did not do it, in terms that rules can act on."""

    WOULD_TRIGGER = "would_trigger"
    INSUFFICIENT_MARGIN = "insufficient_margin"
    DUPLICATE_ID = "duplicate_id"
    NOT_FOUND = "not_found"
    REDUCE_ONLY_REFUSED = "reduce_only_refused"
    NO_POSITION = "no_position"
    PRICE_BAND = "price_band"
    SIZE = "size"
    STOP_EXISTS = "stop_exists"
    ORDER_TYPE_WITHDRAWN = "order_type_withdrawn"
    RATE_LIMITED = "rate_limited"
    CLOCK = "clock"
    AUTHENTICATION = "authentication"
    NOT_TRADING = "not_trading"
    NOT_SENT = "not_sent"
    OTHER = "other"


# --- requests -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """Place ``order``, of any kind. Answered by OrderAccepted, OrderRejected or OutcomeUnknown."""

    order: OrderSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendOrder:
    """Move the working order that ``order`` identifies to its trigger price (and quantity, where it has one)."""

    order: OrderSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    """Cancel the order that ``order`` identifies; its kind says in which of a venue's lists it is."""

    order: OrderSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryOrder:
    """Look one order up by client order id, in its own list and in the history: OrderAccepted or a NOT_FOUND.

    Attributes:
        venue_order_id: Where it is known; for an order that carries no id of ours (Bitget's attached stop).
    """

    symbol: Symbol
    client_order_id: ClientOrderId
    kind: OrderKind
    venue_order_id: VenueOrderId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchAccount:
    """Positions, all open orders of all kinds and all pages, and the balance; of one symbol, or all of them."""

    symbol: Symbol | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchFills:
    """Fills and funding payments of one symbol since ``since_ms`` (UTC), oldest first, all kinds, all pages."""

    symbol: Symbol
    since_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchInstruments:
    """The trading rules of every USDT linear perpetual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLeverage:
    """Bring the leverage and margin mode of a symbol to these values; already there is success."""

    symbol: Symbol
    leverage: int
    margin_mode: MarginMode
    hedge_side: Side | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchServerTime:
    """The venue's clock."""


OrderRequest: TypeAlias = PlaceOrder | AmendOrder | CancelOrder
ReadRequest: TypeAlias = QueryOrder | FetchAccount | FetchFills | FetchInstruments | FetchServerTime
VenueRequest: TypeAlias = OrderRequest | ReadRequest | SetLeverage

# --- answers --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAccepted:
    """The venue has, or had, this order. After a cancel: the order as it ended."""

    report: OrderReport


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRejected:
    """It certainly did not happen. ``retry_after_s`` is set for RATE_LIMITED."""

    reason: RejectReason
    text: str
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeUnknown:
    """No answer, or one that proves nothing: ask by client order id before anything else."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReport:
    """The account at one moment: complete for ``symbol``, or for everything when that is ``None``.

    ``taken_ms`` is when the request was sent: events of the venue later than that may not be in it. In a
    reading of one symbol ``balance`` may be that of an earlier reading.
    """

    venue: Venue
    symbol: Symbol | None
    positions: tuple[PositionReport, ...]
    orders: tuple[OrderReport, ...]
    balance: BalanceReport
    taken_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FillsReport:
    """Fills and funding since the time asked for, oldest first."""

    venue: Venue
    symbol: Symbol
    since_ms: int
    fills: tuple[FillReport, ...]
    funding: tuple[FundingReport, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentsReport:
    """Every instrument that the venue lists."""

    venue: Venue
    instruments: tuple[Instrument, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeverageSet:
    """Leverage and margin mode are as asked."""

    symbol: Symbol
    leverage: int
    margin_mode: MarginMode


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTime:
    """The venue's clock, UTC in milliseconds."""

    server_ms: int


VenueAnswer: TypeAlias = (
    OrderAccepted
    | OrderRejected
    | OutcomeUnknown
    | AccountReport
    | FillsReport
    | InstrumentsReport
    | LeverageSet
    | ServerTime
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateWindow:
    """A venue's limit: ``limit`` units within any ``window_ms``; what a request costs is the adapter's to say."""

    name: str
    limit: int
    window_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RateUsed:
    """What a venue said of one of its limits: ``units`` are used up, whoever used them, until it starts over.

    It was said in the answer to a request sent at ``sent_ms``; both times are of our own clock.
    """

    units: int
    sent_ms: int
    starts_over_ms: int
