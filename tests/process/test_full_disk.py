"""The disk is full under a running instance: the largest file cannot grow, and later it can again."""

import random
import sys

import psutil
import pytest
from sqlalchemy import select

from messages.status import DatabaseState
from persistence.store import SqlStore
from persistence.tables import signals_log
from tests.process.books import books_of, disagreements
from tests.process.installation import Installation, Life
from tests.process.signal_writer import SignalWriter
from tests.process.test_stopping import CALM

DATABASE = "holdfast.sqlite3"
TOO_LITTLE = 12_000
"""Bytes: enough for the spool and the log, not for a transaction. The venue writes nothing while nothing happens."""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the limit of a running process cannot be changed")
def test_a_full_disk_stops_opening_and_nothing_else_and_when_there_is_room_again_nothing_is_missing(
    installation: Installation,
) -> None:
    installation.environment.update(CALM)
    writer = SignalWriter(path=installation.signals, symbols=("BTCUSDT",), chance=random.Random(1))
    with installation.start() as life:
        life.until_running()
        writer.write("BTCUSDT")
        until_open(life, 1)
        limit_files(life, TOO_LITTLE)
        writer.append("not a signal: its fate is the first record that finds no room")
        life.until(lambda: database(installation) is not DatabaseState.OK, "the process to notice")
        refused = writer.write("SOLUSDT")
        life.until(lambda: (view := installation.status()) and view.signals_rejected > 0, "the refusal of a signal")
        full = installation.status()
        limit_files(life, -1)
        life.until(lambda: database(installation) is DatabaseState.OK, "the database to be in use again")
        store = SqlStore(f"sqlite:///{installation.data_dir / DATABASE}", "main")
        life.until(lambda: not problems(installation, store), "both books to agree")
        with store.reading() as connection:
            rows = connection.execute(select(signals_log.c.signal_id, signals_log.c.verdict))
            fates = {row.signal_id: row.verdict for row in rows}
        store.close()
        life.interrupt()
        done = life.finished()

    assert done.code == 0, done.err
    assert full is not None
    assert full.unprotected == 0
    assert full.health == "DEGRADED"
    assert fates[refused] == "rejected"
    assert set(writer.written) < set(fates)
    assert len(fates) == len(writer.written) + 1


def until_open(life: Life, count: int) -> None:
    """Wait until ``count`` positions are open and protected."""

    def are_open() -> bool:
        view = life.installation.status()
        return view is not None and sum(each.protected and each.quantity > 0 for each in view.positions) == count

    life.until(are_open, f"{count} protected positions")


def limit_files(life: Life, size: int) -> None:
    """Let no file grow over ``size`` bytes; -1: as they like."""
    psutil.Process(life.process.pid).rlimit(psutil.RLIMIT_FSIZE, (size, -1))


def database(installation: Installation) -> DatabaseState | None:
    view = installation.status()
    return None if view is None else view.database


def problems(installation: Installation, store: SqlStore) -> list[str]:
    with books_of(installation.data_dir, store, alive=True) as books:
        return disagreements(books)
