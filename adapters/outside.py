"""What the adapters need of the machine they run on: the time, threads and sockets.

All of it comes through here, so that a test can put an adapter into virtual time and still let it talk to a real
server.
"""

import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

import websocket

CONNECT_S: Final = 5.0
RECV_S: Final = 0.25


class Outside(Protocol):
    """The machine, as the adapters see it."""

    def now_ms(self) -> int:
        """UTC in milliseconds."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never go back."""
        ...

    def wait(self, stop: threading.Event, seconds: float) -> object:
        """Until ``stop`` is set, ``seconds`` at the longest."""
        ...

    def run(self, target: Callable[[], None], name: str) -> threading.Thread:
        """Run ``target`` on a thread of its own."""
        ...

    def join(self, thread: threading.Thread, seconds: float) -> None:
        """Until ``thread`` has ended, ``seconds`` at the longest."""
        ...

    def connect(self, url: str) -> websocket.WebSocket:
        """A WebSocket whose ``recv_data`` raises ``WebSocketTimeoutException`` when nothing came for a moment.

        Raises:
            OSError, websocket.WebSocketException: There is no connection.
        """
        ...


class Machine:
    """The machine itself."""

    def now_ms(self) -> int:
        """UTC in milliseconds."""
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        """Seconds since the machine began."""
        return time.monotonic()

    def wait(self, stop: threading.Event, seconds: float) -> object:
        """Until ``stop`` is set, ``seconds`` at the longest."""
        return stop.wait(seconds)

    def run(self, target: Callable[[], None], name: str) -> threading.Thread:
        """Run ``target`` on a thread of its own."""
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
        return thread

    def join(self, thread: threading.Thread, seconds: float) -> None:
        """Until ``thread`` has ended, ``seconds`` at the longest."""
        thread.join(seconds)

    def connect(self, url: str) -> websocket.WebSocket:
        """A WebSocket that gives up waiting after a quarter of a second."""
        connection = websocket.create_connection(
            url, timeout=CONNECT_S, skip_utf8_validation=True, enable_multithread=False
        )
        connection.settimeout(RECV_S)
        return connection


MACHINE: Final[Outside] = Machine()
