"""Commands to positions and what they answer, and the traffic between a position and its venue's execution."""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, TypeAlias

from messages.conditions import BalanceProfile, Regime
from messages.delivery import Delivery, Lane
from messages.instruments import Instrument
from messages.journal import PositionResult, RestoredPosition
from messages.market import Tick
from messages.orders import FillReport, FundingReport, OrderReport, PositionReport
from messages.signals import Signal
from messages.state import CloseReason, Intent, PositionState, TrailingState
from messages.values import Money, PositionKey, Symbol, Venue
from messages.venue import (
    AccountReport,
    FillsReport,
    OrderAccepted,
    OrderRejected,
    OutcomeUnknown,
    ReadRequest,
    SetLeverage,
    VenueAnswer,
)

# --- commands to a position -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderTerms:
    """What an addition depends on beside its position; ``available_usd`` is the free margin as the venue told it."""

    profile: BalanceProfile
    regime: Regime
    available_usd: Money | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPosition:
    """Open a position for ``signal`` with ``size_usd`` of notional, which the risk actor has reserved.

    Attributes:
        ladder: Add to the position that is open (S10); ``None`` opens one where none is.
        distance_factor: What the distances of its stop and take profits are multiplied by (S3).
        least_close_usd: The least value of a partial close (S9); ``None`` as it is set.
        tick: For an addition the newest price, which its position need not have been told.
    """

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.NORMAL, ttl_s=60.0)

    signal: Signal
    size_usd: Money
    reservation_id: str
    leverage: int
    distance_factor: Decimal = Decimal(1)
    least_close_usd: Money | None = None
    ladder: LadderTerms | None = None
    tick: Tick | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceAddition:
    """Told to the market actor: pass ``command`` on to the position at ``path``, with the newest price."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.NORMAL, ttl_s=60.0)

    path: str
    command: OpenPosition


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosePosition:
    """Close the position at market."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.PROTECTIVE, idempotent=True)

    key: PositionKey
    reason: CloseReason


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptPosition:
    """The venue shows a position: take it over where nobody tracks it, and it is ``allowed`` (UNTRACKED, S14)."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.PROTECTIVE, idempotent=True)

    report: PositionReport
    account: AccountReport
    allowed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionUnclaimed:
    """Told to the desk: what the venue shows here is on no record, and was not to be taken over."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.PROTECTIVE, idempotent=True)

    report: PositionReport


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyPosition:
    """Read the position's account now, and mend what is not as it should be."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.PROTECTIVE, idempotent=True)

    key: PositionKey
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentChanged:
    """The venue's rules for the position's instrument."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.PROTECTIVE, idempotent=True)

    instrument: Instrument


# --- between a position and its execution actor -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecuteIntents:
    """Intents that are durable since ``committed_ms`` and may be sent; told by the journal.

    Not repeated after a crash: some of them may have been sent. The positions ask for theirs to be resolved instead.
    """

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.PROTECTIVE)

    path: str
    intents: tuple[Intent, ...]
    committed_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveIntents:
    """Intents whose outcome is open after a restart: the venue is asked before anything is sent again."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.PROTECTIVE, idempotent=True)

    path: str
    intents: tuple[Intent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NeverSent:
    """Proven: it is not at the venue and will not get there any more."""

    text: str


IntentOutcomeAnswer: TypeAlias = OrderAccepted | OrderRejected | OutcomeUnknown | NeverSent


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentSettled:
    """What came of an intent. After OutcomeUnknown nothing more is tried by the execution actor."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.PROTECTIVE, idempotent=True)

    intent: Intent
    outcome: IntentOutcomeAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueRead:
    """A question to the venue; answered to ``path`` with :class:`VenueReadDone`.

    Attributes:
        urgent: It goes before entries.
        protects: What is open may have no stop until it is answered: it may use what is kept for protection.
    """

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.NORMAL, idempotent=True)

    path: str
    request: ReadRequest | SetLeverage
    urgent: bool
    protects: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueReadDone:
    """The answer to a :class:`VenueRead`; ``asked_ms`` is when the request was sent."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.PROTECTIVE, idempotent=True)

    request: ReadRequest | SetLeverage
    answer: VenueAnswer
    asked_ms: int


# --- between a position and the journal -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorePosition:
    """Ask the journal for the position of ``key`` as it is on record, after everything told to it before."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.PROTECTIVE, idempotent=True)

    path: str
    key: PositionKey


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionRestored:
    """The record of ``key``; ``None`` when it is flat.

    Not ``complete`` while the database is out of reach: it is what the spool knows, and is told again when it is back.
    """

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.PROTECTIVE, idempotent=True)

    key: PositionKey
    restored: RestoredPosition | None
    complete: bool = True


# --- what streams tell a position -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUpdated:
    """An order changed at the venue; may come twice, late or out of order."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.PROTECTIVE, idempotent=True)

    report: OrderReport


@dataclass(frozen=True, slots=True, kw_only=True)
class FillReceived:
    """An execution; may come twice, late or out of order."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.PROTECTIVE, idempotent=True)

    fill: FillReport


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingReceived:
    """A funding payment; may come twice."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.PROTECTIVE, idempotent=True)

    payment: FundingReport


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionUpdated:
    """The venue's own view of a position changed; ``report`` ``None`` is flat, which in hedge mode names no side."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.PROTECTIVE, idempotent=True)

    venue: Venue
    symbol: Symbol
    report: PositionReport | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamChanged:
    """A stream was lost (``up`` False), or is back and what happened meanwhile must be read."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.CONTROL, idempotent=True)

    venue: Venue
    up: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRead:
    """The account of one symbol, asked for at ``asked_ms``."""

    report: AccountReport
    asked_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FillsRead:
    """The fills of one symbol, asked for at ``asked_ms``."""

    report: FillsReport
    asked_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeUp:
    """A position's own timer: something in its state is due."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.PROTECTIVE, idempotent=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionEnded:
    """Told to the risk actor: what was reserved or open for ``reservation_id`` is free again.

    ``opened`` is False for a signal that was refused; ``result`` is what it came to, if its entry filled at all.
    """

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.PROTECTIVE, idempotent=True)

    key: PositionKey
    reservation_id: str
    opened: bool = False
    result: PositionResult | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureChanged:
    """Told to the risk actor: the notional that this position now holds of the limits.

    Attributes:
        base_usd: What an addition is a multiple of (S10).
        additions: How many there were.
    """

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.PROTECTIVE, idempotent=True)

    key: PositionKey
    reservation_id: str
    notional: Money
    base_usd: Money = Decimal(0)
    additions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionSummary:
    """One position for tables and status: what a person wants to see."""

    position: PositionState
    trailing: TrailingState
    last_price: Money | None
    mark_price: Money | None
    contract_size: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribePosition:
    """Asked by the shell and the status writer; answered with PositionSummary, or None when flat."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.CONTROL, idempotent=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """Asked at shutdown: answered when nothing of this actor's is in flight any more."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.CONTROL)
