"""What the store needs of a database's one writing connection."""

from collections.abc import Sequence
from typing import Protocol

from persistence.fencing import Fences, OwnerMark
from persistence.rows import Row, Rows


class Poisoned(Exception):  # noqa: N818 - it names what the rows are
    """The database works and refuses these rows: offering them again cannot help."""


class Writer(Protocol):
    """One connection, one transaction at a time. Every method may raise StoreUnavailable."""

    def begin(self, account: str, *, paths: Sequence[str], decision_ids: Sequence[str], taking: bool) -> Fences:
        """Start a transaction; nobody else becomes the account's owner until it ends.

        Args:
            account: Whose owner is asked for.
            paths: Actors whose latest epoch is asked for.
            decision_ids: Which of these are applied is asked for.
            taking: Whether this transaction is about to change the owner.
        """
        ...

    def set_owner(self, account: str, mark: OwnerMark, *, since_ms: int) -> None:
        """Make ``mark`` the owner on record."""
        ...

    def apply(self, rows: Rows) -> None:
        """Write ``rows``.

        Raises:
            Poisoned: They break a constraint or do not fit; the transaction is only good for an undo or a rollback.
        """
        ...

    def refuse(self, rows: Sequence[Row]) -> None:
        """Keep decisions that cannot be applied."""
        ...

    def prune(self, account: str, *, before_ms: int) -> int:
        """Forget the ids of decisions applied before a time; gives their number."""
        ...

    def savepoint(self) -> None:
        """Mark the place that :meth:`undo` returns to."""
        ...

    def undo(self) -> None:
        """Return to the savepoint."""
        ...

    def commit(self) -> None:
        """Make the transaction durable. When it raises, it may or may not have become so."""
        ...

    def rollback(self) -> None:
        """End the transaction, if there is one, without effect; never raises."""
        ...

    def usable(self) -> bool:
        """Whether the connection can start another transaction; from memory."""
        ...

    def close(self) -> None:
        """Let go of the connection; never raises."""
        ...
