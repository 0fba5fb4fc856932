"""The store: decisions in, one transaction a batch, and what a restart needs out.

**Guarantees.** A decision is written whole or not at all, once however often it is offered, and only while its owner
and its actor's incarnation are the latest ones, which is checked in the transaction that writes it. One decision that
the database refuses does not cost the others of its batch. Whatever makes the database unusable arrives as
:class:`~persistence.failures.StoreUnavailable`, within about 5 s, and leaves the store ready to try again.

Thread-safe; the writing connection is used by one thread at a time.
"""

import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import psycopg2
from loguru import logger
from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from messages.journal import CommitResult, Decision, KnownSignal, PositionResult, RestoredPosition
from persistence import migrate, restoring
from persistence.batches import write_batch
from persistence.database_url import parse_url, sqlite_file, without_password
from persistence.engines import Patience, reading_engine, writing_engine
from persistence.failures import StoreFailure, StoreUnavailable, failure_of
from persistence.fencing import Fences, OwnerMark
from persistence.postgres_writer import PostgresWriter
from persistence.sqlite_file import SqliteFile
from persistence.sqlite_writer import SqliteWriter
from persistence.writer import Poisoned, Writer

Boundary = Callable[[str], None]

_NONCE_BYTES: Final = 16
_DOUBTFUL: Final = {StoreFailure.READ_ONLY, StoreFailure.DAMAGED, StoreFailure.OTHER}
"""After these a connection is not used again: what it has cached may be wrong."""


def _clock_ms() -> int:
    return time.time_ns() // 1_000_000


