"""What happens to an actor, its siblings and its messages when it fails."""

import pytest

from actors.kernel import (
    ActorCrashed,
    ActorParked,
    ActorRestarted,
    ActorSystem,
    Backoff,
    Conservation,
    GroupEscalated,
    IncidentOpened,
    Intensity,
    Restart,
    StaleEpoch,
    Strategy,
    SystemFailed,
)
from tests.kernel.builders import CRASH, CRASH_AGAIN, STEADY, Bench, Do, Scripted, exit_, group

pytestmark = pytest.mark.expects_crashes

NEVER = Intensity(max_restarts=0, within_s=60)


def epochs(system: ActorSystem, *paths: str) -> list[int]:
    return [system.info(path).epoch for path in paths]


def test_the_ref_survives_the_restart(bench: Bench) -> None:
    system = bench.start(bench.child("a"))
    ref = system.ref("a")
    ref.tell(CRASH)
    bench.settle()
    assert ref.ask("hello") == "hello"
    assert system.info("a").epoch == 2


@pytest.mark.parametrize(
    ("strategy", "restarted"),
    [
        (Strategy.ONE_FOR_ONE, ["b"]),
        (Strategy.REST_FOR_ONE, ["b", "c"]),
        (Strategy.ONE_FOR_ALL, ["a", "b", "c"]),
    ],
)
def test_the_strategy_restarts_whom_it_says_in_order(bench: Bench, strategy: Strategy, restarted: list[str]) -> None:
    system = bench.start(bench.child("a"), bench.child("b"), bench.child("c"), strategy=strategy)
    bench.diary.entries.clear()
    system.ref("b").tell(CRASH)
    bench.settle()
    assert bench.diary.order("start") == restarted
    assert bench.diary.order("stop") == [path for path in reversed(restarted) if path != "b"]


def test_a_crash_calls_no_on_stop(bench: Bench) -> None:
    system = bench.start(bench.child("a"))
    system.ref("a").tell(CRASH)
    bench.settle()
    assert bench.diary.of("a") == ["start", "crash", "start"]


def test_a_system_exit_is_a_crash_of_that_actor_only(bench: Bench) -> None:
    system = bench.start(bench.child("a"), bench.child("b"))
    system.ref("a").tell(Do(deed=exit_))
    bench.settle()
    assert epochs(system, "a", "b") == [2, 1]
    assert system.crashes("a")[0].error == "SystemExit: 3"


def test_messages_wait_through_the_backoff_and_are_then_handled(bench: Bench) -> None:
    system = bench.start(bench.child("a", backoff=STEADY))
    for message in (CRASH, "one", "two"):
        system.ref("a").tell(message)
    bench.settle()
    assert bench.diary.handled("a") == ["crash"]
    assert system.info("a").state == "backoff"
    bench.time.run_for(1.0)
    assert bench.diary.handled("a") == ["crash", "one", "two"]


def test_each_further_restart_waits_longer_and_health_starts_over(bench: Bench) -> None:
    backoff = Backoff(first_s=0.5, initial_s=1.0, factor=2.0, jitter=0.0, reset_after_s=60.0)
    system = bench.start(bench.child("a", backoff=backoff))
    waits = []
    for healthy_s in (0.0, 0.0, 0.0, 100.0):
        bench.time.run_for(healthy_s)
        system.ref("a").tell(CRASH)
        bench.settle()
        waits.append(system.info("a").restart_in_s)
        bench.time.run_for(10.0)
    assert waits == pytest.approx([0.5, 1.0, 2.0, 0.5])


def test_a_message_in_flight_is_not_handled_twice(bench: Bench) -> None:
    system = bench.start(bench.child("a"))
    system.ref("a").tell(CRASH)
    bench.settle()
    assert bench.diary.handled("a") == ["crash"]
    (letter,) = system.dead_letters()
    assert (letter.reason, letter.message) == ("crashed", CRASH)
    assert "Planned" in letter.traceback


def test_an_idempotent_message_is_tried_three_more_times_and_then_a_dead_letter(bench: Bench) -> None:
    system = bench.start(bench.child("a"))
    system.ref("a").tell(CRASH_AGAIN)
    bench.time.run_for(60.0)
    assert bench.diary.handled("a") == ["crash"] * 4
    assert [letter.message for letter in system.dead_letters()] == [CRASH_AGAIN]
    assert system.conservation("a") == Conservation(told=1, handled=0, dead_lettered=1, queued=0)


def test_a_retried_message_comes_before_those_that_came_after_it(bench: Bench) -> None:
    system = bench.start(bench.child("a", backoff=STEADY))
    system.ref("a").tell(CRASH_AGAIN)
    system.ref("a").tell("later")
    bench.time.run_for(60.0)
    assert bench.diary.handled("a") == ["crash"] * 4 + ["later"]


@pytest.mark.parametrize("restart", [Restart.TRANSIENT, Restart.TEMPORARY])
def test_who_stops_in_order_and_is_not_permanent_leaves_the_tree(bench: Bench, restart: Restart) -> None:
    system = bench.start(bench.child("a", restart=restart), bench.child("b"))
    ref = system.ref("a")
    ref.tell(Do(deed=lambda actor, _: actor.context.stop()))
    ref.tell("too late")
    bench.settle()
    assert system.paths() == ["b"]
    assert bench.diary.of("a") == ["start", "stop"]
    assert [letter.reason for letter in system.dead_letters()] == ["stopped"]


