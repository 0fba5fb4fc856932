"""What a restart and ``explain`` read is indexed; when an intent's outcome became known is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A start reads the few open intents; explaining a position reads its events in order."""
    schema = "monitoring" if op.get_bind().dialect.name == "postgresql" else None
    op.add_column("orders", sa.Column("outcome_ms", sa.BigInteger(), nullable=True), schema=schema)
    still_open = sa.text("status IN ('intended', 'unknown')")
    op.create_index(
        "ix_orders_open",
        "orders",
        ["account", "position_id"],
        schema=schema,
        postgresql_where=still_open,
        sqlite_where=still_open,
    )
    op.create_index("ix_events_position", "events", ["account", "position_id", "id"], schema=schema)


def downgrade() -> None:
    """A schema only goes forward: an older program refuses a newer database."""
    raise NotImplementedError
