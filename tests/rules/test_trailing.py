from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.state import TrailingPhase
from messages.values import Price, Side
from rules.trailing import TrailingPolicy, confirmed, in_profit, may_update, trail
from tests.rules.builders import prices, sides
from tests.rules.trailing_walk import Setting, Walk, a_walk, policies, settings, walks

Path = list[tuple[int, list[int]]]
NO_BREAKEVEN = Decimal(10_000)


@given(setting=settings, path=walks(), minute_ago=st.none() | st.integers(-100, 100))
def test_1_a_wanted_stop_never_moves_away_from_the_market(setting: Setting, path: Path, minute_ago: int | None) -> None:
    if minute_ago is not None:
        setting = replace(setting, minute_ago_price=setting.price(minute_ago))
    walk = a_walk(setting)
    for now_ms, offsets in path:
        wanted, working = walk.state.stop_price, walk.working
        step = walk.take(offsets, now_ms)
        if wanted is not None:
            assert step.state.stop_price is not None
            assert setting.offset(step.state.stop_price) >= setting.offset(wanted)
        if step.move_to is not None:
            assert setting.offset(step.move_to) > setting.offset(working)


@given(setting=settings, path=walks(), commission=st.decimals("0", "3", places=2))
def test_2_a_wanted_stop_never_rests_on_the_far_side_of_the_best_price(
    setting: Setting, path: Path, commission: Decimal
) -> None:
    walk = a_walk(replace(setting, commission_percent=commission))
    best = 0
    for now_ms, offsets in path:
        best = max(best, *offsets)
        walk.take(offsets, now_ms)
        if walk.state.stop_price is not None:
            assert setting.offset(walk.state.stop_price) < best


@given(setting=settings, path=walks())
def test_3_the_stop_that_an_active_trailing_wants_is_the_callback_away_from_the_best_price_since_activation_to_one_tick(
    setting: Setting, path: Path
) -> None:
    walk = a_walk(replace(setting, policy=replace(setting.policy, breakeven_at_percent=NO_BREAKEVEN)))
    best: int | None = None
    for now_ms, offsets in path:
        walk.take(offsets, now_ms)
        if walk.state.phase is TrailingPhase.ACTIVE:
            best = max(offsets) if best is None else max(best, *offsets)
            callback = setting.price(best) * setting.policy.callback_percent / 100
            assert walk.state.stop_price is not None
            behind = (setting.offset(setting.price(best)) - setting.offset(walk.state.stop_price)) * setting.tick
            assert callback - setting.tick < behind <= callback


@given(setting=settings, path=walks(), tp1=st.none() | st.integers(-50, 400))
def test_4_trailing_activates_when_the_profit_the_way_to_tp1_or_the_time_says_so_and_never_before(
    setting: Setting, path: Path, tp1: int | None
) -> None:
    if tp1 is not None:
        setting = replace(setting, take_profit_1=setting.price(tp1))
    walk = a_walk(setting)
    active = False
    for now_ms, offsets in path:
        walk.take(offsets, now_ms)
        peak = max(offsets)
        minutes = setting.policy.activate_after_minutes
        active = (
            active
            or peak >= setting.policy.activation_percent * 100
            or (tp1 is not None and tp1 > 0 and peak * 100 >= tp1 * setting.policy.tp1_progress_percent)
            or (minutes > 0 and now_ms >= 1_000 + minutes * 60_000 and peak > 0)
        )
        assert (walk.state.phase is TrailingPhase.ACTIVE) is active


@given(setting=settings, path=walks())
def test_5_breakeven_protection_puts_the_stop_at_breakeven_or_closer(setting: Setting, path: Path) -> None:
    walk = a_walk(setting)
    level = setting.policy.breakeven_at_percent * 100
    best = 0
    for now_ms, offsets in path:
        walk.take(offsets, now_ms)
        best = max(best, *offsets)
        protected = best >= level and best > setting.offset(setting.breakeven)
        if protected:
            assert walk.state.stop_price is not None
            assert setting.offset(walk.state.stop_price) >= setting.offset(setting.breakeven)
        assert protected or walk.state.phase is not TrailingPhase.BREAKEVEN


