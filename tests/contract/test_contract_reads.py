"""The laws of reading a venue, of its settings, and of calls that go wrong."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from adapters.simulator.engine import Exchange
from adapters.simulator.fault_script import FaultAction, FaultRule, FaultScript, RequestType
from messages.orders import FillKind, FundingReport, OrderStatus
from messages.values import MarginMode, OrderKind, OrderSide, Side
from messages.venue import (
    FetchAccount,
    FetchFills,
    FetchInstruments,
    FetchServerTime,
    FillsReport,
    InstrumentsReport,
    LeverageSet,
    OrderRejected,
    OutcomeUnknown,
    PlaceOrder,
    QueryOrder,
    RejectReason,
    ServerTime,
    SetLeverage,
)
from tests.contract.battery import Trio, accepted, refused
from tests.simulator.builders import BTC, ETH, d

MANY = 120
"""More than a page of anything on any venue."""


def a_fault(action: FaultAction, *requests: RequestType, count: int | None = 1, **figures: object) -> FaultScript:
    rule = FaultRule(action=action, requests=requests, count=count, **figures)  # type: ignore[arg-type] # by name
    return FaultScript(rules=(rule,))


def test_the_instruments_are_in_the_venues_own_units(trio: Trio) -> None:
    answer = trio.ask(FetchInstruments())
    assert isinstance(answer, InstrumentsReport)
    shown = {each.symbol: each for each in answer.instruments}
    for known in trio.exchange.engine.instruments().instruments:
        instrument = shown[known.symbol]
        assert instrument.venue == trio.calls.venue
        assert instrument.price_tick == known.price_tick
        assert instrument.quantity_step == known.quantity_step
        assert instrument.min_quantity == known.min_quantity
        # Where a triggered stop is held to the market order's maximum, that is the one that counts.
        assert instrument.max_quantity in {known.max_quantity, known.max_market_quantity}
        assert instrument.max_market_quantity == known.max_market_quantity
        assert instrument.contract_size == known.contract_size
        assert instrument.trading
        assert instrument.min_notional in {known.min_notional, Decimal(0)}


def test_the_account_is_of_one_symbol_or_of_all(trio: Trio) -> None:
    trio.place(trio.entry())
    trio.place(trio.entry(symbol=ETH, side=OrderSide.SELL))
    trio.place(trio.limit(symbol=ETH, side=OrderSide.BUY, price="980"))
    everything, one = trio.account(), trio.account(BTC)
    assert {position.symbol for position in everything.positions} == {BTC, ETH}
    assert [order.symbol for order in everything.orders] == [ETH]
    assert [position.symbol for position in one.positions] == [BTC]
    assert (one.orders, one.symbol, everything.symbol) == ((), BTC, None)


def test_the_balance_is_what_the_account_is_worth(trio: Trio) -> None:
    before = trio.account().balance
    assert (before.equity, before.wallet, before.available) == (d(10_000), d(10_000), d(10_000))
    trio.place(trio.entry())
    trio.move(1010)
    after = trio.account().balance
    known = trio.exchange.engine.balance()
    assert abs(after.equity - known.equity) < d("0.01")
    assert abs(after.wallet - known.wallet) < d("0.01")
    assert abs(after.available - known.available) < d("0.01")


def test_all_orders_of_all_pages_and_lists_are_shown(trio: Trio) -> None:
    trio.place(trio.entry())
    trio.place(trio.stop())
    trio.place(trio.take_profit())
    for number in range(MANY):
        price = f"{900 + number % 50}"
        accepted(trio.exchange.by_hand(PlaceOrder(order=trio.limit(quantity=trio.lot / 100, price=price))))
    orders = trio.account().orders
    assert len({order.venue_order_id for order in orders}) == len(orders) == MANY + 2
    assert sum(order.kind is OrderKind.LIMIT for order in orders) == MANY


def test_all_fills_of_all_pages_are_shown_oldest_first(trio: Trio) -> None:
    trio.place(trio.entry())
    for number in range(MANY):
        side = OrderSide.SELL if number % 2 else OrderSide.BUY
        accepted(trio.exchange.by_hand(PlaceOrder(order=trio.entry(side=side, quantity=trio.lot / 10))))
    fills = trio.fills().fills
    assert len({fill.fill_id for fill in fills}) == len(fills) == MANY + 1
    assert [fill.time_ms for fill in fills] == sorted(fill.time_ms for fill in fills)
    assert trio.fills(ETH).fills == ()


def test_fills_before_the_time_asked_for_are_left_out(trio: Trio) -> None:
    trio.place(trio.entry())
    answer = trio.ask(FetchFills(symbol=BTC, since_ms=trio.exchange.clock.now_ms() + 60_000))
    assert isinstance(answer, FillsReport)
    assert answer.fills == ()


def test_a_liquidation_is_told_as_one(trio: Trio) -> None:
    trio.place(trio.entry())
    trio.move(850)
    assert trio.account().positions == ()
    last = trio.fills().fills[-1]
    assert (last.kind, last.side, last.quantity) == (FillKind.LIQUIDATION, OrderSide.SELL, trio.lot)


def test_funding_is_told_with_its_sign(trio: Trio) -> None:
    now_ms = trio.exchange.clock.now_ms()
    payments = [
        FundingReport(
            venue=trio.calls.venue, symbol=BTC, funding_id=f"{90_000 + at}", amount=amount, time_ms=now_ms + at
        )
        for at, amount in enumerate((d("-0.25"), d("0.5")))
    ]

    def pay(exchange: Exchange) -> None:
        for payment in payments:
            exchange.state.remember_funding(payment)

    trio.exchange.look(pay)
    assert [payment.amount for payment in trio.fills().funding] == [d("-0.25"), d("0.5")]


def test_leverage_and_margin_mode_are_set_and_already_set_is_success(trio: Trio) -> None:
    wanted = SetLeverage(symbol=BTC, leverage=7, margin_mode=MarginMode.CROSS)
    for _ in range(2):
        assert trio.ask(wanted) == LeverageSet(symbol=BTC, leverage=7, margin_mode=MarginMode.CROSS)
    trio.place(trio.entry())
    [position] = trio.account().positions
    assert (position.leverage, position.margin_mode) == (d(7), MarginMode.CROSS)


@pytest.mark.parametrize("hedge", [False, True], ids=["one-way", "hedge"])
@pytest.mark.parametrize("mode", list(MarginMode), ids=str)
def test_leverage_and_margin_mode_that_fit_are_not_set_again(
    start: Callable[..., Trio], mode: MarginMode, *, hedge: bool
) -> None:
    refusing = FaultRule(action=FaultAction.REJECT, requests=(RequestType.LEVERAGE,))
    trio = start(hedge=hedge, faults=FaultScript(rules=(refusing,)))
    sides = tuple(Side) if hedge else (None,)
    wanted = [SetLeverage(symbol=BTC, leverage=7, margin_mode=mode, hedge_side=side) for side in sides]
    for each in wanted:
        trio.exchange.by_hand(each)
    if trio.calls.venue == "paper":
        pytest.skip("a request to the paper venue reads and sets at once")
    for each in wanted:
        assert isinstance(trio.ask(each), LeverageSet)


def test_an_isolated_position_is_shown_as_one(trio: Trio) -> None:
    assert isinstance(trio.ask(SetLeverage(symbol=BTC, leverage=5, margin_mode=MarginMode.ISOLATED)), LeverageSet)
    trio.place(trio.entry())
    [position] = trio.account(BTC).positions
    assert (position.leverage, position.margin_mode) == (d(5), MarginMode.ISOLATED)


def test_the_venues_clock_is_read(trio: Trio) -> None:
    answer = trio.ask(FetchServerTime())
    assert isinstance(answer, ServerTime)
    assert abs(answer.server_ms - trio.exchange.clock.now_ms()) < 2_000


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_a_rate_limit_is_certain_and_says_how_long(start: Callable[..., Trio]) -> None:
    trio = start(faults=a_fault(FaultAction.RATE_LIMIT, RequestType.PLACE, retry_after_s=3.0))
    answer = trio.ask(PlaceOrder(order=trio.entry()))
    assert isinstance(answer, OrderRejected)
    assert answer.reason is RejectReason.RATE_LIMITED
    assert answer.retry_after_s is not None
    assert 0 < answer.retry_after_s <= 10
    trio.place(trio.entry())


def test_a_venue_that_is_out_of_service_leaves_the_outcome_unknown(start: Callable[..., Trio]) -> None:
    trio = start(faults=a_fault(FaultAction.MAINTENANCE, RequestType.PLACE, executed=True))
    order = trio.entry()
    assert isinstance(trio.ask(PlaceOrder(order=order)), OutcomeUnknown)
    question = QueryOrder(symbol=BTC, client_order_id=order.client_order_id, kind=order.kind)
    assert accepted(trio.ask(question)).status is OrderStatus.FILLED


def test_a_lost_answer_leaves_the_outcome_unknown_and_the_id_finds_it(start: Callable[..., Trio]) -> None:
    trio = start(faults=a_fault(FaultAction.LOST_ANSWER, RequestType.PLACE))
    order = trio.limit()
    assert isinstance(trio.ask(PlaceOrder(order=order), timeout_s=0.5), OutcomeUnknown)
    question = QueryOrder(symbol=BTC, client_order_id=order.client_order_id, kind=order.kind)
    assert accepted(trio.ask(question)).status is OrderStatus.WORKING
    assert trio.refusal(order) is RejectReason.DUPLICATE_ID


def test_a_read_that_fails_is_unknown_and_never_an_empty_account(start: Callable[..., Trio]) -> None:
    trio = start(faults=a_fault(FaultAction.MAINTENANCE, RequestType.ACCOUNT))
    assert isinstance(trio.ask(FetchFills(symbol=BTC, since_ms=trio.exchange.clock.now_ms() - 60_000)), FillsReport)
    assert isinstance(trio.ask(FetchAccount()), OutcomeUnknown)


def test_a_wrong_clock_is_told_and_mended_by_asking_the_time(trio: Trio) -> None:
    trio.exchange.skew_clock(30_000)
    assert trio.refusal(trio.entry()) is RejectReason.CLOCK
    assert isinstance(trio.ask(FetchServerTime()), ServerTime)
    trio.place(trio.entry())


def test_a_withdrawn_order_type_is_refused_and_opens_nothing(start: Callable[..., Trio]) -> None:
    trio = start(faults=a_fault(FaultAction.ORDER_TYPE_WITHDRAWN, RequestType.PLACE))
    trio.place(trio.entry())
    assert isinstance(trio.ask(PlaceOrder(order=trio.take_profit())), OrderRejected)
    assert trio.account().orders == ()


# --- hedge mode -------------------------------------------------------------------------------------------------------


def test_both_sides_are_open_at_once_each_with_its_own_stop(start: Callable[..., Trio]) -> None:
    trio = start(hedge=True)
    trio.place(trio.entry(hedge_side=Side.LONG))
    trio.place(trio.entry(side=OrderSide.SELL, quantity=trio.lot * 2, hedge_side=Side.SHORT))
    sizes = {position.hedge_side: (position.side, position.quantity) for position in trio.account(BTC).positions}
    assert sizes == {Side.LONG: (Side.LONG, trio.lot), Side.SHORT: (Side.SHORT, trio.lot * 2)}
    trio.place(trio.stop(hedge_side=Side.LONG))
    short_stop = trio.stop(side=OrderSide.BUY, trigger_price="1020", hedge_side=Side.SHORT)
    if not trio.can.whole_position_stop:
        short_stop = replace(short_stop, quantity=trio.lot * 2)
    trio.place(short_stop)
    stops = {stop.hedge_side: (stop.trigger_price, stop.side) for stop in trio.stops()}
    assert stops == {Side.LONG: (d(980), OrderSide.SELL), Side.SHORT: (d(1020), OrderSide.BUY)}
    sides = {fill.hedge_side: fill.side for fill in trio.fills().fills}
    assert sides == {Side.LONG: OrderSide.BUY, Side.SHORT: OrderSide.SELL}


def test_closing_one_side_leaves_the_other_and_its_stop(start: Callable[..., Trio]) -> None:
    trio = start(hedge=True)
    trio.place(trio.entry(hedge_side=Side.LONG))
    trio.place(trio.entry(side=OrderSide.SELL, hedge_side=Side.SHORT))
    trio.place(trio.stop(side=OrderSide.BUY, trigger_price="1020", hedge_side=Side.SHORT))
    trio.place(trio.take_profit(hedge_side=Side.LONG))
    trio.move(1015)
    trio.place(trio.close(hedge_side=Side.LONG))
    [position] = trio.account().positions
    assert (position.hedge_side, position.quantity) == (Side.SHORT, trio.lot)
    assert [stop.hedge_side for stop in trio.stops()] == [Side.SHORT]
    assert trio.fills().fills[-1].hedge_side is Side.LONG


def test_an_entry_in_hedge_mode_carries_its_stop_to_its_own_side(start: Callable[..., Trio]) -> None:
    trio = start(hedge=True)
    if not trio.can.attach_stop_to_entry:
        return
    order = trio.entry(side=OrderSide.SELL, hedge_side=Side.SHORT, attached_stop_price="1020")
    trio.place(order)
    [stop] = trio.stops()
    assert (stop.hedge_side, stop.side, stop.trigger_price) == (Side.SHORT, OrderSide.BUY, d(1020))


def test_an_order_of_the_wrong_mode_is_refused(start: Callable[..., Trio]) -> None:
    trio = start(hedge=True)
    assert refused(trio.ask(PlaceOrder(order=trio.entry()))) is not RejectReason.NOT_SENT
    assert trio.account().positions == ()
