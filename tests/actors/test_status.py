"""What the status says of signals, from the living actors of a whole world."""

from actors.status import StatusReader, VenueBook
from messages.settings import Mode
from messages.status import Health, StatusView
from tests.actors.signal_stage import START_MS, Stage
from tests.scenarios.world import BTC, World


def a_status(world: World) -> StatusView:
    process = world.process
    assert process is not None
    reader = StatusReader(
        system=process.system, journal=process.journal, mode=Mode.PAPER, account="main", started_ms=world.time.now_ms()
    )
    return reader.read(now_ms=world.time.now_ms(), book=VenueBook())


def test_refused_signals_are_counted_wherever_they_were_refused() -> None:
    world = World()
    world.start()
    world.run_for(1)
    world.signal(BTC, id="malformed", side="UP")
    world.signal(BTC, id="low", score_month=1)
    world.signal(BTC, id="good")
    world.signal(BTC, id="second")
    world.run_for(10)
    status = a_status(world)
    assert (status.signals_accepted, status.signals_rejected) == (1, 3)
    assert not status.signals_stalled
    assert status.health is Health.HEALTHY


def test_signals_that_are_stalled_are_a_flag_and_degrade_the_health() -> None:
    stage, world = Stage(), World()
    world.start()
    assert world.process is not None
    reader = StatusReader(
        system=stage.system, journal=world.process.journal, mode=Mode.PAPER, account="main", started_ms=START_MS
    )
    assert reader.read(now_ms=START_MS, book=VenueBook()).health is Health.HEALTHY
    stage.run_for(49 * 3_600)
    status = reader.read(now_ms=stage.time.now_ms(), book=VenueBook())
    assert (status.health, status.signals_stalled) == (Health.DEGRADED, True)
    assert [(part.name, part.detail) for part in status.components if part.health is Health.DEGRADED] == [
        ("signals", "no position was opened for 49 h")
    ]
