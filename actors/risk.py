"""The limits of the account: nothing is opened without a reservation.

**Owns** the book of what is open and what is being opened, and whether opening is paused.
**Accepts** ConsiderSignal (from the signal actor), ExposureChanged and PositionEnded (from positions), BalanceRead,
JournalChanged, OwnershipLost, PauseOpening, ResumeOpening, VenueClosed, VenueRestored, and its own timers.
**Sends** OpenPosition to the desks, SignalSettled to the signal actor, Decision (a rejected signal's fate, a venue that
is left out) to the journal.
**On crash** the book is made anew from the record; positions that were being opened tell their exposure by themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, assert_never

from actors import addresses
from actors.kernel import Actor, Ref
from actors.record import Record, rejection
from messages.journal import EventRecord, Severity
from messages.positions import ExposureChanged, OpenPosition, PositionEnded
from messages.signals import Signal
from messages.supervision import (
    BalanceRead,
    ConsiderSignal,
    DescribeRisk,
    Due,
    JournalChanged,
    OwnershipLost,
    PauseOpening,
    RestoreVenue,
    ResumeOpening,
    RiskSummary,
    SignalSettled,
    VenueClosed,
    VenueRestored,
)
from messages.values import ZERO, Money, PositionKey, Venue
from rules.limits import Book, Limits, Refused, closed, filled, release, reserve

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
    | VenueClosed
    | VenueRestored
    | DescribeRisk
    | Due
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskPolicy:
    """Limits and the size of a new position; leverage is what the venue is set to."""

    limits: Limits
    size_usd: Money
    leverage: int


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
        policy: RiskPolicy,
        owner_epoch: int,
    ) -> None:
        """Begin with an empty book.

        Args:
            journal: The journal.
            signals: The signal actor.
            desks: Those of the venues that are looked after.
            hedged: The venues where both sides of a symbol may be open at once.
            left_out: Why a venue of the settings is not looked after.
            policy: Limits and sizes.
            owner_epoch: Of this process.
        """
        super().__init__()
        self._journal = journal
        self._signals = signals
        self._desks = desks
        self._hedged = hedged
        self._left_out = left_out
        self._policy = policy
        self._record = Record(journal=journal, owner_epoch=owner_epoch)
        self._book = Book()
        self._restored = False
        self._waiting: list[ConsiderSignal] = []
        self._pauses: dict[str, str] = {}
        self._closed: dict[Venue, dict[str, str]] = {}
        self._available: dict[Venue, Money] = {}
        self._under_way: dict[str, ConsiderSignal] = {}
        self._equity: dict[Venue, Money] = {}
        self._realized_pnl: Money = ZERO
        self._accepted = 0
        self._rejected = 0

    def on_start(self) -> None:
        self._journal.tell(RestoreVenue(path=self.context.path, venue=None))
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
            case VenueClosed(venue=venue, by=by, why=why):
                self._closed.setdefault(venue, {})[by] = why
            case VenueRestored():
                self._on_restored(message)
            case Due(what=reservation_id):
                self._give_up(reservation_id)
            case _:
                assert_never(message)
        return None

    def _summary(self) -> RiskSummary:
        return RiskSummary(
            equity=sum(self._equity.values(), ZERO) if self._equity else None,
            realized_pnl=self._realized_pnl,
            signals_accepted=self._accepted,
            signals_rejected=self._rejected,
            paused=tuple(self._pauses.values()),
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
        waiting, self._waiting = self._waiting, []
        for signal in waiting:
            self._on_signal(signal)

    def _why_closed(self, venue: Venue) -> str:
        return "; ".join(filter(None, self._closed.get(venue, {}).values()))

    def _pause(self, who: str, why: str) -> None:
        if why:
            self._pauses[who] = why
        else:
            self._pauses.pop(who, None)

    def _on_signal(self, message: ConsiderSignal) -> None:
        if not self._restored:
            self._waiting.append(message)
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
        available = self._available.get(message.venue)
        if available is not None and policy.size_usd / policy.leverage > available:
            self._reject(
                signal,
                message.venue,
                f"margin {policy.size_usd / policy.leverage:.2f} is needed, {available} is available",
            )
            return
        side = signal.side if message.venue in self._hedged else None
        key = PositionKey(venue=message.venue, symbol=signal.symbol, hedge_side=side)
        book = reserve(
            self._book,
            reservation_id=signal.signal_id,
            key=addresses.position(key),
            notional=policy.size_usd,
            limits=policy.limits,
        )
        if isinstance(book, Refused):
            self._reject(signal, message.venue, book.reason)
            return
        self._book = book
        self._accepted += 1
        self._under_way[signal.signal_id] = message
        self.context.schedule_once(("reservation", signal.signal_id), RESERVATION_LIFE_S, Due(what=signal.signal_id))
        desk.tell(
            OpenPosition(
                signal=signal,
                size_usd=policy.size_usd,
                reservation_id=signal.signal_id,
                leverage=policy.leverage,
            )
        )

    def _give_up(self, reservation_id: str) -> None:
        """A crash took what was to come of this signal; its place is free again, and its fate goes on record."""
        self._book = release(self._book, reservation_id=reservation_id)
        lost = self._under_way.pop(reservation_id, None)
        if lost is not None:
            self._reject(lost.signal, lost.venue, f"nothing came of it in {RESERVATION_LIFE_S:.0f} s: lost in a crash")

    def _on_exposure(self, message: ExposureChanged) -> None:
        self.context.cancel(("reservation", message.reservation_id))
        self._under_way.pop(message.reservation_id, None)
        self._signals.tell(SignalSettled(signal_id=message.reservation_id, opened=True))
        self._book = filled(
            self._book,
            reservation_id=message.reservation_id,
            key=addresses.position(message.key),
            notional=message.notional,
        )

    def _on_ended(self, message: PositionEnded) -> None:
        """A refused signal frees its reservation only; a position that ended frees its place as well."""
        self.context.cancel(("reservation", message.reservation_id))
        self._book = release(self._book, reservation_id=message.reservation_id)
        self._under_way.pop(message.reservation_id, None)
        self._signals.tell(SignalSettled(signal_id=message.reservation_id, opened=message.opened))
        if message.opened:
            self._book = closed(self._book, key=addresses.position(message.key))
            self._realized_pnl += message.net_pnl
        else:
            self._accepted -= 1
            self._rejected += 1

    def _reject(self, signal: Signal, venue: Venue, reason: str) -> None:
        self._rejected += 1
        blank = self._record.blank(self.context)
        fate = rejection(signal, reason, venue=venue, at_ms=blank.at_ms)
        self._record.write(replace(blank, signals=(fate,)))
        self._signals.tell(SignalSettled(signal_id=signal.signal_id, opened=False))
