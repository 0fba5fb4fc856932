"""A venue's private and market connections together; satisfies the actors' ``VenueStreams``."""

from collections.abc import Callable, Sequence

from adapters.outside import MACHINE, Outside
from adapters.streams.dialect import Dialect, Listener
from adapters.streams.session import StreamSession
from messages.values import Symbol


class MarketListener:
    """The market connection's losses are not the private one's: prices simply come again."""

    def __init__(self, listener: Listener) -> None:
        self.on_tick = listener.on_tick
        self.on_order = listener.on_order
        self.on_fill = listener.on_fill
        self.on_position = listener.on_position
        self.on_funding = listener.on_funding

    def on_connection(self, *, up: bool, detail: str) -> None:
        """Nothing to reconcile."""


class TwoStreams:
    """A private session and a market session, each with its own thread."""

    def __init__(
        self, *, private: Callable[[], Dialect], market: Callable[[], Dialect], outside: Outside = MACHINE
    ) -> None:
        self.private = StreamSession(private, outside=outside)
        self.market = StreamSession(market, outside=outside)

    def start(self, listener: Listener) -> None:
        """Connect both."""
        self.private.start(listener)
        self.market.start(MarketListener(listener))

    def watch(self, symbols: Sequence[Symbol]) -> None:
        """Subscribe market data of exactly these symbols."""
        self.market.watch(symbols)

    def reconnect(self) -> None:
        """Give both connections up and make new ones."""
        self.private.reconnect()
        self.market.reconnect()

    def stop(self) -> None:
        """Disconnect both."""
        self.private.stop()
        self.market.stop()
