"""The laws of orders in one-way mode, on every venue."""

from dataclasses import replace
from decimal import Decimal

import pytest

from messages.orders import OrderStatus
from messages.values import ClientOrderId, OrderKind, OrderPurpose, OrderSide, Price, Side
from messages.venue import (
    AmendOrder,
    CancelOrder,
    FetchInstruments,
    InstrumentsReport,
    OrderAccepted,
    OrderRejected,
    PlaceOrder,
    QueryOrder,
    RejectReason,
)
from tests.contract.battery import Trio, accepted, known_as, refused
from tests.simulator.builders import BTC, d

NOTHING_TO_REDUCE = {RejectReason.NO_POSITION, RejectReason.REDUCE_ONLY_REFUSED}


def test_an_entry_opens_a_position_and_its_fill_carries_our_id(trio: Trio) -> None:
    entry = trio.entry()
    report = trio.place(entry)
    assert (report.client_order_id, report.venue_order_id != "") == (entry.client_order_id, True)
    [position] = trio.account().positions
    assert (position.symbol, position.side, position.quantity) == (BTC, Side.LONG, trio.lot)
    assert (position.entry_price, position.leverage, position.hedge_side) == (d(1000), d(10), None)
    assert position.liquidation_price is not None
    assert 900 < position.liquidation_price < 920
    [fill] = trio.fills().fills
    assert (fill.client_order_id, fill.venue_order_id) == (entry.client_order_id, report.venue_order_id)
    assert (fill.side, fill.price, fill.quantity, fill.hedge_side) == (OrderSide.BUY, d(1000), trio.lot, None)
    assert fill.commission > 0
    [found] = [accepted(trio.ask(QueryOrder(symbol=BTC, client_order_id=entry.client_order_id, kind=entry.kind)))]
    assert (found.status, found.filled_quantity, found.average_price) == (OrderStatus.FILLED, trio.lot, d(1000))
    assert found.kind is OrderKind.MARKET


def test_a_short_entry_opens_a_short(trio: Trio) -> None:
    trio.place(trio.entry(side=OrderSide.SELL))
    [position] = trio.account(BTC).positions
    assert (position.side, position.quantity) == (Side.SHORT, trio.lot)


def test_an_entry_carries_its_stop_where_the_venue_attaches_it(trio: Trio) -> None:
    stop_id = ClientOrderId("attached1")
    entry = trio.entry(attached_stop_price="980", attached_stop_id=stop_id)
    if not trio.can.attach_stop_to_entry:
        assert isinstance(trio.ask(PlaceOrder(order=entry)), OrderRejected)
        assert trio.account().positions == ()
        return
    trio.place(entry)
    [stop] = trio.stops()
    assert (stop.trigger_price, stop.side, stop.status) == (d(980), OrderSide.SELL, OrderStatus.WORKING)
    is_whole = trio.can.whole_position_stop and not trio.can.attached_stop_needs_full_fill
    assert stop.quantity == (None if is_whole else trio.lot)
    named = trio.can.stop_client_order_id and trio.names_attached_stops
    assert stop.client_order_id == (stop_id if named else None)
    assert stop.reduce_only


def test_a_limit_order_rests_until_it_is_cancelled(trio: Trio) -> None:
    order = trio.limit()
    placed = trio.place(order)
    [resting] = trio.account().orders
    assert (resting.client_order_id, resting.venue_order_id) == (order.client_order_id, placed.venue_order_id)
    assert (resting.kind, resting.status, resting.price) == (OrderKind.LIMIT, OrderStatus.WORKING, d(990))
    assert (resting.quantity, resting.filled_quantity, resting.reduce_only) == (trio.lot, d(0), False)
    ended = accepted(trio.ask(CancelOrder(order=known_as(order, placed))))
    assert (ended.status, ended.client_order_id) == (OrderStatus.CANCELLED, order.client_order_id)
    assert trio.account().orders == ()
    question = QueryOrder(symbol=BTC, client_order_id=order.client_order_id, kind=OrderKind.LIMIT)
    assert accepted(trio.ask(question)).status is OrderStatus.CANCELLED


def test_an_order_is_cancelled_by_our_id_alone(trio: Trio) -> None:
    order = trio.limit()
    trio.place(order)
    assert accepted(trio.ask(CancelOrder(order=order))).status is OrderStatus.CANCELLED


def test_a_stop_rests_at_its_price_and_is_shown_as_one(trio: Trio) -> None:
    trio.place(trio.entry())
    order = trio.stop()
    placed = trio.place(order)
    [stop] = trio.stops()
    assert stop.venue_order_id == placed.venue_order_id
    assert (stop.trigger_price, stop.quantity, stop.side) == (d(980), order.quantity, OrderSide.SELL)
    assert stop.client_order_id == (order.client_order_id if trio.can.stop_client_order_id else None)
    assert trio.account().positions[0].quantity == trio.lot


