"""Signals on their way from a source to a decision: wave by wave, the best first (S2).

**Owns** which signals were seen, the waves under way, and when something was opened last.
**Accepts** SignalsArrived and RawSignal (from any source: server, file, demo, shell), SignalsRestored (from the
journal), SignalChecked (from a venue's desk or market), SignalSettled (from the risk actor), SettingsChanged,
DescribeSignals, and its own timers.
**Sends** CheckSignal to the desks, ConsiderSignal to the risk actor, WaveFound to the source, Decision (a refused
signal's fate, and events) to the journal.
**On crash** what is on record is read again, with how many of each wave were accepted; what was being looked at
outlives it and is taken up again, what had not got so far is offered again by its source, and what others tell
meanwhile counts.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, Self, TypeAlias, assert_never

from actors.addresses import Directory
from actors.kernel import Actor, Ref
from actors.record import Record, rejection
from messages.journal import EventRecord, KnownSignal, Severity, SignalFate, Verdict
from messages.settings import Settings
from messages.signals import Signal
from messages.supervision import (
    CheckSignal,
    ConsiderSignal,
    DescribeSignals,
    Due,
    RawSignal,
    RestoreSignals,
    SettingsChanged,
    SignalChecked,
    SignalsArrived,
    SignalSettled,
    SignalsRestored,
    SignalsSummary,
    WaveFound,
)
from messages.values import Venue
from rules.signal_intake import SignalRefused, parse_signal
from rules.wave_intake import (
    MAX_WAITING,
    IntakePolicy,
    Wave,
    joined,
    next_steps,
    passed,
    screened,
    settled,
    too_wide,
)
from rules.waves import CheckTimes, Standing, standing_of

SEEN_KEPT: Final = 50_000
KNOWN_FOR_MS: Final = 7 * 24 * 3_600_000
CHECK_LIFE_S: Final = 60.0
"""A symbol whose venue says nothing for this long is refused; a venue that is just starting may need most of it."""
OPENING_LIFE_S: Final = 150.0
"""Longer than the risk actor waits for a position: only after a crash of that one nothing is heard at all."""
OLDEST_WAVE_S: Final = 7_200.0
"""No check can be under way for a wave that began earlier."""
STALLED_AFTER_MS: Final = 48 * 3_600_000
LOOK_BACK_S: Final = 600.0
WAVES_KEPT: Final = 200

SignalMessage: TypeAlias = (
    SignalsArrived
    | RawSignal
    | SignalsRestored
    | SignalChecked
    | SignalSettled
    | SettingsChanged
    | DescribeSignals
    | Due
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WavePolicy:
    """When waves are taken, and what of them."""

    times: CheckTimes = field(default_factory=CheckTimes)
    intake: IntakePolicy = field(default_factory=IntakePolicy)
    max_early: int = 100

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As the settings have it."""
        return cls(
            times=CheckTimes(minutes=settings.wave_check_minutes, duration_s=settings.wave_check_duration_seconds),
            intake=IntakePolicy(
                max_trades=settings.max_trades_per_15min,
                buffer_percent=settings.signal_buffer_percent,
                min_score_week=settings.min_score_week,
                min_score_month=settings.min_score_month,
                max_spread_percent=settings.max_spread_percent,
                stoplist=frozenset(settings.stoplist_symbols),
            ),
            max_early=settings.signal_buffer_size,
        )


@dataclass(slots=True)
class _Underway:
    """A signal in a wave: the venue that is asked, and those that may be asked instead."""

    signal: Signal
    venue: Venue
    others: tuple[Venue, ...]


