"""Connections that stay away are told once, are part of the health meanwhile, and are told once when they are back."""

import pytest

from actors import addresses
from actors.kernel import ActorSystem
from actors.monitors.connections import LOST_AFTER_S
from actors.status import StatusReader, VenueBook
from adapters.simulator.paper_streams import PaperStreams
from messages.connections import ConnectionSeen
from messages.journal import Severity
from messages.settings import Mode
from messages.status import ComponentView, Health
from tests.scenarios.world import AskedQueue, World

STREAM = "exchange/paper/stream"


class _Server(AskedQueue):
    """A signal server with a connection that can be down."""

    def __init__(self) -> None:
        super().__init__()
        self.why = ""

    def trouble(self) -> str:
        return self.why


class Stage:
    """A whole process whose signals come from a server."""

    def __init__(self) -> None:
        self.world = World(in_waves=True)
        self.server = self.world.signals = _Server()
        self.world.start()
        self.world.run_for(10)

    @property
    def system(self) -> ActorSystem:
        process = self.world.process
        assert process is not None
        return process.system

    def stream(self, *, up: bool) -> None:
        self.system.ref(addresses.CONNECTIONS).tell(ConnectionSeen(name=STREAM, up=up, detail="cut"))

    @property
    def told(self) -> list[tuple[str, str, Severity]]:
        kinds = ("connection_lost", "connection_back")
        return [(each.kind, each.subject, each.severity) for each in self.world.events if each.kind in kinds]

    @property
    def ailing(self) -> tuple[Health, list[ComponentView]]:
        process = self.world.process
        assert process is not None
        now_ms = self.world.time.now_ms()
        reader = StatusReader(
            system=process.system, journal=process.journal, mode=Mode.PAPER, account="main", started_ms=now_ms
        )
        view = reader.read(now_ms=now_ms, book=VenueBook())
        return view.health, [part for part in view.components if part.health is not Health.HEALTHY]


def test_a_signal_server_that_stays_away_degrades_the_health_and_is_told_until_it_is_back() -> None:
    stage = Stage()
    stage.server.why = "no signals from ws://here: refused"
    stage.world.run_for(LOST_AFTER_S - 20)
    assert (stage.told, stage.ailing) == ([], (Health.HEALTHY, []))
    stage.world.run_for(3_600)
    health, (part,) = stage.ailing
    assert (health, part.name, part.health) == (Health.DEGRADED, "signal/source", Health.DEGRADED)
    assert "no connection for 64 min: no signals from ws://here: refused" in part.detail
    assert stage.told == [("connection_lost", "signal/source", Severity.ERROR)]
    stage.server.why = ""
    stage.world.run_for(10)
    assert stage.told[1:] == [("connection_back", "signal/source", Severity.INFO)]
    assert stage.ailing == (Health.HEALTHY, [])


def test_losses_that_are_short_are_nobodys_business_however_many_they_are() -> None:
    stage = Stage()
    for _ in range(10):
        stage.stream(up=False)
        stage.world.run_for(LOST_AFTER_S - 1)
        stage.stream(up=True)
        stage.world.run_for(1)
    assert stage.told == []


def test_a_stream_that_stays_away_is_told_once_and_however_often_it_is_seen_down() -> None:
    stage = Stage()
    for _ in range(20):
        stage.stream(up=False)
        stage.world.run_for(LOST_AFTER_S / 4)
    assert stage.told == [("connection_lost", STREAM, Severity.ERROR)]
    stage.stream(up=True)
    stage.world.run_for(1)
    assert stage.told[1:] == [("connection_back", STREAM, Severity.INFO)]


@pytest.mark.parametrize("what", ["stream", "server"])
def test_a_monitor_that_was_restarted_is_told_anew_what_is_down(what: str) -> None:
    stage = Stage()
    process = stage.world.process
    assert process is not None
    if what == "server":
        stage.server.why = "refused"
    else:
        assert isinstance(process.streams, PaperStreams)
        process.streams.drop(for_s=3_600)
    stage.world.run_for(1)
    stage.system.restart(addresses.CONNECTIONS)
    stage.world.run_for(LOST_AFTER_S + 20)
    assert [kind for kind, _, _ in stage.told] == ["connection_lost"]
