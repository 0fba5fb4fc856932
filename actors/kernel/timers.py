"""Keyed timers of one incarnation: they die with it."""

from collections.abc import Hashable

from actors.kernel.cell import Incarnation
from actors.kernel.faults import StaleEpoch
from actors.kernel.runtime import Handle


class Timer:
    """One key's timer. At most one message of it is unhandled at a time."""

    __slots__ = ("_cancelled", "_handle", "_incarnation", "_interval_s", "_key", "_message", "_waiting", "due_s")

    def __init__(self, incarnation: Incarnation, key: Hashable, message: object, interval_s: float | None) -> None:
        self._incarnation = incarnation
        self._key = key
        self._message = message
        self._interval_s = interval_s
        self._cancelled = False
        self._waiting = False
        self._handle: Handle | None = None
        self.due_s = 0.0

    def arm(self, delay_s: float) -> None:
        """Fire in ``delay_s`` seconds."""
        runtime = self._incarnation.cell.home.runtime
        self.due_s = runtime.monotonic_s() + delay_s
        self._handle = runtime.call_later(delay_s, self._fire)

    def cancel(self) -> None:
        """Never deliver it, even if it already waits in the mailbox."""
        self._cancelled = True
        if self._handle is not None:
            self._handle.cancel()

    def withdrawn(self, epoch: int) -> bool:
        """Whether it was cancelled, or belongs to another epoch than ``epoch``."""
        return self._cancelled or self._incarnation.epoch != epoch

    def settled(self) -> None:
        """Its message was handled or dropped: the next may come."""
        self._waiting = False
        if self._interval_s is None:
            timers = self._incarnation.timers
            if timers is not None and timers.get(self._key) is self:
                del timers[self._key]

    def _fire(self) -> None:
        incarnation = self._incarnation
        if self._cancelled or incarnation.fenced:
            return
        if self._interval_s is not None:
            now_s = incarnation.cell.home.runtime.monotonic_s()
            self.arm(max(self.due_s + self._interval_s - now_s, 0.0) or self._interval_s)
        if not self._waiting:
            self._waiting = True
            incarnation.cell.post(self._message, incarnation.cell, None, self)


def schedule(
    incarnation: Incarnation, key: Hashable, delay_s: float, message: object, *, interval_s: float | None
) -> None:
    """Set the timer of ``key``, replacing the one before.

    Raises:
        StaleEpoch: The incarnation was replaced.
        ValueError: A negative delay, or an interval that is not positive.
    """
    if delay_s < 0 or (interval_s is not None and interval_s <= 0):
        raise ValueError(f"timer {key!r}: cannot wait {delay_s} s")
    if incarnation.fenced:
        raise StaleEpoch(f"{incarnation.cell.path} epoch {incarnation.epoch} was replaced")
    if incarnation.timers is None:
        incarnation.timers = {}
    before = incarnation.timers.get(key)
    if before is not None:
        before.cancel()
    timer = Timer(incarnation, key, message, interval_s)
    incarnation.timers[key] = timer
    timer.arm(delay_s)


def cancel(incarnation: Incarnation, key: Hashable) -> None:
    """Drop the timer of ``key``, if there is one."""
    timer = (incarnation.timers or {}).pop(key, None)
    if timer is not None:
        timer.cancel()
