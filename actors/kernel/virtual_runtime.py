"""The kernel on one thread and a virtual clock: a seeded scheduler picks the next delivery."""

import hashlib
import random
from array import array
from collections import deque
from collections.abc import Callable
from typing import Any

from actors.kernel.cell import Incarnation
from actors.kernel.runtime import Runnable
from actors.kernel.timer_heap import TimedCall
from actors.kernel.virtual_time import VirtualTime

ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
ID_LENGTH = 16

TRACE_BUFFER = 4096
"""Numbers kept before they are hashed."""


class Current:
    """Whose turn it is."""

    __slots__ = ("incarnation",)

    def __init__(self) -> None:
        self.incarnation: Incarnation | None = None


class VirtualGate:
    """A flag: nobody sleeps in virtual time, whoever waits drives the loop."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open = False

    def open(self) -> None:
        """Let the waiter go."""
        self._open = True

    def is_open(self) -> bool:
        """Whether it was opened."""
        return self._open


class _Calls:
    """The kernel's decisions, or its announcements, as one more runnable: interleaved with deliveries."""

    pinned = False

    def __init__(self, label: str) -> None:
        self.label = label
        self.waiting: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self.scheduled = False

    def step(self) -> bool:
        """Make the next call."""
        call, args = self.waiting.popleft()
        call(*args)
        self.scheduled = bool(self.waiting)
        return self.scheduled

    def finished(self) -> bool:
        """Never: there may always be another."""
        return False


class VirtualRuntime:
    """Same seed, same everything: order of deliveries, random numbers, ids, trace hash.

    Args:
        time: The clock; it may drive several systems.
        trace: Whether to keep the trace hash; off for backtests at full speed.
        scan_interval_s: Virtual seconds between two scans for hung actors, while one hangs.
    """

    virtual = True

    def __init__(self, time: VirtualTime, *, trace: bool = True, scan_interval_s: float = 1.0) -> None:
        self.time = time
        self._number = time.attach(self)
        self._seed = f"{time.seed}/{self._number}"
        self._choice = random.Random(f"{self._seed}/choice").random  # noqa: S311 - replayable on purpose
        self._ids: dict[str, random.Random] = {}
        self._ready: list[Runnable] = []
        self._current = Current()
        self._decisions = _Calls("/kernel")
        self._announcements = _Calls("/announcer")
        self._dead = False
        self._tracing = trace
        self._hash = hashlib.sha256()
        self._buffer = array("Q")
        self._labels: dict[str, int] = {}
        self._scan: Callable[[], bool] | None = None
        self._scanning = False
        self._scan_interval_s = scan_interval_s

    @property
    def scan_interval_s(self) -> float:
        """Virtual seconds between two scans."""
        return self._scan_interval_s

    def now_ms(self) -> int:
        """UTC milliseconds of the virtual clock."""
        return self.time.now_ms()

    def monotonic_s(self) -> float:
        """Virtual seconds."""
        return self.time.monotonic_s()

    def clock(self) -> Callable[[], float]:
        """The virtual clock itself."""
        return self.time.monotonic_s

    def call_later(self, delay_s: float, call: Callable[[], None]) -> TimedCall:
        """Run ``call`` later, unless the system is dead by then."""

        def unless_dead() -> None:
            if not self._dead:
                call()

        return self.time.call_later(delay_s, unless_dead)

    def schedule(self, runnable: Runnable) -> None:
        """Add to those among which the next is chosen."""
        self._ready.append(runnable)

    def decide(self, call: Callable[..., None], *args: Any) -> None:
        """Queue a decision of the kernel."""
        self._enqueue(self._decisions, call, args)

    def announce(self, call: Callable[[Any], object], notice: object) -> None:
        """Call a subscriber at this instant, outside the kernel's decision."""
        self._enqueue(self._announcements, call, (notice,))

    def gate(self) -> VirtualGate:
        """A fresh closed gate."""
        return VirtualGate()

    def wait(self, gate: Any, timeout_s: float) -> bool:
        """Drive the loop until ``gate`` is open, ``timeout_s`` virtual seconds passed, or nothing is left to do."""
        if not gate.is_open():
            self.time.drive(until_ns=self.time.seconds_to_ns(timeout_s), done=gate.is_open)
        return bool(gate.is_open())

    def current(self) -> Current:
        """Whose turn it is."""
        return self._current

    def random_for(self, path: str) -> random.Random:
        """Randomness of one address: from the seed alone."""
        return random.Random(f"{self._seed}/{path}")  # noqa: S311 - replayable on purpose

    def new_id(self, path: str) -> str:
        """An id from the seed alone; another system on the same clock gets others."""
        source = self._ids.get(path)
        if source is None:
            source = self._ids[path] = random.Random(f"{self._seed}/id/{path}")  # noqa: S311 - replayable on purpose
        return "".join(source.choices(ID_ALPHABET, k=ID_LENGTH))

    def trace(self, what: str) -> None:
        """Note a decision."""
        if self._tracing:
            self._flush()
            self._hash.update(f"{self.time.now_ms()} {what}\n".encode())

    def trace_hash(self) -> str:
        """SHA-256 over every choice and decision so far."""
        self._flush()
        return self._hash.hexdigest()

    def start(self, scan: Callable[[], bool]) -> None:
        """Nothing to start but the readiness to scan."""
        self._scan = scan

    def watch_for_hangs(self) -> None:
        """Something hangs: scan from now on."""
        if not self._scanning and self._scan is not None:
            self._scanning = True
            self.call_later(self._scan_interval_s, self._rescan)

    def replace(self, runnable: Runnable) -> None:
        """No thread is lost in virtual time."""

    def stack(self, runnable: Runnable) -> str:
        """There is no thread to look at."""
        return f"virtual turn of {runnable.label}"

    def stop(self, *, abruptly: bool = False) -> None:
        """Void every pending call and turn of this system; what is to be announced still is, unless ``abruptly``."""
        self._dead = True
        while not abruptly and self._announcements.waiting:
            self._announcements.step()
        self._ready.clear()
        self.time.detach(self)

    def drain(self, limit: int) -> int:
        """Give up to ``limit`` turns; the clock does not move."""
        ready, choice, tracing = self._ready, self._choice, self._tracing
        done = 0
        while ready and done < limit and not self._dead:
            size = len(ready)
            if size == 1:
                chosen = ready.pop()
            else:
                at = int(choice() * size)
                chosen = ready[at]
                last = ready.pop()
                if at < size - 1:
                    ready[at] = last
            if tracing:
                self._note(chosen.label)
            done += 1
            if chosen.step():
                ready.append(chosen)
        return done

    def _enqueue(self, calls: _Calls, call: Callable[..., object], args: tuple[Any, ...]) -> None:
        if self._dead:
            return
        calls.waiting.append((call, args))
        if not calls.scheduled:
            calls.scheduled = True
            self._ready.append(calls)

    def _note(self, label: str) -> None:
        number = self._labels.get(label)
        if number is None:
            number = self._labels[label] = len(self._labels)
            self._hash.update(label.encode())
        buffer = self._buffer
        buffer.append(number)
        if len(buffer) >= TRACE_BUFFER:
            self._flush()

    def _flush(self) -> None:
        self._hash.update(self._buffer.tobytes())
        self._buffer = array("Q")

    def _rescan(self) -> None:
        self._scanning = False
        if self._scan is not None:
            self.decide(self._scan_again)

    def _scan_again(self) -> None:
        if self._scan is not None and self._scan():
            self.watch_for_hangs()
