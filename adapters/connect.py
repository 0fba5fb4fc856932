"""From a venue's name to its connection: REST on worker threads, and its streams."""

import importlib
from collections.abc import Callable
from typing import Final, cast

from adapters.streams.venue_streams import TwoStreams
from adapters.venues.rest import VenueConfig, VenueRest
from adapters.venues.threaded_calls import ThreadedCalls

_VENUES: Final = frozenset({"binance", "bitget", "bybit", "okx"})


def connect(config: VenueConfig) -> tuple[ThreadedCalls, TwoStreams]:
    """The calls and the streams of ``config``'s venue, which share what they know of it; nothing is sent yet.

    A venue's library is imported only when the venue is used.

    Raises:
        KeyError: No such venue.
    """
    if config.venue not in _VENUES:
        raise KeyError(config.venue)
    module = importlib.import_module(f"adapters.streams.{config.venue}")
    make = cast("Callable[[VenueConfig], tuple[VenueRest, TwoStreams]]", getattr(module, f"{config.venue}_connection"))
    rest, streams = make(config)
    return ThreadedCalls(rest), streams
