"""What comes between a journal and its store, and how a test sees what arrived."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from messages.journal import CommitResult, Decision, Durability
from persistence.failures import StoreFailure, StoreUnavailable
from persistence.journal import Journal
from persistence.queries import Queries
from persistence.store import SqlStore
from tests.persistence.builders import decision, event

StartJournal: TypeAlias = Callable[..., Journal]


class Killed(BaseException):
    """As abrupt as a kill."""


class Network:
    """What lies between the process and its database: fails before the commit, or loses the answer to it."""

    def __init__(self) -> None:
        self.down = False
        self.answer_lost = False
        self.kill_after: int | None = None

    def __call__(self, boundary: str) -> None:
        if boundary == "before_commit" and self.down:
            raise StoreUnavailable(StoreFailure.UNREACHABLE, "no route")
        if boundary == "after_commit" and self.answer_lost:
            raise StoreUnavailable(StoreFailure.UNREACHABLE, "the answer was lost")
        if boundary == "after_commit" and self.kill_after is not None:
            self.kill_after -= 1
            if self.kill_after == 0:
                raise Killed


def where(results: Sequence[CommitResult]) -> list[Durability]:
    return [result.durability for result in results]


def kinds(store: SqlStore) -> list[str]:
    return [found.kind for found in reversed(Queries(store).events(limit=10_000))]


def happened(kind: str) -> Decision:
    return decision(events=(event(kind),))