@given(setting=settings, path=walks())
def test_6_merged_ticks_move_the_stop_as_far_as_the_single_ones_that_they_stand_for(
    setting: Setting, path: Path
) -> None:
    setting = replace(setting, policy=replace(setting.policy, activate_after_minutes=0))
    single, merged = a_walk(setting), a_walk(setting)
    for now_ms, offsets in path:
        for offset in offsets:
            single.take([offset], now_ms)
    merged.take([offset for _, offsets in path for offset in offsets], path[-1][0])
    assert merged.state.stop_price == single.state.stop_price
    assert merged.state.phase is single.state.phase


@given(
    side=sides(),
    working=prices(least="90", most="110", places=2),
    wanted=prices(least="90", most="110", places=2),
    updated_ms=st.just(0) | st.integers(1, 200_000),
    since_ms=st.integers(0, 200_000),
    policy=st.just(TrailingPolicy(min_improvement_percent=Decimal(0), emergency_override_percent=Decimal(0)))
    | policies,
)
def test_7_a_move_is_never_asked_for_within_the_interval_or_for_less_than_the_least_improvement_unless_it_is_an_emergency(  # noqa: E501 # the invariant's own words
    side: Side, working: Price, wanted: Price, updated_ms: int, since_ms: int, policy: TrailingPolicy
) -> None:
    state = replace(a_walk(Setting(side=side)).state, last_update_ms=updated_ms)
    allowed = may_update(
        state=state,
        side=side,
        working_stop=working,
        wanted_stop=wanted,
        now_ms=updated_ms + since_ms,
        policy=policy,
    )
    percent = (wanted - working if side is Side.LONG else working - wanted) / working * 100
    emergency = percent >= policy.emergency_override_percent
    regular = percent >= policy.min_improvement_percent and (updated_ms == 0 or since_ms >= 60_000)
    assert allowed is (percent > 0 and (emergency or regular))


@given(setting=settings, path=walks())
def test_8_only_a_confirmation_counts_as_an_update(setting: Setting, path: Path) -> None:
    walk = a_walk(setting)
    for now_ms, offsets in path:
        before = walk.state
        step = walk.take(offsets, now_ms)
        assert (step.state.update_count, step.state.last_update_ms) == (before.update_count, before.last_update_ms)
        after = confirmed(step.state, stop_price=setting.price(0), now_ms=now_ms)
        assert (after.update_count, after.last_update_ms) == (before.update_count + 1, now_ms)
        assert (after.phase, after.highest, after.lowest) == (step.state.phase, step.state.highest, step.state.lowest)


def _bitcoin() -> Walk:
    walk = a_walk(Setting(tick=Decimal("4.2")))
    walk.working = Decimal(41160)
    return walk


def test_the_worked_example_of_the_specification() -> None:
    walk = _bitcoin()
    step = trail(
        state=walk.state,
        side=Side.LONG,
        entry_price=Decimal(42000),
        breakeven_price=Decimal(42042),
        take_profit_1=None,
        stop_price=Decimal(41160),
        high=Decimal(42630),
        low=Decimal(42630),
        last=Decimal(42630),
        now_ms=2_000,
        opened_ms=1_000,
        minute_ago_price=None,
        tick=Decimal(1),
        policy=TrailingPolicy(),
    )
    assert (step.state.phase, step.move_to) == (TrailingPhase.ACTIVE, Decimal(42417))
    assert step.reason == "activated: profit reached 1.5 %"


def test_a_wick_that_has_gone_by_the_time_the_tick_is_handled_still_activates() -> None:
    walk = a_walk(Setting())
    walk.take([20, 160, 30], 2_000)
    assert walk.state.phase is TrailingPhase.ACTIVE


