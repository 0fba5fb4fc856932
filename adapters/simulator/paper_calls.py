"""The paper venue's requests: what stands where a REST client stands at a real venue."""

import threading
from collections.abc import Callable, Mapping, Sequence

from adapters.simulator.paper_clients import Carrier, Session
from adapters.simulator.paper_config import Timer
from messages.instruments import Capabilities
from messages.values import Venue
from messages.venue import OrderRejected, OutcomeUnknown, RateUsed, RateWindow, RejectReason, VenueAnswer, VenueRequest


class _Call:
    """A request whose answer is awaited; ``done`` is taken by whoever answers it."""

    __slots__ = ("done", "timer")

    def __init__(self, done: Callable[[VenueAnswer], None]) -> None:
        self.done: Callable[[VenueAnswer], None] | None = done
        self.timer: Timer | None = None


class PaperCalls:
    """Sends requests to a paper exchange; satisfies the actors' ``VenueCalls``."""

    venue: Venue
    capabilities: Capabilities
    windows: Sequence[RateWindow]

    def __init__(self, exchange: Carrier) -> None:
        self.venue = exchange.venue
        self.capabilities = exchange.capabilities
        self.windows = exchange.windows
        self._exchange = exchange
        self._session = Session()
        self._lock = threading.Lock()
        self._open: dict[_Call, None] = {}
        self._closed = False

    def cost(self, request: VenueRequest) -> Mapping[str, int]:
        """What ``request`` uses up, by the name of the rate window."""
        return self._exchange.cost(request)

    def used(self) -> Mapping[str, RateUsed]:
        """What was said last about limits."""
        return self._exchange.used()

    def send(self, request: VenueRequest, *, timeout_s: float, done: Callable[[VenueAnswer], None]) -> None:
        """Start ``request``; ``done`` is called exactly once, on the scheduler's thread, with what came of it.

        Without an answer within ``timeout_s`` that is OutcomeUnknown; the request may still be executed.
        """
        call = _Call(done)
        with self._lock:
            closed = self._closed
            if not closed:
                self._open[call] = None
        scheduler = self._exchange.scheduler
        if closed:
            refusal = OrderRejected(reason=RejectReason.NOT_SENT, text="the connection is closed")
            scheduler.call_later(0.0, lambda: done(refusal))
            return
        unanswered = OutcomeUnknown(text=f"no answer within {timeout_s:g} s")
        call.timer = scheduler.call_later(timeout_s, lambda: self._answer(call, unanswered))
        self._exchange.carry(request, self._session, lambda answer: self._answered(call, answer))

    def close(self) -> None:
        """Answer what is under way with OutcomeUnknown, and send nothing more."""
        for call in self._take_all():
            self._finish(call, OutcomeUnknown(text="the connection was closed"))

    def abandon(self) -> None:
        """As if this client's process died: no answer reaches anybody, what is under way still reaches the venue."""
        self._take_all()

    @property
    def under_way(self) -> int:
        """How many requests wait for their answer."""
        return len(self._open)

    def _answered(self, call: _Call, answer: VenueAnswer) -> None:
        if call in self._open:
            self._exchange.boundary("answer_delivered")
            self._answer(call, answer)

    def _answer(self, call: _Call, answer: VenueAnswer) -> None:
        with self._lock:
            if call not in self._open:
                return
            del self._open[call]
        self._finish(call, answer)

    def _finish(self, call: _Call, answer: VenueAnswer) -> None:
        if call.timer is not None:
            call.timer.cancel()
        done, call.done = call.done, None
        if done is not None:
            done(answer)

    def _take_all(self) -> list[_Call]:
        with self._lock:
            self._closed = True
            calls = list(self._open)
            self._open.clear()
        return calls
