"""Our streams against the simulated Binance's, over real sockets."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
import websocket

from adapters.streams.binance import RestListenKeys, binance_streams
from messages.orders import OrderStatus
from messages.values import ClientOrderId, OrderSide, Side
from messages.venue import AmendOrder, CancelOrder, PlaceOrder
from tests.contract.battery import Listening, Setup, accepted
from tests.simulator.builders import BTC, ETH, a_limit, a_stop, an_order, d
from tests.venues.binance.prepared import config_for
from tests.venues.binance.running import Running, running


@pytest.fixture
def venue() -> Iterator[Running]:
    with running() as started:
        yield started


@pytest.fixture
def heard(venue: Running) -> Iterator[Listening]:
    streams, listening = binance_streams(venue.config), Listening()
    streams.watch([BTC, ETH])
    streams.start(listening)
    try:
        listening.until(lambda: listening.connections == [True])
        yield listening
    finally:
        streams.stop()


def test_a_listen_key_that_expired_makes_a_new_connection_with_a_new_key(venue: Running, heard: Listening) -> None:
    venue.wire.expire_listen_key()
    accepted(venue.exchange.by_hand(PlaceOrder(order=an_order())))
    heard.until(lambda: heard.connections == [True, False, True])
    assert heard.fills == [], "it was told by nobody; the account is read when the stream is back"
    accepted(venue.exchange.by_hand(PlaceOrder(order=an_order(side=OrderSide.SELL))))
    heard.until(lambda: [fill.side for fill in heard.fills] == [OrderSide.SELL])


def test_a_cut_connection_comes_back_and_prices_come_again(venue: Running, heard: Listening) -> None:
    heard.until(lambda: {tick.symbol for tick in heard.ticks} == {BTC, ETH})
    venue.server.cut_streams()
    heard.until(lambda: heard.connections == [True, False, True])
    venue.exchange.gap(BTC, d(1))
    # The market connection is back before or after the gap; in the second case ETH is told after BTC.
    heard.until(lambda: any(tick.last == 1010 for tick in heard.ticks if tick.symbol == BTC))


def test_an_amended_order_is_told_with_its_new_price_and_a_cancelled_one_as_such(
    venue: Running, heard: Listening
) -> None:
    order = a_limit(client_order_id=ClientOrderId("rest1"))
    accepted(venue.exchange.by_hand(PlaceOrder(order=order)))
    accepted(venue.exchange.by_hand(AmendOrder(order=replace(order, price=d(985)))))
    accepted(venue.exchange.by_hand(CancelOrder(order=order)))
    heard.until(lambda: len(heard.orders) == 3)
    statuses = [OrderStatus.WORKING, OrderStatus.WORKING, OrderStatus.CANCELLED]
    assert [each.status for each in heard.orders] == statuses
    assert [each.price for each in heard.orders] == [d(990), d(985), d(985)]


def test_a_stop_whose_position_is_gone_is_told_as_expired(venue: Running, heard: Listening) -> None:
    for order in (an_order(), a_stop(), an_order(side=OrderSide.SELL)):
        accepted(venue.exchange.by_hand(PlaceOrder(order=order)))
    venue.exchange.gap(BTC, d(-3))
    heard.until(lambda: heard.orders and heard.orders[-1].status is OrderStatus.EXPIRED)


def test_in_hedge_mode_each_side_is_told_as_its_own() -> None:
    with running(Setup(hedge=True)) as venue:
        streams, heard = binance_streams(venue.config), Listening()
        streams.start(heard)
        try:
            heard.until(lambda: heard.connections == [True])
            for side, position in ((OrderSide.BUY, Side.LONG), (OrderSide.SELL, Side.SHORT)):
                order = an_order(side=side, hedge_side=position)
                accepted(venue.exchange.by_hand(PlaceOrder(order=order)))
            heard.until(lambda: len(heard.positions) == 2)
            sides = [(each.side, each.hedge_side) for each in heard.positions if each is not None]
            assert sides == [(Side.LONG, Side.LONG), (Side.SHORT, Side.SHORT)]
            assert [fill.hedge_side for fill in heard.fills] == [Side.LONG, Side.SHORT]
        finally:
            streams.stop()


def test_wrong_keys_give_no_listen_key() -> None:
    keys = RestListenKeys(config_for("http://127.0.0.1:9"))
    with pytest.raises(OSError, match="listen key"):
        keys.create()


def test_an_address_without_a_living_listen_key_leads_nowhere(venue: Running) -> None:
    for path in ("/private/ws?listenKey=nonsense", "/private/ws", "/ws", "/nowhere/ws"):
        with pytest.raises(websocket.WebSocketBadStatusException):
            websocket.create_connection(f"{venue.server.ws_url}{path}", timeout=5)


def test_the_simulated_stream_answers_what_it_is_told(venue: Running) -> None:
    connection = websocket.create_connection(
        f"{venue.server.ws_url}/market/stream?streams=btcusdt@markPrice", timeout=5
    )
    try:
        first = json.loads(connection.recv())
        assert (first["stream"], first["data"]["e"]) == ("btcusdt@markPrice", "markPriceUpdate")
        said = {
            '{"method":"SUBSCRIBE","params":["ethusdt@aggTrade"],"id":1}': {"result": None, "id": 1},
            '{"method":"LIST_SUBSCRIPTIONS","id":2}': {
                "result": ["btcusdt@markPrice", "ethusdt@aggTrade"],
                "id": 2,
            },
            '{"method":"UNSUBSCRIBE","params":["ethusdt@aggTrade"],"id":3}': {"result": None, "id": 3},
            '{"method":"SUBSCRIBE","params":["btcusdt@bookTicker"],"id":4}': {
                "error": {"code": 2, "msg": "Invalid request: invalid stream"},
                "id": 4,
            },
            '{"method":"WISH","id":5}': {
                "error": {"code": 2, "msg": "Invalid request: unknown variant"},
                "id": 5,
            },
            "[]": {"error": {"code": 2, "msg": "Invalid request: not an object"}},
            "{": {"error": {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"}},
        }
        for text, wanted in said.items():
            connection.send(text)
            answer = json.loads(connection.recv())
            while "stream" in answer:
                answer = json.loads(connection.recv())
            assert answer == wanted
    finally:
        connection.close()


def test_streams_end_at_once_when_they_are_stopped(venue: Running) -> None:
    before = threading.active_count()
    streams, heard = binance_streams(venue.config), Listening()
    streams.start(heard)
    heard.until(lambda: heard.connections == [True])
    streams.stop()
    assert threading.active_count() <= before