def test_breakeven_comes_first_and_trailing_goes_on_from_there() -> None:
    walk = a_walk(Setting())
    for number, offset in enumerate([50, 100, 130, 150, 170]):
        walk.take([offset], 2_000 + 61_000 * number)
    assert walk.phases == [TrailingPhase.BREAKEVEN, TrailingPhase.ACTIVE]
    assert [walk.setting.offset(stop) for _, stop in walk.moves] == [10, 100, 120]


def test_momentum_halves_the_callback_while_it_lasts() -> None:
    walk = a_walk(Setting(minute_ago_price=Decimal(1010)))
    walk.take([199], 2_000)
    assert walk.state.stop_price == Decimal("1014.9")
    walk.take([210], 3_000)
    assert walk.state.stop_price == Decimal("1018.5")
    assert walk.state.callback_percent == Decimal("0.5")


def test_the_best_price_before_a_time_based_activation_does_not_put_the_stop_past_the_price() -> None:
    walk = a_walk(Setting(policy=TrailingPolicy(activate_after_minutes=3, breakeven_at_percent=NO_BREAKEVEN)))
    walk.take([140], 2_000)
    walk.take([20], 200_000)
    assert walk.state.phase is TrailingPhase.ACTIVE
    assert walk.state.stop_price is not None
    assert walk.setting.offset(walk.state.stop_price) < 20


def test_a_position_that_is_old_but_not_in_profit_does_not_activate() -> None:
    walk = a_walk(Setting(policy=TrailingPolicy(activate_after_minutes=3)))
    walk.take([0], 200_000)
    assert walk.state.phase is TrailingPhase.WAITING


def test_a_failed_update_keeps_the_old_stop_and_is_wanted_again() -> None:
    walk = a_walk(Setting())
    step = walk.take([200], 2_000)
    assert step.move_to is not None
    again = a_walk(Setting())
    again.state = step.state
    assert again.take([190], 3_000).move_to == step.move_to


def test_what_is_wanted_stays_wanted_when_an_older_move_is_confirmed() -> None:
    walk = a_walk(Setting())
    wanted = walk.take([200], 2_000).state
    assert confirmed(wanted, stop_price=walk.setting.price(50), now_ms=3_000).stop_price == wanted.stop_price


@pytest.mark.parametrize("phase", [TrailingPhase.INACTIVE, TrailingPhase.TRIGGERED])
def test_a_trailing_that_does_not_run_wants_nothing(phase: TrailingPhase) -> None:
    walk = a_walk(Setting())
    walk.state = replace(walk.state, phase=phase)
    step = walk.take([500], 2_000)
    assert (step.move_to, step.state.phase, step.state.highest) == (None, phase, walk.setting.entry_price)


@pytest.mark.parametrize(("side", "working", "expected"), [(Side.LONG, 27, 29), (Side.SHORT, 33, 31)])
def test_a_tick_coarser_than_the_callback_keeps_the_stop_off_the_best_price(
    side: Side, working: int, expected: int
) -> None:
    best = Decimal(30)
    walk = a_walk(Setting(side=side))
    step = trail(
        state=replace(walk.state, phase=TrailingPhase.ACTIVE, highest=best, lowest=best),
        side=side,
        entry_price=best,
        breakeven_price=best,
        take_profit_1=None,
        stop_price=Decimal(working),
        high=best,
        low=best,
        last=best,
        now_ms=2_000,
        opened_ms=1_000,
        minute_ago_price=None,
        tick=Decimal(1),
        policy=TrailingPolicy(),
    )
    assert step.move_to == expected


def test_profit_is_counted_by_side() -> None:
    assert in_profit(Side.LONG, Decimal(100), Decimal(2)) == 102
    assert in_profit(Side.SHORT, Decimal(100), Decimal(2)) == 98
