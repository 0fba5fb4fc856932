"""Lanes, fairness, limits and conflation."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from actors.kernel import Conservation
from actors.kernel.mailbox import PATIENCE, Envelope, Mailbox
from messages.delivery import Delivery, Lane
from tests.kernel.builders import Bench, Do, Open, Report, Stop, price

DELIVERIES = {lane: Delivery(lane=lane) for lane in Lane}


def envelope(number: int, lane: Lane = Lane.NORMAL) -> Envelope:
    return Envelope(number, DELIVERIES[lane], None, 0.0, None, None)


def popped(mailbox: Mailbox) -> list[int]:
    taken = []
    while (next_ := mailbox.pop()) is not None:
        taken.append(next_.message)
    return taken


def test_a_lane_is_first_in_first_out() -> None:
    mailbox = Mailbox(100)
    for number in range(5):
        mailbox.put(envelope(number))
    assert popped(mailbox) == [0, 1, 2, 3, 4]


def test_higher_lanes_are_served_first() -> None:
    mailbox = Mailbox(100)
    for number, lane in enumerate((Lane.BULK, Lane.NORMAL, Lane.PROTECTIVE, Lane.CONTROL)):
        mailbox.put(envelope(number, lane))
    assert popped(mailbox) == [3, 2, 1, 0]


def test_a_lane_that_waits_is_not_passed_over_for_ever() -> None:
    mailbox = Mailbox(1_000)
    mailbox.put(envelope(-1, Lane.BULK))
    for number in range(100):
        mailbox.put(envelope(number, Lane.CONTROL))
    assert popped(mailbox).index(-1) == PATIENCE


def test_a_full_mailbox_drops_the_oldest_of_the_lowest_lane() -> None:
    mailbox = Mailbox(2)
    mailbox.put(envelope(0, Lane.BULK))
    mailbox.put(envelope(1, Lane.BULK))
    spilled = mailbox.put(envelope(2, Lane.PROTECTIVE))
    assert spilled is not None
    assert spilled.message == 0
    assert popped(mailbox) == [2, 1]


def test_what_is_less_urgent_than_all_that_waits_is_dropped_itself() -> None:
    mailbox = Mailbox(1)
    mailbox.put(envelope(0, Lane.CONTROL))
    arriving = envelope(1, Lane.BULK)
    assert mailbox.put(arriving) is arriving
    assert popped(mailbox) == [0]


@given(st.lists(st.tuples(st.sampled_from(Lane), st.booleans())), st.integers(1, 20))
def test_depth_and_weight_are_what_is_in_it(steps: list[tuple[Lane, bool]], limit: int) -> None:
    mailbox = Mailbox(limit)
    inside: Counter[int] = Counter()
    for number, (lane, take) in enumerate(steps):
        arriving = envelope(number, lane)
        inside[number] += 1
        spilled = mailbox.put(arriving)
        if spilled is not None:
            inside[spilled.message] -= 1
        if take and (taken := mailbox.pop()) is not None:
            inside[taken.message] -= 1
        assert mailbox.depth == mailbox.weight == sum(inside.values()) <= limit
    assert Counter(popped(mailbox)) == +inside


def test_a_burst_of_prices_is_one_message_with_its_extremes(bench: Bench) -> None:
    system = bench.start(bench.child("position"))
    for last in (100, 130, 90, 110):
        system.ref("position").tell(price(last))
    bench.settle()
    (merged,) = bench.diary.handled("position")
    assert (merged.last, merged.high, merged.low) == (110, 130, 90)
    assert system.conservation("position") == Conservation(told=4, handled=4, dead_lettered=0, queued=0)


def test_prices_of_two_symbols_do_not_merge(bench: Bench) -> None:
    system = bench.start(bench.child("position"))
    for symbol in ("BTCUSDT", "ETHUSDT", "BTCUSDT"):
        system.ref("position").tell(price(1, symbol))
    bench.settle()
    assert sorted(each.symbol for each in bench.diary.handled("position")) == ["BTCUSDT", "ETHUSDT"]


def test_a_stale_open_dies_and_a_stop_does_not(bench: Bench) -> None:
    system = bench.start(bench.child("position"))
    system.suspend("position")
    bench.settle()
    system.ref("position").tell(Open())
    system.ref("position").tell(Stop())
    bench.time.run_for(5.0)
    system.resume("position")
    bench.settle()
    assert bench.diary.handled("position") == [Stop()]
    (letter,) = system.dead_letters()
    assert (letter.reason, letter.age_s, letter.path) == ("expired", 5.0, "position")


def test_taking_more_gets_only_what_waits_next_in_the_same_lane(bench: Bench) -> None:
    system = bench.start(bench.child("journal"))
    taken: list[object] = []
    ref = system.ref("journal")
    ref.tell(Do(deed=lambda actor, _: taken.extend(actor.context.take_more(10, (int,)))))
    for message in (1, 2, 3, "else", 4):
        ref.tell(message)
    ref.tell(Report())
    bench.settle()
    assert taken == [1, 2, 3]
    assert bench.diary.handled("journal") == ["else", 4, Report()]
    assert system.conservation("journal") == Conservation(told=7, handled=7, dead_lettered=0, queued=0)
