"""Ordered shutdown, and the end that is not ordered."""

from typing import Any

import pytest

from actors.kernel import ProcessKilled, ShutdownPhase, Strategy
from tests.kernel.builders import Bench, Do, Scripted, group


def phase(name: str, message: object, *targets: str, deadline_s: float = 5.0) -> ShutdownPhase:
    return ShutdownPhase(name=name, deadline_s=deadline_s, targets=targets, message=message)


def test_the_tree_stops_in_reverse(bench: Bench) -> None:
    system = bench.start(bench.child("journal"), group("g", bench.child("a"), bench.child("b")), bench.child("intake"))
    assert system.shutdown().clean
    assert bench.diary.order("stop") == ["intake", "g/b", "g/a", "journal"]


def test_a_phase_waits_until_all_have_answered(bench: Bench) -> None:
    system = bench.start(bench.child("a"), bench.child("b"))

    def settle_first(actor: Scripted, _: Any) -> None:
        reply = actor.context.defer_reply()
        actor.context.schedule_once("settled", 2.0, Do(deed=lambda _actor, _message: reply.send("settled")))

    report = system.shutdown([phase("settle", Do(deed=settle_first), "a", "b"), phase("persist", "persist", "a")])
    assert report.clean
    assert [(each.name, each.answered) for each in report.phases] == [("settle", ("a", "b")), ("persist", ("a",))]
    assert report.phases[0].seconds == pytest.approx(2.0)


def test_a_phase_ends_at_its_deadline_and_names_who_did_not_answer(bench: Bench) -> None:
    system = bench.start(bench.child("a"), bench.child("b"))
    system.suspend("b")
    report = system.shutdown([phase("settle", "settle", "a", "b", "nobody", deadline_s=3.0)])
    assert report.phases[0].answered == ("a",)
    assert set(report.phases[0].unanswered) == {"b", "nobody"}
    assert report.stopped
    assert not report.clean


def test_a_target_that_ends_with_a_slash_is_every_actor_below_it_when_its_phase_begins(bench: Bench) -> None:
    system = bench.start(bench.child("desk"), group("position", bench.child("first")))

    def add_another(_actor: Scripted, _message: Any) -> None:
        system.spawn("position", bench.child("second"))

    report = system.shutdown([phase("start", Do(deed=add_another), "desk"), phase("settle", "settle", "position/")])
    assert report.phases[1].answered == ("position/first", "position/second")


def test_what_waits_at_the_end_is_a_dead_letter(bench: Bench) -> None:
    system = bench.start(bench.child("a"))
    system.suspend("a")
    system.ref("a").tell("waits")
    system.shutdown()
    system.ref("a").tell("too late")
    assert [letter.message for letter in system.dead_letters()] == ["waits", "too late"]
    assert system.conservation().holds


def test_a_killed_system_does_nothing_more(bench: Bench) -> None:
    system = bench.start(bench.child("a"), bench.child("b"), strategy=Strategy.ONE_FOR_ALL)
    ref = system.ref("a")
    ref.ask(Do(deed=lambda actor, _: actor.context.schedule_every("key", 1.0, "beat")))
    ref.tell("in the mailbox")
    system.kill()
    ref.tell("after the end")
    bench.time.run_for(60.0)
    assert bench.diary.handled("a") == []
    assert bench.diary.order("stop") == []


def test_a_kill_inside_an_actor_reaches_whoever_drives_the_clock(bench: Bench) -> None:
    system = bench.start(bench.child("a"))

    def die(_actor: Scripted, _message: Any) -> None:
        system.kill()
        raise ProcessKilled

    system.ref("a").tell(Do(deed=die))
    system.ref("a").tell("never")
    with pytest.raises(ProcessKilled):
        bench.time.run_for(1.0)
    bench.time.run_for(1.0)
    assert bench.diary.handled("a") == []


def test_the_clock_goes_on_for_others_when_a_system_is_killed(bench: Bench) -> None:
    first = bench.start(bench.child("a"))
    heard: list[str] = []
    bench.time.call_later(5.0, lambda: heard.append("venue"))
    first.kill()
    second = bench.start(bench.child("a"))
    bench.time.run_for(10.0)
    assert heard == ["venue"]
    assert second.ref("a").ask("hello") == "hello"
