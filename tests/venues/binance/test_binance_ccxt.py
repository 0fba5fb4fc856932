"""The unmodified ccxt class against the simulated Binance: every recorded operation, and what it means there."""

from collections.abc import Callable, Iterator
from typing import Any

import ccxt
import pytest

from adapters.venues.binance import new_exchange
from messages.values import Side
from messages.venue import PlaceOrder
from tests.contract.battery import Setup, accepted
from tests.simulator.builders import BTC, a_limit, a_stop, an_order, d
from tests.venues.binance.prepared import facts
from tests.venues.binance.running import Running, running

S = "BTC/USDT:USDT"


@pytest.fixture
def venue() -> Iterator[Running]:
    with running() as started:
        yield started


@pytest.fixture
def hedged() -> Iterator[Running]:
    with running(Setup(hedge=True)) as started:
        yield started


def ccxt_for(venue: Running) -> Any:
    """ccxt as it comes, but for the address and its table of errors (which it chooses by the address)."""
    return new_exchange(venue.config)


def open_long(venue: Running, **changes: Any) -> None:
    accepted(venue.exchange.by_hand(PlaceOrder(order=an_order(**changes))))


def resting(venue: Running, client_order_id: str = "rest1") -> str:
    """A limit order; gives its id as ccxt knows it."""
    accepted(venue.exchange.by_hand(PlaceOrder(order=a_limit(client_order_id=client_order_id))))
    [order] = ccxt_for(venue).fetch_open_orders(S)
    return str(order["id"])


def stop_at_rest(venue: Running, client_order_id: str = "stop1") -> str:
    accepted(venue.exchange.by_hand(PlaceOrder(order=a_stop(client_order_id=client_order_id))))
    [order] = ccxt_for(venue).fetch_open_orders(S, params={"trigger": True})
    return str(order["id"])


# --- the venue and the account ----------------------------------------------------------------------------------------


def test_markets_time_and_prices(venue: Running) -> None:
    ex = ccxt_for(venue)
    market = ex.load_markets()[S]
    assert (market["id"], market["active"], market["contractSize"], market["linear"]) == ("BTCUSDT", True, 1, True)
    assert (market["precision"]["price"], market["precision"]["amount"]) == (0.1, 0.001)
    assert (market["limits"]["amount"]["max"], market["limits"]["market"]["max"]) == (100, 50)
    assert market["limits"]["cost"]["min"] == 5
    assert abs(ex.fetch_time() - venue.exchange.venue_ms) < 2_000
    assert ex.fetch_ticker(S)["last"] == 1000
    assert ex.fetch_mark_price(S)["markPrice"] == 1000


def test_default_options_ask_a_wallet_that_futures_do_not_have(venue: Running) -> None:
    ex = ccxt_for(venue)
    ex.options["fetchCurrencies"] = True
    with pytest.raises(ccxt.ExchangeNotAvailable):
        ex.load_markets()


def test_balance_and_positions(venue: Running) -> None:
    ex = ccxt_for(venue)
    assert ex.fetch_balance()["USDT"]["total"] == 10_000
    open_long(venue)
    ex.fetch_positions()  # the first call loads the brackets
    [position] = ex.fetch_positions()
    [same] = ex.fetch_positions([S])
    assert same["contracts"] == position["contracts"] == 1
    assert (position["side"], position["entryPrice"], position["markPrice"]) == ("long", 1000, 1000)
    assert (position["marginMode"], position["hedged"]) == ("isolated", False)
    assert 900 < position["liquidationPrice"] < 920
    assert ex.fapiPrivateV3GetPositionRisk()[0]["positionAmt"] == "1.000"
    with pytest.raises(ccxt.NotSupported):
        ex.fetch_position(S)


