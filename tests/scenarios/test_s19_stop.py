"""S19: an ordered stop leaves nothing half done, also when it comes in the middle of a start."""

import pytest

from adapters.simulator.profiles import PAPER, Profile
from messages.state import PositionPhase
from messages.values import Side
from persistence.queries import Queries
from run_parts import shut_down
from tests.scenarios.kills import Wave, begun, live_until
from tests.scenarios.stage import ON_PAPER, a_world, at, open_a, open_quantity
from tests.scenarios.world import World


def stopped(world: World) -> None:
    """The ordered stop, as ``holdfast run`` does it."""
    assert world.process is not None
    shut_down(world.process.system)


def assert_everything_covered(world: World) -> None:
    """By the venue's own book."""
    open_now = world.exchange.engine.ledger.book.open.values()
    assert not [record.symbol for record in open_now if record.uncovered.since_ms is not None]


@ON_PAPER
@pytest.mark.parametrize("kill", [80, 95, 105])
def test_a_stop_during_the_start_after_a_kill_first_protects_and_settles_what_is_on_record(
    profile: Profile, kill: int
) -> None:
    world = begun(Wave(profile=profile))
    live_until(world, kill)
    world.run_for(1)
    world.start()
    stopped(world)
    assert world.account().positions
    lives = {life.key.symbol: life for life in Queries(world.store).open_positions()}
    for position in world.account().positions:
        life = lives.pop(position.symbol)
        assert life.phase is PositionPhase.ACTIVE
        assert life.stop.working is not None
    # Of the others the venue may still hear: an entry is proven lost only when its longest life is over.
    assert all(life.opened_quantity == 0 for life in lives.values())
    assert_everything_covered(world)


def test_while_the_process_stops_the_simulated_market_stands_still() -> None:
    """What a tick did after the records are closed would be on no record before the next start."""
    world = a_world(PAPER)
    open_a(Side.LONG, world)
    world.exchange.hold_market()
    world.price(at(Side.LONG, 40_000))
    world.run_for(10)
    assert open_quantity(world) > 0
    stopped(world)
    assert_everything_covered(world)
