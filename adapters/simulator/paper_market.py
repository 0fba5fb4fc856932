"""What the paper venue trades in a run: made-up prices from a seed, or recorded ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from adapters.candles import read_candles, recording_argument
from adapters.demo_signals import DEMO_SYMBOLS
from adapters.simulator.feed import CandleFeed, SeededFeed
from adapters.simulator.listing import base_prices, paper_instruments, recorded_instrument
from messages.instruments import Instrument
from messages.values import Symbol, Venue

PAPER: Final = Venue("paper")
DEMO_VOLATILITY_PERCENT: Final = 2.0
"""An hour's movement: lively, so that a table on a terminal shows stops that trail within minutes."""


def demo_market(*, seed: int) -> tuple[SeededFeed, tuple[Instrument, ...]]:
    """The demo symbols, whose prices follow from ``seed`` and the time."""
    instruments = paper_instruments(PAPER, DEMO_SYMBOLS)
    prices = base_prices()
    feed = SeededFeed(
        seed=seed,
        bases={each.symbol: prices[each.symbol] for each in instruments},
        ticks={each.symbol: each.price_tick for each in instruments},
        volatility_percent=DEMO_VOLATILITY_PERCENT,
    )
    return feed, instruments


def recorded_market(arguments: Sequence[str]) -> tuple[CandleFeed, tuple[Instrument, ...]]:
    """The symbols of candle files, each given as FILE or SYMBOL=FILE.

    Raises:
        BadRecordingError: A file is missing or wrong; names the line and what to do.
    """
    files: dict[Symbol, Path] = dict(recording_argument(argument) for argument in arguments)
    candles = {symbol: read_candles(path) for symbol, path in files.items()}
    instruments = tuple(
        recorded_instrument(
            PAPER, symbol, (price for row in rows for price in (row.open, row.high, row.low, row.close))
        )
        for symbol, rows in candles.items()
    )
    return CandleFeed(candles), instruments
