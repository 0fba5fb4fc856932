"""Traffic between the actors around the positions: desks, risk, market, signals, monitors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from messages.delivery import Delivery, Lane
from messages.instruments import Instrument
from messages.journal import EventRecord, JournalHealth, KnownSignal, RestoredPosition
from messages.settings import Settings
from messages.signals import Signal
from messages.values import Money, PositionKey, Price, Symbol, Venue
from messages.venue import AccountReport, VenueAnswer

_SAFE_TO_REPEAT = Delivery(lane=Lane.NORMAL, idempotent=True)
_PROTECTIVE = Delivery(lane=Lane.PROTECTIVE, idempotent=True)
CANARY = "canary"
"""Who closes a venue whose stops are not proven to work."""
ACCOUNT = "account"
"""Who closes a venue whose account could not be checked at the start."""
_CONTROL = Delivery(lane=Lane.CONTROL, idempotent=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawSignal:
    """One signal as a source gave it: parsed JSON, or the text that could not be parsed. ``origin`` names the place."""

    DELIVERY: ClassVar[Delivery] = _SAFE_TO_REPEAT

    raw: object
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalsArrived:
    """What a source gave at once. ``in_waves``: they are taken while their wave is checked, not as they come."""

    DELIVERY: ClassVar[Delivery] = _SAFE_TO_REPEAT

    signals: tuple[RawSignal, ...]
    in_waves: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveFound:
    """Told to the source of waves: signals of the expected wave have come, it need not be asked again."""

    DELIVERY: ClassVar[Delivery] = _SAFE_TO_REPEAT

    wave_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSignal:
    """Asked of a venue's desk: is the symbol traded, and what are its bid and ask? Answered at ``path``."""

    DELIVERY: ClassVar[Delivery] = _SAFE_TO_REPEAT

    signal_id: str
    symbol: Symbol
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalChecked:
    """What a venue says of a signal's symbol: why nothing can be opened, or bid and ask where it tells them."""

    DELIVERY: ClassVar[Delivery] = _SAFE_TO_REPEAT

    signal_id: str
    venue: Venue
    why_not: str = ""
    bid: Price | None = None
    ask: Price | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalSettled:
    """Told by the risk actor: the signal became a position, or will not.

    Told again whenever the position's size changes; with ``wave_ms``, the signal's wave, it is the first word on it.
    """

    DELIVERY: ClassVar[Delivery] = _SAFE_TO_REPEAT

    signal_id: str
    opened: bool
    wave_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsiderSignal:
    """Told to the risk actor: may this signal become a position?"""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.NORMAL, ttl_s=60.0)

    signal: Signal
    venue: Venue


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreVenue:
    """Ask the journal for every position of a venue that has not ended; answered with VenueRestored."""

    DELIVERY: ClassVar[Delivery] = _PROTECTIVE

    path: str
    venue: Venue | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueRestored:
    """The open positions on record, of one venue or of all."""

    DELIVERY: ClassVar[Delivery] = _PROTECTIVE

    venue: Venue | None
    positions: tuple[RestoredPosition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSeen:
    """The whole account of a venue as the account actor read it, asked for at ``asked_ms``."""

    DELIVERY: ClassVar[Delivery] = _PROTECTIVE

    report: AccountReport
    asked_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentsRead:
    """Every instrument of a venue."""

    DELIVERY: ClassVar[Delivery] = _PROTECTIVE

    venue: Venue
    instruments: tuple[Instrument, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAccountNow:
    """Told to an account actor, by positions through the desk: read everything again, because ``why``."""

    DELIVERY: ClassVar[Delivery] = _PROTECTIVE

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionReady:
    """A position's actor has read its venue and decided: it is flat, or as it should be, or being mended."""

    DELIVERY: ClassVar[Delivery] = _PROTECTIVE

    key: PositionKey


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchMarket:
    """Told by a position that starts: forward every tick of the symbol until a band says which do not matter.

    ``watch`` numbers the watches of one path, so that a tick of an earlier one, still under way, is not counted.
    """

    DELIVERY: ClassVar[Delivery] = _PROTECTIVE

    path: str
    symbol: Symbol
    watch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LastPrice:
    """The newest price of a symbol, for whoever asked the market actor."""

    symbol: Symbol
    last: Price
    mark: Price
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceOf:
    """Asked of a market actor; answered with LastPrice, or None before the first tick."""

    DELIVERY: ClassVar[Delivery] = _CONTROL

    symbol: Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAnswered:
    """A request to the venue came back. ``call_id`` is the execution actor's own."""

    DELIVERY: ClassVar[Delivery] = _PROTECTIVE

    call_id: int
    answer: VenueAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsRecorded:
    """Events that were made durable, for the log and the alerts."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.BULK, idempotent=True)

    events: tuple[EventRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalChanged:
    """The journal lost its store, or has it back; without it nothing new is opened."""

    DELIVERY: ClassVar[Delivery] = _CONTROL

    health: JournalHealth


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnershipLost:
    """Another process has taken the account over: this one opens nothing, and sends nothing, any more."""

    DELIVERY: ClassVar[Delivery] = _CONTROL


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceRead:
    """The account's money on one venue."""

    DELIVERY: ClassVar[Delivery] = _SAFE_TO_REPEAT

    venue: Venue
    equity: Money
    available: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseOpening:
    """Nothing new is opened until ResumeOpening; protection goes on."""

    DELIVERY: ClassVar[Delivery] = _CONTROL

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeOpening:
    """Undoes :class:`PauseOpening`."""

    DELIVERY: ClassVar[Delivery] = _CONTROL


@dataclass(frozen=True, slots=True, kw_only=True)
class LockSymbol:
    """Nothing is opened on ``symbol``, on any venue, until :class:`UnlockSymbol`; also after a restart."""

    DELIVERY: ClassVar[Delivery] = _CONTROL

    symbol: Symbol
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlockSymbol:
    """Undoes :class:`LockSymbol`."""

    DELIVERY: ClassVar[Delivery] = _CONTROL

    symbol: Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueClosed:
    """Nothing is to be opened on ``venue``; an empty ``why``: as far as ``by`` knows, it may be opened there again."""

    venue: Venue
    by: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsChanged:
    """Other settings count from now on; told to whoever can change over while it lives."""

    DELIVERY: ClassVar[Delivery] = _CONTROL

    settings: Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An actor's own timer: ``what`` is due."""

    DELIVERY: ClassVar[Delivery] = _PROTECTIVE

    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreSignals:
    """Ask the journal which signals have their fate on record since ``since_ms``; answered with SignalsRestored."""

    DELIVERY: ClassVar[Delivery] = _PROTECTIVE

    path: str
    since_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalsRestored:
    """The signals whose fate is on record, by their ids."""

    DELIVERY: ClassVar[Delivery] = _PROTECTIVE

    signals: Mapping[str, KnownSignal]


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeRisk:
    """Asked of the risk actor; answered with RiskSummary."""

    DELIVERY: ClassVar[Delivery] = _CONTROL


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskSummary:
    """What the risk actor knows of the account since it started.

    Attributes:
        equity: Of all venues; ``None`` before the first was read.
        paused: Why nothing is opened anywhere.
        closed: Why nothing is opened on a venue.
        left_out: Why a venue is not looked after at all.
    """

    equity: Money | None
    realized_pnl: Money
    signals_accepted: int
    signals_rejected: int
    paused: tuple[str, ...]
    closed: tuple[tuple[Venue, str], ...] = ()
    left_out: tuple[tuple[Venue, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeSignals:
    """Asked of the signal actor; answered with SignalsSummary."""

    DELIVERY: ClassVar[Delivery] = _CONTROL


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalsSummary:
    """What the signal actor knows: how many it refused since it started, and since when nothing was opened.

    ``stalled_since_ms`` is ``None`` while something was opened in the last 48 hours (S2.7).
    """

    refused: int
    stalled_since_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolWanted:
    """Told to the stream actor: somebody needs the prices of this symbol from now on."""

    DELIVERY: ClassVar[Delivery] = _PROTECTIVE

    symbol: Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOfNoUse:
    """Told to the stream actor: connected or not, it brings nothing; make a new connection."""

    DELIVERY: ClassVar[Delivery] = _CONTROL

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolledPrice:
    """A mark price that came by request; it counts while the stream brings none."""

    DELIVERY: ClassVar[Delivery] = _PROTECTIVE

    venue: Venue
    symbol: Symbol
    mark: Price
