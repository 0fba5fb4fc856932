"""A venue's streams, and how many prices they brought."""

from collections.abc import Sequence
from typing import Protocol

from adapters.streams.dialect import Listener
from messages.market import Tick
from messages.values import Symbol


class Streams(Protocol):
    """The streams that are counted."""

    def start(self, listener: Listener) -> None:
        """Connect."""
        ...

    def watch(self, symbols: Sequence[Symbol]) -> None:
        """Subscribe market data of exactly these symbols."""
        ...

    def reconnect(self) -> None:
        """Make new connections."""
        ...

    def stop(self) -> None:
        """Disconnect."""
        ...


class CountedStreams:
    """Passes everything on. The prices of a venue come on one thread, which alone counts them."""

    def __init__(self, streams: Streams) -> None:
        self.ticks = 0
        self._streams = streams

    def start(self, listener: Listener) -> None:
        """Connect; what was counted before is kept."""
        self._streams.start(_CountingListener(listener, self))

    def watch(self, symbols: Sequence[Symbol]) -> None:
        """Subscribe market data of exactly these symbols."""
        self._streams.watch(symbols)

    def reconnect(self) -> None:
        """Make new connections."""
        self._streams.reconnect()

    def stop(self) -> None:
        """Disconnect."""
        self._streams.stop()


class _CountingListener:
    def __init__(self, listener: Listener, counted: CountedStreams) -> None:
        self._listener = listener
        self._counted = counted
        self.on_order = listener.on_order
        self.on_fill = listener.on_fill
        self.on_position = listener.on_position
        self.on_funding = listener.on_funding
        self.on_connection = listener.on_connection

    def on_tick(self, tick: Tick) -> None:
        self._counted.ticks += tick.count
        self._listener.on_tick(tick)
