"""F22: two supervisors on one account: the later one owns it, the earlier one does nothing any more, awake or woken."""

from decimal import Decimal
from pathlib import Path

import pytest

from adapters.simulator.profiles import BINANCE, PAPER, WORST, Profile
from messages.values import Symbol
from tests.scenarios.plants import WatchedCalls
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import DIFFERENT_PROFILES, EVERY_PROFILE
from tests.scenarios.world import BTC, Process, World

ETH = Symbol("ETHUSDT")
DIFFERENT = (PAPER, BINANCE, WORST)
IN_FLIGHT_MS = 1_000
"""What was durable, and on its way, when the account changed hands."""


def a_world(profile: Profile, directory: Path) -> World:
    world = World(
        profile=profile,
        prices={BTC: Decimal(42_000), ETH: Decimal(42_000)},
        store_url=f"sqlite:///{directory / 'holdfast.db'}",
        connect=WatchedCalls,
    )
    world.start()
    world.run_for(1)
    return world


def sent_after(process: Process, at_ms: int) -> list[object]:
    assert isinstance(process.calls, WatchedCalls)
    return [request for sent_ms, request in process.calls.sent if sent_ms > at_ms]


def pause(process: Process) -> None:
    for path in process.system.paths():
        process.system.suspend(path)


def wake(process: Process) -> None:
    for path in process.system.paths():
        process.system.resume(path)


@EVERY_PROFILE
def test_an_owner_whose_account_was_taken_over_sends_nothing_any_more(profile: Profile, tmp_path: Path) -> None:
    world = a_world(profile, tmp_path)
    world.signal(BTC)
    world.run_for(3)
    former = world.process
    assert former is not None
    taken_ms = world.time.now_ms()
    world.start(beside=True)
    for price in (42_300, 42_700, 43_000, 43_100):
        world.price(price)
        world.run_for(70)
    world.signal(ETH)
    world.run_for(10)
    assert sent_after(former, taken_ms + IN_FLIGHT_MS) == []
    assert world.process is not None
    assert sent_after(world.process, taken_ms)
    assert world.ledger()["duplicate_orders"] == 0
    assert any(event.kind == "ownership" for event in world.events), "the former owner says so"
    world.run_for(30)
    assert_postcondition_c(world)


@DIFFERENT_PROFILES
@pytest.mark.parametrize("asleep_s", [2, 20])
def test_a_former_owner_that_was_paused_at_any_commit_does_nothing_after_it_wakes(
    profile: Profile, asleep_s: int, tmp_path: Path
) -> None:
    for commit in range(1, 16, 2):
        directory = tmp_path / str(commit)
        directory.mkdir()
        world = a_world(profile, directory)
        former = world.process
        assert former is not None
        _pause_at(world, former, commit)
        world.signal(BTC)
        world.run_for(3)
        world.boundary = None
        pause(former)
        world.start(beside=True)
        world.run_for(asleep_s)
        woken_ms = world.time.now_ms()
        wake(former)
        world.price(42_700)
        world.run_for(60)
        assert sent_after(former, woken_ms - 1) == [], commit
        assert world.ledger()["duplicate_orders"] == 0
        assert all(position.quantity <= Decimal("0.01") for position in world.account().positions)
        world.run_for(30)
        assert_postcondition_c(world)


@EVERY_PROFILE
@pytest.mark.parametrize("asleep_s", [2, 20])
def test_an_order_that_was_durable_but_not_sent_before_the_pause_is_not_sent_after_it(
    profile: Profile, asleep_s: int, tmp_path: Path
) -> None:
    world = a_world(profile, tmp_path)
    world.signal(BTC)
    world.run_for(5)
    former = world.process
    assert former is not None
    former.system.suspend(f"exchange/{world.venue}/execution")
    world.price(42_700)
    world.run_for(2)
    assert former.system.info(f"exchange/{world.venue}/execution").depth > 0, "nothing waits to be sent"
    pause(former)
    world.run_for(0.1)
    world.price(42_900)
    world.start(beside=True)
    world.run_for(asleep_s)
    woken_ms = world.time.now_ms()
    wake(former)
    world.run_for(60)
    assert sent_after(former, woken_ms - 1) == []
    world.run_for(30)
    assert_postcondition_c(world)


def _pause_at(world: World, process: Process, commit: int) -> None:
    """The process stands still as soon as its ``commit``-th commit from now on is durable, before what follows it."""
    left = commit

    def boundary(name: str) -> None:
        nonlocal left
        left -= name == "after_commit"
        if left == 0:
            pause(process)

    world.boundary = boundary


def test_a_former_owner_neither_crashes_nor_asks_the_venue_without_end(tmp_path: Path) -> None:
    world = a_world(PAPER, tmp_path)
    world.signal(BTC)
    world.run_for(3)
    former = world.process
    assert former is not None
    world.start(beside=True)
    world.price(42_700)
    world.run_for(600)
    assert not world.crashes
    assert former.system.failed is None
    restarts = sum(former.system.info(path).restarts for path in former.system.paths())
    assert restarts == 0
