"""What the kernel needs from the world it runs in: threads and clocks, or one thread and virtual time."""

from collections.abc import Callable
from random import Random
from typing import Any, Protocol


class Handle(Protocol):
    """A call that is still to come."""

    def cancel(self) -> None:
        """Make it not happen; harmless when it already did."""
        ...


class Runnable(Protocol):
    """One incarnation's claim to be given turns."""

    pinned: bool
    label: str

    def step(self) -> bool:
        """Do one unit of work; True when there may be more."""
        ...

    def finished(self) -> bool:
        """Whether it will never do anything again."""
        ...


class Gate(Protocol):
    """A one-shot signal between whoever waits and whoever knows."""

    def open(self) -> None:
        """Let the waiter go."""
        ...

    def is_open(self) -> bool:
        """Whether it was opened."""
        ...


class Runtime(Protocol):
    """Time, turns and timers. ``ThreadRuntime`` and ``VirtualRuntime`` are the two there are."""

    virtual: bool

    def now_ms(self) -> int:
        """UTC wall clock in milliseconds."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that only ever grow."""
        ...

    def clock(self) -> Callable[[], float]:
        """The shortest way to ``monotonic_s``, for whoever reads it with every message."""
        ...

    def call_later(self, delay_s: float, call: Callable[[], None]) -> Handle:
        """Run ``call`` in ``delay_s`` seconds, on the timer thread or in the virtual loop; it must not block."""
        ...

    def schedule(self, runnable: Runnable) -> None:
        """Give ``runnable`` turns until its ``step`` answers False."""
        ...

    def decide(self, call: Callable[..., None], *args: Any) -> None:
        """Run ``call`` among the kernel's decisions, one after another, never at once."""
        ...

    def announce(self, call: Callable[[Any], object], notice: object) -> None:
        """Run a subscriber's ``call`` outside the kernel."""
        ...

    def gate(self) -> Gate:
        """A fresh closed gate."""
        ...

    def wait(self, gate: Gate, timeout_s: float) -> bool:
        """Wait until ``gate`` is open (in virtual time: drive the loop until then); False on time-out."""
        ...

    def current(self) -> Any:
        """The slot that holds the incarnation whose turn runs on this thread: an object with ``.incarnation``."""
        ...

    def random_for(self, path: str) -> Random:
        """A source of randomness for one address."""
        ...

    def new_id(self, path: str) -> str:
        """Sixteen characters of ``[a-z0-9]`` that do not come twice."""
        ...

    def trace(self, what: str) -> None:
        """Note a decision for the trace hash, where there is one."""
        ...

    def start(self, scan: Callable[[], bool]) -> None:
        """Begin to give turns, and call ``scan`` every ``scan_interval_s`` among the kernel's decisions.

        ``scan`` answers whether it saw anything in flight that could be hung.
        """
        ...

    @property
    def scan_interval_s(self) -> float:
        """Seconds between two scans for hung actors."""
        ...

    def watch_for_hangs(self) -> None:
        """Virtual time only scans while something hangs; this says that something does."""
        ...

    def replace(self, runnable: Runnable) -> None:
        """The thread that runs ``runnable``'s turn is given up; the others must not miss it."""
        ...

    def stack(self, runnable: Runnable) -> str:
        """Where the thread that runs ``runnable``'s turn is now; empty when none does."""
        ...

    def stop(self, *, abruptly: bool = False) -> None:
        """No more turns or timers; ``abruptly`` does not wait for anything."""
        ...
