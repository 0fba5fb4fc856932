"""Calls waiting for their time: the heap that both runtimes keep. Its owner holds the lock, where one is needed."""

import heapq
from collections.abc import Callable

COMPACT_FROM = 256
"""Below so many cancelled calls it is not worth rebuilding the heap."""


class TimedCall:
    """A call that is still to come."""

    __slots__ = ("_heap", "call")

    def __init__(self, heap: "TimerHeap", call: Callable[[], None]) -> None:
        self._heap = heap
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """Make it not happen; harmless when it already did."""
        if self.call is not None:
            self.call = None
            self._heap.cancelled += 1


class TimerHeap:
    """Soonest first; calls of one instant keep their order. Cancelled ones are dropped when they outnumber the rest."""

    def __init__(self) -> None:
        self._calls: list[tuple[float, int, TimedCall]] = []
        self._sequence = 0
        self.cancelled = 0

    def push(self, at: float, call: Callable[[], None]) -> TimedCall:
        """Add a call; ``at`` is in the owner's own unit."""
        if self.cancelled > COMPACT_FROM and self.cancelled * 2 > len(self._calls):
            self._calls = [entry for entry in self._calls if entry[2].call is not None]
            heapq.heapify(self._calls)
            self.cancelled = 0
        timed = TimedCall(self, call)
        self._sequence += 1
        heapq.heappush(self._calls, (at, self._sequence, timed))
        return timed

    def soonest(self) -> float | None:
        """When the next call is due."""
        calls = self._calls
        while calls and calls[0][2].call is None:
            heapq.heappop(calls)
            self.cancelled = max(0, self.cancelled - 1)
        return calls[0][0] if calls else None

    def pop(self) -> Callable[[], None]:
        """Take the next call; only after ``soonest`` said that there is one."""
        timed = heapq.heappop(self._calls)[2]
        call, timed.call = timed.call, None
        return call if call is not None else _nothing

    def clear(self) -> None:
        """Drop everything."""
        self._calls.clear()
        self.cancelled = 0

    def __len__(self) -> int:
        return len(self._calls)


def _nothing() -> None:
    """What a call does that was cancelled at the last moment."""
