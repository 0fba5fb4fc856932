"""A running simulated Binance, and our side of it over real sockets."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from adapters.simulator.paper import PaperExchange
from adapters.simulator.profiles import BINANCE
from adapters.simulator.wire.binance import BinanceWire
from adapters.simulator.wire.binance_limits import BinanceLimits
from adapters.simulator.wire.dialect import Keys
from adapters.simulator.wire.server import WireServer
from adapters.streams.binance import binance_streams
from adapters.venues.binance import BinanceRest
from adapters.venues.rest import VenueConfig
from adapters.venues.threaded_calls import ThreadedCalls
from messages.values import Venue
from tests.contract.battery import Setup, Trio, running_exchange

VENUE = Venue("binance")
GENEROUS = BinanceLimits(weight=100_000, orders_10s=100_000, orders_1m=100_000)
"""For tests of anything but the limits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The exchange, its server, and the way in."""

    exchange: PaperExchange
    wire: BinanceWire
    server: WireServer
    config: VenueConfig


def a_config(server: WireServer, *, hedge: bool = False) -> VenueConfig:
    keys = Keys()
    return VenueConfig(
        venue=VENUE,
        api_key=keys.api_key,
        api_secret=keys.api_secret,
        rest_url=server.rest_url,
        ws_url=server.ws_url,
        hedge=hedge,
        timeout_ms=2_000,
    )


@contextmanager
def running(setup: Setup | None = None, *, limits: BinanceLimits = GENEROUS) -> Iterator[Running]:
    setup = setup or Setup()
    with running_exchange(setup, venue=VENUE, profile=BINANCE) as exchange:
        wire = BinanceWire(exchange, Keys(), limits=limits)
        server = WireServer(wire, exchange)
        server.start()
        try:
            yield Running(exchange=exchange, wire=wire, server=server, config=a_config(server, hedge=setup.hedge))
        finally:
            server.stop()


@contextmanager
def binance(setup: Setup) -> Iterator[Trio]:
    """For the contract battery."""
    with running(setup) as venue:
        calls, streams = ThreadedCalls(BinanceRest(venue.config), workers=3), binance_streams(venue.config)
        try:
            yield Trio(calls=calls, streams=streams, exchange=venue.exchange)
        finally:
            streams.stop()
            calls.close()
