"""What the writer executes, compiled once for a database from the one definition of the tables."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BindParameter, ClauseElement, ColumnElement, Dialect, Insert, Table, bindparam, func, update
from sqlalchemy.dialects import postgresql, sqlite

from persistence import tables

OUTCOME_PREFIX: Final = "the_"
"""Before the names of an outcome's values: an UPDATE may not bind the bare names of its columns."""

_ROW_ID: Final = "id"
_SQLITE_SCHEMA: Final = "main"
_OUTCOME: Final = (
    "account",
    "owner_epoch",
    "actor_epoch",
    "intent_id",
    "status",
    "venue_order_id",
    "outcome_text",
    "outcome_ms",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertStatement:
    """An insert in the three pieces of which an insert of many rows is made."""

    head: str
    row: str
    tail: str

    @property
    def one(self) -> str:
        """The statement for one row."""
        return f"{self.head} VALUES {self.row}{self.tail}"

    def many(self, rows: list[str]) -> str:
        """The statement for rows that are filled in already."""
        return f"{self.head} VALUES {', '.join(rows)}{self.tail}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """One attribute a field of :class:`persistence.rows.Rows`, and one for what is refused."""

    decisions: InsertStatement
    writers: InsertStatement
    positions: InsertStatement
    trailing_stop_state: InsertStatement
    orders: InsertStatement
    trades: InsertStatement
    funding: InsertStatement
    scaling_entries: InsertStatement
    signals_log: InsertStatement
    order_audit_log: InsertStatement
    events: InsertStatement
    performance_snapshots: InsertStatement
    refused_decisions: InsertStatement
    outcomes: str


def statements_for(dialect: Dialect) -> Statements:
    """Compile everything the writer executes for ``dialect``."""
    compiler = _Compiler(dialect)
    return Statements(
        decisions=compiler.insert(tables.decisions),
        writers=compiler.replace(tables.writers),
        positions=compiler.replace(tables.positions),
        trailing_stop_state=compiler.replace(tables.trailing_stop_state),
        orders=compiler.insert(tables.orders),
        trades=compiler.attribute(tables.trades),
        funding=compiler.attribute(tables.funding),
        scaling_entries=compiler.insert(tables.scaling_entries),
        signals_log=compiler.once(tables.signals_log),
        order_audit_log=compiler.insert(tables.order_audit_log),
        events=compiler.insert(tables.events),
        performance_snapshots=compiler.insert(tables.performance_snapshots),
        refused_decisions=compiler.once(tables.refused_decisions),
        outcomes=compiler.outcome(),
    )


class _Compiler:
    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def insert(self, table: Table) -> InsertStatement:
        return self._compile(table, self._start(table))

    def replace(self, table: Table) -> InsertStatement:
        """Insert; a row with the same primary key takes the new values."""
        key = [column.name for column in table.primary_key]
        start = self._start(table)
        values = {name: start.excluded[name] for name in self._names(table) if name not in key}
        return self._compile(table, start.on_conflict_do_update(index_elements=key, set_=values))

    def once(self, table: Table) -> InsertStatement:
        """Insert; the first row with a primary key stays."""
        key = [column.name for column in table.primary_key]
        return self._compile(table, self._start(table).on_conflict_do_nothing(index_elements=key))

    def attribute(self, table: Table) -> InsertStatement:
        """Insert; a row known already is only changed from belonging to no position to belonging to one."""
        unique = next(index for index in table.indexes if index.unique)
        start = self._start(table)
        names = [name for name in self._names(table) if name in {"position_id", "realized_pnl"}]
        condition: ColumnElement[bool] = table.c.position_id.is_(None)
        return self._compile(
            table,
            start.on_conflict_do_update(
                index_elements=[column.name for column in unique.columns],
                set_={name: start.excluded[name] for name in names},
                where=condition,
            ),
        )

    def outcome(self) -> str:
        orders = tables.orders
        given: dict[str, BindParameter[Any]] = {name: bindparam(f"{OUTCOME_PREFIX}{name}") for name in _OUTCOME}
        statement = (
            update(orders)
            .where(orders.c.account == given.pop("account"), orders.c.intent_id == given.pop("intent_id"))
            .values({**given, "venue_order_id": func.coalesce(given["venue_order_id"], orders.c.venue_order_id)})
        )
        return self._text(statement, None)

    def _start(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        if self._dialect.name == "postgresql":
            return postgresql.insert(table).inline()
        return sqlite.insert(table).inline()

    def _names(self, table: Table) -> list[str]:
        return [column.name for column in table.columns if column.name != _ROW_ID]

    def _compile(self, table: Table, statement: Insert) -> InsertStatement:
        text = self._text(statement, self._names(table))
        head, _, rest = text.partition(" VALUES ")
        row, conflict, tail = rest.partition(" ON CONFLICT ")
        return InsertStatement(head=head, row=row, tail=conflict + tail)

    def _text(self, statement: ClauseElement, column_keys: list[str] | None) -> str:
        schema = tables.SCHEMA if self._dialect.name == "postgresql" else _SQLITE_SCHEMA
        compiled = statement.compile(
            dialect=self._dialect,
            column_keys=column_keys,
            schema_translate_map={tables.SCHEMA: schema},
            render_schema_translate=True,
        )
        return str(compiled)
