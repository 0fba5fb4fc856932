"""The limits of the account: nothing is opened without a reservation.

**Owns** the book of what is open and what is being opened, whether opening is paused, the result of the day, and how
each market moves.
**Accepts** ConsiderSignal (from the signal actor), ExposureChanged and PositionEnded (from positions), BalanceRead,
JournalChanged, OwnershipLost, PauseOpening, ResumeOpening, VenueClosed, VenueRestored, ResultsRestored,
SettingsChanged, MarketConditions (from the regime monitors), and its own timers.
**Sends** OpenPosition to the desks, SignalSettled to the signal actor, Decision (a rejected signal's fate, a venue that
is left out) to the journal.
**On crash** the book is made anew from the record and from its memory of what is being opened, which outlives it as
pauses do; positions tell their exposure again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final, Self, TypeAlias, assert_never

from actors import addresses
from actors.day_results import DayResults
from actors.kernel import Actor, Ref
from actors.record import Record, rejection
from actors.risk_memory import Reservation, RiskMemory
from messages.conditions import MarketConditions, Regime
from messages.journal import SYMBOL_LOCKED, SYMBOL_UNLOCKED, EventRecord, Severity
from messages.positions import ExposureChanged, LadderTerms, OpenPosition, PositionEnded
from messages.results import RestoreResults, ResultsRestored
from messages.settings import Settings
from messages.signals import Signal
from messages.supervision import (
    CANARY,
    BalanceRead,
    ConsiderSignal,
    DescribeRisk,
    Due,
    JournalChanged,
    LockSymbol,
    OwnershipLost,
    PauseOpening,
    RestoreVenue,
    ResumeOpening,
    RiskSummary,
    SettingsChanged,
    SignalSettled,
    UnlockSymbol,
    VenueClosed,
    VenueRestored,
)
from messages.values import ZERO, Money, PositionKey, Symbol, Venue
from rules.adjustments import AdjustmentPolicy, OpeningTerms
from rules.balance_profile import balance_profile
from rules.ladder import max_additions, next_coefficient
from rules.limits import Limits, Refused, closed, filled, release, reserve
from rules.partial_closes import least_close_value

MAX_WAITING: Final = 1_000
RESERVATION_LIFE_S: Final = 120.0
"""A reservation that nothing was heard of for this long is free again: its command was lost with a crash."""

RiskMessage: TypeAlias = (
    ConsiderSignal
    | ExposureChanged
    | PositionEnded
    | BalanceRead
    | JournalChanged
    | OwnershipLost
    | PauseOpening
    | ResumeOpening
    | LockSymbol
    | UnlockSymbol
    | VenueClosed
    | VenueRestored
    | ResultsRestored
    | MarketConditions
    | SettingsChanged
    | DescribeRisk
    | Due
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskPolicy:
    """Limits and the size of a new position; leverage is what the venue is set to.

    Attributes:
        adjustments: What the day's result and losses do to opening (S3).
        least_close_usd: The least value of a partial close that is set; ``None``: by balance profile (S9).
        follows_volatility: Whether the distances of a new position's stop and take profits do.
        follows_regime: Whether the market's regime counts; else it is taken for ranging.
        scaling: Whether a second signal may add to a position (S10).
    """

    limits: Limits
    size_usd: Money
    leverage: int
    adjustments: AdjustmentPolicy = field(default_factory=AdjustmentPolicy)
    least_close_usd: Money | None = None
    follows_volatility: bool = True
    follows_regime: bool = True
    scaling: bool = True

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As the settings have it."""
        return cls(
            limits=Limits(max_positions=settings.max_positions, max_exposure_usd=settings.max_exposure_usd),
            size_usd=settings.position_size_usd,
            leverage=settings.leverage,
            adjustments=AdjustmentPolicy(
                size_follows_day=settings.size_follows_day_result,
                pauses_after_losses=settings.pause_after_losses_minutes > 0,
                consecutive_losses=settings.pause_after_consecutive_losses,
                pause_minutes=settings.pause_after_losses_minutes,
            ),
            least_close_usd=settings.min_partial_close_value_usd,
            follows_volatility=settings.distances_follow_volatility,
            follows_regime=settings.parameters_follow_regime,
            scaling=settings.scaling_enabled,
        )


