"""The kernel on real threads.

- The kernel thread carries out decisions; it never runs an actor's code and never waits for anything else.
- The timer thread sleeps until the next call of one heap is due.
- Pool threads share one queue of turns; a turn gives way after ``TURN_BUDGET`` messages.
- A pinned actor has a thread of its own, which ends with its incarnation.
- The announcer runs subscribers, so that a slow one delays nobody else.
"""

import gc
import random
import secrets
import sys
import threading
import time
import traceback
from collections.abc import Callable
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any

from loguru import logger

from actors.kernel.cell import Incarnation
from actors.kernel.runtime import Runnable
from actors.kernel.timer_heap import TimedCall, TimerHeap

POOL_THREADS = 4
TURN_BUDGET = 64
"""Messages that one actor handles before others of the pool get their turn."""

SLICE_S = 0.5
"""Longest uninterrupted wait, so that every thread notices the end, on Windows too."""

PINNED_SLICE_S = 5.0
"""The same for pinned threads, which may be many; they are woken when they are to end."""

PRUNE_FROM = 64
"""Threads known before those that ended are forgotten."""

LINGER_S = 2.0
"""How long an orderly stop waits for each thread."""

ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
ID_LENGTH = 16

MAX_WAIT_S = threading.TIMEOUT_MAX


class ThreadCurrent(threading.local):
    """Whose turn runs on this thread."""

    incarnation: Incarnation | None = None


class ThreadGate:
    """A lock used as a one-shot signal: half the cost of an Event."""

    __slots__ = ("_lock", "_open")

    def __init__(self) -> None:
        self._open = False
        self._lock = threading.Lock()
        self._lock.acquire()

    def open(self) -> None:
        """Let the waiter go; called once."""
        self._open = True
        self._lock.release()

    def is_open(self) -> bool:
        """Whether it was opened."""
        return self._open

    def wait(self, timeout_s: float) -> bool:
        """Wait for it; one waiter only."""
        return self._open or self._lock.acquire(timeout=min(max(timeout_s, 0.0), MAX_WAIT_S))


