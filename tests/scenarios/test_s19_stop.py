"""S19: an ordered stop leaves nothing half done, also when it comes in the middle of a start."""

import pytest

from adapters.simulator.profiles import Profile
from messages.state import PositionPhase
from persistence.queries import Queries
from run_parts import shut_down
from tests.scenarios.kills import Wave, begun, live_until
from tests.scenarios.stage import EVERY_PROFILE
from tests.scenarios.world import World


def stopped(world: World) -> None:
    """The ordered stop, as ``holdfast run`` does it."""
    assert world.process is not None
    shut_down(world.process.system)


def assert_everything_covered(world: World) -> None:
    """By the venue's own book."""
    open_now = world.exchange.engine.ledger.book.open.values()
    assert not [record.symbol for record in open_now if record.uncovered.since_ms is not None]


@EVERY_PROFILE
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
