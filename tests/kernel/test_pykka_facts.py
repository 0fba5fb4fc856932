"""The facts of pykka that the kernel is built on, or built because of. A new pykka that changes one fails here."""

import queue
from importlib.metadata import version
from typing import Any

import pykka
import pytest

from actors.kernel import Actor
from tests.kernel.builders import WAIT_S


class Plain(pykka.ThreadingActor):
    use_daemon_thread = True

    def __init__(self, events: "queue.Queue[str]") -> None:
        super().__init__()
        self._events = events

    def on_receive(self, message: Any) -> Any:
        if message == "crash":
            raise ValueError("asked to")
        return message

    def on_stop(self) -> None:
        self._events.put("stop")

    def on_failure(self, *_: Any) -> None:
        self._events.put("failure")


class FailsToStart(Plain):
    def on_start(self) -> None:
        self._events.put("start")
        raise ValueError("cannot start")


def test_a_failing_start_calls_neither_on_failure_nor_on_stop() -> None:
    events: queue.Queue[str] = queue.Queue()
    ref = FailsToStart.start(events)
    assert events.get(timeout=WAIT_S) == "start"
    assert ref.actor_stopped.wait(WAIT_S)
    assert events.empty()


def test_one_failing_tell_ends_the_actor_for_all_who_come_after() -> None:
    events: queue.Queue[str] = queue.Queue()
    ref = Plain.start(events)
    ref.tell("crash")
    assert events.get(timeout=WAIT_S) == "failure"
    with pytest.raises(pykka.ActorDeadError):
        ref.tell("anything")


def test_a_failing_ask_reaches_the_asker_and_the_actor_lives_on() -> None:
    events: queue.Queue[str] = queue.Queue()
    ref = Plain.start(events)
    with pytest.raises(ValueError, match="asked to"):
        ref.ask("crash", timeout=WAIT_S)
    assert ref.ask("still there", timeout=WAIT_S) == "still there"
    ref.stop(timeout=WAIT_S)


def test_the_three_hooks_for_implementors_are_all_that_an_actor_type_must_give() -> None:
    assert pykka.Actor.__abstractmethods__ == {"_create_actor_inbox", "_create_future", "_start_actor_loop"}


def test_construction_uses_the_inbox_hook_and_starts_nothing() -> None:
    actor = Actor()
    assert actor.actor_inbox.empty()
    assert not actor.actor_stopped.is_set()


def test_starting_calls_the_loop_hook_and_returns_at_once() -> None:
    calls: list[str] = []

    class Hooked(Plain):
        def _start_actor_loop(self) -> None:
            calls.append("loop")

    ref = Hooked.start(queue.Queue())
    pykka.ActorRegistry.unregister(ref)
    assert calls == ["loop"]


def test_an_actor_of_ours_does_not_start_without_a_supervisor() -> None:
    with pytest.raises(TypeError, match="started by an ActorSystem"):
        Actor.start()


def test_a_message_put_past_the_supervisor_is_refused() -> None:
    with pytest.raises(pykka.ActorDeadError):
        pykka.ActorRef.tell(Actor()._actor_ref, "hello")


def test_a_future_is_set_once() -> None:
    future: pykka.Future[int] = Actor._create_future()
    future.set(1)
    with pytest.raises(queue.Full):
        future.set(2)
    assert future.get(timeout=WAIT_S) == 1


def test_the_version_is_the_one_whose_facts_these_are() -> None:
    assert (4, 5) <= tuple(map(int, version("pykka").split(".")[:2])) < (5, 0)
