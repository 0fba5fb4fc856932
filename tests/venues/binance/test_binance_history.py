"""What happened on Binance since a time: every page of it, and whose orders it was."""

import time
from typing import Any

from adapters.venues.binance import BinanceRest
from adapters.venues.binance_history import PAGE, WINDOW_MS
from messages.orders import FillKind
from messages.values import ClientOrderId
from messages.venue import FetchFills, FillsReport, PlaceOrder, VenueAnswer
from tests.contract.battery import accepted
from tests.simulator.builders import BTC, a_stop, an_order, d
from tests.venues.binance.prepared import Asked, Prepared, prepared_client
from tests.venues.binance.running import running


class Past:
    """Trades as the venue gives them: by time within a week, or by id."""

    def __init__(self, times: list[int], now_ms: int) -> None:
        self.trades = [
            {
                "id": number,
                "orderId": 5_000 + number % 3,
                "side": "BUY",
                "price": "1000.0",
                "qty": "0.010",
                "commission": "0.004",
                "time": at_ms,
            }
            for number, at_ms in enumerate(times, 1)
        ]
        self.now_ms = now_ms

    def __call__(self, asked: Asked) -> Prepared:
        if asked.path.endswith("/income"):
            return Prepared(body=[])
        if asked.path.endswith("/order"):
            return self._order(int(asked.params["orderId"]))
        limit = int(asked.params["limit"])
        if "fromId" in asked.params:
            first = int(asked.params["fromId"])
            return Prepared(body=[trade for trade in self.trades if _number(trade, "id") >= first][:limit])
        start_ms = int(asked.params["startTime"])
        end_ms = int(asked.params.get("endTime", start_ms + WINDOW_MS))
        assert end_ms - start_ms <= WINDOW_MS
        return Prepared(body=[each for each in self.trades if start_ms <= _number(each, "time") <= end_ms][:limit])

    def _order(self, order_id: int) -> Prepared:
        if order_id == 5_002:
            return Prepared(body={"code": -2013, "msg": "Order does not exist."}, status=400)
        order = {"orderId": order_id, "symbol": "BTCUSDT", "status": "FILLED", "clientOrderId": f"c{order_id}"}
        return Prepared(body=order | {"side": "BUY", "type": "MARKET", "origQty": "0.010"})


def _number(trade: dict[str, Any], name: str) -> int:
    return int(trade[name])


def read(past: Past, since_ms: int) -> tuple[FillsReport, list[Asked]]:
    with prepared_client(past) as (client, server):
        answer = client.execute(FetchFills(symbol=BTC, since_ms=since_ms))
        assert isinstance(answer, FillsReport), answer
        return answer, list(server.asked)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_pages_that_are_full_are_followed_by_id_so_that_nothing_is_skipped() -> None:
    at_ms = now_ms() - 60_000
    past = Past([at_ms] * (2 * PAGE + 7), at_ms)
    report, asked = read(past, at_ms)
    assert [fill.fill_id for fill in report.fills] == [f"{number}" for number in range(1, 2 * PAGE + 8)]
    assert sum(each.path.endswith("/userTrades") for each in asked) == 3


def test_weeks_without_trades_are_passed_over_one_by_one() -> None:
    since_ms = now_ms() - 4 * WINDOW_MS - 1_000
    past = Past([since_ms + 5, since_ms + 3 * WINDOW_MS, now_ms() - 1_000], since_ms)
    report, _ = read(past, since_ms)
    assert [fill.fill_id for fill in report.fills] == ["1", "2", "3"]


def test_what_was_before_the_time_is_left_out() -> None:
    at_ms = now_ms() - 60_000
    report, _ = read(Past([at_ms, at_ms + 10], at_ms), at_ms + 5)
    assert [fill.fill_id for fill in report.fills] == ["2"]


def test_each_order_is_looked_up_once_and_one_that_is_gone_has_no_id() -> None:
    at_ms = now_ms() - 60_000
    past = Past([at_ms + number for number in range(30)], at_ms)
    with prepared_client(past) as (client, server):
        answers: list[VenueAnswer] = [client.execute(FetchFills(symbol=BTC, since_ms=at_ms)) for _ in range(2)]
        lookups = sum(each.path.endswith("/order") for each in server.asked)
    assert lookups == 3
    for answer in answers:
        assert isinstance(answer, FillsReport)
        assert [fill.client_order_id for fill in answer.fills[:3]] == ["c5001", None, "c5000"]


def test_the_execution_of_a_stop_carries_the_stops_id_and_a_liquidation_says_that_it_is_one() -> None:
    with running() as venue:
        stop = ClientOrderId("stop1")
        for order in (an_order(), a_stop(client_order_id=stop)):
            accepted(venue.exchange.by_hand(PlaceOrder(order=order)))
        venue.exchange.gap(BTC, d(-3))
        accepted(venue.exchange.by_hand(PlaceOrder(order=an_order())))
        venue.exchange.gap(BTC, d(-20))
        client = BinanceRest(venue.config).client()
        answer = client.execute(FetchFills(symbol=BTC, since_ms=venue.exchange.venue_ms - 60_000))
        client.close()
    assert isinstance(answer, FillsReport)
    _, stopped, _, liquidated = answer.fills
    assert stopped.client_order_id == stop
    assert (stopped.kind, liquidated.kind) == (FillKind.TRADE, FillKind.LIQUIDATION)
