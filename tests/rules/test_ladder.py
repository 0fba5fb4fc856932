from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.conditions import BalanceProfile, Regime
from messages.values import Money, Price, Side
from rules.ladder import (
    LADDERS,
    Addition,
    AdditionRefusal,
    AdditionRefused,
    LadderPolicy,
    LadderPosition,
    ladder_addition,
    max_additions,
    max_loss_percent,
)
from tests.rules.builders import sides
from tests.rules.grid import as_grid

POLICY = LadderPolicy()
ENTRY = Decimal(100)
BASE = Decimal(200)
HOUR_MS = 3_600_000

GRID = """
profile  regime    most  interval_s  max_loss  additions_to_200
small    trending  3     60          1.5       220 132 88
small    ranging   3     60          1.5       180 108 72
small    choppy    3     60          1.0       140 84 56
medium   trending  5     45          2.0       220 154 110 66 44
medium   ranging   5     45          1.5       180 126 90 54 36
medium   choppy    3     45          1.0       140 98 70
large    trending  7     30          2.5       220 176 132 88 66 44 33
large    ranging   7     30          1.5       180 144 108 72 54 36 27
large    choppy    3     30          1.0       140 112 84
"""

profiles = st.sampled_from(BalanceProfile)
regimes = st.sampled_from(Regime)
positions = st.builds(
    LadderPosition,
    side=sides(),
    entry_price=st.just(ENTRY),
    value_usd=st.decimals("0", "3000", places=2) | st.decimals("0", "6000", places=2),
    base_usd=st.decimals("10", "500", places=2) | st.decimals("10", "3000", places=2),
    additions=st.integers(0, 2) | st.integers(0, 8),
    last_added_ms=st.integers(0, HOUR_MS - 60_000) | st.integers(HOUR_MS - 90_000, HOUR_MS),
    margin_usd=st.decimals("0", "1000", places=2) | st.decimals("0", "2500", places=2),
    leverage=st.integers(1, 20).map(Decimal),
)
market = st.decimals("99", "101", places=2) | st.decimals("95", "105", places=2)
available = st.decimals("1000", "3000", places=2) | st.decimals("0", "3000", places=2) | st.none()


def a_position(
    *,
    side: Side = Side.LONG,
    value: str | Money = "200",
    additions: int = 0,
    last_added_ms: int = 0,
    margin: str = "66.67",
    leverage: int = 3,
) -> LadderPosition:
    return LadderPosition(
        side=side,
        entry_price=ENTRY,
        value_usd=Decimal(value),
        base_usd=BASE,
        additions=additions,
        last_added_ms=last_added_ms,
        margin_usd=Decimal(margin),
        leverage=Decimal(leverage),
    )


def _answer(
    position: LadderPosition,
    *,
    signal_side: Side | None = None,
    signal_price: Price | None = None,
    price: Price = ENTRY,
    available_usd: Money | None = Decimal(1000),
    profile: BalanceProfile = BalanceProfile.LARGE,
    regime: Regime = Regime.TRENDING,
    now_ms: int = HOUR_MS,
    policy: LadderPolicy = POLICY,
) -> Addition | AdditionRefused:
    return ladder_addition(
        position=position,
        signal_side=position.side if signal_side is None else signal_side,
        signal_price=signal_price,
        price=price,
        available_usd=available_usd,
        profile=profile,
        regime=regime,
        now_ms=now_ms,
        policy=policy,
    )


def _reason(answer: Addition | AdditionRefused) -> AdditionRefusal | None:
    return answer.reason if isinstance(answer, AdditionRefused) else None


@given(position=positions, profile=profiles, regime=regimes, price=market, free=available)
def test_1_an_addition_is_the_base_size_times_the_ladder_s_step_times_the_regime_s_multiplier(
    position: LadderPosition, profile: BalanceProfile, regime: Regime, price: Price, free: Money | None
) -> None:
    answer = _answer(position, price=price, available_usd=free, profile=profile, regime=regime)
    if isinstance(answer, Addition):
        multiplier = {"trending": "1.1", "ranging": "0.9", "choppy": "0.7"}[regime]
        assert answer.number == position.additions + 1
        assert answer.coefficient == LADDERS[profile].steps[position.additions] * Decimal(multiplier)
        assert answer.size_usd == position.base_usd * answer.coefficient


@given(position=positions, profile=profiles, regime=regimes)
def test_2_no_position_gets_more_additions_than_its_profile_allows_and_at_most_three_while_the_market_is_choppy(
    position: LadderPosition, profile: BalanceProfile, regime: Regime
) -> None:
    most = {"small": 3, "medium": 5, "large": 7}[profile]
    most = min(most, 3) if regime is Regime.CHOPPY else most
    answer = _answer(position, profile=profile, regime=regime)
    assert (_reason(answer) is AdditionRefusal.TOO_MANY) is (position.additions >= most)


@given(position=positions, profile=profiles, regime=regimes)
def test_3_no_two_additions_are_closer_together_than_the_profile_s_interval(
    position: LadderPosition, profile: BalanceProfile, regime: Regime
) -> None:
    position = replace(position, additions=0)
    interval_ms = {"small": 60_000, "medium": 45_000, "large": 30_000}[profile]
    answer = _answer(position, profile=profile, regime=regime)
    assert (_reason(answer) is AdditionRefusal.TOO_SOON) is (HOUR_MS - position.last_added_ms < interval_ms)


