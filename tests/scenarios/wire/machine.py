"""The machine that an adapter runs on, in virtual time: its clock, its threads, its WebSockets."""

import threading
from collections.abc import Callable
from typing import Final

import websocket

from tests.scenarios.wire.server import TameServer, TameStream
from tests.scenarios.wire.turns import PATIENCE_S, Parking, ProcessIsDead, Turns

RECV_S: Final = 1.0
"""How long a WebSocket waits for a message before its session looks at its clocks."""


class TameMachine:
    """Satisfies :class:`~adapters.outside.Outside`."""

    def __init__(self, turns: Turns, server: TameServer) -> None:
        self._turns = turns
        self._server = server
        self._threads: list[threading.Thread] = []
        self._parkings: dict[int | None, Parking] = {}
        self.errors: list[BaseException] = []

    def now_ms(self) -> int:
        return self._turns.time.now_ms()

    def monotonic_s(self) -> float:
        return self._turns.time.monotonic_s()

    def wait(self, stop: threading.Event, seconds: float) -> object:
        if not stop.is_set():
            self.parking().park(seconds)
        return stop.is_set()

    def run(self, target: Callable[[], None], name: str) -> threading.Thread:
        def live() -> None:
            try:
                target()
            except ProcessIsDead:
                return
            except BaseException as error:  # noqa: BLE001 - what ends a thread of ours is told at the end of the test
                self.errors.append(error)
            finally:
                self._turns.rest()

        thread = threading.Thread(target=live, name=name, daemon=True)
        self._threads.append(thread)
        self._turns.run(thread.start)
        return thread

    def join(self, thread: threading.Thread, seconds: float) -> None:
        """What waits for virtual time is woken, sees that it is to end, and ends."""
        _ = seconds
        self._parkings[thread.ident].wake()
        assert not thread.is_alive() or self._turns.is_over(), "a thread that was to end is still waiting"

    def connect(self, url: str) -> websocket.WebSocket:
        socket = TameSocket(self._turns, self.parking())
        socket.settimeout(PATIENCE_S)
        socket.connect(url)  # type: ignore[no-untyped-call]
        socket.meet(self._server)
        return socket

    def parking(self) -> Parking:
        """The running thread's."""
        ident = threading.current_thread().ident
        if ident not in self._parkings:
            self._parkings[ident] = Parking(self._turns)
        return self._parkings[ident]

    def end(self) -> None:
        """The process died: its threads end."""
        for parking in tuple(self._parkings.values()):
            parking.release()
        for thread in self._threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), f"{thread.name} outlives its process"


class TameSocket(websocket.WebSocket):
    """A WebSocket that never waits for what does not come in this virtual moment."""

    def __init__(self, turns: Turns, parking: Parking) -> None:
        super().__init__(skip_utf8_validation=True)
        self._turns = turns
        self._parking = parking
        self._stream: TameStream | None = None
        self._sent = self._pinged = self._read = 0

    def meet(self, server: TameServer) -> None:
        """Know the other end."""
        assert self.sock is not None
        self._stream = server.stream_at(self.sock.getsockname()[1])
        self._stream.client = self._parking
        self._stream.settle(0)

    def send(self, payload: bytes | str, opcode: int = websocket.ABNF.OPCODE_TEXT) -> int:
        sent = super().send(payload, opcode)
        if opcode == websocket.ABNF.OPCODE_PING:
            self._pinged += 1
        elif opcode == websocket.ABNF.OPCODE_TEXT and self._stream is not None:
            self._sent += 1
            self._stream.settle(self._sent)
        return sent

    def recv_data(self, control_frame: bool = False) -> tuple[int, bytes]:  # noqa: FBT001, FBT002 - its own signature
        if self._turns.is_over():
            raise ProcessIsDead
        if not self._something_is_due():
            self._parking.park(RECV_S)
        if not self._something_is_due():
            raise websocket.WebSocketTimeoutException("nothing came")
        opcode, data = super().recv_data(control_frame=control_frame)
        self._read += 1
        return opcode, data

    def close(
        self, status: int = websocket.STATUS_NORMAL, reason: str | bytes = b"", timeout: float | None = PATIENCE_S
    ) -> None:
        if self._turns.is_over():
            self.shutdown()  # type: ignore[no-untyped-call]
            return
        super().close(status, reason, timeout)
        if self._stream is not None:
            self._stream.gone.wait(PATIENCE_S)

    def _something_is_due(self) -> bool:
        stream = self._stream
        return stream is None or stream.cut_off or self._read < stream.written + self._pinged
