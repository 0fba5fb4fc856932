"""The simulated Bitget's WebSocket side, spoken to by websocket-client."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import websocket

from adapters.simulator.wire.bitget_stream import sign
from messages.values import ClientOrderId
from messages.venue import PlaceOrder
from tests.simulator.builders import BTC, a_stop, an_order, d
from tests.venues.bitget.running import KEYS, Running, running

INSTRUMENTS = "USDT-FUTURES"


@pytest.fixture
def venue() -> Iterator[Running]:
    with running() as venue:
        yield venue


class Client:
    """A client that says what it is told to say."""

    def __init__(self, venue: Running, which: str = "private") -> None:
        self._venue = venue
        self._socket = websocket.create_connection(f"{venue.server.ws_url}/v2/ws/{which}", timeout=5)

    def close(self) -> None:
        self._socket.close()

    def say(self, message: object) -> Any:
        self._socket.send(message if isinstance(message, str) else json.dumps(message))
        return self.hear()

    def hear(self) -> Any:
        text = self._socket.recv()
        return text if text == "pong" else json.loads(text)

    def hear_of(self, channel: str) -> Any:
        """The next push of a channel."""
        while (message := self.hear()).get("arg", {}).get("channel") != channel or "data" not in message:
            pass
        return message["data"]

    def login(self, **changes: str) -> Any:
        stamp = changes.pop("timestamp", str(self._venue.exchange.venue_ms // 1_000))
        arg = {
            "apiKey": KEYS.api_key,
            "passphrase": KEYS.api_passphrase,
            "timestamp": stamp,
            "sign": sign(KEYS.api_secret, f"{stamp}GET/user/verify".encode()),
            **changes,
        }
        return self.say({"op": "login", "args": [arg]})

    def subscribe(self, channel: str, instrument: str = "default") -> Any:
        arg = {"instType": INSTRUMENTS, "channel": channel, "instId": instrument}
        return self.say({"op": "subscribe", "args": [arg]})


def test_a_ping_is_answered(venue: Running) -> None:
    with closing(Client(venue)) as client:
        assert client.say("ping") == "pong"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"apiKey": "other"}, 30011),
        ({"passphrase": "other"}, 30012),
        ({"sign": "other"}, 30015),
        ({"timestamp": "1700000000"}, 30014),
        ({"timestamp": "soon"}, 30013),
    ],
)
def test_a_wrong_login_is_refused_with_the_venues_code(venue: Running, wrong: dict[str, str], code: int) -> None:
    with closing(Client(venue)) as client:
        answer = client.login(**wrong)
    assert (answer["event"], answer["code"]) == ("error", code)


def test_private_channels_want_a_login(venue: Running) -> None:
    with closing(Client(venue)) as client:
        assert client.subscribe("orders")["code"] == 30004
        assert client.login() == {"event": "login", "code": 0}
        assert client.subscribe("orders")["event"] == "subscribe"


@pytest.mark.parametrize(
    ("channel", "instrument"), [("surprise", "default"), ("ticker", "BTCUSDT"), ("positions", "BTCUSDT")]
)
def test_what_is_not_there_cannot_be_subscribed(venue: Running, channel: str, instrument: str) -> None:
    with closing(Client(venue)) as client:
        client.login()
        answer = client.subscribe(channel, instrument)
    assert (answer["event"], answer["code"]) == ("error", 30001)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"op":"dance","args":[]}', '{"op":"subscribe","args":7}', '{"op":"login","args":[]}']
)
def test_nonsense_is_answered_with_an_error(venue: Running, text: str) -> None:
    with closing(Client(venue)) as client:
        assert client.say(text)["event"] == "error"
        assert client.say("ping") == "pong"


def test_prices_are_pushed_until_they_are_unsubscribed(venue: Running) -> None:
    arg = {"instType": INSTRUMENTS, "channel": "ticker", "instId": "BTCUSDT"}
    with closing(Client(venue, "public")) as client:
        assert client.subscribe("ticker", "NOUSDT")["code"] == 30001
        assert client.subscribe("ticker", "BTCUSDT") == {"event": "subscribe", "arg": arg}
        [row] = client.hear_of("ticker")
        assert (row["instId"], row["lastPr"], row["markPrice"]) == ("BTCUSDT", "1000", "1000")
        venue.exchange.gap(BTC, d(1))
        assert client.hear_of("ticker")[0]["lastPr"] == "1010"
        answer = client.say({"op": "unsubscribe", "args": [arg]})
        assert answer == {"event": "unsubscribe", "arg": arg}


def test_a_triggered_stop_fills_under_the_id_of_another_order(venue: Running) -> None:
    with closing(Client(venue)) as client:
        client.login()
        for channel in ("orders", "orders-algo", "fill"):
            client.subscribe(channel)
        venue.exchange.by_hand(PlaceOrder(order=an_order()))
        stop = a_stop(quantity=None, client_order_id=ClientOrderId("HFstop"))
        venue.exchange.by_hand(PlaceOrder(order=stop))
        [live] = client.hear_of("orders-algo")
        assert (live["planType"], live["status"], live["clientOid"], live["size"]) == ("psl", "live", "HFstop", "")
        venue.exchange.gap(BTC, d(-3))
        [fill] = client.hear_of("fill")
        [executed] = client.hear_of("orders-algo")
        assert (executed["status"], executed["orderId"], executed["actualSize"]) == ("executed", live["orderId"], "1")
        [child] = client.hear_of("orders")
        assert child["orderId"] == fill["orderId"] != live["orderId"]
        assert child["clientOid"].isdigit()


def test_positions_are_pushed_as_the_full_list(venue: Running) -> None:
    with closing(Client(venue)) as client:
        client.login()
        client.subscribe("positions")
        assert client.hear_of("positions") == []
        venue.exchange.by_hand(PlaceOrder(order=an_order()))
        [row] = client.hear_of("positions")
        assert (row["instId"], row["holdSide"], row["total"]) == ("BTCUSDT", "long", "1")
        venue.exchange.by_hand(PlaceOrder(order=an_order(side="sell")))
        assert client.hear_of("positions") == []


def test_there_are_two_streams_and_no_others(venue: Running) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException):
        Client(venue, "elsewhere")
