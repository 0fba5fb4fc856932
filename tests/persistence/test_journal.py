"""The journal over a store that comes and goes."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import pytest
from sqlalchemy import URL

from messages.journal import CommitResult, Decision, Durability
from messages.state import PositionPhase
from messages.values import Epoch, PositionId
from persistence.failures import StoreFailure, StoreUnavailable
from persistence.journal import Journal
from persistence.queries import Queries
from persistence.spool import Spool
from persistence.store import SqlStore
from tests.persistence.builders import PATH, decision, event, fate, fill, intent, outcome, position, trailing

StartJournal: TypeAlias = Callable[..., Journal]


class Killed(BaseException):
    """As abrupt as a kill."""


class Network:
    """What lies between the process and its database: fails before the commit, or loses the answer to it."""

    def __init__(self) -> None:
        self.down = False
        self.answer_lost = False
        self.kill_after: int | None = None

    def __call__(self, boundary: str) -> None:
        if boundary == "before_commit" and self.down:
            raise StoreUnavailable(StoreFailure.UNREACHABLE, "no route")
        if boundary == "after_commit" and self.answer_lost:
            raise StoreUnavailable(StoreFailure.UNREACHABLE, "the answer was lost")
        if boundary == "after_commit" and self.kill_after is not None:
            self.kill_after -= 1
            if self.kill_after == 0:
                raise Killed


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def store(url: URL, network: Network, make_store: Callable[..., SqlStore]) -> SqlStore:
    return make_store(url, boundary=network)


@pytest.fixture
def spool_path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "main.spool"


@pytest.fixture
def start(store: SqlStore, spool_path: Path) -> Iterator[StartJournal]:
    """A journal as each start of the process makes one, on the database and the data directory that stay."""
    spools: list[Spool] = []

    def make(of: SqlStore = store, **arguments: int) -> Journal:
        spools.append(Spool(spool_path))
        return Journal(of, spools[-1], **arguments)

    yield make
    for spool in spools:
        spool.close()


@pytest.fixture
def journal(start: StartJournal) -> Journal:
    """A journal that owns the account, with epoch 1."""
    made = start()
    made.take_ownership("test")
    return made


def where(results: Sequence[CommitResult]) -> list[Durability]:
    return [result.durability for result in results]


def kinds(store: SqlStore) -> list[str]:
    return [found.kind for found in reversed(Queries(store).events(limit=10_000))]


def happened(kind: str) -> Decision:
    return decision(events=(event(kind),))


def test_with_the_store_there_decisions_go_to_it(journal: Journal, store: SqlStore) -> None:
    assert where(journal.write([happened("a")])) == [Durability.STORE]
    assert kinds(store) == ["a"]
    assert journal.health().store_available


def test_with_the_store_away_decisions_go_to_the_spool_and_stay_in_order(
    journal: Journal,
    store: SqlStore,
    network: Network,
) -> None:
    network.down = True
    assert where(journal.write([happened("a")])) == [Durability.SPOOL]
    network.down = False
    assert where(journal.write([happened("b")])) == [Durability.SPOOL]
    assert (journal.health().store_available, journal.health().spooled) == (False, 2)

    health = journal.recover()
    assert where(journal.write([happened("c")])) == [Durability.STORE]

    assert (health.store_available, health.spooled, health.error) == (True, 0, "")
    assert kinds(store) == ["a", "b", "c"]


def test_recovering_with_the_store_still_away_says_so_and_loses_nothing(
    journal: Journal,
    store: SqlStore,
    network: Network,
) -> None:
    network.down = True
    journal.write([happened("a")])

    health = journal.recover()

    assert (health.store_available, health.spooled) == (False, 1)
    assert "no route" in health.error
    network.down = False
    journal.recover()
    assert kinds(store) == ["a"]


def test_a_commit_whose_answer_was_lost_is_not_written_twice(
    journal: Journal,
    store: SqlStore,
    network: Network,
) -> None:
    network.answer_lost = True
    (result,) = journal.write([happened("a")])
    network.answer_lost = False
    journal.recover()

    assert (result.durability, result.repeated) == (Durability.SPOOL, False)
    assert kinds(store) == ["a"]


def test_a_long_spool_is_drained_a_part_at_a_time(start: StartJournal, store: SqlStore, network: Network) -> None:
    journal = start(drain_limit=10)
    journal.take_ownership("test")
    network.down = True
    journal.write([happened(str(number)) for number in range(25)])
    network.down = False

    waiting = [journal.recover().spooled for _ in range(3)]

    assert waiting == [15, 5, 0]
    assert kinds(store) == [str(number) for number in range(25)]


def test_a_decision_offered_again_to_the_spool_is_repeated(journal: Journal, store: SqlStore, network: Network) -> None:
    network.down = True
    offered = happened("a")

    results = [*journal.write([offered, offered]), *journal.write([offered])]

    assert where(results) == [Durability.SPOOL] * 3
    assert [result.repeated for result in results] == [False, True, True]
    network.down = False
    journal.recover()
    assert kinds(store) == ["a"]


def test_with_the_store_away_an_earlier_incarnation_is_refused_from_memory(journal: Journal, network: Network) -> None:
    journal.write([decision(epoch=Epoch(1, 2))])
    network.down = True

    (result,) = journal.write([decision(epoch=Epoch(1, 1))])

    assert (result.stale, result.durability) == (True, Durability.NOWHERE)
    assert journal.health().spooled == 0


def test_a_decision_that_the_database_refuses_does_not_stop_the_draining(
    journal: Journal,
    store: SqlStore,
    network: Network,
) -> None:
    journal.write([decision(intents=(intent("hf1"),))])
    network.down = True
    journal.write([happened("a"), decision(intents=(intent("hf1"),)), happened("b")])
    network.down = False

    health = journal.recover()

    assert health.spooled == 0
    assert kinds(store) == ["a", "b"]
    assert len(Queries(store).refused()) == 1


def test_when_the_spool_fails_as_well_decisions_are_nowhere_and_later_ones_are_not_lost(
    store: SqlStore,
    network: Network,
    tmp_path: Path,
) -> None:
    in_the_way = tmp_path / "data"
    in_the_way.write_text("a file where the directory should be", encoding="utf-8")
    spool = Spool(in_the_way / "main.spool")
    journal = Journal(store, spool)
    journal.take_ownership("test")
    network.down = True
    assert where(journal.write([happened("lost")])) == [Durability.NOWHERE]

    in_the_way.unlink()
    assert where(journal.write([happened("kept")])) == [Durability.SPOOL]
    network.down = False
    journal.recover()
    spool.close()

    assert kinds(store) == ["kept"]


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


def test_loading_puts_what_is_spooled_above_what_is_stored(journal: Journal, network: Network) -> None:
    ended = position(position_id=PositionId("ended"))
    journal.write([decision(position=position(), intents=(intent("hf1"), intent("hf2"))), decision(position=ended)])
    network.down = True
    spooled = position(sequence=9)
    closed = position(position_id=PositionId("ended"), phase=PositionPhase.CLOSED)
    opened = position(position_id=PositionId("new"), phase=PositionPhase.PENDING_ENTRY)
    journal.write(
        [
            decision(position=spooled, trailing=trailing(), outcomes=(outcome("hf1"),), intents=(intent("hf3"),)),
            decision(position=closed),
            decision(position=opened),
        ],
    )

    first, second = journal.load()

    assert (first.position, first.trailing) == (spooled, trailing())
    assert [left.intent_id for left in first.open_intents] == ["hf2", "hf3"]
    assert second.position == opened


def test_signals_are_known_from_the_store_and_from_the_spool(journal: Journal, network: Network) -> None:
    journal.write([decision(signals=(fate("stored", at_ms=10), fate("old", at_ms=1)))])
    network.down = True
    journal.write([decision(signals=(fate("spooled", at_ms=10), fate("older", at_ms=1)))])

    assert journal.known_signals(5) == {"stored", "spooled"}


def test_pruning_waits_until_nothing_is_spooled(journal: Journal, network: Network) -> None:
    journal.write([decision(at_ms=1)])
    network.down = True
    journal.write([happened("a")])
    network.down = False

    assert journal.prune(before_ms=2) == 0
    journal.recover()
    assert journal.prune(before_ms=2) == 1


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
    assert restarted.known_signals(0) == {"s1"}
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
