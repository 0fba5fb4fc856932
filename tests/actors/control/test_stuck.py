"""While something is stuck, the shell still answers, and shows what it is and where."""

import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from actors.control.all_commands import all_commands
from actors.control.cockpit import Cockpit
from actors.kernel import Actor, ActorSystem, ChildSpec, Dispatcher, GroupSpec, ThreadRuntime
from messages.settings import Mode
from messages.shell import Role
from messages.status import Health, StatusView

WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Read:
    """Read from a connection on which nothing ever comes."""

    connection: socket.socket
    begun: threading.Event


@dataclass(frozen=True, slots=True)
class Spin:
    """Compute for as long as nobody says that it is enough."""

    begun: threading.Event
    enough: threading.Event


class Worker(Actor):
    """Does what it is told, for as long as it takes."""

    def on_receive(self, message: Read | Spin) -> None:
        message.begun.set()
        if isinstance(message, Read):
            message.connection.recv(1)
            return
        while not message.enough.is_set():
            pass


@dataclass
class Viewer:
    """A client that only looks."""

    role: Role = Role.VIEWER
    sent: list[object] = field(default_factory=list)

    def send(self, event: object) -> None:
        self.sent.append(event)

    def waited(self, seconds: float) -> bool:
        return seconds >= 0


class Desk:
    """A live system with two workers, and the shell's commands over it."""

    def __init__(self) -> None:
        self.system = ActorSystem(runtime=ThreadRuntime())
        workers = [ChildSpec(name=name, factory=Worker, dispatcher=Dispatcher.PINNED) for name in ("stuck", "other")]
        self.system.start(GroupSpec(name="root", children=workers))
        self.cockpit = Cockpit(
            system=self.system,
            status=lambda: StatusView(health=Health.HEALTHY, mode=Mode.PAPER, now_ms=0, started_ms=0),
            mode=Mode.PAPER,
            account="main",
            owner_epoch=1,
            now_ms=self.system.runtime.now_ms,
            stop=lambda: None,
        )
        self.registry = all_commands()

    def ask(self, command: str, arguments: Mapping[str, Any] | None = None) -> Any:
        return self.registry.run(self.cockpit, Viewer(), command, arguments or {})


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.system.shutdown(stop_timeout_s=WAIT_S)


def test_an_actor_that_hangs_in_a_system_call_is_shown_with_where_it_hangs(desk: Desk) -> None:
    ours, theirs = socket.socketpair()
    begun = threading.Event()
    with ours, theirs:
        desk.system.ref("stuck").tell(Read(ours, begun))
        assert begun.wait(WAIT_S)
        shown = desk.ask("stack", {"path": "stuck"})
        assert shown["in_flight"] == "Read"
        assert "connection.recv" in shown["stack"]
        (turn,) = desk.ask("waits")["turns"]
        assert (turn["path"], turn["in_flight"]) == ("stuck", "Read")
        assert desk.ask("top", {"by": "busy"})["rows"][0]["path"] == "stuck"
        theirs.send(b"x")


def test_an_actor_in_a_busy_loop_is_shown_with_where_it_turns(desk: Desk) -> None:
    begun, enough = threading.Event(), threading.Event()
    desk.system.ref("stuck").tell(Spin(begun, enough))
    assert begun.wait(WAIT_S)
    try:
        assert "enough.is_set" in desk.ask("stack", {"path": "stuck"})["stack"]
        assert desk.ask("info", {"path": "stuck"})["in_flight"] == "Spin"
        assert desk.ask("state", {"path": "stuck"}) == {"path": "stuck", "consistent": False, "state": {}}
    finally:
        enough.set()


def test_everything_is_shown_while_the_kernel_itself_is_stalled(desk: Desk) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def stall() -> None:
        begun.set()
        go_on.wait(WAIT_S)

    desk.system.runtime.decide(stall)
    assert begun.wait(WAIT_S)
    try:
        assert [child["path"] for child in desk.ask("tree")["children"]] == ["stuck", "other"]
        assert {row["state"] for row in desk.ask("top")["rows"]} == {"running"}
        assert desk.ask("info", {"path": "other"})["state"] == "running"
        assert desk.ask("timers", {"path": "other"}) == []
        assert desk.ask("peek", {"path": "other"})["messages"] == []
    finally:
        go_on.set()
