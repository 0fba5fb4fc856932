"""What the adapter sends, beside what the recorded ccxt sent for the same purpose."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from messages.orders import OrderSpec
from messages.values import ClientOrderId, MarginMode, OrderKind, OrderSide, Side, TriggerSource, VenueOrderId
from messages.venue import (
    AmendOrder,
    CancelOrder,
    FetchAccount,
    FetchFills,
    FetchInstruments,
    FetchServerTime,
    PlaceOrder,
    QueryOrder,
    SetLeverage,
    VenueRequest,
)
from tests.simulator.builders import BTC, a_limit, a_stop, a_take_profit, an_order
from tests.venues.bitget.canned import Answer, Asked, canned, success

SIZE = "0.01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A request of ours.

    Attributes:
        differs: Each field that is not as recorded, with the reason.
        silent: The path that knows nothing, so that the next list is asked.
    """

    request: VenueRequest
    differs: Mapping[str, str] = field(default_factory=dict)
    hedge: bool = False
    mode: str = "crossed"
    silent: str = "nothing"


def entry(order_id: str, **changes: Any) -> OrderSpec:
    return an_order(client_order_id=ClientOrderId(order_id), quantity=SIZE, **changes)


def closing(order_id: str, **changes: Any) -> OrderSpec:
    return entry(order_id, side=OrderSide.SELL, reduce_only=True, **changes)


def stop(order_id: str, **changes: Any) -> OrderSpec:
    values: dict[str, Any] = {"quantity": None, "trigger_price": "49000", **changes}
    return a_stop(client_order_id=ClientOrderId(order_id), **values)


def profit(order_id: str, **changes: Any) -> OrderSpec:
    values: dict[str, Any] = {"quantity": "0.005", "trigger_price": "51000", **changes}
    return a_take_profit(client_order_id=ClientOrderId(order_id), **values)


ISOLATED = SetLeverage(symbol=BTC, leverage=20, margin_mode=MarginMode.ISOLATED)
LEVERAGE = SetLeverage(symbol=BTC, leverage=10, margin_mode=MarginMode.CROSS)
LONG_LEVERAGE = SetLeverage(symbol=BTC, leverage=10, margin_mode=MarginMode.ISOLATED, hedge_side=Side.LONG)
MOVED = stop("ours", trigger_price="48500", venue_order_id=VenueOrderId("111"))
JUNK = "place-tpsl-order ignores orderType and force, and a whole-position stop has no size"
CCXT_FIELDS = {"orderType": JUNK, "force": JUNK}
PAGED = {"limit": "all pages are read, so their length is said"}
BY_ID = {**PAGED, "clientOid": "one order is asked for"}

