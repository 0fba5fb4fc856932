"""What is wrong with the database arrives as one typed error, soon, and ends when its cause does."""

import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import URL, make_url

from messages.journal import Durability
from messages.values import Epoch
from persistence.database_url import without_password
from persistence.engines import Patience
from persistence.failures import StoreFailure, StoreUnavailable, failure_of
from persistence.journal import Journal
from persistence.queries import Queries
from persistence.spool import Spool
from persistence.sqlite_writer import SqliteWriter
from persistence.store import SqlStore
from tests.persistence.builders import decision, event
from tests.postgres import Databases

ROOT = Path(__file__).resolve().parents[2]
HURRIED = Patience(lock_ms=100)
NOTICED_S = 6.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite3"


@pytest.fixture
def store(path: Path, make_store: Callable[..., SqlStore]) -> SqlStore:
    made = make_store(URL.create("sqlite", database=str(path)), patience=HURRIED)
    made.take_ownership("test")
    return made


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(tmp_path / "main.spool")
    yield made
    made.close()


def kinds(store: SqlStore) -> list[str]:
    return [found.kind for found in reversed(Queries(store).events(limit=10_000))]


def failure_kind(store: SqlStore) -> StoreFailure:
    with pytest.raises(StoreUnavailable) as failed:
        store.commit([decision(events=(event("refused"),))])
    return failed.value.kind


