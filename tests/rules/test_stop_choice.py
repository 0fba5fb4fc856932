from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from messages.orders import OrderReport, OrderStatus
from messages.values import OrderKind, OrderSide, Price, Quantity, Side
from rules.rounding import closer, exit_side, percent_of
from rules.stop_choice import StopPolicy, covers, reusable, wanted_stop, would_trigger
from tests.rules.builders import a_stop, prices, quantities, sides, ticks, units

POLICY = StopPolicy()
near = st.decimals(min_value="0.5", max_value="1.6", places=4)
"""A price as a multiple of another one: drifts, gaps, prices on the wrong side."""


def _wanted(
    side: Side,
    entry: Price,
    current: Price,
    *,
    signal: Price | None = None,
    liquidation: Price | None = None,
    tick: Price = Decimal("0.1"),
) -> Price:
    return wanted_stop(
        side=side,
        entry_price=entry,
        current_price=current,
        signal_stop=signal,
        liquidation_price=liquidation,
        tick=tick,
        policy=POLICY,
    )


@given(side=sides(), tick=ticks(), entry=units(100), drift=near, signal=st.none() | near, liquidation=st.none() | near)
def test_1_a_wanted_stop_is_on_the_losing_side_of_the_current_price_so_that_it_never_triggers_at_once(
    side: Side, tick: Price, entry: Decimal, drift: Decimal, signal: Decimal | None, liquidation: Decimal | None
) -> None:
    price = entry * tick
    current = price * drift
    stop = _wanted(
        side,
        price,
        current,
        signal=None if signal is None else price * signal,
        liquidation=None if liquidation is None else price * liquidation,
        tick=tick,
    )
    assert stop > 0
    assert stop % tick == 0
    assert not would_trigger(side=side, stop_price=stop, mark=current)


@given(side=sides(), tick=ticks(), entry=units(1000), drift=near, room=units(3, 400))
def test_2_a_wanted_stop_is_on_the_near_side_of_the_liquidation_price(
    side: Side, tick: Price, entry: Decimal, drift: Decimal, room: Decimal
) -> None:
    current = (entry * drift).to_integral_value() * tick
    liquidation = current - room * tick if side is Side.LONG else current + room * tick
    assume(liquidation > 0)
    stop = _wanted(side, entry * tick, current, liquidation=liquidation, tick=tick)
    assert min(liquidation, current) < stop < max(liquidation, current)


@given(side=sides(), tick=ticks(), entry=units(1000), drift=near)
def test_3_without_a_signal_s_stop_the_distance_from_the_entry_or_from_the_current_price_after_a_drift_is_the_stop_loss_percent_to_one_tick(  # noqa: E501 # the invariant's own words
    side: Side, tick: Price, entry: Decimal, drift: Decimal
) -> None:
    price = entry * tick
    current = price * drift
    drifted = abs(current - price) * 100 > price * POLICY.stop_loss_percent
    origin = current if drifted else price
    stop = _wanted(side, price, current, tick=tick)
    distance = origin - stop if side is Side.LONG else stop - origin
    assume(abs(drift - 1) != Decimal("0.02"))  # there the stop would be at the price, and invariant 1 comes first
    assert percent_of(origin, POLICY.stop_loss_percent) - tick < distance <= percent_of(origin, Decimal("2.0")) + tick


@given(side=sides(), entry=prices(least="10", places=1), current=near, signal=near)
def test_4_a_signal_s_stop_on_the_wrong_side_of_the_price_is_not_used(
    side: Side, entry: Price, current: Decimal, signal: Decimal
) -> None:
    assume(would_trigger(side=side, stop_price=entry * signal, mark=entry * current))
    without = _wanted(side, entry, entry * current)
    assert _wanted(side, entry, entry * current, signal=entry * signal) == without


reports = st.builds(
    a_stop,
    trigger=st.none() | prices(least="80", most="120", places=1),
    quantity=st.none() | quantities(most="3"),
    side=st.sampled_from(OrderSide),
    kind=st.sampled_from(OrderKind),
    status=st.sampled_from(OrderStatus),
    reduce_only=st.booleans(),
    hedge_side=st.none() | sides(),
)


@given(report=reports, side=sides(), quantity=quantities(most="3"), wanted=prices(least="90", most="110", places=1))
def test_5_a_stop_is_reused_only_where_it_reduces_this_position_covers_its_size_and_is_near_the_wanted_price(
    report: OrderReport, side: Side, quantity: Quantity, wanted: Price
) -> None:
    if not reusable(report=report, side=side, quantity=quantity, wanted=wanted, policy=POLICY):
        return
    assert report.kind is OrderKind.STOP_MARKET
    assert report.status is OrderStatus.WORKING
    assert report.side is exit_side(side)
    assert report.hedge_side in {None, side}
    assert report.reduce_only or report.quantity is None or report.hedge_side is side
    assert report.quantity is None or report.quantity - report.filled_quantity >= quantity
    assert report.trigger_price is not None
    assert abs(report.trigger_price - wanted) * 100 <= wanted * 5


