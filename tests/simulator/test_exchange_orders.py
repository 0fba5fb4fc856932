"""What the venue takes, refuses and does with orders."""

from decimal import Decimal

import pytest

from adapters.simulator.profiles import BINANCE, BITGET, BYBIT, OKX, PAPER, WORST
from adapters.simulator.state import Slippage
from messages.orders import OrderStatus
from messages.values import ClientOrderId, MarginMode, OrderKind, OrderSide, Side, TriggerSource
from messages.venue import OrderAccepted, SetLeverage
from tests.simulator.builders import (
    BTC,
    T0,
    a_limit,
    a_stop,
    a_take_profit,
    accepted,
    an_exchange,
    an_instrument,
    an_order,
    d,
    order_of,
    positions_of,
    refused,
    working_of,
)

SELL = OrderSide.SELL


def test_a_market_order_fills_at_once_and_opens_a_position() -> None:
    exchange = an_exchange()
    report = accepted(exchange.place(an_order(quantity="2"), T0))
    assert (report.status, report.filled_quantity, report.average_price) == (OrderStatus.FILLED, d(2), d(1000))
    [position] = positions_of(exchange)
    assert (position.side, position.quantity, position.entry_price) == (Side.LONG, d(2), d(1000))


def test_a_taker_pays_half_the_spread_and_its_own_impact() -> None:
    exchange = an_exchange(slippage=Slippage(half_spread_ticks=2))
    assert accepted(exchange.place(an_order(), T0)).average_price == d("1000.2")
    assert accepted(exchange.place(an_order(side=SELL), T0)).average_price == d("999.8")
    heavy = an_exchange(slippage=Slippage(half_spread_ticks=0, impact_percent_per_million=d(50)))
    # 1 BTC at 1000 is 0.001 million: 0.05 % of the price.
    assert accepted(heavy.place(an_order(), T0)).average_price == d("1000.5")


def test_a_larger_order_on_the_other_side_turns_a_one_way_position_round() -> None:
    exchange = an_exchange()
    exchange.place(an_order(quantity="2"), T0)
    exchange.place(a_stop(quantity=None), T0)
    exchange.place(an_order(quantity="3", side=SELL), T0)
    [position] = positions_of(exchange)
    assert (position.side, position.quantity) == (Side.SHORT, d(1))
    assert working_of(exchange) == ()


def test_a_resting_limit_fills_at_its_own_price_as_a_maker() -> None:
    exchange = an_exchange()
    order = a_limit(price="990", quantity="1")
    assert accepted(exchange.place(order, T0)).status is OrderStatus.WORKING
    exchange.move(BTC, d(985), T0 + 1)
    report = order_of(exchange, order)
    assert (report.status, report.average_price) == (OrderStatus.FILLED, d(990))
    [fill] = exchange.fills(BTC, 0).fills
    assert fill.maker
    assert fill.commission == d("990") * d("0.0002")


def test_a_limit_that_crosses_the_price_takes_at_once_and_never_pays_more_than_its_price() -> None:
    exchange = an_exchange(slippage=Slippage(half_spread_ticks=50))
    report = accepted(exchange.place(a_limit(price="1001"), T0))
    assert (report.status, report.average_price) == (OrderStatus.FILLED, d(1001))


def test_a_stop_executes_at_its_trigger_between_two_prices_not_at_the_extreme() -> None:
    exchange = an_exchange()
    exchange.place(an_order(), T0)
    stop = a_stop(trigger_price="980")
    exchange.place(stop, T0)
    exchange.move(BTC, d(900), T0 + 1)
    report = order_of(exchange, stop)
    assert (report.status, report.average_price) == (OrderStatus.FILLED, d(980))
    assert positions_of(exchange) == ()


def test_a_gap_executes_a_stop_at_its_far_end() -> None:
    exchange = an_exchange()
    exchange.place(an_order(), T0)
    stop = a_stop(trigger_price="980")
    exchange.place(stop, T0)
    exchange.move(BTC, d(950), T0 + 1, gap=True)
    assert order_of(exchange, stop).average_price == d(950)


def test_of_two_orders_on_the_way_the_nearer_executes_first() -> None:
    exchange = an_exchange()
    exchange.place(an_order(quantity="2"), T0)
    far, near = a_stop(trigger_price="960"), a_stop(trigger_price="980")
    exchange.place(far, T0)
    exchange.place(near, T0)
    exchange.move(BTC, d(950), T0 + 1)
    assert [fill.price for fill in exchange.fills(BTC, 0).fills] == [d(1000), d(980), d(960)]
    assert exchange.fills(BTC, 0).fills[1].client_order_id == near.client_order_id


