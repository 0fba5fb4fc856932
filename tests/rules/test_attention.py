from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from messages.state import TrailingPhase
from messages.values import Side
from rules.trailing import TrailingPolicy
from tests.rules.trailing_walk import Setting, Walk, a_walk, settings, walks

Path = list[tuple[int, list[int]]]


@st.composite
def whole_settings(draw: st.DrawFn) -> Setting:
    setting = draw(settings)
    tp1, minute_ago = draw(st.none() | st.integers(-50, 400)), draw(st.none() | st.integers(-100, 250))
    return replace(
        setting,
        take_profit_1=None if tp1 is None else setting.price(tp1),
        minute_ago_price=None if minute_ago is None else setting.price(minute_ago),
        commission_percent=draw(st.decimals("0", "1", places=2)),
    )


def _walked(setting: Setting, path: Path, *, banded: bool) -> Walk:
    """Walk ``path``: every tick, or only those outside the band; both act at the due times."""
    walk = a_walk(setting)
    lower, upper = walk.band(1_000)
    due_ms = walk.due_ms(1_000)
    for now_ms, offsets in path:
        while due_ms is not None and due_ms <= now_ms:
            walk.update(due_ms)
            lower, upper = walk.band(due_ms)
            due_ms = walk.due_ms(due_ms)
        prices = [setting.price(offset) for offset in offsets]
        outside = (lower is not None and min(prices) <= lower) or (upper is not None and max(prices) >= upper)
        if banded and not outside:
            continue
        walk.take(offsets, now_ms)
        lower, upper = walk.band(now_ms)
        due_ms = walk.due_ms(now_ms)
    return walk


@hypothesis_settings(max_examples=500)
@given(setting=whole_settings(), path=walks(longest=60))
def test_1_deciding_only_on_ticks_outside_the_band_gives_the_same_moves_as_deciding_on_every_tick(
    setting: Setting, path: Path
) -> None:
    every, banded = _walked(setting, path, banded=False), _walked(setting, path, banded=True)
    assert banded.moves == every.moves
    assert banded.phases == every.phases


@given(setting=whole_settings(), phase=st.sampled_from([TrailingPhase.INACTIVE, TrailingPhase.TRIGGERED]))
def test_2_a_position_whose_trailing_does_not_run_has_no_band_to_leave(setting: Setting, phase: TrailingPhase) -> None:
    walk = a_walk(setting)
    walk.state = replace(walk.state, phase=phase)
    assert walk.band(2_000) == (None, None)
    assert walk.due_ms(2_000) is None


@given(setting=whole_settings(), path=walks())
def test_3_only_prices_in_the_position_s_favour_wake_it_its_losing_side_rests_on_the_venue_as_the_stop(
    setting: Setting, path: Path
) -> None:
    walk = a_walk(setting)
    for now_ms, offsets in path:
        walk.take(offsets, now_ms)
        lower, upper = walk.band(now_ms)
        losing, winning = (lower, upper) if setting.side is Side.LONG else (upper, lower)
        assert losing is None
        assert winning is not None


@given(setting=whole_settings(), path=walks(), later=st.integers(1, 10**12))
def test_4_after_the_due_time_no_later_time_changes_anything_by_itself(
    setting: Setting, path: Path, later: int
) -> None:
    walk = _walked(setting, path, banded=False)
    now_ms = path[-1][0]
    while (due_ms := walk.due_ms(now_ms)) is not None:
        now_ms = due_ms
        walk.update(now_ms)
    moves, band = list(walk.moves), walk.band(now_ms)
    walk.update(now_ms + later)
    assert walk.moves == moves
    assert walk.band(now_ms + later) == band


@pytest.mark.parametrize("side", list(Side))
def test_a_waiting_position_sleeps_until_breakeven_and_then_until_activation(side: Side) -> None:
    walk = a_walk(Setting(side=side))
    assert [level for level in walk.band(2_000) if level is not None] == [walk.setting.price(100)]
    walk.take([100], 2_000)
    assert [level for level in walk.band(2_000) if level is not None] == [walk.setting.price(150)]


def test_a_trailing_position_sleeps_until_a_move_is_worth_a_request() -> None:
    walk = a_walk(Setting())
    walk.take([200], 2_000)
    upper = walk.band(3_000)[1]
    assert upper is not None
    assert Decimal("1020.9") < upper < Decimal("1021.2")
    assert walk.due_ms(3_000) == 62_000


def test_while_a_wanted_stop_waits_for_its_time_every_better_one_is_noticed() -> None:
    walk = a_walk(Setting())
    walk.take([200], 2_000)
    walk.take([220], 3_000)
    upper = walk.band(3_000)[1]
    assert walk.moves == [(2_000, Decimal("1014.9"))]
    assert upper is not None
    assert Decimal(1022) < upper < Decimal("1022.2")


LATE_BREAKEVEN = TrailingPolicy(activation_percent=Decimal("0.5"), callback_percent=Decimal(2))


@pytest.mark.parametrize(
    ("setting", "path", "moves"),
    [
        # Momentum sets in at a price below the best one, which a merged tick had brought without it.
        (Setting(minute_ago_price=Decimal("1014.8")), [(2_000, [300, 240]), (70_000, [255])], 2),
        # Breakeven is reached by less than what the trailing stop itself would wake for.
        (Setting(policy=LATE_BREAKEVEN), [(2_000, [95]), (70_000, [100])], 2),
        # A stop that was held back is sent when its time has come, and the next one counts from there.
        (Setting(), [(2_000, [200]), (3_000, [220]), (4_000, [225]), (63_000, [221]), (130_000, [236])], 3),
    ],
)
@pytest.mark.parametrize("side", list(Side))
def test_what_sleepers_would_easily_miss_is_not_missed(side: Side, setting: Setting, path: Path, moves: int) -> None:
    if side is Side.SHORT and setting.minute_ago_price is not None:
        setting = replace(setting, minute_ago_price=Decimal("985.2"))
    setting = replace(setting, side=side)
    every, banded = _walked(setting, path, banded=False), _walked(setting, path, banded=True)
    assert len(every.moves) == moves
    assert banded.moves == every.moves
