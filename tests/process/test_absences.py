"""What a position was over-covered beside the deaths that it lived through."""

from typing import Any

import pytest

from tests.process.absences import Absences


def a_position(opened_ms: int, closed_ms: int | None, over_covered_s: float) -> dict[str, Any]:
    return {"opened_ms": opened_ms, "closed_ms": closed_ms, "worst_over_cover_seconds": over_covered_s}


@pytest.mark.parametrize(
    ("opened_ms", "closed_ms", "left_s"),
    [(0, 5_000, 4.0), (0, 12_000, 2.0), (11_000, 12_500, 2.5), (13_000, 20_000, 4.0), (14_000, 20_000, 4.0)],
)
def test_an_absence_is_taken_off_as_far_as_the_position_lived_in_it(
    opened_ms: int, closed_ms: int, left_s: float
) -> None:
    absences = Absences(past=[(10_000, 13_000)], since_ms=None)
    assert absences.over_covered_s([a_position(opened_ms, closed_ms, 4.0)]) == left_s


def test_it_is_never_less_than_nothing_and_the_worst_counts() -> None:
    absences = Absences(past=[(0, 60_000)], since_ms=None)
    positions = [a_position(0, 50_000, 1.0), a_position(60_000, 70_000, 0.5), a_position(60_000, 70_000, 0.25)]
    assert absences.over_covered_s(positions) == 0.5


def test_an_absence_ends_once() -> None:
    absences = Absences()
    absences.end()
    absences.end()
    absences.begin()
    absences.begin()
    absences.end()
    assert len(absences.past) == 2
