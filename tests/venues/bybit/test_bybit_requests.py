"""What our adapter sends, against what unmodified ccxt was recorded to send; and why the rest is never sent."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from messages.orders import OrderSpec
from messages.values import (
    ClientOrderId,
    MarginMode,
    OrderKind,
    OrderPurpose,
    OrderSide,
    Side,
    TriggerSource,
    VenueOrderId,
)
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
from tests.venues.bybit.recording import Asked, Prepared, asked_of, recording, success

ABSENT = object()
"""In a difference: the recorded request has it, and ours does not."""
ANY = object()
"""In a difference: ours has it with a value of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An operation: the request of ours that leads to it, and what is different in it and why."""

    request: VenueRequest
    different: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    answers: Mapping[str, object] = field(default_factory=dict)


def order(client_order_id: str, **changes: Any) -> OrderSpec:
    return an_order(client_order_id=ClientOrderId(client_order_id), **{"quantity": "0.01", **changes})


def close(client_order_id: str, **changes: Any) -> OrderSpec:
    values = {"side": OrderSide.SELL, "purpose": OrderPurpose.CLOSE, "reduce_only": True}
    return order(client_order_id, **{**values, **changes})


def stop(**changes: Any) -> OrderSpec:
    return a_stop(
        **{"client_order_id": ClientOrderId("sup-sl1"), "trigger_price": "49000", "quantity": "0.01", **changes}
    )


LEVERAGE = SetLeverage(symbol=BTC, leverage=10, margin_mode=MarginMode.ISOLATED)
TO_CROSS = SetLeverage(symbol=BTC, leverage=10, margin_mode=MarginMode.CROSS)
SHOWN = {
    "symbol": "BTCUSDT",
    "orderId": "c6",
    "side": "Sell",
    "orderType": "Market",
    "orderStatus": "Untriggered",
    "stopOrderType": "StopLoss",
    "tpslMode": "Full",
    "triggerPrice": "49000",
}
"""A position's stop."""
NOTHING_OPEN: dict[str, dict[str, object]] = {"/v5/position/list": {"list": []}}
FIRST_PAGE = {"/v5/order/realtime": {"list": [], "nextPageCursor": ""}}

