"""Bybit's stream messages as documented, and everything else that may come."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.streams.bybit import BybitMarket, BybitPrivate
from adapters.streams.dialect import Reaction
from adapters.venues.rest import VenueConfig
from messages.orders import FillKind, OrderStatus
from messages.values import MarginMode, OrderKind, OrderSide, Side, Symbol, TriggerSource
from tests.contract.battery import Listening
from tests.simulator.builders import BTC, d
from tests.venues.bybit.recording import config_for

NOW_MS = 1_700_000_000_000
LOGIN_DONE = b'{"success":true,"ret_msg":"","op":"auth","conn_id":"ce3dpomvha7dha97tvp0-2xh"}'
SNAPSHOT = (
    '{"topic":"tickers.BTCUSDT","type":"snapshot","data":{"symbol":"BTCUSDT","tickDirection":"PlusTick",'
    '"price24hPcnt":"0.017103","lastPrice":"17216.00","prevPrice24h":"16926.50","markPrice":"17217.33",'
    '"indexPrice":"17227.36","openInterest":"68744.761","nextFundingTime":"1673280000000","fundingRate":"-0.000212",'
    '"bid1Price":"17215.50","bid1Size":"84.489","ask1Price":"17216.00","ask1Size":"83.020"},"cs":24987956059,'
    '"ts":1673272861686}'
)
DELTA = (
    '{"topic":"tickers.BTCUSDT","type":"delta","data":{"symbol":"BTCUSDT","bid1Price":"17214.5","bid1Size":"2.12"},'
    '"cs":78039939929,"ts":1709210212704}'
)
STOP: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "orderId": "test-stop-loss-001",
    "side": "Sell",
    "orderType": "Market",
    "cancelType": "UNKNOWN",
    "price": "",
    "qty": "0.500",
    "timeInForce": "GTC",
    "orderStatus": "Untriggered",
    "orderLinkId": "",
    "reduceOnly": True,
    "leavesQty": "0.500",
    "cumExecQty": "0",
    "avgPrice": "",
    "positionIdx": 0,
    "createdTime": "1672364262444",
    "updatedTime": "1672364262457",
    "rejectReason": "EC_NoError",
    "stopOrderType": "StopLoss",
    "tpslMode": "Full",
    "triggerPrice": "48000.00",
    "triggerDirection": 2,
    "triggerBy": "LastPrice",
    "closeOnTrigger": True,
    "category": "linear",
    "createType": "CreateByStopLoss",
}
POSITION: dict[str, Any] = {
    "positionIdx": 0,
    "tradeMode": 0,
    "symbol": "ETHUSDT",
    "side": "Sell",
    "size": "0.01",
    "entryPrice": "3641.075",
    "leverage": "30",
    "markPrice": "3641.33",
    "takeProfit": "0",
    "stopLoss": "0",
    "unrealisedPnl": "-0.00255",
    "updatedTime": "1762199125472",
    "tpslMode": "Full",
    "liqPrice": "51764.83003276",
    "bustPrice": "",
    "category": "linear",
    "positionStatus": "Normal",
    "seq": 325852190774,
}
EXECUTION: dict[str, Any] = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "closedSize": "0.5",
    "execFee": "26.3725275",
    "execId": "0ab1bdf7",
    "execPrice": "95900.1",
    "execQty": "0.5",
    "execType": "Trade",
    "orderId": "9aac161b",
    "orderLinkId": "testorder001",
    "side": "Sell",
    "execTime": "1746270400353",
    "isMaker": False,
    "seq": 140612148849382,
}


def config(*, hedge: bool = False) -> VenueConfig:
    return config_for("http://127.0.0.1:1", hedge=hedge)


def private(*, hedge: bool = False) -> BybitPrivate:
    return BybitPrivate(config(hedge=hedge), lambda: MarginMode.CROSS)


def market(*symbols: str) -> BybitMarket:
    dialect = BybitMarket(config())
    dialect.watch([Symbol(symbol) for symbol in symbols or ("BTCUSDT",)])
    return dialect


def push(topic: str, *rows: dict[str, Any]) -> bytes:
    return json.dumps({"id": "1", "topic": topic, "creationTime": NOW_MS, "data": rows}).encode()


def heard_from(dialect: BybitPrivate | BybitMarket, *messages: bytes | str) -> Listening:
    heard = Listening()
    for message in messages:
        data = message.encode() if isinstance(message, str) else message
        assert dialect.received(data, heard, NOW_MS) == Reaction(), message
    return heard


def test_the_login_is_signed_as_documented() -> None:
    [text] = private().opened(NOW_MS)
    message = json.loads(text)
    assert message["op"] == "auth"
    assert message["args"][:2] == ["KEY", NOW_MS + 10_000]
    assert len(message["args"][2]) == 64


def test_after_the_login_orders_executions_and_positions_are_subscribed_to() -> None:
    dialect = private()
    reaction = dialect.received(LOGIN_DONE, Listening(), NOW_MS)
    assert json.loads(reaction.send[0])["args"] == ["order.linear", "execution.linear", "position.linear"]
    assert not reaction.ready
    done = b'{"success":true,"ret_msg":"","op":"subscribe","conn_id":"x","req_id":"1"}'
    assert dialect.received(done, Listening(), NOW_MS).ready


def test_a_refused_login_will_not_go_away() -> None:
    refused = b'{"success":false,"ret_msg":"error:USVC1111","op":"auth","conn_id":"x"}'
    reaction = private().received(refused, Listening(), NOW_MS)
    assert reaction.fatal
    assert "USVC1111" in reaction.problem


def test_a_refused_subscription_is_a_problem() -> None:
    refused = b'{"success":false,"ret_msg":"error:handler not found","op":"subscribe"}'
    reaction = private().received(refused, Listening(), NOW_MS)
    assert (bool(reaction.problem), reaction.fatal) == (True, False)


@pytest.mark.parametrize(
    "pong",
    [
        b'{"success":true,"ret_msg":"pong","conn_id":"x","req_id":"","op":"ping"}',
        b'{"req_id":"2","op":"pong","args":["1757405570352"],"conn_id":"x"}',
    ],
)
def test_a_pong_is_heard_and_makes_the_market_ready(pong: bytes) -> None:
    assert private().received(pong, Listening(), NOW_MS) == Reaction()
    assert market().received(pong, Listening(), NOW_MS) == Reaction(ready=True)


@pytest.mark.parametrize("topic", ["order", "order.linear"])
def test_the_positions_stop_is_a_stop_without_a_size(topic: str) -> None:
    [order] = heard_from(private(), push(topic, STOP)).orders
    assert (order.kind, order.quantity, order.client_order_id) == (OrderKind.STOP_MARKET, None, None)
    assert (order.trigger_price, order.trigger_source) == (d("48000.00"), TriggerSource.LAST)
    assert (order.status, order.side, order.reduce_only) == (OrderStatus.WORKING, OrderSide.SELL, True)
    assert order.updated_ms == 1_672_364_262_457


@pytest.mark.parametrize(
    ("changes", "kind", "quantity"),
    [
        ({"stopOrderType": "PartialStopLoss", "tpslMode": "Partial"}, OrderKind.STOP_MARKET, "0.5"),
        ({"stopOrderType": "PartialTakeProfit", "tpslMode": "Partial"}, OrderKind.TAKE_PROFIT_MARKET, "0.5"),
        ({"stopOrderType": "TakeProfit"}, OrderKind.TAKE_PROFIT_MARKET, None),
        ({"stopOrderType": "TrailingStop"}, OrderKind.STOP_MARKET, "0.5"),
        ({"stopOrderType": "Stop", "tpslMode": ""}, OrderKind.STOP_MARKET, "0.5"),
        ({"stopOrderType": "Stop", "tpslMode": "", "triggerDirection": 1}, OrderKind.TAKE_PROFIT_MARKET, "0.5"),
        ({"stopOrderType": "", "triggerPrice": "", "tpslMode": "Full"}, OrderKind.MARKET, "0.5"),
        ({"stopOrderType": "", "triggerPrice": "0", "orderType": "Limit", "price": "9"}, OrderKind.LIMIT, "0.5"),
    ],
)
def test_every_kind_of_order_is_told_apart(changes: dict[str, Any], kind: OrderKind, quantity: str | None) -> None:
    [order] = heard_from(private(), push("order", {**STOP, **changes})).orders
    assert order.kind is kind
    assert order.quantity == (None if quantity is None else d(quantity))


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("New", OrderStatus.WORKING),
        ("PartiallyFilled", OrderStatus.WORKING),
        ("Untriggered", OrderStatus.WORKING),
        ("Triggered", OrderStatus.WORKING),
        ("Filled", OrderStatus.FILLED),
        ("Cancelled", OrderStatus.CANCELLED),
        ("Deactivated", OrderStatus.CANCELLED),
        ("Rejected", OrderStatus.REJECTED),
    ],
)
def test_every_status_is_known(word: str, status: OrderStatus) -> None:
    [order] = heard_from(private(), push("order", {**STOP, "orderStatus": word})).orders
    assert order.status is status


def test_a_position_has_the_accounts_margin_mode_and_is_nothing_when_flat() -> None:
    heard = heard_from(private(), push("position", POSITION, {**POSITION, "side": "", "size": "0"}))
    position, flat = heard.positions
    assert position is not None
    assert (position.side, position.quantity, position.entry_price) == (Side.SHORT, d("0.01"), d("3641.075"))
    assert (position.leverage, position.margin_mode, position.liquidation_price) == (
        d(30),
        MarginMode.CROSS,
        d("51764.83003276"),
    )
    assert flat is None


@pytest.mark.parametrize(
    ("word", "kind"),
    [("Trade", FillKind.TRADE), ("BustTrade", FillKind.LIQUIDATION), ("AdlTrade", FillKind.AUTO_DELEVERAGING)],
)
def test_every_kind_of_execution_is_a_fill(word: str, kind: FillKind) -> None:
    [fill] = heard_from(private(), push("execution.linear", {**EXECUTION, "execType": word})).fills
    assert (fill.kind, fill.fill_id, fill.client_order_id) == (kind, "0ab1bdf7", "testorder001")
    assert (fill.price, fill.quantity, fill.commission) == (d("95900.1"), d("0.5"), d("26.3725275"))
    assert (fill.side, fill.commission_asset, fill.hedge_side) == (OrderSide.SELL, "USDT", None)


@pytest.mark.parametrize(
    ("side", "closed", "hedge_side"),
    [("Sell", "0.5", Side.LONG), ("Buy", "0", Side.LONG), ("Buy", "0.5", Side.SHORT), ("Sell", "", Side.SHORT)],
)
def test_in_hedge_mode_what_closed_tells_the_side(side: str, closed: str, hedge_side: Side) -> None:
    row = {**EXECUTION, "side": side, "closedSize": closed}
    [fill] = heard_from(private(hedge=True), push("execution", row)).fills
    assert fill.hedge_side is hedge_side


def test_funding_that_was_paid_is_negative() -> None:
    heard = heard_from(private(), push("execution", {**EXECUTION, "execType": "Funding", "execFee": "0.25"}))
    assert ([payment.amount for payment in heard.funding], heard.fills) == ([d("-0.25")], [])


def test_one_row_that_is_not_understood_costs_none_of_the_others() -> None:
    heard = Listening()
    rows = [EXECUTION, {**EXECUTION, "execType": "Surprise"}, {**EXECUTION, "execId": "later"}]
    assert private().received(push("execution", *rows), heard, NOW_MS) == Reaction(unknown=True)
    assert [fill.fill_id for fill in heard.fills] == ["0ab1bdf7", "later"]


def test_the_same_message_twice_is_passed_on_twice() -> None:
    message = push("execution", EXECUTION)
    assert len(heard_from(private(), message, message).fills) == 2


def test_a_price_that_is_left_out_is_unchanged() -> None:
    heard = heard_from(market(), SNAPSHOT, DELTA)
    first, second = heard.ticks
    assert (first.last, first.mark, first.bid, first.ask) == (d("17216"), d("17217.33"), d("17215.5"), d("17216"))
    assert (second.last, second.mark, second.bid, second.ask) == (d("17216"), d("17217.33"), d("17214.5"), d("17216"))
    assert second.time_ms == 1_709_210_212_704


def test_changes_before_the_snapshot_make_no_price() -> None:
    assert heard_from(market(), DELTA).ticks == []


def test_prices_of_what_is_no_longer_watched_are_dropped() -> None:
    dialect = market()
    texts = dialect.watch([Symbol("ETHUSDT")])
    assert [(json.loads(text)["op"], json.loads(text)["args"]) for text in texts] == [
        ("unsubscribe", ["tickers.BTCUSDT"]),
        ("subscribe", ["tickers.ETHUSDT"]),
    ]
    assert heard_from(dialect, SNAPSHOT).ticks == []


def test_watching_the_same_again_asks_for_nothing() -> None:
    assert market("BTCUSDT").watch([BTC]) == ()


GARBAGE = [
    b"",
    b"null",
    b"[]",
    b"17",
    b"\xff\xfe\x00",
    b'{"topic":"order.linear","data":',
    SNAPSHOT.encode()[:100],
    b'{"topic":17}',
    b'{"topic":"order","data":{}}',
    b'{"topic":"order"}',
    b'{"topic":"order","data":[{"symbol":"BTCUSDT"}]}',
    push("order", {**STOP, "orderStatus": "Dreaming"}),
    push("order", {**STOP, "side": "Up"}),
    push("order", {**STOP, "triggerPrice": "a lot"}),
    push("order", {**STOP, "triggerPrice": "NaN"}),
    push("order", {**STOP, "positionIdx": 7}),
    push("position", {**POSITION, "size": ""}),
    push("execution", {**EXECUTION, "execType": "Surprise"}),
    push("execution", {**EXECUTION, "execPrice": "-Infinity"}),
    push("liquidation.BTCUSDT", {}),
    b'{"op":"dance","success":true}',
    b'{"x":"' + b"a" * 1_000_000 + b'"}',
    b"[" * 100_000,
    b'{"x":' + b"[" * 100_000,
    b'{"topic":"order","data":' + b"[" * 100_000,
]


@pytest.mark.parametrize("data", GARBAGE, ids=lambda data: data[:40].decode(errors="replace"))
def test_what_is_not_understood_is_counted_and_harms_nobody(data: bytes) -> None:
    heard = Listening()
    assert private().received(data, heard, NOW_MS) == Reaction(unknown=True)
    assert (heard.orders, heard.fills, heard.positions) == ([], [], [])


@pytest.mark.parametrize(
    "data", [*GARBAGE[:9], b'{"topic":"tickers.BTCUSDT","data":{"symbol":"BTCUSDT","lastPrice":7}}']
)
def test_the_market_survives_garbage_too(data: bytes) -> None:
    heard = Listening()
    assert market().received(data, heard, NOW_MS) == Reaction(unknown=True)
    assert heard.ticks == []


@given(cut=st.integers(0, 600), junk=st.binary(max_size=20))
def test_no_part_of_a_message_raises(cut: int, junk: bytes) -> None:
    for whole in (push("order", STOP), push("position", POSITION), push("execution", EXECUTION), SNAPSHOT.encode()):
        private().received(whole[:cut] + junk, Listening(), NOW_MS)
        market().received(whole[:cut] + junk, Listening(), NOW_MS)