@pytest.mark.parametrize(("source", "status"), [(TriggerSource.MARK, "filled"), (TriggerSource.LAST, "working")])
def test_a_stop_watches_the_price_it_was_told_to_watch(source: TriggerSource, status: str) -> None:
    exchange = an_exchange()
    exchange.place(an_order(), T0)
    stop = a_stop(trigger_price="980", trigger_source=source)
    exchange.place(stop, T0)
    exchange.move(BTC, d(1000), T0 + 1, mark=d(970))
    assert order_of(exchange, stop).status == status


def test_a_take_profit_executes_when_the_price_rises_to_it() -> None:
    exchange = an_exchange()
    exchange.place(an_order(), T0)
    target = a_take_profit(trigger_price="1030")
    exchange.place(target, T0)
    exchange.move(BTC, d(1029), T0 + 1)
    assert order_of(exchange, target).status is OrderStatus.WORKING
    exchange.move(BTC, d(1035), T0 + 2)
    assert order_of(exchange, target).average_price == d(1030)


def test_an_attached_stop_is_there_with_the_first_fill_and_covers_the_size_as_it_grows() -> None:
    exchange = an_exchange()
    entry = an_order(quantity="3", attached_stop_price="970", attached_stop_id=ClientOrderId("s1"))
    report = accepted(exchange.place(entry, T0, allowance=d(1)))
    assert positions_of(exchange)[0].quantity == d(1)
    stop = accepted(exchange.query(BTC, ClientOrderId("s1")))
    assert (stop.status, stop.quantity, stop.trigger_price) == (OrderStatus.WORKING, None, d(970))
    exchange.allow(report.venue_order_id, None, T0 + 1000)
    assert positions_of(exchange)[0].quantity == d(3)
    exchange.move(BTC, d(960), T0 + 2000)
    assert positions_of(exchange) == ()
    assert exchange.ledger.snapshot(T0 + 9000)["unprotected_seconds"] == 0


def test_whole_position_stops_go_with_the_position_and_quantity_stops_stay_as_orphans() -> None:
    exchange = an_exchange(profile=BINANCE)
    exchange.place(an_order(), T0)
    whole, part = a_stop(quantity=None), a_stop(quantity="1", trigger_price="970")
    exchange.place(whole, T0)
    exchange.place(part, T0)
    exchange.place(an_order(side=SELL, reduce_only=True), T0)
    assert order_of(exchange, whole).status is OrderStatus.CANCELLED
    assert order_of(exchange, part).status is OrderStatus.WORKING


def test_an_attached_stop_with_a_quantity_stays_as_an_orphan_and_a_whole_one_goes() -> None:
    """OKX leaves it there in net mode (okxapi/python-okx #111)."""
    for profile, after in ((OKX, OrderStatus.WORKING), (PAPER, OrderStatus.CANCELLED)):
        exchange = an_exchange(profile=profile)
        exchange.place(an_order(attached_stop_price="970", attached_stop_id=ClientOrderId("s1")), T0)
        exchange.place(an_order(side=SELL, reduce_only=True), T0)
        assert accepted(exchange.query(BTC, ClientOrderId("s1"))).status is after


def test_a_venue_that_clears_up_leaves_no_orphan() -> None:
    exchange = an_exchange(profile=BITGET)
    exchange.place(an_order(), T0)
    target = a_take_profit()
    exchange.place(target, T0)
    exchange.place(an_order(side=SELL, reduce_only=True), T0)
    assert order_of(exchange, target).status is OrderStatus.CANCELLED


def test_an_orphan_that_triggers_on_a_flat_symbol_expires_and_opens_nothing() -> None:
    exchange = an_exchange()
    exchange.place(an_order(), T0)
    stop = a_stop()
    exchange.place(stop, T0)
    exchange.place(an_order(side=SELL, reduce_only=True), T0)
    exchange.move(BTC, d(900), T0 + 1)
    assert order_of(exchange, stop).status is OrderStatus.EXPIRED
    assert positions_of(exchange) == ()


def test_a_reducing_order_is_cut_to_the_position_and_never_turns_it_round() -> None:
    exchange = an_exchange()
    exchange.place(an_order(quantity="1"), T0)
    report = accepted(exchange.place(an_order(quantity="5", side=SELL, reduce_only=True), T0))
    assert (report.status, report.filled_quantity, report.quantity) == (OrderStatus.FILLED, d(1), d(1))
    assert positions_of(exchange) == ()


