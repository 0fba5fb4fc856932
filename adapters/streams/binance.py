"""Binance's streams of one account: private events, prices, and the best bids and asks."""

from collections.abc import Sequence
from typing import Any, Final

import ccxt

from adapters.streams.binance_market import BOOK_STREAMS, PRICE_STREAMS, BinanceMarket, PriceBoard
from adapters.streams.binance_private import BinancePrivate, PrivateMemory
from adapters.streams.dialect import Listener
from adapters.streams.session import StreamSession
from adapters.streams.venue_streams import MarketListener, TwoStreams
from adapters.venues.binance import BinanceRest, new_exchange
from adapters.venues.rest import VenueConfig
from messages.values import Symbol

LIVE: Final = "wss://fstream.binance.com"
DEMO: Final = "wss://fstream.binancefuture.com"


class BinanceStreams(TwoStreams):
    """The private and market connections, and a third one: bids and asks have a place of their own at this venue."""

    def __init__(self, config: VenueConfig) -> None:
        base = config.ws_url or (DEMO if config.testnet else LIVE)
        board, memory, keys = PriceBoard(), PrivateMemory(), RestListenKeys(config)
        super().__init__(
            private=lambda: BinancePrivate(
                address=lambda key: f"{base}/private/ws?listenKey={key}", keys=keys, memory=memory
            ),
            market=lambda: BinanceMarket(
                name="binance market", address=lambda: f"{base}/market/ws", streams=PRICE_STREAMS, board=board
            ),
            outside=config.outside,
        )
        self.book = StreamSession(
            lambda: BinanceMarket(
                name="binance book", address=lambda: f"{base}/public/ws", streams=BOOK_STREAMS, board=board
            ),
            outside=config.outside,
        )

    def start(self, listener: Listener) -> None:
        """Connect all three."""
        super().start(listener)
        self.book.start(MarketListener(listener))

    def watch(self, symbols: Sequence[Symbol]) -> None:
        """Subscribe market data of exactly these symbols."""
        super().watch(symbols)
        self.book.watch(symbols)

    def reconnect(self) -> None:
        """Give all connections up and make new ones."""
        super().reconnect()
        self.book.reconnect()

    def stop(self) -> None:
        """Disconnect all three."""
        super().stop()
        self.book.stop()


class RestListenKeys:
    """The listen key by REST, with a client of the stream's own thread."""

    def __init__(self, config: VenueConfig) -> None:
        self._config = config
        self._exchange: Any = None

    def create(self) -> str:
        """A key, new or the living one.

        Raises:
            OSError: The venue gave none.
        """
        answer = self._call("fapiPrivatePostListenKey")
        key = answer.get("listenKey") if isinstance(answer, dict) else None
        if not isinstance(key, str) or not key:
            raise OSError(f"no listen key in {answer!r:.100}")
        return key

    def keep_alive(self) -> None:
        """One more hour.

        Raises:
            OSError: It cannot be kept.
        """
        self._call("fapiPrivatePutListenKey")

    def _call(self, method: str) -> object:
        if self._exchange is None:
            self._exchange = new_exchange(self._config)
        try:
            return getattr(self._exchange, method)()
        except ccxt.BaseError as error:
            raise OSError(f"listen key: {type(error).__name__}: {error}"[:300]) from error


def binance_connection(config: VenueConfig) -> tuple[BinanceRest, BinanceStreams]:
    """Both sides of ``config``'s account."""
    return BinanceRest(config), binance_streams(config)


def binance_streams(config: VenueConfig) -> BinanceStreams:
    """The streams of ``config``'s account."""
    return BinanceStreams(config)
