from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from messages.values import OrderSide, Price, Side
from rules.rounding import (
    closer,
    entry_side,
    exit_side,
    floor_quantity,
    notional,
    percent_of,
    round_stop,
    round_take_profit,
)
from tests.rules.builders import prices, sides, ticks


@given(price=prices(), tick=ticks(), side=sides(), rounding=st.sampled_from([round_stop, round_take_profit]))
def test_1_a_rounded_price_is_a_positive_multiple_of_the_tick_less_than_one_tick_away_from_the_price(
    price: Price, tick: Price, side: Side, rounding: type
) -> None:
    rounded = rounding(price, tick=tick, side=side)
    assert rounded > 0
    assert rounded % tick == 0
    assert abs(rounded - price) < tick


@given(price=prices(), tick=ticks())
def test_2_a_stop_is_never_rounded_away_from_the_market_price(price: Price, tick: Price) -> None:
    assert round_stop(price, tick=tick, side=Side.LONG) >= price
    # Under one tick there is nothing below to round to.
    assert round_stop(price, tick=tick, side=Side.SHORT) <= max(price, tick)


@given(price=prices(), tick=ticks())
def test_3_a_take_profit_is_never_rounded_away_from_the_entry_price(price: Price, tick: Price) -> None:
    assert round_take_profit(price, tick=tick, side=Side.LONG) <= max(price, tick)
    assert round_take_profit(price, tick=tick, side=Side.SHORT) >= price


@given(quantity=prices(least="0", places=6), step=ticks())
def test_4_a_floored_quantity_is_the_largest_multiple_of_the_step_that_is_not_above_the_quantity(
    quantity: Decimal, step: Decimal
) -> None:
    floored = floor_quantity(quantity, step)
    assert floored % step == 0
    assert floored <= quantity < floored + step


@given(a=prices(), b=prices(), side=sides())
def test_5_the_closer_of_two_stops_is_the_one_that_triggers_first(a: Price, b: Price, side: Side) -> None:
    chosen, other = closer(side, a, b), (b if closer(side, a, b) == a else a)
    assert chosen in {a, b}
    # A falling price meets the higher stop of a long first; a rising one the lower stop of a short.
    assert chosen >= other if side is Side.LONG else chosen <= other


def test_the_worked_example_of_the_specification_rounds_up() -> None:
    assert round_stop(Decimal(42630) * Decimal("0.995"), tick=Decimal(1), side=Side.LONG) == 42417


def test_a_price_with_more_digits_than_a_quotient_has_is_still_rounded_to_the_safe_side() -> None:
    price = Decimal("3.0000000000000000000000000001")
    assert round_stop(price, tick=Decimal(1), side=Side.LONG) == 4
    assert round_stop(price, tick=Decimal(1), side=Side.SHORT) == 3


def test_orders_enter_in_the_position_s_direction_and_leave_against_it() -> None:
    assert (entry_side(Side.LONG), exit_side(Side.LONG)) == (OrderSide.BUY, OrderSide.SELL)
    assert (entry_side(Side.SHORT), exit_side(Side.SHORT)) == (OrderSide.SELL, OrderSide.BUY)


def test_the_value_of_contracts_counts_their_size() -> None:
    assert notional(quantity=Decimal(3), price=Decimal(40000), contract_size=Decimal("0.01")) == 1200
    assert percent_of(Decimal(40000), Decimal("1.5")) == 600
