"""The private and market streams of one venue.

**Owns** the venue's streams: that they run. For which symbols outlives it.
**Accepts** SymbolWanted and StreamOfNoUse (from the market actor), Terminated of the connection monitor.
**Sends** ticks straight from the stream's thread to the market actor; orders, fills, funding, positions and
StreamChanged to the desk, ConnectionSeen to the connection monitor.
**On crash** the streams are stopped and started again; the desk reads the account when they are back.
"""

from collections.abc import Mapping
from typing import assert_never

from actors import addresses
from actors.kernel import Actor, Ref, Terminated
from actors.ports import VenueStreams
from messages.connections import ConnectionSeen
from messages.market import Tick
from messages.orders import FillReport, FundingReport, OrderReport, PositionReport
from messages.positions import FillReceived, FundingReceived, OrderUpdated, PositionUpdated, StreamChanged
from messages.supervision import StreamOfNoUse, SymbolWanted
from messages.values import Symbol, Venue


class _Listener:
    """Turns what a stream says into messages; called from the stream's thread."""

    def __init__(self, *, venue: Venue, market: Ref, desk: Ref, connections: Ref) -> None:
        self._venue = venue
        self._connections = connections
        self._market = market
        self._desk = desk
        self.up: bool | None = None
        self.detail = "no word of it yet"

    def on_tick(self, tick: Tick) -> None:
        self._market.tell(tick)

    def on_order(self, report: OrderReport) -> None:
        self._desk.tell(OrderUpdated(report=report))

    def on_fill(self, fill: FillReport) -> None:
        self._desk.tell(FillReceived(fill=fill))

    def on_position(self, venue: Venue, symbol: Symbol, report: PositionReport | None) -> None:
        self._desk.tell(PositionUpdated(venue=venue, symbol=symbol, report=report))

    def on_funding(self, payment: FundingReport) -> None:
        self._desk.tell(FundingReceived(payment=payment))

    def on_connection(self, *, up: bool, detail: str) -> None:
        self.up, self.detail = up, detail
        self._desk.tell(StreamChanged(venue=self._venue, up=up, detail=detail))
        self.tell_monitor()

    def tell_monitor(self) -> None:
        name = addresses.exchange(self._venue, "stream")
        self._connections.tell(ConnectionSeen(name=name, up=self.up is True, detail=self.detail))


class StreamActor(Actor):
    """Keeps the streams running."""

    def __init__(
        self,
        *,
        venue: Venue,
        streams: VenueStreams,
        market: Ref,
        desk: Ref,
        connections: Ref,
        symbols: list[Symbol],
    ) -> None:
        """``symbols`` are watched from the start; those that are wanted later are added to them."""
        super().__init__()
        self._streams = streams
        self._connections = connections
        self._listener = _Listener(venue=venue, market=market, desk=desk, connections=connections)
        self._symbols = symbols

    def on_start(self) -> None:
        self.context.watch(self._connections)
        self._streams.stop()
        self._listener.tell_monitor()
        self._streams.watch(tuple(self._symbols))
        self._streams.start(self._listener)

    def on_receive(self, message: SymbolWanted | StreamOfNoUse | Terminated) -> None:
        match message:
            case SymbolWanted(symbol=symbol):
                if symbol not in self._symbols:
                    self._symbols.append(symbol)
                    self._streams.watch(tuple(self._symbols))
            case StreamOfNoUse():
                self._streams.reconnect()
            case Terminated():
                self._listener.tell_monitor()
            case _:
                assert_never(message)

    def describe(self) -> Mapping[str, object]:
        """Whether the private stream is up, and which symbols are watched."""
        return {"up": self._listener.up, "detail": self._listener.detail, "symbols": tuple(self._symbols)}

    def on_stop(self) -> None:
        self._streams.stop()
