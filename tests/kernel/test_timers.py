"""Timers are keyed, belong to one incarnation, and never pile up."""

from typing import Any

import pytest

from actors.kernel import Conservation
from actors.kernel.timer_heap import COMPACT_FROM, TimerHeap
from tests.kernel.builders import CRASH, Bench, Do, Scripted


def setting(*calls: Any) -> Do:
    def set_them(actor: Scripted, _: Any) -> None:
        for call in calls:
            call(actor.context)

    return Do(deed=set_them)


def test_a_timer_comes_when_it_is_due(bench: Bench) -> None:
    system = bench.start(bench.child("a"))
    system.ref("a").tell(setting(lambda context: context.schedule_once("key", 2.5, "now")))
    bench.time.run_for(2.4)
    assert bench.diary.handled("a") == []
    bench.time.run_for(0.1)
    assert bench.diary.handled("a") == ["now"]


def test_a_timer_replaces_the_one_of_its_key(bench: Bench) -> None:
    system = bench.start(bench.child("a"))
    system.ref("a").tell(
        setting(
            lambda context: context.schedule_once("key", 1.0, "old"),
            lambda context: context.schedule_once("key", 2.0, "new"),
            lambda context: context.schedule_once("other", 1.0, "other"),
        )
    )
    bench.time.run_for(5.0)
    assert bench.diary.handled("a") == ["other", "new"]


def test_a_cancelled_timer_does_not_come_even_if_its_message_waits(bench: Bench) -> None:
    system = bench.start(bench.child("a"))
    system.ref("a").tell(setting(lambda context: context.schedule_once("key", 1.0, "never")))
    bench.settle()
    system.suspend("a")
    bench.time.run_for(2.0)
    assert system.info("a").depth == 1
    system.resume("a")
    system.kernel.leaves["a"].cell.incarnation.actor.context.cancel("key")  # type: ignore[union-attr]
    bench.settle()
    assert bench.diary.handled("a") == []
    assert system.conservation("a") == Conservation(told=1, handled=1, dead_lettered=0, queued=0)


def test_a_repeating_timer_keeps_its_beat_and_waits_at_most_once(bench: Bench) -> None:
    system = bench.start(bench.child("a"))
    system.ref("a").tell(setting(lambda context: context.schedule_every("key", 1.0, "beat")))
    bench.time.run_for(3.5)
    assert bench.diary.handled("a") == ["beat"] * 3
    system.suspend("a")
    bench.time.run_for(100.0)
    assert system.info("a").depth == 1
    system.resume("a")
    bench.time.run_for(1.0)
    assert bench.diary.handled("a") == ["beat"] * 5


@pytest.mark.expects_crashes
def test_timers_die_with_their_incarnation(bench: Bench) -> None:
    system = bench.start(bench.child("a"))
    system.ref("a").tell(setting(lambda context: context.schedule_every("key", 1.0, "beat")))
    system.ref("a").tell(CRASH)
    bench.time.run_for(10.0)
    assert bench.diary.handled("a") == ["crash"]


def test_a_timer_may_be_set_again_by_its_own_message(bench: Bench) -> None:
    system = bench.start(bench.child("a"))

    def again(actor: Scripted, message: Any) -> None:
        actor.diary.write(actor.context, "again")
        actor.context.schedule_once("key", 1.0, message)

    system.ref("a").tell(Do(deed=again))
    bench.time.run_for(3.0)
    assert bench.diary.handled("a") == ["again"] * 4


def test_pending_timers_can_be_seen(bench: Bench) -> None:
    system = bench.start(bench.child("a"))
    system.ref("a").ask(setting(lambda context: context.schedule_once("key", 3.0, "now")))
    (timer,) = system.timers("a")
    assert timer.key == "key"
    assert timer.due_in_s == pytest.approx(3.0)


def test_cancelled_calls_do_not_fill_the_heap() -> None:
    heap = TimerHeap()
    for at in range(20 * COMPACT_FROM):
        heap.push(float(at), lambda: None).cancel()
    assert len(heap) <= 3 * COMPACT_FROM
    assert heap.soonest() is None


def test_a_negative_delay_is_refused(bench: Bench) -> None:
    system = bench.start(bench.child("a"))

    def refuse(actor: Scripted, _: Any) -> None:
        with pytest.raises(ValueError, match="cannot wait"):
            actor.context.schedule_once("key", -1.0, "never")

    system.ref("a").ask(Do(deed=refuse))
