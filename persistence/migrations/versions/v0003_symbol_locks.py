"""Which symbols are locked is read at a start: the few events that say so are indexed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Only the events of locks are in it, so that it costs the others nothing."""
    schema = "monitoring" if op.get_bind().dialect.name == "postgresql" else None
    locks = sa.text("kind IN ('symbol_locked', 'symbol_unlocked')")
    op.create_index(
        "ix_events_locks", "events", ["account", "id"], schema=schema, postgresql_where=locks, sqlite_where=locks
    )


def downgrade() -> None:
    """A schema only goes forward: an older program refuses a newer database."""
    raise NotImplementedError
