"""A connection that keeps itself up, where nobody answers."""

import queue
import threading
from collections.abc import Callable, Sequence

from adapters.outside import Machine
from adapters.streams.dialect import NOTHING, Listener, Reaction
from adapters.streams.session import StreamSession
from messages.values import Symbol
from tests.contract.battery import Listening

PATIENCE_S = 8.0
TRIES = 6


class Unreachable:
    """A venue that is away; ``tries`` are the connections that were attempted."""

    name = "nobody"
    ping_every_s = silence_s = life_s = 0.0

    def __init__(self, tries: "queue.SimpleQueue[str]") -> None:
        self._tries = tries

    def url(self) -> str:
        self._tries.put("tried")
        raise OSError("nobody is there")

    def opened(self, now_ms: int) -> Sequence[str]:
        return ()

    def ping(self, now_ms: int) -> str | None:
        return None

    def received(self, data: bytes, listener: Listener, now_ms: int) -> Reaction:
        return NOTHING

    def keep_alive(self, now_ms: int) -> None:
        """There is nothing to keep."""

    def watch(self, symbols: Sequence[Symbol]) -> Sequence[str]:
        return ()


def test_who_knows_that_the_venue_is_back_need_not_wait_for_the_next_try() -> None:
    """By itself the sixth try would come after a minute."""
    tries: queue.SimpleQueue[str] = queue.SimpleQueue()
    session = StreamSession(lambda: Unreachable(tries))
    session.start(Listening())
    try:
        for _ in range(TRIES):
            tries.get(timeout=PATIENCE_S)
            session.reconnect()
    finally:
        session.stop()


class Clumsy(Unreachable):
    """Its first try fails in a way that nobody thought of."""

    def url(self) -> str:
        self._tries.put("tried")
        raise TypeError("planted")


def test_a_failure_that_nobody_thought_of_does_not_end_the_stream() -> None:
    """A thread that ends silently leaves everybody believing that the stream is as it was."""
    tries: queue.SimpleQueue[str] = queue.SimpleQueue()
    session = StreamSession(lambda: Clumsy(tries))
    session.start(Listening())
    try:
        for _ in range(2):
            tries.get(timeout=PATIENCE_S)
            session.reconnect()
    finally:
        session.stop()


class Stuck(Unreachable):
    """It hangs in connecting until it is let go."""

    def __init__(self, tries: "queue.SimpleQueue[str]", let_go: threading.Event) -> None:
        super().__init__(tries)
        self._let_go = let_go

    def url(self) -> str:
        self._tries.put("tried")
        self._let_go.wait(PATIENCE_S)
        raise OSError("nobody is there")


class Impatient(Machine):
    """Waits for no thread."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []

    def run(self, target: Callable[[], None], name: str) -> threading.Thread:
        self.threads.append(super().run(target, name))
        return self.threads[-1]

    def join(self, thread: threading.Thread, seconds: float) -> None:
        """It hangs."""


def test_a_thread_that_hung_while_the_stream_was_stopped_ends_although_it_was_started_again() -> None:
    """Two threads would tell everything twice, and each that the other's connection is lost."""
    tries: queue.SimpleQueue[str] = queue.SimpleQueue()
    let_go, machine = threading.Event(), Impatient()
    session = StreamSession(lambda: Stuck(tries, let_go), outside=machine)
    session.start(Listening())
    tries.get(timeout=PATIENCE_S)
    session.stop()
    session.start(Listening())
    tries.get(timeout=PATIENCE_S)
    let_go.set()
    before, after = machine.threads
    before.join(PATIENCE_S)
    ended, goes_on = not before.is_alive(), after.is_alive()
    session.stop()
    assert (ended, goes_on) == (True, True)
