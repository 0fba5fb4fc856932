"""A simulated Bybit on loopback, and our adapter and streams connected to it."""

from collections.abc import Iterator
from contextlib import contextmanager

from adapters.simulator.paper import PaperExchange
from adapters.simulator.profiles import BYBIT as PROFILE
from adapters.simulator.wire.bybit import BybitWire
from adapters.simulator.wire.dialect import Keys
from adapters.simulator.wire.server import WireServer
from adapters.streams.bybit import bybit_connection
from adapters.venues.bybit_rows import BYBIT
from adapters.venues.rest import VenueConfig
from adapters.venues.threaded_calls import ThreadedCalls
from tests.contract.battery import Setup, Trio, running_exchange

KEYS = Keys()


def config_of(server: WireServer, *, hedge: bool = False, keys: Keys = KEYS) -> VenueConfig:
    """How to reach the server."""
    return VenueConfig(
        venue=BYBIT,
        api_key=keys.api_key,
        api_secret=keys.api_secret,
        rest_url=server.rest_url,
        ws_url=server.ws_url,
        hedge=hedge,
        timeout_ms=4_000,
    )


@contextmanager
def served(exchange: PaperExchange) -> Iterator[WireServer]:
    """The exchange behind Bybit's dialect."""
    server = WireServer(BybitWire(exchange, KEYS), exchange)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def bybit(setup: Setup) -> Iterator[Trio]:
    """Our adapter against the simulated venue, for the battery."""
    with running_exchange(setup, venue=BYBIT, profile=PROFILE) as exchange, served(exchange) as server:
        config = config_of(server, hedge=setup.hedge)
        rest, streams = bybit_connection(config)
        calls = ThreadedCalls(rest, workers=2)
        try:
            yield Trio(calls=calls, streams=streams, exchange=exchange)
        finally:
            streams.stop()
            calls.close()
