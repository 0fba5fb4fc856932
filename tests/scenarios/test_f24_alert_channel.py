"""F24: the alert channel is down, hangs, or is flooded: protection does not notice, and nothing critical is lost."""

from collections.abc import Callable

import pytest

from actors.kernel import ActorHung, VirtualHang
from adapters.simulator.fault_script import FaultAction, FaultRule, FaultScript, RequestType
from adapters.simulator.profiles import PAPER, Profile
from messages.journal import EventRecord, Severity
from messages.supervision import EventsRecorded
from messages.values import OrderPurpose, Side
from messages.venue import RejectReason
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import DIFFERENT_PROFILES, alerts, at
from tests.scenarios.world import World

REFUSED_TAKE_PROFITS = FaultRule(
    action=FaultAction.REJECT,
    requests=(RequestType.PLACE,),
    purposes=(OrderPurpose.TAKE_PROFIT_1, OrderPurpose.TAKE_PROFIT_2),
    reason=RejectReason.OTHER,
)


class ChannelDownError(Exception):
    """What a channel raises that cannot be reached."""


class WorldWithChannel(World):
    """Its channel fails while ``trouble`` says so."""

    trouble: Callable[[], BaseException] | None = None
    repeats: int = 0

    def write(self, event: EventRecord, repeats: int) -> None:
        if self.trouble is not None:
            raise self.trouble()
        self.repeats += repeats
        super().write(event, repeats)


def a_world_with(profile: Profile) -> WorldWithChannel:
    world = WorldWithChannel(profile=profile, faults=FaultScript(rules=(REFUSED_TAKE_PROFITS,)))
    world.start()
    world.run_for(2)
    return world


def a_life(world: World) -> None:
    """A position that is opened, trailed, and stopped out, and warnings all the time."""
    world.signal()
    world.run_for(20)
    world.price(42_630)
    world.run_for(90)
    world.price(at(Side.LONG, 42_000))
    world.run_for(60)


TROUBLES = {"down": ChannelDownError, "hanging": VirtualHang}


@DIFFERENT_PROFILES
@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_protection_is_not_a_millisecond_later_than_with_a_good_channel(
    profile: Profile, trouble: Callable[[], BaseException]
) -> None:
    good, bad = a_world_with(profile), a_world_with(profile)
    bad.trouble = trouble
    a_life(good)
    a_life(bad)
    assert bad.ledger() == good.ledger()
    assert not bad.account().positions
    assert_postcondition_c(bad, crashes=hangs(bad))


def hangs(world: World) -> int:
    """How often the teller was replaced because it hung; nothing else may have."""
    paths = [notice.path for notice in world.notices if isinstance(notice, ActorHung)]
    assert set(paths) <= {"alert"}
    return len(paths)


def flood(world: World, severity: Severity, *, count: int, kinds: int) -> None:
    """``count`` events of ``kinds`` kinds, at once."""
    assert world.process is not None
    alert = world.process.system.find("alert")
    assert alert is not None
    for number in range(count):
        event = EventRecord(
            kind=f"flood_{number % kinds}",
            severity=severity,
            text=f"number {number}",
            at_ms=world.time.now_ms(),
            subject="paper",
        )
        alert.tell(EventsRecorded(events=(event,)))


def of_flood(events: list[EventRecord]) -> list[EventRecord]:
    return [event for event in events if event.kind.startswith("flood_")]


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_what_was_critical_while_the_channel_was_down_is_told_when_it_is_back(
    trouble: Callable[[], BaseException],
) -> None:
    world = a_world_with(PAPER)
    world.trouble = trouble
    flood(world, Severity.CRITICAL, count=50, kinds=50)
    flood(world, Severity.INFO, count=100, kinds=100)
    world.run_for(600)
    assert not of_flood(alerts(world))
    world.trouble = None
    world.run_for(120)
    told = of_flood(alerts(world))
    assert {event.kind for event in told} == {f"flood_{kind}" for kind in range(50)}
    levels = [event.severity for event in of_flood(world.events)]
    assert levels == [Severity.CRITICAL] * 50 + [Severity.INFO] * 100, "what is critical goes first"
    assert_postcondition_c(world, crashes=hangs(world))


def test_a_flood_is_folded_and_its_number_is_told_when_the_minute_is_over() -> None:
    world = a_world_with(PAPER)
    before = len(world.events)
    flood(world, Severity.CRITICAL, count=5_000, kinds=5)
    world.run_for(1)
    assert len(of_flood(world.events[before:])) == 5
    world.run_for(61)
    told = of_flood(world.events[before:])
    assert len(told) == 10
    assert len(told) + world.repeats == 5_000
    assert {event.text for event in told} >= {f"number {number}" for number in range(4_995, 5_000)}
    assert_postcondition_c(world)


def test_a_flood_of_kinds_loses_no_critical_one_and_no_number() -> None:
    world = a_world_with(PAPER)
    world.trouble = ChannelDownError
    flood(world, Severity.CRITICAL, count=6_000, kinds=3_000)
    flood(world, Severity.INFO, count=12_000, kinds=1)
    world.run_for(200)
    world.trouble = None
    world.run_for(200)
    told = [event for event in of_flood(world.events) if event.severity is Severity.CRITICAL]
    assert {event.kind for event in told} == {f"flood_{kind}" for kind in range(3_000)}
    assert len(told) + world.repeats >= 6_000
    assert_postcondition_c(world)


def test_a_channel_that_hangs_is_replaced_and_its_successor_goes_on() -> None:
    world = a_world_with(PAPER)
    world.trouble = VirtualHang
    flood(world, Severity.CRITICAL, count=1, kinds=1)
    world.run_for(20)
    world.trouble = None
    world.run_for(60)
    assert hangs(world) == 1
    assert len(of_flood(alerts(world))) == 1
    assert_postcondition_c(world, crashes=1)