def test_leverage_and_modes(venue: Running) -> None:
    ex = ccxt_for(venue)
    assert ex.set_leverage(7, S)["leverage"] == 7
    assert ex.fetch_leverage(S)["longLeverage"] == 7
    ex.set_margin_mode("cross", S)
    assert ex.fetch_margin_mode(S)["marginMode"] == "cross"
    ex.set_margin_mode("isolated", S)
    with pytest.raises(ccxt.MarginModeAlreadySet):
        ex.set_margin_mode("isolated", S)
    resting(venue)
    with pytest.raises(ccxt.OperationRejected, match="-4047"):
        ex.set_margin_mode("cross", S)
    assert ex.fetch_position_mode()["hedged"] is False
    with pytest.raises(ccxt.OperationRejected, match="-4059"):
        ex.set_position_mode(hedged=False)
    with pytest.raises(ccxt.OperationRejected, match="-4068"):
        ex.set_position_mode(hedged=True)


# --- orders -----------------------------------------------------------------------------------------------------------


def test_an_entry_is_answered_without_its_price_and_the_order_says_it(venue: Running) -> None:
    ex = ccxt_for(venue)
    order = ex.create_order(S, "market", "buy", 0.01, None, {"clientOrderId": "sup-entry-0001"})
    assert (order["status"], order["filled"], order["clientOrderId"]) == ("closed", 0.01, "sup-entry-0001")
    assert order["average"] is None
    assert ex.fetch_order(None, S, {"clientOrderId": "sup-entry-0001"})["average"] == 1000
    assert ex.create_order(S, "market", "buy", 0.01)["clientOrderId"].startswith("x-cvBPrNm9")


def test_an_entry_with_an_attached_stop_is_refused_and_opens_nothing(venue: Running) -> None:
    with pytest.raises(ccxt.BadRequest, match="-1104"):
        ccxt_for(venue).create_order(S, "market", "buy", 0.01, None, {"stopLoss": {"triggerPrice": 980}})
    assert ccxt_for(venue).fetch_positions() == []


def test_a_close_reduces_and_opens_nothing(venue: Running) -> None:
    ex = ccxt_for(venue)
    with pytest.raises(ccxt.InvalidOrder, match="-2022"):
        ex.create_order(S, "market", "sell", 0.01, None, {"reduceOnly": True})
    open_long(venue)
    assert ex.create_order(S, "market", "sell", 1, None, {"reduceOnly": True})["reduceOnly"]
    assert ex.fetch_positions() == []


@pytest.mark.parametrize("params", [{"hedged": True}, {"positionSide": "SHORT"}])
def test_entries_and_closes_in_hedge_mode(hedged: Running, params: dict[str, Any]) -> None:
    ex = ccxt_for(hedged)
    ex.create_order(S, "market", "sell", 0.01, None, params)
    ex.create_order(S, "market", "buy", 0.02, None, {"hedged": True})
    sides = {position["side"]: position["contracts"] for position in ex.fetch_positions()}
    assert sides == {"short": 0.01, "long": 0.02}
    ex.create_order(S, "market", "sell", 0.02, None, {"hedged": True, "reduceOnly": True})
    assert [position["side"] for position in ex.fetch_positions()] == ["short"]
    assert ex.fetch_position_mode()["hedged"] is True
    with pytest.raises(ccxt.OperationRejected, match="-4061"):
        ex.create_order(S, "market", "buy", 0.01)


STOPS: dict[str, tuple[str, float, dict[str, Any], dict[str, Any]]] = {
    "with a quantity, on the mark price": (
        "market",
        1,
        {"stopLossPrice": 980, "reduceOnly": True, "workingType": "MARK_PRICE"},
        {"orderType": "STOP_MARKET", "triggerPrice": 980, "reduceOnly": True, "amount": 1},
    ),
    "on the whole position": (
        "market",
        1,
        {"stopLossPrice": 980, "closePosition": True, "workingType": "MARK_PRICE"},
        {"orderType": "STOP_MARKET", "triggerPrice": 980},
    ),
    "on the whole position, without an amount": (
        "market",
        0,
        {"stopLossPrice": 980, "closePosition": True},
        {"orderType": "STOP_MARKET", "triggerPrice": 980},
    ),
    "by its native type": (
        "STOP_MARKET",
        1,
        {"stopPrice": 980, "reduceOnly": True},
        {"orderType": "STOP_MARKET", "triggerPrice": 980, "amount": 1},
    ),
    "a take profit": (
        "market",
        0.5,
        {"takeProfitPrice": 1030, "reduceOnly": True},
        {"orderType": "TAKE_PROFIT_MARKET", "triggerPrice": 1030, "amount": 0.5},
    ),
}


