"""The laws of a venue's streams: what happened is told, under the same names as by request."""

from dataclasses import replace

from messages.orders import OrderStatus
from messages.values import OrderKind, OrderSide, Side
from messages.venue import AmendOrder, CancelOrder
from tests.contract.battery import Listening, Trio, accepted, known_as
from tests.simulator.builders import BTC, ETH, d


def statuses(heard: Listening, venue_order_id: str) -> list[OrderStatus]:
    return [order.status for order in heard.orders if order.venue_order_id == venue_order_id]


def test_an_entry_is_told_as_order_fill_and_position(trio: Trio) -> None:
    heard = trio.listen()
    entry = trio.entry()
    placed = trio.place(entry)
    heard.until(
        lambda: heard.fills and heard.positions and OrderStatus.FILLED in statuses(heard, placed.venue_order_id)
    )
    [fill] = heard.fills
    assert (fill.client_order_id, fill.venue_order_id) == (entry.client_order_id, placed.venue_order_id)
    assert (fill.side, fill.price, fill.quantity) == (OrderSide.BUY, d(1000), trio.lot)
    assert fill.commission > 0
    assert [fill.fill_id] == [each.fill_id for each in trio.fills().fills]
    last = [order for order in heard.orders if order.venue_order_id == placed.venue_order_id][-1]
    assert (last.client_order_id, last.filled_quantity, last.kind) == (
        entry.client_order_id,
        trio.lot,
        OrderKind.MARKET,
    )
    position = heard.positions[-1]
    assert position is not None
    assert (position.side, position.quantity, position.entry_price) == (Side.LONG, trio.lot, d(1000))


def test_a_stop_is_told_when_it_rests_moves_and_goes(trio: Trio) -> None:
    heard = trio.listen()
    trio.place(trio.entry())
    order = trio.stop()
    placed = trio.place(order)
    heard.until(lambda: statuses(heard, placed.venue_order_id) == [OrderStatus.WORKING])
    told = [each for each in heard.orders if each.venue_order_id == placed.venue_order_id][-1]
    assert (told.kind, told.trigger_price, told.quantity) == (OrderKind.STOP_MARKET, d(980), order.quantity)
    if trio.can.amend_stop:
        accepted(trio.ask(AmendOrder(order=replace(known_as(order, placed), trigger_price=d(985)))))
        heard.until(lambda: any(each.trigger_price == d(985) for each in heard.orders))
    accepted(trio.ask(CancelOrder(order=known_as(order, placed))))
    heard.until(lambda: OrderStatus.CANCELLED in statuses(heard, placed.venue_order_id))


def test_a_triggered_stop_is_told_as_filled_and_the_position_as_flat(trio: Trio) -> None:
    heard = trio.listen()
    trio.place(trio.entry())
    placed = trio.place(trio.stop())
    trio.move(975)
    heard.until(lambda: len(heard.fills) == 2 and heard.positions[-1] is None)
    closing = heard.fills[-1]
    assert (closing.side, closing.quantity) == (OrderSide.SELL, trio.lot)
    heard.until(lambda: OrderStatus.FILLED in statuses(heard, placed.venue_order_id))


def test_a_take_profit_is_told_under_our_id(trio: Trio) -> None:
    heard = trio.listen()
    trio.place(trio.entry())
    order = trio.take_profit()
    trio.place(order)
    trio.move(1035)
    heard.until(lambda: len(heard.fills) == 2)
    assert heard.fills[-1].client_order_id == order.client_order_id

    def filled() -> bool:
        return any(
            each.client_order_id == order.client_order_id and each.status is OrderStatus.FILLED for each in heard.orders
        )

    heard.until(filled)


def test_prices_come_of_the_symbols_that_are_watched_and_of_no_others(trio: Trio) -> None:
    heard = trio.listen(BTC)
    heard.until(lambda: heard.ticks)
    trio.move(1001, ETH)
    trio.move(1002)
    # Bids and asks may come by another way than prices.
    heard.until(lambda: (heard.ticks[-1].last, heard.ticks[-1].mark, heard.ticks[-1].bid) == (d(1002),) * 3)
    tick = heard.ticks[-1]
    assert (tick.symbol, tick.mark, tick.bid, tick.ask) == (BTC, d(1002), d(1002), d(1002))
    assert {each.symbol for each in heard.ticks} == {BTC}
    trio.streams.watch([ETH])
    heard.until(lambda: heard.ticks[-1].symbol == ETH)


def test_a_mark_price_of_its_own_is_told_as_such(trio: Trio) -> None:
    heard = trio.listen(BTC)
    trio.exchange.offset_mark(BTC, d(1))
    heard.until(lambda: heard.ticks and heard.ticks[-1].mark == d(1010))
    assert heard.ticks[-1].last == d(1000)


def test_a_lost_connection_is_told_and_comes_back(trio: Trio) -> None:
    heard = trio.listen(BTC)
    trio.exchange.drop_streams(0.05)
    heard.until(lambda: heard.connections == [True, False, True])
    entry = trio.entry()
    trio.place(entry)
    heard.until(lambda: heard.fills)
    assert heard.fills[-1].client_order_id == entry.client_order_id
    trio.move(1003)
    heard.until(lambda: heard.ticks and heard.ticks[-1].last == d(1003))


def test_nothing_is_told_after_the_end(trio: Trio) -> None:
    heard = trio.listen(BTC)
    trio.streams.stop()
    trio.place(trio.entry())
    assert (heard.fills, trio.account().positions != ()) == ([], True)