@given(quantity=quantities(most="100000"), side=sides())
def test_6_a_stop_without_a_quantity_covers_a_position_of_any_size(quantity: Quantity, side: Side) -> None:
    trigger = "98" if side is Side.LONG else "102"
    whole = a_stop(quantity=None, reduce_only=False, side=exit_side(side), trigger=trigger)
    assert _covers([whole], side, quantity)
    assert reusable(report=whole, side=side, quantity=quantity, wanted=Decimal(trigger), policy=POLICY)


@given(
    orders=st.lists(reports, max_size=5),
    side=sides(),
    one=quantities(most="4"),
    other=quantities(most="4"),
    liquidation=st.none() | prices(least="85", most="115", places=1),
)
def test_7_what_covers_a_position_still_covers_a_smaller_one(
    orders: list[OrderReport], side: Side, one: Quantity, other: Quantity, liquidation: Price | None
) -> None:
    if _covers(orders, side, max(one, other), liquidation):
        assert _covers(orders, side, min(one, other), liquidation)


@given(
    side=sides(),
    trigger=prices(least="80", most="120", places=1),
    liquidation=prices(least="85", most="115", places=1),
)
def test_8_a_stop_on_the_wrong_side_of_the_mark_price_or_behind_the_liquidation_price_covers_nothing(
    side: Side, trigger: Price, liquidation: Price
) -> None:
    order = a_stop(trigger=trigger, side=exit_side(side), quantity=None)
    on_time = trigger < 100 if side is Side.LONG else trigger > 100
    liquidated_first = on_time and (trigger <= liquidation < 100 if side is Side.LONG else 100 < liquidation <= trigger)
    assert _covers([order], side, Decimal(1), liquidation) is (on_time and not liquidated_first)


def _covers(orders: list[OrderReport], side: Side, quantity: Quantity, liquidation: Price | None = None) -> bool:
    return covers(
        orders=orders,
        side=side,
        quantity=quantity,
        mark=Decimal(100),
        liquidation=liquidation,
        step=Decimal("0.001"),
    )


def test_the_worked_example_of_the_specification() -> None:
    assert _wanted(Side.LONG, Decimal(42000), Decimal(42000), tick=Decimal(1)) == 41160


def test_a_signal_s_stop_is_used_as_it_is_however_far() -> None:
    assert _wanted(Side.LONG, Decimal(100), Decimal(100), signal=Decimal(91)) == 91
    assert _wanted(Side.SHORT, Decimal(100), Decimal(100), signal=Decimal(109)) == 109


def test_after_a_drift_a_signal_s_stop_is_used_only_where_it_is_closer() -> None:
    assert _wanted(Side.LONG, Decimal(100), Decimal(110), signal=Decimal(95)) == Decimal("107.8")
    assert _wanted(Side.LONG, Decimal(100), Decimal(110), signal=Decimal(109)) == 109


def test_high_leverage_brings_the_stop_before_the_liquidation_price() -> None:
    assert _wanted(Side.LONG, Decimal(100), Decimal(100), liquidation=Decimal("98.5")) == Decimal("99.0")
    assert _wanted(Side.SHORT, Decimal(100), Decimal(100), liquidation=Decimal("100.4")) == Decimal("100.2")


def test_a_liquidation_price_that_is_no_figure_is_ignored() -> None:
    assert _wanted(Side.LONG, Decimal(100), Decimal(100), liquidation=Decimal(0)) == 98
    assert _wanted(Side.SHORT, Decimal(100), Decimal(100), liquidation=Decimal(0)) == 102


@pytest.mark.parametrize(("mark", "triggers"), [("98.1", False), ("98", True), ("97", True)])
def test_a_long_s_stop_would_trigger_when_the_mark_is_at_it_or_past_it(mark: str, triggers: bool) -> None:  # noqa: FBT001 # a column
    assert would_trigger(side=Side.LONG, stop_price=Decimal(98), mark=Decimal(mark)) is triggers
    assert would_trigger(side=Side.SHORT, stop_price=Decimal(98), mark=196 - Decimal(mark)) is triggers


def test_stops_add_up_and_what_has_filled_no_longer_covers() -> None:
    halves = [a_stop(quantity="0.5"), a_stop(quantity="0.7", filled="0.2", order_id="o2")]
    assert _covers(halves, Side.LONG, Decimal(1))
    assert not _covers(halves, Side.LONG, Decimal("1.001"))


def test_a_plain_reduce_only_order_is_not_a_stop() -> None:
    assert not _covers([a_stop(kind=OrderKind.LIMIT)], Side.LONG, Decimal(1))


def test_the_stop_of_the_other_hedge_side_covers_nothing() -> None:
    assert not _covers([a_stop(hedge_side=Side.SHORT)], Side.LONG, Decimal(1))
    assert _covers([a_stop(hedge_side=Side.LONG, reduce_only=False)], Side.LONG, Decimal(1))


def test_a_position_is_covered_to_the_last_digit_where_the_step_is_unknown() -> None:
    assert covers(
        orders=[a_stop()], side=Side.LONG, quantity=Decimal(1), mark=Decimal(100), liquidation=None, step=Decimal(0)
    )


def test_the_closer_stop_is_chosen_by_side() -> None:
    assert closer(Side.LONG, Decimal(98), Decimal(99)) == 99
    assert closer(Side.SHORT, Decimal(102), Decimal(101)) == 101
