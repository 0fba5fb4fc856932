from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from messages.candles import ClosedCandle
from rules.volatility import (
    Volatility,
    VolatilityPolicy,
    average_true_ranges,
    distance_factor,
    measured_volatility,
    scaled_percent,
    true_ranges,
)
from tests.rules.candle_series import candles_of, scaled, series

POLICY = VolatilityPolicy()
ENOUGH = POLICY.period + POLICY.least_averaged
"""A candle more than the true ranges that are needed."""
factors = st.decimals("0.5", "2", places=4)


def _measured(candles: list[ClosedCandle]) -> Volatility | None:
    return measured_volatility(candles=candles, policy=POLICY)


@given(candles=series(least=ENOUGH))
def test_1_the_factor_is_never_outside_its_bounds(candles: list[ClosedCandle]) -> None:
    measured = _measured(candles)
    if measured is not None:
        assert Decimal("0.5") <= measured.factor <= 2


@given(candles=series(most=ENOUGH - 1), quiet=st.integers(0, 130), percent=st.decimals("0.01", "99", places=2))
def test_2_without_enough_closed_candles_or_in_a_market_without_any_movement_distances_stay_as_they_are_set(
    candles: list[ClosedCandle], quiet: int, percent: Decimal
) -> None:
    for series_ in (candles, candles_of([100] * quiet)):
        assert _measured(series_) is None
    assert scaled_percent(percent, distance_factor(None)) == percent


@given(candles=series(least=ENOUGH), level=st.decimals("0.001", "1000", places=3))
def test_3_the_same_movement_at_another_level_of_prices_gives_the_same_factor(
    candles: list[ClosedCandle], level: Decimal
) -> None:
    here, there = _measured(candles), _measured(scaled(candles, level))
    assert (here is None) is (there is None)
    if here is not None and there is not None:
        assert abs(here.factor - there.factor) < Decimal("1e-20")


@given(step=st.integers(1, 500), wick=st.integers(0, 50), count=st.integers(ENOUGH, 130))
def test_4_a_steady_market_has_the_factor_1(step: int, wick: int, count: int) -> None:
    back_and_forth = candles_of([1_000 + step * (number % 2) for number in range(count)], wick=wick)
    measured = _measured(back_and_forth)
    assert measured == Volatility(now=Decimal(step + 2 * wick), usual=Decimal(step + 2 * wick), factor=Decimal(1))


@given(percent=st.decimals("0.01", "99.99", places=2), factor=factors)
def test_5_a_scaled_distance_is_less_than_the_whole_price(percent: Decimal, factor: Decimal) -> None:
    assert 0 < scaled_percent(percent, factor) < 100


def test_the_average_is_wilders() -> None:
    candles = candles_of([100, 101, 103, 106, 110])
    assert true_ranges(candles) == [1, 2, 3, 4]
    assert average_true_ranges(candles, 2) == [Decimal("1.5"), Decimal("2.25"), Decimal("3.125")]
    assert average_true_ranges(candles, 4) == [Decimal("2.5")]
    assert average_true_ranges(candles, 5) == []


def test_a_true_range_reaches_back_to_the_close_before() -> None:
    before, jump = candles_of([100, 100])
    assert true_ranges([before, replace(jump, high=Decimal(110), low=Decimal(105))]) == [10]
    assert true_ranges([before, replace(jump, high=Decimal(95), low=Decimal(90))]) == [10]


def test_a_market_that_wakes_up_widens_the_distances() -> None:
    calm = [100 + number % 2 for number in range(100)]
    wild = [100 + 8 * (number % 2) for number in range(14)]
    measured = _measured(candles_of([*calm, *wild]))
    assert measured is not None
    assert measured.factor == 2
    assert scaled_percent(Decimal("2.0"), distance_factor(measured)) == 4
    assert scaled_percent(Decimal("1.5"), distance_factor(measured)) == 3


def test_a_market_that_falls_asleep_narrows_them_to_half_at_most() -> None:
    wild = [100 + 8 * (number % 2) for number in range(100)]
    measured = _measured(candles_of([*wild, *[100] * 40]))
    assert measured is not None
    assert measured.now < measured.usual / 2
    assert scaled_percent(Decimal("2.0"), distance_factor(measured)) == 1
