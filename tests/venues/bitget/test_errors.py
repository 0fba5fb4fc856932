"""Every recorded refusal of Bitget's, over HTTP and ccxt, to what rules can act on."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from adapters.venues.bitget import BitgetRest
from adapters.venues.rest import VenueConfig
from messages.values import VenueOrderId
from messages.venue import (
    CancelOrder,
    FetchAccount,
    FetchServerTime,
    OrderAccepted,
    OrderRejected,
    OutcomeUnknown,
    PlaceOrder,
    QueryOrder,
    RejectReason,
    VenueAnswer,
)
from tests.simulator.builders import BTC, a_limit, a_stop, an_order, d
from tests.venues.bitget.canned import Answer, Asked, canned, success
from tests.venues.bitget.running import KEYS, VENUE

UNKNOWN = "unknown"
MEANINGS: dict[str, str] = {
    "40762": "insufficient_margin",
    "43012": "insufficient_margin",
    "40754": "insufficient_margin",
    "45110": "size",
    "45111": "size",
    "43027": "size",
    "40808": "size",
    "40786": "duplicate_id",
    "40757": "no_position",
    "22002": "no_position",
    "43023": "no_position",
    "40836": "reduce_only_refused",
    "40768": "not_found",
    "40109": "not_found",
    "43001": "not_found",
    "43025": "not_found",
    "45122": "would_trigger",
    "40917": "would_trigger",
    "40832": "would_trigger",
    "40830": "would_trigger",
    "40915": "would_trigger",
    "40725": UNKNOWN,
    "40015": UNKNOWN,
    "40010": UNKNOWN,
    "429": "rate_limited",
    "30007": "rate_limited",
    "40005": "clock",
    "40008": "clock",
    "40009": "authentication",
    "40006": "authentication",
    "40012": "authentication",
    "40014": "authentication",
    "40085": "authentication",
    "40034": "not_trading",
    "40309": "not_trading",
    "43008": "price_band",
    "40774": "other",
    "43011": "other",
    "40019": "other",
    "45115": "other",
    "40920": "other",
    "40756": "other",
    "40713": "other",
    "45117": "other",
    "40797": "other",
    "43055": "other",
    "40815": "other",
    "25236": "other",
    "40895": "other",
    "43028": "other",
}


def word(answer: VenueAnswer) -> str:
    return answer.reason.value if isinstance(answer, OrderRejected) else UNKNOWN


def test_every_recorded_error_has_its_meaning(venue_facts: Path) -> None:
    path = venue_facts / "errors" / "bitget_bybit_okx_error_map.json"
    entries = json.loads(path.read_text(encoding="utf-8"))["bitget"]
    queue: list[dict[str, Any]] = []

    def route(asked: Asked) -> Answer:
        if "time" in asked.path or "account" in asked.path:
            return success({"serverTime": "1700000000000", "marginMode": "isolated"})
        return Answer(body=queue[-1]["body"], status=queue[-1]["http"])

    found: dict[str, str] = {}
    with canned(route) as venue:
        for entry in entries:
            queue.append(entry)
            answer = venue.client.execute(PlaceOrder(order=an_order()))
            if isinstance(entry["body"], dict) and entry["body"]["code"] == "00000":
                assert isinstance(answer, OrderAccepted)
            elif isinstance(entry["body"], str):
                assert isinstance(answer, OutcomeUnknown)
            else:
                assert found.setdefault(entry["body"]["code"], word(answer)) == word(answer)
    assert found == MEANINGS


@pytest.mark.parametrize(
    ("code", "text", "meant"),
    [
        ("40999", "Parameter is wrong", "other"),
        ("40999", "System error, please try again later", UNKNOWN),
        ("40200", "Server upgrade, please try again later", UNKNOWN),
        ("40604", "Server is busy, please try again later", UNKNOWN),
        ("50008", "network timeout", UNKNOWN),
        ("41114", "The current trading pair is under maintenance", "not_trading"),
        ("45103", "The position stop loss is already set", "stop_exists"),
        ("40404", "Request URL NOT FOUND", "order_type_withdrawn"),
    ],
)
def test_a_code_that_is_not_recorded_is_a_refusal_only_if_it_reads_like_one(code: str, text: str, meant: str) -> None:
    body = {"code": code, "msg": text, "data": None}
    with canned(lambda asked: Answer(body=body, status=400)) as venue:
        assert word(venue.client.execute(PlaceOrder(order=a_stop(quantity=None)))) == meant


def test_a_failure_inside_a_success_is_a_refusal(venue_facts: Path) -> None:
    path = venue_facts / "errors" / "bitget_bybit_okx_error_map.json"
    [entry] = json.loads(path.read_text(encoding="utf-8"))["bitget-cancel-plan"]
    with canned(lambda asked: Answer(body=entry["body"], status=entry["http"])) as venue:
        answer = venue.client.execute(CancelOrder(order=a_stop(quantity=None)))
    assert word(answer) == "not_found"


def test_a_rate_limit_says_how_long_to_wait() -> None:
    with canned(lambda asked: Answer(body="Too Many Requests", status=429)) as venue:
        answer = venue.client.execute(FetchAccount())
    assert isinstance(answer, OrderRejected)
    assert (answer.reason, answer.retry_after_s) == (RejectReason.RATE_LIMITED, 1.0)


@pytest.mark.parametrize(
    "body", ["", "OK", "<html>", "null", "[]", '{"msg":"success"}', '{"code":"00000","data":null}']
)
def test_a_success_that_says_nothing_proves_nothing(body: str) -> None:
    def route(asked: Asked) -> Answer:
        if asked.path.endswith("account/account"):
            return success({"marginMode": "isolated"})
        return Answer(body=body)

    with canned(route) as venue:
        assert isinstance(venue.client.execute(PlaceOrder(order=an_order())), OutcomeUnknown)
        assert not isinstance(venue.client.execute(CancelOrder(order=a_stop(quantity=None))), OrderRejected)
        assert not isinstance(venue.client.execute(FetchServerTime()), OrderRejected)


def test_an_order_without_an_id_in_its_answer_is_found_by_ours() -> None:
    """Reducing orders that push others out are answered so."""
    close = an_order(reduce_only=True)
    row = {
        "symbol": "BTCUSDT",
        "orderId": "77",
        "clientOid": close.client_order_id,
        "size": "1",
        "baseVolume": "1",
        "priceAvg": "1000",
        "state": "filled",
        "side": "sell",
        "posMode": "one_way_mode",
        "orderType": "market",
        "reduceOnly": "YES",
    }

    def route(asked: Asked) -> Answer:
        if asked.path.endswith("order/detail"):
            return success(row)
        return success({"marginMode": "isolated", "clientOid": close.client_order_id})

    with canned(route) as venue:
        answer = venue.client.execute(PlaceOrder(order=close))
    assert isinstance(answer, OrderAccepted)
    assert (answer.report.venue_order_id, answer.report.filled_quantity) == (VenueOrderId("77"), d(1))


RATE_LIMITED = Answer(body={"code": "429", "msg": "too many requests", "data": None}, status=429)


def test_an_order_without_an_id_in_its_answer_is_unknown_when_the_question_for_it_is_refused() -> None:
    """It was taken: a refusal of the question, read as one of the order, would have it sent again."""

    def route(asked: Asked) -> Answer:
        if asked.path.endswith("account/account"):
            return success({"marginMode": "isolated"})
        return success({"orderId": None}) if asked.path.endswith("place-order") else RATE_LIMITED

    with canned(route) as venue:
        assert isinstance(venue.client.execute(PlaceOrder(order=an_order(reduce_only=True))), OutcomeUnknown)


def test_a_cancel_that_was_taken_is_no_refusal_when_the_order_cannot_be_read_after_it() -> None:
    def route(asked: Asked) -> Answer:
        return success({"orderId": "77"}) if asked.path.endswith("cancel-order") else RATE_LIMITED

    with canned(route) as venue:
        assert isinstance(venue.client.execute(CancelOrder(order=a_limit())), OutcomeUnknown)


def test_absence_is_told_only_after_every_list_said_so() -> None:
    def route(asked: Asked) -> Answer:
        if asked.path.endswith("order/detail"):
            return Answer(body={"code": "40109", "msg": "cannot be found", "data": None}, status=400)
        return success({"entrustedList": None, "endId": None})

    question = QueryOrder(symbol=BTC, client_order_id=a_limit().client_order_id, kind=a_limit().kind)
    with canned(route) as venue:
        assert word(venue.client.execute(question)) == "not_found"
        asked = [each.path.rsplit("/", 1)[1] for each in venue.asked]
    assert asked == ["detail", "orders-pending", "orders-history"]


def test_a_list_that_fails_is_no_absence() -> None:
    def route(asked: Asked) -> Answer:
        if asked.path.endswith("orders-history"):
            return Answer(body={"code": "40725", "msg": "service return an error", "data": None}, status=400)
        if asked.path.endswith("order/detail"):
            return Answer(body={"code": "40109", "msg": "cannot be found", "data": None}, status=400)
        return success({"entrustedList": [], "endId": None})

    question = QueryOrder(symbol=BTC, client_order_id=a_limit().client_order_id, kind=a_limit().kind)
    with canned(route) as venue:
        assert isinstance(venue.client.execute(question), OutcomeUnknown)


def test_what_was_never_connected_was_never_sent_and_what_was_cut_off_may_have_been() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        config = VenueConfig(
            venue=VENUE,
            api_key=KEYS.api_key,
            api_secret=KEYS.api_secret,
            api_passphrase=KEYS.api_passphrase,
            rest_url=f"http://127.0.0.1:{port}",
        )
        client = BitgetRest(config).client()
        assert word(client.execute(FetchAccount())) == "not_sent"
        client.close()

    def cut(asked: Asked) -> Answer:
        raise ConnectionAbortedError

    with canned(cut) as venue:
        assert isinstance(venue.client.execute(FetchAccount()), OutcomeUnknown)
