"""Requests to a venue on a few threads, each with a client of its own (ccxt's sync client is not thread-safe).

Purpose: callers never wait. Guarantees: ``done`` is called exactly once for each request, at its time-out at the
latest; a thread whose call never returns is replaced, and its late answer dropped. Relies on: a client's calls being
independent of each other, so that an abandoned one harms nobody.
"""

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from loguru import logger

from adapters.venues.rest import RestClient, TellsUsage, VenueRest
from messages.instruments import Capabilities
from messages.values import Venue
from messages.venue import OrderRejected, OutcomeUnknown, RateUsed, RateWindow, RejectReason, VenueAnswer, VenueRequest

WORKERS: Final = 8
MAX_WORKERS: Final = 64
SCAN_S: Final = 0.1
WAIT_S: Final = 0.5
"""No wait is longer, so that an end is noticed on every platform."""
JOIN_S: Final = 2.0
"""For all threads together: what hangs is left behind."""


@dataclass(slots=True, eq=False)
class _Call:
    request: VenueRequest
    done: Callable[[VenueAnswer], None]
    deadline_s: float
    lock: threading.Lock = field(default_factory=threading.Lock)
    answered: bool = False
    worker: "_Worker | None" = None

    def answer(self, answer: VenueAnswer) -> bool:
        """Give the answer, once; says whether this was it."""
        with self.lock:
            if self.answered:
                return False
            self.answered = True
        self.done(answer)
        return True

    def begin(self, worker: "_Worker") -> bool:
        """Whether ``worker`` is to do it: not once it was answered, for the answer says that it was never sent."""
        with self.lock:
            if not self.answered:
                self.worker = worker
            return not self.answered

    def expire(self) -> bool:
        """Its time is up; says whether it still wants an answer. If no worker began it, none will any more."""
        with self.lock:
            wants_answer, self.answered = not self.answered, True
        return wants_answer


class _Worker:
    """One thread and its client; abandoned when a call does not return."""

    def __init__(self, pool: "ThreadedCalls", number: int) -> None:
        self._pool = pool
        self.abandoned = False
        self.thread = threading.Thread(target=self._run, name=f"{pool.venue}-rest-{number}", daemon=True)

    def _run(self) -> None:
        client: RestClient | None = None
        while not self.abandoned:
            call = self._pool.next_call()
            if call is None:
                if self._pool.closed:
                    break
                continue
            if not call.begin(self):
                continue
            try:
                client = client or self._pool.rest.client()
                if call.answered:
                    # Its time was up while the client was made: sent now, it would arrive when nobody expects it.
                    continue
                answer = client.execute(call.request)
            except Exception as error:  # noqa: BLE001 - the thread's one net: what failed may have happened
                logger.exception("{}: {} failed", self._pool.venue, type(call.request).__name__)
                answer = OutcomeUnknown(text=f"{type(error).__name__}: {error}")
                client = None
            self._pool.finished(call)
            call.answer(answer)
        if client is not None:
            client.close()


class ThreadedCalls:
    """Satisfies the actors' ``VenueCalls`` over a :class:`~adapters.venues.rest.VenueRest`."""

    venue: Venue
    capabilities: Capabilities
    windows: Sequence[RateWindow]

    def __init__(self, rest: VenueRest, *, workers: int = WORKERS) -> None:
        self.rest = rest
        self.venue = rest.venue
        self.capabilities = rest.capabilities
        self.windows = rest.windows
        self.closed = False
        self._waiting: deque[_Call] = deque()
        self._open: set[_Call] = set()
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._numbers = itertools.count(1)
        self._workers = [_Worker(self, next(self._numbers)) for _ in range(workers)]
        self._watch = threading.Thread(target=self._watch_deadlines, name=f"{self.venue}-rest-watch", daemon=True)
        self._idle = 0
        for worker in self._workers:
            worker.thread.start()
        self._watch.start()

    def cost(self, request: VenueRequest) -> Mapping[str, int]:
        """What ``request`` uses up, by the name of the rate window."""
        return self.rest.cost(request)

    def used(self) -> Mapping[str, RateUsed]:
        """What the venue said last of its windows."""
        return self.rest.used() if isinstance(self.rest, TellsUsage) else {}

    def send(self, request: VenueRequest, *, timeout_s: float, done: Callable[[VenueAnswer], None]) -> None:
        """Start ``request``; ``done`` is called exactly once, from a worker's thread."""
        call = _Call(request, done, time.monotonic() + timeout_s)
        with self._lock:
            closed = self.closed
            if not closed:
                self._open.add(call)
                self._waiting.append(call)
                self._grow()
                self._changed.notify()
        if closed:
            call.answer(OrderRejected(reason=RejectReason.NOT_SENT, text="the connection is closed"))

    def _grow(self) -> None:
        """One more worker while all of them are busy: calls that do not come back must not hold up those after them."""
        if self._idle < len(self._waiting) and len(self._workers) < MAX_WORKERS:
            fresh = _Worker(self, next(self._numbers))
            self._workers = [*self._workers, fresh]
            fresh.thread.start()

    def close(self) -> None:
        """Answer what is under way with OutcomeUnknown and let the threads end."""
        with self._lock:
            self.closed = True
            left, self._open = self._open, set()
            self._changed.notify_all()
        for call in left:
            call.answer(OutcomeUnknown(text="the connection was closed"))
        until_s = time.monotonic() + JOIN_S
        for worker in self._workers:
            worker.thread.join(max(until_s - time.monotonic(), 0.0))

    # --- for the workers ----------------------------------------------------------------------------------------------

    def next_call(self) -> _Call | None:
        """The next request that still wants an answer; ``None`` when there was none for a while."""
        with self._changed:
            self._idle += 1
            self._changed.wait_for(lambda: self._waiting or self.closed, WAIT_S)
            self._idle -= 1
            call = self._waiting.popleft() if self._waiting else None
        return None if call is None or call.answered else call

    def finished(self, call: _Call) -> None:
        """The call came back."""
        with self._lock:
            self._open.discard(call)

    def _watch_deadlines(self) -> None:
        stop = threading.Event()
        while not self.closed:
            stop.wait(SCAN_S)
            now_s = time.monotonic()
            with self._lock:
                late = [call for call in self._open if now_s >= call.deadline_s]
                self._open.difference_update(late)
            for call in late:
                self._give_up(call)

    def _give_up(self, call: _Call) -> None:
        if not call.expire():
            return
        worker = call.worker
        if worker is None:
            call.done(OrderRejected(reason=RejectReason.NOT_SENT, text="no worker was free in time"))
            return
        worker.abandoned = True
        with self._lock:
            fresh = _Worker(self, next(self._numbers))
            self._workers = [fresh if each is worker else each for each in self._workers]
            fresh.thread.start()
        call.done(OutcomeUnknown(text="no answer in time"))
