"""The unmodified ccxt class on the simulated Bitget: every recorded operation is understood, on both sides."""

from collections.abc import Iterator
from typing import Any

import ccxt
import pytest

from adapters.simulator.wire.bitget import BitgetWire
from adapters.simulator.wire.dialect import Keys
from adapters.simulator.wire.server import WireServer
from messages.orders import OrderReport
from messages.values import OrderKind, OrderSide, Side
from messages.venue import PlaceOrder
from tests.contract.battery import Setup
from tests.simulator.builders import BTC, ETH, a_limit, an_order, d
from tests.venues.bitget.running import Running, running

S = "BTC/USDT:USDT"


def a_ccxt(server: WireServer, **changes: Any) -> Any:
    exchange = ccxt.bitget(
        {
            "apiKey": "KEY",
            "secret": "SECRET",
            "password": "PASS",
            "enableRateLimit": False,
            "options": {"defaultType": "swap", "uta": False, "fetchMarkets": {"types": ["swap"]}},
            **changes,
        }
    )
    for name in exchange.urls["api"]:
        exchange.urls["api"][name] = server.rest_url
    return exchange


@pytest.fixture
def venue() -> Iterator[Running]:
    with running() as venue:
        yield venue


@pytest.fixture
def hedged() -> Iterator[Running]:
    with running(Setup(hedge=True)) as venue:
        yield venue


@pytest.fixture
def ex(venue: Running) -> Iterator[Any]:
    exchange = a_ccxt(venue.server)
    exchange.load_markets()
    yield exchange
    exchange.session.close()


@pytest.fixture
def hedge(hedged: Running) -> Iterator[Any]:
    exchange = a_ccxt(hedged.server)
    exchange.load_markets()
    yield exchange
    exchange.session.close()


def orders_of(venue: Running) -> tuple[OrderReport, ...]:
    return venue.exchange.look(lambda exchange: exchange.account(BTC, taken_ms=0).orders)


def sides_of(venue: Running) -> dict[Side, Any]:
    positions = venue.exchange.look(lambda exchange: exchange.account(BTC, taken_ms=0).positions)
    return {each.side: each.quantity for each in positions}


# --- the market and the account ---------------------------------------------------------------------------------------


def test_markets_load_with_and_without_options(venue: Running) -> None:
    for options in ({"defaultType": "swap", "uta": False, "fetchMarkets": {"types": ["swap"]}}, {}):
        exchange = a_ccxt(venue.server, options=options)
        market = exchange.load_markets()[S]
        exchange.session.close()
        assert (market["id"], market["swap"], market["linear"], market["active"]) == ("BTCUSDT", True, True, True)
        assert (market["precision"]["price"], market["precision"]["amount"]) == (0.1, 0.001)
        assert (market["limits"]["amount"]["min"], market["limits"]["cost"]["min"]) == (0.001, 5)


def test_time_prices_and_money(ex: Any, venue: Running) -> None:
    assert abs(ex.fetch_time() - venue.exchange.clock.now_ms()) < 2_000
    assert ex.fetch_balance()["USDT"]["total"] == ex.fetch_balance({"type": "swap"})["total"]["USDT"] == 10_000
    assert (ex.fetch_ticker(S)["last"], ex.fetch_mark_price(S)["markPrice"]) == (1000, 1000)


def test_positions_one_and_all(ex: Any, venue: Running) -> None:
    venue.exchange.by_hand(PlaceOrder(order=an_order()))
    for position in (ex.fetch_positions()[0], ex.fetch_positions([S])[0], ex.fetch_position(S)):
        assert (position["side"], position["contracts"], position["entryPrice"]) == ("long", 1, 1000)
        assert (position["marginMode"], position["leverage"], position["hedged"]) == ("isolated", 10, False)
    assert ex.fetch_positions_history([S]) == []


def test_settings(ex: Any, hedge: Any) -> None:
    ex.set_leverage(7, S)
    ex.set_margin_mode("cross", S)
    assert ex.fetch_leverage(S)["longLeverage"] == 7
    assert ex.fetch_margin_mode(S)["marginMode"] == "cross"
    ex.set_position_mode(False, S)
    with pytest.raises(ccxt.ExchangeError, match="40920"):
        ex.set_position_mode(True, None, {"productType": "USDT-FUTURES"})
    hedge.set_position_mode(True, None, {"productType": "USDT-FUTURES"})
    hedge.set_leverage(4, S, {"holdSide": "long"})
    assert hedge.fetch_leverage(S)["info"]["isolatedLongLever"] == "4"
    assert hedge.fetch_leverage(S)["info"]["isolatedShortLever"] == "10"


