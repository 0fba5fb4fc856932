"""S19: an ordered stop leaves nothing half done, also when it comes in the middle of a start."""

from decimal import Decimal

import pytest

from adapters.simulator.fault_script import EventType, FaultAction, FaultRule, RequestType
from adapters.simulator.profiles import PAPER, Profile
from messages.state import PositionPhase
from messages.values import Side, Symbol
from persistence.queries import Queries
from run_parts import shut_down
from tests.scenarios.kills import Wave, begun, live_until
from tests.scenarios.postcondition import book_problems
from tests.scenarios.stage import ENTRY, EVERY_PROFILE, ON_PAPER, a_world, at, open_a, open_quantity
from tests.scenarios.world import BTC, World, an_instrument

ETH = Symbol("ETHUSDT")


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


@EVERY_PROFILE
def test_what_the_market_closes_while_others_have_still_to_settle_is_settled_too(profile: Profile) -> None:
    late = FaultRule(action=FaultAction.EVENT_LATE, events=(EventType.FILL,), symbols=(BTC,), delay_s=2)
    slow = FaultRule(action=FaultAction.LATE_ANSWER, requests=(RequestType.CANCEL,), delay_s=0.3)
    prices = {BTC: ENTRY, ETH: ENTRY}
    world = a_world(profile, late, slow, instruments=(an_instrument(BTC), an_instrument(ETH)), prices=prices)
    world.signal(ETH)
    world.run_for(5)
    open_a(Side.LONG, world, for_s=1.1)
    world.time.call_later(0.4, lambda: world.exchange.gap(ETH, Decimal(-3)))
    stopped(world)
    assert {position.symbol for position in world.account().positions} == {BTC}
    assert not book_problems(world)


@EVERY_PROFILE
@pytest.mark.parametrize("fills_late_s", [0.0, 0.4], ids=["fills as usual", "fills after the answer"])
def test_a_stop_during_an_addition_first_covers_and_records_what_it_opened(
    profile: Profile, fills_late_s: float
) -> None:
    for step in range(99, 150, 3):
        late = FaultRule(action=FaultAction.EVENT_LATE, events=(EventType.FILL,), delay_s=fills_late_s)
        world = a_world(profile, *((late,) if fills_late_s else ()))
        open_a(Side.LONG, world)
        world.price(at(Side.LONG, 42_000))
        world.run_for(61)
        world.signal()
        world.run_for(step / 100)
        stopped(world)
        assert not book_problems(world), f"{step / 100} s after the signal"
