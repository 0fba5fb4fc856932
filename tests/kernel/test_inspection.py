"""What can be seen from outside, without the actors' help."""

import pytest

from actors.kernel import Conservation
from actors.kernel.inspection import NOTHING
from messages.delivery import Lane
from tests.kernel.builders import CRASH, Bench, Report, Stop, group


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
