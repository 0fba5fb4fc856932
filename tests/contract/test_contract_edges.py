"""Laws of what is rare: orders that fill in part, stops that are there already, a connection that is closed."""

from collections.abc import Callable
from dataclasses import replace

from adapters.simulator.fault_script import EventType, FaultAction, FaultRule, FaultScript, RequestType
from messages.orders import OrderStatus
from messages.values import OrderKind
from messages.venue import (
    AmendOrder,
    CancelOrder,
    OrderAccepted,
    OrderRejected,
    PlaceOrder,
    QueryOrder,
    RejectReason,
)
from tests.contract.battery import Trio, accepted, known_as
from tests.simulator.builders import BTC, d


def one_fault(action: FaultAction, *requests: RequestType, **figures: object) -> FaultScript:
    return FaultScript(rules=(FaultRule(action=action, requests=requests, **figures),))  # type: ignore[arg-type] # by name


def test_an_entry_that_fills_in_part_is_shown_as_such_and_cancelled_with_what_it_filled(
    start: Callable[..., Trio],
) -> None:
    trio = start(faults=one_fault(FaultAction.PARTIAL_FILL, RequestType.PLACE, count=1, quantities=(d("0.4"),)))
    order = trio.entry()
    placed = trio.place(order)
    question = QueryOrder(symbol=BTC, client_order_id=order.client_order_id, kind=order.kind)
    shown = accepted(trio.ask(question))
    assert (shown.status, shown.filled_quantity, shown.quantity) == (OrderStatus.WORKING, d("0.4"), trio.lot)
    assert trio.account().positions[0].quantity == d("0.4")
    ended = accepted(trio.ask(CancelOrder(order=known_as(order, placed))))
    assert (ended.status, ended.filled_quantity) == (OrderStatus.CANCELLED, d("0.4"))


def test_a_cancel_that_the_market_was_faster_than_shows_what_filled(start: Callable[..., Trio]) -> None:
    trio = start(faults=one_fault(FaultAction.FILL_AFTER_CANCEL, RequestType.CANCEL, count=1, quantities=(d("0.3"),)))
    order = trio.limit()
    placed = trio.place(order)
    ended = accepted(trio.ask(CancelOrder(order=known_as(order, placed))))
    assert (ended.status, ended.filled_quantity) == (OrderStatus.CANCELLED, d("0.3"))
    assert trio.account().positions[0].quantity == d("0.3")


def test_there_are_never_two_stops_on_the_whole_position(trio: Trio) -> None:
    trio.place(trio.entry())
    if not trio.can.whole_position_stop:
        return
    trio.place(trio.stop())
    answer = trio.ask(PlaceOrder(order=trio.stop(trigger_price="985")))
    levels = [stop.trigger_price for stop in trio.stops()]
    if isinstance(answer, OrderAccepted):
        assert levels == [d(985)], "where placing is moving, the later price holds"
    else:
        assert isinstance(answer, OrderRejected)
        assert levels == [d(980)]


def test_a_stop_on_the_whole_position_covers_what_is_added_later(trio: Trio) -> None:
    trio.place(trio.entry())
    trio.place(trio.stop())
    trio.place(trio.entry())
    trio.move(975)
    left = sum(position.quantity for position in trio.account().positions)
    assert left == (0 if trio.can.whole_position_stop else trio.lot)


def test_a_take_profit_is_made_smaller_where_orders_can_be_changed(trio: Trio) -> None:
    if not trio.can.amend_stop:
        return
    trio.place(trio.entry())
    order = trio.take_profit()
    placed = trio.place(order)
    smaller = replace(known_as(order, placed), quantity=trio.lot / 4)
    accepted(trio.ask(AmendOrder(order=smaller)))
    [shown] = [each for each in trio.account().orders if each.kind is OrderKind.TAKE_PROFIT_MARKET]
    assert (shown.quantity, shown.trigger_price) == (trio.lot / 4, d(1030))


def test_what_is_told_twice_is_passed_on_twice_under_one_id(start: Callable[..., Trio]) -> None:
    rule = FaultRule(action=FaultAction.EVENT_DUPLICATE, events=(EventType.FILL,), delay_s=0.01)
    trio = start(faults=FaultScript(rules=(rule,)))
    heard = trio.listen()
    trio.place(trio.entry())
    heard.until(lambda: len(heard.fills) == 2)
    assert heard.fills[0] == heard.fills[1]


def test_a_closed_connection_sends_nothing(trio: Trio) -> None:
    trio.calls.close()
    answer = trio.ask(PlaceOrder(order=trio.entry()))
    assert isinstance(answer, OrderRejected)
    assert answer.reason is RejectReason.NOT_SENT
    assert trio.exchange.look(lambda engine: engine.account(None, taken_ms=0)).positions == ()
