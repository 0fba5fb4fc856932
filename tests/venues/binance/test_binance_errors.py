"""Every recorded error of Binance's, and what it means to us; and the failures that carry no code."""

import socket
from decimal import Decimal
from typing import Any

import pytest

from adapters.venues.binance import BinanceRest
from messages.values import ClientOrderId, MarginMode, OrderKind, VenueOrderId
from messages.venue import (
    AmendOrder,
    CancelOrder,
    FetchAccount,
    FetchInstruments,
    FetchServerTime,
    LeverageSet,
    OrderAccepted,
    OrderRejected,
    OutcomeUnknown,
    PlaceOrder,
    QueryOrder,
    RejectReason,
    ServerTime,
    SetLeverage,
    VenueAnswer,
)
from tests.simulator.builders import BTC, a_limit, a_stop, an_order
from tests.venues.binance.prepared import (
    Asked,
    Prepared,
    always,
    config_for,
    facts,
    prepared_client,
    refusing,
)

R = RejectReason
UNKNOWN = None
MEANINGS: dict[int, RejectReason | None] = {
    -1000: UNKNOWN,
    -1001: UNKNOWN,
    -1003: R.RATE_LIMITED,
    -1007: UNKNOWN,
    -1008: UNKNOWN,
    -1015: R.RATE_LIMITED,
    -1021: R.CLOCK,
    -1022: R.AUTHENTICATION,
    -1102: R.OTHER,
    -1104: R.OTHER,
    -1106: R.OTHER,
    -1111: R.SIZE,
    -1116: R.ORDER_TYPE_WITHDRAWN,
    -1121: R.NOT_TRADING,
    -2010: R.OTHER,
    -2011: R.NOT_FOUND,
    -2013: R.NOT_FOUND,
    -2014: R.AUTHENTICATION,
    -2015: R.AUTHENTICATION,
    -2018: R.INSUFFICIENT_MARGIN,
    -2019: R.INSUFFICIENT_MARGIN,
    -2020: UNKNOWN,
    -2021: R.WOULD_TRIGGER,
    -2022: R.NO_POSITION,
    -2023: UNKNOWN,
    -2025: R.OTHER,
    -2026: R.OTHER,
    -2027: R.SIZE,
    -4003: R.SIZE,
    -4004: R.SIZE,
    -4005: R.SIZE,
    -4013: R.PRICE_BAND,
    -4014: R.OTHER,
    -4015: R.OTHER,
    -4023: R.SIZE,
    -4028: R.OTHER,
    -4045: R.OTHER,
    -4046: R.OTHER,
    -4047: R.OTHER,
    -4048: R.OTHER,
    -4059: R.OTHER,
    -4061: R.OTHER,
    -4062: R.OTHER,
    -4067: R.OTHER,
    -4068: R.OTHER,
    -4112: R.REDUCE_ONLY_REFUSED,
    -4116: R.DUPLICATE_ID,
    -4118: R.REDUCE_ONLY_REFUSED,
    -4120: R.ORDER_TYPE_WITHDRAWN,
    -4130: R.STOP_EXISTS,
    -4131: R.PRICE_BAND,
    -4136: R.OTHER,
    -4137: R.OTHER,
    -4164: R.SIZE,
    -4183: R.PRICE_BAND,
    -4192: R.NOT_TRADING,
    -4509: R.NO_POSITION,
    -5021: R.OTHER,
    -5027: R.OTHER,
    -20124: R.NOT_FOUND,
    -20130: R.OTHER,
    -20132: R.DUPLICATE_ID,
}
"""What an order means that is answered with this; ``None`` is an unknown outcome."""

PLACE = PlaceOrder(order=an_order())
PLACE_STOP = PlaceOrder(order=a_stop())
AN_ORDER = {
    "orderId": 7,
    "symbol": "BTCUSDT",
    "status": "NEW",
    "clientOrderId": "c1",
    "side": "BUY",
    "type": "LIMIT",
    "origQty": "1.000",
}
AN_ALGO = {
    "algoId": 9,
    "clientAlgoId": "s1",
    "orderType": "STOP_MARKET",
    "symbol": "BTCUSDT",
    "side": "SELL",
    "algoStatus": "NEW",
    "quantity": "1.000",
    "triggerPrice": "980.0",
}


def meaning(answer: VenueAnswer) -> RejectReason | None:
    if isinstance(answer, OutcomeUnknown):
        return UNKNOWN
    assert isinstance(answer, OrderRejected), answer
    return answer.reason


def waited(answer: VenueAnswer) -> float | None:
    assert isinstance(answer, OrderRejected), answer
    return answer.retry_after_s


def executed(request: Any, answering: Any, **config: Any) -> VenueAnswer:
    with prepared_client(answering, **config) as (client, _):
        return client.execute(request)


