"""What Binance is, as far as our side of it says: what it can do, where it is, and what its answers say."""

import time
from typing import Any

import msgspec
import pytest

from adapters.outside import MACHINE
from adapters.simulator.profiles import BINANCE as PROFILE
from adapters.venues.binance import IDS_KEPT, TURN_MS, WEIGHT, BinanceRest, SharedMemory, new_exchange
from adapters.venues.binance_reports import (
    Account,
    AlgoOrder,
    PositionRow,
    RegularOrder,
    algo_report,
    balance_report,
    position_report,
    regular_report,
)
from adapters.venues.rest import VenueConfig
from messages.orders import OrderStatus
from messages.values import MarginMode, OrderKind, Side, TriggerSource
from messages.venue import AccountReport, FetchAccount, FetchFills, FetchInstruments, InstrumentsReport
from tests.simulator.builders import BTC, d
from tests.venues.binance.prepared import MODES, Asked, Prepared, config_for, facts, prepared_client
from tests.venues.binance.running import running

POSITION = {
    "symbol": "BTCUSDT",
    "positionSide": "BOTH",
    "positionAmt": "0.010",
    "entryPrice": "50000.0",
    "breakEvenPrice": "50025.0",
    "markPrice": "50100.00000000",
    "unRealizedProfit": "1.00000000",
    "liquidationPrice": "0",
    "isolatedMargin": "0",
    "notional": "501.00000000",
    "positionInitialMargin": "50.10000000",
    "adl": 2,
    "updateTime": 1700000000000,
}
ALGO = {
    "algoId": 2146760,
    "clientAlgoId": "sup-sl-0001",
    "orderType": "STOP_MARKET",
    "symbol": "BTCUSDT",
    "side": "SELL",
    "positionSide": "BOTH",
    "quantity": "0.010",
    "algoStatus": "NEW",
    "triggerPrice": "49000.00",
    "price": "0.00",
    "icebergQuantity": None,
    "workingType": "MARK_PRICE",
    "closePosition": False,
    "reduceOnly": True,
    "createTime": 1700000000000,
}


def a_position(**changes: Any) -> PositionRow:
    return msgspec.convert(POSITION | changes, PositionRow)


def an_algo(**changes: Any) -> AlgoOrder:
    return msgspec.convert(ALGO | changes, AlgoOrder)


def test_what_it_can_do_is_what_the_simulated_venue_can_do() -> None:
    assert BinanceRest(config_for("http://127.0.0.1:9")).capabilities == PROFILE.capabilities


@pytest.mark.parametrize(
    ("testnet", "address"),
    [(False, "https://fapi.binance.com/fapi/v1"), (True, "https://demo-fapi.binance.com/fapi/v1")],
)
def test_it_is_where_the_venue_is_unless_another_address_is_set(*, testnet: bool, address: str) -> None:
    keys = config_for("")
    config = VenueConfig(venue=keys.venue, api_key=keys.api_key, api_secret=keys.api_secret, testnet=testnet)
    assert new_exchange(config).urls["api"]["fapiPrivate"] == address
    assert new_exchange(config).enableRateLimit is False
    assert new_exchange(config_for("http://127.0.0.1:9")).urls["api"]["fapiPrivateV3"] == "http://127.0.0.1:9/fapi/v3"


def test_a_long_history_costs_more_than_a_short_one() -> None:
    rest = BinanceRest(config_for("http://127.0.0.1:9"))
    now_ms = time.time_ns() // 1_000_000
    costs = [
        rest.cost(FetchFills(symbol=BTC, since_ms=now_ms - days * 86_400_000))[WEIGHT] for days in (0, 8, 60, 6_000)
    ]
    assert costs == sorted(set(costs))
    assert costs[-1] <= 40 + 5 * 14


def test_what_the_venue_says_of_its_weight_holds_until_its_minute_is_over() -> None:
    memory = SharedMemory(MACHINE.now_ms)
    noon_ms = 30_000_000 * 60_000
    for sent_ms, over_ms in ((noon_ms + 5_000, noon_ms + 60_000), (noon_ms + 1_000, noon_ms)):
        memory.told({"X-MBX-USED-WEIGHT-1M": "77"}, sent_ms)
        assert memory.used[WEIGHT].units == 77
        assert memory.used[WEIGHT].starts_over_ms == over_ms + TURN_MS, (
            "said at the turn, it may be of the minute before"
        )


def test_an_answer_that_says_nothing_of_its_weight_changes_nothing() -> None:
    memory = SharedMemory(MACHINE.now_ms)
    for headers in (None, {}, {"X-MBX-USED-WEIGHT-1M": "many"}):
        memory.told(headers, 1)
    assert memory.used == {}


def test_the_account_of_one_symbol_is_read_without_the_money_once_that_is_known() -> None:
    with running() as venue:
        rest = BinanceRest(venue.config)
        client = rest.client()
        costs = []
        for _ in range(2):
            costs.append(rest.cost(FetchAccount(symbol=BTC))[WEIGHT])
            answer = client.execute(FetchAccount(symbol=BTC))
            assert isinstance(answer, AccountReport)
            assert answer.balance.wallet == d(10_000)
        client.close()
    assert costs == [12, 7]
    assert rest.used()[WEIGHT].units > 0


