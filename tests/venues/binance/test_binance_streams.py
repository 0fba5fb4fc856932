"""Binance's stream messages as documented, and everything else that may come."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.streams.binance_market import BOOK_STREAMS, PRICE_STREAMS, BinanceMarket, PriceBoard
from adapters.streams.binance_private import KEEP_ALIVE_MS, BinancePrivate, PrivateMemory
from adapters.streams.dialect import NOTHING, Reaction
from messages.orders import FillKind, OrderStatus
from messages.values import MarginMode, OrderKind, OrderSide, Side, TriggerSource
from tests.contract.battery import Listening
from tests.simulator.builders import BTC, ETH, d

NOW_MS = 1_700_000_000_000
ORDER: dict[str, Any] = {
    "s": "BTCUSDT",
    "c": "TEST",
    "S": "BUY",
    "o": "LIMIT",
    "f": "GTC",
    "q": "0.001",
    "p": "7100.50",
    "ap": "7100.50",
    "sp": "0",
    "x": "TRADE",
    "X": "PARTIALLY_FILLED",
    "i": 8886774,
    "l": "0.001",
    "z": "0.001",
    "L": "7100.50",
    "N": "USDT",
    "n": "0.01000000",
    "T": 1568879465651,
    "t": 12345678,
    "b": "0",
    "a": "0",
    "m": True,
    "R": False,
    "wt": "CONTRACT_PRICE",
    "ot": "LIMIT",
    "ps": "LONG",
    "cp": False,
    "AP": "0",
    "cr": "0",
    "pP": False,
    "si": 0,
    "ss": 0,
    "rp": "12.34",
    "V": "EXPIRE_TAKER",
}
ALGO: dict[str, Any] = {
    "caid": "Q5xaq5EGKgXXa0fD7fs0Ip",
    "aid": 2148719,
    "at": "CONDITIONAL",
    "o": "TAKE_PROFIT",
    "s": "BNBUSDT",
    "S": "SELL",
    "ps": "BOTH",
    "f": "GTC",
    "q": "0.01",
    "X": "CANCELED",
    "ai": "",
    "ap": "0.00000",
    "aq": "0.00000",
    "act": "0",
    "tp": "750",
    "p": "750",
    "V": "EXPIRE_MAKER",
    "wt": "CONTRACT_PRICE",
    "pm": "NONE",
    "cp": False,
    "pP": False,
    "R": False,
    "tt": 0,
    "gtd": 0,
    "rm": "Reduce Only reject",
}
POSITION: dict[str, Any] = {
    "s": "BTCUSDT",
    "pa": "20",
    "ep": "6563.6",
    "bep": "6563.559",
    "cr": "0",
    "up": "2850.21200",
    "mt": "isolated",
    "iw": "13200.70726908",
    "ps": "LONG",
}
TRADE_LITE = (
    '{"e":"TRADE_LITE","E":1568879465651,"T":1568879465651,"s":"BTCUSDT","c":"TEST","S":"BUY","q":"0.001",'
    '"p":"7100.50","i":8886774,"l":"0.001","L":"7100.50","t":12345678,"m":true}'
)
MARK = (
    '{"e":"markPriceUpdate","E":1562305380000,"s":"BTCUSDT","p":"11794.15000000","i":"11784.62659091",'
    '"P":"11784.25641265","r":"0.00038167","T":1562306400000,"st":1}'
)


class Keys:
    """Listen keys that a test may let fail."""

    def __init__(self) -> None:
        self.kept = 0
        self.broken = False

    def create(self) -> str:
        return "pqia91ma"

    def keep_alive(self) -> None:
        self.kept += 1
        if self.broken:
            raise OSError("the listen key does not exist")


def a_private(memory: PrivateMemory | None = None, keys: Keys | None = None) -> BinancePrivate:
    return BinancePrivate(
        address=lambda key: f"ws://venue/private/ws?listenKey={key}",
        keys=keys or Keys(),
        memory=memory or PrivateMemory(),
    )


def a_market(board: PriceBoard | None = None, streams: tuple[str, ...] = PRICE_STREAMS) -> BinanceMarket:
    market = BinanceMarket(
        name="binance market", address=lambda: "ws://venue/market/ws", streams=streams, board=board or PriceBoard()
    )
    market.opened(NOW_MS)
    market.watch([BTC])
    return market


def heard_from(dialect: BinancePrivate | BinanceMarket, *messages: object) -> tuple[Listening, list[Reaction]]:
    heard = Listening()
    reactions = []
    for message in messages:
        data = message if isinstance(message, bytes) else str(message).encode()
        data = json.dumps(message).encode() if isinstance(message, dict) else data
        reactions.append(dialect.received(data, heard, NOW_MS))
    return heard, reactions


def order_event(**changes: Any) -> dict[str, Any]:
    return {"e": "ORDER_TRADE_UPDATE", "T": 1568879465651, "E": 1568879465651, "o": ORDER | changes}


def algo_event(**changes: Any) -> dict[str, Any]:
    return {"e": "ALGO_UPDATE", "T": 1750515742297, "E": 1750515742303, "o": ALGO | changes}


def account_event(*positions: dict[str, Any], reason: str = "ORDER") -> dict[str, Any]:
    balance = {"a": "USDT", "wb": "122624.12345678", "cw": "100.12345678", "bc": "50.12345678"}
    account = {"m": reason, "B": [balance], "P": list(positions)}
    return {"e": "ACCOUNT_UPDATE", "T": 1564745798939, "E": 1564745798939, "a": account}


# --- private ----------------------------------------------------------------------------------------------------------


def test_an_execution_is_a_fill_and_the_order_as_it_is_then() -> None:
    heard, _ = heard_from(a_private(), order_event())
    [fill], [order] = heard.fills, heard.orders
    assert (fill.fill_id, fill.venue_order_id, fill.client_order_id) == ("12345678", "8886774", "TEST")
    assert (fill.symbol, fill.side, fill.price, fill.quantity) == (BTC, OrderSide.BUY, d("7100.50"), d("0.001"))
    assert (fill.commission, fill.commission_asset, fill.maker) == (d("0.01"), "USDT", True)
    assert (fill.kind, fill.hedge_side, fill.time_ms) == (FillKind.TRADE, Side.LONG, 1568879465651)
    assert (order.kind, order.status, order.filled_quantity) == (OrderKind.LIMIT, OrderStatus.WORKING, d("0.001"))
    assert (order.price, order.average_price, order.reduce_only) == (d("7100.50"), d("7100.50"), False)


@pytest.mark.parametrize(
    ("execution", "status", "meant"),
    [
        ("NEW", "NEW", OrderStatus.WORKING),
        ("AMENDMENT", "NEW", OrderStatus.WORKING),
        ("CANCELED", "CANCELED", OrderStatus.CANCELLED),
        ("EXPIRED", "EXPIRED", OrderStatus.EXPIRED),
        ("EXPIRED", "EXPIRED_IN_MATCH", OrderStatus.EXPIRED),
    ],
)
def test_an_order_that_only_changes_is_no_fill(execution: str, status: str, meant: OrderStatus) -> None:
    heard, _ = heard_from(a_private(), order_event(x=execution, X=status, l="0", L="0", t=0))
    assert heard.fills == []
    assert [order.status for order in heard.orders] == [meant]


@pytest.mark.parametrize(
    ("order_id", "kind"),
    [("autoclose-1234567890", FillKind.LIQUIDATION), ("adl_autoclose_7", FillKind.AUTO_DELEVERAGING)],
)
def test_what_the_venue_does_by_itself_is_told_as_that(order_id: str, kind: FillKind) -> None:
    heard, _ = heard_from(a_private(), order_event(c=order_id, x="CALCULATED", X="FILLED", o="MARKET", ot="MARKET"))
    assert [fill.kind for fill in heard.fills] == [kind]


def test_an_execution_without_an_id_is_left_for_the_account_to_show() -> None:
    heard, _ = heard_from(a_private(), order_event(c="autoclose-1", x="CALCULATED", X="FILLED", t=0))
    assert heard.fills == []
    assert [order.status for order in heard.orders] == [OrderStatus.FILLED]


def test_a_conditional_order_is_told_with_its_reason() -> None:
    heard, _ = heard_from(a_private(), algo_event())
    [order] = heard.orders
    assert (order.venue_order_id, order.client_order_id) == ("2148719", "Q5xaq5EGKgXXa0fD7fs0Ip")
    assert (order.kind, order.status, order.trigger_price) == (
        OrderKind.TAKE_PROFIT_MARKET,
        OrderStatus.CANCELLED,
        d(750),
    )
    assert (order.trigger_source, order.reject_reason) == (TriggerSource.LAST, "Reduce Only reject")


def test_a_stop_that_triggers_and_its_child_are_one_order_to_us() -> None:
    """The sequence that was captured: NEW, TRIGGERING, TRIGGERED, the child, FINISHED."""
    stop = {"o": "STOP_MARKET", "wt": "MARK_PRICE", "R": True, "rm": "", "q": "38", "s": "BTCUSDT"}
    child = {"c": ALGO["caid"], "i": 88937381063, "o": "MARKET", "ot": "MARKET", "ps": "BOTH", "S": "SELL", "R": True}
    heard, reactions = heard_from(
        a_private(),
        algo_event(**stop, X="NEW"),
        algo_event(**stop, X="TRIGGERING"),
        algo_event(**stop, X="TRIGGERED", ai="88937381063", ap="0", aq="0", act="MARKET"),
        order_event(**child, x="NEW", X="NEW", l="0", L="0", t=0),
        order_event(**child, X="FILLED", l="38", z="38", L="0.13856"),
        algo_event(**stop, X="FINISHED", ai="88937381063", ap="0.13856", aq="38"),
    )
    assert set(reactions) == {NOTHING}
    assert {(order.venue_order_id, order.kind) for order in heard.orders} == {("2148719", OrderKind.STOP_MARKET)}
    working, last = heard.orders[:-1], heard.orders[-1]
    assert {order.status for order in working} == {OrderStatus.WORKING}
    assert (last.status, last.filled_quantity, last.average_price) == (OrderStatus.FILLED, d(38), d("0.13856"))
    [fill] = heard.fills
    assert (fill.client_order_id, fill.quantity, fill.price) == (ALGO["caid"], d(38), d("0.13856"))


def test_a_child_under_another_id_than_its_parents_is_told_under_the_parents() -> None:
    memory = PrivateMemory()
    heard_from(a_private(memory), algo_event(X="TRIGGERED", ai="77"))
    heard, _ = heard_from(a_private(memory), order_event(c="x-other", i=77))
    assert [fill.client_order_id for fill in heard.fills] == [ALGO["caid"]]
    assert heard.orders == []


def test_a_stop_that_finished_without_an_execution_was_cancelled() -> None:
    heard, _ = heard_from(a_private(), algo_event(X="FINISHED", ai="5", aq="0"))
    assert [order.status for order in heard.orders] == [OrderStatus.CANCELLED]


def test_a_stop_on_the_whole_position_has_no_quantity() -> None:
    heard, _ = heard_from(a_private(), algo_event(o="STOP_MARKET", X="NEW", cp=True, q="0"))
    assert [(order.quantity, order.reduce_only) for order in heard.orders] == [(None, True)]


def test_a_position_is_told_with_what_follows_from_the_event() -> None:
    heard, _ = heard_from(a_private(), account_event(POSITION))
    [position] = heard.positions
    assert position is not None
    assert (position.side, position.quantity, position.entry_price) == (Side.LONG, d(20), d("6563.6"))
    assert position.mark_price == d("6563.6") + d("2850.212") / 20
    assert (position.margin_mode, position.leverage, position.hedge_side) == (MarginMode.ISOLATED, d(10), Side.LONG)


def test_a_short_in_one_way_mode_has_a_negative_amount_and_a_flat_position_none() -> None:
    short = POSITION | {"pa": "-2", "ep": "100", "up": "4", "ps": "BOTH"}
    heard, _ = heard_from(a_private(), account_event(short), account_event(POSITION | {"pa": "0", "ps": "BOTH"}))
    position, flat = heard.positions
    assert position is not None
    assert (position.side, position.quantity, position.mark_price) == (Side.SHORT, d(2), d(98))
    assert flat is None


def test_a_leverage_that_was_told_is_known() -> None:
    config = {"e": "ACCOUNT_CONFIG_UPDATE", "E": 1, "T": 1, "ac": {"s": "BTCUSDT", "l": 25}}
    heard, _ = heard_from(a_private(), config, account_event(POSITION))
    assert [position.leverage for position in heard.positions if position is not None] == [d(25)]


def test_what_is_told_twice_or_does_not_concern_us_is_passed_over_without_being_unknown() -> None:
    events: list[object] = [TRADE_LITE, account_event(reason="FUNDING_FEE"), {"e": "MARGIN_CALL"}]
    heard, reactions = heard_from(a_private(), *events)
    assert (set(reactions), heard.fills, heard.positions) == ({NOTHING}, [], [])


@pytest.mark.parametrize(
    "event", [{"e": "listenKeyExpired", "E": 1, "listenKey": "x"}, {"e": "eventStreamTerminated", "E": 1757896885229}]
)
def test_the_end_of_a_listen_key_is_the_end_of_the_connection(event: dict[str, Any]) -> None:
    _, [reaction] = heard_from(a_private(), event)
    assert reaction.problem
    assert not reaction.fatal


def test_an_event_of_a_combined_stream_is_unwrapped() -> None:
    heard, _ = heard_from(a_private(), {"stream": "pqia91ma", "data": order_event()})
    assert len(heard.fills) == 1


def test_the_listen_key_opens_the_connection_and_is_kept_alive() -> None:
    keys = Keys()
    private = a_private(keys=keys)
    assert private.url() == "ws://venue/private/ws?listenKey=pqia91ma"
    assert private.opened(NOW_MS) == ()
    private.keep_alive(NOW_MS + KEEP_ALIVE_MS - 1)
    assert keys.kept == 0
    private.keep_alive(NOW_MS + KEEP_ALIVE_MS)
    private.keep_alive(NOW_MS + KEEP_ALIVE_MS + 1)
    assert keys.kept == 1


def test_a_listen_key_that_cannot_be_kept_ends_the_connection() -> None:
    keys = Keys()
    keys.broken = True
    private = a_private(keys=keys)
    private.opened(NOW_MS)
    with pytest.raises(OSError, match="listen key"):
        private.keep_alive(NOW_MS + KEEP_ALIVE_MS)


# --- prices -----------------------------------------------------------------------------------------------------------


def trade(price: str, symbol: str = "BTCUSDT", at_ms: int = 1562305380001) -> dict[str, Any]:
    return {"e": "aggTrade", "E": at_ms, "s": symbol, "a": 1, "p": price, "q": "1", "f": 1, "l": 1, "T": 1, "m": False}


def test_a_tick_has_the_last_and_the_mark_price_once_both_are_known() -> None:
    market = a_market()
    heard, _ = heard_from(market, MARK)
    assert heard.ticks == []
    heard, _ = heard_from(market, trade("11790.1"), MARK.replace("11794.15", "11795.15"))
    first, second = heard.ticks
    assert (first.last, first.mark, first.high, first.low) == (
        d("11790.1"),
        d("11794.15"),
        d("11790.1"),
        d("11790.1"),
    )
    assert (second.last, second.mark) == (d("11790.1"), d("11795.15"))
    assert (first.time_ms, first.bid, first.symbol) == (1562305380001, None, BTC)


def test_a_symbol_without_trades_has_its_last_price_from_the_days_figures() -> None:
    heard, _ = heard_from(a_market(), MARK, {"e": "24hrTicker", "E": 5, "s": "BTCUSDT", "c": "11791", "Q": "1"})
    assert [tick.last for tick in heard.ticks] == [d(11791)]


def test_bids_and_asks_of_the_other_connection_are_merged_in_and_their_sizes_make_no_tick() -> None:
    board = PriceBoard()
    market, book = a_market(board), a_market(board, BOOK_STREAMS)
    best = {"e": "bookTicker", "u": 1, "E": 2, "T": 2, "s": "BTCUSDT", "b": "11789", "B": "1", "a": "11792", "A": "2"}
    heard_from(market, MARK, trade("11790"))
    heard, _ = heard_from(book, best, best | {"B": "5"}, best | {"A": "9"})
    assert [(tick.bid, tick.ask, tick.last) for tick in heard.ticks] == [(d(11789), d(11792), d(11790))]


def test_a_price_of_before_a_new_connection_does_not_pass_for_a_new_one() -> None:
    board = PriceBoard()
    heard_from(a_market(board), MARK, trade("11790"))
    heard, _ = heard_from(a_market(board), MARK)
    assert heard.ticks == []


def test_prices_of_a_symbol_that_is_not_watched_any_more_are_not_told() -> None:
    market = a_market()
    messages = [json.loads(text) for text in market.watch([ETH])]
    assert [(each["method"], each["params"][0]) for each in messages] == [
        ("UNSUBSCRIBE", "btcusdt@markPrice@1s"),
        ("SUBSCRIBE", "ethusdt@markPrice@1s"),
    ]
    heard, _ = heard_from(market, MARK, trade("1"))
    assert heard.ticks == []


def test_many_symbols_are_subscribed_in_several_messages() -> None:
    symbols = [type(BTC)(f"COIN{number}USDT") for number in range(200)]
    messages = [json.loads(text) for text in a_market().watch([BTC, *symbols])]
    names = [name for each in messages for name in each["params"]]
    assert len(names) == len(set(names)) == 200 * len(PRICE_STREAMS)
    assert max(len(each["params"]) for each in messages) <= 150
    assert len({each["id"] for each in messages}) == len(messages) > 1


def test_a_refused_subscription_is_a_problem_and_a_confirmed_one_is_none() -> None:
    refused = '{"error":{"code":2,"msg":"Invalid request: invalid stream"},"id":1}'
    _, [confirmed, problem] = heard_from(a_market(), '{"result":null,"id":1}', refused)
    assert confirmed == NOTHING
    assert "invalid stream" in problem.problem


def test_a_subscription_that_brings_nothing_ends_the_connection() -> None:
    market = a_market()
    market.keep_alive(NOW_MS + 9_000)
    with pytest.raises(OSError, match="no price"):
        market.keep_alive(NOW_MS + 11_000)
    nothing_watched = a_market()
    nothing_watched.watch([])
    nothing_watched.keep_alive(NOW_MS + 11_000)


# --- whatever else comes ----------------------------------------------------------------------------------------------

GARBAGE = [
    b"",
    b"null",
    b"7",
    b"[]",
    b"{}",
    b"\xff\xfe",
    b'{"e":"SOMETHING_NEW","E":1}',
    b'{"e":7}',
    b'{"e":"ORDER_TRADE_UPDATE"}',
    b'{"e":"ORDER_TRADE_UPDATE","o":[]}',
    b"[" * 200_000,
    b'{"e":"' + b"x" * 1_000_000 + b'"}',
    json.dumps(order_event()).encode()[:-20],
    json.dumps(order_event(X="SOMETHING_NEW")).encode(),
    json.dumps(order_event(i="not a number")).encode(),
    json.dumps(order_event(l="Infinity")).encode(),
    json.dumps(order_event(L="NaN")).encode(),
    json.dumps(order_event(S="SIDEWAYS")).encode(),
    json.dumps(algo_event(X="SOMETHING_NEW")).encode(),
    json.dumps(algo_event(o="SOMETHING_NEW")).encode(),
    json.dumps(algo_event(tp="-Infinity")).encode(),
    json.dumps(account_event(POSITION | {"pa": "NaN"})).encode(),
    json.dumps(account_event(POSITION | {"ps": "UP"})).encode(),
    MARK.encode()[:40],
    MARK.replace("11794.15000000", "0").encode(),
    MARK.replace("11794.15000000", "-1").encode(),
    MARK.replace("11794.15000000", "Infinity").encode(),
    json.dumps({"stream": "x", "data": 5}).encode(),
]


@pytest.mark.parametrize("data", GARBAGE, ids=range(len(GARBAGE)))
def test_what_cannot_be_understood_is_counted_and_told_to_nobody(data: bytes) -> None:
    for dialect in (a_private(), a_market()):
        heard, [reaction] = heard_from(dialect, data)
        assert reaction.unknown
        assert (heard.orders, heard.fills, heard.positions, heard.ticks) == ([], [], [], [])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*ORDER, *POSITION, "o"]), inner),
    max_leaves=8,
)


@given(changes=st.dictionaries(st.sampled_from([*ORDER]), json_values, max_size=4))
def test_no_change_to_an_order_message_makes_it_fail(changes: dict[str, Any]) -> None:
    heard_from(a_private(), order_event(**changes))


@given(changes=st.dictionaries(st.sampled_from([*ALGO]), json_values, max_size=4))
def test_no_change_to_a_stop_message_makes_it_fail(changes: dict[str, Any]) -> None:
    heard_from(a_private(), algo_event(**changes))


@given(changes=st.dictionaries(st.sampled_from([*POSITION]), json_values, max_size=4))
def test_no_change_to_an_account_message_makes_it_fail(changes: dict[str, Any]) -> None:
    heard_from(a_private(), account_event(POSITION | changes))


@given(data=st.binary(max_size=200))
def test_no_bytes_make_a_stream_fail(data: bytes) -> None:
    heard_from(a_private(), data)
    heard_from(a_market(), data)
