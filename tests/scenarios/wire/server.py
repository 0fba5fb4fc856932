"""The venue's server in virtual time: its network is the world's, and whoever waits for it rests."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from aiohttp import web

from adapters.simulator.paper import PaperExchange
from adapters.simulator.wire.dialect import HttpResponse, WireDialect, WireSession
from adapters.simulator.wire.server import WireServer, WireStream
from messages.venue import AmendOrder, CancelOrder, PlaceOrder, VenueAnswer, VenueRequest
from rules.client_order_ids import parse_client_order_id
from tests.scenarios.wire.spoiling import Spoiler
from tests.scenarios.wire.turns import PATIENCE_S, Parking, Turns

HTTP_TIMEOUT_S: Final = 10.0
"""After which a client gives a request up: in virtual time, the server ends the connection then."""


class TameServer(WireServer):
    """One process's way to the venue; the dialect behind it, and what it remembers, outlives the process."""

    def __init__(
        self, dialect: WireDialect, exchange: PaperExchange, turns: Turns, spoiler: Spoiler | None = None
    ) -> None:
        super().__init__(dialect, exchange)
        self._spoiler = spoiler
        self._turns = turns
        self._waiting: dict[asyncio.Task[object], None] = {}
        self._clients: dict[int, TameStream] = {}

    def stream_at(self, port: int) -> "TameStream":
        """The connection whose client has ``port``."""
        return self._clients[port]

    def end(self) -> None:
        """Cut everything, at once."""
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(lambda: [task.cancel() for task in self._waiting])
        self.stop()

    async def _answer(self, request: web.Request) -> HttpResponse:
        spoiler = self._spoiler
        if spoiler is None:
            return await super()._answer(request)
        instead = spoiler.instead(request.method, request.path)
        return instead or spoiler.spoilt(request.method, request.path, await super()._answer(request))

    async def _ask(self, request: VenueRequest) -> VenueAnswer:
        """Carry ``request``; its client rests until the answer, or the end of its patience."""
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        if self._turns.is_over():
            raise asyncio.CancelledError
        answered: asyncio.Future[VenueAnswer] = loop.create_future()

        def go_on(call: Callable[[], object]) -> None:
            if not answered.done():
                self._turns.run(lambda: loop.call_soon_threadsafe(call))

        timer = self._turns.time.call_later(HTTP_TIMEOUT_S, lambda: go_on(task.cancel))
        self._exchange.carry(
            self._as_we_call_it(request), self._network, lambda answer: go_on(lambda: answered.set_result(answer))
        )
        self._waiting[task] = None
        self._turns.rest()
        try:
            return await answered
        finally:
            timer.cancel()
            del self._waiting[task]

    def _as_we_call_it(self, request: VenueRequest) -> VenueRequest:
        """With the purpose that the order's id tells, and its kind: faults ask for both, dialects do not tell them."""
        if not isinstance(request, PlaceOrder | AmendOrder | CancelOrder):
            return request
        spec = request.order
        order = self._exchange.look(lambda exchange: exchange.state.orders.find(spec))
        name = parse_client_order_id((order and order.client_order_id) or spec.client_order_id)
        kind = spec.kind if order is None or isinstance(request, PlaceOrder) else order.kind
        return replace(request, order=replace(spec, kind=kind, purpose=name.purpose if name else spec.purpose))

    def _stream(self, session: WireSession, request: web.Request) -> WireStream:
        stream = TameStream(session, self._exchange, self._turns)
        assert request.transport is not None
        self._clients[request.transport.get_extra_info("peername")[1]] = stream
        return stream


class _Counted(asyncio.Queue[str | None]):
    """Knows how many messages were ever put into it."""

    messages = 0

    def put_nowait(self, item: str | None) -> None:
        self.messages += item is not None
        super().put_nowait(item)


class TameStream(WireStream):
    """One WebSocket client: what it is told, it has taken before the world goes on.

    Attributes:
        written: Messages on their way to the client.
        cut_off: Whether the connection ends.
        client: Where the client waits; set by the client.
        gone: Set when the connection has ended.
    """

    def __init__(self, session: WireSession, exchange: PaperExchange, turns: Turns) -> None:
        super().__init__(session, exchange, asyncio.get_running_loop())
        self._turns = turns
        self._counted = _Counted()
        self._waiting = self._counted
        self._news = asyncio.Event()
        self._taken = 0
        self._shaking_hands = False
        self.written = 0
        self.cut_off = False
        self.client: Parking | None = None
        self.gone = threading.Event()

    def settle(self, taken: int) -> None:
        """Wait until the client's ``taken`` messages were taken and everything that follows is on its way."""
        asyncio.run_coroutine_threadsafe(self._settled(taken), self._loop).result(PATIENCE_S)

    # --- the event loop's thread --------------------------------------------------------------------------------------

    async def _settled(self, taken: int) -> None:
        while not self.cut_off and (self._taken < taken or self.written < self._counted.messages):
            self._news.clear()
            await self._news.wait()

    async def followed(self) -> None:
        """The handshake waits for virtual time."""
        if self._following and not self._connected:
            self._shaking_hands = True
            self._turns.rest()
            await self._hears.wait()

    def take(self, text: str) -> None:
        super().take(text)
        self._taken += 1
        self._news.set()

    def cut(self) -> None:
        super().cut()
        self.cut_off = True
        self._loop.call_soon_threadsafe(self._news.set)

    async def write(self, socket: web.WebSocketResponse) -> None:
        try:
            await super().write(socket)
        finally:
            self.gone.set()

    def _written(self) -> None:
        self.written += 1
        self._news.set()

    # --- told by the exchange, on the test's thread -------------------------------------------------------------------

    def on_connection(self, *, up: bool, detail: str) -> None:
        if self._turns.is_over():
            return
        if self._shaking_hands:
            self._shaking_hands = False
            self._turns.run(lambda: super(TameStream, self).on_connection(up=up, detail=detail))
            return
        super().on_connection(up=up, detail=detail)
        self._hand_over()

    def _later(self, texts: Callable[[], Sequence[str]]) -> None:
        if not self._turns.is_over():
            super()._later(texts)
            self._hand_over()

    def _hand_over(self) -> None:
        self.settle(0)
        if self.client is not None:
            self.client.wake()
