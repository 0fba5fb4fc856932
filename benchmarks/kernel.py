"""The kernel beside plain pykka, in one run: ``python benchmarks/kernel.py [--json]``.

Ratios carry over to other machines, absolute figures do not.
"""

import contextlib
import gc
import json
import statistics
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pykka

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from actors.kernel import (
    Actor,
    ActorSystem,
    ActorUnavailable,
    Backoff,
    ChildSpec,
    Dispatcher,
    GroupSpec,
    Intensity,
    ThreadRuntime,
    VirtualRuntime,
    VirtualTime,
)

TELLS = 100_000
ASKS = 3_000
CRASHES = 200
ACTORS = 1_000
FANOUTS = 20
VIRTUAL_MESSAGES = 300_000
WAIT_S = 60.0
SWITCH_INTERVAL_S = 0.0005
"""What the live process sets."""


class Counter:
    """Opens its event at the ``goal``-th count; counts come from one thread, or from many that each count once."""

    def __init__(self, goal: int) -> None:
        self._left = goal
        self._lock = threading.Lock()
        self.done = threading.Event()

    def count(self) -> None:
        """One more."""
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self.done.set()


class Plain(pykka.ThreadingActor):
    """What pykka gives."""

    use_daemon_thread = True

    def on_receive(self, message: Any) -> Any:
        """Count, signal, answer."""
        if isinstance(message, threading.Event):
            message.set()
        elif isinstance(message, Counter):
            message.count()
        return message


class Supervised(Actor):
    """The same under supervision."""

    def on_receive(self, message: Any) -> Any:
        """Count, signal, answer."""
        if message == "crash":
            raise ValueError(message)
        if isinstance(message, threading.Event):
            message.set()
        elif isinstance(message, Counter):
            message.count()
        return message


class Silent(Actor):
    """Does nothing, so that only the dispatch is measured."""

    def on_receive(self, message: Any) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line: what was measured, here and with pykka (or what the design promised), in one unit."""

    what: str
    unit: str
    ours: float
    pykka: float | None = None

    @property
    def ratio(self) -> float | None:
        """Ours by theirs."""
        return self.ours / self.pykka if self.pykka else None


def live(*, count: int = 1, dispatcher: Dispatcher = Dispatcher.PINNED, kind: type[Actor] = Supervised) -> ActorSystem:
    """A running system of ``count`` like actors."""
    system = ActorSystem(runtime=ThreadRuntime())
    children = [
        ChildSpec(
            name=f"a{at}",
            factory=kind,
            dispatcher=dispatcher,
            mailbox_limit=10 * TELLS,
            intensity=Intensity(max_restarts=10 * CRASHES, within_s=WAIT_S),
        )
        for at in range(count)
    ]
    system.start(GroupSpec(name="root", children=children, intensity=Intensity(max_restarts=10 * CRASHES)), WAIT_S)
    return system


def tells_per_s(tell: Callable[[Any], None]) -> float:
    """Throughput of one teller and one actor."""
    done = threading.Event()
    began = time.perf_counter()
    for number in range(TELLS):
        tell(number)
    tell(done)
    if not done.wait(WAIT_S):
        raise TimeoutError("the tells were not handled in time")
    return TELLS / (time.perf_counter() - began)


def asks_us(ask: Callable[[Any], Any]) -> tuple[float, float]:
    """Median and 99th percentile of an ask, in microseconds."""
    taken = []
    for number in range(ASKS):
        began = time.perf_counter()
        ask(number)
        taken.append((time.perf_counter() - began) * 1e6)
    taken.sort()
    return statistics.median(taken), taken[int(len(taken) * 0.99)]


def fan_out_ms(refs: list[Any]) -> float:
    """From the first tell until the last of all has handled it, in milliseconds."""
    taken = []
    for _ in range(FANOUTS):
        counter = Counter(len(refs))
        began = time.perf_counter()
        for ref in refs:
            ref.tell(counter)
        if not counter.done.wait(WAIT_S):
            raise TimeoutError("the fan-out was not handled in time")
        taken.append((time.perf_counter() - began) * 1e3)
    return statistics.median(taken)


def crash_to_answer_ms(system: ActorSystem) -> float:
    """Crash an actor whose restarts wait for nothing, and ask it again; the median over many crashes."""
    at_once = Backoff(first_s=0.0, initial_s=0.0)
    patient = Intensity(max_restarts=10 * CRASHES, within_s=WAIT_S)
    ref = system.spawn("/", ChildSpec(name="c", factory=Supervised, backoff=at_once, intensity=patient))
    ref.ask("hello", timeout_s=WAIT_S)
    taken = []
    for _ in range(CRASHES):
        began = time.perf_counter()
        with contextlib.suppress(ActorUnavailable):
            ref.ask("crash", timeout_s=WAIT_S)
        ref.ask("again", timeout_s=WAIT_S)
        taken.append((time.perf_counter() - began) * 1e3)
    return statistics.median(taken)


def virtual_messages_per_s(*, trace: bool) -> float:
    """Plain dispatch in virtual time: told and delivered."""
    clock = VirtualTime()
    system = ActorSystem(runtime=VirtualRuntime(clock, trace=trace))
    system.start(
        GroupSpec(name="root", children=[ChildSpec(name=f"a{at}", factory=Silent) for at in range(50)]), WAIT_S
    )
    refs = [system.ref(f"a{at}") for at in range(50)]
    began = time.perf_counter()
    for _ in range(VIRTUAL_MESSAGES // 1_000):
        for number in range(1_000):
            refs[number % 50].tell(number)
        clock.run_for(0.0)
    taken = time.perf_counter() - began
    system.shutdown()
    return VIRTUAL_MESSAGES / taken


def memory_per_actor_kb(dispatcher: Dispatcher) -> float:
    """Python memory of an idle actor that has handled one message, in KB; a thread's stack is not in it."""
    gc.collect()
    tracemalloc.start()
    system = live(count=ACTORS, dispatcher=dispatcher, kind=Silent)
    for at in range(ACTORS):
        system.ref(f"a{at}").tell("hello")
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    system.shutdown()
    return size / ACTORS / 1024


