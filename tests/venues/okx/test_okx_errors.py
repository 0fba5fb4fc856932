"""What each refusal of OKX's means to us, and how the transport's failures do."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.venues.okx import OkxRest
from adapters.venues.okx_errors import answer_of
from adapters.venues.rest import VenueConfig
from messages.values import MarginMode, OrderKind
from messages.venue import (
    CancelOrder,
    FetchAccount,
    FetchFills,
    OrderRejected,
    OutcomeUnknown,
    PlaceOrder,
    QueryOrder,
    RejectReason,
    SetLeverage,
    VenueAnswer,
)
from tests.venues.okx.canned import Answer, Asked, canned, success
from tests.venues.okx.running import KEYS, VENUE
from tests.venues.okx.test_okx_requests import BTC, CROSS, a_stop, an_order, with_id

R = RejectReason
UNKNOWN = None
MEANINGS: dict[str, RejectReason | None] = {
    "50001": UNKNOWN, "50004": UNKNOWN, "50011": R.RATE_LIMITED, "50013": UNKNOWN, "50026": UNKNOWN,
    "50061": R.RATE_LIMITED, "50100": R.AUTHENTICATION, "50101": R.AUTHENTICATION, "50102": R.CLOCK,
    "50105": R.AUTHENTICATION, "50110": R.AUTHENTICATION, "50111": R.AUTHENTICATION, "50112": R.CLOCK,
    "50113": R.AUTHENTICATION, "51000": R.OTHER, "51001": R.NOT_TRADING, "51004": R.SIZE, "51006": R.PRICE_BAND,
    "51008": R.INSUFFICIENT_MARGIN, "51010": R.AUTHENTICATION, "51011": R.DUPLICATE_ID, "51012": R.NOT_TRADING,
    "51016": R.DUPLICATE_ID, "51020": R.SIZE, "51023": R.NO_POSITION, "51024": R.AUTHENTICATION,
    "51046": R.WOULD_TRIGGER, "51047": R.WOULD_TRIGGER, "51048": R.WOULD_TRIGGER, "51049": R.WOULD_TRIGGER,
    "51050": R.WOULD_TRIGGER, "51051": R.WOULD_TRIGGER, "51053": R.WOULD_TRIGGER, "51054": UNKNOWN,
    "51058": R.NO_POSITION, "51065": R.DUPLICATE_ID, "51068": R.DUPLICATE_ID, "51088": R.STOP_EXISTS,
    "51112": R.REDUCE_ONLY_REFUSED, "51113": R.RATE_LIMITED, "51119": R.INSUFFICIENT_MARGIN, "51121": R.SIZE,
    "51127": R.INSUFFICIENT_MARGIN, "51131": R.INSUFFICIENT_MARGIN, "51149": UNKNOWN, "51155": R.NOT_TRADING,
    "51169": R.NO_POSITION, "51170": R.REDUCE_ONLY_REFUSED, "51202": R.SIZE, "51277": R.WOULD_TRIGGER,
    "51278": R.WOULD_TRIGGER, "51279": R.WOULD_TRIGGER, "51280": R.WOULD_TRIGGER, "51290": UNKNOWN,
    "51400": R.NOT_FOUND, "51401": R.NOT_FOUND, "51402": R.NOT_FOUND, "51410": UNKNOWN, "51416": R.NOT_FOUND,
    "51503": R.NOT_FOUND, "51509": R.NOT_FOUND, "51510": R.NOT_FOUND, "51603": R.NOT_FOUND, "59000": R.OTHER,
}  # fmt: skip
"""By code; ``None`` is an unknown outcome. What is not here and is a refusal of orders is OTHER."""


def meaning(answer: VenueAnswer) -> RejectReason | None:
    if isinstance(answer, OutcomeUnknown):
        return UNKNOWN
    assert isinstance(answer, OrderRejected), answer
    return answer.reason


def code_of(body: Any) -> str:
    """The code that counts: the row's before the envelope's; nothing in what is no JSON."""
    if not isinstance(body, dict):
        return ""
    rows = [row["sCode"] for row in body["data"] if row.get("sCode", "0") != "0"]
    return str(rows[0] if rows else body["code"])


def place(answer: Answer) -> VenueAnswer:
    """What an entry's answer is taken for."""

    def route(asked: Asked) -> Answer:
        return answer if asked.path.endswith("trade/order") else success({})

    with canned(route) as venue:
        venue.client.execute(CROSS)
        return venue.client.execute(PlaceOrder(order=an_order("e1")))


def test_every_recorded_refusal_is_taken_for_what_it_means(venue_facts: Path) -> None:
    text = (venue_facts / "errors" / "bitget_bybit_okx_error_map.json").read_text(encoding="utf-8")
    entries = [entry for name, group in json.loads(text).items() if name.startswith("okx") for entry in group]
    assert len(entries) > 60
    for entry in entries:
        code = code_of(entry["body"])
        expected = MEANINGS.get(code, R.OTHER) if code else UNKNOWN
        answer = place(Answer(body=entry["body"], status=entry["http"]))
        assert meaning(answer) is expected, entry
        if isinstance(answer, OrderRejected):
            assert (answer.retry_after_s is not None) == (expected is R.RATE_LIMITED)


@pytest.mark.parametrize(("code", "reason"), MEANINGS.items())
def test_a_code_means_what_the_table_says(code: str, reason: RejectReason | None) -> None:
    assert meaning(answer_of(code, "")) is reason


