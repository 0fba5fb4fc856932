"""Starts of the journal: after a kill, without the store, and beside another owner."""

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import URL, delete

from messages.journal import Durability
from messages.state import PositionPhase
from messages.values import Epoch
from persistence import tables
from persistence.failures import StoreUnavailable
from persistence.journal import Journal
from persistence.queries import Queries
from persistence.store import SqlStore
from tests.persistence.builders import PATH, decision, event, fate, fill, intent, position
from tests.persistence.outage import Killed, Network, StartJournal, happened, kinds, where


@pytest.fixture
def store(url: URL, network: Network, make_store: Callable[..., SqlStore]) -> SqlStore:
    return make_store(url, boundary=network)


def test_a_restart_drains_what_the_last_process_spooled_before_it_takes_over(
    journal: Journal,
    start: StartJournal,
    store: SqlStore,
    network: Network,
) -> None:
    network.down = True
    journal.write([decision(position=position(), intents=(intent(),), events=(event("a"),))])
    network.down = False

    restarted = start()
    epoch = restarted.take_ownership("next")

    assert epoch == 2
    assert kinds(store) == ["a"]
    assert [found.position for found in restarted.load()] == [position()]
    assert Queries(store).refused() == []


@pytest.mark.parametrize("commits", [1, 2, 3, 4])
def test_killed_at_any_commit_of_the_draining_nothing_is_lost_and_nothing_is_there_twice(
    journal: Journal,
    start: StartJournal,
    store: SqlStore,
    network: Network,
    commits: int,
) -> None:
    network.down = True
    names = [str(number) for number in range(1_100)]
    journal.write([happened(name) for name in names])
    network.down, network.kill_after = False, commits

    with pytest.raises(Killed):
        journal.recover()

    network.kill_after = None
    start().take_ownership("next")
    assert kinds(store) == names


def test_killed_between_the_last_commit_and_the_truncation_a_restart_changes_nothing(
    journal: Journal,
    start: StartJournal,
    store: SqlStore,
    spool_path: Path,
    network: Network,
) -> None:
    network.down = True
    journal.write([decision(position=position(), events=(event("a"),), fills=(fill(),))])
    left = spool_path.read_bytes()
    network.down = False
    journal.recover()
    journal.write([decision(position=position(phase=PositionPhase.CLOSING), events=(event("b"),))])
    spool_path.write_bytes(left)

    restarted = start()
    before_draining = restarted.load()
    restarted.take_ownership("next")

    assert [found.position.phase for found in before_draining] == [PositionPhase.CLOSING]
    assert [found.position.phase for found in restarted.load()] == [PositionPhase.CLOSING]
    assert kinds(store) == ["a", "b"]
    assert Queries(store).totals().fills == 1


def test_a_store_that_lost_its_owner_is_behind_and_nothing_is_refused_for_it(journal: Journal, store: SqlStore) -> None:
    with store.reading() as connection:
        connection.execute(delete(tables.owners).where(tables.owners.c.account == store.account))
        connection.commit()

    (result,) = journal.write([happened("a")])
    error = journal.health().error
    journal.recover()

    assert result.durability is Durability.SPOOL
    assert "older than what was written" in error
    assert kinds(store) == ["a"]
    assert Queries(store).refused() == []


class Unreachable:
    """A database that is not there at all, until it is."""

    def __init__(self, tmp_path: Path, make_store: Callable[..., SqlStore]) -> None:
        self._blocked = tmp_path / "database"
        self._blocked.write_text("a file where the directory should be", encoding="utf-8")
        self.url = URL.create("sqlite", database=str(self._blocked / "store.sqlite3"))
        self.store = make_store(self.url)

    def appears(self) -> None:
        self._blocked.unlink()


@pytest.fixture
def unreachable(tmp_path: Path, make_store: Callable[..., SqlStore]) -> Unreachable:
    return Unreachable(tmp_path, make_store)


def test_without_the_store_ownership_cannot_be_taken(unreachable: Unreachable, start: StartJournal) -> None:
    with pytest.raises(StoreUnavailable):
        start(unreachable.store).take_ownership("test")


