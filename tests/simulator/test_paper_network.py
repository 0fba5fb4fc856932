"""Requests and streams of the paper venue when nothing goes wrong; and what a client's death leaves."""

import hashlib

import pytest

from actors.kernel import VirtualTime
from actors.ports import StreamListener, VenueCalls, VenueStreams
from adapters.simulator.fault_script import random_faults
from adapters.simulator.feed import PricePoint, SeededFeed
from adapters.simulator.paper_calls import PaperCalls
from adapters.simulator.paper_config import Delay, PaperConfig
from messages.orders import OrderStatus
from messages.values import ClientOrderId, MarginMode, OrderKind, OrderSide
from messages.venue import (
    AccountReport,
    AmendOrder,
    FetchAccount,
    FetchFills,
    FetchInstruments,
    FetchServerTime,
    FillsReport,
    InstrumentsReport,
    LeverageSet,
    OrderAccepted,
    OutcomeUnknown,
    PlaceOrder,
    QueryOrder,
    ServerTime,
    SetLeverage,
    VenueAnswer,
)
from tests.simulator.builders import (
    BTC,
    ETH,
    T0,
    Desk,
    Heard,
    StillFeed,
    a_limit,
    a_stop,
    accepted,
    an_order,
    d,
    refused,
)


def test_it_is_what_the_actors_ask_of_a_venue() -> None:
    desk = Desk()
    calls: VenueCalls = desk.calls
    streams: VenueStreams = desk.streams
    listener: StreamListener = desk.heard
    assert calls.venue == "paper"
    assert calls.capabilities.attach_stop_to_entry
    streams.start(listener)


def test_a_request_takes_its_way_there_and_back() -> None:
    desk = Desk(delay_ms=30)
    desk.time.run_for(1)
    began = desk.time.now_ms()
    answers = desk.send(PlaceOrder(order=an_order()))
    desk.time.run_for(0.031)
    assert len(desk.account().positions) == 1
    assert answers == []
    desk.time.run_for(0.030)
    assert accepted(answers[0]).created_ms == began + 30


def test_every_kind_of_request_has_its_answer() -> None:
    desk = Desk()
    entry = an_order(attached_stop_price="980", attached_stop_id=ClientOrderId("stop1"))
    accepted(desk.place(entry))
    moved = a_stop(client_order_id=ClientOrderId("stop1"), trigger_price="990", quantity=None)
    assert accepted(desk.ask(AmendOrder(order=moved))).trigger_price == d(990)
    query = QueryOrder(symbol=BTC, client_order_id=entry.client_order_id, kind=OrderKind.MARKET)
    assert accepted(desk.ask(query)).status is OrderStatus.FILLED
    account = desk.ask(FetchAccount(symbol=BTC))
    assert isinstance(account, AccountReport)
    assert (len(account.positions), len(account.orders)) == (1, 1)
    other = desk.ask(FetchAccount(symbol=ETH))
    assert isinstance(other, AccountReport)
    assert (other.positions, other.orders) == ((), ())
    fills = desk.ask(FetchFills(symbol=BTC, since_ms=0))
    assert isinstance(fills, FillsReport)
    assert len(fills.fills) == 1
    instruments = desk.ask(FetchInstruments())
    assert isinstance(instruments, InstrumentsReport)
    assert len(instruments.instruments) == 2
    assert isinstance(desk.ask(SetLeverage(symbol=ETH, leverage=5, margin_mode=MarginMode.ISOLATED)), LeverageSet)
    server_time = desk.ask(FetchServerTime())
    assert isinstance(server_time, ServerTime)
    assert abs(server_time.server_ms - desk.time.now_ms()) < 10
    assert accepted(desk.cancel(moved)).status is OrderStatus.CANCELLED
    assert refused(desk.cancel(moved)) == "not_found"


def test_an_order_and_its_fill_are_told_in_order_and_flatness_as_no_position() -> None:
    desk = Desk()
    entry = an_order()
    desk.place(entry)
    desk.place(an_order(side=OrderSide.SELL, reduce_only=True))
    desk.time.run_for(1)
    statuses = [order.status for order in desk.heard.orders if order.client_order_id == entry.client_order_id]
    assert statuses == [OrderStatus.WORKING, OrderStatus.FILLED]
    assert len(desk.heard.fills) == 2
    assert [position is None for position in desk.heard.positions] == [False, True]


def test_a_stream_keeps_its_order_whatever_each_message_needs() -> None:
    config = PaperConfig(event_delay=Delay(min_ms=0, max_ms=500), seed=3)
    desk = Desk(config=config)
    desk.time.run_for(1)
    for _ in range(20):
        desk.exchange.by_hand(PlaceOrder(order=an_order(quantity="0.1")))
        desk.time.run_for(0.02)
    desk.time.run_for(2)
    numbers = [int(fill.fill_id) for fill in desk.heard.fills]
    assert len(numbers) == 20
    assert numbers == sorted(numbers)