def test_an_address_that_comes_back_has_a_later_epoch_and_old_refs_are_right_again(bench: Bench) -> None:
    system = bench.start(bench.child("a", restart=Restart.TEMPORARY))
    ref = system.ref("a")
    system.stop_child("a")
    bench.settle()
    again = system.spawn("/", bench.child("a"))
    assert ref.ask("hello") == "hello"
    assert (again, system.info("a").epoch) == (ref, 2)


def test_who_fails_too_often_is_parked_and_keeps_its_mailbox(bench: Bench) -> None:
    system = bench.start(bench.child("a", intensity=NEVER, on_exhausted="park"), bench.child("b"))
    system.ref("a").tell(CRASH)
    system.ref("a").tell("waits")
    bench.time.run_for(60.0)
    assert (system.info("a").state, system.info("a").depth) == ("parked", 1)
    assert [notice.path for notice in bench.notices.of(ActorParked)] == ["a"]
    assert system.info("b").epoch == 1
    system.restart("a")
    bench.settle()
    assert bench.diary.handled("a") == ["crash", "waits"]


def test_who_fails_too_often_and_does_not_park_fails_its_group(bench: Bench) -> None:
    system = bench.start(
        bench.child("first"),
        group("g", bench.child("a", intensity=NEVER), bench.child("b")),
        bench.child("last"),
        strategy=Strategy.REST_FOR_ONE,
    )
    system.ref("g/a").tell(CRASH)
    bench.time.run_for(1.0)
    assert epochs(system, "first", "g/a", "g/b", "last") == [1, 2, 2, 2]
    assert [notice.path for notice in bench.notices.of(GroupEscalated)] == ["g"]


def test_when_the_root_gives_up_the_tree_stops_and_says_so(bench: Bench) -> None:
    system = bench.start(bench.child("a", intensity=NEVER), bench.child("b"), intensity=NEVER)
    system.ref("a").tell(CRASH)
    bench.time.run_for(10.0)
    assert system.failed == "Planned: Do"
    assert len(bench.notices.of(SystemFailed)) == 1
    assert bench.diary.of("b") == ["start", "stop"]


def test_a_failed_start_is_tried_again(bench: Bench) -> None:
    failures = iter([True, True, False])

    def fail_twice(_: Scripted) -> None:
        if next(failures):
            raise ValueError("not yet")

    system = bench.start(bench.child("a", on_start=fail_twice))
    bench.time.run_for(5.0)
    assert system.info("a").state == "running"
    assert [record.phase for record in system.crashes("a")] == ["start", "start"]


def test_a_factory_of_something_else_is_a_failed_start(bench: Bench) -> None:
    system = bench.start(bench.child("b"))
    spec = bench.child("a", intensity=NEVER, on_exhausted="park")
    object.__setattr__(spec, "factory", lambda: "not an actor")
    system.spawn("/", spec)
    bench.settle()
    assert "not an actors.kernel.Actor" in system.crashes("a")[0].error


def test_children_of_an_actor_end_with_it(bench: Bench) -> None:
    system = bench.start(bench.child("a"))
    system.ref("a").ask(Do(deed=lambda actor, _: actor.context.spawn(bench.child("kid"))))
    bench.settle()
    assert system.paths() == ["a", "a/kid"]
    system.ref("a").tell(CRASH)
    bench.settle()
    assert system.paths() == ["a"]
    assert bench.diary.of("a/kid") == ["start", "stop"]


def test_many_crashes_for_one_reason_are_one_incident(bench: Bench) -> None:
    names = [f"p{number}" for number in range(5)]
    system = bench.start(*(bench.child(name) for name in names))
    for name in names:
        system.ref(name).tell(CRASH)
    bench.settle()
    assert len(bench.notices.of(ActorCrashed)) == 5
    assert len(bench.notices.of(IncidentOpened)) == 1
    (incident,) = system.incidents()
    assert (incident.crashes, incident.paths) == (5, set(names))


def test_subscribers_are_told_of_crash_and_restart(bench: Bench) -> None:
    system = bench.start(bench.child("a", backoff=STEADY))
    system.ref("a").tell(CRASH)
    bench.time.run_for(2.0)
    (crashed,) = bench.notices.of(ActorCrashed)
    assert (crashed.path, crashed.epoch, crashed.message, crashed.restart_in_s) == ("a", 1, "Do", 1.0)
    (restarted,) = bench.notices.of(ActorRestarted)
    assert (restarted.epoch, restarted.down_s) == (2, pytest.approx(1.0))


def test_what_a_replaced_incarnation_still_does_is_refused(bench: Bench) -> None:
    system = bench.start(bench.child("a"), bench.child("b"))
    kept: list[Scripted] = []
    system.ref("a").ask(Do(deed=lambda actor, _: kept.append(actor)))
    system.abandon("a")
    bench.settle()
    with pytest.raises(StaleEpoch):
        kept[0].context.check_epoch()
    with pytest.raises(StaleEpoch):
        kept[0].context.schedule_once("key", 1.0, "message")


def test_an_operator_restart_takes_along_whom_the_strategy_says(bench: Bench) -> None:
    system = bench.start(bench.child("a"), bench.child("b"), strategy=Strategy.REST_FOR_ONE)
    system.restart("a")
    bench.settle()
    assert epochs(system, "a", "b") == [2, 2]
    assert bench.crashes() == []