USED: dict[str, Row] = {
    "load_markets types=[linear], has.fetchCurrencies=False": Row(request=FetchInstruments()),
    "fetch_time": Row(request=FetchServerTime()),
    "fetch_balance": Row(request=FetchAccount()),
    "fetch_positions()": Row(request=FetchAccount()),
    "fetch_positions([S])": Row(request=FetchAccount(symbol=BTC)),
    "set_leverage": Row(request=LEVERAGE, answers=NOTHING_OPEN),
    "set_margin_mode": Row(
        request=LEVERAGE,
        answers=NOTHING_OPEN,
        different={"leverage": ABSENT},
        why="the endpoint has no such field: ccxt passes on what it is given",
    ),
    "set_margin_mode no symbol": Row(
        request=TO_CROSS, answers={"/v5/account/info": {"marginMode": "ISOLATED_MARGIN"}, **NOTHING_OPEN}
    ),
    "fetch_margin_mode": Row(request=FetchAccount()),
    "entry market one-way": Row(request=PlaceOrder(order=order("sup-e1"))),
    "entry orderLinkId param": Row(request=PlaceOrder(order=order("sup-e3"))),
    "entry market hedge": Row(
        request=PlaceOrder(order=order("sup-e2", side=OrderSide.SELL, hedge_side=Side.SHORT)),
    ),
    "entry explicit positionIdx": Row(
        request=PlaceOrder(order=order("sup-e2", side=OrderSide.SELL, hedge_side=Side.SHORT)),
    ),
    "entry attached SL/TP": Row(
        request=PlaceOrder(order=order("sup-e4", attached_stop_price="49000")),
        different={"takeProfit": ABSENT},
        why="take profits are orders of their own, in parts, with our ids",
    ),
    "close market reduceOnly": Row(request=PlaceOrder(order=close("sup-c1"))),
    "close market hedge reduceOnly (close long)": Row(
        request=PlaceOrder(order=close("sup-c2", hedge_side=Side.LONG)),
        different={"reduceOnly": True},
        why="ccxt drops it in hedge mode; without it the order may open the other side",
    ),
    "SL via order/create": Row(request=PlaceOrder(order=stop())),
    "SL via order/create hedge": Row(
        request=PlaceOrder(order=stop(hedge_side=Side.LONG)),
        different={"triggerBy": "MarkPrice"},
        why="the venue's default is the last price, which a single trade can move",
    ),
    "TP as reduceOnly limit": Row(
        request=PlaceOrder(
            order=a_limit(
                client_order_id=ClientOrderId("sup-tp"),
                side=OrderSide.SELL,
                quantity="0.005",
                price="51000",
                reduce_only=True,
            )
        ),
    ),
    "raw trading-stop Full": Row(request=PlaceOrder(order=stop(quantity=None))),
    "SL via trading-stop Full (amount 0)": Row(request=PlaceOrder(order=stop(quantity=None))),
    "raw trading-stop cancel SL": Row(
        request=CancelOrder(order=stop(quantity=None)),
        answers={"/v5/order/realtime": {"list": [SHOWN]}},
    ),
    "raw amend": Row(
        request=AmendOrder(order=stop(trigger_price="48500")),
        different={"triggerBy": "MarkPrice", "qty": "0.01"},
        why="an amend names all of the order: without triggerBy the venue goes back to the last price",
    ),
    "amend by orderLinkId": Row(
        request=AmendOrder(order=stop(trigger_price="48500", trigger_source=TriggerSource.LAST)),
        different={"triggerPrice": "48500", "qty": "0.01"},
        why="a price is text, not a number; the size is named too",
    ),
    "cancel by id": Row(
        request=CancelOrder(order=stop(venue_order_id=VenueOrderId("c6f055d9"))),
    ),
    "cancel by client id (orderLinkId)": Row(request=CancelOrder(order=stop())),
    "raw cancel by link id": Row(request=CancelOrder(order=stop())),
    "fetch_open_order by id": Row(
        request=CancelOrder(order=stop(venue_order_id=VenueOrderId("c6"))),
        answers={"/v5/order/cancel": {"orderId": "c6"}, **FIRST_PAGE},
    ),
    "open orders all linear USDT paged": Row(request=FetchAccount()),
    "open orders paged": Row(
        request=FetchAccount(symbol=BTC),
        answers={"/v5/order/realtime": {"list": [SHOWN], "nextPageCursor": "abc"}},
    ),
    "fetch_open_orders by client id": Row(
        request=QueryOrder(symbol=BTC, client_order_id=ClientOrderId("sup-1"), kind=OrderKind.LIMIT),
    ),
    "raw order realtime by link id": Row(
        request=QueryOrder(symbol=BTC, client_order_id=ClientOrderId("sup-1"), kind=OrderKind.LIMIT),
    ),
    "order history by link id": Row(
        request=QueryOrder(symbol=BTC, client_order_id=ClientOrderId("sup-1"), kind=OrderKind.LIMIT),
        answers=FIRST_PAGE,
    ),
    "raw order history by link id": Row(
        request=QueryOrder(symbol=BTC, client_order_id=ClientOrderId("sup-1"), kind=OrderKind.LIMIT),
        answers=FIRST_PAGE,
        different={"symbol": "BTCUSDT"},
        why="an id is looked for where it was used",
    ),
    "raw execution list (all execTypes)": Row(
        request=FetchFills(symbol=BTC, since_ms=1_700_000_000_000),
        different={"startTime": ANY, "endTime": ANY},
        why="the venue tells of seven days at once, so each week is named",
    ),
}

