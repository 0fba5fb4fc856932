"""A world over the wire is as much a world as another: the same each time, and gone when it ends."""

import threading

from adapters.simulator.profiles import Profile
from messages.values import OrderPurpose, Side
from tests.scenarios.stage import OVER_THE_WIRE, a_world, open_a
from tests.scenarios.test_f01_lost_answer import EVENTS_LATE, lost_answer
from tests.scenarios.wire.link import end_all_links


def a_life(profile: Profile) -> tuple[object, ...]:
    """What people were told, and the venue's own view, of a life with faults and a kill."""
    world = a_world(profile, lost_answer(OrderPurpose.STOP, count=2), EVENTS_LATE)
    open_a(Side.LONG, world, for_s=20)
    world.price(42_700)
    world.run_for(20)
    world.kill()
    world.run_for(1)
    world.start()
    world.run_for(10)
    told = [(event.at_ms, event.kind, event.text) for event in world.events]
    return told, world.ledger(), world.boundaries, world.account()


@OVER_THE_WIRE
def test_the_same_seed_is_the_same_life_over_sockets(profile: Profile) -> None:
    first = a_life(profile)
    assert first == a_life(profile)


@OVER_THE_WIRE
def test_nothing_of_a_world_stays_behind(profile: Profile) -> None:
    before = set(threading.enumerate())
    a_life(profile)
    end_all_links()
    left = [thread.name for thread in set(threading.enumerate()) - before if thread.is_alive()]
    assert left == []
