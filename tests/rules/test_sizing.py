from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from messages.instruments import Instrument
from messages.values import Money, Price
from rules.sizing import SizeRefused, SizingPolicy, order_quantity, split_quantity
from tests.rules.builders import an_instrument, prices, units

POLICY = SizingPolicy()
instruments = st.builds(
    an_instrument,
    step=st.sampled_from(["0.001", "0.1", "1", "2.5"]),
    minimum=st.sampled_from(["0.001", "1", "10"]),
    contract_size=st.sampled_from(["0.01", "1", "1000"]),
)
sizes = st.decimals("0", "7000", places=2)


def _cost(quantity: Decimal, price: Price, instrument: Instrument) -> Money:
    return quantity * price * instrument.contract_size


@given(size=sizes, price=prices(), instrument=instruments)
def test_1_an_order_never_costs_more_than_the_amount_or_than_the_largest_position_allowed(
    size: Money, price: Price, instrument: Instrument
) -> None:
    quantity = order_quantity(size_usd=size, price=price, instrument=instrument, policy=POLICY)
    if not isinstance(quantity, SizeRefused):
        assert _cost(quantity, price, instrument) <= min(size, POLICY.max_position_size_usd)


@given(size=sizes, price=prices(), instrument=instruments)
def test_2_an_order_is_on_the_step_and_neither_under_the_venue_s_least_quantity_nor_under_its_least_value(
    size: Money, price: Price, instrument: Instrument
) -> None:
    quantity = order_quantity(size_usd=size, price=price, instrument=instrument, policy=POLICY)
    if not isinstance(quantity, SizeRefused):
        assert quantity > 0
        assert quantity % instrument.quantity_step == 0
        assert quantity >= instrument.min_quantity
        assert _cost(quantity, price, instrument) >= instrument.min_notional


@given(size=sizes, price=prices(), instrument=instruments)
def test_3_one_step_more_would_cost_too_much(size: Money, price: Price, instrument: Instrument) -> None:
    quantity = order_quantity(size_usd=size, price=price, instrument=instrument, policy=POLICY)
    if not isinstance(quantity, SizeRefused):
        more = _cost(quantity + instrument.quantity_step, price, instrument)
        assert more > min(size, POLICY.max_position_size_usd)


maxima = st.none() | st.integers(1, 300)


def _limited(instrument: Instrument, maximum: int | None, market_maximum: int | None) -> Instrument:
    return an_instrument(
        step=str(instrument.quantity_step),
        minimum=str(instrument.min_quantity),
        maximum=None if maximum is None else str(maximum),
        market_maximum=None if market_maximum is None else str(market_maximum),
    )


@given(
    instrument=instruments, maximum=maxima, market=st.none() | st.integers(1, 300), steps=st.decimals(1, 3000, places=2)
)
def test_4_the_parts_of_a_split_add_up_to_the_quantity(
    instrument: Instrument, maximum: int | None, market: int | None, steps: Decimal
) -> None:
    quantity = steps * instrument.quantity_step
    for at_market in (False, True):
        parts = split_quantity(quantity=quantity, instrument=_limited(instrument, maximum, market), market=at_market)
        assert sum(parts) == quantity
        assert all(part > 0 for part in parts)


@given(instrument=instruments, maximum=st.integers(3, 300), steps=units(1, 3000))
def test_5_no_part_is_over_the_venue_s_maximum_and_none_under_its_minimum_where_that_is_possible(
    instrument: Instrument, maximum: int, steps: Decimal
) -> None:
    quantity = steps * instrument.quantity_step
    assume(quantity >= instrument.min_quantity)
    limited = _limited(instrument, maximum, None)
    parts = split_quantity(quantity=quantity, instrument=limited, market=True)
    assert all(part <= maximum for part in parts)
    if maximum >= 2 * (instrument.min_quantity + instrument.quantity_step):
        assert all(part >= instrument.min_quantity for part in parts)
        assert all(part % instrument.quantity_step == 0 for part in parts)


@pytest.mark.parametrize(
    ("size", "instrument", "reason"),
    [
        ("9.99", an_instrument(), "minimum position size"),
        ("20", an_instrument(minimum="1"), "minimum quantity"),
        ("99", an_instrument(min_notional="100"), "minimum notional"),
        ("200", an_instrument(trading=False), "not traded"),
    ],
)
def test_what_cannot_be_opened_is_refused_with_the_reason(size: str, instrument: Instrument, reason: str) -> None:
    refused = order_quantity(size_usd=Decimal(size), price=Decimal(42000), instrument=instrument, policy=POLICY)
    assert isinstance(refused, SizeRefused)
    assert reason in refused.reason


def test_two_hundred_dollars_of_bitcoin_are_rounded_down_to_the_step() -> None:
    quantity = order_quantity(size_usd=Decimal(200), price=Decimal(42000), instrument=an_instrument(), policy=POLICY)
    assert quantity == Decimal("0.004")


def test_a_market_order_has_a_maximum_of_its_own() -> None:
    instrument = an_instrument(step="1", minimum="1", maximum="100", market_maximum="30")
    assert split_quantity(quantity=Decimal(100), instrument=instrument, market=False) == (Decimal(100),)
    assert split_quantity(quantity=Decimal(100), instrument=instrument, market=True) == (Decimal(25),) * 4


def test_where_even_parts_are_too_small_as_much_as_possible_is_still_sent() -> None:
    instrument = an_instrument(step="1", minimum="10", maximum="15")
    assert split_quantity(quantity=Decimal(16), instrument=instrument, market=False) == (Decimal(15), Decimal(1))
