from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from messages.candles import ClosedCandle
from messages.conditions import Regime
from rules.regime import RegimePolicy, choppiness_index, market_regime
from tests.rules.candle_series import candles_of, scaled, series, upside_down

POLICY = RegimePolicy()
ENOUGH = POLICY.period + 1


def _regime(candles: list[ClosedCandle]) -> Regime | None:
    return market_regime(candles=candles, policy=POLICY)


@given(candles=series(least=ENOUGH, most=ENOUGH), before=series(most=30))
def test_1_the_regime_depends_on_the_last_closed_candles_of_its_period_and_the_close_before_them_and_on_nothing_else(
    candles: list[ClosedCandle], before: list[ClosedCandle]
) -> None:
    assert _regime([*before, *candles]) is _regime(candles)
    first = candles[0]
    same_close = ClosedCandle(
        start_ms=first.start_ms, open=first.close, high=first.close + 500, low=first.close - 500, close=first.close
    )
    assert _regime([same_close, *candles[1:]]) is _regime(candles)


@given(steps=st.lists(st.integers(1, 100), min_size=ENOUGH, max_size=40), sign=st.sampled_from([1, -1]))
def test_2_a_market_that_goes_straight_in_one_direction_is_trending(steps: list[int], sign: int) -> None:
    candles = candles_of([10_000 + sign * sum(steps[: number + 1]) for number in range(len(steps))])
    assert choppiness_index(candles, POLICY.period) == 0
    assert _regime(candles) is Regime.TRENDING


@given(step=st.integers(1, 500), wick=st.integers(0, 50), count=st.integers(ENOUGH, 40))
def test_3_a_market_that_comes_back_with_every_candle_is_choppy(step: int, wick: int, count: int) -> None:
    candles = candles_of([1_000 + step * (number % 2) for number in range(count)], wick=wick)
    assert choppiness_index(candles, POLICY.period) == 100
    assert _regime(candles) is Regime.CHOPPY


@given(candles=series(least=ENOUGH, most=40), level=st.integers(1, 1000))
def test_4_the_same_movement_at_another_level_of_prices_or_upside_down_is_the_same_regime(
    candles: list[ClosedCandle], level: int
) -> None:
    index = choppiness_index(candles, POLICY.period)
    assume(index is not None and abs(index - POLICY.trending_below) > Decimal("1e-20"))
    assert choppiness_index(scaled(candles, Decimal(level)), POLICY.period) == index
    assert _regime(upside_down(candles, around=Decimal(5_000))) is _regime(candles)


@given(candles=series(most=POLICY.period))
def test_5_without_enough_closed_candles_there_is_no_regime(candles: list[ClosedCandle]) -> None:
    assert _regime(candles) is None


@pytest.mark.parametrize(
    ("reach", "index", "regime"),
    [
        # 14 true ranges of 1: the index is 100 * log10(14 / reach) / log10(14).
        (14, "0.0", Regime.TRENDING),
        (6, "32.1", Regime.TRENDING),
        (5, "39.0", Regime.RANGING),
        (3, "58.4", Regime.RANGING),
        (2, "73.7", Regime.CHOPPY),
        (1, "100.0", Regime.CHOPPY),
    ],
)
def test_the_further_the_same_steps_lead_the_less_choppy_the_market(reach: int, index: str, regime: Regime) -> None:
    triangle = [abs((number + reach) % (2 * reach) - reach) for number in range(ENOUGH)]
    candles = candles_of([100 + offset for offset in triangle])
    found = choppiness_index(candles, POLICY.period)
    assert found is not None
    assert found.quantize(Decimal("0.1")) == Decimal(index)
    assert _regime(candles) is regime


def test_a_market_that_does_not_move_at_all_is_neither_trending_nor_choppy() -> None:
    assert _regime(candles_of([100] * ENOUGH)) is Regime.RANGING
