"""The schema: one definition for SQLite and for PostgreSQL 14+ (there in the schema ``monitoring``).

Every table carries ``account`` and the epoch that wrote the row. There are no foreign keys: a record must never be
refused because another one is missing. Times are UTC milliseconds. JSON is kept as text, because PostgreSQL's own JSON
types refuse some characters and rewrite numbers; ``state::jsonb`` serves queries.
"""

from decimal import Decimal
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Index,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy.types import TypeEngine

SCHEMA: Final = "monitoring"
ENDED_PHASES: Final = ("closed", "rolled_back")
OPEN_STATUSES: Final = ("intended", "unknown")
APPEND_ONLY: Final = ("events", "order_audit_log")

_OPEN_POSITION: Final = text("phase NOT IN ('closed', 'rolled_back')")
_OPEN_INTENT: Final = text("status IN ('intended', 'unknown')")
_LOCK: Final = text("kind IN ('symbol_locked', 'symbol_unlocked')")
_PLACING: Final = text("action = 'place'")


class ExactDecimal(TypeDecorator[Decimal]):
    """A decimal that loses no digit: NUMERIC on PostgreSQL, text on SQLite, whose numbers are binary."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Decimal] | TypeEngine[str]:
        """NUMERIC without a scale keeps what it is given."""
        return Numeric() if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | str | None:
        """SQLite gets the digits as they are written."""
        return value if value is None or dialect.name == "postgresql" else str(value)

    def process_result_value(self, value: Decimal | str | None, dialect: Dialect) -> Decimal | None:
        """Both databases answer with a Decimal."""
        del dialect
        return None if value is None else Decimal(value)


metadata = MetaData(schema=SCHEMA)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _optional_text(name: str) -> Column[str]:
    return Column(name, Text, nullable=True)


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _optional_number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=True)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def _decimal(name: str) -> Column[Decimal]:
    return Column(name, ExactDecimal, nullable=False)


def _optional_decimal(name: str) -> Column[Decimal]:
    return Column(name, ExactDecimal, nullable=True)


def _row_id() -> Column[int]:
    return Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True)


def _written_by() -> tuple[Column[str], Column[int], Column[int]]:
    return _text("account"), _number("owner_epoch"), _number("actor_epoch")


owners = Table(
    "owners",
    metadata,
    _text("account"),
    _number("owner_epoch"),
    _text("owner_name"),
    _text("nonce"),
    _number("since_ms"),
    PrimaryKeyConstraint("account"),
)
"""Who may write for an account. ``nonce`` is one process's own, so that two can never share an epoch."""

writers = Table(
    "writers",
    metadata,
    *_written_by(),
    _text("path"),
    PrimaryKeyConstraint("account", "path"),
)
"""The latest epoch that wrote from each actor address: what a replaced incarnation is refused by."""

decisions = Table(
    "decisions",
    metadata,
    *_written_by(),
    _text("decision_id"),
    _number("at_ms"),
    PrimaryKeyConstraint("account", "decision_id"),
    Index("ix_decisions_at", "account", "at_ms"),
)
"""Decisions that are applied: what makes offering one again harmless."""

refused_decisions = Table(
    "refused_decisions",
    metadata,
    *_written_by(),
    _text("decision_id"),
    _text("path"),
    _number("at_ms"),
    _text("error"),
    _text("decision"),
    PrimaryKeyConstraint("account", "decision_id"),
)
"""Decisions that could not be applied, whole, for a person to look at."""

positions = Table(
    "positions",
    metadata,
    *_written_by(),
    _text("position_id"),
    _text("venue"),
    _text("symbol"),
    _optional_text("hedge_side"),
    _text("side"),
    _text("phase"),
    _decimal("quantity"),
    _decimal("wanted_quantity"),
    _decimal("entry_price"),
    _optional_decimal("stop_price"),
    _number("leverage"),
    _decimal("realized_pnl"),
    _decimal("commission"),
    _decimal("funding"),
    _optional_decimal("exit_price"),
    _optional_text("close_reason"),
    _text("signal_id"),
    _number("opened_ms"),
    _optional_number("closed_ms"),
    _number("updated_ms"),
    _text("state"),
    PrimaryKeyConstraint("account", "position_id"),
    Index(
        "ix_positions_open",
        "account",
        "opened_ms",
        postgresql_where=_OPEN_POSITION,
        sqlite_where=_OPEN_POSITION,
    ),
    Index("ix_positions_closed", "account", "closed_ms"),
)
"""Plain columns for people and queries; ``state`` is what a restart reads."""

trailing_stop_state = Table(
    "trailing_stop_state",
    metadata,
    *_written_by(),
    _text("position_id"),
    _text("phase"),
    _decimal("highest"),
    _decimal("lowest"),
    _decimal("activation_price"),
    _decimal("callback_percent"),
    _optional_decimal("stop_price"),
    _number("update_count"),
    _number("last_update_ms"),
    _number("updated_ms"),
    PrimaryKeyConstraint("account", "position_id"),
)

