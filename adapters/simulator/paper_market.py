"""What the paper venue trades: instruments and prices, from recordings or from a seed."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

from adapters.candles import Candle, read_candles, recording_argument
from adapters.simulator.feed import CandleFeed, SeededFeed
from messages.instruments import Instrument
from messages.values import Price, Quantity, Symbol, Venue

PAPER: Final = Venue("paper")
MIN_NOTIONAL: Final = Decimal(5)

DEMO_BASES: Final[Mapping[Symbol, Price]] = {
    Symbol("BTCUSDT"): Decimal(60_000),
    Symbol("ETHUSDT"): Decimal(3_000),
    Symbol("SOLUSDT"): Decimal(150),
}
DEMO_TICKS: Final[Mapping[Symbol, Price]] = {
    Symbol("BTCUSDT"): Decimal("0.1"),
    Symbol("ETHUSDT"): Decimal("0.01"),
    Symbol("SOLUSDT"): Decimal("0.001"),
}
DEMO_STEPS: Final[Mapping[Symbol, Quantity]] = {
    Symbol("BTCUSDT"): Decimal("0.0001"),
    Symbol("ETHUSDT"): Decimal("0.001"),
    Symbol("SOLUSDT"): Decimal("0.01"),
}


def demo_market(*, seed: int) -> tuple[SeededFeed, tuple[Instrument, ...]]:
    """Three symbols whose prices follow from ``seed`` and the time."""
    feed = SeededFeed(seed=seed, bases=DEMO_BASES, ticks=DEMO_TICKS, volatility_percent=2.0)
    instruments = tuple(_instrument(symbol, tick=DEMO_TICKS[symbol], step=DEMO_STEPS[symbol]) for symbol in DEMO_BASES)
    return feed, instruments


def recorded_market(arguments: Sequence[str]) -> tuple[CandleFeed, tuple[Instrument, ...]]:
    """The symbols of candle files, each given as FILE or SYMBOL=FILE.

    Raises:
        BadRecordingError: A file is missing or wrong; names the line and what to do.
    """
    files: dict[Symbol, Path] = dict(recording_argument(argument) for argument in arguments)
    candles = {symbol: read_candles(path) for symbol, path in files.items()}
    instruments = tuple(
        _instrument(symbol, tick=_tick_of(rows), step=_step_of(rows)) for symbol, rows in candles.items()
    )
    return CandleFeed(candles), instruments


def _instrument(symbol: Symbol, *, tick: Price, step: Quantity) -> Instrument:
    return Instrument(
        venue=PAPER,
        symbol=symbol,
        price_tick=tick,
        quantity_step=step,
        min_quantity=step,
        min_notional=MIN_NOTIONAL,
    )


def _tick_of(rows: Sequence[Candle]) -> Price:
    """The finest step that the recorded prices use."""
    prices = [price for row in rows for price in (row.open, row.high, row.low, row.close)]
    exponents = [price.normalize().as_tuple().exponent for price in prices]
    finest = min((exponent for exponent in exponents if isinstance(exponent, int)), default=0)
    return Decimal(1).scaleb(min(finest, 0))


def _step_of(rows: Sequence[Candle]) -> Quantity:
    """A power of ten that is worth about a dollar or a little less."""
    return Decimal(1).scaleb(-max(rows[0].close.adjusted(), 0) if rows[0].close >= 1 else 0)
