"""The writing connection of SQLite: the driver's own, with statements compiled from the tables."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.dialects import sqlite

from messages.values import Epoch
from persistence.failures import failure_of
from persistence.fencing import NOBODY, Fences, OwnerMark
from persistence.rows import Row, Rows, Value
from persistence.statements import OUTCOME_PREFIX, InsertStatement, statements_for
from persistence.writer import Poisoned

_STATEMENTS: Final = statements_for(sqlite.dialect(paramstyle="named"))
_OWNER: Final = "SELECT owner_epoch, nonce, owner_name FROM owners WHERE account = ?"
_WRITERS: Final = (
    "SELECT path, owner_epoch, actor_epoch FROM writers WHERE account = ? AND path IN (SELECT value FROM json_each(?))"
)
_APPLIED: Final = (
    "SELECT decision_id FROM decisions WHERE account = ? AND decision_id IN (SELECT value FROM json_each(?))"
)
_SET_OWNER: Final = (
    "INSERT OR REPLACE INTO owners (account, owner_epoch, owner_name, nonce, since_ms) VALUES (?,?,?,?,?)"
)
_PRUNE: Final = "DELETE FROM decisions WHERE account = ? AND at_ms < ?"


class SqliteWriter:
    """Satisfies :class:`persistence.writer.Writer`."""

    def __init__(self, engine: Engine) -> None:
        self._pooled = engine.raw_connection()
        connection = self._pooled.driver_connection
        assert isinstance(connection, sqlite3.Connection)  # noqa: S101 - the engine's driver is chosen by us
        self.connection: Final = connection

    def begin(self, account: str, *, paths: Sequence[str], decision_ids: Sequence[str], taking: bool) -> Fences:
        """BEGIN IMMEDIATE takes the write lock, so that what is read here stays true until the end."""
        del taking
        with self._typed_errors():
            self.connection.execute("BEGIN IMMEDIATE")
            owner = self.connection.execute(_OWNER, (account,)).fetchone()
            writers = self.connection.execute(_WRITERS, (account, json.dumps(paths))).fetchall() if paths else ()
            applied = self.connection.execute(_APPLIED, (account, json.dumps(decision_ids))).fetchall()
        return Fences(
            owner=NOBODY if owner is None else OwnerMark(epoch=owner[0], nonce=owner[1], owner_name=owner[2]),
            writers={path: Epoch(owner_epoch, actor_epoch) for path, owner_epoch, actor_epoch in writers},
            applied=frozenset(decision_id for (decision_id,) in applied),
        )

    def set_owner(self, account: str, mark: OwnerMark, *, since_ms: int) -> None:
        """Replace the account's row."""
        with self._typed_errors():
            self.connection.execute(_SET_OWNER, (account, mark.epoch, mark.owner_name, mark.nonce, since_ms))

    def apply(self, rows: Rows) -> None:
        """One statement a table that has rows."""
        with self._typed_errors():
            self._insert(_STATEMENTS.decisions, rows.decisions)
            self._insert(_STATEMENTS.writers, rows.writers.values())
            self._insert(_STATEMENTS.positions, rows.positions.values())
            self._insert(_STATEMENTS.trailing_stop_state, rows.trailing_stop_state.values())
            self._insert(_STATEMENTS.orders, rows.orders)
            if rows.outcomes:
                self.connection.executemany(_STATEMENTS.outcomes, [_outcome(row) for row in rows.outcomes.values()])
            self._insert(_STATEMENTS.trades, rows.trades.values())
            self._insert(_STATEMENTS.funding, rows.funding.values())
            self._insert(_STATEMENTS.scaling_entries, rows.scaling_entries)
            self._insert(_STATEMENTS.signals_log, rows.signals_log.values())
            self._insert(_STATEMENTS.order_audit_log, rows.order_audit_log)
            self._insert(_STATEMENTS.events, rows.events)
            self._insert(_STATEMENTS.performance_snapshots, rows.performance_snapshots)

    def refuse(self, rows: Sequence[Row]) -> None:
        """The first refusal of a decision stays."""
        with self._typed_errors():
            self._insert(_STATEMENTS.refused_decisions, rows)

    def prune(self, account: str, *, before_ms: int) -> int:
        """One statement; the index on ``at_ms`` serves it."""
        with self._typed_errors():
            return self.connection.execute(_PRUNE, (account, before_ms)).rowcount

    def savepoint(self) -> None:
        """A name may be used again: the latest counts."""
        with self._typed_errors():
            self.connection.execute("SAVEPOINT decision")

    def undo(self) -> None:
        """Return to the latest savepoint."""
        with self._typed_errors():
            self.connection.execute("ROLLBACK TO decision")

    def commit(self) -> None:
        """With synchronous=FULL this returns after the log is on the disk."""
        with self._typed_errors():
            self.connection.execute("COMMIT")

    def rollback(self) -> None:
        """Some errors have ended the transaction already."""
        with suppress(sqlite3.Error):
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")

    def usable(self) -> bool:
        """A file's connection does not get lost by itself."""
        return True

    def close(self) -> None:
        """Hand the connection back to the pool, which closes it with the engine."""
        self.rollback()
        with suppress(sqlite3.Error):
            self._pooled.close()

    def _insert(self, statement: InsertStatement, rows: Iterable[Row]) -> None:
        bound = [{name: _bind(value) for name, value in row.items()} for row in rows]
        if bound:
            self.connection.executemany(statement.one, bound)

    @contextmanager
    def _typed_errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, ValueError, OverflowError) as error:
            failure = failure_of(error)
            if failure is not None:
                raise failure from error
            raise Poisoned(str(error)) from error


def _bind(value: Value) -> str | int | None:
    return str(value) if isinstance(value, Decimal) else value


def _outcome(row: Row) -> Row:
    return {f"{OUTCOME_PREFIX}{name}": value for name, value in row.items()}
