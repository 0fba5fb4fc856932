"""The writing connection of PostgreSQL: three round trips a batch, however many rows it has.

(1) BEGIN with what the fences need, (2) every row, (3) COMMIT. Statements are compiled from the tables and filled in on
this side, since at a distance the round trips are the cost.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from sqlalchemy import Engine, make_url

from messages.values import Epoch
from persistence.failures import failure_of
from persistence.fencing import NOBODY, Fences, OwnerMark
from persistence.rows import Row, Rows, storable
from persistence.statements import OUTCOME_PREFIX, InsertStatement, statements_for
from persistence.writer import Poisoned

_STATEMENTS: Final = statements_for(make_url("postgresql+psycopg2://").get_dialect()())
_BEGIN: Final = "BEGIN; SELECT 1 FROM monitoring.owners WHERE account = %(account)s FOR SHARE;"
# Two first owners would both find no row to lock.
_BEGIN_TAKING: Final = "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('holdfast owner ' || %(account)s, 0));"
_FENCES: Final = """
SELECT 'owner', nonce, owner_name, owner_epoch, 0 FROM monitoring.owners WHERE account = %(account)s
UNION ALL
SELECT 'writer', path, '', owner_epoch, actor_epoch FROM monitoring.writers
 WHERE account = %(account)s AND path = ANY(%(paths)s::text[])
UNION ALL
SELECT 'applied', decision_id, '', 0, 0 FROM monitoring.decisions
 WHERE account = %(account)s AND decision_id = ANY(%(ids)s::text[])
"""
_SET_OWNER: Final = """
INSERT INTO monitoring.owners (account, owner_epoch, owner_name, nonce, since_ms)
VALUES (%(account)s, %(epoch)s, %(owner_name)s, %(nonce)s, %(since_ms)s)
ON CONFLICT (account) DO UPDATE SET owner_epoch = excluded.owner_epoch, owner_name = excluded.owner_name,
 nonce = excluded.nonce, since_ms = excluded.since_ms
"""
_PRUNE: Final = "DELETE FROM monitoring.decisions WHERE account = %(account)s AND at_ms < %(before_ms)s"


class PostgresWriter:
    """Satisfies :class:`persistence.writer.Writer`."""

    def __init__(self, engine: Engine) -> None:
        self._pooled = engine.raw_connection()
        connection: Any = self._pooled.driver_connection
        # BEGIN and COMMIT travel with our own statements instead of in round trips of the driver's.
        connection.autocommit = True
        self._connection: Final = connection
        self._cursor: Final = connection.cursor()

    def begin(self, account: str, *, paths: Sequence[str], decision_ids: Sequence[str], taking: bool) -> Fences:
        """The lock on the owner's row holds up a new owner until this transaction ends."""
        begin = _BEGIN_TAKING if taking else _BEGIN
        with self._typed_errors():
            self._cursor.execute(
                begin + _FENCES,
                {"account": account, "paths": _askable(paths), "ids": _askable(decision_ids)},
            )
            found = self._cursor.fetchall()
        owner, writers, applied = NOBODY, dict[str, Epoch](), set[str]()
        for kind, name, owner_name, owner_epoch, actor_epoch in found:
            if kind == "owner":
                owner = OwnerMark(epoch=owner_epoch, nonce=name, owner_name=owner_name)
            elif kind == "writer":
                writers[name] = Epoch(owner_epoch, actor_epoch)
            else:
                applied.add(name)
        return Fences(owner=owner, writers=writers, applied=frozenset(applied))

    def set_owner(self, account: str, mark: OwnerMark, *, since_ms: int) -> None:
        """Replace the account's row."""
        with self._typed_errors():
            self._cursor.execute(
                _SET_OWNER,
                {
                    "account": account,
                    "epoch": mark.epoch,
                    "owner_name": mark.owner_name,
                    "nonce": mark.nonce,
                    "since_ms": since_ms,
                },
            )

    def apply(self, rows: Rows) -> None:
        """All tables in one message."""
        with self._typed_errors():
            parts = [
                *self._insert(_STATEMENTS.decisions, rows.decisions),
                *self._insert(_STATEMENTS.writers, rows.writers.values()),
                *self._insert(_STATEMENTS.positions, rows.positions.values()),
                *self._insert(_STATEMENTS.trailing_stop_state, rows.trailing_stop_state.values()),
                *self._insert(_STATEMENTS.orders, rows.orders),
                *(self._fill(_STATEMENTS.outcomes, _outcome(row)) for row in rows.outcomes.values()),
                *self._insert(_STATEMENTS.trades, rows.trades.values()),
                *self._insert(_STATEMENTS.funding, rows.funding.values()),
                *self._insert(_STATEMENTS.scaling_entries, rows.scaling_entries),
                *self._insert(_STATEMENTS.signals_log, rows.signals_log.values()),
                *self._insert(_STATEMENTS.order_audit_log, rows.order_audit_log),
                *self._insert(_STATEMENTS.events, rows.events),
                *self._insert(_STATEMENTS.performance_snapshots, rows.performance_snapshots),
            ]
            if parts:
                self._cursor.execute(";\n".join(parts))

    def refuse(self, rows: Sequence[Row]) -> None:
        """The first refusal of a decision stays, also within ``rows``."""
        first = {str(row["decision_id"]): row for row in reversed(rows)}
        with self._typed_errors():
            for statement in self._insert(_STATEMENTS.refused_decisions, first.values()):
                self._cursor.execute(statement)

    def prune(self, account: str, *, before_ms: int) -> int:
        """One statement; the index on ``at_ms`` serves it."""
        with self._typed_errors():
            self._cursor.execute(_PRUNE, {"account": account, "before_ms": before_ms})
            return int(self._cursor.rowcount)

    def savepoint(self) -> None:
        """A name may be used again: the latest counts."""
        self._run("SAVEPOINT decision")

    def undo(self) -> None:
        """Return to the latest savepoint."""
        self._run("ROLLBACK TO SAVEPOINT decision")

    def commit(self) -> None:
        """When the connection is lost here, only asking for the decision ids tells what happened."""
        self._run("COMMIT")

    def rollback(self) -> None:
        """A connection that cannot even do that is of no more use."""
        if self._connection.closed:
            return
        try:
            if self._connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
                self._cursor.execute("ROLLBACK")
        except psycopg2.Error:
            with suppress(psycopg2.Error):
                self._connection.close()

    def usable(self) -> bool:
        """The driver knows when it has lost the connection."""
        return not self._connection.closed

    def close(self) -> None:
        """Close for good: a connection with a doubtful past does not return to a pool."""
        with suppress(psycopg2.Error):
            self._pooled.invalidate()

    def _run(self, statement: str) -> None:
        with self._typed_errors():
            self._cursor.execute(statement)

    def _insert(self, statement: InsertStatement, rows: Iterable[Row]) -> Iterator[str]:
        filled = [self._fill(statement.row, row) for row in rows]
        if filled:
            yield statement.many(filled)

    def _fill(self, template: str, row: Row) -> str:
        filled: bytes = self._cursor.mogrify(template, row)
        return filled.decode()

    @contextmanager
    def _typed_errors(self) -> Iterator[None]:
        try:
            yield
        except (psycopg2.Error, ValueError, OverflowError) as error:
            failure = failure_of(error)
            if failure is not None:
                raise failure from error
            raise Poisoned(str(error)) from error


def _askable(names: Sequence[str]) -> list[str]:
    return [name for name in names if storable(name) == name]


def _outcome(row: Row) -> Row:
    return {f"{OUTCOME_PREFIX}{name}": value for name, value in row.items()}
