"""S4: a close is not lost, though the position is only being opened, or is just coming back from a crash."""

from adapters.simulator.fault_script import FaultAction, FaultRule, RequestType
from adapters.simulator.profiles import Profile
from messages.positions import ClosePosition, VerifyPosition
from messages.state import CloseReason
from messages.values import PositionKey, Side
from tests.scenarios.plants import Fuse, fused
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import EVERY_PROFILE, ON_PAPER, a_world, fills_of, open_a, open_quantity
from tests.scenarios.world import BTC, World


def key_of(world: World) -> PositionKey:
    return PositionKey(venue=world.venue, symbol=BTC)


def tell_desk(world: World, *messages: object) -> None:
    assert world.process is not None
    desk = world.process.system.find(f"exchange/{world.venue}/desk")
    assert desk is not None
    for message in messages:
        desk.tell(message)


@ON_PAPER
def test_a_close_while_the_opening_waits_for_the_venue_refuses_the_signal(profile: Profile) -> None:
    # The adapters ask for another leverage only where it differs: over the wire there would be nothing to wait for.
    slow = FaultRule(action=FaultAction.LATE_ANSWER, requests=(RequestType.LEVERAGE,), delay_s=3.0)
    world = a_world(profile, slow)
    world.signal()
    world.run_for(2)
    tell_desk(world, ClosePosition(key=key_of(world), reason=CloseReason.OPERATOR))
    world.run_for(10)
    assert not fills_of(world)
    assert list(world.fates().values()) == ["rejected"]
    assert_postcondition_c(world)


@EVERY_PROFILE
def test_a_close_that_finds_the_position_crashed_is_carried_out_when_it_is_back(profile: Profile) -> None:
    fuse = Fuse()
    world = a_world(profile, policies=fused(fuse))
    open_a(Side.LONG, world, for_s=20)
    fuse.set(after=1, error=RuntimeError)
    tell_desk(
        world,
        VerifyPosition(key=key_of(world), why="this one crashes"),
        ClosePosition(key=key_of(world), reason=CloseReason.OPERATOR),
    )
    world.run_for(10)
    assert fuse.set_off
    assert open_quantity(world) == 0
    assert_postcondition_c(world, crashes=1)