def test_every_recorded_error_has_its_meaning_here() -> None:
    assert {each["code"] for each in facts("errors/binanceusdm_error_map.json")} == set(MEANINGS)


@pytest.mark.parametrize("request_", [PLACE, PLACE_STOP], ids=["order", "stop"])
def test_an_error_means_what_its_code_says_whatever_ccxt_makes_of_it(request_: PlaceOrder) -> None:
    texts = {each["code"]: each["msg"] for each in facts("errors/binanceusdm_error_map.json")}
    current: dict[str, Any] = {}

    def answering(asked: Asked) -> Prepared:
        if asked.path.endswith("/time"):
            return Prepared(body={"serverTime": 1_700_000_000_000})
        return Prepared(body=current, status=400)

    with prepared_client(answering) as (client, _):
        found = {}
        for code in MEANINGS:
            current.update(code=code, msg=texts[code])
            found[code] = meaning(client.execute(request_))
    assert found == MEANINGS


def test_a_code_that_nobody_has_seen_yet_is_a_refusal() -> None:
    assert meaning(executed(PLACE, refusing(-4999))) is R.OTHER


def test_a_text_that_ccxt_knows_by_itself_does_not_hide_the_code() -> None:
    answer = executed(PLACE, refusing(-1002, "You are not authorized to execute this request."))
    assert meaning(answer) is R.AUTHENTICATION


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_gateway_that_fails_leaves_the_outcome_unknown(status: int) -> None:
    assert meaning(executed(PLACE, always("<html>Bad gateway</html>", status))) is UNKNOWN


@pytest.mark.parametrize(
    "body", ["<html>hello</html>", {}, [], None, 7, {"orderId": None}, {"orderId": 7}, AN_ORDER | {"side": "UP"}]
)
def test_a_success_without_an_order_in_it_is_no_success(body: object) -> None:
    assert meaning(executed(PLACE, always(body))) is UNKNOWN


def test_an_error_inside_a_success_is_an_error() -> None:
    assert meaning(executed(PLACE, always({"code": -2019, "msg": "Margin is insufficient."}))) is R.INSUFFICIENT_MARGIN
    cancel = CancelOrder(order=a_stop())
    answer = executed(cancel, always({"algoId": 1, "clientAlgoId": "x", "code": "-20124", "msg": "gone"}))
    assert meaning(answer) is R.NOT_FOUND


@pytest.mark.parametrize(("status", "header", "wait_s"), [(429, {"Retry-After": "7"}, 7.0), (418, {}, 5.0)])
def test_too_many_requests_say_how_long_to_wait(status: int, header: dict[str, str], wait_s: float) -> None:
    answering = always({"code": -1003, "msg": "Way too many requests"}, status, **header)
    answer = executed(PLACE, answering)
    assert isinstance(answer, OrderRejected)
    assert (answer.reason, answer.retry_after_s) == (R.RATE_LIMITED, wait_s)


def test_a_wait_that_was_said_for_another_request_is_not_taken_over() -> None:
    answers = iter([Prepared(body={"code": -1003, "msg": "x"}, status=429, headers={"Retry-After": "60"})])

    def answering(asked: Asked) -> Prepared:
        return next(answers, Prepared(body={"code": -1003, "msg": "x"}, status=429))

    with prepared_client(answering) as (client, _):
        waits = [waited(client.execute(PLACE)) for _ in range(2)]
    assert waits == [60.0, 5.0]


def test_no_answer_in_time_leaves_the_outcome_unknown() -> None:
    assert meaning(executed(PLACE, lambda asked: Prepared(body="", silent=True), timeout_ms=200)) is UNKNOWN


def test_a_connection_that_was_never_made_is_certainly_no_order() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    client = BinanceRest(config_for(f"http://127.0.0.1:{port}")).client()
    assert meaning(client.execute(PLACE)) is R.NOT_SENT
    client.close()


def test_a_connection_that_breaks_after_the_request_leaves_the_outcome_unknown() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.settimeout(0.3)
        client = BinanceRest(config_for(f"http://127.0.0.1:{listening.getsockname()[1]}", timeout_ms=300)).client()
        assert meaning(client.execute(PLACE)) is UNKNOWN
        client.close()


def test_a_text_of_a_failure_carries_no_signature() -> None:
    answer = executed(FetchAccount(), always("<html>Bad gateway</html>", 502))
    assert isinstance(answer, OutcomeUnknown)
    assert "signature" not in answer.text


