"""A signal server of the protocol of S2.1, fed from a file: for tests, and for whoever wants to see waves.

From a thread of its own. Each client is asked for the token, and then given what stands in the file whenever it asks,
or each new line as it is appended.
"""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from aiohttp import WSMsgType, web

from adapters.signal_file import SignalFileFollower, SignalLine

START_S: Final = 10.0
STOP_S: Final = 5.0
LOOK_S: Final = 0.1
MAX_KEPT: Final = 10_000
CANDLE_S: Final = 900

Rows = list[object]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalServerOptions:
    """How the server behaves.

    Attributes:
        file: A signal a line; it may grow.
        push: Whether new lines are sent by themselves as well.
        fresh: Whether each signal is sent as one of the candle that closed last, whatever its timestamp is.
    """

    file: Path
    token: str = ""
    port: int = 0
    push: bool = False
    fresh: bool = False


class SignalServer:
    """Listens on loopback; ``port`` is known after :meth:`start`."""

    def __init__(self, options: SignalServerOptions) -> None:
        self._options = options
        self._follower = SignalFileFollower(options.file)
        self._rows: Rows = []
        self._clients: set[web.WebSocketResponse] = set()
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Future[None] | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="signal-simulation", daemon=True)
        self.port = 0
        self.asked = 0
        self.refused = 0

    def start(self) -> None:
        """Listen.

        Raises:
            OSError: The port is taken.
        """
        self._thread.start()
        if not self._ready.wait(START_S) or self._error is not None:
            raise OSError(f"cannot listen on port {self._options.port}: {self._error}")

    def stop(self) -> None:
        """Stop listening and cut every connection."""
        self._on_loop(lambda over: None if over.done() else over.set_result(None))
        self._thread.join(STOP_S)

    @property
    def url(self) -> str:
        """For ``SIGNAL_WS_URL``."""
        return f"ws://127.0.0.1:{self.port}"

    def send_raw(self, content: str | bytes) -> None:
        """Send this to every client as it is, whatever it may be."""
        self._on_loop(lambda _: asyncio.ensure_future(self._to_all(content)))

    def cut(self) -> None:
        """Cut every connection; clients may come back at once."""
        self._on_loop(lambda _: asyncio.ensure_future(self._close_all()))

    # --- the event loop's thread --------------------------------------------------------------------------------------

    def _on_loop(self, do: Callable[[asyncio.Future[None]], object]) -> None:
        loop, over = self._loop, self._over
        if loop is not None and over is not None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(do, over)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - told to whoever started it
            self._error = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        app = web.Application()
        app.router.add_get("/{tail:.*}", self._talk)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self._options.port)
        try:
            await site.start()
            self.port = runner.addresses[0][1]
            self._loop = asyncio.get_running_loop()
            over: asyncio.Future[None] = self._loop.create_future()
            self._over = over
            self._ready.set()
            while not over.done():
                await self._push()
                await asyncio.wait([over], timeout=LOOK_S)
        finally:
            await self._close_all()
            await runner.cleanup()

    async def _talk(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "auth_required"})
        let_in = False
        try:
            async for message in socket:
                content = _content(message.data) if message.type is WSMsgType.TEXT else {}
                if not let_in:
                    let_in = await self._let_in(socket, content)
                elif content.get("type") == "get_signals":
                    self.asked += 1
                    self._read()
                    await socket.send_str(self._message(self._rows))
        finally:
            self._clients.discard(socket)
        return socket

    async def _let_in(self, socket: web.WebSocketResponse, content: dict[str, object]) -> bool:
        if content.get("type") == "auth" and content.get("token") == self._options.token:
            self._clients.add(socket)
            await socket.send_json({"type": "auth_success"})
            return True
        self.refused += 1
        await socket.send_json({"type": "auth_failed"})
        await socket.close()
        return False

    def _read(self) -> Rows:
        """What was appended to the file since the last look; a line that is no JSON object is sent as a text."""
        fresh: Rows = [_row(line) for line in self._follower.poll()]
        self._rows = [*self._rows, *fresh][-MAX_KEPT:]
        return fresh

    async def _push(self) -> None:
        if self._options.push:
            fresh = self._read()
            if fresh:
                await self._to_all(self._message(fresh))

    def _message(self, rows: Sequence[object]) -> str:
        data = [stamped(row) for row in rows] if self._options.fresh else rows
        return json.dumps({"type": "signals", "data": data}, default=str)

    async def _to_all(self, content: str | bytes) -> None:
        for socket in tuple(self._clients):
            with suppress(ConnectionError):  # it has just left
                await (socket.send_str(content) if isinstance(content, str) else socket.send_bytes(content))

    async def _close_all(self) -> None:
        for socket in tuple(self._clients):
            await socket.close()


def stamped(row: object) -> object:
    """``row`` as a signal of the 15-minute candle that closed last."""
    if not isinstance(row, dict):
        return row
    began_s = (int(time.time()) // CANDLE_S - 1) * CANDLE_S
    return {**row, "timestamp": datetime.fromtimestamp(began_s, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}


def _row(line: SignalLine) -> object:
    return line.text if line.raw is None else line.raw


def _content(text: str) -> dict[str, object]:
    try:
        content = json.loads(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
