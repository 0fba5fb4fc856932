"""The picture of a system that changes while it is drawn."""

from collections.abc import Iterator
from typing import cast

import pytest

from actors.kernel import Intensity
from actors.ports import JournalPort
from actors.status import StatusReader, VenueBook
from messages.journal import JournalHealth
from messages.settings import Mode
from messages.status import ComponentView
from tests.kernel.builders import CRASH, START_MS, Bench

NEVER = Intensity(max_restarts=0, within_s=60)


class HealthyJournal:
    """Only its health is looked at."""

    def health(self) -> JournalHealth:
        return JournalHealth(store_available=True, spooled=0)


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    for system in bench.systems:
        system.kill()


def components_of(reader: StatusReader) -> dict[str, ComponentView]:
    return {each.name: each for each in reader.read(now_ms=START_MS, book=VenueBook()).components}


def test_an_actor_that_is_being_added_does_not_spoil_the_picture(bench: Bench) -> None:
    """Its address is known a moment before the kernel has a place for it; the process once ended over that."""
    system = bench.start(bench.child("a"))
    journal = cast("JournalPort", HealthyJournal())
    reader = StatusReader(system=system, journal=journal, mode=Mode.PAPER, account="main", started_ms=START_MS)
    system.spawn("/", bench.child("new"))
    assert "new" in system.paths()
    assert set(components_of(reader)) == {"journal"}


def test_an_actor_that_was_given_up_on_is_in_the_picture(bench: Bench) -> None:
    system = bench.start(bench.child("a", intensity=NEVER, on_exhausted="park"))
    journal = cast("JournalPort", HealthyJournal())
    reader = StatusReader(system=system, journal=journal, mode=Mode.PAPER, account="main", started_ms=START_MS)
    system.ref("a").tell(CRASH)
    bench.time.run_for(60.0)
    assert "parked" in components_of(reader)["a"].detail
