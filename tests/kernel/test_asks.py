"""Asks are answered, or fail for a reason that is said."""

import contextlib
from typing import Any

import pytest

from actors.kernel import ActorUnavailable, AskRefused, AskTimeout, Ref, Reply
from tests.kernel.builders import CRASH, Bench, Do, Scripted


def asking(target: Ref, message: object = "hello", timeout_s: float = 5.0) -> Do:
    return Do(deed=lambda _actor, _message: target.ask(message, timeout_s=timeout_s))


def test_what_on_receive_returns_is_the_answer(bench: Bench) -> None:
    assert bench.start(bench.child("a")).ref("a").ask("hello") == "hello"


def test_an_actor_may_ask_another(bench: Bench) -> None:
    system = bench.start(bench.child("a"), bench.child("b"))
    assert system.ref("a").ask(asking(system.ref("b"))) == "hello"


def test_an_ask_that_is_not_answered_times_out(bench: Bench) -> None:
    system = bench.start(bench.child("a"))
    system.suspend("a")
    with pytest.raises(AskTimeout):
        system.ref("a").ask("hello", timeout_s=3.0)
    assert bench.time.monotonic_s() == pytest.approx(3.0)


def test_an_ask_whose_asker_gave_up_is_not_handled(bench: Bench) -> None:
    system = bench.start(bench.child("a"))
    system.suspend("a")
    with pytest.raises(AskTimeout):
        system.ref("a").ask("hello", timeout_s=3.0)
    bench.time.run_for(1.0)
    system.resume("a")
    bench.settle()
    assert bench.diary.handled("a") == []
    assert [letter.reason for letter in system.dead_letters()] == ["ask expired"]


def test_the_deadline_travels_with_the_ask(bench: Bench) -> None:
    system = bench.start(bench.child("a"), bench.child("b"))
    system.suspend("b")
    gave_up_s: list[float] = []

    def ask_for_long(actor: Scripted, _: Any) -> None:
        with pytest.raises(AskTimeout):
            system.ref("b").ask("hello", timeout_s=60.0)
        gave_up_s.append(actor.context.monotonic_s())

    with contextlib.suppress(AskTimeout):
        system.ref("a").ask(Do(deed=ask_for_long), timeout_s=2.0)
    assert gave_up_s == pytest.approx([2.0])


@pytest.mark.expects_crashes
def test_an_ask_in_flight_at_a_crash_is_answered(bench: Bench) -> None:
    system = bench.start(bench.child("a"))
    with pytest.raises(ActorUnavailable, match="a did not answer: crashed"):
        system.ref("a").ask(CRASH)


def test_an_actor_that_asks_itself_is_refused(bench: Bench) -> None:
    system = bench.start(bench.child("a"))
    refused: list[AskRefused] = []

    def ask_itself(actor: Scripted, _: Any) -> None:
        with pytest.raises(AskRefused) as raised:
            actor.context.self_ref.ask("hello")
        refused.append(raised.value)

    system.ref("a").ask(Do(deed=ask_itself))
    assert refused[0].cycle == ("a", "a")


def test_a_cycle_of_asks_is_refused_with_its_path(bench: Bench) -> None:
    system = bench.start(bench.child("a"), bench.child("b"), bench.child("c"))
    a, b, c = (system.ref(path) for path in "abc")
    refused: list[AskRefused] = []

    def close_the_circle(_actor: Scripted, _message: Any) -> str:
        with pytest.raises(AskRefused) as raised:
            a.ask("hello")
        refused.append(raised.value)
        return "refused"

    assert a.ask(asking(b, asking(c, Do(deed=close_the_circle)))) == "refused"
    assert refused[0].cycle == ("c", "a", "b", "c")


def test_an_answer_may_be_given_later(bench: Bench) -> None:
    system = bench.start(bench.child("a"))

    def defer(actor: Scripted, _: Any) -> str:
        reply = actor.context.defer_reply()
        actor.context.schedule_once("later", 2.0, Do(deed=lambda _actor, _message: reply.send("at last")))
        return "ignored"

    assert system.ref("a").ask(Do(deed=defer)) == "at last"
    assert bench.time.monotonic_s() == pytest.approx(2.0)


@pytest.mark.expects_crashes
def test_a_deferred_answer_that_is_dropped_at_a_crash_is_unavailable(bench: Bench) -> None:
    system = bench.start(bench.child("a"))
    replies: list[Reply] = []

    def defer(actor: Scripted, _: Any) -> None:
        replies.append(actor.context.defer_reply())
        actor.context.self_ref.tell(CRASH)

    with pytest.raises(ActorUnavailable):
        system.ref("a").ask(Do(deed=defer))
    replies[0].send("too late, and harmless")


def test_a_deferred_failure_is_raised_at_the_asker(bench: Bench) -> None:
    system = bench.start(bench.child("a"))
    with pytest.raises(LookupError, match="nothing there"):
        system.ref("a").ask(Do(deed=lambda actor, _: actor.context.defer_reply().fail(LookupError("nothing there"))))


def test_the_sender_of_a_message_is_known(bench: Bench) -> None:
    system = bench.start(bench.child("a"), bench.child("b"))
    b = system.ref("b")
    senders: list[Ref | None] = []
    note = Do(deed=lambda actor, _: senders.append(actor.context.sender))
    system.ref("a").ask(Do(deed=lambda _actor, _message: b.tell(note)))
    b.ask(note)
    bench.settle()
    assert set(senders) == {system.ref("a"), None}


def test_a_ref_is_an_address_and_nothing_more(bench: Bench) -> None:
    system = bench.start(bench.child("a"))
    ref = system.ref("/a")
    assert (ref, hash(ref), repr(ref)) == (system.ref("a"), hash(system.ref("a")), "<Ref a>")
    for misuse in (ref.proxy, ref.stop):
        with pytest.raises(TypeError):
            misuse()


def test_an_unknown_address_names_the_nearest(bench: Bench) -> None:
    system = bench.start(bench.child("position/bybit/BTCUSDT"))
    assert system.find("position/bybit/BTC") is None
    with pytest.raises(KeyError, match="position/bybit/BTCUSDT"):
        system.ref("position/bybit/BTCUSD")