@contextmanager
def locked_by_another_process(path: Path) -> Iterator[None]:
    program = """
        import sqlite3, sys
        connection = sqlite3.connect(sys.argv[1], isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        print("locked", flush=True)
        sys.stdin.readline()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield
        process.communicate("\n", timeout=30)


def test_a_database_that_another_process_locks_is_locked_until_it_lets_go(store: SqlStore, path: Path) -> None:
    with locked_by_another_process(path):
        assert failure_kind(store) is StoreFailure.LOCKED

    store.commit([decision(events=(event("a"),))])
    assert kinds(store) == ["a"]


def test_a_locked_database_can_be_read(store: SqlStore, path: Path) -> None:
    store.commit([decision(events=(event("a"),))])

    with locked_by_another_process(path):
        assert kinds(store) == ["a"]


def test_a_full_disk_is_named_and_writing_goes_on_when_there_is_space(store: SqlStore) -> None:
    writer = store._writer
    assert isinstance(writer, SqliteWriter)
    (pages,) = writer.connection.execute("PRAGMA page_count").fetchone()
    writer.connection.execute(f"PRAGMA max_page_count = {pages}")
    large = decision(events=(event("a", text="x" * 100_000),))

    with pytest.raises(StoreUnavailable) as failed:
        store.commit([large])
    writer.connection.execute(f"PRAGMA max_page_count = {pages + 1_000}")
    store.commit([large])

    assert failed.value.kind is StoreFailure.DISK_FULL
    assert kinds(store) == ["a"]


@pytest.mark.skipif(sys.platform == "win32", reason="a limit on the size of files is set the Unix way")
def test_with_no_room_for_the_database_records_wait_in_the_spool_and_arrive_later(tmp_path: Path) -> None:
    program = """
        import resource, signal, sys
        from pathlib import Path
        from sqlalchemy import URL
        from persistence.journal import Journal
        from persistence.queries import Queries
        from persistence.spool import Spool
        from persistence.store import SqlStore
        from tests.persistence.builders import decision, event

        directory = Path(sys.argv[1])
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        store = SqlStore(URL.create("sqlite", database=str(directory / "store.sqlite3")), "main")
        journal = Journal(store, Spool(directory / "main.spool"))
        journal.take_ownership("test")
        size = max(file.stat().st_size for file in directory.iterdir())
        unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 60_000, unlimited[1]))
        names = [str(number) for number in range(40)]
        went = [journal.write([decision(events=(event(name, text="x" * 5_000),))])[0].durability for name in names]
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        health = journal.recover()
        assert {str(place) for place in went} >= {"store", "spool"}, went
        kept = [name for name, place in zip(names, went) if place != "nowhere"]
        assert [found.kind for found in reversed(Queries(store).events(limit=100))] == kept
        assert (health.store_available, health.spooled) == (True, 0), health
        print(len(kept))
    """
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)],
        capture_output=True,
        check=False,
        cwd=ROOT,
        text=True,
        timeout=120,
    )

    assert found.returncode == 0, found.stderr
    assert int(found.stdout) > 10


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not delete files that are open")
def test_a_deleted_file_is_noticed_at_the_next_commit_and_rescued_with_everything_in_it(
    store: SqlStore,
    path: Path,
    spool: Spool,
) -> None:
    journal = Journal(store, spool)
    journal.take_ownership("test")
    journal.write([decision(events=(event("before"),), epoch=Epoch(2, 1))])
    for file in list(path.parent.glob("store.sqlite3*")):
        file.unlink()

    (result,) = journal.write([decision(events=(event("meanwhile"),), epoch=Epoch(2, 1))])
    assert result.durability is Durability.SPOOL
    assert "deleted" in journal.health().error
    health = journal.recover()

    assert health.store_available
    assert path.exists()
    assert kinds(store) == ["before", "meanwhile"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not delete files that are open")
def test_a_file_that_is_gone_is_not_quietly_begun_anew(store: SqlStore, path: Path) -> None:
    for file in list(path.parent.glob("store.sqlite3*")):
        file.unlink()

    assert failure_kind(store) is StoreFailure.FILE_GONE
    with pytest.raises(StoreUnavailable), store.reading():
        pass
    assert not path.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not move files that are open")
def test_a_file_that_was_exchanged_is_noticed(store: SqlStore, path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite3"
    sqlite3.connect(other).close()
    other.replace(path)

    assert failure_kind(store) is StoreFailure.FILE_GONE


def test_a_file_that_is_no_database_is_damaged(path: Path, make_store: Callable[..., SqlStore]) -> None:
    path.write_bytes(b"this is not a database, whatever its name says" * 100)

    with pytest.raises(StoreUnavailable) as failed:
        make_store(URL.create("sqlite", database=str(path))).open()

    assert failed.value.kind is StoreFailure.DAMAGED
    assert "backup" in failed.value.what_to_do


def test_a_closed_store_says_so(store: SqlStore) -> None:
    store.close()

    assert failure_kind(store) is StoreFailure.CLOSED


def test_a_server_that_is_not_there_is_unreachable_soon(make_store: Callable[..., SqlStore]) -> None:
    store = make_store("postgresql://holdfast:s3cret-word@127.0.0.1:9/holdfast")
    started = time.monotonic()

    with pytest.raises(StoreUnavailable) as failed:
        store.open()

    assert failed.value.kind is StoreFailure.UNREACHABLE
    assert time.monotonic() - started < NOTICED_S
    assert "s3cret-word" not in f"{failed.value} {failed.value!r} {failed.value.text} {store!r}"


def test_a_database_that_does_not_exist_is_a_refused_login(
    postgresql: Databases,
    make_store: Callable[..., SqlStore],
) -> None:
    with pytest.raises(StoreUnavailable) as failed:
        make_store(postgresql.url.set(database="nowhere")).open()

    assert failed.value.kind is StoreFailure.REFUSED_LOGIN


def test_a_password_is_blacked_out_of_what_a_driver_says() -> None:
    url = make_url("postgresql://user:s3cret-word@host/name")

    assert without_password("could not use s3cret-word for host", url) == "could not use *** for host"


def test_a_connection_that_was_cut_while_idle_is_made_again_without_anybody_noticing(
    migrated: URL,
    postgresql: Databases,
    make_store: Callable[..., SqlStore],
) -> None:
    store = make_store(migrated)
    store.take_ownership("test")
    with psycopg2.connect(postgresql.url.set(drivername="postgresql").render_as_string(hide_password=False)) as admin:
        admin.cursor().execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            (migrated.database,),
        )
    admin.close()

    (result,) = store.commit([decision(events=(event("a"),))])

    assert result.durability is Durability.STORE


def test_a_row_that_another_transaction_holds_is_locked_soon(
    migrated: URL,
    make_store: Callable[..., SqlStore],
) -> None:
    store = make_store(migrated, patience=HURRIED)
    store.take_ownership("test")
    holder = psycopg2.connect(migrated.set(drivername="postgresql").render_as_string(hide_password=False))
    holder.cursor().execute("SELECT 1 FROM monitoring.owners WHERE account = %s FOR UPDATE", (store.account,))

    kind = failure_kind(store)
    holder.close()

    assert kind is StoreFailure.LOCKED
    assert store.commit([decision()])[0].durability is Durability.STORE


def test_a_server_that_is_restarted_in_mid_run_gets_everything_in_order(
    stoppable_postgresql: Databases,
    make_store: Callable[..., SqlStore],
    spool: Spool,
) -> None:
    store = make_store(stoppable_postgresql.fresh())
    journal = Journal(store, spool)
    journal.take_ownership("test")
    assert journal.write([decision(events=(event("a"),))])[0].durability is Durability.STORE

    stoppable_postgresql.stop()
    started = time.monotonic()
    (result,) = journal.write([decision(events=(event("b"),))])
    noticed_s = time.monotonic() - started
    while_away = journal.recover()
    stoppable_postgresql.start()
    after = journal.recover()
    (last,) = journal.write([decision(events=(event("c"),))])

    assert (result.durability, last.durability) == (Durability.SPOOL, Durability.STORE)
    assert noticed_s < NOTICED_S
    assert (while_away.store_available, after.store_available, after.spooled) == (False, True, 0)
    assert kinds(store) == ["a", "b", "c"]


@pytest.mark.parametrize("error", [ValueError("x"), sqlite3.IntegrityError("x"), psycopg2.IntegrityError("x")])
def test_a_mistake_in_what_is_written_says_nothing_about_the_store(error: Exception) -> None:
    assert failure_of(error) is None


def test_a_connection_that_ends_in_the_middle_of_a_result_is_a_server_out_of_reach() -> None:
    failure = failure_of(psycopg2.DatabaseError("server closed the connection unexpectedly"))
    assert failure is not None
    assert failure.kind is StoreFailure.UNREACHABLE


def test_a_commit_to_a_file_waits_for_the_disk_and_holds_up_no_reader(store: SqlStore) -> None:
    writer = store._writer
    assert isinstance(writer, SqliteWriter)

    def setting(name: str) -> object:
        (value,) = writer.connection.execute(f"PRAGMA {name}").fetchone()
        return value

    assert (setting("journal_mode"), setting("synchronous")) == ("wal", 2)
