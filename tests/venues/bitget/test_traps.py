"""What is particular to Bitget: stops without an id of ours, fills under other orders' ids, modes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from adapters.simulator.profiles import BITGET
from adapters.venues.bitget import BitgetClient, BitgetRest
from messages.orders import FillKind, OrderReport, OrderSpec, OrderStatus
from messages.values import ClientOrderId, MarginMode, OrderKind, OrderSide, Side
from messages.venue import (
    AccountReport,
    AmendOrder,
    CancelOrder,
    FetchAccount,
    FetchFills,
    FetchInstruments,
    FetchServerTime,
    FillsReport,
    OrderAccepted,
    OrderRejected,
    PlaceOrder,
    QueryOrder,
    RejectReason,
    SetLeverage,
    VenueRequest,
)
from tests.contract.battery import Setup
from tests.simulator.builders import BTC, a_limit, a_stop, a_take_profit, an_order, d
from tests.venues.bitget.canned import Answer, canned
from tests.venues.bitget.running import Running, running

STOP_ID = ClientOrderId("HFattached1")
SHORT_STOP_ID = ClientOrderId("HFattached2")


@contextmanager
def a_client(venue: Running) -> Iterator[BitgetClient]:
    """A client of a process that knows nothing yet."""
    client = BitgetRest(venue.config).client()
    try:
        yield client
    finally:
        client.close()


@pytest.fixture
def venue() -> Iterator[Running]:
    with running() as venue:
        yield venue


@pytest.fixture
def client(venue: Running) -> Iterator[BitgetClient]:
    with a_client(venue) as client:
        yield client


def done(client: BitgetClient, request: VenueRequest) -> OrderReport:
    answer = client.execute(request)
    assert isinstance(answer, OrderAccepted), answer
    return answer.report


def orders(client: BitgetClient) -> tuple[OrderReport, ...]:
    answer = client.execute(FetchAccount(symbol=BTC))
    assert isinstance(answer, AccountReport), answer
    return answer.orders


def an_entry(**changes: object) -> OrderSpec:
    return an_order(**{"attached_stop_price": "980", "attached_stop_id": STOP_ID, **changes})


def the_stop(stop_id: ClientOrderId = STOP_ID, **changes: object) -> OrderSpec:
    return a_stop(**{"client_order_id": stop_id, "quantity": None, **changes})


def asked_for(stop_id: ClientOrderId) -> QueryOrder:
    return QueryOrder(symbol=BTC, client_order_id=stop_id, kind=OrderKind.STOP_MARKET)


# --- a stop that came with its entry ----------------------------------------------------------------------------------


def test_it_is_found_moved_and_cancelled_by_the_id_that_it_does_not_carry(client: BitgetClient) -> None:
    done(client, PlaceOrder(order=an_entry()))
    [shown] = orders(client)
    assert shown.client_order_id is None
    assert done(client, asked_for(STOP_ID)).venue_order_id == shown.venue_order_id
    moved = done(client, AmendOrder(order=the_stop(trigger_price="985")))
    assert (moved.venue_order_id, moved.trigger_price) == (shown.venue_order_id, d(985))
    assert done(client, CancelOrder(order=the_stop())).status is OrderStatus.CANCELLED
    assert done(client, asked_for(STOP_ID)).status is OrderStatus.CANCELLED
    assert orders(client) == ()


def test_it_is_moved_by_its_id_before_it_was_ever_seen(client: BitgetClient) -> None:
    done(client, PlaceOrder(order=an_entry()))
    done(client, AmendOrder(order=the_stop(trigger_price="985")))
    assert [order.trigger_price for order in orders(client)] == [d(985)]


def test_a_process_that_knows_nothing_moves_it_by_the_venues_id(venue: Running, client: BitgetClient) -> None:
    done(client, PlaceOrder(order=an_entry()))
    with a_client(venue) as another:
        [shown] = orders(another)
        done(another, AmendOrder(order=the_stop(trigger_price="985", venue_order_id=shown.venue_order_id)))
        assert done(another, asked_for(STOP_ID)).trigger_price == d(985)


def test_a_process_that_knows_nothing_finds_it_by_the_venues_id(venue: Running, client: BitgetClient) -> None:
    done(client, PlaceOrder(order=an_entry()))
    with a_client(venue) as another:
        [shown] = orders(another)
        question = replace(asked_for(STOP_ID), venue_order_id=shown.venue_order_id)
        assert done(another, question).venue_order_id == shown.venue_order_id
        done(another, CancelOrder(order=the_stop(venue_order_id=shown.venue_order_id)))
    with a_client(venue) as third:
        assert done(third, question).status is OrderStatus.CANCELLED


def test_a_stop_that_is_gone_is_not_mistaken_for_one_that_somebody_placed_since(
    venue: Running, client: BitgetClient
) -> None:
    done(client, PlaceOrder(order=an_entry()))
    [first] = orders(client)
    venue.exchange.by_hand(CancelOrder(order=the_stop(venue_order_id=_engine_id(first))))
    venue.exchange.by_hand(PlaceOrder(order=the_stop(ClientOrderId(""), trigger_price="970")))
    assert done(client, asked_for(STOP_ID)).status is OrderStatus.CANCELLED
    with a_client(venue) as another:
        answer = another.execute(asked_for(STOP_ID))
        assert isinstance(answer, OrderRejected)
        assert answer.reason is RejectReason.NOT_FOUND


def test_in_hedge_mode_each_side_has_its_own() -> None:
    with running(Setup(hedge=True)) as venue, a_client(venue) as client:
        short = {"side": OrderSide.SELL, "hedge_side": Side.SHORT, "attached_stop_price": "1020"}
        done(client, PlaceOrder(order=an_entry(hedge_side=Side.LONG)))
        done(client, PlaceOrder(order=an_entry(**short, attached_stop_id=SHORT_STOP_ID)))
        long_stop, short_stop = done(client, asked_for(STOP_ID)), done(client, asked_for(SHORT_STOP_ID))
        assert (long_stop.hedge_side, long_stop.side) == (Side.LONG, OrderSide.SELL)
        assert (short_stop.hedge_side, short_stop.side) == (Side.SHORT, OrderSide.BUY)
        moved = the_stop(SHORT_STOP_ID, side=OrderSide.BUY, hedge_side=Side.SHORT, trigger_price="1010")
        done(client, AmendOrder(order=moved))
        assert {order.trigger_price for order in orders(client)} == {d(980), d(1010)}


# --- fills ------------------------------------------------------------------------------------------------------------


def test_the_fill_of_a_triggered_order_is_found_for_a_process_that_knows_nothing(
    venue: Running, client: BitgetClient
) -> None:
    done(client, PlaceOrder(order=an_entry()))
    [stop] = orders(client)
    profit = a_take_profit(quantity="0.5")
    placed = done(client, PlaceOrder(order=profit))
    venue.exchange.gap(BTC, d("3.5"))
    venue.exchange.gap(BTC, d(-7))
    with a_client(venue) as another:
        answer = another.execute(FetchFills(symbol=BTC, since_ms=venue.exchange.clock.now_ms() - 60_000))
    assert isinstance(answer, FillsReport)
    _, taken, stopped = answer.fills
    assert (taken.client_order_id, taken.venue_order_id) == (profit.client_order_id, placed.venue_order_id)
    assert (stopped.client_order_id, stopped.venue_order_id) == (None, stop.venue_order_id)
    assert {fill.kind for fill in answer.fills} == {FillKind.TRADE}


def test_an_executed_stop_says_so_and_how_much(venue: Running, client: BitgetClient) -> None:
    done(client, PlaceOrder(order=an_order()))
    order = the_stop(ClientOrderId("HFstop1"))
    done(client, PlaceOrder(order=order))
    venue.exchange.gap(BTC, d(-3))
    found = done(client, asked_for(order.client_order_id))
    assert (found.status, found.filled_quantity, found.average_price) == (OrderStatus.FILLED, d(1), d(970))


def test_a_cancelled_entry_shows_how_much_of_it_had_filled(client: BitgetClient) -> None:
    order = a_limit()
    done(client, PlaceOrder(order=order))
    ended = done(client, CancelOrder(order=order))
    assert (ended.status, ended.filled_quantity, ended.quantity) == (OrderStatus.CANCELLED, d(0), d(1))


# --- modes ------------------------------------------------------------------------------------------------------------


def test_an_account_in_the_other_position_mode_is_refused_with_a_hint() -> None:
    with running(Setup(hedge=True)) as venue:
        client = BitgetRest(replace(venue.config, hedge=False)).client()
        answer = client.execute(SetLeverage(symbol=BTC, leverage=5, margin_mode=MarginMode.ISOLATED))
        client.close()
    assert isinstance(answer, OrderRejected)
    assert "hedge_mode" in answer.text


def test_a_unified_account_is_refused() -> None:
    body = {"code": "40085", "msg": "You are in Unified Account mode", "data": None}
    with canned(lambda asked: Answer(body=body, status=400)) as venue:
        answer = venue.client.execute(FetchAccount())
    assert isinstance(answer, OrderRejected)
    assert answer.reason is RejectReason.AUTHENTICATION


def test_leverage_that_is_there_already_is_not_sent_again(venue: Running, client: BitgetClient) -> None:
    venue.exchange.by_hand(PlaceOrder(order=an_order()))
    for leverage in (10, 7, 7):
        answer = client.execute(SetLeverage(symbol=BTC, leverage=leverage, margin_mode=MarginMode.ISOLATED))
        assert not isinstance(answer, OrderRejected), answer
    refused = client.execute(SetLeverage(symbol=BTC, leverage=7, margin_mode=MarginMode.CROSS))
    assert isinstance(refused, OrderRejected)
    assert "45117" in refused.text


def test_a_limit_order_is_not_amended_because_its_id_would_change(client: BitgetClient) -> None:
    order = a_limit()
    done(client, PlaceOrder(order=order))
    answer = client.execute(AmendOrder(order=replace(order, price=d(985))))
    assert isinstance(answer, OrderRejected)
    assert [each.price for each in orders(client)] == [d(990)]


# --- what the rest of the house relies on -----------------------------------------------------------------------------


def test_the_capabilities_are_those_of_the_simulated_venue() -> None:
    assert BitgetRest.capabilities == BITGET.capabilities


def test_every_request_costs_something_of_a_window_that_exists(venue: Running) -> None:
    rest = BitgetRest(venue.config)
    requests: list[VenueRequest] = [
        *(PlaceOrder(order=order) for order in (an_order(), a_limit(), a_stop(), a_take_profit())),
        *(CancelOrder(order=order) for order in (a_limit(), a_stop())),
        *(QueryOrder(symbol=BTC, client_order_id=STOP_ID, kind=kind) for kind in OrderKind),
        AmendOrder(order=a_stop()),
        FetchAccount(),
        FetchFills(symbol=BTC, since_ms=0),
        FetchInstruments(),
        FetchServerTime(),
        SetLeverage(symbol=BTC, leverage=3, margin_mode=MarginMode.CROSS),
    ]
    limits = {window.name: window.limit for window in rest.windows}
    for request in requests:
        cost = rest.cost(request)
        assert cost
        assert all(0 < units <= limits[name] for name, units in cost.items())


def _engine_id(report: OrderReport) -> object:
    """The exchange's own id of an order that the venue shows."""
    return str(int(report.venue_order_id) - 1_111_000_000_000_000_000)