CASES: dict[str, Case] = {
    "load_markets defaults, uta unset": Case(request=FetchInstruments()),
    "load_markets uta=False types=[swap]": Case(request=FetchInstruments()),
    "fetch_time": Case(request=FetchServerTime()),
    "fetch_balance": Case(request=FetchAccount()),
    "fetch_balance default": Case(request=FetchAccount()),
    "fetch_positions": Case(request=FetchAccount()),
    "fetch_positions [S]": Case(request=FetchAccount(symbol=BTC)),
    "fetch_leverage": Case(request=LEVERAGE),
    "fetch_margin_mode": Case(request=LEVERAGE),
    "set_leverage": Case(request=LEVERAGE),
    "set_leverage holdSide": Case(request=LONG_LEVERAGE, hedge=True, mode="isolated"),
    "set_margin_mode": Case(request=ISOLATED),
    "entry market one-way": Case(request=PlaceOrder(order=entry("sup-e1"))),
    "entry market one-way isolated": Case(request=PlaceOrder(order=entry("sup-e1")), mode="isolated"),
    "entry market hedge long": Case(request=PlaceOrder(order=entry("sup-e2", hedge_side=Side.LONG)), hedge=True),
    "entry market hedge short": Case(
        request=PlaceOrder(order=entry("sup-e3", side=OrderSide.SELL, hedge_side=Side.SHORT)), hedge=True
    ),
    "entry attached SL+TP": Case(
        request=PlaceOrder(order=entry("sup-e4", hedge_side=Side.LONG, attached_stop_price="49000")),
        differs={"presetStopSurplusPrice": "take profits are orders of their own, for parts of the position"},
        hedge=True,
    ),
    "close market one-way reduceOnly": Case(request=PlaceOrder(order=closing("sup-c1"))),
    "close market hedge (close long)": Case(
        request=PlaceOrder(order=closing("sup-c2", hedge_side=Side.LONG)), hedge=True
    ),
    "SL pos_loss one-way": Case(request=PlaceOrder(order=stop("sup-sl1")), differs={**CCXT_FIELDS, "size": JUNK}),
    "SL pos_loss hedge long": Case(
        request=PlaceOrder(order=stop("sup-sl2", hedge_side=Side.LONG)),
        differs={**CCXT_FIELDS, "size": JUNK},
        hedge=True,
    ),
    "SL hedge loss_plan override": Case(
        request=PlaceOrder(
            order=stop("sup-sl3", quantity=SIZE, hedge_side=Side.LONG, trigger_source=TriggerSource.LAST)
        ),
        differs=CCXT_FIELDS,
        hedge=True,
    ),
    "TP partial profit_plan override": Case(
        request=PlaceOrder(order=profit("sup-tp2", hedge_side=Side.LONG)), differs=CCXT_FIELDS, hedge=True
    ),
    "TP partial profit_plan one-way": Case(request=PlaceOrder(order=profit("sup-tp3")), differs=CCXT_FIELDS),
    "TP as limit reduceOnly one-way": Case(
        request=PlaceOrder(
            order=a_limit(
                client_order_id=ClientOrderId("sup-tp4"),
                side=OrderSide.SELL,
                quantity="0.005",
                price="52000",
                reduce_only=True,
            )
        )
    ),
    "raw place-tpsl-order": Case(request=PlaceOrder(order=stop("sup-raw1", hedge_side=Side.LONG)), hedge=True),
    "raw modify-tpsl (no size)": Case(request=AmendOrder(order=MOVED)),
    "cancel regular": Case(request=CancelOrder(order=a_limit(venue_order_id=VenueOrderId("222")))),
    "cancel regular by client id": Case(request=CancelOrder(order=a_limit(client_order_id=ClientOrderId("sup-tp4")))),
    "cancel plan by id": Case(request=CancelOrder(order=MOVED)),
    "cancel plan by client id": Case(request=CancelOrder(order=stop("sup-sl2"))),
    "raw cancel-plan-order": Case(
        request=CancelOrder(order=stop("sup-sl2")),
        differs={"marginCoin": "ccxt's own request does without, and so do we"},
    ),
    "open orders limit": Case(request=FetchAccount(symbol=BTC)),
    "open orders": Case(request=FetchAccount(symbol=BTC), differs=PAGED),
    "open orders all": Case(request=FetchAccount(), differs=PAGED),
    "open plan profit_loss": Case(request=FetchAccount(symbol=BTC), differs=PAGED),
    "open plan profit_loss all symbols": Case(request=FetchAccount(), differs=PAGED),
    "open plan by client id": Case(
        request=QueryOrder(symbol=BTC, client_order_id=ClientOrderId("sup-sl"), kind=OrderKind.STOP_MARKET)
    ),
    "raw orders-plan-pending": Case(request=FetchAccount(symbol=BTC), differs=PAGED),
    "fetch_order by client id": Case(
        request=QueryOrder(symbol=BTC, client_order_id=ClientOrderId("sup-1"), kind=OrderKind.MARKET)
    ),
    "history plan": Case(
        request=QueryOrder(symbol=BTC, client_order_id=ClientOrderId("gone"), kind=OrderKind.STOP_MARKET),
        differs=BY_ID,
    ),
    "history regular": Case(
        request=QueryOrder(symbol=BTC, client_order_id=ClientOrderId("gone"), kind=OrderKind.MARKET),
        differs=BY_ID,
        silent="/api/v2/mix/order/detail",
    ),
    "my trades": Case(
        request=FetchFills(symbol=BTC, since_ms=1_699_999_999_000),
        differs={"startTime": "the recording is older than the 90 days that the venue keeps"},
    ),
}
NOT_USED: dict[str, str] = {
    "fetch_position": "all positions come in one request, in both modes",
    "fetch_positions_history": "closed positions are accounted by their fills",
    "set_position_mode": "the account's mode is a person's decision; a mismatch is refused with a hint",
    "set_position_mode one-way, symbol": "the same",
    "entry no clientOrderId": "every order carries an id",
    "close_position hedge": "carries no client id: a close that is not answered could not be found again",
    "SL limit execute price": "a stop executes at market",
    "TP pos_profit": "take profits are for parts of the position",
    "trigger normal_plan": "is in a list of its own, and no protection",
    "raw place-pos-tpsl": "stop and take profits are intents of their own",
    "modify tpsl by id": "ccxt drops the trigger type",
    "modify tpsl by client id": "the same",
    "modify tpsl with triggerType": "the same",
    "modify tpsl amount None": "the same",
    "modify limit": "changes the client id",
    "cancel plan by id no planType": "without its plan type an order is not found",
    "cancel all regular": "orders are cancelled one by one: each is an intent with its own outcome",
    "cancel all plan": "the same",
    "cancel all plan profit_loss": "the same",
    "open plan default": "trigger orders are not ours",
    "fetch_order by id": "orders are asked for by our id",
    "fetch_closed_orders": "single orders are asked for",
    "my trades by orderId": "all fills of a time are read",
    "ticker": "prices come by stream",
    "mark price": "the same",
    "raw plan-sub-order": "the history of plan orders has the link",
}


