"""The journal's actor over a real journal and store, in virtual time."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import cast

from sqlalchemy import func, select

from actors.journal import FORGET_EVERY_S, KNOWN_FOR_MS, JournalActor, Owed
from actors.kernel import ActorSystem, ChildSpec, GroupSpec, VirtualRuntime, VirtualTime
from actors.ports import JournalPort
from messages.journal import JournalHealth, KnownSignal, Verdict
from messages.supervision import RestoreSignals, SignalsRestored
from messages.values import Epoch
from persistence import tables
from persistence.journal import Journal
from persistence.spool import Spool
from persistence.store import SqlStore
from tests.actors.signal_stage import START_MS, Listener
from tests.persistence.builders import decision


def known(store: SqlStore) -> int:
    with store.reading() as connection:
        return connection.execute(select(func.count()).select_from(tables.decisions)).scalar_one()


class Away:
    """A database that cannot be reached, and one position's record in it; the spool is empty."""

    def __init__(self) -> None:
        self.is_back = False

    def health(self) -> JournalHealth:
        return JournalHealth(store_available=self.is_back, spooled=0, error="" if self.is_back else "no route to it")

    def recover(self) -> JournalHealth:
        return self.health()

    def known_signals(self, _: int) -> Mapping[str, KnownSignal]:
        return {"a": KnownSignal(verdict=Verdict.ACCEPTED, at_ms=START_MS, wave_ms=None)} if self.is_back else {}


def test_whoever_was_told_of_the_spool_alone_is_told_the_record_later_also_by_a_journal_that_was_restarted() -> None:
    time, port, heard = VirtualTime(start_ms=START_MS, seed=1), Away(), list[object]()
    system = ActorSystem(runtime=VirtualRuntime(time))
    owed: Owed = {}
    journal = ChildSpec(
        name="journal",
        factory=lambda: JournalActor(
            journal=cast("JournalPort", port), directory=system.find, alert_path="", risk_path="", owed=owed
        ),
    )
    asker = ChildSpec(name="asker", factory=lambda: Listener(heard, lambda _: None))
    system.start(GroupSpec(name="stage", children=[journal, asker]))
    system.ref("journal").tell(RestoreSignals(path="asker", since_ms=0))
    time.run_for(1.0)
    assert heard == [SignalsRestored(signals={})]
    system.ref("journal").tell("what it does not know")
    time.run_for(10.0)
    port.is_back = True
    time.run_for(10.0)
    assert heard[1:] == [SignalsRestored(signals=port.known_signals(0))]
    assert not owed
    system.shutdown()


def test_which_decisions_are_applied_is_forgotten_after_a_week(tmp_path: Path) -> None:
    time = VirtualTime(start_ms=START_MS, seed=1)
    with closing(SqlStore(f"sqlite:///{tmp_path / 'store.sqlite3'}", "main", now_ms=time.now_ms)) as store:
        journal = Journal(store, Spool(tmp_path / "spool"))
        epoch = journal.take_ownership("test")
        system = ActorSystem(runtime=VirtualRuntime(time))
        actor = ChildSpec(
            name="journal",
            factory=lambda: JournalActor(journal=journal, directory=system.find, alert_path="", risk_path=""),
        )
        system.start(GroupSpec(name="stage", children=[actor]))
        for at_ms in (START_MS, START_MS + KNOWN_FOR_MS):
            time.run_until(at_ms)
            system.ref("journal").tell(replace(decision(at_ms=at_ms), epoch=Epoch(epoch, 1)))
        time.run_for(1.0)
        assert known(store) == 2
        time.run_for(FORGET_EVERY_S)
        assert known(store) == 1
        system.shutdown()
        journal.close()