class ThreadRuntime:
    """Real time on real threads, none of them a daemon of somebody else's making.

    Args:
        pool_threads: Threads that pooled actors share.
        scan_interval_s: Seconds between two scans for hung actors.
    """

    virtual = False

    def __init__(self, *, pool_threads: int = POOL_THREADS, scan_interval_s: float = 1.0) -> None:
        self._pool_threads = pool_threads
        self._scan_interval_s = scan_interval_s
        self._current = ThreadCurrent()
        self._turns: SimpleQueue[Runnable] = SimpleQueue()
        self._decisions: SimpleQueue[tuple[Callable[..., None], tuple[Any, ...]]] = SimpleQueue()
        self._announcements: SimpleQueue[tuple[Callable[[Any], object], object]] = SimpleQueue()
        self._pinned: dict[Runnable, SimpleQueue[bool]] = {}
        self._running: dict[Runnable, int] = {}
        self._lost: set[Runnable] = set()
        self._guard = threading.Lock()
        self._calls = TimerHeap()
        self._calls_changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._prune_at = PRUNE_FROM
        self._over = threading.Event()

    @property
    def scan_interval_s(self) -> float:
        """Seconds between two scans for hung actors."""
        return self._scan_interval_s

    def now_ms(self) -> int:
        """UTC milliseconds of the wall clock."""
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()

    def clock(self) -> Callable[[], float]:
        """The system's own clock."""
        return time.monotonic

    def call_later(self, delay_s: float, call: Callable[[], None]) -> TimedCall:
        """Run ``call`` on the timer thread in ``delay_s`` seconds."""
        due_s = time.monotonic() + delay_s
        with self._calls_changed:
            timed = self._calls.push(due_s, call)
            if self._calls.soonest() == due_s:
                self._calls_changed.notify()
        return timed

    def schedule(self, runnable: Runnable) -> None:
        """Give turns on the pool, or on the thread of its own."""
        if not runnable.pinned:
            self._turns.put(runnable)
            return
        queue = self._pinned.get(runnable)
        if queue is None:
            queue = self._pin(runnable)
        queue.put(True)

    def decide(self, call: Callable[..., None], *args: Any) -> None:
        """Queue a decision for the kernel thread."""
        self._decisions.put((call, args))

    def announce(self, call: Callable[[Any], object], notice: object) -> None:
        """Queue a notice for the announcer."""
        self._announcements.put((call, notice))

    def gate(self) -> ThreadGate:
        """A fresh closed gate."""
        return ThreadGate()

    def wait(self, gate: Any, timeout_s: float) -> bool:
        """Wait until ``gate`` is open; False on time-out."""
        return bool(gate.wait(timeout_s))

    def current(self) -> ThreadCurrent:
        """Whose turn runs on the calling thread."""
        return self._current

    def random_for(self, path: str) -> random.Random:
        """Randomness that nobody can foresee; the path does not matter here."""
        del path
        return random.Random(secrets.randbits(64))  # noqa: S311 - jitter and choices, not secrets

    def new_id(self, path: str) -> str:
        """Sixteen random characters: 82 bits."""
        del path
        return "".join(secrets.choice(ID_ALPHABET) for _ in range(ID_LENGTH))

    def trace(self, what: str) -> None:
        """Real threads leave no trace to replay."""

    def watch_for_hangs(self) -> None:
        """Scans run all the time here."""

    def start(self, scan: Callable[[], bool]) -> None:
        """Start the threads."""
        self._spawn("kernel", self._decide_loop)
        self._spawn("timer", self._timer_loop)
        self._spawn("announcer", self._announce_loop)
        for number in range(self._pool_threads):
            self._spawn(f"pool-{number}", self._pool_loop)

        def again() -> None:
            self.decide(scan)  # type: ignore[arg-type]  # what it answers matters in virtual time only
            self.call_later(self._scan_interval_s, again)

        self.call_later(self._scan_interval_s, again)

    def replace(self, runnable: Runnable) -> None:
        """Give up the thread that is stuck in ``runnable``'s turn; the pool gets another one for it."""
        queue = self._pinned.get(runnable)
        if queue is not None:
            queue.put(False)
        with self._guard:
            if runnable not in self._running:
                return
            self._lost.add(runnable)
        if not runnable.pinned:
            self._spawn("pool-again", self._pool_loop)

    def stack(self, runnable: Runnable) -> str:
        """Where the thread in ``runnable``'s turn is now."""
        ident = self._running.get(runnable)
        frame = _frame_of(ident) if ident is not None else None
        return "".join(traceback.format_stack(frame)) if frame is not None else ""

    def stop(self, *, abruptly: bool = False) -> None:
        """End all threads; those stuck in an actor's code are left behind."""
        self._over.set()
        with self._calls_changed:
            self._calls.clear()
            self._calls_changed.notify_all()
        for queue in tuple(self._pinned.values()):
            queue.put(False)
        for _ in self._threads:
            self._turns.put(_END)
        self._decisions.put((_nothing, ()))
        self._announcements.put((_nothing, None))
        if abruptly:
            return
        me = threading.current_thread()
        stuck = {self._running.get(runnable) for runnable in tuple(self._lost)}
        deadline_s = time.monotonic() + LINGER_S
        for thread in tuple(self._threads):
            if thread is not me and thread.ident not in stuck:
                thread.join(timeout=max(0.0, deadline_s - time.monotonic()))

    def _spawn(self, name: str, loop: Callable[[], None]) -> None:
        # Daemons: a thread that hangs in an actor's code must not keep the process from ending.
        thread = threading.Thread(target=loop, name=f"holdfast-{name}", daemon=True)
        if len(self._threads) >= self._prune_at:
            self._threads = [known for known in self._threads if known.is_alive() or known.ident is None]
            self._prune_at = 2 * len(self._threads) + PRUNE_FROM
        self._threads.append(thread)
        thread.start()

    def _pin(self, runnable: Runnable) -> "SimpleQueue[bool]":
        queue: SimpleQueue[bool] = SimpleQueue()
        self._pinned[runnable] = queue
        self._spawn(runnable.label, lambda: self._pinned_loop(runnable, queue))
        return queue

    def _pinned_loop(self, runnable: Runnable, queue: "SimpleQueue[bool]") -> None:
        try:
            while not self._over.is_set() and not runnable.finished():
                try:
                    queue.get(timeout=PINNED_SLICE_S)
                except Empty:
                    continue
                while not self._over.is_set() and self._turn(runnable):
                    pass
                if runnable in self._lost:
                    return
        finally:
            self._pinned.pop(runnable, None)
            self._lost.discard(runnable)

    def _pool_loop(self) -> None:
        while not self._over.is_set():
            try:
                runnable = self._turns.get(timeout=SLICE_S)
            except Empty:
                continue
            if runnable is _END:
                return
            again = self._turn(runnable)
            if runnable in self._lost:
                self._lost.discard(runnable)
                return  # another thread took this one's place
            if again:
                self._turns.put(runnable)

    def _turn(self, runnable: Runnable) -> bool:
        self._running[runnable] = threading.get_ident()
        try:
            step = runnable.step
            for _ in range(TURN_BUDGET):  # noqa: SIM110 - a generator would cost as much as a tenth of a turn
                if not step():
                    return False
            return True
        finally:
            with self._guard:
                self._running.pop(runnable, None)

    def _decide_loop(self) -> None:
        while not self._over.is_set():
            try:
                call, args = self._decisions.get(timeout=SLICE_S)
            except Empty:
                continue
            try:
                call(*args)
            except Exception:  # noqa: BLE001 - a mistake in one decision must not end supervision
                logger.exception("a kernel decision failed")

    def _announce_loop(self) -> None:
        while True:  # what was announced before the end still is
            try:
                call, notice = self._announcements.get(timeout=SLICE_S)
            except Empty:
                if self._over.is_set():
                    return
                continue
            if call is _nothing:
                return
            try:
                call(notice)
            except Exception:  # noqa: BLE001 - a subscriber's mistake is its own
                logger.exception("a subscriber failed")

    def _timer_loop(self) -> None:
        while not self._over.is_set():
            call: Callable[[], None] | None = None
            with self._calls_changed:
                soonest_s, now_s = self._calls.soonest(), time.monotonic()
                if soonest_s is None or soonest_s > now_s:
                    self._calls_changed.wait(SLICE_S if soonest_s is None else min(soonest_s - now_s, SLICE_S))
                else:
                    call = self._calls.pop()
            if call is not None:
                try:
                    call()
                except Exception:  # noqa: BLE001 - a timed call's mistake must not stop the clock
                    logger.exception("a timed call failed")


def _frame_of(ident: int) -> FrameType | None:
    # A collection inside _current_frames that meets a dead threading.local deadlocks the whole interpreter in
    # CPython 3.11 (python/cpython#106883, not fixed there); so nothing is collected meanwhile.
    collects = gc.isenabled()
    gc.disable()
    try:
        return sys._current_frames().get(ident)  # noqa: SLF001 - the only way there is
    finally:
        if collects:
            gc.enable()


class _End:
    pinned = False
    label = "end"

    def step(self) -> bool:
        """Nothing to do."""
        return False

    def finished(self) -> bool:
        """Always."""
        return True


_END = _End()


def _nothing(*_: object) -> None:
    return None