LEVERAGE_ROW = "the leverage is in the positions that are read anyway"
POSITION_STOP = "the position's stop is set whole, so that it covers what is added later"
UNIFIED_AMEND = "ccxt's edit leaks its own names or sends numbers; the raw amend does neither"
BY_ID = "orders are looked for by our id; of the venue's ids only a cancelled order's is, among the open ones"
NO_CANCEL_ALL = "it would take protection away, and orders that are not ours"
NO_TRADES_ONLY = "it shows trades only: liquidations and funding would be missed"
UNUSED: dict[str, str] = {
    "load_markets defaults": "options, spot and coins are not traded; and raw requests need no market list",
    "entry with unified status unset": "it is set, so that the first order is not preceded by two questions",
    "fetch_positions([S,S2])": "ccxt refuses it: one symbol, or all",
    "fetch_position": "it would miss the other side of a hedge",
    "set_position_mode hedge symbol": "the mode of an account is a person's decision",
    "set_position_mode one-way all USDT": "the mode of an account is a person's decision",
    "fetch_leverage": LEVERAGE_ROW,
    "SL via trading-stop partial": POSITION_STOP,
    "SL+TP via trading-stop Full": "a take profit for the whole position would leave no second one",
    "TP partial via trading-stop": "such take profits carry no id of ours; conditional orders do",
    "TP partial limit via trading-stop": "such take profits carry no id of ours; conditional orders do",
    "amend conditional trigger by id": UNIFIED_AMEND,
    "amend conditional triggerPrice": UNIFIED_AMEND,
    "amend by client id": UNIFIED_AMEND,
    "amend attached stopLoss": UNIFIED_AMEND,
    "cancel by clientOrderId": "ccxt sends a field that the venue does not know",
    "cancel conditional trigger True": "ccxt sends a field that the venue does not know",
    "cancel all": NO_CANCEL_ALL,
    "cancel all conditional": NO_CANCEL_ALL,
    "open orders S": "twenty orders a page are too few",
    "open orders all": "twenty orders a page are too few",
    "open orders conditional only": "whether the filter shows positions' stops is nowhere said: everything is read",
    "open orders orderFilter=Order": "plain and conditional orders are read together",
    "fetch_open_order by client id": "ccxt sends orderId=None, which the venue prefers, and finds nothing",
    "fetch_order": "ccxt refuses it",
    "fetch_order ack": BY_ID,
    "fetch_order by client id": "ccxt sends orderId=None, which the venue prefers, and finds nothing",
    "fetch_closed_order": BY_ID,
    "order history": "the past is read from executions",
    "my trades": NO_TRADES_ONLY,
    "my trades by orderId": NO_TRADES_ONLY,
    "my trades execType override": "all kinds come in one list",
    "positions history": "profit follows from executions",
    "ticker": "prices come by stream",
}


def recorded_operations(venue_facts: Path) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    recordings = json.loads((venue_facts / "recorded" / "bybit.json").read_text(encoding="utf-8"))
    return {entry["op"]: entry["requests"] for entry in recordings}


def test_every_recorded_operation_is_used_or_there_is_a_reason_why_not(venue_facts: Path) -> None:
    assert set(recorded_operations(venue_facts)) == {*USED, *UNUSED}
    assert not set(USED) & set(UNUSED)


def test_every_difference_has_a_reason() -> None:
    assert [name for name, row in USED.items() if bool(row.different) != bool(row.why)] == []


@pytest.mark.parametrize("name", USED)
def test_a_request_is_what_ccxt_would_send(name: str, venue_facts: Path) -> None:
    row = USED[name]
    recorded = recorded_operations(venue_facts)[name][0]
    wanted = asked_of(recorded["method"], recorded["path"], recorded["query"], recorded["body"] or "")
    responses = {
        request["path"]: request["response"]["result"]
        for requests in recorded_operations(venue_facts).values()
        for request in requests
    }

    def answering(asked: Asked) -> Prepared:
        answers = {**responses, **row.answers}
        return success(answers[asked.path])

    with recording(answering) as (client, server):
        client.execute(row.request)
    ours = [asked for asked in server.asked if (asked.method, asked.path) == (wanted.method, wanted.path)]
    assert _matching(ours, wanted, row), (wanted, row.different, ours)


def _matching(ours: Sequence[Asked], wanted: Asked, row: Row) -> bool:
    return any(_comparable(asked.fields, row) == _expected(wanted.fields, row) for asked in ours)


def _expected(fields: Mapping[str, Any], row: Row) -> dict[str, Any]:
    kept = {name: value for name, value in fields.items() if name not in row.different}
    return kept | {name: value for name, value in row.different.items() if value not in (ABSENT, ANY)}


def _comparable(fields: Mapping[str, Any], row: Row) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if row.different.get(name) is not ANY}


def test_a_take_profit_is_a_conditional_order_with_our_id() -> None:
    """Not among the recordings in this form: the counterpart of the recorded stop."""
    take_profit = a_take_profit(client_order_id=ClientOrderId("sup-t1"), quantity="0.005", trigger_price="51000")
    with recording(lambda _: success({"orderId": "1"})) as (client, server):
        client.execute(PlaceOrder(order=take_profit))
    assert server.asked[0].fields == {
        "category": "linear",
        "symbol": "BTCUSDT",
        "side": "Sell",
        "orderType": "Market",
        "orderLinkId": "sup-t1",
        "qty": "0.005",
        "triggerDirection": 1,
        "triggerPrice": "51000",
        "triggerBy": "MarkPrice",
        "reduceOnly": True,
    }
