"""The paper account as its state file has it: a market that stands still, so that looking at it changes nothing."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from adapters.simulator.feed import PricePoint
from messages.values import Symbol


class StillMarket:
    """Every price stays where it was when the account was saved."""

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """It has no prices of its own."""
        return ()

    def opening(self, at_ms: int) -> Sequence[PricePoint]:
        """None."""
        _ = at_ms
        return ()

    def stream(self, after_ms: int, *, step_ms: int | None = None) -> Iterator[PricePoint]:
        """None."""
        _ = after_ms, step_ms
        return iter(())


def copy_state(path: Path, copy: Path) -> None:
    """A whole copy of the state file, also while somebody writes it.

    Raises:
        sqlite3.DatabaseError: It is no state file.
    """
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as source, closing(sqlite3.connect(copy)) as to:
        source.backup(to)
