"""The private and market streams of one venue.

**Owns** the venue's streams: that they run, and for which symbols.
**Accepts** SymbolWanted and StreamOfNoUse (from the market actor).
**Sends** ticks straight from the stream's thread to the market actor; orders, fills, funding, positions and
StreamChanged to the desk.
**On crash** the streams are stopped and started again; the desk reads the account when they are back.
"""

from collections.abc import Mapping
from typing import assert_never

from actors.kernel import Actor, Ref
from actors.ports import VenueStreams
from messages.market import Tick
from messages.orders import FillReport, FundingReport, OrderReport, PositionReport
from messages.positions import FillReceived, FundingReceived, OrderUpdated, PositionUpdated, StreamChanged
from messages.supervision import StreamOfNoUse, SymbolWanted
from messages.values import Symbol, Venue


class _Listener:
    """Turns what a stream says into messages; called from the stream's thread."""

    def __init__(self, *, venue: Venue, market: Ref, desk: Ref) -> None:
        self._venue = venue
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


class StreamActor(Actor):
    """Keeps the streams running."""

    def __init__(
        self, *, venue: Venue, streams: VenueStreams, market: Ref, desk: Ref, symbols: tuple[Symbol, ...]
    ) -> None:
        super().__init__()
        self._streams = streams
        self._listener = _Listener(venue=venue, market=market, desk=desk)
        self._symbols = symbols

    def on_start(self) -> None:
        self._streams.stop()
        self._streams.watch(self._symbols)
        self._streams.start(self._listener)

    def on_receive(self, message: SymbolWanted | StreamOfNoUse) -> None:
        match message:
            case SymbolWanted(symbol=symbol):
                if symbol not in self._symbols:
                    self._symbols = (*self._symbols, symbol)
                    self._streams.watch(self._symbols)
            case StreamOfNoUse():
                self._streams.reconnect()
            case _:
                assert_never(message)

    def describe(self) -> Mapping[str, object]:
        """Whether the private stream is up, and which symbols are watched."""
        return {"up": self._listener.up, "detail": self._listener.detail, "symbols": self._symbols}

    def on_stop(self) -> None:
        self._streams.stop()