class SqlStore:
    """One account's records in SQLite (``sqlite:///file``, ``sqlite://`` in memory) or PostgreSQL.

    Making one connects to nothing; the first use connects, and brings the schema up to date.

    Args:
        url: As in DATABASE_URL.
        account: Whose rows these are; several accounts share one database.
        boundary: Called with ``before_commit`` and ``after_commit`` around each commit. What it raises passes through:
            before, the transaction is rolled back; after, it is durable.
        patience: Time-outs, and the size of the pool of readers.
        now_ms: For the time of taking ownership.

    Raises:
        WrongDatabaseUrl: ``url`` is malformed or names another database.
    """

    def __init__(
        self,
        url: str | URL,
        account: str,
        *,
        boundary: Boundary | None = None,
        patience: Patience | None = None,
        now_ms: Callable[[], int] = _clock_ms,
    ) -> None:
        self.account: Final = account
        self.url: Final = parse_url(url)
        self._boundary: Final[Boundary] = boundary or (lambda _: None)
        self._patience: Final = patience or Patience()
        self._now_ms: Final = now_ms
        self._lock: Final = threading.RLock()
        path = sqlite_file(self.url)
        self._file: Final = None if path is None else SqliteFile(path)
        self._in_memory: Final = path is None and self.url.get_backend_name() == "sqlite"
        self._writing: Engine | None = None
        self._reading: Engine | None = None
        self._writer: Writer | None = None
        self._held: OwnerMark | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"SqlStore({self.url.render_as_string(hide_password=True)}, {self.account!r})"

    @property
    def held(self) -> OwnerMark | None:
        """The ownership under which this store writes."""
        return self._held

    def open(self) -> None:
        """Connect, after whatever happened: reconnect, or rescue a deleted SQLite file from the connection to it.

        Raises:
            StoreUnavailable: It still cannot be used.
        """
        with self._lock, self._readable_failures():
            if self._file is not None and isinstance(self._writer, SqliteWriter):
                try:
                    self._file.check()
                except StoreUnavailable:
                    if not self._file.path.exists():
                        self._file.rescue(self._writer.connection)
                        logger.warning("the database file was deleted and is written anew: {}", self._file.path.name)
                    self._disconnect()
            self._connected()

    def take_ownership(self, owner_name: str, *, above: int = 0) -> OwnerMark:
        """Become the owner of the account, with an epoch over every earlier one, and over ``above``.

        Raises:
            StoreUnavailable: Nothing is changed.
        """
        with self._lock:
            with self._transaction(taking=True) as (writer, fences):
                mark = OwnerMark(
                    epoch=max(fences.owner.epoch, above) + 1,
                    nonce=secrets.token_hex(_NONCE_BYTES),
                    owner_name=owner_name,
                )
                writer.set_owner(self.account, mark, since_ms=self._now_ms())
            self._held = mark
        return mark

    def claim(self, mark: OwnerMark) -> bool:
        """Stand by an ownership that was taken before; gives whether it still is the latest one.

        The database may not know of it: it was out of reach at the time, or was restored from an earlier copy.

        Raises:
            StoreUnavailable: Nothing is changed.
        """
        with self._lock:
            with self._transaction(taking=True) as (writer, fences):
                latest = fences.owner.epoch < mark.epoch
                if latest:
                    writer.set_owner(self.account, mark, since_ms=self._now_ms())
            self._held = mark
        return latest or (fences.owner.epoch == mark.epoch and fences.owner.nonce == mark.nonce)

    def commit(self, decisions: Sequence[Decision], *, draining: bool = False) -> list[CommitResult]:
        """Write ``decisions`` in order, in one transaction; results in the same order.

        Decisions that are applied already are successes. One that the database refuses for good has the durability
        ``NOWHERE``, is logged, and is kept in ``refused_decisions``.

        Args:
            decisions: In the order in which they were decided.
            draining: They come from the spool: stale ones are kept in ``refused_decisions`` as well.

        Raises:
            StoreUnavailable: Nothing was written or, where the connection was lost during the commit, perhaps
                everything; offering them again is right in both cases.
        """
        if not decisions:
            return []
        with self._lock:
            try:
                return self._commit(decisions, draining=draining, singly=False)
            except Poisoned:
                return self._commit(decisions, draining=draining, singly=True)

    def load(self) -> list[RestoredPosition]:
        """Every position that is not ended, oldest first.

        Raises:
            StoreUnavailable: It cannot be read.
        """
        with self.reading() as connection:
            return restoring.open_positions(connection, self.account)

    def known_signals(self, since_ms: int) -> dict[str, KnownSignal]:
        """The signals whose fate was recorded at ``since_ms`` or later, by their ids.

        Raises:
            StoreUnavailable: It cannot be read.
        """
        with self.reading() as connection:
            return restoring.known_signals(connection, self.account, since_ms)

    def position_results(self, since_ms: int) -> list[PositionResult]:
        """What each position came to that was closed at ``since_ms`` or later.

        Raises:
            StoreUnavailable: It cannot be read.
        """
        with self.reading() as connection:
            return restoring.position_results(connection, self.account, since_ms)

    def symbol_locks(self) -> dict[str, str]:
        """Why nothing is opened on a symbol, for each that is locked.

        Raises:
            StoreUnavailable: It cannot be read.
        """
        with self.reading() as connection:
            return restoring.symbol_locks(connection, self.account)

    def applied(self, decision_ids: Sequence[str]) -> frozenset[str]:
        """Which of these decisions are in the store.

        Raises:
            StoreUnavailable: It cannot be read.
        """
        if not decision_ids:
            return frozenset()
        with self.reading() as connection:
            return restoring.applied_decisions(connection, self.account, decision_ids)

    def prune_decisions(self, before_ms: int) -> int:
        """Forget which decisions before a time are applied; only for times that no spool reaches back to.

        Raises:
            StoreUnavailable: Nothing is changed.
        """
        with self._lock, self._transaction() as (writer, _):
            return writer.prune(self.account, before_ms=before_ms)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for queries; beside the writer, except in memory, where there is one connection for all.

        Raises:
            StoreUnavailable: It cannot be read.
        """
        if self._in_memory:
            with self._lock, self._readable_failures():
                self._connected()
                assert self._writing is not None  # noqa: S101 - set with the writer
                with self._writing.connect() as connection:
                    yield connection
            return
        with self._readable_failures(), self._reading_engine().connect() as connection:
            yield connection

    def close(self) -> None:
        """Let go of every connection; the store cannot be used again. A database in memory is gone."""
        with self._lock:
            self._closed = True
            self._disconnect()

    def _commit(self, decisions: Sequence[Decision], *, draining: bool, singly: bool) -> list[CommitResult]:
        paths = sorted({decision.path for decision in decisions})
        decision_ids = [decision.decision_id for decision in decisions]
        with self._transaction(paths=paths, decision_ids=decision_ids) as (writer, fences):
            if self._held is not None and fences.owner.epoch < self._held.epoch:
                raise StoreUnavailable(
                    StoreFailure.BEHIND,
                    f"it knows owner epoch {fences.owner.epoch}, and this process writes under {self._held.epoch}",
                )
            return write_batch(
                writer,
                decisions,
                account=self.account,
                fences=fences,
                held=self._held,
                draining=draining,
                singly=singly,
            )

    @contextmanager
    def _transaction(
        self,
        *,
        paths: Sequence[str] = (),
        decision_ids: Sequence[str] = (),
        taking: bool = False,
    ) -> Iterator[tuple[Writer, Fences]]:
        with self._readable_failures():
            writer, fences = self._begun(paths, decision_ids, taking=taking)
            try:
                yield writer, fences
                self._boundary("before_commit")
                writer.commit()
            except BaseException as error:
                writer.rollback()
                if isinstance(error, StoreUnavailable) and error.kind in _DOUBTFUL and not self._in_memory:
                    self._disconnect()
                raise
        self._boundary("after_commit")

    def _begun(self, paths: Sequence[str], decision_ids: Sequence[str], *, taking: bool) -> tuple[Writer, Fences]:
        fresh = self._writer is None
        writer = self._connected()
        try:
            return writer, writer.begin(self.account, paths=paths, decision_ids=decision_ids, taking=taking)
        except StoreUnavailable as failure:
            writer.rollback()
            if fresh or failure.kind is not StoreFailure.UNREACHABLE:
                raise
        # The connection was lost while it was idle, and nothing has been asked for yet: the server may well be there.
        self._disconnect()
        writer = self._connected()
        return writer, writer.begin(self.account, paths=paths, decision_ids=decision_ids, taking=taking)

    def _connected(self) -> Writer:
        if self._closed:
            raise StoreUnavailable(StoreFailure.CLOSED, "used after it was closed")
        if self._writer is not None and not self._writer.usable():
            self._disconnect()
        if self._writer is not None:
            if self._file is not None:
                self._file.check()
            return self._writer
        if self._file is not None:
            self._file.prepare()
        engine = writing_engine(self.url, self._patience)
        try:
            migrate.upgrade_with(engine)
            self._writer = SqliteWriter(engine) if self.url.get_backend_name() == "sqlite" else PostgresWriter(engine)
        except BaseException:
            engine.dispose()
            raise
        self._writing = engine
        if self._file is not None:
            self._file.opened()
        return self._writer

    def _disconnect(self) -> None:
        if self._writer is not None:
            self._writer.close()
        for engine in (self._writing, self._reading):
            if engine is not None:
                engine.dispose()
        self._writer = self._writing = self._reading = None

    def _reading_engine(self) -> Engine:
        engine = self._reading
        if engine is not None and (self._file is None or self._file.path.exists()):
            return engine
        with self._lock:
            self._connected()
            if self._reading is None:
                self._reading = reading_engine(self.url, self._patience)
            return self._reading

    @contextmanager
    def _readable_failures(self) -> Iterator[None]:
        """Whatever the drivers raise about the database as the one typed error, with the password blacked out."""
        try:
            yield
        except StoreUnavailable as failure:
            text = without_password(failure.text, self.url)
            if text == failure.text:
                raise
            raise StoreUnavailable(failure.kind, text) from None
        except (SQLAlchemyError, psycopg2.Error, sqlite3.Error, OSError) as error:
            typed = failure_of(error)
            if typed is None:
                raise
            raise StoreUnavailable(typed.kind, without_password(typed.text, self.url)) from None
