"""The records of an account for somebody who only looks: what is on record is told, and nothing is ever written."""

from collections.abc import Mapping, Sequence
from typing import Final

from messages.journal import (
    CommitResult,
    Decision,
    Durability,
    JournalHealth,
    KnownSignal,
    PositionResult,
    RestoredPosition,
)
from persistence.failures import StoreUnavailable
from persistence.queries import Queries

MANY: Final = 10_000
NOBODY: Final = 0


class Onlooker:
    """Stands where the journal stands; every decision is refused, as one of a process that owns nothing.

    Records that cannot be read are none: an account may be looked at that Holdfast never had anything to do with.
    """

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    def take_ownership(self, owner_name: str) -> int:
        """Nothing is owned."""
        _ = owner_name
        return NOBODY

    def write(self, decisions: Sequence[Decision]) -> Sequence[CommitResult]:
        """Nothing is written, so that nothing is sent either."""
        return [
            CommitResult(decision_id=each.decision_id, stale=True, deposed=True, durability=Durability.NOWHERE)
            for each in decisions
        ]

    def recover(self) -> JournalHealth:
        """There is nothing to recover."""
        return self.health()

    def health(self) -> JournalHealth:
        """As good as it needs to be."""
        return JournalHealth(store_available=True, spooled=0)

    def prune(self, before_ms: int) -> int:
        """What is known is its owner's to forget."""
        _ = before_ms
        return 0

    def load(self) -> Sequence[RestoredPosition]:
        """Every position that is not ended, without what only its own process needs."""
        try:
            positions = self._queries.open_positions(limit=MANY)
        except StoreUnavailable:
            return []
        return [RestoredPosition(position=position, trailing=None, open_intents=()) for position in positions]

    def load_before(self) -> Sequence[RestoredPosition]:
        """There was no outage."""
        return []

    def known_signals(self, since_ms: int) -> Mapping[str, KnownSignal]:
        """Nobody asks for signals here."""
        _ = since_ms
        return {}

    def symbol_locks(self) -> Mapping[str, str]:
        """Nothing is opened here."""
        return {}

    def position_results(self, since_ms: int) -> Sequence[PositionResult]:
        """Nor for results."""
        _ = since_ms
        return ()