# --- entries and closes -----------------------------------------------------------------------------------------------


def test_an_entry_with_and_without_an_id_and_a_close(ex: Any, venue: Running) -> None:
    placed = ex.create_order(S, "market", "buy", 0.1, None, {"clientOrderId": "sup-e1"})
    assert (placed["clientOrderId"], placed["id"].isdigit(), len(placed["id"])) == ("sup-e1", True, 19)
    ex.create_order(S, "market", "buy", 0.1, None, {})
    ex.create_order(S, "market", "sell", 0.05, None, {"reduceOnly": True, "clientOrderId": "sup-c1"})
    assert sides_of(venue) == {Side.LONG: d("0.15")}
    found = ex.fetch_order(None, S, {"clientOrderId": "sup-e1"})
    assert (found["status"], found["filled"], found["average"], found["side"]) == ("closed", 0.1, 1000, "buy")
    assert ex.fetch_order(placed["id"], S)["clientOrderId"] == "sup-e1"


def test_an_entry_names_the_margin_mode_of_its_position(ex: Any) -> None:
    ex.create_order(S, "market", "buy", 0.1, None, {"marginMode": "isolated"})
    assert ex.fetch_position(S)["marginMode"] == "isolated"
    with pytest.raises(ccxt.ExchangeError, match="45117"):
        ex.create_order(S, "market", "buy", 0.1, None, {})


def test_both_sides_in_hedge_mode_and_the_flipped_side_of_a_close(hedge: Any, hedged: Running) -> None:
    hedge.create_order(S, "market", "buy", 0.3, None, {"hedged": True})
    hedge.create_order(S, "market", "sell", 0.2, None, {"hedged": True})
    assert sides_of(hedged) == {Side.LONG: d("0.3"), Side.SHORT: d("0.2")}
    hedge.create_order(S, "market", "sell", 0.1, None, {"hedged": True, "reduceOnly": True})
    assert sides_of(hedged) == {Side.LONG: d("0.2"), Side.SHORT: d("0.2")}
    hedge.close_position(S, "long")
    assert sides_of(hedged) == {Side.SHORT: d("0.2")}
    assert {each["info"]["tradeSide"] for each in hedge.fetch_my_trades(S)} == {"open", "close"}


def test_an_entry_with_its_stop_attached(hedge: Any, hedged: Running) -> None:
    hedge.create_order(
        S,
        "market",
        "buy",
        0.1,
        None,
        {"hedged": True, "stopLoss": {"triggerPrice": 980}, "takeProfit": {"triggerPrice": 1030}},
    )
    [stop] = orders_of(hedged)
    assert (stop.kind, stop.trigger_price, stop.quantity) == (OrderKind.STOP_MARKET, d(980), None)
    [shown] = hedge.fetch_open_orders(S, params={"planType": "profit_loss"})
    assert shown["clientOrderId"].isdigit()
    assert hedge.fetch_positions([S])[0]["info"]["stopLossId"] == shown["id"]


def test_a_limit_order_rests_is_changed_and_cancelled_by_either_id(ex: Any) -> None:
    first = ex.create_order(S, "limit", "buy", 0.1, 990, {"clientOrderId": "sup-l1"})
    ex.edit_order(first["id"], S, "limit", "buy", 0.2, 985)
    for shown in (ex.fetch_open_orders(S), ex.fetch_open_orders(), ex.fetch_open_orders(S, None, 100)):
        assert [(each["price"], each["amount"], each["status"]) for each in shown] == [(985, 0.2, "open")]
    assert ex.cancel_order(first["id"], S)["id"] == first["id"]
    ex.create_order(S, "limit", "buy", 0.1, 990, {"clientOrderId": "sup-l2"})
    ex.cancel_order(None, S, {"clientOrderId": "sup-l2"})
    ex.create_order(S, "limit", "buy", 0.1, 990, {})
    ex.cancel_all_orders(S)
    assert ex.fetch_open_orders(S) == []
    history = ex.fetch_canceled_and_closed_orders(S, limit=50)
    assert [each["status"] for each in history] == ["canceled"] * 3
    assert ex.fetch_closed_orders(S) == []


# --- stops and take profits -------------------------------------------------------------------------------------------