def test_started_without_the_store_it_loads_from_the_spool_alone(
    journal: Journal,
    start: StartJournal,
    network: Network,
    unreachable: Unreachable,
) -> None:
    network.down = True
    journal.write([decision(position=position(), intents=(intent(),), signals=(fate("s1"),))])

    restarted = start(unreachable.store)

    (restored,) = restarted.load()
    assert (restored.position, restored.open_intents) == (position(), (intent(),))
    assert restarted.known_signals(0).keys() == {"s1"}
    assert not restarted.health().store_available


def test_an_assumed_ownership_is_confirmed_when_the_store_is_back(
    unreachable: Unreachable,
    start: StartJournal,
) -> None:
    journal = start(unreachable.store)
    epoch = journal.assume_ownership("offline")
    assert where(journal.write([decision(epoch=Epoch(epoch, 1), events=(event("a"),))])) == [Durability.SPOOL]

    unreachable.appears()
    health = journal.recover()

    assert (health.store_available, health.error) == (True, "")
    assert kinds(unreachable.store) == ["a"]
    assert where(journal.write([decision(epoch=Epoch(epoch, 1), events=(event("b"),))])) == [Durability.STORE]


def test_an_assumed_ownership_is_confirmed_also_where_the_spool_never_took_it(
    unreachable: Unreachable,
    start: StartJournal,
    spool_path: Path,
) -> None:
    spool_path.parent.write_text("a file where the directory should be", encoding="utf-8")
    journal = start(unreachable.store)
    epoch = journal.assume_ownership("offline")
    assert where(journal.write([decision(epoch=Epoch(epoch, 1))])) == [Durability.NOWHERE]

    unreachable.appears()
    journal.recover()

    assert where(journal.write([decision(epoch=Epoch(epoch, 1), events=(event("a"),))])) == [Durability.STORE]
    assert kinds(unreachable.store) == ["a"]


def test_an_assumed_ownership_follows_the_last_one_that_the_data_directory_knows(
    journal: Journal,
    start: StartJournal,
    store: SqlStore,
    unreachable: Unreachable,
) -> None:
    journal.write([happened("a")])
    offline = start(unreachable.store)
    epoch = offline.assume_ownership("offline")
    offline.write([decision(epoch=Epoch(epoch, 1), path=PATH, events=(event("b"),))])

    assert epoch == 2
    assert start(store).take_ownership("online") == 3
    assert kinds(store) == ["a", "b"]


def test_an_assumed_ownership_is_refused_when_another_process_took_over_meanwhile(
    journal: Journal,
    start: StartJournal,
    store: SqlStore,
    network: Network,
) -> None:
    network.down = True
    deposed = start()
    epoch = deposed.assume_ownership("offline")
    late = decision(epoch=Epoch(epoch, 1), events=(event("late"),))
    deposed.write([late])
    network.down = False
    assert store.take_ownership("standby").epoch == epoch

    health = deposed.recover()
    (result,) = deposed.write([decision(epoch=Epoch(epoch, 1), events=(event("later"),))])

    assert "another process" in health.error
    assert result.stale
    assert kinds(store) == []
    assert [refused.decision_id for refused in Queries(store).refused()] == [late.decision_id]


def test_a_database_that_forgot_its_owner_learns_it_again_without_losing_a_record(
    tmp_path: Path,
    start: StartJournal,
    make_store: Callable[..., SqlStore],
) -> None:
    path = tmp_path / f"{secrets.token_hex(4)}.sqlite3"
    store = make_store(URL.create("sqlite", database=str(path)))
    journal = start(store)
    journal.take_ownership("test")
    journal.write([happened("before")])
    older = tmp_path / "older.sqlite3"
    copy = make_store(URL.create("sqlite", database=str(older)))
    copy.open()
    copy.close()
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    older.replace(path)

    assert where(journal.write([happened("a")])) == [Durability.SPOOL]
    health = journal.recover()

    assert (health.store_available, health.error) == (True, "")
    assert where(journal.write([happened("b")])) == [Durability.STORE]
    assert kinds(store) == ["a", "b"]
