"""A slice of the campaigns: a process that is killed leaves nothing naked, repeats nothing and loses nothing."""

import os
from pathlib import Path

import pytest

from tests.postgres import Databases
from tests.process.campaign import Campaign, lively_venue
from tests.process.simulated_venue import VENUES


def test_a_process_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    report = Campaign(directory=tmp_path / "installation", kills=4, seed=3).run()

    assert report.first_violation is None
    assert report.crash_points == 4
    assert report.positions > 0


def test_a_process_on_postgresql_that_is_killed_goes_on_where_it_was(tmp_path: Path, postgresql: Databases) -> None:
    url = postgresql.fresh().render_as_string(hide_password=False)

    report = Campaign(directory=tmp_path / "installation", kills=3, seed=4, database_url=url).run()

    assert report.first_violation is None
    assert report.crash_points == 3
    assert report.positions > 0


@pytest.mark.timeout(300)
def test_a_process_that_is_killed_while_the_venue_lives_on_goes_on_where_it_was(tmp_path: Path) -> None:
    chosen = os.environ.get("HOLDFAST_KILL_VENUE", "bybit")
    assert chosen in VENUES, f"HOLDFAST_KILL_VENUE is {chosen}: allowed are {', '.join(VENUES)}"
    with lively_venue(chosen, tmp_path / "venue", seed=5) as venue:
        report = Campaign(directory=tmp_path / "installation", kills=2, seed=5, venue=venue).run()

    assert report.first_violation is None
    assert report.crash_points == 2
    assert report.positions > 0
