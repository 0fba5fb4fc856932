"""Connections to the databases, with what makes them durable and what makes a dead server noticed.

SQLite: WAL with synchronous=FULL (NORMAL may lose the last commits at a power cut), explicit transactions.
PostgreSQL: a connection attempt, a lock, a statement and a silent network each end within about 5 s.
"""

from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, event

from persistence.database_url import sqlite_file
from persistence.tables import SCHEMA

SUM_EXACT: Final = "sum_exact"
"""The name of the sum over decimals that are text, on SQLite."""

_EXACT: Final = Context(prec=500, traps=[Inexact, InvalidOperation])


class _SumExact:
    def __init__(self) -> None:
        self._total = Decimal(0)

    def step(self, value: str | None) -> None:
        if value is not None:
            self._total = _EXACT.add(self._total, Decimal(value))

    def finalize(self) -> str:
        return str(self._total)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long anything may take before the store counts as unavailable, and how many readers there may be.

    Attributes:
        flushes: Whether SQLite waits for the disk at each commit; without it a power cut may lose the file.
    """

    connect_s: int = 2
    silence_ms: int = 2_500
    statement_ms: int = 4_000
    lock_ms: int = 2_000
    pool_size: int = 2
    max_overflow: int = 8
    pool_timeout_s: float = 5.0
    flushes: bool = True


_KEEPALIVE: Final = {"keepalives": 1, "keepalives_idle": 2, "keepalives_interval": 1, "keepalives_count": 2}
_APPLICATION: Final = "holdfast"


def reading_engine(url: URL, patience: Patience) -> Engine:
    """An engine with a pool, for queries; SQLite readers do not hold up the writer."""
    return _engine(url, patience, begin="BEGIN")


def writing_engine(url: URL, patience: Patience) -> Engine:
    """An engine whose transactions hold SQLite's write lock from their first statement."""
    return _engine(url, patience, begin="BEGIN IMMEDIATE")


def _engine(url: URL, patience: Patience, *, begin: str) -> Engine:
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, patience, begin=begin)
    return create_engine(
        url,
        pool_size=patience.pool_size,
        max_overflow=patience.max_overflow,
        pool_timeout=patience.pool_timeout_s,
        hide_parameters=True,
        connect_args=_postgresql_arguments(patience),
    )


def _postgresql_arguments(patience: Patience) -> dict[str, Any]:
    options = (
        f"-c statement_timeout={patience.statement_ms} -c lock_timeout={patience.lock_ms} "
        f"-c idle_in_transaction_session_timeout={patience.statement_ms} -c synchronous_commit=on"
    )
    return {
        "connect_timeout": patience.connect_s,
        "application_name": _APPLICATION,
        "client_encoding": "utf8",
        "options": options,
        # Where the system knows it (not on Windows): unanswered data ends the connection, as silence does above.
        "tcp_user_timeout": patience.silence_ms,
        **_KEEPALIVE,
    }


def _sqlite(url: URL, patience: Patience, *, begin: str) -> Engine:
    arguments: dict[str, Any] = {"check_same_thread": False, "timeout": patience.lock_ms / 1000}
    if sqlite_file(url) is None:
        engine = create_engine(url, poolclass=StaticPool, hide_parameters=True, connect_args=arguments)
    else:
        engine = create_engine(
            url,
            pool_size=patience.pool_size,
            max_overflow=patience.max_overflow,
            pool_timeout=patience.pool_timeout_s,
            hide_parameters=True,
            connect_args=arguments,
        )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        del record
        # The driver's own implicit BEGIN neither covers DDL nor takes the write lock early.
        connection.isolation_level = None
        connection.create_aggregate(SUM_EXACT, 1, _SumExact)
        cursor = connection.cursor()
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute(f"PRAGMA synchronous = {'FULL' if patience.flushes else 'OFF'}")
            cursor.execute("PRAGMA temp_store = MEMORY")
        finally:
            cursor.close()

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine.execution_options(schema_translate_map={SCHEMA: None})
