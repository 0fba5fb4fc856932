"""What the paper venue trades in a run: made-up prices from a seed, or recorded ones."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

from adapters.candles import read_candles, recording_argument
from adapters.simulator.feed import CandleFeed, SeededFeed
from adapters.simulator.listing import base_prices, paper_instruments, recorded_instrument
from adapters.simulator.paper_config import Delay, PaperConfig
from adapters.simulator.state import ExchangeConfig
from messages.instruments import Instrument
from messages.values import Money, Symbol, Venue

PAPER: Final = Venue("paper")


class UnknownPaperSymbolError(ValueError):
    """A symbol that the paper venue does not list; the text says which it does."""


def demo_market(
    *, seed: int, symbols: Sequence[Symbol], volatility_percent: Decimal
) -> tuple[SeededFeed, tuple[Instrument, ...]]:
    """Made-up prices of ``symbols``, which follow from ``seed`` and the time.

    Args:
        seed: Of the market.
        symbols: Of the listed ones.
        volatility_percent: An hour's movement, in percent. From 2 on it is lively: stops trail within minutes.

    Raises:
        UnknownPaperSymbolError: One of the symbols is not listed.
    """
    feed = seeded_feed(seed=seed, symbols=symbols, volatility_percent=volatility_percent)
    return feed, paper_instruments(PAPER, symbols)


def seeded_feed(*, seed: int, symbols: Sequence[Symbol], volatility_percent: Decimal) -> SeededFeed:
    """The prices of :func:`demo_market` alone, for a venue of any name."""
    prices = base_prices()
    unknown = [symbol for symbol in symbols if symbol not in prices]
    if unknown:
        raise UnknownPaperSymbolError(f"PAPER_SYMBOLS names {', '.join(unknown)}: allowed are {', '.join(prices)}")
    return SeededFeed(
        seed=seed,
        bases={symbol: prices[symbol] for symbol in symbols},
        ticks={each.symbol: each.price_tick for each in paper_instruments(PAPER, symbols)},
        volatility_percent=float(volatility_percent),
    )


def paper_config(*, wallet: Money, latency_ms: int, seed: int, hedge: bool = False) -> PaperConfig:
    """A paper exchange whose account begins with ``wallet`` USDT, up to ``latency_ms`` away in each direction."""
    delay = Delay(min_ms=latency_ms / 4, max_ms=latency_ms)
    return PaperConfig(
        exchange=ExchangeConfig(venue=PAPER, wallet=wallet, hedge=hedge),
        request_delay=delay,
        answer_delay=delay,
        event_delay=delay,
        seed=seed,
    )


def recorded_market(
    arguments: Sequence[str], *, now_ms: int | None = None
) -> tuple[CandleFeed, tuple[Instrument, ...]]:
    """The symbols of candle files, each given as FILE or SYMBOL=FILE.

    With ``now_ms`` the recording is shifted so that it begins now; without, it keeps its own time.

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
    begins_ms = min(rows[0].time_ms for rows in candles.values())
    return CandleFeed(candles, shift_ms=0 if now_ms is None else now_ms - begins_ms), instruments