@pytest.fixture(scope="module")
def recorded(venue_facts: Path) -> dict[str, dict[str, Any]]:
    path = venue_facts / "recorded" / "bitget.json"
    return {entry["op"]: entry for entry in json.loads(path.read_text(encoding="utf-8"))}


def answers(recorded: Mapping[str, dict[str, Any]], mode: str, *, hedge: bool) -> Iterator[tuple[str, Any]]:
    """The recorded answers, by path; of several the first."""
    for each in recorded.values():
        for request in each["requests"]:
            body = request["response"]
            if request["path"].endswith("account/account"):
                body = json.loads(json.dumps(body))
                body["data"] |= {"marginMode": mode, "posMode": "hedge_mode" if hedge else "one_way_mode"}
            yield request["path"], body


def test_every_recorded_operation_is_used_or_its_absence_has_a_reason(
    recorded: Mapping[str, dict[str, Any]],
) -> None:
    assert set(CASES) | set(NOT_USED) == set(recorded)
    assert not set(CASES) & set(NOT_USED)


@pytest.mark.parametrize("op", CASES)
def test_a_request_is_as_recorded(recorded: Mapping[str, dict[str, Any]], op: str) -> None:
    case = CASES[op]
    by_path: dict[str, Any] = {}
    for path, body in answers(recorded, case.mode, hedge=case.hedge):
        by_path.setdefault(path, body)

    def route(asked: Asked) -> Answer:
        if asked.path not in by_path or asked.path == case.silent:
            return success({})
        return Answer(body=by_path[asked.path])

    with canned(route, hedge=case.hedge) as venue:
        venue.client.execute(case.request)
        asked = venue.asked
    [wanted] = [each for each in recorded[op]["requests"] if _is_about(each, case.request)]
    sent = [each for each in asked if each.path == wanted["path"] and each.method == wanted["method"]]
    assert sent, [each.path for each in asked]
    assert _plain(sent[-1].query, sent[-1].body, case) == _plain(_query(wanted["query"]), wanted["body"], case)
    if not case.differs:
        assert sent[-1].body == (wanted["body"] or "") or json.loads(sent[-1].body) == json.loads(wanted["body"])


def _is_about(request: Mapping[str, Any], asked: VenueRequest) -> bool:
    if not isinstance(asked, FetchInstruments):
        return True
    return str(request["query"]) == "productType=USDT-FUTURES"


def _query(text: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in text.split("&")) if text else {}


def _plain(query: Mapping[str, str], body: str, case: Case) -> dict[str, Any]:
    fields = {**query, **(json.loads(body) if body else {})}
    return {name: value for name, value in fields.items() if name not in case.differs}
