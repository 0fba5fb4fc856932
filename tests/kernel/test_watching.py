"""DeathWatch, start order, the dependency gate, hung actors."""

from typing import Any

import pytest

from actors.kernel import (
    ActorHung,
    AskTimeout,
    GroupSpec,
    Intensity,
    NotReady,
    Restart,
    Strategy,
    VirtualHang,
)
from actors.kernel.faults import StopTimedOut
from tests.kernel.builders import CRASH, STEADY, Bench, Do, Scripted, terminated, watch


def hang(**options: Any) -> Do:
    def hangs(_actor: Scripted, _message: Any) -> None:
        raise VirtualHang(**options)

    return Do(deed=hangs)


def ends(bench: Bench) -> list[tuple[str, int, str, bool]]:
    return [
        (notice.path, notice.epoch, notice.reason, notice.will_restart) for notice in terminated(bench.diary, "watcher")
    ]


@pytest.mark.expects_crashes
def test_a_watcher_is_told_of_every_end(bench: Bench) -> None:
    parks = bench.child("a", intensity=Intensity(max_restarts=1, within_s=60), on_exhausted="park")
    system = bench.start(bench.child("watcher"), parks)
    system.ref("watcher").ask(watch(system.ref("a")))
    for _ in range(2):
        system.ref("a").tell(CRASH)
        bench.time.run_for(1.0)
    system.stop_child("a")
    bench.settle()
    assert ends(bench) == [
        ("a", 1, "crashed", True),
        ("a", 2, "crashed", False),
        ("a", 2, "parked", False),
        ("a", 2, "removed", False),
    ]


def test_a_watcher_is_told_of_orderly_ends_too(bench: Bench) -> None:
    system = bench.start(bench.child("watcher"), bench.child("a", restart=Restart.TRANSIENT))
    system.ref("watcher").ask(watch(system.ref("a")))
    system.restart("a")
    bench.settle()
    system.ref("a").tell(Do(deed=lambda actor, _: actor.context.stop()))
    bench.settle()
    assert ends(bench)[:2] == [("a", 1, "restarted", True), ("a", 2, "stopped", False)]


def test_who_watches_somebody_gone_is_told_at_once(bench: Bench) -> None:
    system = bench.start(bench.child("watcher"), bench.child("a"))
    ref = system.ref("a")
    system.stop_child("a")
    bench.settle()
    system.ref("watcher").ask(watch(ref))
    bench.settle()
    assert ends(bench) == [("a", 1, "removed", False)]


@pytest.mark.expects_crashes
def test_a_watch_ends_with_the_incarnation_that_placed_it_or_when_it_says_so(bench: Bench) -> None:
    system = bench.start(bench.child("watcher"), bench.child("other"), bench.child("a"))
    a = system.ref("a")
    for name in ("watcher", "other"):
        system.ref(name).ask(watch(a))
    system.restart("watcher")
    system.ref("other").ask(Do(deed=lambda actor, _: actor.context.unwatch(a)))
    bench.settle()
    a.tell(CRASH)
    bench.settle()
    assert terminated(bench.diary, "watcher") == terminated(bench.diary, "other") == []


def test_the_start_order_waits_for_who_is_not_ready(bench: Bench) -> None:
    def ready_later(actor: Scripted) -> None:
        actor.context.schedule_once("ready", 2.0, Do(deed=lambda a, _: a.context.ready()))

    system = bench.start(
        bench.child("exchange", on_start=ready_later, explicit_ready=True),
        bench.child("position"),
    )
    assert bench.diary.order("start") == ["exchange", "position"]
    assert bench.time.monotonic_s() == pytest.approx(2.0)
    assert system.info("position").state == "running"


def test_a_start_that_takes_too_long_says_who_is_missing(bench: Bench) -> None:
    with pytest.raises(NotReady, match="exchange"):
        bench.start(bench.child("exchange", explicit_ready=True), bench.child("position"))


def test_who_requires_something_unavailable_is_suspended_and_keeps_its_messages(bench: Bench) -> None:
    system = bench.start(bench.child("exchange"), bench.child("position", requires=("exchange",)))
    exchange, position = system.ref("exchange"), system.ref("position")
    exchange.ask(Do(deed=lambda actor, _: actor.context.set_available(False)))
    position.tell("waits")
    bench.settle()
    assert (system.info("position").state, bench.diary.handled("position")) == ("suspended", [])
    late = system.spawn("/", bench.child("late", requires=("exchange",)))
    with pytest.raises(AskTimeout):
        late.ask("hello", timeout_s=1.0)
    exchange.ask(Do(deed=lambda actor, _: actor.context.set_available(True)))
    bench.settle()
    assert bench.diary.handled("position") == ["waits"]


@pytest.mark.expects_crashes
def test_a_hung_actor_is_fenced_and_replaced_and_its_late_tells_are_refused(bench: Bench) -> None:
    system = bench.start(bench.child("a", hang_timeout_s=3.0), bench.child("b"))
    b = system.ref("b")
    system.ref("a").tell(hang(resume_after_s=20.0, then=lambda: b.tell("from the past")))
    system.ref("a").tell("next")
    bench.time.run_for(10.0)
    assert bench.diary.handled("a") == ["next"]
    (notice,) = bench.notices.of(ActorHung)
    assert (notice.path, notice.epoch, notice.message) == ("a", 1, "Do")
    bench.time.run_for(20.0)
    assert bench.diary.handled("b") == []
    assert [letter.reason for letter in system.dead_letters()] == ["hung", "stale sender"]
    assert system.conservation().holds


def test_who_is_only_slow_is_left_alone(bench: Bench) -> None:
    system = bench.start(bench.child("a", hang_timeout_s=3.0))
    system.ref("a").tell(hang(resume_after_s=2.0))
    bench.time.run_for(20.0)
    assert (system.info("a").epoch, system.conservation("a").handled) == (1, 1)


def test_a_suspended_host_declares_nobody_hung(bench: Bench) -> None:
    system = bench.start(bench.child("a", hang_timeout_s=3.0))
    incarnation = system.kernel.leaves["a"].cell.incarnation
    assert incarnation is not None
    system.ref("a").tell(hang(resume_after_s=1.5))
    bench.time.run_for(0.1)
    system.kernel.scan()
    system.kernel.scan()  # however long the host slept between the two, it is one scan more
    assert not incarnation.fenced


@pytest.mark.expects_crashes
def test_who_does_not_stop_in_time_is_abandoned(bench: Bench) -> None:
    system = bench.start(bench.child("a", hang_timeout_s=None, stop_timeout_s=2.0))
    system.ref("a").tell(hang())
    bench.settle()
    system.restart("a")
    bench.time.run_for(5.0)
    assert system.info("a").epoch == 2
    assert system.crashes("a")[0].error.startswith(StopTimedOut.__name__)


@pytest.mark.expects_crashes
def test_a_younger_sibling_starts_only_when_its_elder_is_up(bench: Bench) -> None:
    children = (bench.child("elder", backoff=STEADY), bench.child("younger"))
    system = bench.start(GroupSpec(name="g", strategy=Strategy.REST_FOR_ONE, children=children))
    system.ref("g/elder").tell(CRASH)
    bench.settle()
    assert [system.info(path).state for path in ("g/elder", "g/younger")] == ["backoff", "backoff"]
    system.restart("g/younger")
    bench.settle()
    assert bench.diary.order("start")[-2:] == ["g/elder", "g/younger"]
