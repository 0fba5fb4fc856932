"""From a venue's name to its connection: REST on worker threads, and its streams."""

import importlib
from collections.abc import Callable
from typing import Final, cast

from adapters.streams.venue_streams import TwoStreams
from adapters.venues.rest import VenueConfig, VenueRest
from adapters.venues.threaded_calls import ThreadedCalls

_REST: Final = {
    "binance": ("adapters.venues.binance", "BinanceRest"),
    "bitget": ("adapters.venues.bitget", "BitgetRest"),
    "bybit": ("adapters.venues.bybit", "BybitRest"),
    "okx": ("adapters.venues.okx", "OkxRest"),
}


def connect(config: VenueConfig) -> tuple[ThreadedCalls, TwoStreams]:
    """The calls and the streams of ``config``'s venue; nothing is sent yet.

    A venue's library is imported only when the venue is used.

    Raises:
        KeyError: No such venue.
    """
    module, name = _REST[config.venue]
    make_rest = cast("Callable[[VenueConfig], VenueRest]", getattr(importlib.import_module(module), name))
    streams_module = importlib.import_module(f"adapters.streams.{config.venue}")
    make_streams = cast("Callable[[VenueConfig], TwoStreams]", getattr(streams_module, f"{config.venue}_streams"))
    return ThreadedCalls(make_rest(config)), make_streams(config)