class SignalActor(Actor):
    """Each signal is considered once, also across a restart, and has its fate recorded."""

    def __init__(
        self,
        *,
        journal: Ref,
        risk: Ref,
        desks: Mapping[Venue, Ref],
        venues: Sequence[Venue],
        find: Directory,
        source_path: str,
        policy: WavePolicy,
        max_age_s: float,
        owner_epoch: int,
        in_hand: dict[str, Signal],
    ) -> None:
        """``venues`` may be named by signals; those without a desk are refused by the risk actor, which knows why.

        ``in_hand`` are the signals that an earlier incarnation was looking at.
        """
        super().__init__()
        self._journal = journal
        self._risk = risk
        self._desks = desks
        self._venues = tuple(venues)
        self._find = find
        self._source_path = source_path
        self._policy = policy
        self._max_age_s = max_age_s
        self._record = Record(journal=journal, owner_epoch=owner_epoch)
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._restored = False
        self._arrived: list[SignalsArrived] = []
        self._early: list[Signal] = []
        self._waves: dict[int, Wave] = {}
        self._found: set[int] = set()
        self._underway: dict[str, _Underway] = {}
        self._in_hand = in_hand
        self._refused = 0
        self._last_opened_ms = 0
        self._stalled = False

    def on_start(self) -> None:
        self._last_opened_ms = self.context.now_ms()
        self._journal.tell(RestoreSignals(path=self.context.path, since_ms=self.context.now_ms() - KNOWN_FOR_MS))
        self.context.schedule_every("look back", LOOK_BACK_S, Due(what="look back"))

    def describe(self) -> Mapping[str, object]:
        """What is being looked at of which waves."""
        return {"seen": len(self._seen), "waves": list(self._waves), "under_way": list(self._underway)}

    def on_receive(self, message: SignalMessage) -> SignalsSummary | None:
        match message:
            case SignalsArrived():
                self._on_arrived(message)
            case RawSignal():
                self._on_arrived(SignalsArrived(signals=(message,)))
            case SignalsRestored(signals=signals):
                self._on_restored(signals)
            case SignalChecked():
                self._on_checked(message)
            case SignalSettled():
                self._on_settled(message)
            case SettingsChanged(settings=settings):
                self._policy = WavePolicy.of(settings)
            case DescribeSignals():
                return SignalsSummary(
                    refused=self._refused, stalled_since_ms=self._last_opened_ms if self._stalled else None
                )
            case Due(what="look back"):
                self._look_back()
            case Due(what=what):
                self._give_up(what)
            case _:
                assert_never(message)
        return None

    def _on_restored(self, signals: Mapping[str, KnownSignal]) -> None:
        """Told once, and again with the whole record when the database is back: each signal counts once."""
        fresh = [known for signal_id, known in signals.items() if signal_id not in self._seen]
        self._seen.update(dict.fromkeys(signals))
        accepted = [known for known in fresh if known.verdict is Verdict.ACCEPTED]
        for known in accepted:
            if known.wave_ms is not None:
                wave = self._wave(known.wave_ms)
                self._keep(replace(wave, opened=wave.opened + 1, taken=wave.taken + 1))
        if fresh and not self._restored:
            # Nothing accepted in all that time: it is at least as long ago as the oldest thing known.
            self._last_opened_ms = min(known.at_ms for known in fresh)
        self._last_opened_ms = max([self._last_opened_ms, *(known.at_ms for known in accepted)])
        if not self._restored:
            self._restored = True
            self._take_up()
        arrived, self._arrived = self._arrived, []
        for message in arrived:
            self._on_arrived(message)

    def _take_up(self) -> None:
        """What an earlier incarnation was looking at was due then, and is yet, unless that was long ago."""
        now_ms = self.context.now_ms()
        waves: dict[int, list[Signal]] = {}
        for signal in [each for each in self._in_hand.values() if self._is_new(each.signal_id)]:
            if now_ms - signal.timestamp_ms > OLDEST_WAVE_S * 1_000:
                self._refuse(signal, "late: nothing had come of it before a crash")
            else:
                waves.setdefault(signal.timestamp_ms, []).append(signal)
        self._in_hand.clear()
        for wave_ms, signals in waves.items():
            self._admit(wave_ms, signals)

    # --- from a source into its wave ----------------------------------------------------------------------------------

    def _on_arrived(self, message: SignalsArrived) -> None:
        if not self._restored:
            self._arrived.append(message)
            return
        early, self._early = self._early, []
        admitted: dict[int, list[Signal]] = {}
        due = [signal for signal in early if self._is_due(signal)]
        for raw in message.signals:
            # How old a signal of a wave may be is the calendar's business.
            signal = self._parsed(raw, max_age_s=OLDEST_WAVE_S if message.in_waves else self._max_age_s)
            if signal is not None and (not message.in_waves or self._is_due(signal)):
                due.append(signal)
        for signal in due:
            admitted.setdefault(signal.timestamp_ms, []).append(signal)
        for wave_ms, signals in admitted.items():
            if message.in_waves:
                self._found.add(wave_ms)
                self._tell_source(WaveFound(wave_ms=wave_ms))
            self._admit(wave_ms, signals)

    def _parsed(self, raw: RawSignal, *, max_age_s: float) -> Signal | None:
        """A signal that was not seen before; one that is none has its fate at once."""
        parsed = parse_signal(raw.raw, now_ms=self.context.now_ms(), max_age_s=max_age_s, venues=self._venues)
        if not self._is_new(parsed.signal_id):
            return None
        if isinstance(parsed, Signal):
            return parsed
        self._refuse_malformed(parsed)
        return None

    def _is_new(self, signal_id: str) -> bool:
        if signal_id in self._seen:
            return False
        self._seen[signal_id] = None
        while len(self._seen) > SEEN_KEPT:
            self._seen.popitem(last=False)
        return True

    def _is_due(self, signal: Signal) -> bool:
        """Whether its wave is looked for now; an early one is kept until then, a late one refused."""
        match standing_of(signal.timestamp_ms, now_ms=self.context.now_ms(), times=self._policy.times):
            case Standing.DUE:
                return True
            case Standing.EARLY:
                self._early.append(signal)
                if len(self._early) > self._policy.max_early:
                    self._refuse(self._early.pop(0), "too many signals came before their wave (SIGNAL_BUFFER_SIZE)")
                return False
            case Standing.LATE:
                self._refuse(signal, f"late: the check for its wave of {_clock(signal.timestamp_ms)} is over")
                return False
            case standing:
                assert_never(standing)

    def _admit(self, wave_ms: int, signals: Sequence[Signal]) -> None:
        wave = self._wave(wave_ms)
        room = MAX_WAITING - len(wave.row)
        self.context.check_epoch()
        fit: list[Signal] = []
        for signal in signals:
            why = screened(signal, policy=self._policy.intake)
            if why:
                self._refuse(signal, why)
            elif len(fit) >= room:
                self._refuse(signal, f"more than {MAX_WAITING} signals of one wave wait")
            else:
                venue, *others = (signal.venue,) if signal.venue is not None else self._venues
                self._underway[signal.signal_id] = _Underway(signal, venue, tuple(others))
                self._in_hand[signal.signal_id] = signal
                fit.append(signal)
        self._advance(joined(wave, fit))

    # --- through its wave ---------------------------------------------------------------------------------------------

    def _advance(self, wave: Wave) -> None:
        steps = next_steps(wave, policy=self._policy.intake)
        self._keep(steps.wave)
        for signal in steps.left_over:
            self._forget(signal.signal_id)
            self._refuse(signal, f"{wave.opened} of its wave were opened already (MAX_TRADES_PER_15MIN)")
        for signal in steps.check:
            self._ask_desk(self._underway[signal.signal_id])
        for signal in steps.opening:
            self.context.schedule_once(("signal", signal.signal_id), OPENING_LIFE_S, Due(what=signal.signal_id))
            self._risk.tell(ConsiderSignal(signal=signal, venue=self._underway[signal.signal_id].venue))
        if steps.wave.is_over and wave.wave_ms in self._found:
            self._found.discard(wave.wave_ms)
            self._tell_end(steps.wave)

    def _ask_desk(self, underway: _Underway) -> None:
        signal = underway.signal
        desk = self._desks.get(underway.venue)
        if desk is None:
            self._on_checked(SignalChecked(signal_id=signal.signal_id, venue=underway.venue))
            return
        self.context.schedule_once(("signal", signal.signal_id), CHECK_LIFE_S, Due(what=signal.signal_id))
        desk.tell(CheckSignal(signal_id=signal.signal_id, symbol=signal.symbol, path=self.context.path))

    def _on_checked(self, message: SignalChecked) -> None:
        underway = self._underway.get(message.signal_id)
        if underway is None or underway.venue != message.venue:
            return
        if message.why_not and underway.others:
            underway.venue, *others = underway.others
            underway.others = tuple(others)
            self._ask_desk(underway)
            return
        why = message.why_not or too_wide(bid=message.bid, ask=message.ask, policy=self._policy.intake)
        if why:
            self._refuse(underway.signal, why, venue=underway.venue)
            self._settle(message.signal_id, opened=False)
        else:
            self._advance(passed(self._wave(underway.signal.timestamp_ms), message.signal_id))

    def _on_settled(self, message: SignalSettled) -> None:
        """Of a signal that was offered before a crash of this actor it is the first that is heard."""
        if message.signal_id in self._underway:
            self._settle(message.signal_id, opened=message.opened)
            return
        if message.wave_ms is None:
            return
        self._in_hand.pop(message.signal_id, None)
        if self._is_new(message.signal_id) and message.opened:
            self._note_opened()
            wave = self._wave(message.wave_ms)
            self._advance(replace(wave, opened=wave.opened + 1, taken=wave.taken + 1))

    def _settle(self, signal_id: str, *, opened: bool) -> None:
        if opened:
            self._note_opened()
        underway = self._forget(signal_id)
        if underway is not None:
            self._advance(settled(self._wave(underway.signal.timestamp_ms), signal_id, opened=opened))

    def _note_opened(self) -> None:
        self._last_opened_ms, self._stalled = self.context.now_ms(), False

    def _give_up(self, signal_id: str) -> None:
        """Nobody answered: the fate goes on record, unless it is there already, and the next one has its turn."""
        underway = self._underway.get(signal_id)
        if underway is not None:
            self._refuse(underway.signal, f"{underway.venue} gave neither a price nor an answer", venue=underway.venue)
            self._settle(signal_id, opened=False)

    def _forget(self, signal_id: str) -> _Underway | None:
        self.context.cancel(("signal", signal_id))
        self._in_hand.pop(signal_id, None)
        return self._underway.pop(signal_id, None)

    def _wave(self, wave_ms: int) -> Wave:
        return self._waves.get(wave_ms) or Wave(wave_ms=wave_ms)

    def _keep(self, wave: Wave) -> None:
        self._waves[wave.wave_ms] = wave
        while len(self._waves) > WAVES_KEPT:
            self._waves.pop(min(self._waves))

    # --- what is told and recorded ------------------------------------------------------------------------------------

    def _tell_source(self, message: WaveFound) -> None:
        source = self._find(self._source_path)
        if source is not None:
            source.tell(message)

    def _refuse_malformed(self, refused: SignalRefused) -> None:
        self._write_fate(
            SignalFate(
                signal_id=refused.signal_id,
                at_ms=self.context.now_ms(),
                verdict=Verdict.REJECTED,
                reason=refused.reason,
                symbol=refused.symbol,
                raw=refused.raw,
            )
        )

    def _refuse(self, signal: Signal, reason: str, *, venue: Venue | None = None) -> None:
        named = venue or signal.venue or Venue("")
        self._write_fate(rejection(signal, reason, venue=named, at_ms=self.context.now_ms()))

    def _write_fate(self, fate: SignalFate) -> None:
        self._refused += 1
        self._record.write(replace(self._record.blank(self.context), signals=(fate,)))

    def _tell_end(self, wave: Wave) -> None:
        text = f"the wave of {_clock(wave.wave_ms)}: {wave.opened} opened, {wave.taken} checked"
        self._write_event("wave_processed", Severity.INFO, text, (("wave_ms", str(wave.wave_ms)),))

    def _look_back(self) -> None:
        """S2.7: nothing opened for two days is told once, until something is."""
        now_ms = self.context.now_ms()
        if not self._stalled and now_ms - self._last_opened_ms >= STALLED_AFTER_MS:
            self._stalled = True
            hours = STALLED_AFTER_MS // 3_600_000
            text = f"no position was opened for {hours} h: look at the signal source and at why signals are refused"
            self._write_event("signals_stalled", Severity.CRITICAL, text)

    def _write_event(self, kind: str, severity: Severity, text: str, data: tuple[tuple[str, str], ...] = ()) -> None:
        event = EventRecord(
            kind=kind, severity=severity, text=text, at_ms=self.context.now_ms(), subject="signals", data=data
        )
        self._record.write(replace(self._record.blank(self.context), events=(event,)))


def _clock(wave_ms: int) -> str:
    return datetime.fromtimestamp(wave_ms / 1_000, tz=UTC).strftime("%H:%M")
