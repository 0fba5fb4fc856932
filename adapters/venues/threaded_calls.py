"""Requests to a venue on a few threads, each with a client of its own (ccxt's sync client is not thread-safe).

Purpose: callers never wait. Guarantees: ``done`` is called exactly once for each request, at its time-out at the
latest; a thread whose call never returns is replaced, and its late answer dropped. Relies on: a client's calls being
independent of each other, so that an abandoned one harms nobody.
"""

import itertools
import queue
import threading
import time
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
            call.worker = self
            try:
                client = client or self._pool.rest.client()
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
        self._queue: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._open: set[_Call] = set()
        self._lock = threading.Lock()
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
        if closed:
            call.answer(OrderRejected(reason=RejectReason.NOT_SENT, text="the connection is closed"))
        else:
            self._queue.put(call)
            self._grow()

    def _grow(self) -> None:
        """One more worker while all of them are busy: calls that do not come back must not hold up those after them."""
        with self._lock:
            if self.closed or self._idle >= self._queue.qsize() or len(self._workers) >= MAX_WORKERS:
                return
            fresh = _Worker(self, next(self._numbers))
            self._workers = [*self._workers, fresh]
        fresh.thread.start()

    def close(self) -> None:
        """Answer what is under way with OutcomeUnknown and let the threads end."""
        with self._lock:
            self.closed = True
            left, self._open = self._open, set()
        for call in left:
            call.answer(OutcomeUnknown(text="the connection was closed"))
        for _ in self._workers:
            self._queue.put(None)
        for worker in self._workers:
            worker.thread.join(JOIN_S)

    # --- for the workers ----------------------------------------------------------------------------------------------

    def next_call(self) -> _Call | None:
        """The next request that still wants an answer; ``None`` when there was none for a while."""
        with self._lock:
            self._idle += 1
        try:
            call = self._queue.get(timeout=WAIT_S)
        except queue.Empty:
            return None
        finally:
            with self._lock:
                self._idle -= 1
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
        worker = call.worker
        never_sent = worker is None
        if worker is not None:
            worker.abandoned = True
            fresh = _Worker(self, next(self._numbers))
            self._workers = [fresh if each is worker else each for each in self._workers]
            fresh.thread.start()
        if never_sent:
            call.answer(OrderRejected(reason=RejectReason.NOT_SENT, text="no worker was free in time"))
        else:
            call.answer(OutcomeUnknown(text="no answer in time"))
