"""How long positions were naked, and which part of it counts.

Where a stop cannot come with the entry (Binance), whoever sends the entry and dies has left a position without one, and
nobody can help that before another process has read the account. So what counts of a window without cover, as the
venue's ledger has it, is the time from the first reading of the account by the living process on, and no moment less:

    counted = now - max(window began, account read by this process)

An outage of the venue is nobody's death: after it the first reading is given as long as a dead stream and a request
take (:data:`~tests.process.absences.LOOKED_AFTER_WITHIN_S`). A process that has not read yet counts nothing here; that
it comes to read at all is asked for elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.process.absences import LOOKED_AFTER_WITHIN_S

PROTECTED_WITHIN_S: Final = 3.0


@dataclass(slots=True)
class NakedTime:
    """Since when somebody looks after the positions, and the longest time that counted so far."""

    read_ms: int | None = None
    worst_s: float = 0.0

    def nobody_looks(self) -> None:
        """The process died, or is about to start."""
        self.read_ms = None

    def account_read(self, at_ms: int) -> None:
        """The living process read the account, for the first time at ``at_ms`` (UTC)."""
        if self.read_ms is None:
            self.read_ms = at_ms

    def venue_came_back(self, at_ms: int) -> None:
        """The venue was away until ``at_ms`` (UTC)."""
        if self.read_ms is not None:
            self.read_ms = at_ms + int(LOOKED_AFTER_WITHIN_S * 1_000)

    def too_long(self, naked_since_ms: Mapping[str, int], now_ms: int) -> list[str]:
        """The positions that were naked for too long; ``naked_since_ms`` are the windows that are open ``now_ms``."""
        if self.read_ms is None:
            return []
        counted = {name: (now_ms - max(since_ms, self.read_ms)) / 1_000 for name, since_ms in naked_since_ms.items()}
        self.worst_s = max([self.worst_s, *counted.values()])
        return [
            f"{name} had no stop for {seconds:.1f} s that count"
            for name, seconds in counted.items()
            if seconds > PROTECTED_WITHIN_S
        ]