def test_a_wrong_clock_is_measured_and_the_request_may_come_again_at_once() -> None:
    def answering(asked: Asked) -> Prepared:
        if asked.path.endswith("/time"):
            return Prepared(body={"serverTime": 1_700_000_000_000})
        return Prepared(
            body={"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}, status=400
        )

    with prepared_client(answering) as (client, server):
        answer = client.execute(PLACE)
        assert isinstance(answer, OrderRejected)
        assert (answer.reason, answer.retry_after_s) == (R.CLOCK, 0.0)
        assert [asked.path for asked in server.asked] == ["/fapi/v1/order", "/fapi/v1/time"]


def test_the_clock_that_was_measured_is_the_one_that_is_signed_with() -> None:
    stamps: list[str] = []

    def answering(asked: Asked) -> Prepared:
        stamps.append(asked.path)
        return Prepared(body={"serverTime": 1_700_000_000_000})

    with prepared_client(answering) as (client, _):
        assert client.execute(FetchServerTime()) == ServerTime(server_ms=1_700_000_000_000)
        nonce = client._exchange.nonce
        client.execute(PLACE)
        assert abs(nonce() - 1_700_000_000_000) < 5_000


# --- answers to other requests ----------------------------------------------------------------------------------------


def test_an_order_is_not_found_only_when_both_lists_say_so() -> None:
    query = QueryOrder(symbol=BTC, client_order_id=ClientOrderId("s1"), kind=OrderKind.STOP_MARKET)

    def nowhere(asked: Asked) -> Prepared:
        return Prepared(body={"code": -20124 if "algo" in asked.path else -2013, "msg": "no"}, status=400)

    def in_doubt(asked: Asked) -> Prepared:
        return nowhere(asked) if "algo" in asked.path else Prepared(body="", status=502)

    assert meaning(executed(query, nowhere)) is R.NOT_FOUND
    assert meaning(executed(query, in_doubt)) is UNKNOWN


def test_a_triggered_stop_is_what_its_child_became() -> None:
    query = QueryOrder(symbol=BTC, client_order_id=ClientOrderId("s1"), kind=OrderKind.STOP_MARKET)
    child = AN_ORDER | {"status": "FILLED", "executedQty": "1.000", "avgPrice": "979.5", "type": "MARKET"}

    def answering(asked: Asked) -> Prepared:
        if "algo" in asked.path:
            return Prepared(body=AN_ALGO | {"algoStatus": "TRIGGERED", "actualOrderId": "7"})
        assert asked.params["orderId"] == "7"
        return Prepared(body=child)

    answer = executed(query, answering)
    assert isinstance(answer, OrderAccepted)
    report = answer.report
    assert (report.kind, report.status.value, report.filled_quantity) == (OrderKind.STOP_MARKET, "filled", Decimal(1))
    assert (report.venue_order_id, f"{report.average_price}") == ("9", "979.5")


def test_an_entry_that_should_carry_a_stop_is_not_sent() -> None:
    order = an_order(attached_stop_price="980")
    with prepared_client(always(AN_ORDER)) as (client, server):
        assert meaning(client.execute(PlaceOrder(order=order))) is R.NOT_SENT
        assert server.asked == []


def test_a_stop_is_not_amended_and_nothing_is_sent() -> None:
    with prepared_client(always(AN_ALGO)) as (client, server):
        assert meaning(client.execute(AmendOrder(order=a_stop()))) is R.OTHER
        assert server.asked == []


def test_a_limit_order_that_is_so_already_is_looked_up() -> None:
    def answering(asked: Asked) -> Prepared:
        if asked.method == "PUT":
            return Prepared(body={"code": -5027, "msg": "No need to modify the order."}, status=400)
        return Prepared(body=AN_ORDER)

    order = AmendOrder(order=a_limit(venue_order_id=VenueOrderId("7")))
    assert isinstance(executed(order, answering), OrderAccepted)


def test_a_margin_mode_that_is_so_already_is_success() -> None:
    def answering(asked: Asked) -> Prepared:
        if asked.path.endswith("symbolConfig"):
            return Prepared(body=[{"symbol": "BTCUSDT", "marginType": "ISOLATED", "leverage": 3}])
        if asked.path.endswith("marginType"):
            return Prepared(body={"code": -4046, "msg": "No need to change margin type."}, status=400)
        return Prepared(body={"leverage": 5, "maxNotionalValue": "1000000", "symbol": "BTCUSDT"})

    request = SetLeverage(symbol=BTC, leverage=5, margin_mode=MarginMode.CROSS)
    assert executed(request, answering) == LeverageSet(symbol=BTC, leverage=5, margin_mode=MarginMode.CROSS)


def test_an_account_in_the_other_position_mode_is_refused_with_what_to_do() -> None:
    answer = executed(FetchInstruments(), always({"dualSidePosition": True}))
    assert isinstance(answer, OrderRejected)
    assert "hedge" in answer.text
    assert "one-way" in answer.text
