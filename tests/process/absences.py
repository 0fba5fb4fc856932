"""When nobody looked after the positions, and what the venue's book shows beside those times."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

LOOKED_AFTER_WITHIN_S: Final = 7.0
"""A dead stream is noticed within 5 s, and requests take over within 2 s more (F11)."""


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class Absences:
    """The times in which the process was dead or had not read the venue yet, or the venue itself was away."""

    past: list[tuple[int, int]] = field(default_factory=list)
    since_ms: int | None = field(default_factory=_now_ms)

    def begin(self) -> None:
        """Somebody died; harmless while somebody is dead already."""
        if self.since_ms is None:
            self.since_ms = _now_ms()

    def end(self) -> None:
        """Everybody is at work again."""
        if self.since_ms is not None:
            self.past.append((self.since_ms, _now_ms()))
            self.since_ms = None

    def over_covered_s(self, positions: Iterable[Mapping[str, Any]]) -> float:
        """The longest that the stops of a position were more than it while everybody was at work.

        All absences in a position's life are taken off its longest time in that condition, whether or not they fell
        into it: what is left was nobody's death for certain.
        """
        return max((self._left_s(position) for position in positions), default=0.0)

    def _left_s(self, position: Mapping[str, Any]) -> float:
        opened_ms, closed_ms = position["opened_ms"], position["closed_ms"] or _now_ms()
        times = [*self.past, *([(self.since_ms, _now_ms())] if self.since_ms is not None else [])]
        away_ms: int = sum(max(0, min(end, closed_ms) - max(begin, opened_ms)) for begin, end in times)
        over_covered_s: float = position["worst_over_cover_seconds"]
        return max(0.0, over_covered_s - away_ms / 1_000)
