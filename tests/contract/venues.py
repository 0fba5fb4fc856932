"""Every venue that the battery is run against, by name."""

from collections.abc import Iterator
from contextlib import contextmanager

from adapters.simulator.paper_calls import PaperCalls
from adapters.simulator.paper_streams import PaperStreams
from adapters.simulator.profiles import PAPER
from messages.values import Venue
from tests.contract.battery import Factory, Setup, Trio, running_exchange
from tests.venues.binance.running import binance
from tests.venues.bitget.running import bitget
from tests.venues.bybit.running import bybit
from tests.venues.okx.running import okx


@contextmanager
def paper(setup: Setup) -> Iterator[Trio]:
    with running_exchange(setup, venue=Venue("paper"), profile=PAPER) as exchange:
        calls, streams = PaperCalls(exchange), PaperStreams(exchange)
        try:
            yield Trio(calls=calls, streams=streams, exchange=exchange)
        finally:
            streams.stop()
            calls.close()


VENUES: dict[str, Factory] = {"paper": paper, "binance": binance, "bitget": bitget, "bybit": bybit, "okx": okx}
