"""The kernel against its laws, and the fuzz against planted mistakes."""

import pytest

from actors.kernel.fuzz import run_fuzz
from tests.kernel.planted_mistakes import MISTAKES

SEEDS = 1_000


def test_a_thousand_random_stories_break_no_law() -> None:
    report = run_fuzz(range(SEEDS))
    assert report.first_violation is None
    assert (report.runs, report.violations) == (SEEDS, 0)
    assert report.crash_points > 5 * SEEDS


@pytest.mark.parametrize("name", MISTAKES)
def test_a_planted_mistake_is_caught(name: str) -> None:
    planted = MISTAKES[name]
    report = run_fuzz(range(planted.within_seeds), parts=planted.parts(), stop_at_first=True)
    assert report.violations == 1


def test_progress_is_reported_after_each_seed() -> None:
    seen: list[tuple[int, int]] = []
    run_fuzz(range(3), on_progress=lambda runs, violations: seen.append((runs, violations)))
    assert seen == [(1, 0), (2, 0), (3, 0)]
