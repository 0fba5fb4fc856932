"""The wave calendar: which wave is expected (S2.2), and when it is looked for (S2.3).

Invariants:
1. An expected wave starts on a quarter of an hour.
2. An expected wave started at least 15 and less than 31 minutes ago.
3. An expected wave never goes back in time.
4. A check is under way, or still to come.
5. A check looks for the wave that is expected when it begins.
6. A wave is taken during its own check only: before it is early, and after it late.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Final

WAVE_MS: Final = 900_000
_MS_A_SECOND = 1_000
_MS_A_MINUTE = 60_000
_MS_AN_HOUR = 60 * _MS_A_MINUTE
_CALENDAR = ((15, -15), (30, 0), (45, 15), (59, 30))
"""Last minute of the hour to which a row applies, and the wave's minute, from the start of the hour (S2.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckTimes:
    """At which minutes of the hour a wave is looked for, and for how long at most: less than an hour."""

    minutes: tuple[int, ...] = (6, 20, 35, 50)
    duration_s: int = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One look for one wave, from ``start_ms`` until before ``end_ms``."""

    wave_ms: int
    start_ms: int
    end_ms: int


class Standing(StrEnum):
    """Where a wave is in the calendar."""

    EARLY = "early"
    DUE = "due"
    LATE = "late"


def expected_wave(now_ms: int) -> int:
    """The start of the wave that is expected at ``now_ms``, both UTC in milliseconds."""
    hour_ms = now_ms - now_ms % _MS_AN_HOUR
    minute = (now_ms - hour_ms) // _MS_A_MINUTE
    wave_minute = next(wave for last, wave in _CALENDAR if minute <= last)
    return hour_ms + wave_minute * _MS_A_MINUTE


def check_at(now_ms: int, *, times: CheckTimes) -> Check:
    """The check that is under way at ``now_ms``, the newest of several; when there is none the next one."""
    hour_ms = now_ms - now_ms % _MS_AN_HOUR
    starts = sorted(
        hour_ms + hour * _MS_AN_HOUR + minute * _MS_A_MINUTE for hour, minute in product((-1, 0, 1), times.minutes)
    )
    duration_ms = times.duration_s * _MS_A_SECOND
    begun = [start_ms for start_ms in starts if start_ms <= now_ms < start_ms + duration_ms]
    start_ms = begun[-1] if begun else next(start_ms for start_ms in starts if start_ms > now_ms)
    return Check(wave_ms=expected_wave(start_ms), start_ms=start_ms, end_ms=start_ms + duration_ms)


def standing_of(wave_ms: int, *, now_ms: int, times: CheckTimes) -> Standing:
    """Whether the wave that started at ``wave_ms`` is taken at ``now_ms``, or its time is to come, or over."""
    check = check_at(now_ms, times=times)
    if wave_ms < check.wave_ms:
        return Standing.LATE
    is_under_way = check.start_ms <= now_ms
    return Standing.DUE if is_under_way and wave_ms == check.wave_ms else Standing.EARLY