def plain_memory_per_actor_kb() -> float:
    """The same for pykka."""
    gc.collect()
    tracemalloc.start()
    refs = [Plain.start() for _ in range(ACTORS)]
    for ref in refs:
        ref.tell("hello")
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    pykka.ActorRegistry.stop_all()
    return size / ACTORS / 1024


def start_ms(dispatcher: Dispatcher) -> float:
    """Until a thousand actors are up, in milliseconds."""
    began = time.perf_counter()
    system = live(count=ACTORS, dispatcher=dispatcher)
    taken = (time.perf_counter() - began) * 1e3
    system.shutdown()
    return taken


def measured() -> list[Figure]:
    """All figures."""
    figures = []
    plain, system = Plain.start(), live()
    ours = system.ref("a0")
    figures.append(Figure(what="tell", unit="1/s", ours=tells_per_s(ours.tell), pykka=tells_per_s(plain.tell)))
    p50, p99 = asks_us(lambda message: ours.ask(message, timeout_s=WAIT_S))
    plain_p50, plain_p99 = asks_us(lambda message: plain.ask(message, timeout=WAIT_S))
    figures.append(Figure(what="ask p50", unit="us", ours=p50, pykka=plain_p50))
    figures.append(Figure(what="ask p99", unit="us", ours=p99, pykka=plain_p99))
    system.shutdown()
    plain.stop()

    pooled = live(dispatcher=Dispatcher.POOL)
    figures.append(Figure(what="tell, pooled", unit="1/s", ours=tells_per_s(pooled.ref("a0").tell)))
    figures.append(Figure(what="crash to answering again", unit="ms", ours=crash_to_answer_ms(pooled)))
    pooled.shutdown()

    refs = [Plain.start() for _ in range(ACTORS)]
    plain_fan_out = fan_out_ms(refs)
    pykka.ActorRegistry.stop_all()
    for dispatcher in Dispatcher:
        system = live(count=ACTORS, dispatcher=dispatcher)
        ours_ms = fan_out_ms([system.ref(f"a{at}") for at in range(ACTORS)])
        system.shutdown()
        what = f"one event to {ACTORS} actors, {dispatcher.value}"
        figures.append(Figure(what=what, unit="ms", ours=ours_ms, pykka=plain_fan_out))
    figures.append(Figure(what=f"start of {ACTORS} actors, pool", unit="ms", ours=start_ms(Dispatcher.POOL)))

    plain_kb = plain_memory_per_actor_kb()
    for dispatcher in Dispatcher:
        what = f"memory an actor, {dispatcher.value}"
        figures.append(Figure(what=what, unit="KB", ours=memory_per_actor_kb(dispatcher), pykka=plain_kb))

    figures.append(Figure(what="virtual time", unit="1/s", ours=virtual_messages_per_s(trace=False)))
    figures.append(Figure(what="virtual time, traced", unit="1/s", ours=virtual_messages_per_s(trace=True)))
    return figures


def main() -> None:
    """Print the table, or JSON."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    figures = measured()
    if "--json" in sys.argv[1:]:
        rows = [
            {"what": each.what, "unit": each.unit, "ours": each.ours, "pykka": each.pykka, "ratio": each.ratio}
            for each in figures
        ]
        print(json.dumps(rows, indent=2))
        return
    print(f"{'':36} {'ours':>12} {'pykka':>12} {'ratio':>7}")
    for each in figures:
        other = f"{each.pykka:12,.1f} {each.ratio:7.2f}" if each.pykka else ""
        print(f"{each.what:36} {each.ours:12,.1f} {other:20} {each.unit}")


if __name__ == "__main__":
    main()
