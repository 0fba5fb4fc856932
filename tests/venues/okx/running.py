"""A running simulated OKX, and our side of it over real sockets."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

from adapters.simulator.paper import PaperExchange
from adapters.simulator.profiles import OKX
from adapters.simulator.wire.dialect import Keys
from adapters.simulator.wire.okx import OkxWire
from adapters.simulator.wire.server import WireServer
from adapters.streams.okx import okx_connection
from adapters.venues.rest import VenueConfig
from adapters.venues.threaded_calls import ThreadedCalls
from messages.instruments import Instrument
from messages.values import Venue
from tests.contract.battery import Setup, Trio, listed, running_exchange

VENUE = Venue("okx")
KEYS = Keys()
LOT = Decimal(100)
"""Contracts in one base coin: a contract is a hundredth of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The exchange, its server, and the way in."""

    exchange: PaperExchange
    server: WireServer
    config: VenueConfig


def contracts() -> Sequence[Instrument]:
    """BTC and ETH in contracts of a hundredth."""
    return listed(
        VENUE,
        contract_size=Decimal(1) / LOT,
        quantity_step=Decimal(1),
        min_quantity=Decimal(1),
        min_notional=Decimal(0),
        max_quantity=100 * LOT,
        max_market_quantity=50 * LOT,
    )


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
def running(setup: Setup | None = None) -> Iterator[Running]:
    setup = setup or Setup()
    with running_exchange(setup, venue=VENUE, profile=OKX, instruments=contracts()) as exchange:
        server = WireServer(OkxWire(exchange, KEYS), exchange)
        server.start()
        try:
            yield Running(exchange=exchange, server=server, config=a_config(server, hedge=setup.hedge))
        finally:
            server.stop()


@contextmanager
def okx(setup: Setup) -> Iterator[Trio]:
    """For the contract battery."""
    with running(setup) as venue:
        rest, streams = okx_connection(venue.config)
        calls = ThreadedCalls(rest, workers=3)
        try:
            yield Trio(calls=calls, streams=streams, exchange=venue.exchange, lot=LOT)
        finally:
            streams.stop()
            calls.close()