@pytest.mark.parametrize("name", STOPS)
def test_conditional_orders_rest_in_a_list_of_their_own(venue: Running, name: str) -> None:
    order_type, amount, params, wanted = STOPS[name]
    open_long(venue)
    ex = ccxt_for(venue)
    placed = ex.create_order(S, order_type, "sell", amount, None, {**params, "clientOrderId": "sup-sl-0001"})
    [order] = ex.fetch_open_orders(S, params={"trigger": True})
    assert (order["id"], order["clientOrderId"], order["status"]) == (placed["id"], "sup-sl-0001", "open")
    shown = order | {"orderType": order["info"]["orderType"]}
    assert {field: shown[field] for field in wanted} == wanted
    assert ex.fetch_open_orders(S) == []


def test_stops_in_hedge_mode_belong_to_their_side(hedged: Running) -> None:
    open_long(hedged, hedge_side=Side.LONG)
    ex = ccxt_for(hedged)
    ex.create_order(S, "market", "sell", 1, None, {"stopLossPrice": 980, "hedged": True, "reduceOnly": True})
    ex.create_order(S, "market", "sell", 1, None, {"stopLossPrice": 970, "positionSide": "LONG"})
    orders = ex.fetch_open_orders(S, params={"trigger": True})
    assert {order["info"]["positionSide"] for order in orders} == {"LONG"}


def test_a_second_stop_on_the_whole_position_is_refused_and_one_with_a_quantity_is_not(venue: Running) -> None:
    open_long(venue)
    ex = ccxt_for(venue)
    for price in (980, 970):
        ex.create_order(S, "market", "sell", 1, None, {"stopLossPrice": price, "reduceOnly": True})
    ex.create_order(S, "market", "sell", 0, None, {"stopLossPrice": 980, "closePosition": True})
    with pytest.raises(ccxt.ExchangeError, match="-4130"):
        ex.create_order(S, "market", "sell", 0, None, {"stopLossPrice": 985, "closePosition": True})
    assert len(ex.fetch_open_orders(S, params={"trigger": True})) == 3


def test_limit_orders_are_changed_by_id_and_stops_are_not(venue: Running) -> None:
    open_long(venue)
    ex = ccxt_for(venue)
    params = {"reduceOnly": True, "clientOrderId": "sup-tp2-0002"}
    order = ex.create_order(S, "limit", "sell", 0.5, 1040, params)
    assert (order["status"], order["price"]) == ("open", 1040)
    changed = ex.edit_order(order["id"], S, "limit", "sell", 0.4, 1035)
    assert (changed["id"], changed["price"], changed["amount"]) == (order["id"], 1035, 0.4)
    with pytest.raises(ccxt.ArgumentsRequired):
        ex.edit_order("2146760", S, "market", "sell", 0.5, None, {"stopLossPrice": 970})


@pytest.mark.parametrize("by", ["id", "client id"])
def test_orders_are_cancelled_in_their_own_list(venue: Running, by: str) -> None:
    ex = ccxt_for(venue)
    open_long(venue)
    limit, stop = resting(venue), stop_at_rest(venue)
    of_limit: tuple[Any, ...] = (limit, S) if by == "id" else (None, S, {"clientOrderId": "rest1"})
    of_stop: tuple[Any, ...] = (stop, S, {"trigger": True})
    if by != "id":
        of_stop = (None, S, {"trigger": True, "clientOrderId": "stop1"})
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        ex.cancel_order(stop, S)
    with pytest.raises(ccxt.BadRequest, match="-20124"):
        ex.cancel_order(limit, S, {"trigger": True})
    assert ex.cancel_order(*of_limit)["status"] == "canceled"
    assert ex.cancel_order(*of_stop)["id"] == stop
    assert ex.fetch_open_orders(S) == ex.fetch_open_orders(S, params={"trigger": True}) == []


