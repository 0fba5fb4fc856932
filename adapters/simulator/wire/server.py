"""Serves one dialect over HTTP and WebSocket on a loopback port, from a thread of its own.

Guarantees: a request reaches the engine after the simulated network's delay, whatever becomes of its connection; a lost
answer keeps the client waiting, as a real one would; the engine's own thread is never held up by a slow client.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from aiohttp import WSMsgType, web
from loguru import logger

from adapters.simulator.paper import PaperExchange
from adapters.simulator.paper_clients import Session
from adapters.simulator.paper_streams import PaperStreams
from adapters.simulator.wire.dialect import HttpRequest, HttpResponse, WireDialect, WireSession
from messages.market import Tick
from messages.orders import FillReport, FundingReport, OrderReport, PositionReport
from messages.values import Symbol, Venue
from messages.venue import VenueAnswer, VenueRequest

START_S: Final = 10.0
STOP_S: Final = 5.0
FOLLOW_S: Final = 2.0
MAX_WAITING: Final = 10_000
"""Messages that wait for one slow WebSocket client before it is cut off."""


class WireServer:
    """A venue's simulated REST and WebSocket endpoints."""

    def __init__(
        self, dialect: WireDialect, exchange: PaperExchange, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self._dialect = dialect
        self._exchange = exchange
        self._host = host
        self._wanted_port = port
        self._network = Session()
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Future[None] | None = None
        self._error: BaseException | None = None
        self._streams: set[WireStream] = set()
        self.port = 0
        self._thread = threading.Thread(target=self._run, name=f"{dialect.venue}-wire", daemon=True)

    def start(self) -> None:
        """Listen.

        Raises:
            OSError: The port is taken.
        """
        self._thread.start()
        if not self._ready.wait(START_S) or self._error is not None:
            raise OSError(f"cannot listen on {self._host}:{self._wanted_port}: {self._error}")

    def stop(self) -> None:
        """Stop listening and cut every connection."""
        loop, over = self._loop, self._over
        if loop is not None and over is not None:
            _from_thread(loop, lambda: None if over.done() else over.set_result(None))
        self._thread.join(STOP_S)

    @property
    def rest_url(self) -> str:
        """For ``<VENUE>_REST_URL``."""
        return f"http://{self._host}:{self.port}"

    @property
    def ws_url(self) -> str:
        """For ``<VENUE>_WS_URL``."""
        return f"ws://{self._host}:{self.port}"

    def cut_streams(self) -> None:
        """Cut every WebSocket connection, as a network would: clients may come back at once."""
        for stream in tuple(self._streams):
            stream.cut()

    # --- the event loop's thread --------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - told to whoever started it
            self._error = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_route("*", "/{tail:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, self._host, self._wanted_port)
        try:
            await site.start()
            self.port = runner.addresses[0][1]
            self._loop = asyncio.get_running_loop()
            over: asyncio.Future[None] = self._loop.create_future()
            self._over = over
            self._ready.set()
            await over
        finally:
            self.cut_streams()
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._talk(request)
        answer = await self._answer(request)
        return web.Response(
            body=answer.body, status=answer.status, headers=dict(answer.headers), content_type="application/json"
        )

    async def _answer(self, request: web.Request) -> HttpResponse:
        wire_request = HttpRequest(
            method=request.method,
            path=request.path,
            query=request.rel_url.raw_query_string,
            headers=request.headers,
            body=await request.read(),
        )
        try:
            return await self._dialect.handle(wire_request, self._ask)
        except Exception:  # noqa: BLE001 - a mistake of the simulator's must look like a venue's failure, and be seen
            logger.exception("{} {} failed in the simulator", request.method, request.path)
            return HttpResponse(body=b'{"error":"simulator failure"}', status=500)

    async def _ask(self, request: VenueRequest) -> VenueAnswer:
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[VenueAnswer] = loop.create_future()

        def settle(answer: VenueAnswer) -> None:
            if not answered.done():
                answered.set_result(answer)

        self._exchange.carry(request, self._network, lambda answer: _from_thread(loop, lambda: settle(answer)))
        return await answered

    def _stream(self, session: WireSession, request: web.Request) -> "WireStream":
        _ = request
        return WireStream(session, self._exchange, asyncio.get_running_loop())

    async def _talk(self, request: web.Request) -> web.StreamResponse:
        session = self._dialect.session(request.path, request.rel_url.raw_query_string)
        if session is None:
            return web.Response(status=404)
        socket = web.WebSocketResponse(autoping=True, compress=False)
        stream = self._stream(session, request)
        # Where the connection itself is the login, it is there only once it hears everything.
        stream.follow()
        await stream.followed()
        # Known before the client is: a cut that comes with the handshake cuts this connection as well.
        self._streams.add(stream)
        try:
            await socket.prepare(request)
        except BaseException:
            stream.cut()
            self._streams.discard(stream)
            raise
        writer = asyncio.create_task(stream.write(socket))
        try:
            stream.send(session.opened())
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    stream.take(message.data)
        finally:
            stream.cut()
            self._streams.discard(stream)
            await writer
        return socket


class WireStream:
    """One WebSocket client: what the exchange tells it waits here until it is written."""

    def __init__(self, session: WireSession, exchange: PaperExchange, loop: asyncio.AbstractEventLoop) -> None:
        self._session = session
        self._loop = loop
        self._waiting: asyncio.Queue[str | None] = asyncio.Queue()
        self._streams = PaperStreams(exchange)
        self._following = False
        self._connected = False
        self._hears = asyncio.Event()
        self._held: list[str] = []

    def follow(self) -> None:
        """Hear of prices and, once the client may, of private events, as its subscriptions say."""
        wanted = self._session.hears_private or bool(self._session.symbols)
        if wanted and not self._following:
            self._following = True
            self._streams.start(self)
        self._streams.watch(tuple(self._session.symbols))

    async def followed(self) -> None:
        """Wait until what was followed is heard."""
        if self._following:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hears.wait(), FOLLOW_S)

    def take(self, text: str) -> None:
        """A message of the client."""
        answers = self._session.received(text)
        self.follow()
        self.send(answers)

    def send(self, texts: Sequence[str]) -> None:
        """Queue ``texts``; on the loop's thread. No subscription is confirmed before the exchange tells us things."""
        if self._following and not self._connected:
            self._held.extend(texts)
            return
        for text in texts:
            self._waiting.put_nowait(text)
        if self._waiting.qsize() > MAX_WAITING:
            self.cut()

    def cut(self) -> None:
        """End the connection."""
        self._streams.stop()
        _from_thread(self._loop, lambda: self._waiting.put_nowait(None))

    async def write(self, socket: web.WebSocketResponse) -> None:
        """Write what waits until the end."""
        while (text := await self._waiting.get()) is not None:
            try:
                await socket.send_str(text)
            except (ConnectionError, RuntimeError):
                break
            self._written()
        await socket.close()

    def _written(self) -> None:
        """A message is on its way."""

    # --- told by the exchange, on its thread --------------------------------------------------------------------------

    def on_tick(self, tick: Tick) -> None:
        """A price."""
        self._later(lambda: self._session.on_tick(tick))

    def on_order(self, report: OrderReport) -> None:
        """An order changed."""
        if self._session.hears_private:
            self._later(lambda: self._session.on_order(report))

    def on_fill(self, fill: FillReport) -> None:
        """An execution."""
        if self._session.hears_private:
            self._later(lambda: self._session.on_fill(fill))

    def on_position(self, venue: Venue, symbol: Symbol, report: PositionReport | None) -> None:
        """A position changed."""
        _ = venue
        if self._session.hears_private:
            self._later(lambda: self._session.on_position(symbol, report))

    def on_funding(self, payment: FundingReport) -> None:
        """A funding payment."""
        if self._session.hears_private:
            self._later(lambda: self._session.on_funding(payment))

    def on_connection(self, *, up: bool, detail: str) -> None:
        """Connected: what was held back goes out. A scripted drop of the stream cuts the real connection."""
        _ = detail
        if up:
            _from_thread(self._loop, self._send_held)
        else:
            self.cut()

    def _send_held(self) -> None:
        self._connected = True
        self._hears.set()
        held, self._held = self._held, []
        self.send(held)

    def _later(self, texts: Callable[[], Sequence[str]]) -> None:
        _from_thread(self._loop, lambda: self.send(texts()))


def _from_thread(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    """Run ``call`` on the loop; a loop that has ended needs nothing any more."""
    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError:
        logger.debug("the simulator's server has ended")
