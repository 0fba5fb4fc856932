"""The journal's actor over a real journal and store, in virtual time."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from sqlalchemy import func, select

from actors.journal import FORGET_EVERY_S, KNOWN_FOR_MS, JournalActor
from actors.kernel import ActorSystem, ChildSpec, GroupSpec, VirtualRuntime, VirtualTime
from messages.values import Epoch
from persistence import tables
from persistence.journal import Journal
from persistence.spool import Spool
from persistence.store import SqlStore
from tests.actors.signal_stage import START_MS
from tests.persistence.builders import decision


def known(store: SqlStore) -> int:
    with store.reading() as connection:
        return connection.execute(select(func.count()).select_from(tables.decisions)).scalar_one()


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
