"""The desk of one venue: who is responsible for which symbol.

**Owns** the instruments of the venue, and that each position, on record or on the venue, has its actor.
**Accepts** OpenPosition, CheckSignal and ClosePosition, InstrumentsRead and AccountSeen (from the account actor),
VenueRestored (from the journal), PositionReady, PositionUnclaimed and ReadAccountNow (from positions), VerifyPosition
and RemoveZombies (from monitors), the private stream's events, Settle.
**Sends** all of these on to the position that they concern (CheckSignal, and PriceAddition for an OpenPosition that
adds, to the market), AdoptPosition for what nobody tracks; and makes the actors of positions.
**On crash** the positions live on, and tell again that they are ready; it asks the journal and the account actor again.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeAlias, assert_never

from actors import addresses
from actors.kernel import Actor, Ref
from actors.record import Record, rejection
from actors.settling import Settling
from messages.account_check import RemoveZombies
from messages.instruments import Instrument
from messages.journal import EventRecord, Severity, SignalFate
from messages.orders import PositionReport
from messages.positions import (
    AdoptPosition,
    ClosePosition,
    FillReceived,
    FundingReceived,
    InstrumentChanged,
    OpenPosition,
    OrderUpdated,
    PositionEnded,
    PositionUnclaimed,
    PositionUpdated,
    PriceAddition,
    Settle,
    StreamChanged,
    VerifyPosition,
)
from messages.state import PositionState
from messages.supervision import (
    AccountSeen,
    CheckSignal,
    InstrumentsRead,
    PolledPrice,
    PositionReady,
    ReadAccountNow,
    RestoreVenue,
    SignalChecked,
    VenueRestored,
)
from messages.values import PositionId, PositionKey, Side, Symbol, Venue
from messages.venue import AccountReport
from rules.position_unlisted import ended_unlisted

SpawnPosition: TypeAlias = Callable[[PositionKey, Instrument, Ref], Ref]
MAX_WAITING_OPENS: Final = 100
WAITING_LIFE_MS: Final = 60_000
"""How long an opening may wait for the venue to be ready: less than its place is reserved for."""
ABSENCES: Final = 2
"""Readings of the account without a position on a symbol that is not listed, after which its record ends."""


class Untracked(StrEnum):
    """What is done about a position that is on the venue and not on record (S14)."""

    ADOPT = "adopt"
    ALERT = "alert"
    IGNORE = "ignore"


DeskMessage: TypeAlias = (
    OpenPosition
    | CheckSignal
    | ClosePosition
    | InstrumentsRead
    | AccountSeen
    | VenueRestored
    | PositionReady
    | OrderUpdated
    | FillReceived
    | FundingReceived
    | PositionUpdated
    | ReadAccountNow
    | StreamChanged
    | VerifyPosition
    | RemoveZombies
    | PositionUnclaimed
    | Settle
)


class DeskActor(Actor):
    """Routes by symbol, and sees to it that nothing on the venue is nobody's."""

    def __init__(
        self,
        *,
        venue: Venue,
        journal: Ref,
        risk: Ref,
        account_path: str,
        market_path: str,
        find: Callable[[str], Ref | None],
        spawn: SpawnPosition,
        untracked: Untracked,
        hedge_mode: bool,
        owner_epoch: int,
    ) -> None:
        super().__init__()
        self._venue = venue
        self._journal = journal
        self._risk = risk
        self._account_path = account_path
        self._market_path = market_path
        self._find = find
        self._spawn = spawn
        self._untracked = untracked
        self._hedge_mode = hedge_mode
        self._book = Record(journal=journal, owner_epoch=owner_epoch)
        self._instruments: dict[Symbol, Instrument] = {}
        self._positions: dict[PositionKey, Ref] = {}
        self._ready: set[PositionKey] = set()
        self._restored: VenueRestored | None = None
        self._account: AccountSeen | None = None
        self._has_compared = False
        self._is_open = False
        self._waiting: list[tuple[int, OpenPosition]] = []
        self._unchecked: list[CheckSignal] = []
        self._alerted: set[PositionKey] = set()
        self._absences: dict[PositionId, int] = {}
        self._closes: dict[PositionKey, ClosePosition] = {}
        self._settling = Settling()

    def on_start(self) -> None:
        self._journal.tell(RestoreVenue(path=self.context.path, venue=self._venue))

    def describe(self) -> Mapping[str, object]:
        """Which positions have their actor, which of them are not ready yet, and whether anything may be opened."""
        return {
            "is_open": self._is_open,
            "instruments": len(self._instruments),
            "positions": [key.symbol for key in self._positions],
            "not_ready": [key.symbol for key in self._not_ready],
            "waiting": len(self._waiting),
        }

    def on_receive(self, message: DeskMessage) -> object:
        match message:
            case OpenPosition():
                self._on_open(message)
            case CheckSignal():
                self._on_check(message)
            case ClosePosition() if not self._instruments:
                self._closes[message.key] = message
            case ClosePosition() | VerifyPosition() | RemoveZombies():
                self._to(message.key, message)
            case PositionUnclaimed(report=report):
                self._tell_of_untracked(report)
            case OrderUpdated(report=report):
                self._to_symbol(report.symbol, report.hedge_side, message)
            case FillReceived(fill=fill):
                self._to_symbol(fill.symbol, fill.hedge_side, message)
            case FundingReceived(payment=payment):
                self._to_symbol(payment.symbol, payment.hedge_side, message)
            case PositionUpdated():
                self._on_position(message)
            case InstrumentsRead():
                self._on_instruments(message)
            case AccountSeen():
                self._account = message
                self._pass_prices_on(message.report)
                self._compare()
            case VenueRestored():
                late, self._restored = self._restored is not None, message
                self._compare()
                self._answer_settling()
                if late:
                    self._read_account_now("the record can be read again")
            case PositionReady(key=key):
                self._ready.add(key)
                self._open_when_ready()
            case ReadAccountNow(why=why):
                self._read_account_now(why)
            case StreamChanged(up=up):
                if up:
                    self._read_account_now("the private stream is back")
            case Settle():
                self._settling.asked(self.context)
                self._answer_settling()
            case _:
                assert_never(message)
        return None

    # --- who is responsible -------------------------------------------------------------------------------------------

    def _key(self, symbol: Symbol, side: Side | None) -> PositionKey:
        return PositionKey(venue=self._venue, symbol=symbol, hedge_side=side if self._hedge_mode else None)

    def _position(self, key: PositionKey) -> Ref | None:
        """The actor of ``key``, made when there is none yet, which takes a symbol that the venue lists."""
        ref = self._positions.get(key)
        if ref is None:
            instrument = self._instruments.get(key.symbol)
            if instrument is not None:
                ref = self._spawn(key, instrument, self.context.self_ref)
            else:
                ref = self._find(addresses.position(key))
            if ref is not None:
                self._positions[key] = ref
        return ref

    def _to(self, key: PositionKey, message: object) -> None:
        ref = self._position(key)
        if ref is not None:
            ref.tell(message)

    def _to_symbol(self, symbol: Symbol, hedge_side: Side | None, message: object) -> None:
        """Stream events of a symbol without an actor are of a position opened elsewhere: the account shows it."""
        ref = self._positions.get(self._key(symbol, hedge_side))
        if ref is not None:
            ref.tell(message)

    def _on_position(self, message: PositionUpdated) -> None:
        report = message.report
        if report is None:
            for side in Side if self._hedge_mode else (None,):
                self._to_symbol(message.symbol, side, message)
            return
        key = self._key(message.symbol, report.hedge_side)
        if key in self._positions:
            self._positions[key].tell(message)
        else:
            self._read_account_now(f"{message.symbol} was opened from outside")

    # --- start --------------------------------------------------------------------------------------------------------

    def _on_instruments(self, message: InstrumentsRead) -> None:
        before, self._instruments = self._instruments, {item.symbol: item for item in message.instruments}
        closes, self._closes = self._closes, {}
        for key, close in closes.items():
            self._to(key, close)
        for key, ref in self._positions.items():
            instrument = self._instruments.get(key.symbol)
            if instrument is not None and instrument != before.get(key.symbol):
                ref.tell(InstrumentChanged(instrument=instrument))
            self._tell_suspension(key.symbol, before.get(key.symbol), instrument)
        self._compare()

    def _tell_suspension(self, symbol: Symbol, before: Instrument | None, now: Instrument | None) -> None:
        was, trades = before is not None and before.trading, now is not None and now.trading
        if was and not trades:
            what = "is suspended" if now is not None else "is not listed any more"
            end = now if now is not None and now.ends_ms is not None else before
            text = f"{symbol} {what}: its stop stays, nothing new is sent; {_deadline(end)}"
            self._record("symbol_suspended", text, Severity.CRITICAL, symbol)
        elif trades and now is not None and now.ends_ms is not None and (before is None or before.ends_ms is None):
            text = f"{symbol} is to be delisted: its stop stays; {_deadline(now)}"
            self._record("symbol_ends", text, Severity.CRITICAL, symbol)
        elif trades and before is not None and not was:
            self._record("symbol_resumed", f"{symbol} is traded again", Severity.INFO, symbol)

    def _compare(self) -> None:
        """The record against the venue: every position of either has its actor."""
        if not self._instruments or self._restored is None or self._account is None:
            return
        # Looked at once: what it shows is the past by the time of the next reading.
        report, self._account = self._account.report, None
        shown = {self._key(position.symbol, position.side) for position in report.positions}
        for restored in self._restored.positions:
            if self._position(restored.position.key) is None:
                self._look_at_unlisted(restored.position, is_shown=restored.position.key in shown)
        if not self._has_compared:
            self._has_compared = True
            self._record("venue_read", f"{len(report.positions)} positions are open there", Severity.INFO)
        for position in report.positions:
            self._look_at(position, report)
        self._look_for_the_others(report)
        self._open_when_ready()
        self._answer_settling()

    def _look_at_unlisted(self, position: PositionState, *, is_shown: bool) -> None:
        """On record, on a symbol that the venue does not list: without its rules no actor can look after it."""
        key, position_id = position.key, position.position_id
        if is_shown:
            self._absences.pop(position_id, None)
            if key not in self._alerted:
                self._alerted.add(key)
                text = f"{key.symbol} is not listed any more: its stop stays, nothing new is sent; {_deadline(None)}"
                self._record("symbol_suspended", text, Severity.CRITICAL, key.symbol)
            return
        absences = self._absences[position_id] = self._absences.get(position_id, 0) + 1
        if absences == ABSENCES:
            self._end_unlisted(position)

    def _end_unlisted(self, position: PositionState) -> None:
        """Its place is free again."""
        ended, event = ended_unlisted(position, now_ms=self.context.now_ms())
        self._book.write(replace(self._book.blank(self.context), position=ended, events=(event,)))
        self._risk.tell(PositionEnded(key=position.key, reservation_id=position.reservation_id, opened=True))

    def _answer_settling(self) -> None:
        """A stop in the middle of a start: what is on record has its actor first, which then answers for itself."""
        if self._has_compared or (self._restored is not None and not self._restored.positions):
            self._settling.answer()

    def _look_for_the_others(self, report: AccountReport) -> None:
        """A position that the account does not show may be over without anybody having been told (F11)."""
        shown = {self._key(position.symbol, position.side) for position in report.positions}
        self._alerted &= shown
        for key, ref in self._positions.items():
            if key not in shown:
                ref.tell(VerifyPosition(key=key, why="the account shows no position here"))

    def _pass_prices_on(self, report: AccountReport) -> None:
        market = self._find(self._market_path)
        if market is not None:
            for position in report.positions:
                market.tell(PolledPrice(venue=self._venue, symbol=position.symbol, mark=position.mark_price))

    def _look_at(self, position: PositionReport, account: AccountReport) -> None:
        key = self._key(position.symbol, position.side)
        allowed = self._untracked is Untracked.ADOPT
        if allowed or key in self._positions:
            # Where a position of ours has been before, only its actor knows whether this one is on record.
            self._to(key, AdoptPosition(report=position, account=account, allowed=allowed))
        else:
            self._tell_of_untracked(position)

    def _tell_of_untracked(self, position: PositionReport) -> None:
        key = self._key(position.symbol, position.side)
        if self._untracked is Untracked.ALERT and key not in self._alerted:
            self._alerted.add(key)
            self._record(
                "untracked_position",
                f"{position.side} {position.quantity} {position.symbol} is on the venue and on no record",
                Severity.CRITICAL,
            )

    @property
    def _not_ready(self) -> set[PositionKey]:
        return self._positions.keys() - self._ready

    def _open_when_ready(self) -> None:
        """Only when everything is protected are new signals accepted (S5)."""
        if self._is_open or self._not_ready or not self._has_compared:
            return
        self._is_open = True
        self._record("venue_ready", f"{len(self._positions)} positions on record or on the venue", Severity.INFO)
        waiting, self._waiting = self._waiting, []
        for since_ms, message in waiting:
            if self.context.now_ms() - since_ms > WAITING_LIFE_MS:
                self._refuse(message, f"the venue was not ready within {WAITING_LIFE_MS // 1_000} s")
            else:
                self._on_open(message)
        unchecked, self._unchecked = self._unchecked, []
        for check in unchecked:
            self._on_check(check)

    def _read_account_now(self, why: str) -> None:
        account = self._find(self._account_path)
        if account is not None:
            account.tell(ReadAccountNow(why=why))

    # --- opening ------------------------------------------------------------------------------------------------------

    def _on_open(self, message: OpenPosition) -> None:
        if not self._is_open:
            if len(self._waiting) < MAX_WAITING_OPENS:
                self._waiting.append((self.context.now_ms(), message))
            else:
                self._refuse(message, "too many signals wait for the venue to be ready")
            return
        signal = message.signal
        ref = self._position(self._key(signal.symbol, signal.side))
        if ref is None:
            self._refuse(message, f"{signal.symbol} is not traded on {self._venue}")
        elif message.ladder is not None:
            self._tell(self._market_path, PriceAddition(path=ref.path, command=message))
        else:
            ref.tell(message)

    def _on_check(self, message: CheckSignal) -> None:
        """Whether a signal's symbol is traded here; its prices are the market's to tell."""
        if not self._is_open:
            if len(self._unchecked) < MAX_WAITING_OPENS:
                self._unchecked.append(message)
            return
        instrument = self._instruments.get(message.symbol)
        if instrument is not None and instrument.trading:
            self._tell(self._market_path, message)
            return
        why = "is not traded" if instrument is None else "is not traded at present"
        answer = SignalChecked(
            signal_id=message.signal_id, venue=self._venue, why_not=f"{message.symbol} {why} on {self._venue}"
        )
        self._tell(message.path, answer)

    def _tell(self, path: str, message: object) -> None:
        ref = self._find(path)
        if ref is not None:
            ref.tell(message)

    def _refuse(self, message: OpenPosition, reason: str) -> None:
        signal = message.signal
        fate = rejection(signal, reason, venue=self._venue, at_ms=self.context.now_ms())
        self._commit(signals=(fate,))
        key = self._key(signal.symbol, signal.side)
        self._risk.tell(PositionEnded(key=key, reservation_id=message.reservation_id))

    def _record(self, kind: str, text: str, severity: Severity, symbol: Symbol | None = None) -> None:
        subject = self._venue if symbol is None else f"{self._venue}/{symbol}"
        event = EventRecord(kind=kind, severity=severity, text=text, at_ms=self.context.now_ms(), subject=subject)
        self._commit(events=(event,))

    def _commit(self, *, events: tuple[EventRecord, ...] = (), signals: tuple[SignalFate, ...] = ()) -> None:
        self._book.write(replace(self._book.blank(self.context), events=events, signals=signals))


def _deadline(instrument: Instrument | None) -> str:
    """Until when a person can close what is open there."""
    if instrument is None or instrument.ends_ms is None:
        return "the venue names no time at which it settles it: look for its announcement, and close it before"
    end = datetime.fromtimestamp(instrument.ends_ms // 1_000, tz=UTC)
    return f"close it before {end:%Y-%m-%d %H:%M} UTC, when the venue settles it"
