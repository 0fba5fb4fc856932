from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.waves import expected_wave

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
