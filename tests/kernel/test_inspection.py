"""What can be seen from outside, without the actors' help."""

import threading

import pytest

from actors.kernel import ActorSystem, Conservation, Handled, ThreadRuntime
from actors.kernel.inspection import NOTHING
from messages.delivery import Lane
from tests.kernel.builders import CRASH, WAIT_S, Bench, Do, Report, Scripted, Stop, group


def test_the_tree_shows_groups_and_actors_in_start_order(bench: Bench) -> None:
    system = bench.start(bench.child("journal"), group("g", bench.child("a"), bench.child("b/c")))
    tree = system.tree()
    assert (tree.path, tree.state) == ("/", "running")
    assert [node.path for node in tree.children] == ["journal", "g"]
    assert [node.path for node in tree.children[1].children] == ["g/a", "g/b/c"]


def test_a_mailbox_can_be_looked_into_by_lane(bench: Bench) -> None:
    system = bench.start(bench.child("a"))
    system.suspend("a")
    bench.settle()
    for message in ("normal", Report(), Stop()):
        system.ref("a").tell(message)
    assert system.depths("a") == {Lane.CONTROL: 0, Lane.PROTECTIVE: 1, Lane.NORMAL: 1, Lane.BULK: 1}
    assert system.peek("a") == (Stop(), "normal", Report())
    info = system.info("a")
    assert (info.state, info.depth, info.holds) == ("suspended", 3, ("operator",))


@pytest.mark.expects_crashes
def test_crashes_are_kept_with_their_traceback(bench: Bench) -> None:
    system = bench.start(bench.child("a"))
    system.ref("a").tell(CRASH)
    bench.settle()
    (record,) = system.crashes("a")
    assert (record.epoch, record.phase, record.message, record.error) == (1, "receive", "Do", "Planned: Do")
    assert "raise Planned" in record.traceback
    assert record.fingerprint.startswith("Planned@builders.py:crash:")
    assert system.info("a").last_error == "Planned: Do"


def test_the_whole_adds_up_over_removed_addresses(bench: Bench) -> None:
    system = bench.start(bench.child("a"), bench.child("b"))
    refs = [system.ref("a"), system.ref("b")]
    for ref in refs:
        ref.tell("hello")
    bench.settle()
    system.stop_child("a")
    bench.settle()
    refs[0].tell("nobody there")
    assert system.conservation() == Conservation(told=3, handled=2, dead_lettered=1, queued=0)
    assert system.conservation("b") == Conservation(told=1, handled=1, dead_lettered=0, queued=0)
    assert NOTHING.holds


def test_a_group_may_be_stopped_as_a_whole(bench: Bench) -> None:
    system = bench.start(bench.child("journal"), group("g", bench.child("a"), bench.child("b")))
    system.stop_child("g")
    bench.settle()
    assert system.paths() == ["journal"]
    assert bench.diary.order("stop") == ["g/b", "g/a"]
    with pytest.raises(KeyError, match="no group g"):
        system.spawn("g", bench.child("c"))


def note(actor: Scripted, _message: object) -> None:
    actor.notes["mood"] = "good"


def test_an_actor_shows_its_state_between_two_messages(bench: Bench) -> None:
    system = bench.start(bench.child("a"))
    system.ref("a").tell(Do(deed=note))
    bench.settle()
    assert system.described("a", timeout_s=1.0) == ({"mood": "good"}, True)
    assert bench.diary.handled("a") == []


def test_a_suspended_actor_is_looked_at_from_outside_and_that_is_said(bench: Bench) -> None:
    system = bench.start(bench.child("a"))
    system.ref("a").tell(Do(deed=note))
    bench.settle()
    system.suspend("a")
    bench.settle()
    assert system.described("a", timeout_s=1.0) == ({"mood": "good"}, False)
    system.resume("a")
    bench.settle()
    assert system.conservation("a").holds


def test_an_actor_in_the_middle_of_a_message_is_looked_at_from_outside(bench: Bench) -> None:
    begun, end = threading.Event(), threading.Event()

    def wait(actor: Scripted, message: object) -> None:
        note(actor, message)
        begun.set()
        end.wait(WAIT_S)

    system = ActorSystem(runtime=ThreadRuntime())
    system.start(group("root", bench.child("a")))
    try:
        system.ref("a").tell(Do(deed=wait))
        assert begun.wait(WAIT_S)
        assert system.described("a", timeout_s=0.02) == ({"mood": "good"}, False)
        assert "end.wait" in system.stack("a")
    finally:
        end.set()
        system.shutdown()


@pytest.mark.expects_crashes
def test_an_actor_can_be_made_to_crash_and_comes_back(bench: Bench) -> None:
    system = bench.start(bench.child("a"))
    system.crash("a", "to see it")
    bench.time.run_for(WAIT_S)
    (record,) = system.crashes("a")
    assert "an operator asked for it: to see it" in record.error
    assert (system.info("a").state, system.info("a").epoch) == ("running", 2)
    assert system.conservation().holds


@pytest.mark.expects_crashes
def test_a_trace_tells_what_is_handled_until_it_ends(bench: Bench) -> None:
    system = bench.start(bench.child("a"))
    seen: list[Handled] = []
    system.trace("a", seen.append)
    system.ref("a").tell("first")
    system.ref("a").tell(CRASH)
    bench.time.run_for(WAIT_S)
    system.trace("a", None)
    system.ref("a").tell("second")
    bench.settle()
    assert [(each.path, each.outcome) for each in seen] == [("a", "handled"), ("a", "crashed")]
    assert seen[0].message == "first"
    assert seen[0].took_s >= 0
    assert bench.diary.handled("a").count("second") == 1


def test_a_tracer_that_fails_does_not_touch_the_actor(bench: Bench) -> None:
    system = bench.start(bench.child("a"))

    def fails(_handled: Handled) -> None:
        raise ValueError("a mistake in the tracer")

    system.trace("a", fails)
    system.ref("a").tell("on")
    bench.settle()
    assert bench.diary.handled("a") == ["on"]
    assert system.conservation().holds
