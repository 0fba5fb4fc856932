"""F13: the database is locked, full, deleted or unreachable: protection goes on, nothing opens, no record is lost."""

import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.simulator.profiles import BINANCE, PAPER, WORST, Profile
from messages.journal import Severity
from messages.values import OrderKind, Price, Symbol
from persistence.failures import StoreFailure, StoreUnavailable
from tests.scenarios.kills import strided
from tests.scenarios.postcondition import assert_postcondition_c, uncovered
from tests.scenarios.stage import DIFFERENT_PROFILES, EVERY_PROFILE
from tests.scenarios.world import BTC, World

ETH = Symbol("ETHUSDT")
DIFFERENT = (PAPER, BINANCE, WORST)
DOWN_S = 30

Outage = Callable[[World], AbstractContextManager[None]]


def a_world(profile: Profile, directory: Path) -> World:
    world = World(
        profile=profile,
        prices={BTC: Decimal(42_000), ETH: Decimal(42_000)},
        directory=directory,
        store_url=f"sqlite:///{directory / 'holdfast.db'}",
    )
    world.start()
    world.run_for(1)
    return world


@contextmanager
def locked(world: World) -> Iterator[None]:
    """Another program holds the database."""
    other = sqlite3.connect(world.data / "holdfast.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


@contextmanager
def full(world: World) -> Iterator[None]:
    """No commit finds room."""

    def no_room(boundary: str) -> None:
        if boundary == "before_commit":
            raise StoreUnavailable(StoreFailure.DISK_FULL, "no space left on device")

    world.boundary = no_room
    yield
    world.boundary = None


@contextmanager
def answers_lost(world: World) -> Iterator[None]:
    """Every commit succeeds, and the connection is lost before anybody hears of it."""

    def lost(boundary: str) -> None:
        if boundary == "after_commit":
            raise StoreUnavailable(StoreFailure.UNREACHABLE, "server closed the connection unexpectedly")

    world.boundary = lost
    yield
    world.boundary = None


@contextmanager
def deleted(world: World) -> Iterator[None]:
    """Somebody deletes the file, and it cannot be made anew while this lasts."""
    if sys.platform == "win32":
        pytest.skip("an open file cannot be deleted on Windows")
    file = world.data / "holdfast.db"
    for part in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
        part.unlink(missing_ok=True)
    yield


OUTAGES: dict[str, Outage] = {"locked": locked, "full": full, "answers lost": answers_lost, "deleted": deleted}
OUT_OF_REACH: dict[str, Outage] = {"locked": locked, "full": full}


def stop_price(world: World) -> Price:
    stops = [
        order.trigger_price
        for order in world.account().orders
        if order.kind is OrderKind.STOP_MARKET and order.symbol == BTC
    ]
    assert len(stops) == 1
    assert stops[0] is not None
    return stops[0]


def naked_ms(world: World) -> int:
    """How long the position was not covered so far."""
    return world.exchange.engine.ledger.book.open[BTC].uncovered.until(world.time.now_ms()).total_ms


def spooled(world: World) -> int:
    assert world.process is not None
    health = world.process.journal.health()
    assert health.store_available, health
    return health.spooled


@pytest.mark.parametrize("outage", OUTAGES)
@EVERY_PROFILE
def test_without_a_database_stops_still_tighten_and_nothing_opens_and_every_record_arrives_later(
    profile: Profile, outage: str, tmp_path: Path
) -> None:
    world = a_world(profile, tmp_path)
    world.signal(BTC)
    world.run_for(5)
    before = naked_ms(world)
    with OUTAGES[outage](world):
        world.run_for(3)
        world.price(42_700)
        world.run_for(5)
        world.signal(ETH, id="in the outage")
        world.run_for(DOWN_S - 8)
        assert stop_price(world) > Decimal(42_400), "the stop did not follow the price"
        assert outage == "deleted" or ETH not in {position.symbol for position in world.account().positions}
    world.run_for(20)
    assert spooled(world) == 0
    if outage in OUT_OF_REACH:
        assert world.fates()["in the outage"] == "rejected"
        assert any(event.kind == "database" and event.severity is Severity.CRITICAL for event in world.events)
    if profile.capabilities.amend_stop or profile.capabilities.two_stops:
        assert naked_ms(world) == before
    assert_postcondition_c(world)
    if ETH not in {position.symbol for position in world.account().positions}:
        world.signal(ETH, id="after it")
    world.run_for(10)
    assert ETH in {position.symbol for position in world.account().positions}
    assert_postcondition_c(world)


@pytest.mark.parametrize("outage", OUT_OF_REACH)
@DIFFERENT_PROFILES
def test_a_database_lost_at_any_boundary_of_an_entry_leaves_nothing_unprotected(
    profile: Profile, outage: str, tmp_path: Path
) -> None:
    for kill in strided(52, stride=23, offset=5 * len(outage)):
        world = a_world(profile, _empty(tmp_path))
        world.signal(BTC)
        _run_to(world, kill)
        with OUTAGES[outage](world):
            world.run_for(DOWN_S)
            assert world.ledger()["positions_uncovered_now"] == 0
        world.run_for(20)
        assert spooled(world) == 0
        assert world.ledger()["worst_window_seconds"] <= 0.5  # type: ignore[operator]
        assert_postcondition_c(world)


@pytest.mark.parametrize("outage", OUT_OF_REACH)
@DIFFERENT_PROFILES
def test_killed_without_a_database_a_restart_protects_from_the_spool_and_the_venue(
    profile: Profile, outage: str, tmp_path: Path
) -> None:
    for kill in strided(52, stride=29, offset=5 * len(outage)):
        world = a_world(profile, _empty(tmp_path))
        world.signal(BTC)
        _run_to(world, kill)
        with OUTAGES[outage](world):
            world.run_for(2)
            world.price(42_300)
            world.run_for(2)
            world.kill()
            world.run_for(1)
            world.start()
            world.run_for(3)
            assert world.ledger()["positions_uncovered_now"] == 0
            world.signal(ETH, id="in the outage")
            world.run_for(DOWN_S)
        world.run_for(20)
        assert spooled(world) == 0
        assert ETH not in {position.symbol for position in world.account().positions}
        assert_postcondition_c(world)


@pytest.mark.parametrize("outage", OUT_OF_REACH)
@EVERY_PROFILE
def test_killed_just_as_the_database_went_a_restart_protects_from_the_venue_alone(
    profile: Profile, outage: str, tmp_path: Path
) -> None:
    world = a_world(profile, tmp_path)
    world.signal(BTC)
    world.run_for(5)
    (before,) = world.store.load()
    world.kill()
    with OUTAGES[outage](world):
        world.run_for(1)
        world.start()
        world.run_for(3)
        assert world.ledger()["positions_uncovered_now"] == 0
        world.price(42_700)
        world.run_for(DOWN_S)
        assert world.ledger()["positions_uncovered_now"] == 0
    world.run_for(30)
    assert spooled(world) == 0
    assert len(world.account().positions) == 1
    (after,) = world.store.load()
    assert after.position.position_id == before.position.position_id, "one position, one record"
    assert_postcondition_c(world)


@pytest.mark.parametrize("outage", OUT_OF_REACH)
@DIFFERENT_PROFILES
def test_a_position_that_ended_while_neither_process_nor_database_was_there_is_closed_on_record_as_well(
    profile: Profile, outage: str, tmp_path: Path
) -> None:
    world = a_world(profile, tmp_path)
    world.signal(BTC)
    world.run_for(5)
    world.kill()
    with OUTAGES[outage](world):
        world.price(41_000)
        world.run_for(5)
        world.start()
        world.run_for(DOWN_S)
    world.run_for(20)
    assert not world.account().positions
    assert world.store.load() == []
    # Nobody could know of its take profits while nobody was there and nothing could be read.
    assert_postcondition_c(world, interrupted=True)


@DIFFERENT_PROFILES
def test_with_neither_database_nor_spool_protection_goes_on_and_a_critical_alert_says_so(
    profile: Profile, tmp_path: Path
) -> None:
    world = a_world(profile, tmp_path)
    world.signal(BTC)
    world.run_for(5)
    spool = world.data / "spool"
    spool.unlink(missing_ok=True)
    spool.mkdir()
    with full(world):
        world.price(42_700)
        world.run_for(DOWN_S)
        assert stop_price(world) > Decimal(42_400)
        assert any(event.kind == "journal" and event.severity is Severity.CRITICAL for event in world.events)
    assert world.ledger()["positions_uncovered_now"] == 0
    shutil.rmtree(spool)
    world.run_for(150)
    assert world.ledger()["positions_uncovered_now"] == 0
    assert world.ledger()["duplicate_orders"] == 0


@EVERY_PROFILE
@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_with_every_record_gone_a_restart_protects_from_the_venue_and_leaves_no_order_of_the_life_before(
    profile: Profile, side: str, tmp_path: Path
) -> None:
    world = a_world(profile, tmp_path)
    world.signal(BTC, side)
    world.run_for(5)
    world.kill()
    before_ms = naked_ms(world)
    world.store.close()
    for file in tmp_path.iterdir():
        file.unlink()
    world.run_for(1)
    world.start()
    world.run_for(90)
    (position,) = world.account().positions
    assert uncovered(world, position) == 0
    stops = [order for order in world.account().orders if order.kind is OrderKind.STOP_MARKET]
    profits = [order for order in world.account().orders if order.kind is OrderKind.TAKE_PROFIT_MARKET]
    assert len(stops) == 1
    assert sum(order.quantity or 0 for order in profits) == position.quantity
    (restored,) = world.store.load()
    assert restored.position.quantity == position.quantity
    assert restored.position.leftovers == ()
    assert world.ledger()["duplicate_orders"] == 0
    assert naked_ms(world) <= before_ms + 500


def _run_to(world: World, boundary: int) -> None:
    wanted = len(world.boundaries) + boundary
    until_ms = world.time.now_ms() + 5_000
    while len(world.boundaries) < wanted and world.time.now_ms() < until_ms:
        world.run_for(0.002)


def _empty(directory: Path) -> Path:
    fresh = directory / str(sum(1 for _ in directory.iterdir()))
    fresh.mkdir()
    return fresh
