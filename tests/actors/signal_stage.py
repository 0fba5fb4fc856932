"""The signal actor in virtual time, with a journal, desks and a risk actor that only listen and answer."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from actors.kernel import Actor, ActorSystem, ChildSpec, GroupSpec, VirtualRuntime, VirtualTime
from actors.signals import SignalActor, WavePolicy
from messages.journal import Decision, EventRecord, KnownSignal, SignalFate
from messages.supervision import (
    CheckSignal,
    ConsiderSignal,
    DescribeSignals,
    RawSignal,
    RestoreSignals,
    SignalChecked,
    SignalsArrived,
    SignalSettled,
    SignalsRestored,
    SignalsSummary,
)
from messages.values import Venue

START_MS = int(datetime(2022, 1, 3, 10, 20, tzinfo=UTC).timestamp() * 1_000)
WAVE_MS = START_MS - 20 * 60_000
HOUR_MS = 3_600_000
VENUES = (Venue("first"), Venue("second"))


class Listener(Actor):
    """Hears everything, and answers what it was told to."""

    def __init__(self, heard: list[object], answer: Callable[[object], object]) -> None:
        super().__init__()
        self._heard = heard
        self._answer = answer

    def on_receive(self, message: object) -> object:
        self._heard.append(message)
        return self._answer(message)


class Stage:
    """The signal actor among listeners; ``untraded`` symbols are refused by the desks, ``silent`` ones unanswered."""

    def __init__(
        self,
        *,
        known: Mapping[str, KnownSignal] | None = None,
        untraded: Mapping[Venue, frozenset[str]] | None = None,
        silent: frozenset[str] = frozenset(),
        settles: bool = True,
        policy: WavePolicy | None = None,
    ) -> None:
        self.time = VirtualTime(start_ms=START_MS, seed=1)
        self.system = ActorSystem(runtime=VirtualRuntime(self.time))
        self.journal: list[object] = []
        self.desks: list[object] = []
        self.risk: list[object] = []
        self._known = known or {}
        self._untraded = untraded or {}
        self._silent = silent
        self._settles = settles
        children = [
            ChildSpec(name="journal", factory=lambda: Listener(self.journal, self._journal_answers)),
            ChildSpec(name="risk", factory=lambda: Listener(self.risk, self._risk_answers)),
            *(ChildSpec(name=f"desk/{venue}", factory=self._desk(venue)) for venue in VENUES),
            ChildSpec(name="signal/wave", factory=lambda: self._signals(policy or WavePolicy())),
        ]
        self.system.start(GroupSpec(name="stage", children=children))
        self.time.run_until(START_MS + 1)

    def _signals(self, policy: WavePolicy) -> SignalActor:
        return SignalActor(
            journal=self.system.ref("journal"),
            risk=self.system.ref("risk"),
            desks={venue: self.system.ref(f"desk/{venue}") for venue in VENUES},
            venues=VENUES,
            find=self.system.find,
            source_path="signal/source",
            policy=policy,
            max_age_s=1_800,
            owner_epoch=1,
            in_hand={},
        )

    def _desk(self, venue: Venue) -> Callable[[], Actor]:
        return lambda: Listener(self.desks, lambda message: self._desk_answers(venue, message))

    def tell(self, message: object) -> None:
        self.system.ref("signal/wave").tell(message)

    def _journal_answers(self, message: object) -> None:
        if isinstance(message, RestoreSignals):
            self.tell(SignalsRestored(signals=self._known))

    def _desk_answers(self, venue: Venue, message: object) -> None:
        assert isinstance(message, CheckSignal)
        if message.symbol not in self._silent:
            why = "is not traded" if message.symbol in self._untraded.get(venue, frozenset()) else ""
            self.tell(SignalChecked(signal_id=message.signal_id, venue=venue, why_not=why))

    def _risk_answers(self, message: object) -> None:
        if isinstance(message, ConsiderSignal) and self._settles:
            self.tell(SignalSettled(signal_id=message.signal.signal_id, opened=True))

    def give(self, *rows: object, in_waves: bool = False) -> None:
        raw = tuple(RawSignal(raw=row, origin="test") for row in rows)
        self.tell(SignalsArrived(signals=raw, in_waves=in_waves))
        self.run_for(1)

    def run_for(self, seconds: float) -> None:
        self.time.run_until(self.time.now_ms() + int(seconds * 1_000))

    @property
    def fates(self) -> dict[str, SignalFate]:
        decisions = [message for message in self.journal if isinstance(message, Decision)]
        return {fate.signal_id: fate for decision in decisions for fate in decision.signals}

    @property
    def events(self) -> list[EventRecord]:
        decisions = [message for message in self.journal if isinstance(message, Decision)]
        return [event for decision in decisions for event in decision.events]

    @property
    def considered(self) -> list[tuple[str, Venue]]:
        return [(each.signal.signal_id, each.venue) for each in self.risk if isinstance(each, ConsiderSignal)]

    def summary(self) -> SignalsSummary:
        found = self.system.ref("signal/wave").ask(DescribeSignals(), timeout_s=1.0)
        assert isinstance(found, SignalsSummary)
        return found


def a_row(name: str, **changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "id": name,
        "timestamp": "2022-01-03T10:00:00Z",
        "symbol": name.upper() + "USDT",
        "side": "BUY",
        "score_week": 80,
        "score_month": 70,
    }
    return row | changes
