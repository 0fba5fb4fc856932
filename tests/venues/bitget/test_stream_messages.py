"""Bitget's stream messages as documented, and everything that is none."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.streams.bitget import MarketDialect, PrivateDialect
from adapters.streams.bitget_fills import GIVE_UP_MS, ORDER_WITHIN_MS, PlanSearch
from adapters.streams.dialect import Dialect, Reaction
from adapters.venues.bitget_links import Links
from adapters.venues.bitget_orders import plan_report
from adapters.venues.bitget_session import Clock
from adapters.venues.rest import VenueConfig
from messages.orders import FillKind, OrderStatus
from messages.values import ClientOrderId, MarginMode, OrderKind, OrderSide, Side, Symbol, TriggerSource
from tests.contract.battery import Listening
from tests.simulator.builders import BTC, ETH, d
from tests.venues.bitget.running import KEYS, VENUE

CONFIG = VenueConfig(venue=VENUE, api_key=KEYS.api_key, api_secret=KEYS.api_secret, api_passphrase=KEYS.api_passphrase)
NOW = 1_700_000_000_000
CHANNELS = ("orders", "orders-algo", "positions", "fill")
TICKER = {
    "instId": "BTCUSDT",
    "lastPr": "43480.4",
    "bidPr": "43476.3",
    "askPr": "43476.8",
    "bidSz": "0.1",
    "askSz": "3.055",
    "high24h": "44518.2",
    "low24h": "41387.0",
    "fundingRate": "0.000096",
    "markPrice": "43476.4",
    "indexPrice": "43478.4",
    "symbolType": "1",
    "symbol": "BTCUSDT",
    "ts": "1701843962811",
}
ORDER = {
    "accBaseVolume": "13",
    "baseVolume": "9",
    "cTime": "1715065875539",
    "clientOid": "HFabc",
    "feeDetail": [{"feeCoin": "USDT", "fee": "-0.162003"}],
    "fillPrice": "0.804",
    "force": "gtc",
    "instId": "XRPUSDT",
    "leverage": "10",
    "marginMode": "crossed",
    "orderId": "1171636690028761089",
    "orderType": "market",
    "posMode": "hedge_mode",
    "posSide": "short",
    "price": "0",
    "priceAvg": "0.804",
    "reduceOnly": "no",
    "side": "sell",
    "size": "13",
    "status": "filled",
    "tradeId": "1171",
    "tradeScope": "T",
    "tradeSide": "open",
    "uTime": "1715065875605",
}
ALGO = {
    "instId": "BTCUSDT",
    "orderId": "11",
    "clientOid": "1",
    "triggerPrice": "27000.000000000",
    "triggerType": "fill_price",
    "triggerTime": "1695719197612",
    "planType": "psl",
    "price": "27000.000000000",
    "executePrice": "0",
    "size": "",
    "actualSize": "0.000000000",
    "orderType": "market",
    "side": "sell",
    "tradeSide": "close",
    "posSide": "long",
    "marginCoin": "USDT",
    "status": "live",
    "posMode": "hedge_mode",
    "enterPointSource": "web",
    "cTime": "1695719197612",
    "uTime": "1695719197612",
}
POSITION = {
    "posId": "926036334386778112",
    "instId": "BTCUSDT",
    "marginCoin": "USDT",
    "marginSize": "2.19245",
    "marginMode": "crossed",
    "holdSide": "long",
    "posMode": "hedge_mode",
    "total": "0.001",
    "available": "0.001",
    "openPriceAvg": "43849",
    "leverage": 20,
    "unrealizedPL": "-0.0032",
    "liquidationPrice": "17629.684814834",
    "cTime": "1652331666985",
    "uTime": "1701913016923",
}
FILL = {
    "orderId": "1169142761031114781",
    "tradeId": "1169142761312637004",
    "symbol": "LTCUSDT",
    "orderType": "market",
    "side": "buy",
    "price": "80.87",
    "baseVolume": "0.1",
    "profit": "0",
    "tradeSide": "open",
    "posMode": "hedge_mode",
    "tradeScope": "taker",
    "feeDetail": [{"feeCoin": "USDT", "deduction": "no", "totalDeductionFee": "0", "totalFee": "-0.0048522"}],
    "cTime": "1714471276596",
    "uTime": "1714471276596",
}


class Found(PlanSearch):
    """A venue that knows which plan order stands behind some order ids, and counts the questions."""

    def __init__(self, links: Links, plans: dict[str, dict[str, Any]]) -> None:
        super().__init__(CONFIG, links, Clock())
        self._known = links
        self._plans = plans
        self.asked: list[str] = []

    def find(self, symbol: Symbol, order_id: str) -> bool:
        self.asked.append(order_id)
        plan = plan_report(self._plans[order_id]) if order_id in self._plans else None
        if plan is not None:
            self._known.learn(plan, executes_as=order_id)
        return plan is not None


def a_private(**plans: dict[str, Any]) -> tuple[PrivateDialect, Found, Listening]:
    links = Links()
    search = Found(links, plans)
    dialect = PrivateDialect(CONFIG, links, search)
    heard = Listening()
    dialect.received(b"pong", heard, NOW)
    return dialect, search, heard


def push(channel: str, *rows: dict[str, Any], instrument: str = "default") -> bytes:
    arg = {"instType": "USDT-FUTURES", "channel": channel, "instId": instrument}
    return json.dumps({"action": "snapshot", "arg": arg, "data": rows, "ts": 1701843962812}).encode()


def confirmed(channel: str) -> bytes:
    arg = {"instType": "USDT-FUTURES", "channel": channel, "instId": "default"}
    return json.dumps({"event": "subscribe", "arg": arg}).encode()


# --- the connection ---------------------------------------------------------------------------------------------------


def test_it_logs_in_subscribes_and_is_ready_once_everything_is_confirmed() -> None:
    dialect, _, heard = a_private()
    [login] = dialect.opened(NOW)
    arg = json.loads(login)["args"][0]
    assert (arg["timestamp"], arg["apiKey"], arg["passphrase"]) == ("1700000000", "KEY", "PASS")
    [subscription] = dialect.received(b'{"event":"login","code":0}', heard, NOW).send
    assert [each["channel"] for each in json.loads(subscription)["args"]] == list(CHANNELS)
    ready = [dialect.received(confirmed(channel), heard, NOW).ready for channel in CHANNELS]
    assert ready == [False, False, False, True]


@pytest.mark.parametrize(("code", "fatal"), [(30015, True), (30011, True), (30006, False), (30014, False)])
def test_a_refused_login_ends_the_connection_and_a_wrong_key_waits_longer(code: int, fatal: bool) -> None:  # noqa: FBT001
    dialect, _, heard = a_private()
    reaction = dialect.received(json.dumps({"event": "error", "code": code, "msg": "no"}).encode(), heard, NOW)
    assert (reaction.problem, reaction.fatal) == (f"{code} no", fatal)


def test_a_refused_subscription_ends_the_private_connection() -> None:
    dialect, _, heard = a_private()
    refused = {"event": "error", "arg": {"channel": "fill"}, "code": 30001, "msg": "doesn't exist"}
    assert dialect.received(json.dumps(refused).encode(), heard, NOW).problem


def test_one_unknown_symbol_does_not_end_the_market_connection() -> None:
    refused = {"event": "error", "arg": {"channel": "ticker", "instId": "X"}, "code": 30001, "msg": "doesn't exist"}
    reaction = MarketDialect(CONFIG).received(json.dumps(refused).encode(), Listening(), NOW)
    assert (reaction.problem, reaction.unknown) == ("", True)


def test_the_addresses_are_the_venues_or_the_ones_that_are_set() -> None:
    assert MarketDialect(CONFIG).url() == "wss://ws.bitget.com/v2/ws/public"
    private, _, _ = a_private()
    assert private.url() == "wss://ws.bitget.com/v2/ws/private"
    demo = VenueConfig(venue=VENUE, api_key="", api_secret="", testnet=True)
    assert MarketDialect(demo).url() == "wss://wspap.bitget.com/v2/ws/public"


def test_watching_other_symbols_unsubscribes_the_old_ones() -> None:
    dialect = MarketDialect(CONFIG)
    dialect.watch([BTC])
    messages = [json.loads(text) for text in dialect.watch([ETH])]
    assert [(each["op"], each["args"][0]["instId"]) for each in messages] == [
        ("unsubscribe", "BTCUSDT"),
        ("subscribe", "ETHUSDT"),
    ]


def test_many_symbols_are_subscribed_in_few_messages() -> None:
    messages = MarketDialect(CONFIG).watch([Symbol(f"C{number}USDT") for number in range(120)])
    assert [len(json.loads(text)["args"]) for text in messages] == [50, 50, 20]


# --- what is told -----------------------------------------------------------------------------------------------------


def test_a_ticker_is_a_tick() -> None:
    heard = Listening()
    MarketDialect(CONFIG).received(push("ticker", TICKER, instrument="BTCUSDT"), heard, NOW)
    [tick] = heard.ticks
    assert (tick.symbol, tick.last, tick.mark, tick.time_ms) == (BTC, d("43480.4"), d("43476.4"), 1701843962811)
    assert (tick.bid, tick.ask) == (d("43476.3"), d("43476.8"))


def test_a_partial_ticker_keeps_the_mark_price() -> None:
    heard, dialect = Listening(), MarketDialect(CONFIG)
    dialect.received(push("ticker", TICKER, instrument="BTCUSDT"), heard, NOW)
    dialect.received(push("ticker", {"instId": "BTCUSDT", "lastPr": "43000"}, instrument="BTCUSDT"), heard, NOW)
    assert (heard.ticks[-1].last, heard.ticks[-1].mark) == (d(43000), d("43476.4"))


def test_an_order_is_told_with_its_position_side() -> None:
    dialect, _, heard = a_private()
    dialect.received(push("orders", ORDER), heard, NOW)
    [order] = heard.orders
    assert (order.client_order_id, order.side, order.hedge_side) == ("HFabc", OrderSide.SELL, Side.SHORT)
    assert (order.status, order.filled_quantity, order.average_price) == (OrderStatus.FILLED, d(13), d("0.804"))
    assert (order.kind, order.reduce_only, order.price) == (OrderKind.MARKET, False, None)


def test_a_close_in_hedge_mode_is_turned_to_the_side_of_the_order() -> None:
    dialect, _, heard = a_private()
    closing = {**ORDER, "posSide": "long", "side": "buy", "tradeSide": "close"}
    dialect.received(push("orders", closing), heard, NOW)
    assert (heard.orders[0].side, heard.orders[0].hedge_side) == (OrderSide.SELL, Side.LONG)
    assert heard.orders[0].reduce_only


@pytest.mark.parametrize(
    ("plan", "kind", "quantity"),
    [
        ("psl", OrderKind.STOP_MARKET, None),
        ("sl", OrderKind.STOP_MARKET, d("0.02")),
        ("tp", OrderKind.TAKE_PROFIT_MARKET, d("0.02")),
        ("ptp", OrderKind.TAKE_PROFIT_MARKET, None),
    ],
)
def test_a_plan_order_is_told_as_what_it_is(plan: str, kind: OrderKind, quantity: object) -> None:
    dialect, _, heard = a_private()
    dialect.received(push("orders-algo", {**ALGO, "planType": plan, "size": "0.02"}), heard, NOW)
    [order] = heard.orders
    assert (order.kind, order.quantity, order.trigger_price) == (kind, quantity, d(27000))
    assert (order.side, order.hedge_side, order.status) == (OrderSide.SELL, Side.LONG, OrderStatus.WORKING)
    assert (order.trigger_source, order.client_order_id) == (TriggerSource.LAST, None)


def test_a_trigger_order_of_somebody_is_not_taken_for_protection() -> None:
    dialect, _, heard = a_private()
    dialect.received(push("orders-algo", {**ALGO, "planType": "pl"}), heard, NOW)
    assert heard.orders == []


@pytest.mark.parametrize("status", ["fail_execute", "fail_trigger", "fail_executed"])
def test_a_stop_that_could_not_execute_is_told_as_lost(status: str) -> None:
    dialect, _, heard = a_private()
    dialect.received(push("orders-algo", {**ALGO, "status": status}), heard, NOW)
    assert (heard.orders[0].status, heard.orders[0].reject_reason) == (OrderStatus.REJECTED, status)


def test_a_position_is_told_and_what_the_next_list_lacks_is_flat() -> None:
    dialect, _, heard = a_private()
    dialect.received(push("positions", POSITION, {**POSITION, "instId": "ETHUSDT"}), heard, NOW)
    first = heard.positions[0]
    assert first is not None
    assert (first.side, first.quantity, first.entry_price) == (Side.LONG, d("0.001"), d(43849))
    assert (first.leverage, first.margin_mode, first.hedge_side) == (d(20), MarginMode.CROSS, Side.LONG)
    assert first.mark_price == d("43845.8")
    dialect.received(push("positions", POSITION), heard, NOW)
    assert heard.positions[2] is None
    dialect.received(push("positions"), heard, NOW)
    assert heard.positions[-1] is None


# --- fills ------------------------------------------------------------------------------------------------------------


def the_order_of(fill: dict[str, Any], **changes: str) -> dict[str, Any]:
    return {**ORDER, "orderId": fill["orderId"], "instId": fill["symbol"], "posSide": "long", "side": "buy", **changes}


@pytest.mark.parametrize("order_first", [True, False])
def test_a_fill_carries_the_id_of_its_order_whichever_comes_first(order_first: bool) -> None:  # noqa: FBT001
    dialect, search, heard = a_private()
    messages = [push("orders", the_order_of(FILL)), push("fill", FILL)]
    for data in messages if order_first else reversed(messages):
        dialect.received(data, heard, NOW)
    [fill] = heard.fills
    assert (fill.client_order_id, fill.venue_order_id) == ("HFabc", FILL["orderId"])
    assert (fill.side, fill.hedge_side, fill.commission) == (OrderSide.BUY, Side.LONG, d("0.0048522"))
    assert search.asked == []


def test_the_fill_of_a_triggered_stop_is_told_under_the_stop() -> None:
    plan = {**ALGO, "clientOid": "HFstop", "status": "executed", "orderId": "500"}
    child = {**FILL, "orderId": "900", "symbol": "BTCUSDT", "tradeSide": "close"}
    dialect, search, heard = a_private(**{"900": plan})
    dialect.received(push("fill", child), heard, NOW)
    assert heard.fills == []
    closing = the_order_of(child, clientOid="1333", tradeSide="close", reduceOnly="yes")
    dialect.received(push("orders", closing), heard, NOW + 1)
    [fill] = heard.fills
    assert (fill.client_order_id, fill.venue_order_id) == (ClientOrderId("HFstop"), "500")
    assert (fill.side, fill.hedge_side) == (OrderSide.SELL, Side.LONG)
    assert search.asked == ["900"]


def test_a_fill_of_nobody_known_is_told_in_the_end() -> None:
    dialect, search, heard = a_private()
    dialect.received(push("fill", FILL), heard, NOW)
    dialect.keep_alive(NOW + ORDER_WITHIN_MS - 1)
    assert (heard.fills, search.asked) == ([], [])
    dialect.keep_alive(NOW + ORDER_WITHIN_MS)
    assert (heard.fills, search.asked) == ([], [FILL["orderId"]])
    dialect.keep_alive(NOW + GIVE_UP_MS)
    [fill] = heard.fills
    assert (fill.client_order_id, fill.side, fill.hedge_side) == (None, OrderSide.BUY, Side.LONG)


@pytest.mark.parametrize(
    ("trade_side", "kind", "side"),
    [
        ("burst_close_long", FillKind.LIQUIDATION, OrderSide.SELL),
        ("burst_close_short", FillKind.LIQUIDATION, OrderSide.BUY),
        ("dte_sys_adl_close_long", FillKind.AUTO_DELEVERAGING, OrderSide.SELL),
        ("close", FillKind.TRADE, OrderSide.SELL),
    ],
)
def test_a_liquidation_and_a_deleveraging_are_told_as_such(trade_side: str, kind: FillKind, side: OrderSide) -> None:
    dialect, _, heard = a_private()
    dialect.received(push("fill", {**FILL, "tradeSide": trade_side}), heard, NOW)
    dialect.keep_alive(NOW + GIVE_UP_MS)
    [fill] = heard.fills
    assert (fill.kind, fill.side) == (kind, side)


# --- garbage ----------------------------------------------------------------------------------------------------------

SAMPLES = [
    push("orders", ORDER),
    push("orders-algo", ALGO),
    push("positions", POSITION),
    push("fill", FILL),
    push("ticker", TICKER, instrument="BTCUSDT"),
]
GARBAGE = [
    b"",
    b"\xff\xfe",
    b"null",
    b"[]",
    b"42",
    b"{",
    b'{"event":"surprise"}',
    b'{"event":7}',
    b'{"arg":{"channel":"surprise"},"data":[]}',
    b'{"arg":{"channel":"orders"}}',
    b'{"arg":{"channel":"fill"},"data":[{"orderId":"1","tradeId":"","symbol":"X","side":"?","price":"0"}]}',
    b'{"arg":{"channel":"ticker"},"data":[{"instId":"BTCUSDT","lastPr":"abc"}]}',
    b'{"arg":{"channel":"ticker"},"data":[{"instId":"BTCUSDT","lastPr":"-1"}]}',
    push("orders", {**ORDER, "status": "surprise"}),
    push("orders", {**ORDER, "size": "NaN"}),
    push("positions", {**POSITION, "total": "Infinity"}),
    b"x" * 1_000_000,
    b'{"event":"' + b"y" * 1_000_000 + b'"}',
    b"[" * 100_000,
]


def both() -> Sequence[Dialect]:
    private, _, _ = a_private()
    return private, MarketDialect(CONFIG)


@pytest.mark.parametrize("data", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_counted_and_told_to_nobody(data: bytes) -> None:
    for dialect in both():
        heard = Listening()
        assert dialect.received(data, heard, NOW) == Reaction(unknown=True)
        assert (heard.ticks, heard.orders, heard.fills, heard.positions) == ([], [], [], [])


@given(sample=st.sampled_from(SAMPLES), at=st.integers(0, 2_000), junk=st.binary(max_size=3))
def test_a_message_that_is_cut_or_spoilt_never_raises(sample: bytes, at: int, junk: bytes) -> None:
    for dialect in both():
        dialect.received(sample[:at], Listening(), NOW)
        dialect.received(sample[:at] + junk + sample[at + len(junk) :], Listening(), NOW)
        dialect.keep_alive(NOW + GIVE_UP_MS)


@pytest.mark.parametrize("sample", SAMPLES, ids=(*CHANNELS, "ticker"))
@pytest.mark.parametrize("value", [None, [], {}, True, 1.5, "", "x", "9" * 400])
def test_a_field_of_the_wrong_type_never_raises(sample: bytes, value: object) -> None:
    message = json.loads(sample)
    for name in message["data"][0]:
        row = {**message["data"][0], name: value}
        spoilt = json.dumps({**message, "data": [row]}).encode()
        for dialect in both():
            dialect.received(spoilt, Listening(), NOW)
            dialect.keep_alive(NOW + GIVE_UP_MS)


@pytest.mark.parametrize("sample", SAMPLES, ids=(*CHANNELS, "ticker"))
def test_fields_that_are_new_are_no_matter(sample: bytes) -> None:
    message = json.loads(sample)
    row = {**message["data"][0], "newField": {"deep": [1]}}
    changed = json.dumps({**message, "data": [row], "more": 1}).encode()
    assert any(not dialect.received(changed, Listening(), NOW).unknown for dialect in both())
