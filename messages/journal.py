"""What an actor asks to be made durable, and what the journal answers.

One :class:`Decision` is one transaction: the new state, the intents that follow from it, and what is to be remembered
of how it came about. Its intents are handed to the execution actor only after the commit.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final

from messages.delivery import Delivery, Lane
from messages.orders import FillReport, FundingReport
from messages.state import Intent, IntentStatus, PositionState, TrailingState
from messages.values import Epoch, IntentId, Money, PositionId, Price, Quantity, Side, Venue


class Severity(StrEnum):
    """How loud an event is: the levels of the log and of the alerts."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


SYMBOL_LOCKED: Final = "symbol_locked"
SYMBOL_UNLOCKED: Final = "symbol_unlocked"
"""Kinds of events whose subject is a symbol: the last one of it counts, also after a restart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """One row of ``events``: a decision or a transition. ``data`` is small: strings only, decimals written out."""

    kind: str
    severity: Severity
    text: str
    at_ms: int
    subject: str = ""
    position_id: PositionId | None = None
    data: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One row of ``order_audit_log``: a request and its answer, with the time of each (UTC ms)."""

    intent_id: IntentId | None
    position_id: PositionId | None
    venue: Venue
    operation: str
    request: str
    answer: str
    requested_ms: int
    answered_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentOutcome:
    """What became of an intent: an update of its row in ``orders``."""

    intent_id: IntentId
    status: IntentStatus
    at_ms: int
    venue_order_id: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionFill:
    """A fill together with the position it was counted to; ``None`` when to none."""

    position_id: PositionId | None
    fill: FillReport
    realized_pnl: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionFunding:
    """A funding payment together with the position it was counted to."""

    position_id: PositionId | None
    payment: FundingReport


class Verdict(StrEnum):
    """What became of a signal."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalFate:
    """One row of ``signals_log`` (S2.6). ``signal_id`` is unique: a second fate for one id is ignored."""

    signal_id: str
    at_ms: int
    verdict: Verdict
    reason: str
    symbol: str
    raw: str
    wave_ms: int | None = None
    venue: str = ""
    position_id: PositionId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSignal:
    """What the record knows of a signal that has its fate."""

    verdict: Verdict
    at_ms: int
    wave_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionResult:
    """What a position came to: ``net_pnl`` is after commission and funding, ``closed_ms`` UTC."""

    position_id: PositionId
    closed_ms: int
    net_pnl: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingEntry:
    """One row of ``scaling_entries``: an addition to a position (S10); ``price`` is the average of its fills."""

    position_id: PositionId
    number: int
    at_ms: int
    side: Side
    quantity: Quantity
    price: Price
    coefficient: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceSnapshot:
    """One row of ``performance_snapshots``; ratios are written as text, empty where undefined."""

    at_ms: int
    figures: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One transaction, written whole or not at all, and once even when it is offered twice.

    Attributes:
        decision_id: Unique: what makes writing it again harmless.
        path: The deciding actor's address; its ``epoch`` is checked in the same transaction.
        position: The state after the decision; ``None`` when no position changed.
        reply: Whether the actor wants a :class:`Committed`.
    """

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.PROTECTIVE, idempotent=True)

    decision_id: str
    path: str
    epoch: Epoch
    at_ms: int
    position: PositionState | None = None
    trailing: TrailingState | None = None
    intents: tuple[Intent, ...] = ()
    outcomes: tuple[IntentOutcome, ...] = ()
    fills: tuple[PositionFill, ...] = ()
    funding: tuple[PositionFunding, ...] = ()
    events: tuple[EventRecord, ...] = ()
    audit: tuple[AuditRecord, ...] = ()
    signals: tuple[SignalFate, ...] = ()
    scaling: tuple[ScalingEntry, ...] = ()
    performance: tuple[PerformanceSnapshot, ...] = ()
    reply: bool = False


class Durability(StrEnum):
    """Where a decision was made durable."""

    STORE = "store"
    SPOOL = "spool"
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitResult:
    """The outcome for one decision.

    Attributes:
        stale: A later epoch owns the subject, and nothing was written.
        repeated: It was on record already, and nothing was written again: its intents may have been handed out.
        refused: The database took everything but this one, for good: a mistake of ours, and why.
        deposed: Stale because another process has taken the account over: nothing of this one counts any more.
    """

    decision_id: str
    stale: bool
    durability: Durability
    repeated: bool = False
    refused: str = ""
    deposed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """Told to an actor whose decision asked for it."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.PROTECTIVE)

    decision_id: str
    durability: Durability


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitRefused:
    """Told to an actor whose decision was not written: it has been replaced, or what it holds is not what is on record.

    Either way it must do nothing more; the next incarnation starts from the record and the venue.
    """

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.CONTROL)

    decision_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredPosition:
    """A position as the store has it: with its trailing state and the intents whose outcome is open."""

    position: PositionState
    trailing: TrailingState | None
    open_intents: tuple[Intent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalHealth:
    """The journal's condition: which way records go now, and how many wait in the spool."""

    store_available: bool
    spooled: int
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeTotals:
    """Sums over the ``trades`` and funding rows of the account, for checking that books balance."""

    fills: int
    commission: Money
    realized_pnl: Money
    funding: Money
