"""One WebSocket connection that keeps itself up, on a thread of its own.

Purpose: whatever the network does, the listener hears of it and the connection comes back. Guarantees: on_connection
tells each change once, up only after everything was confirmed; a silent, cut or refused connection is replaced, as
:mod:`adapters.streams.backoff` says; garbage is counted and survived. Relies on: ``recv`` honouring its time-out.
"""

import random
import threading
from collections.abc import Callable, Sequence
from typing import Final

import websocket
from loguru import logger

from adapters.outside import MACHINE, Outside
from adapters.streams.backoff import Backoff
from adapters.streams.dialect import Dialect, Listener, Reaction, ReadyWhenOpen
from messages.values import Symbol

RENEW_BEFORE_S: Final = 300.0
READY_WITHIN_S: Final = 10.0
MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
JOIN_S: Final = 3.0
_CLOSED = websocket.WebSocketConnectionClosedException
_SIGNS_OF_LIFE: Final = frozenset({websocket.ABNF.OPCODE_PING, websocket.ABNF.OPCODE_PONG})


class StreamCounters:
    """Plain counts, read by metrics."""

    def __init__(self, now_s: float) -> None:
        self.messages = 0
        self.unknown = 0
        self.reconnects = 0
        self.last_message_s = now_s


class StreamSession:
    """Runs one :class:`~adapters.streams.dialect.Dialect` after another, for ever."""

    def __init__(self, make: Callable[[], Dialect], *, outside: Outside = MACHINE) -> None:
        """``make`` gives a fresh dialect for each connection."""
        self._make = make
        self._outside = outside
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._symbols: tuple[Symbol, ...] = ()
        self._symbols_changed = False
        self._thread: threading.Thread | None = None
        self._up = False
        self._up_since_s = 0.0
        self._renew = False
        self.counters = StreamCounters(outside.monotonic_s())

    def start(self, listener: Listener) -> None:
        """Connect, and keep connected."""
        # One of its own for each thread: an earlier one that hangs yet must not go on when it comes back.
        stop = self._stop = threading.Event()
        self._up = False
        self._thread = self._outside.run(lambda: self._run(listener, stop), "stream")

    def watch(self, symbols: Sequence[Symbol]) -> None:
        """Ask for market data of exactly these symbols, on this connection and every later one."""
        with self._lock:
            self._symbols = tuple(symbols)
            self._symbols_changed = True

    def reconnect(self) -> None:
        """Give this connection up and make another, at once (S16): somebody knows that it, or waiting, is of no use."""
        self._renew = True
        self._wake.set()

    def stop(self) -> None:
        """Disconnect and end the thread; harmless when it never ran."""
        self._stop.set()
        self._wake.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            self._outside.join(thread, JOIN_S)

    # --- the thread ---------------------------------------------------------------------------------------------------

    def _run(self, listener: Listener, stop: threading.Event) -> None:
        backoff = Backoff()
        while not stop.is_set():
            self._wake.clear()
            dialect = self._make()
            try:
                detail, fatal = self._one_connection(dialect, listener, stop)
            except Exception as error:  # noqa: BLE001 - the thread's one net: nobody would notice that it ended
                logger.exception("{} failed", dialect.name)
                detail, fatal = f"failed: {type(error).__name__}: {error}", False
            if stop is not self._stop:
                return
            up_for_s = self._outside.monotonic_s() - self._up_since_s if self._up else 0.0
            self._tell(listener, up=False, detail=detail)
            if stop.is_set():
                return
            self.counters.reconnects += 1
            delay_s = backoff.after(up_for_s, fatal=fatal)
            logger.log("ERROR" if fatal else "WARNING", "{}: {}; again in {:.1f} s", dialect.name, detail, delay_s)
            self._outside.wait(self._wake, delay_s * random.uniform(0.8, 1.0))  # noqa: S311 - jitter, so that not all come back at once

    def _one_connection(self, dialect: Dialect, listener: Listener, stop: threading.Event) -> tuple[str, bool]:
        """Run one connection to its end; gives why it ended, and whether trying again soon is of no use."""
        try:
            connection = self._outside.connect(dialect.url())
        except (OSError, websocket.WebSocketException) as error:
            return f"cannot connect: {error}", False
        try:
            return ("stopped", False) if stop.is_set() else self._talk(connection, dialect, listener, stop)
        except (OSError, websocket.WebSocketException) as error:
            return f"connection lost: {error}", False
        finally:
            connection.close(timeout=1)
            # After a close frame of the venue's, close() leaves the socket open.
            if connection.sock is not None:
                connection.sock.close()

    def _talk(
        self, connection: websocket.WebSocket, dialect: Dialect, listener: Listener, stop: threading.Event
    ) -> tuple[str, bool]:
        began_s = heard_s = pinged_s = self._outside.monotonic_s()
        self._renew = False
        with self._lock:
            self._symbols_changed = False
            symbols = self._symbols
        for text in (*dialect.opened(self._outside.now_ms()), *dialect.watch(symbols)):
            connection.send(text)
        if isinstance(dialect, ReadyWhenOpen):
            self._tell(listener, up=True, detail="")
        while not stop.is_set():
            opcode, data = self._receive(connection)
            now_s = self._outside.monotonic_s()
            if opcode is not None:
                heard_s = now_s
            if data is not None:
                self.counters.last_message_s = now_s
                self.counters.messages += 1
                reaction = dialect.received(data, listener, self._outside.now_ms())
                if reaction.problem:
                    return reaction.problem, reaction.fatal
                self._react(connection, reaction, listener)
            if self._renew:
                return "given up from outside", False
            if not self._up and now_s - began_s > READY_WITHIN_S:
                return f"not ready within {READY_WITHIN_S:g} s", False
            if now_s - heard_s > dialect.silence_s:
                return f"silent for {dialect.silence_s:g} s", False
            if dialect.life_s and now_s - began_s > dialect.life_s - RENEW_BEFORE_S:
                return "renewed before the venue ends it", False
            if dialect.ping_every_s and now_s - pinged_s >= dialect.ping_every_s:
                pinged_s = now_s
                self._ping(connection, dialect)
            dialect.keep_alive(self._outside.now_ms())
            self._send_symbols(connection, dialect)
        return "stopped", False

    def _receive(self, connection: websocket.WebSocket) -> tuple[int | None, bytes | None]:
        """A frame's kind and its data; pings (answered already) and pongs show life and carry no data."""
        try:
            opcode, data = connection.recv_data(control_frame=True)
        except websocket.WebSocketTimeoutException:
            return None, None
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            raise _CLOSED("closed by the venue")
        if opcode in _SIGNS_OF_LIFE:
            return opcode, None
        if len(data) > MAX_MESSAGE_BYTES:
            raise _CLOSED(f"a message of {len(data)} bytes")
        return opcode, bytes(data)

    def _react(self, connection: websocket.WebSocket, reaction: Reaction, listener: Listener) -> None:
        for text in reaction.send:
            connection.send(text)
        if reaction.unknown:
            self.counters.unknown += 1
        if reaction.ready:
            self._tell(listener, up=True, detail="")

    def _ping(self, connection: websocket.WebSocket, dialect: Dialect) -> None:
        text = dialect.ping(self._outside.now_ms())
        if text is None:
            connection.ping()
        else:
            connection.send(text)

    def _send_symbols(self, connection: websocket.WebSocket, dialect: Dialect) -> None:
        with self._lock:
            if not self._symbols_changed:
                return
            self._symbols_changed = False
            symbols = self._symbols
        for text in dialect.watch(symbols):
            connection.send(text)

    def _tell(self, listener: Listener, *, up: bool, detail: str) -> None:
        if self._up != up:
            self._up = up
            self._up_since_s = self._outside.monotonic_s()
            listener.on_connection(up=up, detail=detail)
