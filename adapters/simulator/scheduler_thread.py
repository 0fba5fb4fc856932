"""Real time for the simulated exchange, on a thread of its own.

Purpose: the exchange's disk writes must not hold up anybody else's timers. Guarantees: calls run one at a time, in the
order of their due times, those of one instant in the order of asking; an exception in one is reported and the next one
runs. Relies on: nobody blocks for long inside a call.
"""

import heapq
import threading
import time
from collections.abc import Callable

_LONGEST_WAIT_S = 0.5
"""A thread that waits without end cannot be interrupted on Windows."""
_LINGER_S = 5.0


class LaterCall:
    """A call that is to come."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[[], None]) -> None:
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """Make it not happen; harmless when it has happened."""
        self.call = None


class SchedulerThread:
    """Scheduler and clock of a :class:`~adapters.simulator.paper.PaperExchange` in real time.

    Args:
        on_error: Told of an exception that left a call.
    """

    def __init__(self, *, on_error: Callable[[BaseException], None]) -> None:
        self._on_error = on_error
        self._calls: list[tuple[float, int, LaterCall]] = []
        self._number = 0
        self._changed = threading.Condition()
        self._over = False
        self._thread = threading.Thread(target=self._run, name="paper-exchange", daemon=True)

    def start(self) -> None:
        """Begin; calls asked for before run now."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the call that runs, drop the others, end the thread."""
        with self._changed:
            self._over = True
            self._calls.clear()
            self._changed.notify()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout=_LINGER_S)

    def now_ms(self) -> int:
        """UTC in milliseconds."""
        return time.time_ns() // 1_000_000

    def call_later(self, delay_s: float, call: Callable[[], None], /) -> LaterCall:
        """Run ``call`` on the thread in ``delay_s`` seconds; from any thread."""
        later = LaterCall(call)
        due_s = time.monotonic() + max(0.0, delay_s)
        with self._changed:
            if not self._over:
                self._number += 1
                heapq.heappush(self._calls, (due_s, self._number, later))
                if self._calls[0][2] is later:
                    self._changed.notify()
        return later

    def _run(self) -> None:
        while True:
            later = self._next()
            if later is None:
                return
            call, later.call = later.call, None
            if call is not None:
                try:
                    call()
                except BaseException as error:  # noqa: BLE001 - the one place of this thread's loop
                    self._on_error(error)

    def _next(self) -> LaterCall | None:
        """Wait for the next due call; ``None`` at the end."""
        with self._changed:
            while not self._over:
                if not self._calls:
                    self._changed.wait(_LONGEST_WAIT_S)
                    continue
                wait_s = self._calls[0][0] - time.monotonic()
                if wait_s <= 0:
                    return heapq.heappop(self._calls)[2]
                self._changed.wait(min(wait_s, _LONGEST_WAIT_S))
        return None