def test_a_stop_is_placed_for_a_whole_position_moved_and_cancelled(ex: Any, venue: Running) -> None:
    venue.exchange.by_hand(PlaceOrder(order=an_order()))
    placed = ex.create_order(S, "market", "sell", 1, None, {"stopLossPrice": 980, "clientOrderId": "sup-sl1"})
    [stop] = orders_of(venue)
    assert (stop.quantity, stop.side, stop.client_order_id) == (None, OrderSide.SELL, "sup-sl1")
    for price, params in ((981, {}), (982, {"triggerType": "fill_price"})):
        assert ex.edit_order(placed["id"], S, "market", "sell", 1, None, {"stopLossPrice": price, **params})["id"]
    ex.edit_order(None, S, "market", "sell", 1, None, {"stopLossPrice": 983, "clientOrderId": "sup-sl1"})
    ex.edit_order(placed["id"], S, "market", "sell", None, None, {"stopLossPrice": 984})
    assert orders_of(venue)[0].trigger_price == d(984)
    raw = {"symbol": "BTCUSDT", "productType": "USDT-FUTURES", "marginCoin": "USDT"}
    ex.privateMixPostV2MixOrderModifyTpslOrder(
        {**raw, "orderId": placed["id"], "triggerPrice": "985", "triggerType": "mark_price", "size": ""}
    )
    for params in (
        {"planType": "profit_loss"},
        {"planType": "pos_loss"},
        {"planType": "profit_loss", "clientOrderId": "sup-sl1"},
    ):
        [shown] = ex.fetch_open_orders(S, params=params)
        assert (shown["id"], shown["triggerPrice"], shown["info"]["planType"]) == (placed["id"], 985, "pos_loss")
    assert len(ex.fetch_open_orders(params={"planType": "profit_loss"})) == 1
    assert ex.fetch_open_orders(S, params={"trigger": True}) == []
    listed = ex.privateMixGetV2MixOrderOrdersPlanPending(
        {"planType": "profit_loss", "productType": "USDT-FUTURES", "symbol": "BTCUSDT"}
    )
    assert len(listed["data"]["entrustedList"]) == 1
    assert ex.cancel_order(placed["id"], S, {"trigger": True, "planType": "pos_loss"})["id"] == placed["id"]
    assert ex.cancel_order(placed["id"], S, {"trigger": True})["id"] is None
    [gone] = ex.fetch_canceled_and_closed_orders(S, params={"planType": "profit_loss"})
    assert (gone["id"], gone["status"]) == (placed["id"], "canceled")


def test_take_profits_of_a_part_and_of_all(hedge: Any, hedged: Running) -> None:
    hedged.exchange.by_hand(PlaceOrder(order=an_order(hedge_side=Side.LONG)))
    part = {"takeProfitPrice": 1030, "hedged": True, "planType": "profit_plan", "clientOrderId": "sup-tp2"}
    hedge.create_order(S, "market", "sell", 0.4, None, part)
    hedge.create_order(S, "market", "sell", 1, None, {"takeProfitPrice": 1050, "hedged": True})
    shown = {each.trigger_price: each.quantity for each in orders_of(hedged)}
    assert shown == {d(1030): d("0.4"), d(1050): d(1)}
    hedge.cancel_order(None, S, {"trigger": True, "planType": "profit_plan", "clientOrderId": "sup-tp2"})
    hedge.create_order(S, "market", "sell", 0.5, None, {"stopLossPrice": 980, "hedged": True, "planType": "loss_plan"})
    assert {each.quantity for each in orders_of(hedged)} == {d(1), d("0.5")}
    hedge.cancel_all_orders(S, {"trigger": True, "planType": "profit_loss"})
    assert orders_of(hedged) == ()


def test_the_raw_requests_for_protection(hedge: Any, hedged: Running) -> None:
    hedged.exchange.by_hand(PlaceOrder(order=an_order(hedge_side=Side.LONG)))
    raw = {"symbol": "BTCUSDT", "productType": "USDT-FUTURES", "marginCoin": "USDT"}
    stop = {**raw, "planType": "pos_loss", "triggerPrice": "980", "triggerType": "mark_price", "holdSide": "long"}
    answer = hedge.privateMixPostV2MixOrderPlaceTpslOrder({**stop, "clientOid": "sup-raw1"})
    assert answer["data"]["clientOid"] == "sup-raw1"
    cancel = {**raw, "planType": "pos_loss", "orderIdList": [{"clientOid": "sup-raw1"}]}
    assert len(hedge.privateMixPostV2MixOrderCancelPlanOrder(cancel)["data"]["successList"]) == 1
    assert len(hedge.privateMixPostV2MixOrderCancelPlanOrder(cancel)["data"]["failureList"]) == 1
    both = {
        **raw,
        "holdSide": "long",
        "stopLossTriggerPrice": "970",
        "stopLossTriggerType": "mark_price",
        "stopSurplusTriggerPrice": "1040",
        "stopSurplusTriggerType": "fill_price",
        "stopSurplusSize": "0.5",
    }
    assert len(hedge.privateMixPostV2MixOrderPlacePosTpsl(both)["data"]) == 2
    assert {each.quantity for each in orders_of(hedged)} == {None, d("0.5")}


