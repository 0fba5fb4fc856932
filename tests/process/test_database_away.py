"""PostgreSQL stops in the middle of a live run: protection goes on, opening does not, and nothing is lost."""

from pathlib import Path

from tests.postgres import Databases
from tests.process.outage import Outage


def test_while_the_database_is_away_stops_move_nothing_is_opened_and_nothing_is_lost(
    tmp_path: Path, stoppable_postgresql: Databases
) -> None:
    report = Outage(directory=tmp_path / "installation", server=stoppable_postgresql, seconds=6).run()

    assert report.problems == []
    assert report.stops_moved > 0
    assert report.opened_meanwhile == 0
    assert report.refused_meanwhile > 0
    assert report.spooled > 0


def test_a_process_that_is_killed_while_the_database_is_away_protects_from_the_spool_and_the_venue(
    tmp_path: Path, stoppable_postgresql: Databases
) -> None:
    report = Outage(directory=tmp_path / "installation", server=stoppable_postgresql, seconds=8, kills=2).run()

    assert report.problems == []
    assert report.opened_meanwhile == 0
