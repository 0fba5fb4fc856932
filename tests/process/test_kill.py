"""A slice of the campaigns: a process that is killed leaves nothing naked, repeats nothing and loses nothing."""

from pathlib import Path

from tests.postgres import Databases
from tests.process.campaign import Campaign


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