def test_limit_execution_and_trigger_orders_are_taken(ex: Any, venue: Running) -> None:
    venue.exchange.by_hand(PlaceOrder(order=an_order()))
    assert ex.create_order(S, "limit", "sell", 1, 979, {"stopLossPrice": 980})["id"]
    assert ex.create_order(S, "limit", "sell", 0.5, 1030, {"reduceOnly": True})["id"]
    assert ex.create_order(S, "market", "buy", 0.1, None, {"triggerPrice": 1020})["id"]
    assert len(ex.fetch_open_orders(S, params={"trigger": True})) == 1
    ex.cancel_all_orders(S, {"trigger": True})
    assert ex.fetch_open_orders(S, params={"trigger": True}) == []


def test_a_stop_that_executed_is_in_the_history_with_the_order_that_it_created(ex: Any, venue: Running) -> None:
    venue.exchange.by_hand(PlaceOrder(order=an_order()))
    placed = ex.create_order(S, "market", "sell", 1, None, {"stopLossPrice": 980, "clientOrderId": "sup-sl1"})
    venue.exchange.gap(BTC, d(-3))
    [plan] = ex.fetch_canceled_and_closed_orders(S, params={"planType": "profit_loss"})
    child = plan["info"]["executeOrderId"]
    assert (plan["id"], plan["status"], child != plan["id"]) == (placed["id"], "closed", True)
    [trade] = ex.fetch_my_trades(S, None, 100, {"orderId": child})
    assert (trade["side"], trade["amount"], trade["price"]) == ("sell", 1, 970)
    assert ex.fetch_order(child, S)["clientOrderId"].isdigit()
    assert len(ex.fetch_my_trades(S, venue.exchange.clock.now_ms() - 60_000, 100)) == 2


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_refusals_raise_what_the_venues_raise(ex: Any, venue: Running) -> None:
    venue.exchange.by_hand(PlaceOrder(order=an_order(symbol=ETH, quantity=50)))
    with pytest.raises(ccxt.InsufficientFunds):
        ex.create_order(S, "limit", "buy", 99, 999, {"marginMode": "isolated"})
    with pytest.raises(ccxt.OrderNotFound):
        ex.cancel_order("1111000000000099999", S)
    with pytest.raises(ccxt.OrderNotFound):
        ex.fetch_order("1111000000000099999", S)
    with pytest.raises(ccxt.ExchangeError, match="43023"):
        ex.create_order(S, "market", "buy", 1, None, {"stopLossPrice": 1100})
    venue.exchange.by_hand(PlaceOrder(order=a_limit(client_order_id="sup-x", quantity="0.01")))
    with pytest.raises(ccxt.ExchangeError, match="40786"):
        ex.create_order(S, "limit", "buy", 0.01, 990, {"clientOrderId": "sup-x", "marginMode": "isolated"})
    with pytest.raises(ccxt.BadRequest, match="40404"):
        ex.privateMixGetV2MixOrderPlanSubOrder({"planOrderId": "1"})


@pytest.mark.parametrize("wrong", [{"secret": "other"}, {"password": "other"}, {"apiKey": "other"}])
def test_a_wrong_key_secret_or_passphrase_is_refused(venue: Running, wrong: dict[str, str]) -> None:
    exchange = a_ccxt(venue.server, **wrong)
    exchange.load_markets()
    with pytest.raises(ccxt.AuthenticationError):
        exchange.fetch_positions()
    exchange.session.close()


def test_a_request_signed_long_ago_is_refused(ex: Any) -> None:
    ex.options["timeDifference"] = 60_000
    with pytest.raises(ccxt.InvalidNonce):
        ex.fetch_positions()


def positions_again_and_again(exchange: Any) -> None:
    for _ in range(100):
        exchange.fetch_positions()


def test_each_endpoint_has_its_own_limit_a_second() -> None:
    with running(limited=True) as venue:
        exchange = a_ccxt(venue.server)
        exchange.load_markets()
        with pytest.raises(ccxt.DDoSProtection):
            positions_again_and_again(exchange)
        exchange.fetch_balance()
        exchange.session.close()


def test_the_dialect_is_of_one_account() -> None:
    assert (BitgetWire.venue, BitgetWire.profile.name, Keys().api_key) == ("bitget", "bitget", "KEY")
