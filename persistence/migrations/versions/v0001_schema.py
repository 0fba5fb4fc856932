"""The tables of the first release."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = ("events", "order_audit_log")


def _schema() -> str | None:
    return "monitoring" if op.get_bind().dialect.name == "postgresql" else None


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _decimal(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Numeric().with_variant(sa.Text(), "sqlite"), nullable=nullable)


def _row_id() -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("id", kind, primary_key=True, autoincrement=True)


def _create(name: str, *columns: sa.Column[Any], key: tuple[str, ...] | None = None) -> None:
    written_by = (_text("account"), _number("owner_epoch"), _number("actor_epoch"))
    constraints = () if key is None else (sa.PrimaryKeyConstraint("account", *key),)
    op.create_table(name, *written_by, *columns, *constraints, schema=_schema())


def _index(name: str, table: str, *columns: str, unique: bool = False, where: str | None = None) -> None:
    condition = None if where is None else sa.text(where)
    op.create_index(
        name,
        table,
        ["account", *columns],
        unique=unique,
        schema=_schema(),
        postgresql_where=condition,
        sqlite_where=condition,
    )


def upgrade() -> None:
    """Create everything."""
    _ownership()
    _positions()
    _orders()
    _money()
    _records()
    _append_only()


def downgrade() -> None:
    """A schema only goes forward: an older program refuses a newer database."""
    raise NotImplementedError


def _ownership() -> None:
    op.create_table(
        "owners",
        _text("account"),
        _number("owner_epoch"),
        _text("owner_name"),
        _text("nonce"),
        _number("since_ms"),
        sa.PrimaryKeyConstraint("account"),
        schema=_schema(),
    )
    _create("writers", _text("path"), key=("path",))
    _create("decisions", _text("decision_id"), _number("at_ms"), key=("decision_id",))
    _index("ix_decisions_at", "decisions", "at_ms")
    _create(
        "refused_decisions",
        _text("decision_id"),
        _text("path"),
        _number("at_ms"),
        _text("error"),
        _text("decision"),
        key=("decision_id",),
    )


def _positions() -> None:
    _create(
        "positions",
        _text("position_id"),
        _text("venue"),
        _text("symbol"),
        _text("hedge_side", nullable=True),
        _text("side"),
        _text("phase"),
        _decimal("quantity"),
        _decimal("wanted_quantity"),
        _decimal("entry_price"),
        _decimal("stop_price", nullable=True),
        _number("leverage"),
        _decimal("realized_pnl"),
        _decimal("commission"),
        _decimal("funding"),
        _decimal("exit_price", nullable=True),
        _text("close_reason", nullable=True),
        _text("signal_id"),
        _number("opened_ms"),
        _number("closed_ms", nullable=True),
        _number("updated_ms"),
        _text("state"),
        key=("position_id",),
    )
    _index("ix_positions_open", "positions", "opened_ms", where="phase NOT IN ('closed', 'rolled_back')")
    _index("ix_positions_closed", "positions", "closed_ms")
    _create(
        "trailing_stop_state",
        _text("position_id"),
        _text("phase"),
        _decimal("highest"),
        _decimal("lowest"),
        _decimal("activation_price"),
        _decimal("callback_percent"),
        _decimal("stop_price", nullable=True),
        _number("update_count"),
        _number("last_update_ms"),
        _number("updated_ms"),
        key=("position_id",),
    )
    _create(
        "scaling_entries",
        _text("position_id"),
        _number("number"),
        _number("at_ms"),
        _text("side"),
        _decimal("quantity"),
        _decimal("price"),
        _text("coefficient"),
        _text("reason"),
        key=("position_id", "number"),
    )


def _orders() -> None:
    _create(
        "orders",
        _text("intent_id"),
        _text("position_id"),
        _text("venue"),
        _text("symbol"),
        _text("hedge_side", nullable=True),
        _text("client_order_id"),
        _text("action"),
        _text("purpose"),
        _text("side"),
        _text("kind"),
        _decimal("quantity", nullable=True),
        _decimal("price", nullable=True),
        _decimal("trigger_price", nullable=True),
        _flag("reduce_only"),
        _flag("protective"),
        _text("status"),
        _text("venue_order_id", nullable=True),
        _text("outcome_text"),
        _number("created_ms"),
        _number("expires_ms", nullable=True),
        _text("intent"),
        key=("intent_id",),
    )
    _index("ux_orders_client_order_id", "orders", "venue", "client_order_id", unique=True, where="action = 'place'")
    _index("ix_orders_position", "orders", "position_id", "created_ms")


def _money() -> None:
    _create(
        "trades",
        _row_id(),
        _text("venue"),
        _text("symbol"),
        _text("fill_id"),
        _text("position_id", nullable=True),
        _text("venue_order_id"),
        _text("client_order_id", nullable=True),
        _text("side"),
        _text("hedge_side", nullable=True),
        _text("kind"),
        _flag("maker"),
        _decimal("price"),
        _decimal("quantity"),
        _decimal("commission"),
        _text("commission_asset"),
        _decimal("realized_pnl"),
        _number("time_ms"),
    )
    _index("ux_trades_fill", "trades", "venue", "symbol", "fill_id", unique=True)
    _index("ix_trades_position", "trades", "position_id", "time_ms")
    _create(
        "funding",
        _row_id(),
        _text("venue"),
        _text("symbol"),
        _text("funding_id"),
        _text("hedge_side"),
        _text("position_id", nullable=True),
        _decimal("amount"),
        _number("time_ms"),
    )
    _index("ux_funding_payment", "funding", "venue", "symbol", "funding_id", "hedge_side", unique=True)
    _index("ix_funding_position", "funding", "position_id", "time_ms")


def _records() -> None:
    _create(
        "signals_log",
        _text("signal_id"),
        _number("at_ms"),
        _number("wave_ms", nullable=True),
        _text("verdict"),
        _text("reason"),
        _text("venue"),
        _text("symbol"),
        _text("position_id", nullable=True),
        _text("raw"),
        key=("signal_id",),
    )
    _index("ix_signals_at", "signals_log", "at_ms")
    _create(
        "order_audit_log",
        _row_id(),
        _text("intent_id", nullable=True),
        _text("position_id", nullable=True),
        _text("venue"),
        _text("operation"),
        _text("request"),
        _text("answer"),
        _number("requested_ms"),
        _number("answered_ms"),
    )
    _index("ix_order_audit_position", "order_audit_log", "position_id", "id")
    _create(
        "events",
        _row_id(),
        _text("kind"),
        _text("severity"),
        _text("text"),
        _number("at_ms"),
        _text("subject"),
        _text("position_id", nullable=True),
        _text("data"),
    )
    _index("ix_events_at", "events", "at_ms")
    _create("performance_snapshots", _row_id(), _number("at_ms"), _text("figures"))
    _index("ix_performance_at", "performance_snapshots", "at_ms")


def _append_only() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _append_only_on_postgresql()
        return
    for table in APPEND_ONLY:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
            )


def _append_only_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION monitoring.refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';"
        " END $$",
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON monitoring.{table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION monitoring.refuse_change()",
        )
