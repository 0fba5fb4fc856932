"""A clock that jumps, and whose calls outlive the systems that run on it."""

from collections.abc import Callable
from typing import Protocol

from actors.kernel.timer_heap import TimedCall, TimerHeap

NS = 1_000_000_000
NS_PER_MS = 1_000_000

INSTANT_LIMIT = 20_000_000
"""Steps within one instant after which it is a livelock: actors that tell each other for ever."""


class Loop(Protocol):
    """Something with work to do at the current instant."""

    def drain(self, limit: int) -> int:
        """Do up to ``limit`` units of work; how many were done."""
        ...


class VirtualTime:
    """One virtual clock for everything in a test or backtest: systems, the simulated exchange, scripted faults.

    Everything that can be done at an instant is done before the clock moves; calls of one instant keep their order.
    """

    def __init__(self, *, start_ms: int = 1_640_995_200_000, seed: int = 0) -> None:
        self.seed = seed
        self._start_ns = start_ms * NS_PER_MS
        self._now_ns = self._start_ns
        self._now_s = 0.0
        self._calls = TimerHeap()
        self._loops: list[Loop] = []
        self._attached = 0

    def now_ms(self) -> int:
        """UTC milliseconds."""
        return self._now_ns // NS_PER_MS

    def monotonic_s(self) -> float:
        """Seconds since this clock began."""
        return self._now_s

    def call_later(self, delay_s: float, call: Callable[[], None]) -> TimedCall:
        """Run ``call`` ``delay_s`` virtual seconds from now."""
        return self._at(self._now_ns + max(round(delay_s * NS), 1 if delay_s > 0 else 0), call)

    def call_at(self, at_ms: int, call: Callable[[], None]) -> TimedCall:
        """Run ``call`` at ``at_ms`` (UTC milliseconds), or now if that is past."""
        return self._at(max(at_ms * NS_PER_MS, self._now_ns), call)

    def run_until(self, at_ms: int) -> None:
        """Run everything that happens up to and at ``at_ms``; the clock then shows ``at_ms``."""
        self.drive(until_ns=at_ms * NS_PER_MS)

    def run_for(self, seconds: float) -> None:
        """Run everything that happens within the next ``seconds``."""
        self.drive(until_ns=self._now_ns + round(seconds * NS))

    def run_until_idle(self, max_steps: int = 1_000_000) -> int:
        """Run until nothing is left to do; gives the number of steps.

        Raises:
            RuntimeError: Still busy after ``max_steps``, as when something repeats for ever.
        """
        steps = self.drive(max_steps=max_steps)
        if steps >= max_steps:
            raise RuntimeError(f"still busy after {max_steps} steps; use run_for where timers repeat for ever")
        return steps

    def drive(
        self, *, until_ns: int | None = None, done: Callable[[], bool] | None = None, max_steps: int | None = None
    ) -> int:
        """Work and jump until ``until_ns``, ``done`` or idleness; gives the number of steps."""
        steps = 0
        while max_steps is None or steps < max_steps:
            did = self._work(done, None if max_steps is None else max_steps - steps)
            steps += did
            if done is not None and done():
                return steps
            if did:
                continue
            due = self._next(until_ns)
            if due is None:
                break
            steps += 1
            due()
        if until_ns is not None and (max_steps is None or steps < max_steps):
            self._move_to(until_ns)
        return steps

    def seconds_to_ns(self, seconds: float) -> int:
        """The instant ``seconds`` from now, as ``drive`` wants it."""
        return self._now_ns + round(seconds * NS)

    def attach(self, loop: Loop) -> int:
        """Drive ``loop`` from now on; gives the number of loops before it."""
        self._loops.append(loop)
        self._attached += 1
        return self._attached - 1

    def detach(self, loop: Loop) -> None:
        """Drive ``loop`` no longer."""
        if loop in self._loops:
            self._loops.remove(loop)

    def _work(self, done: Callable[[], bool] | None, limit: int | None) -> int:
        share = 1 if done is not None else min(limit if limit is not None else INSTANT_LIMIT, INSTANT_LIMIT)
        did = 0
        for loop in tuple(self._loops):
            did += loop.drain(share)
            if did >= INSTANT_LIMIT:
                raise RuntimeError(f"{did} steps within one instant: some actors tell each other for ever")
            if done is not None and done():
                break
        return did

    def _next(self, until_ns: int | None) -> Callable[[], None] | None:
        at_ns = self._calls.soonest()
        if at_ns is None or (until_ns is not None and at_ns > until_ns):
            return None
        self._move_to(int(at_ns))
        return self._calls.pop()

    def _move_to(self, at_ns: int) -> None:
        if at_ns > self._now_ns:
            self._now_ns = at_ns
            self._now_s = (at_ns - self._start_ns) / NS

    def _at(self, at_ns: int, call: Callable[[], None]) -> TimedCall:
        return self._calls.push(at_ns, call)
