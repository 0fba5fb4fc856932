"""What came of a campaign."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignReport:
    """What is printed at the end.

    Attributes:
        runs: Processes started.
        crash_points: Processes killed.
        slowest_ready_s: From the start of a process until it had protected everything and took signals.
        left_behind: Orders that outlived their position for over 5 s because nobody was alive to remove them.
        slowest_read_s: From the start of a process until it had read the account, also where the one before had used up
            what the venue allows in a minute.
        slowest_protected_s: The longest that a position was without a stop of what counts: see
            :mod:`tests.process.naked_time`.
        venue_restarts: How often the venue's process was killed and came back.
        worst_over_cover_s: The longest that stops were more than their position while everybody was at work.
    """

    runs: int
    crash_points: int
    violations: int
    first_violation: dict[str, Any] | None
    seconds: float
    moments: dict[str, int]
    slowest_ready_s: float
    positions: int
    signals: int
    left_behind: int
    slowest_read_s: float
    slowest_protected_s: float
    venue_restarts: int
    worst_over_cover_s: float
