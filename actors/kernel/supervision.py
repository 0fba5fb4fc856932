"""What supervision decides, as pure functions of what happened: no clock, no state, no randomness.

Invariants:
    1. A child that failed is always among the affected; nobody before it is under rest_for_one.
    2. A delay is never negative and never above ``cap_s`` plus its jitter.
    3. Exactly ``max_restarts`` failures within the window are tolerated; one more is not.
"""

from collections.abc import Sequence
from enum import Enum
from typing import TypeVar

from actors.kernel.specs import Backoff, Intensity, OnExhausted, Restart, Strategy

T = TypeVar("T")

MAX_DOUBLINGS = 64
"""Beyond it the power would overflow a float; every sensible cap is long reached."""


class Verdict(Enum):
    """What becomes of a child that ended."""

    RESTART = "restart"
    REMOVE = "remove"
    PARK = "park"
    ESCALATE = "escalate"


def affected(*, strategy: Strategy, children: Sequence[T], failed: T) -> tuple[T, ...]:
    """The children that are restarted with ``failed``, in start order."""
    match strategy:
        case Strategy.ONE_FOR_ONE:
            return (failed,)
        case Strategy.REST_FOR_ONE:
            return tuple(children[children.index(failed) :])
        case Strategy.ONE_FOR_ALL:
            return tuple(children)


def too_often(*, failures_s: Sequence[float], now_s: float, intensity: Intensity, children: int = 1) -> bool:
    """Whether the failures within the window exceed what ``intensity`` tolerates for so many children."""
    recent = sum(1 for at_s in failures_s if now_s - at_s <= intensity.within_s)
    return recent > intensity.max_restarts * max(1, children)


def restart_delay_s(*, backoff: Backoff, failures: int, jitter: float) -> float:
    """Seconds to wait before the restart after ``failures`` failures in a row; ``jitter`` is between -1 and 1."""
    if failures <= 1:
        return backoff.first_s
    doublings = min(failures - 2, MAX_DOUBLINGS)
    delay_s = min(backoff.cap_s, backoff.initial_s * backoff.factor**doublings)
    return max(0.0, delay_s * (1 + backoff.jitter * jitter))


def verdict(
    *, restart: Restart, crashed: bool, exhausted: bool, group_exhausted: bool, on_exhausted: OnExhausted
) -> Verdict:
    """What becomes of a child that ended, by a crash or in order."""
    if restart is Restart.TEMPORARY or (restart is Restart.TRANSIENT and not crashed):
        return Verdict.REMOVE
    if exhausted and on_exhausted == "park":
        return Verdict.PARK
    if exhausted or group_exhausted:
        return Verdict.ESCALATE
    return Verdict.RESTART