orders = Table(
    "orders",
    metadata,
    *_written_by(),
    _text("intent_id"),
    _text("position_id"),
    _text("venue"),
    _text("symbol"),
    _optional_text("hedge_side"),
    _text("client_order_id"),
    _text("action"),
    _text("purpose"),
    _text("side"),
    _text("kind"),
    _optional_decimal("quantity"),
    _optional_decimal("price"),
    _optional_decimal("trigger_price"),
    _flag("reduce_only"),
    _flag("protective"),
    _text("status"),
    _optional_text("venue_order_id"),
    _text("outcome_text"),
    _number("created_ms"),
    _optional_number("expires_ms"),
    _optional_number("outcome_ms"),
    _text("intent"),
    PrimaryKeyConstraint("account", "intent_id"),
    Index(
        "ux_orders_client_order_id",
        "account",
        "venue",
        "client_order_id",
        unique=True,
        postgresql_where=_PLACING,
        sqlite_where=_PLACING,
    ),
    Index("ix_orders_position", "account", "position_id", "created_ms"),
    # A start reads the open intents, a handful among years of orders.
    Index("ix_orders_open", "account", "position_id", postgresql_where=_OPEN_INTENT, sqlite_where=_OPEN_INTENT),
)
"""Intents and what became of them; ``intent`` is the whole of it as JSON."""

trades = Table(
    "trades",
    metadata,
    *_written_by(),
    _row_id(),
    _text("venue"),
    _text("symbol"),
    _text("fill_id"),
    _optional_text("position_id"),
    _text("venue_order_id"),
    _optional_text("client_order_id"),
    _text("side"),
    _optional_text("hedge_side"),
    _text("kind"),
    _flag("maker"),
    _decimal("price"),
    _decimal("quantity"),
    _decimal("commission"),
    _text("commission_asset"),
    _decimal("realized_pnl"),
    _number("time_ms"),
    Index("ux_trades_fill", "account", "venue", "symbol", "fill_id", unique=True),
    Index("ix_trades_position", "account", "position_id", "time_ms"),
)

funding = Table(
    "funding",
    metadata,
    *_written_by(),
    _row_id(),
    _text("venue"),
    _text("symbol"),
    _text("funding_id"),
    _text("hedge_side"),
    _optional_text("position_id"),
    _decimal("amount"),
    _number("time_ms"),
    Index("ux_funding_payment", "account", "venue", "symbol", "funding_id", "hedge_side", unique=True),
    Index("ix_funding_position", "account", "position_id", "time_ms"),
)
"""``hedge_side`` is empty in one-way mode, so that the constraint sees it (NULLs are never equal)."""

scaling_entries = Table(
    "scaling_entries",
    metadata,
    *_written_by(),
    _text("position_id"),
    _number("number"),
    _number("at_ms"),
    _text("side"),
    _decimal("quantity"),
    _decimal("price"),
    _text("coefficient"),
    _text("reason"),
    PrimaryKeyConstraint("account", "position_id", "number"),
)

signals_log = Table(
    "signals_log",
    metadata,
    *_written_by(),
    _text("signal_id"),
    _number("at_ms"),
    _optional_number("wave_ms"),
    _text("verdict"),
    _text("reason"),
    _text("venue"),
    _text("symbol"),
    _optional_text("position_id"),
    _text("raw"),
    PrimaryKeyConstraint("account", "signal_id"),
    Index("ix_signals_at", "account", "at_ms"),
)

order_audit_log = Table(
    "order_audit_log",
    metadata,
    *_written_by(),
    _row_id(),
    _optional_text("intent_id"),
    _optional_text("position_id"),
    _text("venue"),
    _text("operation"),
    _text("request"),
    _text("answer"),
    _number("requested_ms"),
    _number("answered_ms"),
    Index("ix_order_audit_position", "account", "position_id", "id"),
)

events = Table(
    "events",
    metadata,
    *_written_by(),
    _row_id(),
    _text("kind"),
    _text("severity"),
    _text("text"),
    _number("at_ms"),
    _text("subject"),
    _optional_text("position_id"),
    _text("data"),
    Index("ix_events_at", "account", "at_ms"),
    # Explaining a position reads its events, in the order in which they were written.
    Index("ix_events_position", "account", "position_id", "id"),
    # A start reads which symbols are locked; the many other events are not in it.
    Index("ix_events_locks", "account", "id", postgresql_where=_LOCK, sqlite_where=_LOCK),
)

performance_snapshots = Table(
    "performance_snapshots",
    metadata,
    *_written_by(),
    _row_id(),
    _number("at_ms"),
    _text("figures"),
    Index("ix_performance_at", "account", "at_ms"),
)
