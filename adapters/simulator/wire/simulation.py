"""One simulated venue that stands by itself: exchange, market, faults and server, for ``holdfast simulate``."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Final, cast

import msgspec
from loguru import logger

from adapters.arguments import WrongArgumentError
from adapters.simulator.fault_script import NO_FAULTS, FaultScript
from adapters.simulator.feed import MarketFeed
from adapters.simulator.listing import base_prices, paper_instruments
from adapters.simulator.paper import PaperExchange
from adapters.simulator.paper_config import PaperConfig
from adapters.simulator.paper_market import paper_config, recorded_market, seeded_feed
from adapters.simulator.profiles import PROFILES
from adapters.simulator.scheduler_thread import SchedulerThread
from adapters.simulator.wire.dialect import Keys, WireDialect
from adapters.simulator.wire.server import WireServer
from messages.instruments import Instrument
from messages.run_report import LedgerTotals
from messages.values import Money, Symbol, Venue

WIRES: Final = {
    "binance": ("adapters.simulator.wire.binance", "BinanceWire"),
    "bitget": ("adapters.simulator.wire.bitget", "BitgetWire"),
    "bybit": ("adapters.simulator.wire.bybit", "BybitWire"),
    "okx": ("adapters.simulator.wire.okx", "OkxWire"),
}
"""Where each venue's dialect is; imported when it is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationOptions:
    """How a venue is simulated.

    Attributes:
        data: Candle files, played from now on as if they were the present; none: a seeded market.
        latency_ms: Longest way in each direction.
        hedge: Whether the account is in hedge mode.
        state: Where the exchange keeps its state; ``None`` in memory.
    """

    venue: str
    port: int = 0
    symbols: Sequence[Symbol] = tuple(base_prices())
    data: Sequence[str] = ()
    faults: FaultScript = NO_FAULTS
    wallet: Money = Decimal(10_000)
    latency_ms: int = 20
    volatility_percent: Decimal = Decimal(2)
    seed: int = 1
    hedge: bool = False
    state: Path | None = None
    keys: Keys = field(default_factory=Keys)


class Simulation:
    """A running simulated venue."""

    def __init__(self, options: SimulationOptions) -> None:
        """Make it; :meth:`start` lets it go.

        Raises:
            WrongArgumentError: No such venue.
            BadRecordingError: A candle file is missing or wrong.
            PaperStateError: The state file cannot be used.
        """
        if options.venue not in WIRES:
            raise WrongArgumentError(f"VENUE is {options.venue!r}: allowed are {', '.join(WIRES)}")
        venue = Venue(options.venue)
        self._clock = SchedulerThread(on_error=lambda error: logger.error("the exchange failed: {!r}", error))
        feed, instruments = self._market(options, venue)
        self.exchange = PaperExchange(
            instruments=instruments,
            feed=feed,
            scheduler=self._clock,
            clock=self._clock,
            config=_config(options, venue),
            path=options.state,
            faults=options.faults,
        )
        self.server = WireServer(_wire(options.venue, self.exchange, options.keys), self.exchange, port=options.port)

    def _market(self, options: SimulationOptions, venue: Venue) -> tuple[MarketFeed, tuple[Instrument, ...]]:
        if options.data:
            feed, instruments = recorded_market(options.data, now_ms=self._clock.now_ms())
            return feed, tuple(replace(each, venue=venue) for each in instruments)
        seeded = seeded_feed(seed=options.seed, symbols=options.symbols, volatility_percent=options.volatility_percent)
        return seeded, paper_instruments(venue, options.symbols)

    def start(self) -> None:
        """Open the market and listen.

        Raises:
            OSError: The port is taken.
        """
        self._clock.start()
        self.exchange.start()
        self.server.start()

    def stop(self) -> None:
        """Stop listening, close the market."""
        self.server.stop()
        self.exchange.stop()
        self._clock.stop()

    def ledger(self) -> LedgerTotals:
        """The venue's own book on its client."""
        return msgspec.convert(dict(self.exchange.ledger_snapshot()), LedgerTotals)


def _wire(venue: str, exchange: PaperExchange, keys: Keys) -> WireDialect:
    module, name = WIRES[venue]
    return cast("WireDialect", getattr(importlib.import_module(module), name)(exchange, keys))


def _config(options: SimulationOptions, venue: Venue) -> PaperConfig:
    config = paper_config(wallet=options.wallet, latency_ms=options.latency_ms, seed=options.seed)
    exchange = replace(config.exchange, venue=venue, profile=PROFILES[options.venue], hedge=options.hedge)
    return replace(config, exchange=exchange)
