"""What a test sees of a store's tables: the rows of its own account."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, func, select

from messages.journal import CommitResult, Durability
from persistence.store import SqlStore


def rows(store: SqlStore, table: Table) -> list[Any]:
    with store.reading() as connection:
        return list(connection.execute(select(table).where(table.c.account == store.account)))


def count(store: SqlStore, table: Table) -> int:
    with store.reading() as connection:
        query = select(func.count()).select_from(table).where(table.c.account == store.account)
        return connection.execute(query).scalar_one()


def durabilities(results: Sequence[CommitResult]) -> list[Durability]:
    return [result.durability for result in results]
