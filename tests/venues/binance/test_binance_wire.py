"""What the simulated Binance refuses: wrong keys and signatures, wrong parameters, and too much of everything."""

import hashlib
import hmac
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import ccxt
import pytest

from adapters.simulator.wire.binance_limits import BinanceLimits
from adapters.simulator.wire.dialect import Keys
from adapters.venues.binance import ORDERS_1M, ORDERS_10S, WEIGHT, BinanceRest, new_exchange
from messages.values import ClientOrderId, MarginMode, OrderKind
from messages.venue import (
    AmendOrder,
    CancelOrder,
    FetchAccount,
    FetchFills,
    FetchInstruments,
    FetchServerTime,
    OrderRejected,
    PlaceOrder,
    QueryOrder,
    RejectReason,
    SetLeverage,
    VenueRequest,
)
from tests.contract.battery import Setup, accepted
from tests.simulator.builders import BTC, a_limit, a_stop, an_order
from tests.venues.binance.running import Running, running

KEYS = Keys()


@pytest.fixture
def venue() -> Iterator[Running]:
    with running(Setup(leverage=3)) as started:
        yield started


def asked(venue: Running, method: str, path: str, text: str, *, key: str | None = KEYS.api_key) -> tuple[int, Any, Any]:
    """One request as it is written here; gives the status, the answer and its headers."""
    in_body = method in {"POST", "PUT"}
    url = f"{venue.server.rest_url}{path}" + ("" if in_body else f"?{text}")
    headers = {} if key is None else {"X-MBX-APIKEY": key}
    request = urllib.request.Request(  # noqa: S310 - our own loopback server
        url, data=text.encode() if in_body else None, headers=headers, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - our own loopback server
            return answer.status, json.loads(answer.read()), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read()), error.headers


def signed(text: str, secret: str = KEYS.api_secret) -> str:
    return f"{text}&signature={hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()}"


def stamp(venue: Running, **params: str) -> str:
    return "&".join(f"{name}={value}" for name, value in {"timestamp": f"{venue.exchange.venue_ms}", **params}.items())


def code_of(answer: tuple[int, Any, Any]) -> int:
    return int(answer[1]["code"])


def test_a_request_that_is_signed_is_answered_and_says_what_was_used(venue: Running) -> None:
    status, answer, headers = asked(venue, "GET", "/fapi/v3/account", signed(stamp(venue)))
    assert (status, answer["availableBalance"]) == (200, "10000.00000000")
    assert headers["X-MBX-USED-WEIGHT-1M"] == "5"


def test_wrong_keys_and_signatures_are_refused(venue: Running) -> None:
    good = stamp(venue)
    path = "/fapi/v3/account"
    assert code_of(asked(venue, "GET", path, signed(good), key=None)) == -2014
    assert code_of(asked(venue, "GET", path, signed(good), key="OTHER")) == -2015
    assert code_of(asked(venue, "GET", path, signed(good, secret="OTHER"))) == -1022  # noqa: S106 - a wrong one
    assert code_of(asked(venue, "GET", path, good)) == -1022
    changed = signed(good).replace("timestamp=", "recvWindow=9000&timestamp=")
    assert code_of(asked(venue, "GET", path, changed)) == -1022


@pytest.mark.parametrize(("late_ms", "window"), [(6_000, None), (11_000, "10000"), (-2_000, None)])
def test_a_time_outside_of_the_window_is_refused(venue: Running, late_ms: int, window: str | None) -> None:
    params = {"timestamp": f"{venue.exchange.venue_ms - late_ms}"} | ({"recvWindow": window} if window else {})
    assert code_of(asked(venue, "GET", "/fapi/v3/account", signed(stamp(venue, **params)))) == -1021


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"symbol": "NOPEUSDT"}, -1121),
        ({"symbol": ""}, -1102),
        ({"side": "UP"}, -1117),
        ({"type": "STOP_MARKET"}, -4120),
        ({"type": "WISH"}, -1116),
        ({"type": "LIMIT", "price": "990"}, -1102),
        ({"type": "LIMIT", "price": "990", "timeInForce": "IOC"}, -1115),
        ({"type": "LIMIT", "price": "990.05", "timeInForce": "GTC"}, -4014),
        ({"type": "LIMIT", "price": "1200", "timeInForce": "GTC"}, -4016),
        ({"quantity": "x"}, -1102),
        ({"quantity": "NaN"}, -1102),
        ({"quantity": "0.0005"}, -1111),
        ({"quantity": "51"}, -4005),
        ({"quantity": "0.001"}, -4164),
        ({"quantity": "49"}, -2019),
        ({"stopLoss": "980"}, -1104),
        ({"newClientOrderId": "x" * 37}, -4015),
        ({"positionSide": "LONG"}, -4061),
        ({"reduceOnly": "true", "side": "SELL"}, -2022),
    ],
)
def test_an_order_that_is_wrong_is_refused_with_the_venues_code(
    venue: Running, changes: dict[str, str], code: int
) -> None:
    params = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1"} | changes
    assert code_of(asked(venue, "POST", "/fapi/v1/order", signed(stamp(venue, **params)))) == code
    assert venue.exchange.look(lambda engine: engine.account(BTC, taken_ms=0)).positions == ()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"triggerPrice": "1001"}, -2021),
        ({"triggerPrice": "980.05"}, -4014),
        ({"triggerPrice": ""}, -1102),
        ({"algoType": "WISH"}, -20130),
        ({"type": "TRAILING_STOP_MARKET"}, -1116),
        ({"closePosition": "true"}, -1106),
        ({"clientAlgoId": "taken"}, -20132),
    ],
)
def test_a_stop_that_is_wrong_is_refused_with_the_venues_code(
    venue: Running, changes: dict[str, str], code: int
) -> None:
    for order in (an_order(), a_stop(client_order_id=ClientOrderId("taken"))):
        accepted(venue.exchange.by_hand(PlaceOrder(order=order)))
    params = {"algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET"}
    params |= {"quantity": "1", "triggerPrice": "980", "reduceOnly": "true"} | changes
    assert code_of(asked(venue, "POST", "/fapi/v1/algoOrder", signed(stamp(venue, **params)))) == code