def test_a_stop_moves_in_place_where_the_venue_can() -> None:
    exchange = an_exchange()
    exchange.place(an_order(), T0)
    stop = a_stop(trigger_price="980")
    exchange.place(stop, T0)
    moved = a_stop(client_order_id=stop.client_order_id, trigger_price="990", quantity="0.5")
    report = accepted(exchange.amend(moved, T0 + 1))
    assert (report.trigger_price, report.quantity, report.updated_ms) == (d(990), d("0.5"), T0 + 1)
    past = a_stop(client_order_id=stop.client_order_id, trigger_price="1000")
    assert refused(exchange.amend(past, T0 + 2)) == "would_trigger"
    assert order_of(exchange, stop).trigger_price == d(990)


def test_where_stops_carry_no_id_of_ours_the_position_identifies_its_stop() -> None:
    exchange = an_exchange(profile=BYBIT)
    exchange.place(an_order(attached_stop_price="980", attached_stop_id=ClientOrderId("s1")), T0)
    assert refused(exchange.query(BTC, ClientOrderId("s1"))) == "not_found"
    assert working_of(exchange)[0].client_order_id is None
    report = accepted(exchange.amend(a_stop(quantity=None, trigger_price="990"), T0))
    assert report.trigger_price == d(990)


def test_a_venue_without_amending_refuses_to_move_a_stop() -> None:
    exchange = an_exchange(profile=BINANCE)
    exchange.place(an_order(), T0)
    stop = a_stop()
    exchange.place(stop, T0)
    assert refused(exchange.amend(stop, T0)) == "other"


def test_a_cancelled_order_is_shown_as_it_ended_and_is_not_found_again() -> None:
    exchange = an_exchange()
    order = a_limit()
    exchange.place(order, T0)
    assert accepted(exchange.cancel(order, T0)).status is OrderStatus.CANCELLED
    assert refused(exchange.cancel(order, T0)) == "not_found"
    assert order_of(exchange, order).status is OrderStatus.CANCELLED


def test_an_id_that_was_used_is_refused_for_ever_or_while_its_order_is_open() -> None:
    for_ever, while_open = an_exchange(), an_exchange(profile=BINANCE)
    order = an_order()
    for exchange in (for_ever, while_open):
        exchange.place(order, T0)
    assert refused(for_ever.place(order, T0)) == "duplicate_id"
    assert isinstance(while_open.place(order, T0), OrderAccepted)
    resting = a_limit()
    while_open.place(resting, T0)
    assert refused(while_open.place(resting, T0)) == "duplicate_id"


def test_a_stop_already_past_its_trigger_is_refused() -> None:
    exchange = an_exchange()
    exchange.place(an_order(), T0)
    assert refused(exchange.place(a_stop(trigger_price="1000"), T0)) == "would_trigger"
    assert refused(exchange.place(a_take_profit(trigger_price="999"), T0)) == "would_trigger"
    assert refused(exchange.place(an_order(attached_stop_price="1001"), T0)) == "would_trigger"


@pytest.mark.parametrize("quantity", ["0", "-1", "0.0005", "0.0001", "1001", "0.004"])
def test_a_quantity_off_the_step_or_outside_the_limits_is_refused(quantity: str) -> None:
    assert refused(an_exchange().place(an_order(quantity=quantity), T0)) == "size"


def test_what_closes_a_position_whole_may_be_under_the_minimum() -> None:
    exchange = an_exchange()
    exchange.place(an_order(quantity="0.006"), T0)
    exchange.set_instrument(an_instrument(min_quantity=d(1)))
    assert refused(exchange.place(an_order(side=SELL, quantity="0.005", reduce_only=True), T0)) == "size"
    assert accepted(exchange.place(an_order(side=SELL, quantity="0.006", reduce_only=True), T0)).filled_quantity > 0


def test_an_entry_that_the_account_cannot_secure_is_refused_also_beside_resting_entries() -> None:
    exchange = an_exchange(wallet=1000, leverage=10)
    assert refused(exchange.place(an_order(quantity="10"), T0)) == "insufficient_margin"
    assert isinstance(exchange.place(a_limit(quantity="6"), T0), OrderAccepted)
    assert refused(exchange.place(a_limit(quantity="6"), T0)) == "insufficient_margin"


