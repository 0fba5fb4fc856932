from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.waves import WAVE_MS, CheckTimes, Standing, check_at, expected_wave, standing_of

MINUTE = 60_000
moments = st.integers(1_000_000_000_000, 2_000_000_000_000)


@given(now_ms=moments)
def test_1_an_expected_wave_starts_on_a_quarter_of_an_hour(now_ms: int) -> None:
    assert expected_wave(now_ms) % (15 * MINUTE) == 0


@given(now_ms=moments)
def test_2_an_expected_wave_started_at_least_15_and_less_than_31_minutes_ago(now_ms: int) -> None:
    assert 15 * MINUTE <= now_ms - expected_wave(now_ms) < 31 * MINUTE


@given(now_ms=moments, later_ms=st.integers(0, 4 * 60 * MINUTE))
def test_3_an_expected_wave_never_goes_back_in_time(now_ms: int, later_ms: int) -> None:
    assert expected_wave(now_ms + later_ms) >= expected_wave(now_ms)


@pytest.mark.parametrize(
    ("first", "last", "wave"),
    [(0, 15, "09:45"), (16, 30, "10:00"), (31, 45, "10:15"), (46, 59, "10:30")],
)
def test_the_calendar_is_the_one_of_the_specification(first: int, last: int, wave: str) -> None:
    for minute in range(first, last + 1):
        for second in (0, 59):
            now = datetime(2022, 1, 3, 10, minute, second, tzinfo=UTC)
            expected = datetime.fromisoformat(f"2022-01-03T{wave}:00+00:00")
            assert expected_wave(int(now.timestamp() * 1000)) == expected.timestamp() * 1000


def test_the_first_wave_of_a_day_is_the_last_quarter_of_the_day_before() -> None:
    midnight = datetime(2022, 1, 3, tzinfo=UTC)
    assert expected_wave(int(midnight.timestamp() * 1000)) == int(midnight.timestamp() * 1000) - 15 * MINUTE


minutes = st.lists(st.integers(0, 59), min_size=1, max_size=6).map(tuple)
checks = st.builds(CheckTimes, minutes=minutes, duration_s=st.integers(1, 900))


@given(now_ms=moments, times=checks)
def test_4_a_check_is_under_way_or_still_to_come(now_ms: int, times: CheckTimes) -> None:
    check = check_at(now_ms, times=times)
    assert now_ms < check.end_ms == check.start_ms + times.duration_s * 1_000
    assert check.start_ms // MINUTE % 60 in times.minutes


@given(now_ms=moments, times=checks)
def test_5_a_check_looks_for_the_wave_that_is_expected_when_it_begins(now_ms: int, times: CheckTimes) -> None:
    check = check_at(now_ms, times=times)
    assert check.wave_ms == expected_wave(check.start_ms)


@given(now_ms=moments, times=checks, quarters=st.integers(-8, 8))
def test_6_a_wave_is_taken_during_its_own_check_only_before_it_is_early_and_after_it_late(
    now_ms: int, times: CheckTimes, quarters: int
) -> None:
    check = check_at(now_ms, times=times)
    wave_ms = check.wave_ms + quarters * WAVE_MS
    standing = standing_of(wave_ms, now_ms=now_ms, times=times)
    if quarters < 0:
        assert standing is Standing.LATE
    elif quarters > 0 or now_ms < check.start_ms:
        assert standing is Standing.EARLY
    else:
        assert standing is Standing.DUE


@pytest.mark.parametrize(
    ("now", "wave", "standing"),
    [
        ("10:05:59", "09:45", Standing.EARLY),
        ("10:06:00", "09:45", Standing.DUE),
        ("10:07:59", "09:45", Standing.DUE),
        ("10:08:00", "09:45", Standing.LATE),
        ("10:06:00", "10:00", Standing.EARLY),
        ("10:20:00", "10:00", Standing.DUE),
        ("10:20:00", "09:45", Standing.LATE),
        ("10:35:30", "10:15", Standing.DUE),
        ("10:51:00", "10:30", Standing.DUE),
    ],
)
def test_the_checks_of_an_hour_are_those_of_the_specification(now: str, wave: str, standing: Standing) -> None:
    assert standing_of(_ms(wave), now_ms=_ms(now), times=CheckTimes()) is standing


def _ms(clock: str) -> int:
    return int(datetime.fromisoformat(f"2022-01-03T{clock}+00:00").timestamp() * 1_000)
