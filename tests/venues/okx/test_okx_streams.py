"""What OKX's frames mean, that nothing it says raises, and how a connection comes up or does not."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.streams.dialect import Dialect
from adapters.streams.okx import okx_connection
from adapters.streams.okx_frames import DEMO, LIVE, LoginClock
from adapters.streams.okx_market import OkxMarketDialect
from adapters.streams.okx_private import BUSINESS, PRIVATE, OkxPrivateDialect
from adapters.venues.okx_http import VenueClock
from adapters.venues.rest import VenueConfig
from messages.orders import FillKind, OrderStatus
from messages.values import OrderKind, OrderSide, Side, Symbol, TriggerSource
from tests.contract.battery import Listening, Setup
from tests.venues.okx.running import KEYS, VENUE, running

BTC = Symbol("BTCUSDT")
T0 = 1_700_000_000_000
CONFIG = VenueConfig(venue=VENUE, api_key=KEYS.api_key, api_secret=KEYS.api_secret, api_passphrase=KEYS.api_passphrase)
ORDER = {
    "accFillSz": "0.03",
    "algoClOrdId": "",
    "algoId": "",
    "attachAlgoOrds": [],
    "avgPx": "103698.9",
    "cTime": "1746947317401",
    "category": "normal",
    "clOrdId": "001BTCUSDT20250106001",
    "execType": "M",
    "fee": "-0.021776769",
    "feeCcy": "USDT",
    "fillPx": "103698.9",
    "fillSz": "0.03",
    "fillTime": "1746947317402",
    "instId": "BTC-USDT-SWAP",
    "instType": "SWAP",
    "lever": "2.0",
    "linkedAlgoOrd": {"algoId": ""},
    "ordId": "2497956918703120384",
    "ordType": "market",
    "posSide": "long",
    "px": "",
    "reduceOnly": "false",
    "side": "buy",
    "state": "filled",
    "sz": "0.03",
    "tdMode": "isolated",
    "tradeId": "1518905529",
    "uTime": "1746947317402",
}
ALGO = {
    "actualPx": "",
    "actualSide": "",
    "actualSz": "0",
    "algoClOrdId": "supsl1",
    "algoId": "581878926302093312",
    "attachAlgoOrds": [],
    "cTime": "1685002746818",
    "closeFraction": "1",
    "failCode": "",
    "instId": "BTC-USDT-SWAP",
    "instType": "SWAP",
    "last": "26174.8",
    "ordType": "conditional",
    "posSide": "net",
    "reduceOnly": "true",
    "side": "sell",
    "slOrdPx": "-1",
    "slTriggerPx": "25000",
    "slTriggerPxType": "mark",
    "state": "live",
    "sz": "",
    "tpTriggerPx": "",
    "uTime": "1708679675245",
    "linkedOrd": {"ordId": "98192973880283"},
}
POSITION = {
    "adl": "1",
    "avgPx": "0.52668",
    "closeOrderAlgo": [],
    "instId": "XRP-USDT-SWAP",
    "instType": "SWAP",
    "last": "0.52691",
    "lever": "3",
    "liqPx": "0.3287514731020614",
    "markPx": "0.52692",
    "mgnMode": "cross",
    "pos": "1",
    "posSide": "net",
    "uTime": "1693151444408",
    "upl": "0.0240000000000018",
}
TICKER = {
    "instId": "BTC-USDT-SWAP",
    "last": "9999.99",
    "askPx": "10000",
    "bidPx": "9999.98",
    "ts": "1597026383085",
}
MARK = {"instType": "SWAP", "instId": "BTC-USDT-SWAP", "markPx": "42310.6", "ts": "1630049139746"}


def a_private(path: str = PRIVATE) -> OkxPrivateDialect:
    return OkxPrivateDialect(CONFIG, path, LoginClock(CONFIG, VenueClock()))


def a_market(*symbols: Symbol) -> OkxMarketDialect:
    dialect = OkxMarketDialect(CONFIG)
    dialect.watch(symbols or (BTC,))
    return dialect


def frame(channel: str, *rows: Any) -> bytes:
    return json.dumps({"arg": {"channel": channel, "instId": "BTC-USDT-SWAP"}, "data": rows}).encode()


def heard_of(channel: str, *rows: Any, path: str = PRIVATE) -> Listening:
    heard = Listening()
    assert not a_private(path).received(frame(channel, *rows), heard, T0).unknown
    return heard


# --- what frames mean -------------------------------------------------------------------------------------------------


def test_a_filled_order_is_an_execution_and_a_state() -> None:
    heard = heard_of("orders", ORDER)
    [fill], [order] = heard.fills, heard.orders
    assert (fill.fill_id, fill.venue_order_id) == ("1518905529", "2497956918703120384")
    assert fill.client_order_id == order.client_order_id == "001BTCUSDT20250106001"
    assert (fill.price, fill.quantity, fill.commission) == (
        Decimal("103698.9"),
        Decimal("0.03"),
        Decimal("0.021776769"),
    )
    assert (fill.maker, fill.kind, fill.side, fill.hedge_side) == (True, FillKind.TRADE, OrderSide.BUY, Side.LONG)
    assert (order.status, order.kind, order.reduce_only) == (OrderStatus.FILLED, OrderKind.MARKET, False)


def test_each_piece_of_an_order_pays_its_own_fee() -> None:
    dialect, heard = a_private(), Listening()
    for number, (filled, fee) in enumerate((("0.01", "-0.5"), ("0.03", "-1.5"))):
        piece = {"tradeId": str(number), "fillSz": "0.01" if number == 0 else "0.02", "accFillSz": filled, "fee": fee}
        dialect.received(frame("orders", ORDER | piece | {"state": "partially_filled"}), heard, T0)
    assert [fill.commission for fill in heard.fills] == [Decimal("0.5"), Decimal("1.0")]


def test_a_piece_that_is_the_first_heard_of_pays_its_share() -> None:
    heard = heard_of("orders", ORDER | {"fillSz": "0.01", "accFillSz": "0.03", "fee": "-3"})
    assert heard.fills[0].commission == Decimal(1)


def test_where_okx_says_the_fee_of_the_execution_that_counts() -> None:
    heard = heard_of("orders", ORDER | {"fillFee": "-0.7", "fillFeeCcy": "USDT"})
    assert heard.fills[0].commission == Decimal("0.7")


@pytest.mark.parametrize(
    ("category", "kind"),
    [
        ("normal", FillKind.TRADE),
        ("full_liquidation", FillKind.LIQUIDATION),
        ("partial_liquidation", FillKind.LIQUIDATION),
        ("adl", FillKind.AUTO_DELEVERAGING),
        ("ddh", FillKind.TRADE),
    ],
)
def test_the_category_says_whether_the_venue_did_it(category: str, kind: FillKind) -> None:
    assert heard_of("orders", ORDER | {"category": category}).fills[0].kind is kind


def test_what_a_triggered_stop_sends_is_told_as_its_fill_only() -> None:
    child = {"algoId": "581878926302093312", "algoClOrdId": "supsl1", "clOrdId": "O581878926302093312"}
    heard = heard_of("orders", ORDER | child)
    assert ([fill.client_order_id for fill in heard.fills], heard.orders) == (["supsl1"], [])


def test_an_entry_that_names_the_stop_that_came_of_it_is_still_an_entry() -> None:
    heard = heard_of("orders", ORDER | {"algoId": "581878926302093312", "algoClOrdId": "supsl1"})
    assert [fill.client_order_id for fill in heard.fills] == ["001BTCUSDT20250106001"]
    assert [order.client_order_id for order in heard.orders] == ["001BTCUSDT20250106001"]


def test_a_resting_order_is_no_execution() -> None:
    resting = {"tradeId": "", "fillSz": "0", "fillPx": "", "state": "live", "ordType": "limit", "px": "99"}
    heard = heard_of("orders", ORDER | resting)
    assert (heard.fills, heard.orders[0].status, heard.orders[0].price) == ([], OrderStatus.WORKING, Decimal(99))


def test_a_stop_on_the_whole_position_has_no_quantity() -> None:
    [stop] = heard_of("orders-algo", ALGO, path=BUSINESS).orders
    assert (stop.kind, stop.trigger_price, stop.quantity) == (OrderKind.STOP_MARKET, Decimal(25_000), None)
    assert (stop.client_order_id, stop.venue_order_id) == ("supsl1", "581878926302093312")
    assert (stop.status, stop.trigger_source, stop.reduce_only) == (OrderStatus.WORKING, TriggerSource.MARK, True)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("live", OrderStatus.WORKING),
        ("effective", OrderStatus.FILLED),
        ("canceled", OrderStatus.CANCELLED),
        ("order_failed", OrderStatus.REJECTED),
        ("partially_failed", OrderStatus.REJECTED),
        ("pause", OrderStatus.REJECTED),
    ],
)
def test_a_stop_that_is_not_live_does_not_count_as_working(state: str, status: OrderStatus) -> None:
    [stop] = heard_of("orders-algo", ALGO | {"state": state, "failCode": "51008"}, path=BUSINESS).orders
    assert stop.status is status


def test_a_take_profit_has_its_quantity_and_a_stop_of_both_kinds_is_a_stop() -> None:
    profit = {"slTriggerPx": "", "tpTriggerPx": "27000", "closeFraction": "", "sz": "0.5"}
    both = ALGO | {"ordType": "oco", "tpTriggerPx": "27000"}
    heard = heard_of("orders-algo", ALGO | profit, both, path=BUSINESS)
    assert [order.kind for order in heard.orders] == [OrderKind.TAKE_PROFIT_MARKET, OrderKind.STOP_MARKET]
    assert heard.orders[0].quantity == Decimal("0.5")


@pytest.mark.parametrize(
    ("side", "trigger", "kind"),
    [
        ("sell", "25000", OrderKind.STOP_MARKET),
        ("sell", "27000", OrderKind.TAKE_PROFIT_MARKET),
        ("buy", "27000", OrderKind.STOP_MARKET),
        ("buy", "25000", OrderKind.TAKE_PROFIT_MARKET),
    ],
)
def test_a_plain_trigger_order_is_what_the_price_at_its_placing_made_it(
    side: str, trigger: str, kind: OrderKind
) -> None:
    row = ALGO | {"ordType": "trigger", "slTriggerPx": "", "triggerPx": trigger, "side": side}
    assert heard_of("orders-algo", row, path=BUSINESS).orders[0].kind is kind


def test_a_position_is_signed_in_one_way_mode_and_named_in_hedge_mode() -> None:
    rows = [POSITION, POSITION | {"pos": "-2"}, POSITION | {"pos": "3", "posSide": "short"}, POSITION | {"pos": "0"}]
    told = heard_of("positions", *rows).positions
    assert [each and (each.side, each.quantity, each.hedge_side) for each in told] == [
        (Side.LONG, Decimal(1), None),
        (Side.SHORT, Decimal(2), None),
        (Side.SHORT, Decimal(3), Side.SHORT),
        None,
    ]
    assert told[0] is not None
    assert (told[0].entry_price, told[0].mark_price) == (Decimal("0.52668"), Decimal("0.52692"))


def test_other_instruments_are_nobodys_business() -> None:
    heard = heard_of("orders", ORDER | {"instId": "BTC-USD-200329"})
    assert (heard.orders, heard.fills) == ([], [])


def test_a_tick_comes_when_both_prices_are_known_and_keeps_what_is_not_told_again() -> None:
    dialect, heard = a_market(), Listening()
    dialect.received(frame("tickers", TICKER), heard, T0)
    assert heard.ticks == []
    dialect.received(frame("mark-price", MARK), heard, T0)
    dialect.received(frame("tickers", TICKER | {"last": "10001"}), heard, T0)
    assert [(tick.last, tick.mark) for tick in heard.ticks] == [
        (Decimal("9999.99"), Decimal("42310.6")),
        (Decimal(10_001), Decimal("42310.6")),
    ]
    assert (heard.ticks[-1].bid, heard.ticks[-1].ask) == (Decimal("9999.98"), Decimal(10_000))
    dialect.watch([])
    dialect.received(frame("mark-price", MARK), heard, T0)
    assert len(heard.ticks) == 2


# --- what makes no sense ----------------------------------------------------------------------------------------------

GARBAGE: tuple[bytes, ...] = (
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff\xfe\x00",
    b'{"event":"meteor","msg":""}',
    b'{"arg":{"channel":"orders"},"data":{}}',
    b'{"arg":{"channel":"orders"},"data":[{"instId":7}]}',
    b'{"arg":{"channel":"weather"},"data":[]}',
    b'{"arg":{"channel":"tickers"},"data":[{"last":"1"}]}',
    frame("orders", ORDER | {"state": "melted"}),
    frame("orders", ORDER | {"sz": "many"}),
    frame("orders", ORDER | {"side": "hold"}),
    frame("orders", ORDER | {"fillPx": "NaN"}),
    frame("orders", ORDER)[:200],
    frame("orders-algo", ALGO | {"slTriggerPx": "", "tpTriggerPx": ""}),
    frame("positions", POSITION | {"avgPx": "Infinity"}),
    frame("positions", POSITION | {"mgnMode": "quadratic"}),
    frame("tickers", TICKER | {"last": "much"}),
    frame("tickers", TICKER | {"ts": "noon"}),
    b'{"arg":"' + b"x" * 1_000_000 + b'"}',
    b"x" * 1_000_000,
    b"[" * 100_000,
    b'{"data":' * 50_000,
    b'{"arg":{"channel":"orders"},"data":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    frame("orders", ORDER | {"fee": "-9E+999999", "fillSz": "9E+999999", "sz": "1"}),
)


def everyone() -> list[Dialect]:
    return [a_private(PRIVATE), a_private(BUSINESS), a_market()]


@pytest.mark.parametrize("data", GARBAGE, ids=range(len(GARBAGE)))
def test_what_makes_no_sense_is_counted_and_tells_nothing(data: bytes) -> None:
    heard = Listening()
    reactions = [dialect.received(data, heard, T0) for dialect in everyone()]
    assert any(reaction.unknown for reaction in reactions)
    assert not any(reaction.problem for reaction in reactions)
    assert (heard.ticks, heard.positions, heard.orders, heard.fills) == ([], [], [], [])


@given(data=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_nothing_that_arrives_raises(data: bytes) -> None:
    for dialect in everyone():
        dialect.received(data, Listening(), T0)


@given(
    name=st.sampled_from(sorted(ORDER)),
    value=st.none() | st.integers() | st.text(max_size=8) | st.lists(st.text(max_size=3), max_size=2),
)
def test_no_value_of_a_field_raises(name: str, value: Any) -> None:
    a_private().received(frame("orders", ORDER | {name: value}), Listening(), T0)


def test_fields_that_are_new_are_left_alone() -> None:
    heard = heard_of("orders", ORDER | {"moonPhase": {"deep": [1, 2]}})
    assert len(heard.orders) == 1


# --- coming up --------------------------------------------------------------------------------------------------------


def said(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode()


def test_a_private_connection_is_ready_when_each_channel_is_confirmed() -> None:
    dialect, heard = a_private(), Listening()
    [login] = dialect.opened(T0)
    assert json.loads(login)["args"][0]["timestamp"] == str(T0 // 1_000)
    reaction = dialect.received(said({"event": "login", "code": "0", "msg": "", "connId": "a"}), heard, T0)
    channels = [arg["channel"] for text in reaction.send for arg in json.loads(text)["args"]]
    assert (channels, reaction.ready) == (["orders", "positions"], False)
    confirmations = [
        dialect.received(said({"event": "subscribe", "arg": {"channel": each}, "connId": "a"}), heard, T0).ready
        for each in channels
    ]
    assert confirmations == [False, True]
    assert dialect.received(b"pong", heard, T0).ready is False


@pytest.mark.parametrize(("code", "fatal"), [("60005", True), ("60024", True), ("60006", False), ("60011", False)])
def test_a_refused_login_is_a_problem_and_a_wrong_key_a_lasting_one(code: str, fatal: bool) -> None:  # noqa: FBT001 - a column
    reaction = a_private().received(said({"event": "error", "code": code, "msg": "no"}), Listening(), T0)
    assert (bool(reaction.problem), reaction.fatal) == (True, fatal)


def test_a_login_that_is_refused_for_its_time_asks_for_the_time_before_the_next() -> None:
    with running(Setup()) as venue:
        venue.exchange.skew_clock(90_000)
        clock = LoginClock(venue.config, VenueClock())
        dialect = OkxPrivateDialect(venue.config, PRIVATE, clock)
        assert dialect.url().startswith("ws://127.0.0.1")
        assert clock.now_ms(T0) == T0
        refusal = dialect.received(said({"event": "error", "code": "60006", "msg": "expired"}), Listening(), T0)
        assert (bool(refusal.problem), refusal.fatal) == (True, False)
        OkxPrivateDialect(venue.config, PRIVATE, clock).url()
        assert abs(clock.now_ms(T0) - T0 - 90_000) < 2_000


def test_a_clock_that_cannot_be_read_is_a_connection_that_cannot_be_made() -> None:
    nowhere = replace(CONFIG, rest_url="http://127.0.0.1:9")
    clock = LoginClock(nowhere, VenueClock())
    clock.refused()
    with pytest.raises(OSError, match="clock"):
        OkxPrivateDialect(nowhere, PRIVATE, clock).url()


def test_a_notice_to_leave_is_followed_and_others_are_not() -> None:
    for dialect in everyone():
        leave = dialect.received(said({"event": "notice", "code": "64008", "msg": "upgrade"}), Listening(), T0)
        other = dialect.received(said({"event": "notice", "code": "64000", "msg": "hello"}), Listening(), T0)
        assert (bool(leave.problem), bool(other.problem)) == (True, False)


def test_one_symbol_that_okx_does_not_know_costs_the_others_nothing() -> None:
    dialect = a_market(BTC, Symbol("NOPEUSDT"))
    reaction = dialect.received(said({"event": "error", "code": "60018", "msg": "no NOPE"}), Listening(), T0)
    assert (reaction.ready, reaction.problem, reaction.unknown) == (True, "", True)


def test_the_market_connection_asks_for_what_is_new_only() -> None:
    dialect = OkxMarketDialect(CONFIG)
    symbols = [Symbol(f"C{number}USDT") for number in range(120)]
    texts = dialect.watch(symbols)
    assert sum(len(json.loads(text)["args"]) for text in texts) == 240
    assert all(len(json.loads(text)["args"]) <= 100 for text in texts)
    [text] = dialect.watch(symbols[1:])
    assert json.loads(text)["op"] == "unsubscribe"
    assert dialect.watch(symbols[1:]) == ()


def test_the_demo_account_has_streams_of_its_own() -> None:
    demo = VenueConfig(venue=VENUE, api_key=KEYS.api_key, api_secret=KEYS.api_secret, testnet=True)
    assert OkxMarketDialect(demo).url() == f"{DEMO}/ws/v5/public"
    assert a_private(BUSINESS).url() == f"{LIVE}/ws/v5/business"


def test_the_streams_are_up_only_when_both_private_connections_are() -> None:
    with running(Setup()) as venue:
        (_, streams), heard = okx_connection(venue.config), Listening()
        streams.start(heard)
        try:
            heard.until(lambda: heard.connections == [True])
            streams.business.reconnect()
            heard.until(lambda: heard.connections == [True, False, True])
        finally:
            streams.stop()