@given(position=positions, profile=profiles, regime=regimes, price=market, deeper=st.decimals("0", "5", places=2))
def test_4_a_deeper_loss_never_allows_what_a_lesser_one_refused_and_the_stricter_of_the_two_limits_applies(
    position: LadderPosition, profile: BalanceProfile, regime: Regime, price: Price, deeper: Decimal
) -> None:
    sign = 1 if position.side is Side.LONG else -1
    here = _answer(position, price=price, profile=profile, regime=regime)
    there = _answer(position, price=price - sign * deeper, profile=profile, regime=regime)
    if _reason(here) is AdditionRefusal.TOO_DEEP:
        assert _reason(there) is AdditionRefusal.TOO_DEEP
    if isinstance(here, Addition):
        by_profile = {"small": "1.5", "medium": "2.0", "large": "3.0"}[profile]
        by_regime = {"trending": "2.5", "ranging": "1.5", "choppy": "1.0"}[regime]
        assert sign * (price - ENTRY) >= -min(Decimal(by_profile), Decimal(by_regime))


@given(position=positions, profile=profiles, regime=regimes)
def test_5_an_addition_never_lifts_a_position_over_its_maximum_size(
    position: LadderPosition, profile: BalanceProfile, regime: Regime
) -> None:
    answer = _answer(position, profile=profile, regime=regime)
    if isinstance(answer, Addition):
        assert position.value_usd + answer.size_usd <= 5000


@given(position=positions, profile=profiles, regime=regimes, free=available)
def test_6_an_addition_never_takes_more_margin_than_its_share_of_what_is_available_by_the_venue_s_own_figures(
    position: LadderPosition, profile: BalanceProfile, regime: Regime, free: Money | None
) -> None:
    answer = _answer(position, available_usd=free, profile=profile, regime=regime)
    if isinstance(answer, Addition):
        assert free is not None
        assert answer.size_usd <= free * Decimal("0.8") * position.leverage
        needed = position.margin_usd + answer.size_usd / position.leverage
        assert needed <= Decimal(5000) / 3 + Decimal("1e-20")


@given(position=positions, signal_side=sides(), price=market, named=st.none() | market)
def test_7_nothing_is_added_against_the_position_s_direction_or_far_from_the_price_that_the_signal_named(
    position: LadderPosition, signal_side: Side, price: Price, named: Price | None
) -> None:
    answer = _answer(position, signal_side=signal_side, signal_price=named, price=price)
    if isinstance(answer, Addition):
        assert signal_side is position.side
        assert named is None or abs(named - price) * 100 <= price * 2


@given(position=positions, profile=profiles, regime=regimes, price=market, free=available)
def test_8_a_refusal_names_its_reason_with_the_figures(
    position: LadderPosition, profile: BalanceProfile, regime: Regime, price: Price, free: Money | None
) -> None:
    answer = _answer(position, price=price, available_usd=free, profile=profile, regime=regime)
    if isinstance(answer, AdditionRefused):
        assert answer.reason in AdditionRefusal
        assert answer.text


def test_the_ladder_is_this_grid() -> None:
    drawn = [as_grid(GRID)[0]]
    for profile in BalanceProfile:
        for regime in Regime:
            most = max_additions(profile, regime)
            answers = [_answer(a_position(additions=made), profile=profile, regime=regime) for made in range(most)]
            sizes = [f"{answer.size_usd.normalize():f}" for answer in answers if isinstance(answer, Addition)]
            loss = max_loss_percent(profile, regime)
            interval_s = LADDERS[profile].min_interval_s
            drawn.append([profile, regime, str(most), str(interval_s), str(loss), *sizes])
    assert drawn == as_grid(GRID)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (_answer(a_position(), policy=LadderPolicy(enabled=False)), "switched_off"),
        (_answer(a_position(), signal_side=Side.SHORT), "direction"),
        (_answer(a_position(), signal_price=Decimal("102.01")), "price"),
        (_answer(a_position(), price=Decimal(0)), "price"),
        (_answer(a_position(additions=7)), "too_many"),
        (_answer(a_position(last_added_ms=HOUR_MS - 29_999)), "too_soon"),
        (_answer(a_position(), price=Decimal("97.49")), "too_deep"),
        (_answer(a_position(side=Side.SHORT), price=Decimal("102.51")), "too_deep"),
        (_answer(a_position(value="4780.01", margin="100")), "position_too_large"),
        (_answer(a_position(), available_usd=None), "margin_unknown"),
        (_answer(a_position(leverage=4), available_usd=Decimal("68.74")), "margin_short"),
        (_answer(a_position(margin="1593.34")), "position_margin"),
        (
            _answer(a_position(margin="1600.01"), policy=LadderPolicy(max_position_usd=Decimal(5020))),
            "position_margin",
        ),
    ],
)
def test_every_refusal_has_its_reason(answer: Addition | AdditionRefused, reason: str) -> None:
    assert _reason(answer) == reason


@pytest.mark.parametrize(
    "answer",
    [
        _answer(a_position(), signal_price=Decimal(102)),
        _answer(a_position(last_added_ms=HOUR_MS - 30_000)),
        _answer(a_position(), price=Decimal("97.5")),
        _answer(a_position(side=Side.SHORT), price=Decimal("102.5")),
        _answer(a_position(value="4780", margin="100")),
        # 220 at the venue's leverage of 4 need 55, which are 80 % of 68.75.
        _answer(a_position(leverage=4), available_usd=Decimal("68.75")),
        # 1600 and the third of 220 are what 5020 need at leverage 3.
        _answer(a_position(margin="1600"), policy=LadderPolicy(max_position_usd=Decimal(5020))),
    ],
)
def test_at_each_limit_exactly_it_is_still_added(answer: Addition | AdditionRefused) -> None:
    assert isinstance(answer, Addition)


def test_margin_is_counted_by_the_venue_s_leverage_and_not_by_the_one_that_is_set() -> None:
    answer = _answer(a_position(leverage=1), available_usd=Decimal(270))
    assert _reason(answer) is AdditionRefusal.MARGIN_SHORT
