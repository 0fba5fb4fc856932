"""A venue of which a start could find nothing out stays closed until its account is known to be fit."""

from collections.abc import Callable

from actors.fitness import LOOK_LIFE_S, RETRY_CAP_S, RETRY_FIRST_S, FitnessActor
from actors.kernel import ActorSystem, ChildSpec, GroupSpec, VirtualRuntime, VirtualTime
from messages.checks import AccountVerdict
from messages.journal import Decision, EventRecord, Severity
from messages.supervision import ACCOUNT, VenueClosed
from messages.values import Venue
from tests.actors.signal_stage import START_MS, Listener

VENUE = Venue("first")
AWAY = AccountVerdict(reached=False, why="no answer")
WRONG = AccountVerdict(reached=True, why="position mode: hedge")
FIT = AccountVerdict(reached=True)


class Stage:
    """The actor among listeners; ``found`` is what the next look finds."""

    def __init__(self) -> None:
        self.time = VirtualTime(start_ms=START_MS, seed=1)
        self.system = ActorSystem(runtime=VirtualRuntime(self.time))
        self.heard: dict[str, list[object]] = {"risk": [], "journal": []}
        self.found = AWAY
        self.looked_s: list[float] = []
        self.hangs = False
        self.system.start(
            GroupSpec(
                name="stage",
                children=[
                    *(ChildSpec(name=name, factory=self._listener(name)) for name in self.heard),
                    ChildSpec(name="fitness", factory=self._fitness),
                ],
            )
        )
        self.run_for(0.001)

    def _listener(self, name: str) -> Callable[[], Listener]:
        return lambda: Listener(self.heard[name], lambda _: None)

    def _fitness(self) -> FitnessActor:
        return FitnessActor(
            venue=VENUE,
            look=self._look,
            unreached="no answer within 5 s",
            risk=self.system.ref("risk"),
            journal=self.system.ref("journal"),
            owner_epoch=1,
        )

    def _look(self, done: Callable[[AccountVerdict], None]) -> None:
        self.looked_s.append((self.time.now_ms() - START_MS) / 1_000)
        if not self.hangs:
            done(self.found)

    def run_for(self, seconds: float) -> None:
        self.time.run_until(self.time.now_ms() + round(seconds * 1_000))

    @property
    def closed(self) -> str:
        last = self.heard["risk"][-1]
        assert isinstance(last, VenueClosed)
        assert (last.venue, last.by) == (VENUE, ACCOUNT)
        return last.why

    @property
    def events(self) -> list[EventRecord]:
        return [event for each in self.heard["journal"] if isinstance(each, Decision) for event in each.events]

    @property
    def told(self) -> list[tuple[str, Severity]]:
        return [(event.kind, event.severity) for event in self.events]


def test_it_is_looked_at_again_after_ever_longer_pauses_for_as_long_as_it_takes() -> None:
    stage = Stage()
    stage.run_for(12 * 3_600)
    pauses = [round(after - before) for before, after in zip(stage.looked_s, stage.looked_s[1:], strict=False)]
    assert round(stage.looked_s[0]) == RETRY_FIRST_S
    assert pauses[:6] == [10, 20, 40, 80, 160, 300]
    assert set(pauses[6:]) == {RETRY_CAP_S}
    assert "could not be checked yet: no answer" in stage.closed
    assert stage.told == [("account_unchecked", Severity.CRITICAL)]


def test_once_it_answers_and_fits_it_is_open_and_the_alarm_is_taken_back() -> None:
    stage = Stage()
    stage.run_for(60)
    stage.found = FIT
    stage.run_for(RETRY_CAP_S)
    looks = len(stage.looked_s)
    stage.run_for(3_600)
    assert stage.closed == ""
    assert stage.told[1:] == [("account_fit", Severity.INFO)]
    assert len(stage.looked_s) == looks


def test_a_look_that_never_comes_back_is_not_the_last_one() -> None:
    stage = Stage()
    stage.hangs = True
    stage.run_for(60)
    assert len(stage.looked_s) == 1
    stage.hangs, stage.found = False, FIT
    stage.run_for(LOOK_LIFE_S)
    assert stage.closed == ""


def test_one_that_answers_and_does_not_fit_stays_closed_until_somebody_has_mended_it() -> None:
    stage = Stage()
    stage.found = WRONG
    stage.run_for(3_600)
    assert WRONG.why in stage.closed
    assert stage.told[1:] == [("account_unfit", Severity.CRITICAL)]
    stage.found = FIT
    stage.run_for(RETRY_CAP_S)
    assert stage.closed == ""
    assert stage.told[2:] == [("account_fit", Severity.INFO)]
