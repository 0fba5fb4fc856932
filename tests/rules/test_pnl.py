from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from messages.values import OrderSide, Price, Quantity, Side
from rules.pnl import FillEffect, FillRefused, apply_fill, breakeven_price
from rules.rounding import entry_side, exit_side, percent_of
from tests.rules.builders import prices, quantities, sides, ticks

TOLERANCE = Decimal("1e-15")
"""Relative; averages are kept to 28 digits."""

fills = st.tuples(st.sampled_from(OrderSide), prices(least="0.01", places=2), quantities())


def _fill(
    side: Side, quantity: Quantity, entry: Price, fill: tuple[OrderSide, Price, Quantity], size: str = "1"
) -> FillEffect | FillRefused:
    fill_side, price, filled = fill
    return apply_fill(
        side=side,
        quantity=quantity,
        entry_price=entry,
        fill_side=fill_side,
        fill_price=price,
        fill_quantity=filled,
        contract_size=Decimal(size),
    )


@given(side=sides(), quantity=quantities(least="0"), entry=prices(least="0.01", places=2), fill=fills)
def test_1_a_fill_changes_the_quantity_by_exactly_what_it_opened_or_closed(
    side: Side, quantity: Quantity, entry: Price, fill: tuple[OrderSide, Price, Quantity]
) -> None:
    effect = _fill(side, quantity, entry, fill)
    if isinstance(effect, FillEffect):
        assert effect.quantity == quantity + effect.opened - effect.closed
        assert {effect.opened, effect.closed} == {fill[2], 0}


@given(side=sides(), quantity=quantities(least="0"), filled=quantities(), price=prices(least="0.01", places=2))
def test_2_a_fill_never_turns_a_position_round_closing_more_than_is_open_is_refused(
    side: Side, quantity: Quantity, filled: Quantity, price: Price
) -> None:
    effect = _fill(side, quantity, price, (exit_side(side), price, filled))
    if filled > quantity:
        assert effect == FillRefused(excess=filled - quantity)
    else:
        assert isinstance(effect, FillEffect)
        assert effect.quantity >= 0


@given(side=sides(), quantity=quantities(least="0"), entry=prices(least="0.01", places=2), fill=fills)
def test_3_opening_fills_leave_the_profit_alone_closing_fills_leave_the_average_entry_alone(
    side: Side, quantity: Quantity, entry: Price, fill: tuple[OrderSide, Price, Quantity]
) -> None:
    effect = _fill(side, quantity, entry, fill)
    if isinstance(effect, FillEffect) and effect.opened > 0:
        assert effect.realized_pnl == 0
    elif isinstance(effect, FillEffect):
        assert effect.entry_price == entry


@given(
    side=sides(),
    history=st.lists(fills, min_size=1, max_size=12),
    last=prices(least="0.01", places=2),
    size=st.sampled_from(["0.01", "1", "1000"]),
)
def test_4_once_flat_the_realised_profit_is_what_the_sales_brought_less_what_the_purchases_cost(
    side: Side, history: list[tuple[OrderSide, Price, Quantity]], last: Price, size: str
) -> None:
    quantity, entry, profit, cash, turnover = Decimal(0), Decimal(1), Decimal(0), Decimal(0), Decimal(1)
    for fill in [*history, None]:
        taken = fill if fill is not None else (exit_side(side), last, quantity)
        effect = _fill(side, quantity, entry, taken, size)
        if isinstance(effect, FillRefused):
            continue
        value = taken[1] * taken[2] * Decimal(size)
        cash += value if taken[0] is OrderSide.SELL else -value
        turnover += value
        quantity, entry, profit = effect.quantity, effect.entry_price, profit + effect.realized_pnl
    assert quantity == 0
    assert abs(profit - cash) <= turnover * TOLERANCE


@given(side=sides(), history=st.lists(st.tuples(prices(least="0.01", places=2), quantities()), min_size=1, max_size=12))
def test_5_the_average_entry_lies_between_the_prices_of_the_opening_fills(
    side: Side, history: list[tuple[Price, Quantity]]
) -> None:
    quantity, entry = Decimal(0), Decimal(999)
    for price, filled in history:
        effect = _fill(side, quantity, entry, (entry_side(side), price, filled))
        assert isinstance(effect, FillEffect)
        quantity, entry = effect.quantity, effect.entry_price
    paid = [price for price, _ in history]
    assert min(paid) <= entry <= max(paid)


@given(side=sides(), entry=prices(least="10", places=4), tick=ticks(), commission=prices(least="0", most="1", places=3))
def test_6_a_stop_at_breakeven_pays_for_the_commission_and_is_the_nearest_tick_that_does(
    side: Side, entry: Price, tick: Price, commission: Decimal
) -> None:
    price = breakeven_price(side=side, entry_price=entry, commission_percent=commission, tick=tick)
    gain = price - entry if side is Side.LONG else entry - price
    assert percent_of(entry, commission) <= gain < percent_of(entry, commission) + tick
    assert price % tick == 0


def test_the_profits_of_fills_add_up_to_the_last_digit_also_from_an_average_without_an_end() -> None:
    profits: list[Decimal] = []
    quantity, entry = Decimal(491), Decimal("1.206942158859470568431771894")
    for price, filled in ((Decimal("1.2253"), 172), (Decimal("1.2143"), 100), (Decimal("1.2091"), 219)):
        effect = _fill(Side.LONG, quantity, entry, (OrderSide.SELL, price, Decimal(filled)))
        assert isinstance(effect, FillEffect)
        profits.append(effect.realized_pnl)
        quantity = effect.quantity
    assert sum(profits) == sum(reversed(profits)) == profits[1] + (profits[2] + profits[0])
    assert all(-int(profit.as_tuple().exponent) <= 16 for profit in profits)


def test_an_average_without_an_end_is_kept_to_28_digits() -> None:
    effect = _fill(Side.LONG, Decimal(1), Decimal(1), (OrderSide.BUY, Decimal(2), Decimal(2)))
    assert isinstance(effect, FillEffect)
    assert effect.entry_price == Decimal("1.666666666666666666666666667")


def test_a_short_earns_when_the_price_falls_by_contracts_times_their_size() -> None:
    effect = _fill(Side.SHORT, Decimal(10), Decimal(40000), (OrderSide.BUY, Decimal(39000), Decimal(4)), "0.01")
    assert effect == FillEffect(
        quantity=Decimal(6),
        entry_price=Decimal(40000),
        realized_pnl=Decimal(40),
        opened=Decimal(0),
        closed=Decimal(4),
    )


def test_breakeven_is_entry_plus_commission_for_a_long_and_minus_it_for_a_short() -> None:
    commission, tick = Decimal("0.1"), Decimal("0.1")
    long = breakeven_price(side=Side.LONG, entry_price=Decimal(42000), commission_percent=commission, tick=tick)
    short = breakeven_price(side=Side.SHORT, entry_price=Decimal(42000), commission_percent=commission, tick=tick)
    assert (long, short) == (Decimal(42042), Decimal(41958))