def test_a_stop_is_moved_in_place_where_the_venue_can(trio: Trio) -> None:
    trio.place(trio.entry())
    order = trio.stop()
    placed = trio.place(order)
    answer = trio.ask(AmendOrder(order=replace(known_as(order, placed), trigger_price=d(985))))
    if not trio.can.amend_stop:
        assert isinstance(answer, OrderRejected)
        assert [stop.trigger_price for stop in trio.stops()] == [d(980)]
        return
    moved = accepted(answer)
    assert moved.trigger_price == d(985)
    [stop] = trio.stops()
    assert (stop.trigger_price, stop.venue_order_id) == (d(985), moved.venue_order_id)


def test_an_attached_stop_is_moved_and_removed_like_any_other(trio: Trio) -> None:
    if not trio.can.attach_stop_to_entry:
        pytest.skip("this venue attaches none")
    stop_id = ClientOrderId("attached2")
    trio.place(trio.entry(attached_stop_price="980", attached_stop_id=stop_id))
    [shown] = trio.stops()
    order = trio.stop(client_order_id=stop_id, trigger_price="985")
    if not trio.can.whole_position_stop:
        order = replace(order, quantity=shown.quantity)
    accepted(trio.ask(AmendOrder(order=known_as(order, shown))))
    [moved] = trio.stops()
    assert moved.trigger_price == d(985)
    accepted(trio.ask(CancelOrder(order=known_as(order, moved))))
    assert trio.stops() == []


def test_a_moved_stop_that_is_there_already_is_no_failure(trio: Trio) -> None:
    if not trio.can.amend_stop:
        pytest.skip("this venue cannot move a stop")
    trio.place(trio.entry())
    order = trio.stop()
    placed = trio.place(order)
    accepted(trio.ask(AmendOrder(order=known_as(order, placed))))
    assert [stop.trigger_price for stop in trio.stops()] == [d(980)]


def test_a_second_stop_beside_the_first_is_taken_where_the_venue_says_so(trio: Trio) -> None:
    trio.place(trio.entry())
    first = trio.place(trio.stop(quantity=trio.lot))
    answer = trio.ask(PlaceOrder(order=trio.stop(quantity=trio.lot, trigger_price="985")))
    assert isinstance(answer, OrderAccepted) == trio.can.two_stops
    assert first.venue_order_id in {stop.venue_order_id for stop in trio.stops()}
    assert len(trio.stops()) == 1 + trio.can.two_stops


def test_a_stop_that_triggers_closes_the_position(trio: Trio) -> None:
    trio.place(trio.entry())
    placed = trio.place(trio.stop())
    trio.move(975)
    assert trio.account().positions == ()
    assert trio.stops() == []
    closing = trio.fills().fills[-1]
    assert (closing.side, closing.quantity) == (OrderSide.SELL, trio.lot)
    assert closing.venue_order_id == placed.venue_order_id or closing.client_order_id == placed.client_order_id


def test_a_take_profit_rests_beside_the_stop_and_takes_its_part(trio: Trio) -> None:
    trio.place(trio.entry())
    trio.place(trio.stop())
    order = trio.take_profit()
    trio.place(order)
    [resting] = [each for each in trio.account().orders if each.kind is OrderKind.TAKE_PROFIT_MARKET]
    assert (resting.client_order_id, resting.trigger_price) == (order.client_order_id, d(1030))
    assert (resting.quantity, resting.reduce_only) == (trio.lot / 2, True)
    trio.move(1035)
    assert trio.account().positions[0].quantity == trio.lot / 2
    assert trio.fills().fills[-1].client_order_id == order.client_order_id
    question = QueryOrder(symbol=BTC, client_order_id=order.client_order_id, kind=order.kind)
    assert accepted(trio.ask(question)).status is OrderStatus.FILLED
    assert [stop.trigger_price for stop in trio.stops()] == [d(980)]


def test_a_take_profit_is_moved_where_the_venue_can_and_cancelled(trio: Trio) -> None:
    trio.place(trio.entry())
    order = trio.take_profit()
    placed = trio.place(order)
    answer = trio.ask(AmendOrder(order=replace(known_as(order, placed), trigger_price=d(1040))))
    assert isinstance(answer, OrderAccepted) == trio.can.amend_stop
    [shown] = trio.account(BTC).orders
    assert shown.trigger_price == (d(1040) if trio.can.amend_stop else d(1030))
    ended = accepted(trio.ask(CancelOrder(order=known_as(order, shown))))
    assert ended.status is OrderStatus.CANCELLED
    assert trio.account(BTC).orders == ()


