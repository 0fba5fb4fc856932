"""F19: an exception, or a SystemExit in a library, ends one actor: others unaffected, it is back within a second."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from actors import addresses
from actors.kernel import ActorRestarted
from adapters.simulator.paper import PaperExchange
from adapters.simulator.profiles import BINANCE, PAPER, WORST, Profile
from messages.positions import RestorePosition
from messages.values import PositionKey, Symbol
from rules.client_order_ids import is_ours
from tests.scenarios.hands import cancel_stop, stop_of
from tests.scenarios.plants import Fuse, FusedCalls, fused
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import DIFFERENT_PROFILES, EVERY_PROFILE
from tests.scenarios.world import BTC, World

ETH = Symbol("ETHUSDT")
DIFFERENT = (PAPER, BINANCE, WORST)
GIVEN_UP_AFTER = 40
"""Crashes, within a minute or so, after which anything is given up on."""
MOMENTS = 16
"""At least as many as a position reads its settings from its opening to its take profits."""


def boom() -> BaseException:
    return RuntimeError("planted")


def exit_from_a_library() -> BaseException:
    return SystemExit(1)


def a_world(profile: Profile, fuse: Fuse, **changes: object) -> World:
    world = World(profile=profile, prices={BTC: Decimal(42_000), ETH: Decimal(42_000)}, **changes)  # type: ignore[arg-type]
    world.start()
    world.run_for(1)
    world.signal(ETH)
    world.run_for(5)
    assert fuse.burnt > 0 or not changes, "the fuse is not where the house passes"
    return world


def down_s(world: World) -> list[float]:
    return [notice.down_s for notice in world.notices if isinstance(notice, ActorRestarted)]


@pytest.mark.parametrize("error", [boom, exit_from_a_library])
@EVERY_PROFILE
def test_a_position_that_crashes_at_any_moment_of_its_opening_is_back_at_once_and_protected(
    profile: Profile, error: Callable[[], BaseException]
) -> None:
    for moment in range(1, MOMENTS, 2 if profile in DIFFERENT else 5):
        fuse = Fuse()
        world = a_world(profile, fuse, policies=fused(fuse))
        fuse.set(after=moment, error=error)
        world.signal(BTC)
        world.run_for(130)
        assert [crash.path.partition("/")[0] for crash in world.crashes] == ["position"], moment
        assert max(down_s(world)) < 1
        assert_postcondition_c(world, crashes=1)
        opened = {str(position.symbol) for position in world.account().positions}
        accepted = {
            str(raw["symbol"]) for _, raw in world.signals.signals if world.fates()[str(raw["id"])] == "accepted"
        }
        assert opened == accepted, "a signal that a crash took has its fate on record"
        assert ETH in opened
        if profile.capabilities.attach_stop_to_entry:
            assert world.ledger()["unprotected_seconds"] == 0.0
        else:
            assert world.ledger()["worst_window_seconds"] <= 1.0  # type: ignore[operator]


@pytest.mark.parametrize("times", [2, 5])
@DIFFERENT_PROFILES
def test_a_position_that_crashes_again_while_it_recovers_is_protected_in_the_end(profile: Profile, times: int) -> None:
    for moment in range(2, MOMENTS, 3):
        fuse = Fuse()
        world = a_world(profile, fuse, policies=fused(fuse))
        fuse.set(after=moment, error=boom, times=times)
        world.signal(BTC)
        world.run_for(60)
        assert len(world.crashes) == times
        assert_postcondition_c(world, crashes=times)


@pytest.mark.parametrize("error", [boom, exit_from_a_library])
@DIFFERENT_PROFILES
def test_a_client_library_that_ends_the_execution_actor_loses_no_order_and_repeats_none(
    profile: Profile, error: Callable[[], BaseException]
) -> None:
    for moment in range(1, 5):
        fuse = Fuse()

        def connect(exchange: PaperExchange, fuse: Fuse = fuse) -> FusedCalls:
            return FusedCalls(exchange, fuse)

        world = a_world(profile, fuse, connect=connect)
        fuse.set(after=moment, error=error)
        world.signal(BTC)
        world.run_for(60)
        if moment <= fuse.burnt:
            assert {crash.path for crash in world.crashes} <= {f"exchange/{world.venue}/execution"}
            assert max(down_s(world), default=0) < 1
        assert_postcondition_c(world, crashes=len(world.crashes))
        assert ETH in {position.symbol for position in world.account().positions}
        assert world.ledger()["worst_window_seconds"] <= 1.0, (moment, world.ledger())  # type: ignore[operator]


@DIFFERENT_PROFILES
def test_a_position_that_cannot_live_is_parked_under_its_stop_while_the_others_go_on(profile: Profile) -> None:
    fuse = Fuse()
    world = World(profile=profile, policies=fused(fuse), prices={BTC: Decimal(42_000), ETH: Decimal(42_000)})
    world.start()
    world.run_for(1)
    world.signal(BTC)
    world.run_for(5)
    fuse.set(after=1, error=boom, times=10**9)
    world.run_for(600)
    fuse.set(after=1, error=boom, times=0)
    parked = {type(notice).__name__ for notice in world.notices}
    assert "ActorParked" in parked
    assert world.ledger()["positions_uncovered_now"] == 0
    world.signal(ETH)
    world.run_for(10)
    assert {position.symbol for position in world.account().positions} == {BTC, ETH}
    assert world.ledger()["positions_uncovered_now"] == 0


@DIFFERENT_PROFILES
def test_a_parked_position_that_loses_its_stop_gets_another_one_from_the_auditor(profile: Profile) -> None:
    fuse = Fuse()
    world = World(profile=profile, policies=fused(fuse), prices={BTC: Decimal(42_000), ETH: Decimal(42_000)})
    world.start()
    world.run_for(1)
    world.signal(BTC)
    world.run_for(5)
    before = stop_of(world, BTC)
    assert before is not None
    fuse.set(after=1, error=boom, times=10**9)
    world.run_for(300)
    assert world.process is not None
    parked = addresses.position(PositionKey(venue=world.venue, symbol=BTC))
    assert world.process.system.info(parked).state == "parked"
    fuse.set(after=1, error=boom, times=0)
    cancel_stop(world, BTC)
    world.run_for(120)
    after = stop_of(world, BTC)
    assert after is not None
    assert after.trigger_price == before.trigger_price
    assert is_ours(after.client_order_id) or not profile.capabilities.stop_client_order_id
    assert world.ledger()["positions_uncovered_now"] == 0
    assert world.ledger()["worst_window_seconds"] <= 90.0  # type: ignore[operator]
    world.process.system.restart(parked)
    world.run_for(60)
    assert stop_of(world, BTC) == after, "the position that is started again goes on with it"
    assert_postcondition_c(world, crashes=len(world.crashes), interrupted=True)


@pytest.mark.parametrize("profile", [PAPER, BINANCE], ids=lambda profile: profile.name)
def test_a_record_that_the_auditor_is_told_again_and_again_is_mended_by_once(profile: Profile) -> None:
    fuse = Fuse()
    world = World(profile=profile, policies=fused(fuse), prices={BTC: Decimal(42_000), ETH: Decimal(42_000)})
    world.start()
    world.run_for(1)
    world.signal(BTC)
    world.run_for(5)
    fuse.set(after=1, error=boom, times=10**9)
    world.run_for(300)
    assert world.process is not None
    system, key = world.process.system, PositionKey(venue=world.venue, symbol=BTC)
    assert system.info(addresses.position(key)).state == "parked"
    fuse.set(after=1, error=boom, times=0)
    cancel_stop(world, BTC)
    for _ in range(240):
        for _ in range(2):
            path = f"monitor/protection/{world.venue}"
            system.ref(addresses.JOURNAL).tell(RestorePosition(path=path, key=key))
        world.run_for(0.5)
    assert stop_of(world, BTC) is not None, "one, and not two"
    assert world.kinds().count("auto_plan_sl") == 1
    assert [event.text for event in world.events if "refused a decision" in event.text] == []


SPARED = ("alert", "risk", "signal/wave", "signal/source", "monitor/protection/paper", "monitor/zombie/paper")


@pytest.mark.parametrize("path", SPARED)
def test_an_actor_that_cannot_live_takes_nobody_along_and_positions_stay_protected(path: str) -> None:
    world = World()
    world.start()
    world.run_for(1)
    world.signal(BTC)
    world.run_for(5)
    assert world.process is not None
    system = world.process.system
    for _ in range(GIVEN_UP_AFTER):
        system.crash(path, "it cannot live")
        world.run_for(0.5)
        if system.info(path).state == "parked":
            break
        world.run_for(1.5)
    assert system.info(path).state == "parked"
    assert system.failed is None
    cancel_stop(world, BTC)
    world.run_for(120)
    assert {node for node in system.paths() if system.info(node).state != "running"} == {path}
    world.process.system.restart(path)
    world.run_for(5)
    assert_postcondition_c(world, crashes=len(world.crashes))