def test_an_id_may_be_used_again_once_its_order_has_ended(venue: Running) -> None:
    ex = new_exchange(venue.config)
    for _ in range(2):
        ex.create_order("BTC/USDT:USDT", "market", "buy", 0.01, None, {"clientOrderId": "again"})
    ex.create_order("BTC/USDT:USDT", "limit", "buy", 0.01, 990, {"clientOrderId": "rests"})
    with pytest.raises(ccxt.InvalidOrder, match="-4116"):
        ex.create_order("BTC/USDT:USDT", "limit", "buy", 0.01, 990, {"clientOrderId": "rests"})


def test_a_search_for_trades_is_of_a_week_at_most(venue: Running) -> None:
    now_ms = venue.exchange.venue_ms
    week = 7 * 86_400_000
    params = {"symbol": "BTCUSDT", "startTime": f"{now_ms - week - 2}", "endTime": f"{now_ms}"}
    assert code_of(asked(venue, "GET", "/fapi/v1/userTrades", signed(stamp(venue, **params)))) == -4166
    both = {"symbol": "BTCUSDT", "startTime": f"{now_ms}", "fromId": "1"}
    assert code_of(asked(venue, "GET", "/fapi/v1/userTrades", signed(stamp(venue, **both)))) == -1106


# --- limits -----------------------------------------------------------------------------------------------------------


def test_beyond_the_weight_it_is_too_many_and_then_a_ban() -> None:
    with running(limits=BinanceLimits(weight=12, patience=2)) as venue:
        answers = [asked(venue, "GET", "/fapi/v3/account", signed(stamp(venue))) for _ in range(6)]
        assert [status for status, _, _ in answers] == [200, 200, 429, 429, 418, 418]
        _, refusal, headers = answers[2]
        assert refusal["code"] == -1003
        assert 0 < float(headers["Retry-After"]) <= 60
        assert float(answers[-1][2]["Retry-After"]) > 60


def test_orders_have_limits_of_their_own_and_reads_go_on() -> None:
    with running(limits=BinanceLimits(orders_10s=2)) as venue:
        client = BinanceRest(venue.config).client()
        answers = [client.execute(PlaceOrder(order=an_order(quantity="0.01"))) for _ in range(3)]
        refusal = answers[-1]
        assert isinstance(refusal, OrderRejected)
        assert refusal.reason is RejectReason.RATE_LIMITED
        assert refusal.retry_after_s is not None
        assert 0 < refusal.retry_after_s <= 10
        assert not isinstance(client.execute(FetchAccount()), OrderRejected)
        client.close()


REQUESTS: list[VenueRequest] = [
    FetchInstruments(),
    FetchServerTime(),
    FetchAccount(),
    FetchAccount(symbol=BTC),
    SetLeverage(symbol=BTC, leverage=5, margin_mode=MarginMode.CROSS),
    PlaceOrder(order=an_order(client_order_id=ClientOrderId("e1"))),
    PlaceOrder(order=a_stop(client_order_id=ClientOrderId("s1"))),
    PlaceOrder(order=a_limit(client_order_id=ClientOrderId("l1"))),
    AmendOrder(order=a_limit(client_order_id=ClientOrderId("l1"), price="985")),
    QueryOrder(symbol=BTC, client_order_id=ClientOrderId("e1"), kind=OrderKind.MARKET),
    QueryOrder(symbol=BTC, client_order_id=ClientOrderId("nobody"), kind=OrderKind.STOP_MARKET),
    CancelOrder(order=a_limit(client_order_id=ClientOrderId("l1"))),
    CancelOrder(order=a_stop(client_order_id=ClientOrderId("s1"))),
]


def test_no_request_uses_more_than_it_is_said_to_cost(venue: Running) -> None:
    """The venue counts by itself; what our budget believes must not be less."""
    rest = BinanceRest(venue.config)
    client = rest.client()
    names = {WEIGHT: "X-MBX-USED-WEIGHT-1M", ORDERS_10S: "X-MBX-ORDER-COUNT-10S", ORDERS_1M: "X-MBX-ORDER-COUNT-1M"}

    def used() -> dict[str, int]:
        headers = asked(venue, "GET", "/fapi/v1/time", "")[2]
        return {window: int(headers[name]) for window, name in names.items()}

    # A history of many weeks takes as many pages; what happens all the time is a few hours.
    lately = FetchFills(symbol=BTC, since_ms=venue.exchange.venue_ms - 3_600_000)
    for request in (*REQUESTS, lately):
        cost = rest.cost(request)
        before = used()
        client.execute(request)
        after = used()
        for window in names:
            one = 1 if window == WEIGHT else 0
            spent = after[window] - before[window] - one
            # Across the end of a minute the counts begin anew.
            assert spent <= cost.get(window, 0), (request, window)
    client.close()