def test_a_close_only_reduces(trio: Trio) -> None:
    trio.place(trio.entry())
    trio.place(trio.close(quantity=trio.lot / 2))
    assert trio.account().positions[0].quantity == trio.lot / 2
    trio.place(trio.close(quantity=trio.lot / 2))
    assert trio.account().positions == ()


@pytest.mark.parametrize("kind", list(OrderKind))
def test_what_was_never_sent_is_not_found(trio: Trio, kind: OrderKind) -> None:
    question = QueryOrder(symbol=BTC, client_order_id=ClientOrderId("neversent"), kind=kind)
    assert refused(trio.ask(question)) is RejectReason.NOT_FOUND


@pytest.mark.parametrize("kind", [OrderKind.LIMIT, OrderKind.TAKE_PROFIT_MARKET, OrderKind.STOP_MARKET])
def test_cancelling_what_is_not_there_is_not_found(trio: Trio, kind: OrderKind) -> None:
    orders = {
        OrderKind.LIMIT: trio.limit(),
        OrderKind.TAKE_PROFIT_MARKET: trio.take_profit(),
        OrderKind.STOP_MARKET: trio.stop(),
    }
    answer = trio.ask(CancelOrder(order=orders[kind]))
    assert refused(answer) in {RejectReason.NOT_FOUND, RejectReason.NO_POSITION}


def test_an_id_is_taken_once(trio: Trio) -> None:
    order = trio.limit()
    trio.place(order)
    assert trio.refusal(order) is RejectReason.DUPLICATE_ID
    assert len(trio.account().orders) == 1


@pytest.mark.parametrize("kind", ["stop", "take_profit"])
def test_a_protective_order_whose_price_is_passed_would_trigger(trio: Trio, kind: str) -> None:
    trio.place(trio.entry())
    order = trio.stop(trigger_price="1010") if kind == "stop" else trio.take_profit(trigger_price="990")
    assert trio.refusal(order) is RejectReason.WOULD_TRIGGER
    assert trio.account().orders == ()


def test_moving_a_stop_past_the_price_would_trigger_and_leaves_it(trio: Trio) -> None:
    if not trio.can.amend_stop:
        pytest.skip("this venue cannot move a stop")
    trio.place(trio.entry())
    order = trio.stop()
    placed = trio.place(order)
    answer = trio.ask(AmendOrder(order=replace(known_as(order, placed), trigger_price=d(1010))))
    assert refused(answer) is RejectReason.WOULD_TRIGGER
    assert [stop.trigger_price for stop in trio.stops()] == [d(980)]


def test_what_the_wallet_cannot_carry_is_refused(trio: Trio) -> None:
    entry = trio.entry(quantity=trio.lot * 49 if trio.lot >= 1 else trio.lot)
    trio.place(entry)
    assert trio.refusal(trio.limit(quantity=trio.lot * 90)) is RejectReason.INSUFFICIENT_MARGIN


@pytest.mark.parametrize("quantity", ["0.001", "1000"])
def test_too_small_and_too_large_are_refused_for_their_size(trio: Trio, quantity: str) -> None:
    assert trio.refusal(trio.entry(quantity=trio.lot * Decimal(quantity))) is RejectReason.SIZE
    assert trio.account().positions == ()


def test_a_limit_far_past_the_market_is_outside_the_band(trio: Trio) -> None:
    far: Price = d(1200)
    assert trio.refusal(trio.limit(price=far)) is RejectReason.PRICE_BAND


def test_reducing_without_a_position_is_refused(trio: Trio) -> None:
    assert trio.refusal(trio.close()) in NOTHING_TO_REDUCE
    assert trio.refusal(trio.stop()) in NOTHING_TO_REDUCE
    assert trio.refusal(trio.take_profit()) in NOTHING_TO_REDUCE
    assert trio.account().orders == ()


def test_a_suspended_symbol_is_not_trading(trio: Trio) -> None:
    trio.exchange.suspend(BTC)
    assert trio.refusal(trio.entry()) is RejectReason.NOT_TRADING
    answer = trio.ask(FetchInstruments())
    assert isinstance(answer, InstrumentsReport)
    assert {each.symbol: each.trading for each in answer.instruments}[BTC] is False


def test_a_rejected_entry_opens_nothing_even_when_it_carries_a_stop(trio: Trio) -> None:
    order = trio.entry(attached_stop_price="1010", purpose=OrderPurpose.ENTRY)
    answer = trio.ask(PlaceOrder(order=order))
    assert isinstance(answer, OrderRejected)
    if trio.can.attach_stop_to_entry:
        assert answer.reason is RejectReason.WOULD_TRIGGER
    assert trio.account().positions == ()