def test_the_ids_of_the_latest_orders_are_kept() -> None:
    memory = SharedMemory(MACHINE.now_ms)
    for number in range(IDS_KEPT + 10):
        memory.remember("BTCUSDT", number, f"c{number}")
    assert (memory.client_id("BTCUSDT", 9), memory.client_id("BTCUSDT", 10)) == (None, "c10")


def test_the_recorded_instruments_keep_their_rules() -> None:
    recorded = {
        (request["method"], request["path"]): request["response"]
        for each in facts("recorded/binanceusdm.json")
        for request in each["requests"]
    }

    def answering(asked: Asked) -> Prepared:
        return Prepared(body=recorded.get((asked.method, asked.path), MODES))

    with prepared_client(answering) as (client, _):
        answer = client.execute(FetchInstruments())
    assert isinstance(answer, InstrumentsReport)
    btc = next(each for each in answer.instruments if each.symbol == BTC)
    assert (btc.price_tick, btc.quantity_step, btc.min_quantity) == (d("0.1"), d("0.001"), d("0.001"))
    assert (btc.min_notional, btc.max_market_quantity, btc.contract_size) == (d(100), d(1000), d(1))
    assert (btc.maintenance_margin_rate, btc.trading) == (d("0.004"), True)
    assert all(each.symbol.endswith("USDT") for each in answer.instruments)


def test_a_position_says_its_leverage_by_its_margin() -> None:
    report = position_report(a_position())
    assert report is not None
    assert (report.side, report.quantity, report.leverage) == (Side.LONG, d("0.01"), d(10))
    assert (report.margin_mode, report.liquidation_price, report.hedge_side) == (MarginMode.CROSS, None, None)


def test_a_short_is_a_negative_amount_and_each_side_of_hedge_mode_its_own() -> None:
    short = position_report(
        a_position(positionAmt="-0.010", notional="-501", isolatedMargin="50", liquidationPrice="55")
    )
    assert short is not None
    assert (short.side, short.quantity, short.leverage, short.margin_mode) == (
        Side.SHORT,
        d("0.01"),
        d(10),
        MarginMode.ISOLATED,
    )
    assert short.liquidation_price == 55
    hedged = position_report(a_position(positionSide="SHORT", positionAmt="-0.010"))
    assert hedged is not None
    assert (hedged.side, hedged.hedge_side) == (Side.SHORT, Side.SHORT)
    assert position_report(a_position(positionAmt="0.000")) is None


def test_the_balance_is_the_dollars_where_there_are_some() -> None:
    money = {"walletBalance": "900", "marginBalance": "901", "availableBalance": "850"}
    whole = {"totalWalletBalance": "1000", "totalMarginBalance": "1001", "availableBalance": "950"}
    with_dollars = msgspec.convert(whole | {"assets": [{"asset": "BNB", **money}, {"asset": "USDT", **money}]}, Account)
    without = msgspec.convert(whole | {"assets": [{"asset": "BNB", **money}]}, Account)
    assert balance_report(with_dollars).equity == d(901)
    assert balance_report(without).equity == d(1001)


def test_a_conditional_order_says_what_it_watches_and_closes() -> None:
    report = algo_report(an_algo())
    assert (report.kind, report.trigger_price, report.quantity) == (OrderKind.STOP_MARKET, d(49000), d("0.01"))
    assert (report.trigger_source, report.reduce_only, report.price) == (TriggerSource.MARK, True, None)
    whole = algo_report(an_algo(closePosition=True, quantity="0.000", workingType="CONTRACT_PRICE", reduceOnly=False))
    assert (whole.quantity, whole.reduce_only, whole.trigger_source) == (None, True, TriggerSource.LAST)


def test_in_hedge_mode_the_side_says_whether_an_order_reduces() -> None:
    assert algo_report(an_algo(positionSide="LONG", reduceOnly=False)).reduce_only
    assert not algo_report(an_algo(positionSide="SHORT", reduceOnly=False)).reduce_only


@pytest.mark.parametrize(
    ("status", "meant"),
    [
        ("NEW", OrderStatus.WORKING),
        ("TRIGGERING", OrderStatus.WORKING),
        ("TRIGGERED", OrderStatus.WORKING),
        ("FINISHED", OrderStatus.FILLED),
        ("CANCELED", OrderStatus.CANCELLED),
        ("EXPIRED", OrderStatus.EXPIRED),
        ("REJECTED", OrderStatus.REJECTED),
        ("SOMETHING_NEW", OrderStatus.WORKING),
    ],
)
def test_a_condition_nobody_has_seen_yet_is_not_taken_for_an_end(status: str, meant: OrderStatus) -> None:
    assert algo_report(an_algo(algoStatus=status)).status is meant


def test_a_trailing_stop_of_a_persons_is_shown_without_a_price_that_it_does_not_have() -> None:
    report = algo_report(an_algo(orderType="TRAILING_STOP_MARKET", triggerPrice="0"))
    assert (report.kind, report.trigger_price) == (OrderKind.STOP_MARKET, None)


def test_a_regular_order_without_an_average_price_has_none() -> None:
    order = {"orderId": 1, "symbol": "BTCUSDT", "status": "FILLED", "clientOrderId": "c", "side": "BUY"}
    report = regular_report(
        msgspec.convert(order | {"type": "MARKET", "origQty": "1", "executedQty": "1", "price": "0"}, RegularOrder)
    )
    assert (report.average_price, report.price, report.filled_quantity) == (None, None, d(1))
