"""Our streams on the simulated Bitget when things go wrong: keys, clocks, silence."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from adapters.streams.bitget import bitget_connection
from adapters.streams.venue_streams import TwoStreams
from adapters.venues.rest import VenueConfig
from messages.values import Symbol
from messages.venue import PlaceOrder
from tests.contract.battery import Listening
from tests.simulator.builders import BTC, an_order, d
from tests.venues.bitget.running import Running, running


@pytest.fixture
def venue() -> Iterator[Running]:
    with running() as venue:
        yield venue


@pytest.fixture
def started() -> Iterator[list[TwoStreams]]:
    streams: list[TwoStreams] = []
    yield streams
    for each in streams:
        each.stop()


def listening(started: list[TwoStreams], config: VenueConfig, *symbols: Symbol) -> Listening:
    heard = Listening()
    _, streams = bitget_connection(config)
    started.append(streams)
    streams.watch(symbols)
    streams.start(heard)
    return heard


def test_a_clock_that_is_far_off_is_mended_and_the_login_tried_again(venue: Running, started: list[TwoStreams]) -> None:
    venue.exchange.skew_clock(3_600_000)
    heard = listening(started, venue.config)
    heard.until(lambda: heard.connections == [True])


def test_a_wrong_key_never_comes_up_and_prices_come_all_the_same(venue: Running, started: list[TwoStreams]) -> None:
    heard = listening(started, replace(venue.config, api_key="other"), BTC)
    heard.until(lambda: heard.ticks)
    assert heard.connections == []
    assert started[0].private.counters.reconnects <= 1


def test_a_symbol_that_does_not_exist_takes_no_prices_away(venue: Running, started: list[TwoStreams]) -> None:
    heard = listening(started, venue.config, Symbol("NOUSDT"), BTC)
    venue.exchange.gap(BTC, d(1))
    heard.until(lambda: heard.ticks and heard.ticks[-1].last == d(1010))


def test_a_position_that_is_open_already_is_told_at_the_start(venue: Running, started: list[TwoStreams]) -> None:
    venue.exchange.by_hand(PlaceOrder(order=an_order()))
    heard = listening(started, venue.config)
    heard.until(lambda: heard.positions)
    position = heard.positions[0]
    assert position is not None
    assert (position.quantity, position.mark_price) == (d(1), d(1000))


def test_a_connection_that_is_cut_comes_back_and_hears_again(venue: Running, started: list[TwoStreams]) -> None:
    heard = listening(started, venue.config)
    heard.until(lambda: heard.connections == [True])
    venue.server.cut_streams()
    heard.until(lambda: heard.connections == [True, False, True])
    venue.exchange.by_hand(PlaceOrder(order=an_order()))
    heard.until(lambda: heard.orders and heard.positions)