def test_only_watched_symbols_tick_and_each_begins_with_its_present_price() -> None:
    points = [PricePoint(T0 + 500, symbol, d(1001)) for symbol in (BTC, ETH)]
    desk = Desk(feed=StillFeed(points=points, symbols=(BTC, ETH)))
    desk.time.run_for(1)
    assert [(tick.symbol, tick.last) for tick in desk.heard.ticks] == [(BTC, d(1000)), (BTC, d(1001))]
    desk.streams.watch([ETH])
    desk.time.run_for(1)
    assert (desk.heard.ticks[-1].symbol, desk.heard.ticks[-1].last) == (ETH, d(1001))


def test_no_answer_in_time_is_an_unknown_outcome_and_the_late_one_is_dropped() -> None:
    desk = Desk(delay_ms=3000)
    desk.time.run_for(10)
    answers = desk.send(PlaceOrder(order=an_order()), timeout_s=5)
    desk.time.run_for(20)
    assert [type(answer) for answer in answers] == [OutcomeUnknown]
    assert len(desk.account().positions) == 1


def test_a_dead_client_hears_nothing_and_what_it_sent_still_arrives() -> None:
    desk = Desk()
    answers = desk.send(PlaceOrder(order=an_order()))
    desk.calls.abandon()
    desk.streams.stop()
    desk.time.run_for(10)
    assert answers == []
    assert desk.heard.orders == []
    successor = PaperCalls(desk.exchange)
    found: list[VenueAnswer] = []
    successor.send(FetchAccount(), timeout_s=5, done=found.append)
    desk.time.run_for(1)
    assert isinstance(found[0], AccountReport)
    assert len(found[0].positions) == 1


def test_closing_answers_what_is_under_way_and_refuses_what_comes_after() -> None:
    desk = Desk()
    answers = desk.send(PlaceOrder(order=an_order()))
    desk.calls.close()
    assert [type(answer) for answer in answers] == [OutcomeUnknown]
    assert desk.calls.under_way == 0
    assert refused(desk.ask(FetchAccount())) == "not_sent"


def test_boundaries_are_told_and_a_client_that_dies_at_one_does_not_stop_the_exchange() -> None:
    class KilledError(BaseException):
        pass

    desk = Desk()
    passed: list[str] = []

    def at(name: str) -> None:
        passed.append(name)
        if passed == ["request_arrived"]:
            raise KilledError

    desk.exchange.on_boundary = at
    desk.send(PlaceOrder(order=an_order()))
    with pytest.raises(KilledError):
        desk.time.run_for(1)
    desk.time.run_for(1)
    assert len(desk.account().positions) == 1
    assert passed[:2] == ["request_arrived", "request_executed"]
    assert {"answer_delivered", "event_delivered"} <= set(passed)


def test_hands_reach_past_the_network_and_the_streams_hear_of_it() -> None:
    desk = Desk()
    assert isinstance(desk.exchange.by_hand(PlaceOrder(order=an_order())), OrderAccepted)
    desk.time.run_for(1)
    assert len(desk.heard.fills) == 1


def a_random_run(seed: int) -> str:
    """A seeded market, random faults, a client that keeps trading: everything that was heard, as one hash."""
    time = VirtualTime(start_ms=T0, seed=seed)
    feed = SeededFeed(seed=seed, bases={BTC: d(1000), ETH: d(1000)}, ticks={BTC: d("0.1"), ETH: d("0.1")})
    faults = random_faults(seed=seed, request_probability=0.1, event_probability=0.1)
    desk = Desk(time=time, feed=feed, faults=faults)  # type: ignore[arg-type] # any feed will do
    answers: list[VenueAnswer] = []
    for number in range(60):
        side = OrderSide.BUY if number % 3 else OrderSide.SELL
        order = an_order(client_order_id=ClientOrderId(f"e{number}"), side=side, quantity="0.1")
        desk.calls.send(PlaceOrder(order=order), timeout_s=2, done=answers.append)
        limit = a_limit(client_order_id=ClientOrderId(f"l{number}"), quantity="0.1", price=f"{990 + number % 9}")
        desk.calls.send(PlaceOrder(order=limit), timeout_s=2, done=answers.append)
        time.run_for(7)
    time.run_for(60)
    assert len(answers) == 120
    heard: Heard = desk.heard
    told = (answers, heard.orders, heard.fills, heard.positions, [tick.last for tick in heard.ticks])
    return hashlib.sha256(repr((told, desk.exchange.ledger_snapshot())).encode()).hexdigest()


def test_the_same_seed_gives_the_same_run_and_another_seed_another_one() -> None:
    assert a_random_run(3) == a_random_run(3)
    assert a_random_run(3) != a_random_run(4)
