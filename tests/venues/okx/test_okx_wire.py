"""Unmodified ccxt against the simulated OKX: every recorded operation is understood, and means what it should."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import ccxt
import pytest

from messages.values import MarginMode, OrderKind, OrderSide, Side
from messages.venue import FetchAccount, PlaceOrder
from tests.contract.battery import Setup, accepted
from tests.simulator.builders import d
from tests.venues.okx.running import KEYS, LOT, Running, running
from tests.venues.okx.test_okx_requests import a_stop, an_exit, an_order

S: Final = "BTC/USDT:USDT"
ID: Final = "BTC-USDT-SWAP"
Ex = Any
STOP: Final[dict[str, Any]] = {"stopLossPrice": 980, "reduceOnly": True, "slTriggerPxType": "mark"}
RAW_STOP: Final = {
    "instId": ID,
    "tdMode": "isolated",
    "side": "sell",
    "ordType": "conditional",
    "closeFraction": "1",
    "reduceOnly": "true",
    "slTriggerPx": "980",
    "slOrdPx": "-1",
    "slTriggerPxType": "mark",
    "algoClOrdId": "supraw1",
    "cxlOnClosePos": "true",
}
MOVE: Final = {"newSlTriggerPx": "985", "newSlOrdPx": "-1", "newSlTriggerPxType": "mark"}
CONDITIONAL: Final = {"trigger": True, "ordType": "conditional,oco"}


@dataclass(frozen=True, slots=True)
class World:
    """A venue with, where it is wanted, a long of one lot, a limit order ``lim1`` and a stop ``sl1``."""

    venue: Running
    ex: Ex

    def place(self, order: Any) -> str:
        return str(accepted(self.venue.exchange.by_hand(PlaceOrder(order=order))).venue_order_id)

    def account(self) -> Any:
        return self.venue.exchange.by_hand(FetchAccount())

    def limit(self) -> None:
        self.place(an_order("lim1", kind=OrderKind.LIMIT, price=d(990), quantity=LOT))

    def position(self, side: Side | None = None) -> None:
        self.place(an_order("en1", quantity=LOT, hedge_side=side))

    def stop(self) -> None:
        self.place(a_stop("sl1", trigger_price=d(980)))


def an_exchange(venue: Running, **options: Any) -> Ex:
    quiet = {"defaultType": "swap", "fetchMarkets": {"types": ["swap"]}, "createOrder": "privatePostTradeOrder"}
    ex: Any = ccxt.okx(
        {
            "apiKey": KEYS.api_key,
            "secret": KEYS.api_secret,
            "password": KEYS.api_passphrase,
            "enableRateLimit": False,
            "options": quiet | options,
        }
    )
    ex.has["fetchCurrencies"] = False
    ex.urls["api"]["rest"] = venue.server.rest_url
    return ex


@pytest.fixture
def start() -> Iterator[Callable[..., World]]:
    opened: list[Any] = []

    def start_with(*, hedge: bool = False, **options: Any) -> World:
        context = running(Setup(hedge=hedge))
        venue = context.__enter__()
        ex = an_exchange(venue, **options)
        opened.append((context, ex))
        return World(venue, ex)

    yield start_with
    for context, ex in opened:
        ex.session.close()
        context.__exit__(None, None, None)


Try = Callable[[World], bool]


def order(world: World, side: str, kind: str = "market", price: Any = None, **params: Any) -> Any:
    return world.ex.create_order(S, kind, side, 10, price, {"tdMode": "isolated", **params})


def only_algo(world: World) -> Any:
    [found] = [each for each in world.account().orders if each.trigger_price is not None]
    return found


def algo_id(world: World, index: int = 0) -> str:
    return str(world.ex.fetch_open_orders(S, params=CONDITIONAL)[index]["id"])


def no_position(world: World, **params: Any) -> bool:
    return bool(order(world, "buy", clientOrderId="supe1", **params)["id"])


PLAIN: dict[str, Try] = {
    "load_markets defaults": lambda w: S in ccxt.okx.load_markets(w.ex, True),
    "load_markets types=[swap], has.fetchCurrencies=False": lambda w: (
        w.ex.load_markets()[S]["contractSize"] == 0.01 and w.ex.market(S)["precision"]["price"] == 0.1
    ),
    "fetch_time": lambda w: abs(w.ex.fetch_time() - w.venue.exchange.venue_ms) < 2_000,
    "fetch_balance": lambda w: w.ex.fetch_balance()["USDT"]["total"] == 10_000,
    "account config raw": lambda w: w.ex.privateGetAccountConfig()["data"][0]["acctLv"] == "2",
    "fetch_position_mode": lambda w: w.ex.fetch_position_mode()["hedged"] is False,
    "set_leverage cross": lambda w: w.ex.set_leverage(10, S, {"mgnMode": "cross"})["code"] == "0",
    "set_leverage no params": lambda w: w.ex.set_leverage(10, S)["data"][0]["lever"] == "10",
    "set_margin_mode": lambda w: w.ex.set_margin_mode("isolated", S, {"lever": 10})["code"] == "0",
    "set_position_mode net": lambda w: w.ex.set_position_mode(False)["code"] == "0",
    "fetch_leverage": lambda w: w.ex.fetch_leverage(S, {"marginMode": "isolated"})["longLeverage"] == 10,
    "entry market net": lambda w: (
        no_position(w, tdMode="cross") and w.account().positions[0].margin_mode is MarginMode.CROSS
    ),
    "raw place order": lambda w: (
        w.ex.privatePostTradeOrder(
            {"instId": ID, "tdMode": "isolated", "side": "buy", "ordType": "market", "sz": "1", "clOrdId": "supe9"}
        )["data"][0]["clOrdId"]
        == "supe9"
    ),
    "entry market net isolated": no_position,
    "entry no client id": lambda w: order(w, "buy")["clientOrderId"].startswith("6b9ad766b55dBCDE"),
    "entry with options.createOrder=privatePostTradeOrder": no_position,
    "entry raw attachAlgoOrds": lambda w: (
        no_position(
            w,
            attachAlgoOrds=[
                {"attachAlgoClOrdId": "sl5", "slTriggerPx": "980", "slOrdPx": "-1", "slTriggerPxType": "mark"}
            ],
        )
        and only_algo(w).client_order_id == "sl5"
        and only_algo(w).quantity == 10
    ),
    "ticker": lambda w: w.ex.fetch_ticker(S)["last"] == 1000,
    "mark price": lambda w: w.ex.fetch_mark_price(S)["markPrice"] == 1000,
    "positions history": lambda w: w.ex.fetch_positions_history([S]) == [],
}
WITH_POSITION: dict[str, Try] = {
    "fetch_positions": lambda w: w.ex.fetch_positions()[0]["contracts"] == float(LOT),
    "fetch_positions [S]": lambda w: w.ex.fetch_positions([S])[0]["side"] == "long",
    "fetch_position": lambda w: w.ex.fetch_position(S)["entryPrice"] == 1000,
    "close market net reduceOnly": lambda w: (
        bool(order(w, "sell", reduceOnly=True)["id"]) and w.account().positions[0].quantity == LOT - 10
    ),
    "close_position": lambda w: (
        w.ex.close_position(S, None, {"marginMode": "isolated"}) is not None and not w.account().positions
    ),
    "SL conditional sz": lambda w: (
        bool(order(w, "sell", **STOP, clientOrderId="lost1")["id"]) and only_algo(w).client_order_id is None
    ),
    "SL conditional algoClOrdId": lambda w: (
        bool(order(w, "sell", **STOP, algoClOrdId="sl2")["id"]) and only_algo(w).client_order_id == "sl2"
    ),
    "SL conditional closeFraction net": lambda w: (
        bool(order(w, "sell", **STOP, closeFraction="1", algoClOrdId="sl2")["id"]) and only_algo(w).quantity is None
    ),
    "TP conditional partial": lambda w: (
        bool(order(w, "sell", takeProfitPrice=1030, reduceOnly=True, algoClOrdId="tp1")["id"])
        and (only_algo(w).kind, only_algo(w).quantity) == (OrderKind.TAKE_PROFIT_MARKET, 10)
    ),
    "TP reduceOnly limit": lambda w: (
        bool(order(w, "sell", "limit", 1030, reduceOnly=True)["id"])
        and (w.account().orders[0].price, w.account().orders[0].reduce_only) == (1030, True)
    ),
    "trigger order": lambda w: (
        bool(order(w, "sell", triggerPrice=980, reduceOnly=True)["id"]) and only_algo(w).kind is OrderKind.STOP_MARKET
    ),
    "raw order-algo": lambda w: (
        w.ex.privatePostTradeOrderAlgo(RAW_STOP)["data"][0]["sCode"] == "0"
        and (only_algo(w).client_order_id, only_algo(w).trigger_price) == ("supraw1", 980)
    ),
    "my trades": lambda w: w.ex.fetch_my_trades(S, 1, 100)[0]["info"]["clOrdId"] == "en1",
    "my trades method fills": lambda w: (
        w.ex.fetch_my_trades(S, None, None, {"method": "privateGetTradeFills"})[0]["amount"] == float(LOT)
    ),
    "my trades ordId": lambda w: w.ex.fetch_my_trades(S, params={"ordId": "312"}) == [],
    "raw fills (3 days, fast)": lambda w: (
        w.ex.privateGetTradeFills({"instType": "SWAP", "instId": ID})["data"][0]["fillPx"] == "1000"
    ),
    "history regular": lambda w: w.ex.fetch_closed_orders(S)[0]["clientOrderId"] == "en1",
    "fetch_order by client id": lambda w: w.ex.fetch_order(None, S, {"clientOrderId": "en1"})["status"] == "closed",
    "raw order by clOrdId": lambda w: (
        w.ex.privateGetTradeOrder({"instId": ID, "clOrdId": "en1"})["data"][0]["avgPx"] == "1000"
    ),
}
WITH_LIMIT: dict[str, Try] = {
    "open regular": lambda w: [each["clientOrderId"] for each in w.ex.fetch_open_orders(S)] == ["lim1"],
    "open regular all": lambda w: len(w.ex.fetch_open_orders()) == 1,
    "open algo conditional,oco no trigger": lambda w: (
        len(w.ex.fetch_open_orders(S, params={"ordType": "conditional,oco"})) == 1
    ),
    "amend regular": lambda w: (
        w.ex.edit_order(w.ex.fetch_open_orders(S)[0]["id"], S, "limit", "buy", 20, 985) is not None
        and (w.account().orders[0].price, w.account().orders[0].quantity) == (985, 20)
    ),
    "cancel regular": lambda w: (
        bool(w.ex.cancel_order(w.ex.fetch_open_orders(S)[0]["id"], S)) and not w.account().orders
    ),
    "cancel regular client id": lambda w: (
        bool(w.ex.cancel_order(None, S, {"clientOrderId": "lim1"})) and not w.account().orders
    ),
    "history canceled": lambda w: (
        bool(w.ex.cancel_order(None, S, {"clientOrderId": "lim1"}))
        and w.ex.fetch_canceled_orders(S)[0]["clientOrderId"] == "lim1"
    ),
}
WITH_STOP: dict[str, Try] = {
    "amend algo via edit_order": lambda w: (
        w.ex.edit_order(
            algo_id(w),
            S,
            "conditional",
            "sell",
            None,
            None,
            {"stopLossPrice": 985, "newSlOrdPx": -1, "newSlTriggerPxType": "mark"},
        )
        is not None
        and only_algo(w).trigger_price == 985
    ),
    "amend algo native names": lambda w: (
        w.ex.edit_order(algo_id(w), S, "conditional", "sell", None, None, MOVE) is not None
        and only_algo(w).trigger_price == 985
    ),
    "amend algo by client id": lambda w: (
        w.ex.edit_order("", S, "conditional", "sell", None, None, {"clientOrderId": "sl1", **MOVE}) is not None
        and only_algo(w).trigger_price == 985
    ),
    "raw amend-algos": lambda w: (
        w.ex.privatePostTradeAmendAlgos({"instId": ID, "algoClOrdId": "sl1", **MOVE})["data"][0]["sCode"] == "0"
        and (only_algo(w).trigger_price, only_algo(w).quantity) == (985, None)
    ),
    "cancel algo by id": lambda w: bool(w.ex.cancel_order(algo_id(w), S, {"trigger": True})) and not w.account().orders,
    "cancel algo by client id": lambda w: (
        bool(w.ex.cancel_order(None, S, {"trigger": True, "clientOrderId": "sl1"})) and not w.account().orders
    ),
    "raw cancel-algos": lambda w: (
        w.ex.privatePostTradeCancelAlgos([{"instId": ID, "algoClOrdId": "sl1"}])["code"] == "0"
        and not w.account().orders
    ),
    "cancel_orders algo": lambda w: (
        bool(w.ex.cancel_orders([algo_id(w)], S, {"trigger": True})) and not w.account().orders
    ),
    "open algo trigger default": lambda w: w.ex.fetch_open_orders(S, params={"trigger": True}) == [],
    "open algo conditional": lambda w: (
        [each["info"]["algoClOrdId"] for each in w.ex.fetch_open_orders(S, params={"ordType": "conditional"})]
        == ["sl1"]
    ),
    "open algo conditional,oco (needs trigger)": lambda w: (
        w.ex.fetch_open_orders(S, params=CONDITIONAL)[0]["stopLossPrice"] == 980
    ),
    "open algo all symbols": lambda w: len(w.ex.fetch_open_orders(params={**CONDITIONAL, "instType": "SWAP"})) == 1,
    "raw orders-algo-pending": lambda w: (
        w.ex.privateGetTradeOrdersAlgoPending({"ordType": "conditional,oco", "instType": "SWAP"})["data"][0][
            "closeFraction"
        ]
        == "1"
    ),
    "raw order-algo by algoClOrdId": lambda w: (
        w.ex.privateGetTradeOrderAlgo({"algoClOrdId": "sl1"})["data"][0]["state"] == "live"
    ),
    "fetch_order algo by client id": lambda w: (
        w.ex.fetch_order(None, S, {"trigger": True, "clientOrderId": "sl1"})["status"] == "open"
    ),
}
HEDGE: dict[str, Try] = {
    "set_leverage isolated hedge": lambda w: (
        w.ex.set_leverage(10, S, {"mgnMode": "isolated", "posSide": "long"})["code"] == "0"
    ),
    "set_position_mode hedge": lambda w: w.ex.set_position_mode(True)["code"] == "0",
    "entry market hedge": lambda w: bool(order(w, "sell", hedged=True)["id"]),
    "entry explicit posSide": lambda w: bool(order(w, "sell", posSide="short")["id"]),
    "entry positionSide": lambda w: bool(order(w, "sell", positionSide="short")["id"]),
    "close market hedge (close long)": lambda w: (
        bool(order(w, "sell", hedged=True, reduceOnly=True)["id"]) and w.account().positions[0].quantity == LOT - 10
    ),
    "SL conditional closeFraction hedge": lambda w: (
        bool(order(w, "sell", stopLossPrice=980, closeFraction="1", hedged=True, reduceOnly=True)["id"])
        and (only_algo(w).quantity, only_algo(w).hedge_side) == (None, Side.LONG)
    ),
    "SL hedge sz": lambda w: (
        bool(order(w, "sell", stopLossPrice=980, hedged=True, reduceOnly=True)["id"]) and only_algo(w).quantity == 10
    ),
}
ELSEWHERE = {
    "history algo": "a stop must have triggered: test_a_triggered_stop_is_in_the_history_and_so_is_its_child",
    "fetch_order child of algo (ordId=999)": "the same",
    "entry attached SL/TP": "a take profit attached beside the stop is not simulated: refused",
    "OCO SL+TP": "not simulated: refused",
    "TP limit conditional": "not simulated: refused",
    "cancel_all_orders": "ccxt does not support it",
}


def test_every_recorded_operation_is_tried(venue_facts: Path) -> None:
    entries = json.loads((venue_facts / "recorded" / "okx.json").read_text(encoding="utf-8"))
    tried = {*PLAIN, *WITH_POSITION, *WITH_LIMIT, *WITH_STOP, *HEDGE, *ELSEWHERE}
    assert {entry["op"] for entry in entries} == tried


@pytest.mark.parametrize("operation", PLAIN)
def test_an_operation_on_an_empty_account(start: Callable[..., World], operation: str) -> None:
    batched = operation in {"entry market net", "entry no client id"}
    world = start(createOrder="privatePostTradeBatchOrders") if batched else start()
    assert PLAIN[operation](world)


@pytest.mark.parametrize("operation", WITH_POSITION)
def test_an_operation_on_a_position(start: Callable[..., World], operation: str) -> None:
    world = start()
    world.position()
    assert WITH_POSITION[operation](world)


@pytest.mark.parametrize("operation", WITH_LIMIT)
def test_an_operation_on_a_resting_order(start: Callable[..., World], operation: str) -> None:
    world = start()
    world.limit()
    assert WITH_LIMIT[operation](world)


@pytest.mark.parametrize("operation", WITH_STOP)
def test_an_operation_on_a_stop(start: Callable[..., World], operation: str) -> None:
    world = start()
    world.position()
    world.stop()
    assert WITH_STOP[operation](world)


@pytest.mark.parametrize("operation", HEDGE)
def test_an_operation_in_hedge_mode(start: Callable[..., World], operation: str) -> None:
    world = start(hedge=True)
    world.position(Side.LONG)
    assert HEDGE[operation](world)


def test_a_triggered_stop_is_in_the_history_and_so_is_its_child(start: Callable[..., World]) -> None:
    world = start()
    world.position()
    world.stop()
    world.venue.exchange.gap(an_order("x").symbol, d(-3))
    [stop] = world.ex.fetch_closed_orders(S, params={"trigger": True, "ordType": "conditional"})
    assert stop["info"]["state"] == "effective"
    child = world.ex.fetch_order(stop["info"]["ordId"], S)
    assert (child["info"]["ordId"], child["status"]) == (stop["info"]["ordId"], "closed")
    assert child["id"] == stop["id"], "ccxt takes the algo order's id for the child's"
    last = world.ex.fetch_my_trades(S)[-1]["info"]
    assert (last["ordId"], last["clOrdId"]) == (stop["info"]["ordId"], f"O{stop['id']}")


@pytest.mark.parametrize(
    "params",
    [
        {"takeProfitPrice": 1030, "stopLossPrice": 980, "reduceOnly": True},
        {"takeProfitPrice": 1030, "tpOrdPx": "1029", "reduceOnly": True},
    ],
)
def test_what_is_not_simulated_is_refused_and_said(start: Callable[..., World], params: dict[str, Any]) -> None:
    world = start()
    world.position()
    with pytest.raises(ccxt.BadRequest, match="not simulated"):
        order(world, "sell", **params)
    assert world.account().orders == ()


REFUSALS: dict[str, tuple[Callable[[World], Any], type[Exception], str]] = {
    "wallet": (lambda w: w.ex.create_order(S, "limit", "buy", 9_000_0, 990), ccxt.InvalidOrder, "51202"),
    "margin": (
        lambda w: [w.ex.create_order(S, "limit", "buy", 10_000, 990) for _ in range(2)],
        ccxt.InsufficientFunds,
        "51008",
    ),
    "twice": (
        lambda w: [order(w, "buy", "limit", 990, clientOrderId="same1") for _ in range(2)],
        ccxt.InvalidOrder,
        "51016",
    ),
    "gone": (lambda w: w.ex.cancel_order("312269865356009999", S), ccxt.OrderNotFound, "51400"),
    "nothing to reduce": (lambda w: order(w, "sell", reduceOnly=True), ccxt.ExchangeError, "51169"),
    "band": (lambda w: w.ex.create_order(S, "limit", "buy", 10, 1200), ccxt.InvalidOrder, "51006"),
    "position side": (lambda w: order(w, "buy", posSide="long"), ccxt.BadRequest, "51000"),
    "no such order": (lambda w: w.ex.fetch_order(None, S, {"clientOrderId": "nope"}), ccxt.OrderNotFound, "51603"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_has_okxs_code_and_ccxts_class(start: Callable[..., World], case: str) -> None:
    act, error, code = REFUSALS[case]
    with pytest.raises(error, match=code):
        act(start())


@pytest.mark.parametrize(
    ("change", "code"),
    [({"apiKey": "WRONG"}, "50111"), ({"secret": "WRONG"}, "50113"), ({"password": "WRONG"}, "50105")],
)
def test_a_wrong_key_is_refused(start: Callable[..., World], change: dict[str, str], code: str) -> None:
    world = start()
    for name, value in change.items():
        setattr(world.ex, name, value)
    with pytest.raises(ccxt.AuthenticationError, match=code):
        world.ex.fetch_balance()


def test_a_second_stop_on_the_whole_position_is_refused(start: Callable[..., World]) -> None:
    world = start()
    world.position()
    world.stop()
    with pytest.raises(ccxt.ExchangeError, match="51088"):
        world.ex.privatePostTradeOrderAlgo(RAW_STOP)


def test_too_many_requests_are_refused_until_the_window_has_passed(start: Callable[..., World]) -> None:
    world = start()
    for _ in range(10):
        world.ex.privateGetAccountBalance()
    with pytest.raises(ccxt.RateLimitExceeded, match="50011"):
        world.ex.privateGetAccountBalance()
    assert world.ex.fetch_time() > 0, "another endpoint has a window of its own"


def test_a_row_of_a_batch_fails_alone(start: Callable[..., World]) -> None:
    world = start()
    rows = [{"instId": ID, "tdMode": "isolated", "side": "buy", "ordType": "limit", "px": px} for px in ("990", "1200")]
    answer = world.ex.privatePostTradeBatchOrders([row | {"sz": "10", "clOrdId": f"b{row['px']}"} for row in rows])
    assert (answer["code"], [row["sCode"] for row in answer["data"]]) == ("2", ["0", "51006"])


def test_an_exit_of_somebody_elses_is_shown_with_its_side(start: Callable[..., World]) -> None:
    world = start()
    world.position()
    world.place(an_exit("x1", kind=OrderKind.LIMIT, price=d(1030), quantity=LOT))
    [shown] = world.ex.fetch_open_orders(S)
    assert (shown["side"], shown["reduceOnly"]) == (OrderSide.SELL, True)
