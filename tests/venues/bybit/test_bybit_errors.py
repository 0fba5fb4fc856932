"""Every recorded error of Bybit's, and what it means to us."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from adapters.venues.bybit import BybitRest
from messages.orders import OrderSpec
from messages.values import MarginMode, OrderKind, OrderPurpose
from messages.venue import (
    AmendOrder,
    FetchAccount,
    LeverageSet,
    OrderAccepted,
    OrderRejected,
    OutcomeUnknown,
    PlaceOrder,
    RejectReason,
    SetLeverage,
    VenueAnswer,
)
from tests.simulator.builders import BTC, a_stop, a_take_profit, an_order
from tests.venues.bybit.recording import Asked, Prepared, config_for, recording, success

R = RejectReason
UNKNOWN = None
MEANINGS: dict[int, RejectReason | None] = {
    10000: UNKNOWN,
    10002: R.CLOCK,
    10003: R.AUTHENTICATION,
    10004: R.AUTHENTICATION,
    10005: R.AUTHENTICATION,
    10006: R.RATE_LIMITED,
    10010: R.AUTHENTICATION,
    10014: UNKNOWN,
    10016: UNKNOWN,
    10018: R.RATE_LIMITED,
    10029: R.NOT_TRADING,
    110001: R.NOT_FOUND,
    110003: R.PRICE_BAND,
    110004: R.INSUFFICIENT_MARGIN,
    110006: R.INSUFFICIENT_MARGIN,
    110007: R.INSUFFICIENT_MARGIN,
    110008: R.NOT_FOUND,
    110009: R.OTHER,
    110010: R.NOT_FOUND,
    110012: R.INSUFFICIENT_MARGIN,
    110013: R.OTHER,
    110014: R.INSUFFICIENT_MARGIN,
    110017: R.NO_POSITION,
    110020: R.OTHER,
    110024: R.OTHER,
    110025: R.OTHER,
    110026: R.OTHER,
    110028: R.OTHER,
    110030: R.DUPLICATE_ID,
    110034: R.NO_POSITION,
    110043: R.OTHER,
    110045: R.INSUFFICIENT_MARGIN,
    110058: R.SIZE,
    110060: R.OTHER,
    110061: R.OTHER,
    110072: R.DUPLICATE_ID,
    110079: UNKNOWN,
    110092: R.WOULD_TRIGGER,
    110093: R.WOULD_TRIGGER,
    110094: R.SIZE,
    34040: R.OTHER,
    170213: R.NOT_FOUND,
    403: R.RATE_LIMITED,
    429: R.RATE_LIMITED,
    -1: R.CLOCK,
    3100116: R.SIZE,
}
WORDS: dict[str, RejectReason | None] = {
    "params error: Qty invalid": R.SIZE,
    "position idx not match position mode": R.OTHER,
    "can not set tp/sl/ts for zero position": R.NO_POSITION,
    "StopLoss:490000000 set for Buy position should lower than base_price:500000000??MarkPrice": R.WOULD_TRIGGER,
    "params error: symbol invalid BTCXUSDT": R.NOT_TRADING,
}
"""Code 10001, by its text."""
BODIES: dict[str, RejectReason | None] = {
    "access too frequent": R.RATE_LIMITED,
    "too many": R.RATE_LIMITED,
    "bad gw": UNKNOWN,
}
"""What is no JSON, by its text."""


def recorded_errors(venue_facts: Path) -> Sequence[dict[str, Any]]:
    text = (venue_facts / "errors" / "bitget_bybit_okx_error_map.json").read_text(encoding="utf-8")
    errors: Sequence[dict[str, Any]] = json.loads(text)["bybit"]
    return errors


def expected(entry: dict[str, Any]) -> RejectReason | None:
    body = entry["body"]
    if isinstance(body, str):
        return BODIES[body]
    return WORDS[body["retMsg"]] if body["retCode"] == 10001 else MEANINGS[body["retCode"]]


def meaning_of(answer: VenueAnswer) -> RejectReason | None:
    if isinstance(answer, OutcomeUnknown):
        return UNKNOWN
    assert isinstance(answer, OrderRejected), answer
    return answer.reason


def refusing(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Any:
    def answering(asked: Asked) -> Prepared:
        if asked.path == "/v5/market/time":
            return success({"timeSecond": "1700000000", "timeNano": "1700000000000000000"})
        return Prepared(body=body, status=status, headers=headers or {})

    return answering


def refused(code: int, text: str = "x") -> dict[str, Any]:
    return {"retCode": code, "retMsg": text, "result": {}, "retExtInfo": {}, "time": 1_700_000_000_000}


def test_every_recorded_error_means_what_we_say_it_means(venue_facts: Path) -> None:
    current: dict[str, Any] = {}

    def answering(asked: Asked) -> Prepared:
        return refusing(current["body"], current["http"])(asked)  # type: ignore[no-any-return] # a closure of ours

    found, wanted = [], []
    with recording(answering) as (client, _):
        for entry in recorded_errors(venue_facts):
            current = entry
            found.append((entry["body"], meaning_of(client.execute(PlaceOrder(order=an_order())))))
            wanted.append((entry["body"], expected(entry)))
    assert found == wanted


@pytest.mark.parametrize(
    ("code", "text", "reason"),
    [
        (110017, "Reduce-only rule not satisfied", R.REDUCE_ONLY_REFUSED),
        (110074, "This contract is not live", R.NOT_TRADING),
        (33004, "Your api key has expired.", R.AUTHENTICATION),
        (999999, "what nobody has heard of", R.OTHER),
        (10001, "TakeProfit:1 set for Sell position should be higher than base_price", R.WOULD_TRIGGER),
    ],
)
def test_codes_that_are_not_recorded(code: int, text: str, reason: RejectReason) -> None:
    with recording(refusing(refused(code, text))) as (client, _):
        assert meaning_of(client.execute(PlaceOrder(order=an_order()))) is reason


def test_a_rate_limit_says_when_its_window_ends() -> None:
    far = {"X-Bapi-Limit-Reset-Timestamp": "32503680000000"}
    with recording(refusing(refused(10006), headers=far)) as (client, _):
        answer = client.execute(PlaceOrder(order=an_order()))
    assert isinstance(answer, OrderRejected)
    assert answer.retry_after_s is not None
    assert answer.retry_after_s > 1_000_000


def test_a_banned_address_waits_a_minute() -> None:
    with recording(refusing("access too frequent", 403)) as (client, _):
        answer = client.execute(PlaceOrder(order=an_order()))
    assert isinstance(answer, OrderRejected)
    assert answer.retry_after_s == 60


def test_a_wrong_clock_is_set_by_the_venues_before_it_is_told() -> None:
    with recording(refusing(refused(10002))) as (client, server):
        answer = client.execute(PlaceOrder(order=an_order()))
    assert isinstance(answer, OrderRejected)
    assert (answer.reason, answer.retry_after_s) == (R.CLOCK, 0.0)
    assert [asked.path for asked in server.asked] == ["/v5/order/create", "/v5/market/time"]


@pytest.mark.parametrize(
    "body",
    ["", "<html>sorry</html>", "null", "[]", '{"retCode":0}', '{"retCode":0,"result":{"orderId":""}}', '"text"'],
)
def test_a_success_without_an_order_id_is_no_success(body: str) -> None:
    with recording(refusing(body)) as (client, _):
        assert isinstance(client.execute(PlaceOrder(order=an_order())), OutcomeUnknown)


@pytest.mark.parametrize(
    "row",
    [
        {"symbol": "BTCUSDT", "orderId": "1", "side": "Sideways", "orderType": "Market", "orderStatus": "New"},
        {"symbol": "BTCUSDT", "orderId": "1", "side": "Buy", "orderType": "Limit", "orderStatus": "New", "qty": "NaN"},
        {"symbol": "BTCUSDT", "orderId": 1, "side": "Buy", "orderType": "Limit", "orderStatus": "New", "qty": [1]},
        {"symbol": "BTCUSDT"},
        "nonsense",
    ],
)
def test_a_list_of_orders_that_is_not_understood_passes_for_no_list(row: object) -> None:
    def answering(asked: Asked) -> Prepared:
        return success({"list": [row] if asked.path == "/v5/order/realtime" else [], "nextPageCursor": ""})

    with recording(answering) as (client, _):
        assert isinstance(client.execute(FetchAccount()), OutcomeUnknown)


def test_an_endless_list_is_given_up() -> None:
    row = {"symbol": "BTCUSDT", "side": "", "size": "0"}
    with recording(lambda _: success({"list": [row], "nextPageCursor": "again"})) as (client, server):
        assert isinstance(client.execute(FetchAccount()), OutcomeUnknown)
    assert len(server.asked) < 300


def test_where_nobody_listens_nothing_was_sent() -> None:
    with recording(lambda _: success({})) as (_, server):
        url = server.url
    client = BybitRest(config_for(url)).client()
    assert meaning_of(client.execute(PlaceOrder(order=an_order()))) is R.NOT_SENT
    client.close()


def test_what_is_as_asked_already_is_success() -> None:
    def answering(asked: Asked) -> Prepared:
        match asked.path:
            case "/v5/account/info":
                return success({"marginMode": "REGULAR_MARGIN"})
            case "/v5/account/set-margin-mode":
                return Prepared(body=refused(110026))
            case "/v5/position/list":
                return success({"list": []})
            case "/v5/position/set-leverage":
                return Prepared(body=refused(110043))
            case _:
                text = "The order remains unchanged as the parameters entered match the existing ones."
                return Prepared(body=refused(10001, text))

    with recording(answering) as (client, _):
        wanted = SetLeverage(symbol=BTC, leverage=5, margin_mode=MarginMode.ISOLATED)
        assert isinstance(client.execute(wanted), LeverageSet)
        order = a_take_profit(venue_order_id="abc")
        assert isinstance(client.execute(AmendOrder(order=order)), OrderAccepted)


def test_a_margin_mode_that_is_refused_inside_a_success_is_refused() -> None:
    def answering(asked: Asked) -> Prepared:
        if asked.path == "/v5/account/set-margin-mode":
            return success({"reasons": [{"reasonCode": "3400045", "reasonMsg": "equity too small"}]})
        return success({"marginMode": "REGULAR_MARGIN"})

    with recording(answering) as (client, server):
        wanted = SetLeverage(symbol=BTC, leverage=5, margin_mode=MarginMode.ISOLATED)
        assert meaning_of(client.execute(wanted)) is R.OTHER
    assert "/v5/position/set-leverage" not in [asked.path for asked in server.asked]


def test_the_margin_mode_of_the_account_is_not_switched_while_a_position_is_open() -> None:
    held = {"symbol": "ETHUSDT", "side": "Buy", "size": "0.5", "positionIdx": 0, "leverage": "5", "markPrice": "1000"}

    def answering(asked: Asked) -> Prepared:
        return success({"list": [held]} if asked.path == "/v5/position/list" else {"marginMode": "REGULAR_MARGIN"})

    with recording(answering) as (client, server):
        answer = client.execute(SetLeverage(symbol=BTC, leverage=5, margin_mode=MarginMode.ISOLATED))
        assert isinstance(answer, OrderRejected)
        assert "open positions" in answer.text
    assert {asked.path for asked in server.asked} == {"/v5/account/info", "/v5/position/list"}


def test_a_stop_that_is_acknowledged_and_not_shown_is_unknown_and_never_sent_as_a_plain_order() -> None:
    stop: OrderSpec = a_stop(quantity=None)
    assert (stop.kind, stop.purpose) == (OrderKind.STOP_MARKET, OrderPurpose.STOP)
    with recording(lambda _: success({"list": [], "nextPageCursor": ""})) as (client, server):
        assert isinstance(client.execute(PlaceOrder(order=stop)), OutcomeUnknown)
    assert {asked.path for asked in server.asked} == {"/v5/position/trading-stop", "/v5/order/realtime"}
