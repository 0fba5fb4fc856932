"""Real time for the simulated exchange: the system's clock, and one thread that calls back.

Purpose: the exchange's own thread, so that its work and its disk never hold up the timers of the actors.
Guarantees: one call at a time, in order of time, calls of one instant in the order of their asking; a call that fails
is logged and the next one comes. Assumes nothing of the wall clock's steadiness: delays are measured monotonically.
"""

import heapq
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from loguru import logger

WAIT_S: Final = 0.5
"""No wait is longer, so that an end is noticed on every platform."""


@dataclass(order=True)
class _Call:
    at_s: float
    number: int
    call: Callable[[], None] | None = field(compare=False)

    def cancel(self) -> None:
        """Make it not happen."""
        self.call = None


class RealTime:
    """Satisfies the exchange's ``Clock`` and ``Scheduler``."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._numbers = 0
        self._changed = threading.Condition()
        self._running = True
        self._thread = threading.Thread(target=self._run, name="paper-exchange", daemon=True)
        self._thread.start()

    def now_ms(self) -> int:
        """UTC in milliseconds."""
        return time.time_ns() // 1_000_000

    def call_later(self, delay_s: float, call: Callable[[], None]) -> _Call:
        """Run ``call`` on the exchange's thread in ``delay_s`` seconds."""
        with self._changed:
            self._numbers += 1
            timed = _Call(time.monotonic() + max(delay_s, 0.0), self._numbers, call)
            heapq.heappush(self._calls, timed)
            self._changed.notify()
        return timed

    def stop(self) -> None:
        """End the thread; what has not been called yet never is."""
        with self._changed:
            self._running = False
            self._changed.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join(WAIT_S * 4)

    def _run(self) -> None:
        while True:
            with self._changed:
                timed = self._next()
            if timed is None:
                return
            if timed.call is not None:
                try:
                    timed.call()
                except Exception:  # noqa: BLE001 - the thread's one net: the exchange lives on
                    logger.exception("a call of the paper exchange failed")

    def _next(self) -> _Call | None:
        """Wait for the next call that is due; ``None`` at the end."""
        while self._running:
            wait_s = self._calls[0].at_s - time.monotonic() if self._calls else WAIT_S
            if wait_s <= 0:
                return heapq.heappop(self._calls)
            self._changed.wait(min(wait_s, WAIT_S))
        return None
