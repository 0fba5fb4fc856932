"""Requests and streams of one account share what they know."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from adapters.connect import connect
from adapters.simulator.fault_script import NO_FAULTS, FaultAction, FaultRule, FaultScript
from adapters.simulator.wire.simulation import Simulation, SimulationOptions
from adapters.streams.venue_streams import TwoStreams
from messages.values import MarginMode, Venue
from messages.venue import FetchServerTime, LeverageSet, OrderAccepted, PlaceOrder, ServerTime, SetLeverage
from tests.contract.battery import Listening, Trio
from tests.simulator.builders import BTC, an_order
from tests.venues.test_preflight import a_config

SKEW_MS = 90_000


@contextmanager
def connected(venue: str, *, skew_ms: int = 0) -> Iterator[tuple[Trio, TwoStreams, Listening]]:
    """As a run connects, to a simulated venue whose clock may be ahead."""
    rules = (FaultRule(action=FaultAction.CLOCK_SKEW, offset_ms=skew_ms),) if skew_ms else ()
    faults = FaultScript(rules=rules) if rules else NO_FAULTS
    simulation = Simulation(SimulationOptions(venue=venue, latency_ms=0, faults=faults))
    simulation.start()
    try:
        server = simulation.server
        calls, streams = connect(a_config(venue, rest_url=server.rest_url, ws_url=server.ws_url))
        try:
            yield Trio(calls=calls, streams=streams, exchange=simulation.exchange), streams, Listening()
        finally:
            streams.stop()
            calls.close()
    finally:
        simulation.stop()


def test_a_venue_that_nobody_knows_is_told_at_once() -> None:
    with pytest.raises(KeyError, match="nowhere"):
        connect(a_config("nowhere", rest_url="http://127.0.0.1:9"))


@pytest.mark.parametrize("venue", ["bitget", "okx"])
def test_a_stream_logs_in_by_the_clock_that_a_request_has_measured(venue: str) -> None:
    with connected(venue, skew_ms=SKEW_MS) as (trio, streams, heard):
        assert isinstance(trio.ask(FetchServerTime()), ServerTime)
        streams.start(heard)
        heard.until(lambda: heard.connections == [True])
        assert streams.private.counters.reconnects == 0


def test_a_bybit_stream_tells_positions_in_the_margin_mode_of_the_account() -> None:
    with connected("bybit") as (trio, streams, heard):
        cross = SetLeverage(symbol=BTC, leverage=3, margin_mode=MarginMode.CROSS)
        assert isinstance(trio.ask(cross), LeverageSet)
        streams.start(heard)
        heard.until(lambda: heard.connections == [True])
        assert isinstance(trio.ask(PlaceOrder(order=an_order(quantity="0.01"))), OrderAccepted)
        heard.until(lambda: heard.positions)
        position = heard.positions[0]
        assert position is not None
        assert (position.venue, position.margin_mode) == (Venue("bybit"), MarginMode.CROSS)
