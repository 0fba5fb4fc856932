"""The wave calendar (S2.2).

Invariants:
1. An expected wave starts on a quarter of an hour.
2. An expected wave started at least 15 and less than 31 minutes ago.
3. An expected wave never goes back in time.
"""

_MS_A_MINUTE = 60_000
_MS_AN_HOUR = 60 * _MS_A_MINUTE
_CALENDAR = ((15, -15), (30, 0), (45, 15), (59, 30))
"""Last minute of the hour to which a row applies, and the wave's minute, from the start of the hour (S2.2)."""


def expected_wave(now_ms: int) -> int:
    """The start of the wave that is expected at ``now_ms``, both UTC in milliseconds."""
    hour_ms = now_ms - now_ms % _MS_AN_HOUR
    minute = (now_ms - hour_ms) // _MS_A_MINUTE
    wave_minute = next(wave for last, wave in _CALENDAR if minute <= last)
    return hour_ms + wave_minute * _MS_A_MINUTE
