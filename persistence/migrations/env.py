"""What Alembic runs: always on the connection, and inside the transaction, of :mod:`persistence.migrate`."""

from alembic import context

from persistence.tables import SCHEMA, metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table="schema_version",
    version_table_schema=SCHEMA if connection.dialect.name == "postgresql" else None,
)
context.run_migrations()
