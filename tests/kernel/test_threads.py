"""The kernel on real threads: the same promises, under stress."""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from actors.kernel import (
    Actor,
    ActorHung,
    ActorSystem,
    ActorUnavailable,
    AskRefused,
    AskTimeout,
    Backoff,
    ChildSpec,
    Dispatcher,
    GroupSpec,
    Intensity,
    Notice,
    Ref,
    ShutdownPhase,
    Strategy,
    ThreadRuntime,
)
from messages.delivery import Delivery
from tests.kernel.builders import WAIT_S, Watched

ROOT = Path(__file__).resolve().parents[2]
ACTORS = 12
TELLERS = 4
MESSAGES = 2_000
QUICK = Backoff(first_s=0.0, initial_s=0.001, cap_s=0.01)
FOR_EVER = Intensity(max_restarts=1_000_000, within_s=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """Handled once, or not at all."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried(Numbered):
    """Handled until it is."""

    DELIVERY: ClassVar[Delivery] = Delivery(idempotent=True)


class Worker(Actor):
    """Counts, passes on, and crashes at every hundredth message."""

    def __init__(self, handled: "Counter[int]") -> None:
        super().__init__()
        self._handled = handled

    def on_receive(self, message: Any) -> Any:
        match message:
            case threading.Event():
                message.wait(WAIT_S)
            case ("tell", Ref() as target, what):
                target.tell(what)
            case ("ask", Ref() as target, what):
                return target.ask(what, timeout_s=WAIT_S)
            case Numbered(number=number):
                if number % 100 == 99 and self._handled[number] == 0 and not isinstance(message, Retried):
                    raise ValueError(number)
                self._handled[number] += 1
            case "thread":
                return threading.get_ident()
        return message


class Signal:
    """An event that some notice sets."""

    def __init__(self, wanted: Callable[[Notice], bool]) -> None:
        self._wanted = wanted
        self.seen = threading.Event()

    def __call__(self, notice: Notice) -> None:
        if self._wanted(notice):
            self.seen.set()


@pytest.fixture
def live() -> Iterator[Callable[..., ActorSystem]]:
    systems: list[ActorSystem] = []

    def start(*children: ChildSpec, strategy: Strategy = Strategy.ONE_FOR_ONE, scan_s: float = 0.05) -> ActorSystem:
        system = ActorSystem(runtime=ThreadRuntime(scan_interval_s=scan_s))
        systems.append(system)
        system.start(GroupSpec(name="root", strategy=strategy, children=children, intensity=FOR_EVER), WAIT_S)
        return system

    yield start
    for system in systems:
        if not system.killed:
            system.shutdown(stop_timeout_s=WAIT_S)


def worker(name: str, handled: "Counter[int] | None" = None, **policy: Any) -> ChildSpec:
    counter = handled if handled is not None else Counter[int]()
    policy.setdefault("intensity", FOR_EVER)
    policy.setdefault("backoff", QUICK)
    return ChildSpec(name=name, factory=lambda: Worker(counter), **policy)


def eventually(answer: Callable[[], bool]) -> bool:
    """Poll for what no event announces; gives up after ``WAIT_S``."""
    deadline_s, pause = time.monotonic() + WAIT_S, threading.Event()
    while not answer():
        if time.monotonic() > deadline_s:
            return False
        pause.wait(0.005)
    return True


@pytest.mark.expects_crashes
@pytest.mark.parametrize("dispatcher", Dispatcher)
def test_nothing_is_lost_or_doubled_while_threads_tell_and_actors_crash(
    live: Callable[..., ActorSystem], dispatcher: Dispatcher
) -> None:
    handled: list[Counter[int]] = [Counter() for _ in range(ACTORS)]
    system = live(
        *(worker(f"w{at}", handled[at], dispatcher=dispatcher, mailbox_limit=1_000_000) for at in range(ACTORS))
    )
    refs = [system.ref(f"w{at}") for at in range(ACTORS)]

    def tell(teller: int) -> None:
        for number in range(teller * MESSAGES, (teller + 1) * MESSAGES):
            kind = Retried if number % 2 else Numbered
            refs[number % ACTORS].tell(kind(number=number))

    threads = [threading.Thread(target=tell, args=(teller,)) for teller in range(TELLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=WAIT_S)
    assert eventually(lambda: system.conservation().queued == 0)
    total = system.conservation()
    assert total.holds
    assert total.told == TELLERS * MESSAGES
    times = Counter[int]()
    for counter in handled:
        times.update(counter)
    assert max(times.values()) == 1
    assert sum(times.values()) == total.handled


@pytest.mark.expects_crashes
def test_a_crash_is_answered_and_the_next_ask_meets_the_next_incarnation(live: Callable[..., ActorSystem]) -> None:
    system = live(worker("a"))
    with pytest.raises(ActorUnavailable):
        system.ref("a").ask(Numbered(number=99), timeout_s=WAIT_S)
    assert system.ref("a").ask("hello", timeout_s=WAIT_S) == "hello"
    assert system.info("a").epoch == 2


@pytest.mark.expects_crashes
@pytest.mark.parametrize("dispatcher", Dispatcher)
def test_a_hung_thread_is_replaced_and_seen_and_refused(
    live: Callable[..., ActorSystem], dispatcher: Dispatcher
) -> None:
    system = live(worker("a", dispatcher=dispatcher, hang_timeout_s=0.3), worker("b"))
    hung = Signal(lambda notice: isinstance(notice, ActorHung))
    notices = Watched()
    system.subscribe(notices)
    system.subscribe(hung)
    release = threading.Event()
    system.ref("a").tell(release)
    assert hung.seen.wait(WAIT_S)
    assert system.ref("a").ask("hello", timeout_s=WAIT_S) == "hello"
    (notice,) = notices.of(ActorHung)
    assert "message.wait(WAIT_S)" in notice.stack
    release.set()
    assert eventually(lambda: system.conservation("a").queued == 0)
    assert system.conservation("a").holds


def test_two_actors_that_ask_each_other_are_refused_not_locked(live: Callable[..., ActorSystem]) -> None:
    system = live(worker("a", dispatcher=Dispatcher.PINNED), worker("b", dispatcher=Dispatcher.PINNED))
    a, b = system.ref("a"), system.ref("b")
    with pytest.raises((AskRefused, ActorUnavailable)):
        a.ask(("ask", b, ("ask", a, "hello")), timeout_s=WAIT_S)


def test_pinned_actors_have_threads_of_their_own_and_pooled_ones_share(live: Callable[..., ActorSystem]) -> None:
    pinned = [worker(f"p{at}", dispatcher=Dispatcher.PINNED) for at in range(3)]
    system = live(*pinned, *(worker(f"s{at}") for at in range(20)))
    own = {system.ref(f"p{at}").ask("thread", timeout_s=WAIT_S) for at in range(3)}
    shared = {system.ref(f"s{at}").ask("thread", timeout_s=WAIT_S) for at in range(20)}
    assert len(own) == 3
    assert len(shared) <= 4
    assert not own & shared


READS_STACKS_AMONG_GARBAGE = """
import gc, threading
from actors.kernel import ThreadRuntime

class Stuck:
    pinned, label = True, "stuck"
    def __init__(self): self.entered, self.left = threading.Event(), threading.Event()
    def step(self): self.entered.set(); return not self.left.wait(20.0)
    def finished(self): return False

def throw_away_a_local():
    cycle = [threading.local()]
    cycle[0].value = 1
    cycle.append(cycle)

runtime, stuck = ThreadRuntime(), Stuck()
runtime.start(lambda: False)
for _ in range(20):
    threading.Thread(target=stuck.left.wait, args=(20.0,), daemon=True).start()
runtime.schedule(stuck)
stuck.entered.wait(20.0)
for offset in range(400):
    gc.disable()
    throw_away_a_local()
    gc.set_threshold(gc.get_count()[0] + offset % 40 + 1, 1, 1)
    gc.enable()
    assert "step" in runtime.stack(stuck)
    stuck.left.wait(0.001)
stuck.left.set()
runtime.stop()
print("done")
"""


def test_a_stack_is_read_even_while_garbage_is_collected() -> None:
    finished = subprocess.run(
        [sys.executable, "-c", READS_STACKS_AMONG_GARBAGE],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (finished.stdout, finished.stderr) == ("done\n", "")


def test_an_ask_times_out_in_real_time(live: Callable[..., ActorSystem]) -> None:
    system = live(worker("a"))
    system.suspend("a")
    assert eventually(lambda: system.info("a").state == "suspended")
    with pytest.raises(AskTimeout):
        system.ref("a").ask("hello", timeout_s=0.05)


def test_a_shutdown_ends_every_thread(live: Callable[..., ActorSystem]) -> None:
    before = set(threading.enumerate())
    system = live(worker("a", dispatcher=Dispatcher.PINNED), worker("b"))
    phase = ShutdownPhase(name="settle", deadline_s=WAIT_S, targets=("a", "b"), message="settle")
    assert system.shutdown([phase]).clean
    assert eventually(lambda: not [each for each in threading.enumerate() if each not in before])


def test_a_kill_ends_deliveries_at_once(live: Callable[..., ActorSystem]) -> None:
    system = live(worker("a"))
    ref = system.ref("a")
    system.kill()
    ref.tell("never")
    assert system.conservation("a").told == 0


def test_a_thousand_actors_start_within_seconds(live: Callable[..., ActorSystem]) -> None:
    system = live()
    for at in range(1_000):
        system.spawn("/", worker(f"w{at}"))
    assert eventually(lambda: all(leaf.cell.incarnation is not None for leaf in tuple(system.kernel.leaves.values())))
    assert eventually(lambda: system.tree().state == "running")
    assert len(system.paths()) == 1_000