class RiskActor(Actor):
    """Hands out reservations, so that two signals at once cannot pass together."""

    def __init__(
        self,
        *,
        journal: Ref,
        signals: Ref,
        desks: Mapping[Venue, Ref],
        hedged: frozenset[Venue],
        left_out: Mapping[Venue, str],
        on_trial: frozenset[Venue],
        policy: RiskPolicy,
        memory: RiskMemory,
        owner_epoch: int,
    ) -> None:
        """Begin with what is being opened, and nothing yet that is open.

        Args:
            journal: The journal.
            signals: The signal actor.
            desks: Those of the venues that are looked after.
            hedged: The venues where both sides of a symbol may be open at once.
            left_out: Why a venue of the settings is not looked after.
            on_trial: The venues whose canary says first whether anything may be opened there.
            policy: Limits and sizes.
            memory: What an earlier incarnation knew and nobody else does.
            owner_epoch: Of this process.
        """
        super().__init__()
        self._journal = journal
        self._signals = signals
        self._desks = desks
        self._hedged = hedged
        self._left_out = left_out
        self._on_trial = set(on_trial)
        self._policy = policy
        self._record = Record(journal=journal, owner_epoch=owner_epoch)
        self._book = memory.book()
        self._exposures: dict[str, ExposureChanged] = {}
        self._restored = False
        self._waiting: list[ConsiderSignal] = []
        self._pauses = memory.pauses
        self._locks: dict[Symbol, str] = {}
        self._closed: dict[Venue, dict[str, str]] = {}
        self._available: dict[Venue, Money] = {}
        self._under_way = memory.under_way
        self._equity: dict[Venue, Money] = {}
        self._realized_pnl: Money = ZERO
        self._day = DayResults(policy.adjustments)
        self._told_terms: tuple[Decimal, bool] = (Decimal(1), False)
        self._conditions: dict[tuple[Venue, Symbol], MarketConditions] = {}
        self._accepted = 0
        self._rejected = 0

    def on_start(self) -> None:
        self._journal.tell(RestoreVenue(path=self.context.path, venue=None))
        since_ms = self._day.needed_since_ms(self.context.now_ms())
        self._journal.tell(RestoreResults(path=self.context.path, since_ms=since_ms))
        for reservation_id in self._under_way:
            self._time(reservation_id)
        for venue, why in self._left_out.items():
            text = (
                f"{venue} is left out of this run: what is open there is not looked after, "
                f"only the stops that rest there protect it; mend this and start again: {why}"
            )
            blank = self._record.blank(self.context)
            event = EventRecord(
                kind="venue_left_out", severity=Severity.CRITICAL, text=text, at_ms=blank.at_ms, subject=venue
            )
            self._record.write(replace(blank, events=(event,)))

    def describe(self) -> Mapping[str, object]:
        """What is open, what is being opened, and what keeps anything from being opened."""
        return {
            "open": self._book.open,
            "reserved": self._book.reserved,
            "under_way": list(self._under_way),
            "pauses": self._pauses,
            "closed": self._closed,
            "locks": self._locks,
            "equity": self._equity,
            "available": self._available,
            "restored": self._restored,
        }

    def on_receive(self, message: RiskMessage) -> RiskSummary | None:
        match message:
            case ConsiderSignal():
                self._on_signal(message)
            case ExposureChanged():
                self._on_exposure(message)
            case PositionEnded():
                self._on_ended(message)
            case BalanceRead(venue=venue, available=available, equity=equity):
                self._available[venue] = available
                self._equity[venue] = equity
                if self._equity.keys() >= self._desks.keys():
                    self._day.heard_equity(self._total_equity(), now_ms=self.context.now_ms())
            case SettingsChanged(settings=settings):
                self._policy = RiskPolicy.of(settings)
                self._day.follow(self._policy.adjustments)
            case DescribeRisk():
                return self._summary()
            case JournalChanged(health=health):
                self._pause("journal", "" if health.store_available else "the database cannot be written")
            case OwnershipLost():
                self._pause("ownership", "another process has taken the account over")
            case PauseOpening(why=why):
                self._pause("operator", why)
            case ResumeOpening():
                self._pause("operator", "")
            case LockSymbol() | UnlockSymbol():
                self._on_lock(message)
            case VenueClosed():
                self._on_closed(message)
            case VenueRestored():
                self._on_restored(message)
            case ResultsRestored(results=results, locks=locks):
                self._day.restored(results)
                self._locks = {Symbol(symbol): why for symbol, why in locks} | self._locks
                self._try_waiting()
            case MarketConditions(venue=venue, symbol=symbol):
                self._conditions[venue, symbol] = message
            case Due(what=reservation_id):
                self._give_up(reservation_id)
            case _:
                assert_never(message)
        return None

    def _total_equity(self) -> Money:
        return sum(self._equity.values(), ZERO)

    def _terms(self) -> OpeningTerms:
        """What the day allows; where that is something else than before, it goes on record with its inputs (S3)."""
        terms = self._day.terms(
            base_usd=self._policy.size_usd,
            equity=self._total_equity() if self._equity else None,
            now_ms=self.context.now_ms(),
        )
        told = (terms.factor, terms.paused_until_ms is not None)
        if told != self._told_terms:
            self._told_terms = told
            blank = self._record.blank(self.context)
            event = EventRecord(
                kind="opening_adjusted",
                severity=Severity.WARNING if terms.why else Severity.INFO,
                text=terms.why or "opening is as set again",
                at_ms=blank.at_ms,
                subject="account",
                data=terms.inputs,
            )
            self._record.write(replace(blank, events=(event,)))
        return terms

    def _regime(self, message: ConsiderSignal) -> Regime:
        conditions = self._conditions.get((message.venue, message.signal.symbol))
        told = conditions.regime if conditions is not None and self._policy.follows_regime else None
        return told or Regime.RANGING

    def _ladder(self, message: ConsiderSignal) -> LadderTerms:
        """While no balance is known nothing is known to be free either, so that nothing is added."""
        return LadderTerms(
            profile=balance_profile(self._total_equity()),
            regime=self._regime(message),
            available_usd=self._available.get(message.venue),
        )

    def _addition_usd(self, name: str, ladder: LadderTerms) -> Money:
        """What the next addition to a position comes to; 0 where none is allowed."""
        exposure = self._exposures.get(name)
        if exposure is None:
            return ZERO
        return exposure.base_usd * next_coefficient(
            additions=exposure.additions, profile=ladder.profile, regime=ladder.regime
        )

    def _opening(self, message: ConsiderSignal, size_usd: Money, ladder: LadderTerms | None) -> OpenPosition:
        """The command, with what the market and the balance have to say about distances and partial closes."""
        policy, signal = self._policy, message.signal
        conditions = self._conditions.get((message.venue, signal.symbol))
        least = policy.least_close_usd
        if self._equity:
            profile = balance_profile(self._total_equity())
            least = least_close_value(profile=profile, regime=self._regime(message), set_usd=least)
        scaled = conditions if policy.follows_volatility else None
        return OpenPosition(
            signal=signal,
            size_usd=size_usd,
            reservation_id=signal.signal_id,
            leverage=policy.leverage,
            distance_factor=Decimal(1) if scaled is None else scaled.distance_factor,
            least_close_usd=least,
            ladder=ladder,
        )

    def _summary(self) -> RiskSummary:
        terms = self._terms()
        return RiskSummary(
            equity=self._total_equity() if self._equity else None,
            realized_pnl=self._realized_pnl,
            signals_accepted=self._accepted,
            signals_rejected=self._rejected,
            paused=(*self._pauses.values(), *([terms.why] if terms.paused_until_ms is not None else [])),
            closed=tuple((venue, why) for venue in self._closed if (why := self._why_closed(venue))),
            left_out=tuple(self._left_out.items()),
        )

    def _on_restored(self, message: VenueRestored) -> None:
        for restored in message.positions:
            position = restored.position
            name = addresses.position(position.key)
            if name not in self._book.open:
                value = max(position.quantity, position.wanted_quantity) * position.entry_price
                self._book = filled(self._book, reservation_id="", key=name, notional=value)
        self._restored = True
        self._try_waiting()

    def _try_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for signal in waiting:
            self._on_signal(signal)

    def _on_closed(self, message: VenueClosed) -> None:
        self._closed.setdefault(message.venue, {})[message.by] = message.why
        if message.by == CANARY and message.venue in self._on_trial:
            self._on_trial.discard(message.venue)
            self._try_waiting()

    def _why_closed(self, venue: Venue) -> str:
        return "; ".join(filter(None, self._closed.get(venue, {}).values()))

    def _pause(self, who: str, why: str) -> None:
        if why:
            self._pauses[who] = why
        else:
            self._pauses.pop(who, None)

    def _on_lock(self, message: LockSymbol | UnlockSymbol) -> None:
        """The event is the record of it: the next process reads it."""
        blank = self._record.blank(self.context)
        if isinstance(message, LockSymbol):
            self._locks[message.symbol] = why = message.why
            kind = SYMBOL_LOCKED
        else:
            self._locks.pop(message.symbol, None)
            kind, why = SYMBOL_UNLOCKED, "opened again as anything else"
        event = EventRecord(kind=kind, severity=Severity.WARNING, text=why, at_ms=blank.at_ms, subject=message.symbol)
        self._record.write(replace(blank, events=(event,)))

    def _wait(self, message: ConsiderSignal) -> None:
        """At the start signals wait until the record is read and the venue's stops are tried: seconds, not minutes."""
        if len(self._waiting) < MAX_WAITING:
            self._waiting.append(message)
        else:
            self._reject(message.signal, message.venue, "too many signals wait for the start to be over")

    def _on_signal(self, message: ConsiderSignal) -> None:
        if not (self._restored and self._day.is_restored) or message.venue in self._on_trial:
            self._wait(message)
            return
        signal, policy = message.signal, self._policy
        if signal.signal_id in self._under_way:
            # Offered a second time after a crash of the signal actor; it will hear what becomes of it.
            return
        desk = self._desks.get(message.venue)
        if (why := self._left_out.get(message.venue)) is not None:
            self._reject(signal, message.venue, f"{message.venue} is left out of this run: {why}")
            return
        if desk is None:
            self._reject(signal, message.venue, f"no venue {message.venue}: configured are {', '.join(self._desks)}")
            return
        if self._pauses:
            self._reject(signal, message.venue, f"opening is paused: {'; '.join(self._pauses.values())}")
            return
        if why := self._why_closed(message.venue):
            self._reject(signal, message.venue, why)
            return
        if (locked := self._locks.get(signal.symbol)) is not None:
            self._reject(signal, message.venue, f"{signal.symbol} is locked: {locked}")
            return
        terms = self._terms()
        if terms.paused_until_ms is not None:
            self._reject(signal, message.venue, f"opening is paused: {terms.why}")
            return
        side = signal.side if message.venue in self._hedged else None
        name = addresses.position(PositionKey(venue=message.venue, symbol=signal.symbol, hedge_side=side))
        if name in self._exposures and self._exposures[name].reservation_id == signal.signal_id:
            # Offered a second time as well, and open meanwhile: the signal actor has been told.
            return
        ladder = self._ladder(message) if policy.scaling and name in self._book.open else None
        size_usd = terms.size_usd if ladder is None else self._addition_usd(name, ladder)
        if why := self._no_room(message, name, size_usd, ladder):
            self._reject(signal, message.venue, why)
            return
        book = reserve(
            self._book,
            reservation_id=signal.signal_id,
            key=name,
            notional=size_usd,
            limits=policy.limits,
            adds=ladder is not None,
        )
        if isinstance(book, Refused):
            self._reject(signal, message.venue, book.reason)
            return
        self._book = book
        self._accepted += 1
        self._time(signal.signal_id)
        self._under_way[signal.signal_id] = Reservation(considered=message, key=name, notional=size_usd)
        desk.tell(self._opening(message, size_usd, ladder))

    def _time(self, reservation_id: str) -> None:
        self.context.schedule_once(("reservation", reservation_id), RESERVATION_LIFE_S, Due(what=reservation_id))

    def _no_room(self, message: ConsiderSignal, name: str, size_usd: Money, ladder: LadderTerms | None) -> str:
        """Why nothing of ``size_usd`` can be opened or added, before it is reserved; empty when it can."""
        if ladder is not None:
            exposure = self._exposures.get(name)
            if exposure is None:
                return "how much of the position is open is not known yet"
            most = max_additions(ladder.profile, ladder.regime)
            made = f"{exposure.additions} additions of {most} ({ladder.profile}, {ladder.regime}) are made"
            return "" if size_usd else made
        available, margin = self._available.get(message.venue), size_usd / self._policy.leverage
        if available is not None and margin > available:
            return f"margin {margin:.2f} is needed, {available} is available"
        return ""

    def _give_up(self, reservation_id: str) -> None:
        """A crash took what was to come of this signal; its place is free again, and its fate goes on record."""
        self._book = release(self._book, reservation_id=reservation_id)
        lost = self._under_way.pop(reservation_id, None)
        if lost is not None:
            signal, venue = lost.considered.signal, lost.considered.venue
            self._reject(signal, venue, f"nothing came of it in {RESERVATION_LIFE_S:.0f} s: lost in a crash")

    def _on_exposure(self, message: ExposureChanged) -> None:
        self.context.cancel(("reservation", message.reservation_id))
        self._tell_settled(message.reservation_id, opened=True)
        name = addresses.position(message.key)
        self._exposures[name] = message
        self._book = filled(self._book, reservation_id=message.reservation_id, key=name, notional=message.notional)

    def _on_ended(self, message: PositionEnded) -> None:
        """A refused signal frees its reservation only; a position that ended frees its place as well."""
        self.context.cancel(("reservation", message.reservation_id))
        self._book = release(self._book, reservation_id=message.reservation_id)
        self._tell_settled(message.reservation_id, opened=message.opened)
        if message.opened:
            self._exposures.pop(addresses.position(message.key), None)
            self._book = closed(self._book, key=addresses.position(message.key))
            if message.result is not None:
                self._realized_pnl += message.result.net_pnl
                self._day.ended(message.result, now_ms=self.context.now_ms())
                self._terms()
        else:
            self._accepted -= 1
            self._rejected += 1

    def _tell_settled(self, reservation_id: str, *, opened: bool) -> None:
        known = self._under_way.pop(reservation_id, None)
        wave_ms = known.considered.signal.timestamp_ms if known is not None else None
        self._signals.tell(SignalSettled(signal_id=reservation_id, opened=opened, wave_ms=wave_ms))

    def _reject(self, signal: Signal, venue: Venue, reason: str) -> None:
        self._rejected += 1
        blank = self._record.blank(self.context)
        fate = rejection(signal, reason, venue=venue, at_ms=blank.at_ms)
        self._record.write(replace(blank, signals=(fate,)))
        self._signals.tell(SignalSettled(signal_id=signal.signal_id, opened=False, wave_ms=signal.timestamp_ms))