def test_cancelling_all_of_one_list_leaves_the_other(venue: Running) -> None:
    ex = ccxt_for(venue)
    open_long(venue)
    resting(venue)
    stop_at_rest(venue)
    ex.cancel_all_orders(S)
    assert ex.fetch_open_orders() == []
    assert len(ex.fetch_open_orders(params={"trigger": True})) == 1
    ex.cancel_all_orders(S, {"trigger": True})
    assert ex.fapiPrivateGetOpenAlgoOrders() == []


def test_raw_calls_of_conditional_orders(venue: Running) -> None:
    ex = ccxt_for(venue)
    open_long(venue)
    raw = {"algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET"}
    raw |= {"triggerPrice": "980", "closePosition": "true", "workingType": "MARK_PRICE", "clientAlgoId": "sup-sl-raw"}
    assert ex.fapiPrivatePostAlgoOrder(raw)["closePosition"] is True
    assert ex.fapiPrivateGetAlgoOrder({"clientAlgoId": "sup-sl-raw"})["algoStatus"] == "NEW"
    assert ex.fapiPrivateDeleteAlgoOrder({"clientAlgoId": "sup-sl-raw"})["code"] == "200"
    assert ex.fapiPrivateGetAlgoOrder({"clientAlgoId": "sup-sl-raw"})["algoStatus"] == "CANCELED"


# --- the past ---------------------------------------------------------------------------------------------------------


def test_a_triggered_stop_has_a_child_that_carries_its_id(venue: Running) -> None:
    ex = ccxt_for(venue)
    open_long(venue)
    stop_at_rest(venue)
    venue.exchange.gap(BTC, d(-3))
    stop = ex.fetch_order(None, S, {"trigger": True, "clientOrderId": "stop1"})
    child = ex.fetch_order(None, S, {"clientOrderId": "stop1"})
    assert stop["info"]["algoStatus"] == "FINISHED"
    assert stop["info"]["actualOrderId"] == child["id"] != stop["id"]
    assert (child["status"], child["type"], child["filled"]) == ("closed", "market", 1)
    assert [trade["order"] for trade in ex.fetch_my_trades(S, params={"orderId": int(child["id"])})] == [child["id"]]
    assert {order["clientOrderId"] for order in ex.fetch_orders(S, limit=50)} >= {"stop1"}
    assert [order["clientOrderId"] for order in ex.fetch_orders(S, params={"trigger": True})] == ["stop1"]


def test_trades_since_a_time(venue: Running) -> None:
    open_long(venue)
    ex = ccxt_for(venue)
    [trade] = ex.fetch_my_trades(S, venue.exchange.venue_ms - 60_000, limit=100)
    assert (trade["side"], trade["price"], trade["amount"], trade["takerOrMaker"]) == ("buy", 1000, 1, "taker")
    assert trade["fee"]["cost"] > 0


def test_income_of_other_kinds_than_funding_is_empty(venue: Running) -> None:
    open_long(venue)
    ex = ccxt_for(venue)
    assert ex.fetch_ledger(None, params={"incomeType": "REALIZED_PNL"}) == []
    assert ex.fapiPrivateGetIncome({"symbol": "BTCUSDT", "incomeType": "REALIZED_PNL"}) == []


def test_listen_keys(venue: Running) -> None:
    ex = ccxt_for(venue)
    with pytest.raises(ccxt.ExchangeError, match="-1125"):
        ex.fapiPrivatePutListenKey()
    key = ex.fapiPrivatePostListenKey()["listenKey"]
    assert len(key) == 64
    assert ex.fapiPrivatePostListenKey()["listenKey"] == ex.fapiPrivatePutListenKey()["listenKey"] == key
    assert ex.fapiPrivateDeleteListenKey() == {}
    assert ex.fapiPrivatePostListenKey()["listenKey"] != key


