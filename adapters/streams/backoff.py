"""How long a stream waits before it connects again."""

from typing import Final

GOOD_S: Final = 5.0
"""A connection that was up for this long was a good one: whatever ended it is no reason to wait."""
CAP_S: Final = 60.0
FATAL_S: Final = 60.0


class Backoff:
    """At once after a good connection; else 2^n seconds, up to a minute (S16)."""

    def __init__(self) -> None:
        self._failures = 0

    def after(self, up_for_s: float, *, fatal: bool = False) -> float:
        """Seconds to wait.

        Args:
            up_for_s: How long the connection had been up, with everything confirmed, when it was lost.
            fatal: It was lost for a reason that trying again soon does not change.
        """
        self._failures = 0 if up_for_s >= GOOD_S else self._failures + 1
        if fatal:
            return FATAL_S
        return min(2.0**self._failures, CAP_S) if self._failures else 0.0
