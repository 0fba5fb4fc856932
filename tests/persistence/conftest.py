"""Stores to test with, on every database that the store knows."""

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from sqlalchemy import URL, make_url

from persistence import migrate
from persistence.journal import Journal
from persistence.spool import Spool
from persistence.store import SqlStore
from tests.persistence.outage import Network, StartJournal
from tests.postgres import Databases, databases, own_server

MakeStore: TypeAlias = Callable[..., SqlStore]


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """One server for all workers of the run."""
    own = tmp_path_factory.getbasetemp()
    with databases(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) as server:
        yield server


@pytest.fixture(scope="session")
def migrated(postgresql: Databases) -> Iterator[URL]:
    """One database for all tests: each writes under an account of its own, as several processes would."""
    url = postgresql.fresh()
    migrate.upgrade(url)
    yield url
    postgresql.drop(url)


@pytest.fixture
def stoppable_postgresql(tmp_path: Path) -> Iterator[Databases]:
    """A server that this test may stop."""
    with own_server(tmp_path) as server:
        yield server


@pytest.fixture(params=["memory", "file", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """A database of each kind, with nothing in it of this test's account."""
    if request.param == "memory":
        yield make_url("sqlite://")
    elif request.param == "file":
        yield URL.create("sqlite", database=str(tmp_path / "store.sqlite3"))
    else:
        yield request.getfixturevalue("migrated")


@pytest.fixture(params=["file", "postgresql"])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """The same for those that two processes can share."""
    if request.param == "file":
        yield URL.create("sqlite", database=str(tmp_path / "store.sqlite3"))
    else:
        yield request.getfixturevalue("migrated")


@pytest.fixture
def make_store() -> Iterator[MakeStore]:
    """Makes stores, of one account unless told otherwise, and closes them afterwards."""
    made: list[SqlStore] = []
    own = f"account-{secrets.token_hex(6)}"

    def make(url: URL | str, account: str = own, **arguments: Any) -> SqlStore:
        store = SqlStore(url, account, **arguments)
        made.append(store)
        return store

    yield make
    for store in made:
        store.close()


@pytest.fixture
def store(url: URL, make_store: MakeStore) -> SqlStore:
    """A store whose account is owned, with epoch 1."""
    made = make_store(url)
    made.take_ownership("test")
    return made


@pytest.fixture
def network() -> Network:
    return Network()


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