def test_reducing_nothing_is_refused() -> None:
    exchange = an_exchange()
    for order in (a_stop(), a_take_profit(), an_order(side=SELL, reduce_only=True)):
        assert refused(exchange.place(order, T0)) == "no_position"
    exchange.place(an_order(), T0)
    assert refused(exchange.place(an_order(reduce_only=True), T0)) == "no_position"


def test_reduce_only_limits_beyond_the_position_are_refused() -> None:
    exchange = an_exchange()
    exchange.place(an_order(quantity="1"), T0)
    first = a_limit(side=SELL, price="1010", quantity="0.6", reduce_only=True)
    exchange.place(first, T0)
    second = a_limit(side=SELL, price="1020", quantity="0.6", reduce_only=True)
    assert refused(exchange.place(second, T0)) == "reduce_only_refused"


def test_a_limit_far_past_the_price_is_refused_and_one_far_before_it_is_not() -> None:
    exchange = an_exchange()
    assert refused(exchange.place(a_limit(price="1060"), T0)) == "price_band"
    assert isinstance(exchange.place(a_limit(price="500"), T0), OrderAccepted)


def test_a_second_stop_is_refused_where_a_position_has_one_stop() -> None:
    worst, paper = an_exchange(profile=WORST), an_exchange()
    for exchange in (worst, paper):
        exchange.place(an_order(), T0)
        exchange.place(a_stop(), T0)
    assert refused(worst.place(a_stop(), T0)) == "stop_exists"
    assert isinstance(paper.place(a_stop(), T0), OrderAccepted)


def test_a_second_whole_position_stop_is_refused_everywhere() -> None:
    exchange = an_exchange()
    exchange.place(an_order(), T0)
    exchange.place(a_stop(quantity=None), T0)
    assert refused(exchange.place(a_stop(quantity=None), T0)) == "stop_exists"


def test_a_suspended_or_unknown_symbol_takes_no_order_and_keeps_those_it_has() -> None:
    exchange = an_exchange()
    exchange.place(an_order(), T0)
    exchange.place(a_stop(), T0)
    exchange.set_instrument(an_instrument(trading=False))
    assert refused(exchange.place(an_order(), T0)) == "not_trading"
    assert len(working_of(exchange)) == 1


def test_in_hedge_mode_both_sides_of_a_symbol_live_side_by_side() -> None:
    exchange = an_exchange(hedge=True)
    exchange.place(an_order(hedge_side=Side.LONG), T0)
    exchange.place(an_order(side=SELL, hedge_side=Side.SHORT, quantity="2"), T0)
    assert {(each.side, each.quantity) for each in positions_of(exchange)} == {(Side.LONG, d(1)), (Side.SHORT, d(2))}
    exchange.place(a_stop(hedge_side=Side.LONG, quantity=None), T0)
    exchange.move(BTC, d(970), T0 + 1)
    [left] = positions_of(exchange)
    assert left.side is Side.SHORT


def test_a_side_is_needed_in_hedge_mode_and_refused_out_of_it() -> None:
    assert refused(an_exchange(hedge=True).place(an_order(), T0)) == "other"
    assert refused(an_exchange().place(an_order(hedge_side=Side.LONG), T0)) == "other"


def test_prices_off_the_grid_are_refused() -> None:
    exchange = an_exchange()
    exchange.place(an_order(), T0)
    assert refused(exchange.place(a_stop(trigger_price="980.05"), T0)) == "other"
    assert refused(exchange.place(a_limit(price="990.05"), T0)) == "other"
    assert refused(exchange.place(an_order(attached_stop_price="980.05"), T0)) == "other"


def test_raising_the_leverage_of_an_open_position_brings_its_liquidation_closer() -> None:
    exchange = an_exchange(leverage=5)
    exchange.place(an_order(), T0)
    before = positions_of(exchange)[0].liquidation_price
    exchange.set_leverage(SetLeverage(symbol=BTC, leverage=25, margin_mode=MarginMode.ISOLATED), T0)
    after = positions_of(exchange)[0]
    assert before is not None
    assert after.liquidation_price is not None
    assert after.leverage == Decimal(25)
    assert before < after.liquidation_price < d(1000)


def test_an_order_of_no_consistent_form_is_refused() -> None:
    exchange = an_exchange()
    exchange.place(an_order(), T0)
    for order in (
        an_order(trigger_price="980"),
        an_order(price="980"),
        an_order(quantity=None),
        an_order(kind=OrderKind.LIMIT),
        an_order(client_order_id=ClientOrderId("not-allowed")),
    ):
        assert refused(exchange.place(order, T0)) == "other"