def test_the_dead_mans_switch_is_not_there(venue: Running) -> None:
    with pytest.raises(ccxt.ExchangeNotAvailable):
        ccxt_for(venue).fapiPrivatePostCountdownCancelAll({"symbol": "BTCUSDT", "countdownTime": 120_000})


# --- every operation has been tried -----------------------------------------------------------------------------------

TRIED: dict[Callable[..., None], tuple[str, ...]] = {
    test_markets_time_and_prices: (
        "load_markets (options.fetchCurrencies=False)",
        "fetch_time",
        "fetch_ticker",
        "fetch_mark_price",
    ),
    test_default_options_ask_a_wallet_that_futures_do_not_have: ("load_markets (default options)",),
    test_balance_and_positions: (
        "fetch_balance",
        "fetch_positions #1 (first call loads brackets)",
        "fetch_positions #2 symbols",
        "fetch_position(symbol)",
        "raw position risk",
    ),
    test_leverage_and_modes: (
        "set_leverage",
        "set_margin_mode",
        "set_margin_mode cross",
        "set_position_mode hedge",
        "fetch_position_mode",
        "fetch_leverage",
        "fetch_margin_mode",
    ),
    test_an_entry_is_answered_without_its_price_and_the_order_says_it: (
        "entry market one-way",
        "entry no clientOrderId (broker id)",
        "fetch_order by client id",
    ),
    test_entries_and_closes_in_hedge_mode: (
        "entry market hedge",
        "entry market hedge explicit positionSide",
        "close market hedge reduceOnly",
    ),
    test_a_close_reduces_and_opens_nothing: ("close market one-way reduceOnly",),
    test_an_entry_with_an_attached_stop_is_refused_and_opens_nothing: ("entry with attached stopLoss dict",),
    test_conditional_orders_rest_in_a_list_of_their_own: (
        "SL reduceOnly STOP_MARKET mark",
        "SL closePosition",
        "SL closePosition amount 0",
        "SL via raw type STOP_MARKET stopPrice",
        "TP market",
        "fetch_open_orders conditional",
        "fetch_open_orders regular",
    ),
    test_stops_in_hedge_mode_belong_to_their_side: ("SL hedge", "SL hedge positionSide explicit"),
    test_limit_orders_are_changed_by_id_and_stops_are_not: (
        "TP as plain reduceOnly limit",
        "edit limit order (PUT)",
        "edit conditional via edit_order",
    ),
    test_orders_are_cancelled_in_their_own_list: (
        "cancel regular by id",
        "cancel regular by clientOrderId",
        "cancel conditional by id",
        "cancel conditional by client id",
    ),
    test_cancelling_all_of_one_list_leaves_the_other: (
        "cancel all regular",
        "cancel all conditional",
        "fetch_open_orders regular all symbols",
        "fetch_open_orders all symbols warn off",
        "fetch_open_orders conditional all symbols",
        "raw open algo orders",
    ),
    test_raw_calls_of_conditional_orders: (
        "raw algo order",
        "raw cancel algo by client id",
        "raw get algo by client id",
    ),
    test_a_triggered_stop_has_a_child_that_carries_its_id: (
        "fetch_order conditional by client id",
        "fetch_orders",
        "fetch_orders conditional",
        "fetch_my_trades orderId",
    ),
    test_trades_since_a_time: ("fetch_my_trades",),
    test_income_of_other_kinds_than_funding_is_empty: ("fetch_ledger (income)", "raw income"),
    test_listen_keys: ("listenKey start", "listenKey keepalive", "listenKey close"),
    test_the_dead_mans_switch_is_not_there: ("countdown cancel all",),
}
NOT_TRIED = {
    "TP limit (TAKE_PROFIT)": "refused: the engine has no conditional limit orders",
    "trailing": "refused: the engine trails no stops",
}


def test_every_recorded_operation_is_tried() -> None:
    tried = {operation for operations in TRIED.values() for operation in operations}
    assert tried | set(NOT_TRIED) == {each["op"] for each in facts("recorded/binanceusdm.json")}
