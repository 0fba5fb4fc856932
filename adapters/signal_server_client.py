"""Signals from a WebSocket server (S2.1), on a thread of its own.

Purpose: whatever the server and the network do, what it sent is there when a wave is due. Guarantees: nothing that it
sends ends the thread; a lost or silent connection is made again for ever, unless the settings say how often; the buffer
is bounded, and what falls out of it is counted. Relies on: ``recv`` honouring its time-out.
"""

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import websocket
from loguru import logger

from messages.supervision import RawSignal

CONNECT_S: Final = 5.0
RECV_S: Final = 0.25
READY_WITHIN_S: Final = 10.0
PING_EVERY_S: Final = 20.0
SILENT_AFTER_S: Final = 60.0
REFUSED_WAIT_S: Final = 60.0
"""S2.1: after a refused token no faster than once a minute."""
MAX_MESSAGE_BYTES: Final = 1_000_000
LOOK_EVERY_MS: Final = 250
JOIN_S: Final = 7.0
ORIGIN: Final = "signal server"

_CLOSED = websocket.WebSocketConnectionClosedException


class TokenRefusedError(Exception):
    """The server does not accept SIGNAL_WS_TOKEN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalServerConfig:
    """Where the server is, and how stubbornly it is called.

    Attributes:
        max_attempts: Failed connections in a row before it is given up; below zero never.
        buffer_size: Signals that are kept between two waves.
    """

    url: str
    token: str = ""
    reconnects: bool = True
    reconnect_interval_s: float = 5.0
    max_attempts: int = -1
    buffer_size: int = 100


@dataclass(slots=True)
class SignalServerCounters:
    """Plain counts, read by metrics."""

    messages: int = 0
    garbage: int = 0
    signals: int = 0
    dropped: int = 0
    connections: int = 0
    failures: int = 0
    refusals: int = 0


class SignalServerFeed:
    """The client: a feed of waves for the actors, a connection for ever on its own thread."""

    def __init__(self, config: SignalServerConfig, *, wait: Callable[[float], bool] | None = None) -> None:
        """``wait`` is for tests of the pauses between two connections: it waits, and tells whether to stop."""
        self._config = config
        self._stop = threading.Event()
        self._wait = wait or self._stop.wait
        self._wanted = threading.Event()
        self._buffer: deque[RawSignal] = deque()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="signal-server", daemon=True)
        self.counters = SignalServerCounters()
        self.connected = threading.Event()
        self._trouble = f"{config.url} has not let us in yet"

    def start(self) -> None:
        """Connect, and keep connected."""
        self._thread.start()

    def stop(self) -> None:
        """Disconnect and end the thread; harmless when it never ran."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_S)

    @property
    def is_running(self) -> bool:
        """Whether it still tries; a server that was given up is not called again."""
        return self._thread.is_alive()

    # --- for the actors -----------------------------------------------------------------------------------------------

    def ask(self) -> None:
        """Have the thread ask for signals, now or as soon as it is connected."""
        self._wanted.set()

    def due(self, now_ms: int) -> Sequence[RawSignal]:
        """What came since the last call."""
        _ = now_ms
        with self._lock:
            ready = list(self._buffer)
            self._buffer.clear()
        return ready

    def next_ms(self, now_ms: int) -> int | None:
        """In a moment."""
        return now_ms + LOOK_EVERY_MS

    def rewind(self) -> None:
        """Nothing: what was given is asked for again."""

    def trouble(self) -> str:
        """Why no signals can come now; empty while the server has let us in."""
        return "" if self.connected.is_set() else self._trouble

    # --- the thread ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            pause_s = self._config.reconnect_interval_s
            connections = self.counters.connections
            try:
                self._one_connection()
            except TokenRefusedError as refusal:
                self.counters.refusals += 1
                self._trouble = str(refusal)
                pause_s = max(REFUSED_WAIT_S, pause_s)
                logger.error("{}; trying again in {:g} s", refusal, pause_s)
            except (OSError, ValueError, websocket.WebSocketException) as error:
                self.counters.failures += 1
                self._trouble = f"no signals from {self._config.url}: {error}"
                # The end of a connection that had lived is no failed try.
                failures = 0 if self.counters.connections > connections else failures + 1
                if _is_worth_a_line(failures):
                    text = "no signals from {}: {}; trying again in {:g} s (failed in a row: {})"
                    logger.error(text, self._config.url, error, pause_s, failures)
            finally:
                self.connected.clear()
            if self._stop.is_set() or not self._goes_on(failures):
                return
            self._wait(pause_s)

    def _goes_on(self, failures: int) -> bool:
        config = self._config
        if not config.reconnects:
            given_up = "the signal server is lost, and SIGNAL_WS_AUTO_RECONNECT is false: no more signals from it"
        elif 0 <= config.max_attempts <= failures:
            tries = f"{config.max_attempts} tries (SIGNAL_WS_MAX_RECONNECT_ATTEMPTS)"
            given_up = f"the signal server is given up after {tries}: start again"
        else:
            return True
        self._trouble = given_up
        logger.error("{}", given_up)
        return False

    def _one_connection(self) -> None:
        """Run one connection to its end; returns only to stop."""
        connection = websocket.create_connection(
            self._config.url, timeout=CONNECT_S, skip_utf8_validation=True, enable_multithread=False
        )
        try:
            connection.settimeout(RECV_S)
            self._talk(connection)
        finally:
            connection.close(timeout=1)
            # After a close frame of the server's, close() leaves the socket open.
            if connection.sock is not None:
                connection.sock.close()

    def _talk(self, connection: websocket.WebSocket) -> None:
        began_s = heard_s = pinged_s = time.monotonic()
        while not self._stop.is_set():
            opcode, data = _receive(connection)
            now_s = time.monotonic()
            if opcode is not None:
                heard_s = now_s
            if data is not None:
                self._on_message(connection, data)
            if self.connected.is_set():
                if self._wanted.is_set():
                    self._wanted.clear()
                    connection.send(json.dumps({"type": "get_signals"}))
            elif now_s - began_s > READY_WITHIN_S:
                raise _CLOSED(f"it did not let us in within {READY_WITHIN_S:g} s")
            if now_s - heard_s > SILENT_AFTER_S:
                raise _CLOSED(f"silent for {SILENT_AFTER_S:g} s")
            if now_s - pinged_s >= PING_EVERY_S:
                pinged_s = now_s
                connection.ping()

    def _on_message(self, connection: websocket.WebSocket, data: bytes) -> None:
        self.counters.messages += 1
        if len(data) > MAX_MESSAGE_BYTES:
            self._on_garbage(f"{len(data)} bytes, at most {MAX_MESSAGE_BYTES} are read")
            return
        try:
            message = json.loads(data.decode("utf-8"), parse_float=Decimal, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            self._on_garbage(f"no JSON: {error}")
            return
        match message:
            case {"type": "auth_required"}:
                connection.send(json.dumps({"type": "auth", "token": self._config.token}))
            case {"type": "auth_success"}:
                self._on_let_in()
            case {"type": "auth_failed"}:
                raise TokenRefusedError(f"{self._config.url} does not know our token; SIGNAL_WS_TOKEN is wrong")
            case {"type": "signals", "data": list(rows)} if self.connected.is_set():
                self._keep(rows)
            case _:
                self._on_garbage(f"not expected: {data[:60]!r}")

    def _on_let_in(self) -> None:
        self.counters.connections += 1
        self.connected.set()
        logger.info("the signal server {} has let us in", self._config.url)

    def _keep(self, rows: Sequence[object]) -> None:
        self.counters.signals += len(rows)
        with self._lock:
            self._buffer.extend(RawSignal(raw=row, origin=ORIGIN) for row in rows)
            dropped = max(len(self._buffer) - self._config.buffer_size, 0)
            for _ in range(dropped):
                self._buffer.popleft()
        if dropped:
            self.counters.dropped += dropped
            logger.warning("{} signals dropped, the oldest: more than {} waited", dropped, self._config.buffer_size)

    def _on_garbage(self, what: str) -> None:
        self.counters.garbage += 1
        if _is_worth_a_line(self.counters.garbage):
            logger.warning("the signal server sent what is not understood, {} times: {}", self.counters.garbage, what)


def _receive(connection: websocket.WebSocket) -> tuple[int | None, bytes | None]:
    """A frame's kind and its data; pings (answered already) and pongs show life and carry no data."""
    try:
        opcode, data = connection.recv_data(control_frame=True)
    except websocket.WebSocketTimeoutException:
        return None, None
    if opcode == websocket.ABNF.OPCODE_CLOSE:
        raise _CLOSED("closed by the server")
    if opcode in {websocket.ABNF.OPCODE_PING, websocket.ABNF.OPCODE_PONG}:
        return opcode, None
    return opcode, bytes(data)


def _is_worth_a_line(count: int) -> bool:
    """The 1st, 2nd, 4th, 8th …: what goes on for days does not fill the log."""
    return count & (count - 1) == 0


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is not a number")
