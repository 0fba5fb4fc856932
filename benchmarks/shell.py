"""What looking costs: a thousand actors at work, and a shell that looks on (``python -m benchmarks.shell``).

Figures of one run: the time of each answer over the real socket, and the share of one core that ``top`` once a second
takes of this process (CPU seconds of the thread that serves it, so that a busy machine does not count).
"""

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from loguru import logger

from actors.control.all_commands import all_commands
from actors.control.cockpit import Cockpit
from actors.kernel import Actor, ActorSystem, ChildSpec, GroupSpec, ThreadRuntime
from adapters.shell.client import ShellClient
from adapters.shell.keys import make_keys
from adapters.shell.server import Session, ShellServer
from messages.settings import Mode
from messages.shell import Role
from messages.status import Health, StatusView

ACTORS = 1_000
LOOKS = 20
ASKS = 200
LOAD_PER_S = 2_000
SWITCH_INTERVAL_S = 0.0005
"""What the live process sets."""


class Worker(Actor):
    """Counts what it is told, and shows it."""

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    def on_receive(self, _message: object) -> None:
        """One more."""
        self._count += 1

    def describe(self) -> Mapping[str, object]:
        """What the shell shows."""
        return {"count": self._count}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellFigures:
    """Milliseconds, the median and the worst; and percent of one core."""

    actors: int
    load_per_s: int
    top_p50_ms: float
    top_max_ms: float
    top_core_percent: float
    info_p50_ms: float
    info_p99_ms: float
    state_p50_ms: float
    state_p99_ms: float
    stack_p50_ms: float
    stack_p99_ms: float


class ServedTime:
    """How much CPU the answers took, on the threads that give them."""

    def __init__(self, handler: Callable[[Session, str, Mapping[str, Any]], object]) -> None:
        self._handler = handler
        self.seconds = 0.0

    def __call__(self, session: Session, command: str, arguments: Mapping[str, Any]) -> object:
        """Carry it out, and count."""
        began_s = time.thread_time()
        answer = self._handler(session, command, arguments)
        self.seconds += time.thread_time() - began_s
        return answer


def measure(data_dir: Path) -> ShellFigures:
    """One run."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    system = ActorSystem(runtime=ThreadRuntime())
    system.start(GroupSpec(name="root", children=[ChildSpec(name=f"w{n}", factory=Worker) for n in range(ACTORS)]))
    cockpit = Cockpit(
        system=system,
        status=lambda: StatusView(health=Health.HEALTHY, mode=Mode.PAPER, now_ms=0, started_ms=0),
        mode=Mode.PAPER,
        account="main",
        owner_epoch=1,
        now_ms=system.runtime.now_ms,
        stop=lambda: None,
    )
    registry = all_commands()
    served = ServedTime(lambda session, command, arguments: registry.run(cockpit, session, command, arguments))
    server = ShellServer(data_dir=data_dir, keys=make_keys(data_dir), handler=served)
    server.start()
    over = threading.Event()
    load = threading.Thread(target=_load, args=(system, over), daemon=True)
    load.start()
    try:
        with ShellClient(data_dir, Role.VIEWER) as client:
            # The first who asks for rates waits a second for them, on purpose: it is no answer time.
            client.ask("top", {"by": "rate"})
            served.seconds = 0.0
            began_s = time.monotonic()
            top = []
            for _ in range(LOOKS):
                top.append(_timed_ms(client, "top", {"by": "rate"}))
                over.wait(max(1.0 - top[-1] / 1_000, 0))
            share = 100 * served.seconds / (time.monotonic() - began_s)
            answers = {
                command: [_timed_ms(client, command, {"path": f"w{number % ACTORS}"}) for number in range(ASKS)]
                for command in ("info", "state", "stack")
            }
    finally:
        over.set()
        load.join(5)
        server.stop()
        system.shutdown()
    return ShellFigures(
        actors=ACTORS,
        load_per_s=LOAD_PER_S,
        top_p50_ms=_p50(top),
        top_max_ms=round(max(top), 3),
        top_core_percent=round(share, 2),
        info_p50_ms=_p50(answers["info"]),
        info_p99_ms=_p99(answers["info"]),
        state_p50_ms=_p50(answers["state"]),
        state_p99_ms=_p99(answers["state"]),
        stack_p50_ms=_p50(answers["stack"]),
        stack_p99_ms=_p99(answers["stack"]),
    )


def _load(system: ActorSystem, over: threading.Event) -> None:
    refs = [system.ref(path) for path in system.paths()]
    while not over.wait(0.05):
        for ref in refs[: LOAD_PER_S // 20]:
            ref.tell("work")


def _timed_ms(client: ShellClient, command: str, arguments: Mapping[str, object]) -> float:
    began_s = time.perf_counter()
    client.ask(command, arguments)
    return (time.perf_counter() - began_s) * 1_000


def _p50(values: list[float]) -> float:
    return round(statistics.median(values), 3)


def _p99(values: list[float]) -> float:
    return round(statistics.quantiles(values, n=100)[-1], 3)


def main() -> None:
    """Measure, and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="for scripts")
    logger.remove()
    as_json = parser.parse_args().json
    with tempfile.TemporaryDirectory() as directory:
        figures = msgspec.to_builtins(measure(Path(directory)))
    if as_json:
        print(msgspec.json.encode(figures).decode())
        return
    for name, value in figures.items():
        print(f"{name:18} {value}")


if __name__ == "__main__":
    main()
