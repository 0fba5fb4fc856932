"""Threads that run only while the test's thread waits for them, so that threads and sockets live in virtual time.

Purpose: an adapter blocks in its calls; virtual time passes while nothing runs. Guarantees: at any moment either the
test's thread runs, or what it started or woke does, until that waits for virtual time again; so every run is the same.
Relies on: whoever makes a thread wait for virtual time (a park, a request at the server, a handshake) calls ``rest``.
"""

import sys
import threading
import traceback
from collections.abc import Callable
from typing import Final

from actors.kernel import VirtualTime

PATIENCE_S: Final = 20.0
"""The longest that a thread may run before it waits for virtual time, in real seconds; only a mistake takes as long."""


class ProcessIsDead(BaseException):
    """Raised in a thread of a process that was killed; no ``except Exception`` may catch it."""


class Turns:
    """Whose turn it is: the test's thread's, or that of one process's threads."""

    def __init__(self, time: VirtualTime) -> None:
        self.time = time
        self._over = threading.Event()
        self._changed = threading.Condition()
        self._running = 0

    def is_over(self) -> bool:
        """Whether the process is dead."""
        return self._over.is_set()

    def run(self, begin: Callable[[], object]) -> None:
        """Let ``begin`` set a thread going, and wait until it, and what it set going, waits for virtual time."""
        if self.is_over():
            return
        with self._changed:
            self._running += 1
        begin()
        with self._changed:
            if not self._changed.wait_for(lambda: self._running == 0 or self.is_over(), PATIENCE_S):
                raise AssertionError(f"a thread does not come to rest:\n{_all_stacks()}")

    def rest(self) -> None:
        """The thread that ran waits for virtual time now, or has ended."""
        with self._changed:
            self._running -= 1
            self._changed.notify_all()

    def end(self) -> None:
        """Nobody is waited for any more."""
        with self._changed:
            self._over.set()
            self._changed.notify_all()


class Parking:
    """Where one thread waits for virtual time."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._go = threading.Semaphore(0)
        self._parked = False

    def park(self, seconds: float) -> None:
        """Wait until :meth:`wake`, ``seconds`` of virtual time at the longest.

        Raises:
            ProcessIsDead: The process was killed meanwhile.
        """
        if self._turns.is_over():
            raise ProcessIsDead
        self._parked = True
        timer = self._turns.time.call_later(seconds, self.wake)
        self._turns.rest()
        while not self._go.acquire(timeout=PATIENCE_S):
            if self._turns.is_over():
                break
        if self._turns.is_over():
            raise ProcessIsDead
        timer.cancel()

    def wake(self) -> None:
        """Let the thread run, if it waits here; on the test's thread."""
        if self._parked:
            self._parked = False
            self._turns.run(self._go.release)

    def release(self) -> None:
        """Let the thread of a dead process end."""
        self._go.release()


def _all_stacks() -> str:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    return "\n".join(
        f"{names.get(ident)}:\n{''.join(traceback.format_stack(frame)[-6:])}"
        for ident, frame in sys._current_frames().items()
    )
