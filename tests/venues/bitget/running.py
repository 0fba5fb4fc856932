"""A running simulated Bitget, and our side of it over real sockets."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from adapters.simulator.paper import PaperExchange
from adapters.simulator.profiles import BITGET
from adapters.simulator.wire.bitget import BitgetWire
from adapters.simulator.wire.dialect import Keys
from adapters.simulator.wire.server import WireServer
from adapters.streams.bitget import bitget_connection
from adapters.venues.rest import VenueConfig
from adapters.venues.threaded_calls import ThreadedCalls
from messages.values import Venue
from tests.contract.battery import Setup, Trio, running_exchange

VENUE = Venue("bitget")
KEYS = Keys()


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The exchange, its server, and the way in."""

    exchange: PaperExchange
    server: WireServer
    config: VenueConfig


def a_config(server: WireServer, *, hedge: bool = False, keys: Keys = KEYS) -> VenueConfig:
    return VenueConfig(
        venue=VENUE,
        api_key=keys.api_key,
        api_secret=keys.api_secret,
        api_passphrase=keys.api_passphrase,
        rest_url=server.rest_url,
        ws_url=server.ws_url,
        hedge=hedge,
        timeout_ms=2_000,
    )


@contextmanager
def running(setup: Setup | None = None, *, limited: bool = False) -> Iterator[Running]:
    setup = setup or Setup()
    with running_exchange(setup, venue=VENUE, profile=BITGET) as exchange:
        server = WireServer(BitgetWire(exchange, KEYS, limited=limited), exchange)
        server.start()
        try:
            yield Running(exchange=exchange, server=server, config=a_config(server, hedge=setup.hedge))
        finally:
            server.stop()


@contextmanager
def bitget(setup: Setup) -> Iterator[Trio]:
    """For the contract battery."""
    with running(setup) as venue:
        rest, streams = bitget_connection(venue.config)
        calls = ThreadedCalls(rest, workers=3)
        try:
            yield Trio(calls=calls, streams=streams, exchange=venue.exchange, names_attached_stops=False)
        finally:
            streams.stop()
            calls.close()