@pytest.mark.parametrize(("code", "reason"), [("50999", UNKNOWN), ("52999", R.OTHER), ("nonsense", UNKNOWN)])
def test_an_unheard_of_code_is_a_refusal_only_among_those_of_orders(code: str, reason: RejectReason | None) -> None:
    assert meaning(answer_of(code, "")) is reason


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>ok</html>",
        "[]",
        "{}",
        {"code": "0", "data": [], "msg": ""},
        {"code": "0", "data": None, "msg": ""},
        {"code": "0", "data": [{"ordId": "", "sCode": "0"}], "msg": ""},
        {"code": "0", "data": [{"ordId": 7}], "msg": ""},
    ],
)
def test_success_without_an_order_id_proves_nothing(body: Any) -> None:
    assert meaning(place(Answer(body=body))) is UNKNOWN


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_gateway_that_fails_leaves_the_outcome_unknown(status: int) -> None:
    assert meaning(place(Answer(body="<html>bad gateway</html>", status=status))) is UNKNOWN


def test_too_many_requests_without_a_code_is_certain() -> None:
    answer = place(Answer(body="slow down", status=429))
    assert meaning(answer) is R.RATE_LIMITED


def test_where_nobody_listens_nothing_was_sent() -> None:
    config = VenueConfig(
        venue=VENUE,
        api_key=KEYS.api_key,
        api_secret=KEYS.api_secret,
        api_passphrase=KEYS.api_passphrase,
        rest_url="http://127.0.0.1:9",
    )
    client = OkxRest(config).client()
    assert meaning(client.execute(SetLeverage(symbol=BTC, leverage=3, margin_mode=MarginMode.CROSS))) is R.NOT_SENT
    client.close()


def test_a_wrong_clock_is_mended_before_the_next_request() -> None:
    ahead_ms = 120_000

    def route(asked: Asked) -> Answer:
        if asked.path.endswith("public/time"):
            return success({"ts": str(1_700_000_000_000 + ahead_ms)})
        return Answer(body={"code": "50102", "data": [], "msg": "Timestamp request expired"}, status=401)

    with canned(route) as venue:
        assert meaning(venue.client.execute(CROSS)) is R.CLOCK
        assert [asked.path.rpartition("/")[2] for asked in venue.asked] == ["leverage-info", "time"]


def test_a_query_says_not_found_only_after_every_list_was_read() -> None:
    def route(asked: Asked) -> Answer:
        if asked.path.endswith(("trade/order-algo", "trade/order")):
            return Answer(body={"code": "51603", "data": [], "msg": "Order does not exist"})
        return success()

    for kind, lists in ((OrderKind.STOP_MARKET, 5), (OrderKind.LIMIT, 3)):
        with canned(route) as venue:
            question = QueryOrder(symbol=BTC, client_order_id=an_order("e1").client_order_id, kind=kind)
            assert meaning(venue.client.execute(question)) is R.NOT_FOUND
            assert len({(asked.path, asked.query.get("state")) for asked in venue.asked}) == lists


def test_a_list_that_cannot_be_read_is_not_an_empty_one() -> None:
    def route(asked: Asked) -> Answer:
        if asked.path.endswith("trade/order-algo"):
            return Answer(body={"code": "51603", "data": [], "msg": "Order does not exist"})
        return Answer(body={"code": "50013", "data": [], "msg": "Systems are busy"})

    with canned(route) as venue:
        question = QueryOrder(symbol=BTC, client_order_id=a_stop("s1").client_order_id, kind=OrderKind.STOP_MARKET)
        assert meaning(venue.client.execute(question)) is UNKNOWN


def test_a_row_that_makes_no_sense_is_not_left_out_of_the_account() -> None:
    def route(asked: Asked) -> Answer:
        if asked.path.endswith("account/positions"):
            return success({"instId": "BTC-USDT-SWAP", "pos": "many"})
        return success()

    with canned(route) as venue:
        assert meaning(venue.client.execute(FetchAccount())) is UNKNOWN


def test_a_cancel_that_was_taken_is_never_read_as_refused() -> None:
    """What is read after it may fail in any way."""

    def route(asked: Asked) -> Answer:
        if asked.path.endswith("cancel-order"):
            return success({"ordId": "312"})
        return Answer(body={"code": "50011", "data": [], "msg": "Too Many Requests"}, status=429)

    with canned(route) as venue:
        order = with_id(an_order("e1", kind=OrderKind.LIMIT, price=Decimal(49_000)), "312")
        assert meaning(venue.client.execute(CancelOrder(order=order))) is UNKNOWN


def test_a_childs_fill_is_asked_for_once_and_told_under_our_id() -> None:
    def route(asked: Asked) -> Answer:
        if asked.path.endswith("fills-history"):
            row = {"instId": "BTC-USDT-SWAP", "ordId": "999", "clOrdId": "O1836487817828872192", "side": "sell"}
            trade = {"fillPx": "49000", "fillSz": "1", "fee": "-0.25", "feeCcy": "USDT", "ts": "1700000000000"}
            return success(*({**row, **trade, "tradeId": str(n), "billId": str(n)} for n in (2, 1)))
        if asked.path.endswith("trade/order"):
            state = {"state": "filled", "sz": "2", "side": "sell", "ordType": "market"}
            return success({"instId": "BTC-USDT-SWAP", "ordId": "999", "algoClOrdId": "oursl1", **state})
        return success()

    with canned(route) as venue:
        report = venue.client.execute(FetchFills(symbol=BTC, since_ms=1_699_999_999_000))
        assert not isinstance(report, OutcomeUnknown), report
        fills = getattr(report, "fills", ())
        assert [(fill.client_order_id, fill.commission) for fill in fills] == [("oursl1", Decimal("0.25"))] * 2
        assert sum(asked.path.endswith("trade/order") for asked in venue.asked) == 1
