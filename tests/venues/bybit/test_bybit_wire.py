"""Unmodified ccxt against the simulated Bybit: every recorded operation is answered, and means what it says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import ccxt
import pytest

from messages.values import OrderKind, OrderSide
from tests.simulator.builders import BTC, d
from tests.venues.bybit.stage import S, Stage, a_stage


def _create(stage: Stage, *args: Any, **params: Any) -> Any:
    return stage.ex.create_order(S, *args, {"clientOrderId": "n1", **params})


# --- one function an operation, or a few of one meaning ---------------------------------------------------------------


def markets(stage: Stage) -> None:
    market = stage.ex.market(S)
    assert (market["id"], market["linear"], market["settle"]) == ("BTCUSDT", True, "USDT")
    assert (market["precision"]["price"], market["precision"]["amount"]) == (0.1, 0.001)
    assert (market["limits"]["amount"]["min"], market["limits"]["amount"]["max"]) == (0.001, 100)
    assert market["limits"]["cost"]["min"] == 5


def all_markets(stage: Stage) -> None:
    stage.ex.has["fetchCurrencies"] = True
    stage.ex.options["fetchMarkets"] = {"types": ["spot", "linear", "inverse", "option"]}
    stage.ex.load_markets(reload=True)
    assert S in stage.ex.markets


def status_unset(stage: Stage) -> None:
    for option in ("enableUnifiedMargin", "enableUnifiedAccount", "unifiedMarginStatus"):
        stage.ex.options[option] = None
    assert _create(stage, "market", "buy", 0.01, None)["id"]
    assert stage.order("n1").filled_quantity == d("0.01")


def the_time(stage: Stage) -> None:
    assert abs(stage.ex.fetch_time() - stage.exchange.clock.now_ms()) < 2_000


def balance(stage: Stage) -> None:
    usdt = stage.ex.fetch_balance()["USDT"]
    assert abs(usdt["total"] - float(stage.exchange.engine.balance().wallet)) < 0.01


def positions(stage: Stage) -> None:
    for found in (stage.ex.fetch_positions(), stage.ex.fetch_positions([S]), [stage.ex.fetch_position(S)]):
        [position] = found
        assert (position["side"], position["contracts"], position["entryPrice"]) == ("long", 1, 1000)
        assert (position["stopLossPrice"], position["leverage"], position["hedged"]) == (980, 10, False)


def two_symbols(stage: Stage) -> None:
    with pytest.raises(ccxt.ArgumentsRequired):
        stage.ex.fetch_positions([S, "ETH/USDT:USDT"])


def leverage(stage: Stage) -> None:
    assert stage.ex.fetch_leverage(S)["longLeverage"] == 10
    stage.ex.set_leverage(7, S)
    assert stage.ex.fetch_leverage(S)["longLeverage"] == 7
    with pytest.raises(ccxt.BadRequest, match="110043"):
        stage.ex.set_leverage(7, S)


def margin_mode(stage: Stage) -> None:
    assert stage.ex.fetch_margin_mode(S)["marginMode"] == "isolated"
    stage.ex.cancel_all_orders(S)
    _create(stage, "market", "sell", 1, None, reduceOnly=True)
    stage.ex.set_margin_mode("cross")
    assert stage.ex.fetch_margin_mode(S)["marginMode"] == "cross"
    stage.ex.set_margin_mode("isolated", S, {"leverage": 10})
    assert stage.ex.fetch_margin_mode(S)["marginMode"] == "isolated"


def position_mode(stage: Stage) -> None:
    with pytest.raises(ccxt.NoChange, match="110025"):
        stage.ex.set_position_mode(False)
    with pytest.raises(ccxt.BadRequest, match="110024"):
        stage.ex.set_position_mode(True, S)
    _create(stage, "market", "sell", 1, None, reduceOnly=True)
    stage.ex.set_position_mode(True, S)
    stage.ex.create_order(S, "market", "sell", 0.1, None, {"hedged": True})
    assert [each["side"] for each in stage.ex.fetch_positions()] == ["short"]


def entry(stage: Stage) -> None:
    assert _create(stage, "market", "buy", 0.01, None)["id"]
    assert (stage.order("n1").side, stage.order("n1").filled_quantity) == (OrderSide.BUY, d("0.01"))


def entry_by_link(stage: Stage) -> None:
    assert stage.ex.create_order(S, "market", "buy", 0.01, None, {"orderLinkId": "sup-e_3"})["id"]
    assert stage.order("sup-e_3").filled_quantity == d("0.01")
    with pytest.raises(ccxt.InvalidOrder, match="110072"):
        stage.ex.create_order(S, "market", "buy", 0.01, None, {"orderLinkId": "sup-e_3"})


def entry_with_both(stage: Stage) -> None:
    _create(stage, "market", "sell", 1, None, reduceOnly=True)
    prices = {"stopLoss": {"triggerPrice": 970}, "takeProfit": {"triggerPrice": 1050}}
    stage.ex.create_order(S, "market", "buy", 0.5, None, {**prices, "slTriggerBy": "MarkPrice", "tpslMode": "Full"})
    stop = stage.stop()
    assert stop is not None
    assert (stop.trigger_price, stop.trigger_source.value) == (d(970), "mark")
    assert [each.trigger_price for each in stage.orders() if each.kind is OrderKind.TAKE_PROFIT_MARKET] == [d(1050)]


def close(stage: Stage) -> None:
    _create(stage, "market", "sell", 0.4, None, reduceOnly=True)
    assert stage.ex.fetch_position(S)["contracts"] == 0.6


def conditional_stop(stage: Stage) -> None:
    stage.ex.cancel_all_orders(S, {"trigger": True})
    _create(stage, "market", "sell", 0.5, None, stopLossPrice=970, triggerBy="MarkPrice")
    placed = stage.order("n1")
    assert (placed.kind, placed.trigger_price, placed.quantity) == (OrderKind.STOP_MARKET, d(970), d("0.5"))
    assert placed.reduce_only


def position_stop(stage: Stage) -> None:
    params = {"stopLossPrice": 985, "tradingStopEndpoint": True, "slTriggerBy": "MarkPrice", "positionIdx": 0}
    stage.ex.create_order(S, "market", "sell", 0, None, params)
    stop = stage.stop()
    assert stop is not None
    assert stop.trigger_price == d(985)
    assert stage.ex.fetch_position(S)["stopLossPrice"] == 985


def partial_stop(stage: Stage) -> None:
    stage.ex.privatePostV5PositionTradingStop({"category": "linear", "symbol": "BTCUSDT", "stopLoss": "0"})
    params = {"stopLossPrice": 985, "tradingStopEndpoint": True, "slTriggerBy": "MarkPrice", "positionIdx": 0}
    stage.ex.create_order(S, "market", "sell", 0.25, None, params)
    [stop] = [each for each in stage.orders() if each.kind is OrderKind.STOP_MARKET]
    assert (stop.quantity, stop.trigger_price) == (d("0.25"), d(985))


def position_stop_and_profit(stage: Stage) -> None:
    params = {"stopLossPrice": 985, "takeProfitPrice": 1040, "tradingStopEndpoint": True, "positionIdx": 0}
    stage.ex.create_order(S, "market", "sell", 0, None, params)
    profits = [each for each in stage.orders() if each.kind is OrderKind.TAKE_PROFIT_MARKET]
    assert {each.trigger_price: each.quantity for each in profits} == {d(1030): d("0.5"), d(1040): d(1)}


def partial_profit(stage: Stage) -> None:
    for limit in ({}, {"takeProfitLimitPrice": 1040}):
        params = {"takeProfitPrice": 1040, "tradingStopEndpoint": True, "tpTriggerBy": "LastPrice", "positionIdx": 0}
        stage.ex.create_order(S, "market", "sell", 0.25, None, {**params, **limit})
    profits = [each for each in stage.ex.fetch_open_orders(S) if each["info"]["stopOrderType"] == "PartialTakeProfit"]
    assert [each["amount"] for each in profits] == [0.25, 0.25]


def profit_as_limit(stage: Stage) -> None:
    stage.ex.create_order(S, "limit", "sell", 0.5, 1050, {"reduceOnly": True, "clientOrderId": "n1"})
    assert (stage.order("n1").price, stage.order("n1").reduce_only) == (d(1050), True)


def raw_stop(stage: Stage) -> None:
    what = {"category": "linear", "symbol": "BTCUSDT", "tpslMode": "Full", "positionIdx": 0}
    stage.ex.privatePostV5PositionTradingStop({**what, "stopLoss": "990", "slTriggerBy": "MarkPrice"})
    stop = stage.stop()
    assert stop is not None
    assert stop.trigger_price == d(990)
    with pytest.raises(ccxt.ExchangeError, match="34040"):
        stage.ex.privatePostV5PositionTradingStop({**what, "stopLoss": "990", "slTriggerBy": "MarkPrice"})
    with pytest.raises(ccxt.BadRequest, match="should lower than base_price"):
        stage.ex.privatePostV5PositionTradingStop({**what, "stopLoss": "1001", "slTriggerBy": "MarkPrice"})
    stage.ex.privatePostV5PositionTradingStop({**what, "stopLoss": "0"})
    assert stage.stop() is None


def amend(stage: Stage) -> None:
    by_id, edit = stage.ids["tp1"], stage.ex.edit_order
    edit(by_id, S, "market", "sell", None, None, {"takeProfitPrice": 1035, "triggerBy": "MarkPrice"})
    assert stage.order("tp1").trigger_price == d(1035)
    edit(by_id, S, "market", "sell", None, None, {"triggerPrice": 1036})
    assert stage.order("tp1").trigger_price == d(1036)
    edit(None, S, "market", "sell", None, None, {"triggerPrice": 1037, "orderLinkId": "tp1"})
    assert stage.order("tp1").trigger_price == d(1037)
    edit(None, S, "market", "sell", None, None, {"triggerPrice": 1038, "clientOrderId": "tp1"})
    assert stage.order("tp1").trigger_price == d(1038)
    with pytest.raises(ccxt.OrderNotFound):
        edit("c6", S, "market", "sell", None, None, {"triggerPrice": 1037})


def raw_amend(stage: Stage) -> None:
    what = {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "tp1"}
    assert stage.ex.privatePostV5OrderAmend({**what, "triggerPrice": "1045"})["result"]["orderId"] == stage.ids["tp1"]
    assert stage.order("tp1").trigger_price == d(1045)


def amend_limit(stage: Stage) -> None:
    stage.ex.edit_order(stage.ids["l1"], S, "limit", "buy", 0.5, 985)
    assert (stage.order("l1").price, stage.order("l1").quantity) == (d(985), d("0.5"))


def cancel(stage: Stage) -> None:
    assert stage.ex.cancel_order(stage.ids["l1"], S)["id"] == stage.ids["l1"]
    stage.ex.cancel_order(None, S, {"orderLinkId": "tp1"})
    assert {stage.order(name).status.value for name in ("l1", "tp1")} == {"cancelled"}
    with pytest.raises(ccxt.OrderNotFound, match="110001"):
        stage.ex.privatePostV5OrderCancel({"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "tp1"})


def cancel_without_id(stage: Stage) -> None:
    with pytest.raises(ccxt.BadRequest, match="10001"):
        stage.ex.cancel_order(None, S, {"clientOrderId": "l1"})


def cancel_conditional(stage: Stage) -> None:
    stage.ex.cancel_order(stage.ids["tp1"], S, {"trigger": True})
    assert stage.order("tp1").status.value == "cancelled"


def cancel_all(stage: Stage) -> None:
    stage.ex.cancel_all_orders(S)
    assert stage.orders() == ()


def cancel_all_conditional(stage: Stage) -> None:
    stage.ex.cancel_all_orders(S, {"trigger": True})
    assert [each.client_order_id for each in stage.orders()] == ["l1"]


def open_orders(stage: Stage) -> None:
    for found in (
        stage.ex.fetch_open_orders(S),
        stage.ex.fetch_open_orders(),
        stage.ex.fetch_open_orders(None, None, 50),
    ):
        assert {each["clientOrderId"] for each in found} == {"l1", "tp1", None}
        assert [each["status"] for each in found] == ["open"] * 3
    conditional = stage.ex.fetch_open_orders(S, params={"trigger": True})
    assert {each["triggerPrice"] for each in conditional} == {1030, 980}
    assert [each["price"] for each in stage.ex.fetch_open_orders(S, params={"orderFilter": "Order"})] == [990]


def open_orders_paged(stage: Stage) -> None:
    first = stage.ex.fetch_open_orders(S, None, 2)
    [cursor] = [each["info"]["nextPageCursor"] for each in first if "nextPageCursor" in each["info"]]
    second = stage.ex.fetch_open_orders(S, None, 2, {"cursor": cursor})
    assert (len(first), len(second)) == (2, 1)
    assert not {each["id"] for each in first} & {each["id"] for each in second}


def one_open_order(stage: Stage) -> None:
    assert stage.ex.fetch_open_order(stage.ids["tp1"], S)["clientOrderId"] == "tp1"
    [found] = stage.ex.fetch_open_orders(S, params={"orderLinkId": "l1"})
    assert found["id"] == stage.ids["l1"]
    raw = stage.ex.privateGetV5OrderRealtime({"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "e1"})
    assert raw["result"]["list"][0]["orderStatus"] == "Filled"


def with_both_ids(stage: Stage) -> None:
    for fetch in (stage.ex.fetch_open_order, stage.ex.fetch_order):
        with pytest.raises(ccxt.BaseError):
            fetch(None, S, {"acknowledged": True, "orderLinkId": "l1"})


def any_order(stage: Stage) -> None:
    with pytest.raises(ccxt.ArgumentsRequired):
        stage.ex.fetch_order(stage.ids["e1"], S)
    assert stage.ex.fetch_order(stage.ids["e1"], S, {"acknowledged": True})["status"] == "closed"


def ended_order(stage: Stage) -> None:
    found = stage.ex.fetch_closed_order(stage.ids["e1"], S)
    assert (found["clientOrderId"], found["filled"], found["average"]) == ("e1", 1, 1000)


def history(stage: Stage) -> None:
    stage.ex.cancel_order(stage.ids["l1"], S)
    found = stage.ex.fetch_canceled_and_closed_orders(S, limit=50)
    assert {each["clientOrderId"]: each["status"] for each in found} == {"l1": "canceled", "e1": "closed"}
    [one] = stage.ex.fetch_canceled_and_closed_orders(S, params={"orderLinkId": "e1"})
    assert one["id"] == stage.ids["e1"]
    raw = stage.ex.privateGetV5OrderHistory({"category": "linear", "orderLinkId": "l1"})
    assert raw["result"]["list"][0]["orderStatus"] == "Cancelled"


def trades(stage: Stage) -> None:
    since = stage.exchange.clock.now_ms() - 60_000
    for found in (
        stage.ex.fetch_my_trades(S, since, 100),
        stage.ex.fetch_my_trades(S, params={"orderId": stage.ids["e1"]}),
    ):
        [trade] = found
        assert (trade["side"], trade["price"], trade["amount"], trade["order"]) == ("buy", 1000, 1, stage.ids["e1"])
        assert trade["fee"]["cost"] > 0


def trades_of_a_kind(stage: Stage) -> None:
    assert stage.ex.fetch_my_trades(S, params={"execType": "BustTrade"}) == []
    stage.ex.cancel_all_orders(S)
    stage.exchange.gap(BTC, d(-30))
    [liquidation] = stage.ex.fetch_my_trades(S, params={"execType": "BustTrade"})
    assert (liquidation["side"], liquidation["amount"]) == ("sell", 1)


def executions(stage: Stage) -> None:
    raw = stage.ex.privateGetV5ExecutionList({"category": "linear", "symbol": "BTCUSDT", "limit": "100"})
    [row] = raw["result"]["list"]
    assert (row["execType"], row["orderLinkId"], row["execQty"]) == ("Trade", "e1", "1")


def closed_positions(stage: Stage) -> None:
    _create(stage, "market", "sell", 1, None, reduceOnly=True)
    [closed] = stage.ex.fetch_positions_history([S])
    assert closed["info"]["closedSize"] == "1"


def ticker(stage: Stage) -> None:
    assert (stage.ex.fetch_ticker(S)["last"], stage.ex.fetch_ticker(S)["info"]["markPrice"]) == (1000, "1000")


Operation: TypeAlias = Callable[[Stage], None]
IN_HEDGE = {
    "entry market hedge",
    "entry explicit positionIdx",
    "close market hedge reduceOnly (close long)",
    "SL via order/create hedge",
}
OPERATIONS: dict[str, Operation] = {
    "load_markets defaults": all_markets,
    "entry with unified status unset": status_unset,
    "load_markets types=[linear], has.fetchCurrencies=False": markets,
    "fetch_time": the_time,
    "fetch_balance": balance,
    "fetch_positions()": positions,
    "fetch_positions([S])": positions,
    "fetch_positions([S,S2])": two_symbols,
    "fetch_position": positions,
    "set_leverage": leverage,
    "set_margin_mode": margin_mode,
    "set_margin_mode no symbol": margin_mode,
    "set_position_mode hedge symbol": position_mode,
    "set_position_mode one-way all USDT": position_mode,
    "fetch_leverage": leverage,
    "fetch_margin_mode": margin_mode,
    "entry market one-way": entry,
    "entry orderLinkId param": entry_by_link,
    "entry attached SL/TP": entry_with_both,
    "close market reduceOnly": close,
    "SL via order/create": conditional_stop,
    "SL via trading-stop partial": partial_stop,
    "SL via trading-stop Full (amount 0)": position_stop,
    "SL+TP via trading-stop Full": position_stop_and_profit,
    "TP partial via trading-stop": partial_profit,
    "TP partial limit via trading-stop": partial_profit,
    "TP as reduceOnly limit": profit_as_limit,
    "raw trading-stop Full": raw_stop,
    "raw trading-stop cancel SL": raw_stop,
    "amend conditional trigger by id": amend,
    "amend conditional triggerPrice": amend,
    "amend by client id": amend,
    "amend by orderLinkId": amend,
    "amend attached stopLoss": amend_limit,
    "raw amend": raw_amend,
    "cancel by id": cancel,
    "cancel by client id (orderLinkId)": cancel,
    "cancel by clientOrderId": cancel_without_id,
    "cancel conditional trigger True": cancel_conditional,
    "cancel all": cancel_all,
    "cancel all conditional": cancel_all_conditional,
    "open orders S": open_orders,
    "open orders all": open_orders,
    "open orders conditional only": open_orders,
    "open orders orderFilter=Order": open_orders,
    "fetch_open_order by id": one_open_order,
    "fetch_open_order by client id": with_both_ids,
    "fetch_order": any_order,
    "fetch_order ack": any_order,
    "fetch_order by client id": with_both_ids,
    "fetch_open_orders by client id": one_open_order,
    "fetch_closed_order": ended_order,
    "order history": history,
    "order history by link id": history,
    "my trades": trades,
    "my trades by orderId": trades,
    "positions history": closed_positions,
    "ticker": ticker,
    "open orders paged": open_orders_paged,
    "open orders all linear USDT paged": open_orders,
    "raw order realtime by link id": one_open_order,
    "raw order history by link id": history,
    "raw execution list (all execTypes)": executions,
    "raw cancel by link id": cancel,
    "my trades execType override": trades_of_a_kind,
}
DIFFERENT = list(dict.fromkeys(OPERATIONS.values()))


def test_every_recorded_operation_is_tried(venue_facts: Path) -> None:
    recordings = json.loads((venue_facts / "recorded" / "bybit.json").read_text(encoding="utf-8"))
    assert {entry["op"] for entry in recordings} == {*OPERATIONS, *IN_HEDGE}


@pytest.mark.parametrize("operation", DIFFERENT, ids=lambda operation: operation.__name__)
def test_ccxt_is_answered_with_the_truth(operation: Operation) -> None:
    with a_stage() as stage:
        operation(stage)


def test_in_hedge_mode_each_side_is_opened_protected_and_closed() -> None:
    with a_stage(hedge=True) as stage:
        stage.ex.create_order(S, "market", "buy", 1, None, {"hedged": True, "clientOrderId": "e1"})
        stage.ex.create_order(S, "market", "sell", 2, None, {"positionIdx": 2, "clientOrderId": "e2"})
        sides = {each["side"]: each["contracts"] for each in stage.ex.fetch_positions([S])}
        assert sides == {"long": 1, "short": 2}
        stop = {"stopLossPrice": 980, "hedged": True, "reduceOnly": True, "clientOrderId": "sl1"}
        stage.ex.create_order(S, "market", "sell", 1, None, stop)
        assert stage.order("sl1").hedge_side == "long"
        stage.ex.create_order(S, "market", "sell", 1, None, {"hedged": True, "reduceOnly": True})
        assert [each["side"] for each in stage.ex.fetch_positions()] == ["short"]
        with pytest.raises(ccxt.BadRequest, match="position idx"):
            stage.ex.create_order(S, "market", "buy", 1)
