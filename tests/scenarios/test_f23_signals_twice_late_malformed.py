"""F23: a signal twice, late, malformed or from the future: one position, and each fate on record with its reason."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from adapters.simulator.profiles import PROFILES, Profile
from messages.values import Symbol
from persistence.tables import signals_log
from tests.scenarios.kills import strided
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import DIFFERENT_PROFILES, EVERY_PROFILE
from tests.scenarios.world import BTC, World

ETH = Symbol("ETHUSDT")


def a_world(profile: Profile = PROFILES["paper"]) -> World:
    world = World(profile=profile, prices={BTC: Decimal(42_000), ETH: Decimal(42_000)})
    world.start()
    world.run_for(1)
    return world


def at(world: World, seconds: float) -> str:
    moment = datetime.fromtimestamp(world.time.now_ms() / 1_000, tz=UTC) + timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def reasons(world: World) -> dict[str, str]:
    with world.store.reading() as connection:
        rows = connection.execute(select(signals_log.c.signal_id, signals_log.c.reason))
        return {row.signal_id: row.reason for row in rows}


def lives(world: World) -> int:
    opened = world.ledger()["positions_opened"]
    assert isinstance(opened, int)
    return opened


@EVERY_PROFILE
def test_a_signal_that_comes_twice_opens_one_position(profile: Profile) -> None:
    world = a_world(profile)
    stamp = at(world, 0)
    for _ in range(3):
        world.signal(BTC, id="one", timestamp=stamp)
    world.run_for(5)
    world.signal(BTC, id="one", timestamp=stamp)
    world.run_for(10)
    assert world.fates() == {"one": "accepted"}
    assert lives(world) == 1
    assert_postcondition_c(world)


def test_the_same_content_without_an_id_is_the_same_signal_within_its_wave() -> None:
    world = a_world()
    stamp = at(world, 0)
    for price in ("41000", 41000, "41000.0"):
        world.signal(BTC, id=None, timestamp=stamp, sl=price)
    world.run_for(10)
    assert list(world.fates().values()) == ["accepted"]
    assert lives(world) == 1
    assert_postcondition_c(world)


def test_another_signal_for_an_open_symbol_is_refused_with_the_reason() -> None:
    world = a_world()
    world.signal(BTC, id="one")
    world.signal(BTC, id="two")
    world.signal(BTC, "SELL", id="three")
    world.run_for(5)
    world.signal(BTC, id="four")
    world.run_for(10)
    fates = world.fates()
    assert sorted(fates.values()) == ["accepted", "rejected", "rejected", "rejected"]
    assert all(reasons(world)[name] for name, verdict in fates.items() if verdict == "rejected")
    assert lives(world) == 1
    assert_postcondition_c(world)


BAD: Mapping[str, tuple[dict[str, object], str]] = {
    "late": ({"timestamp": -3_600}, "late"),
    "from the future": ({"timestamp": 600}, "future"),
    "without a side": ({"side": None}, "side"),
    "with a wrong side": ({"side": "UP"}, "side"),
    "with a stop on the wrong side": ({"entry": 42_000, "sl": 43_000}, "sl"),
    "with a negative price": ({"sl": -1}, "sl"),
    "with no number for a score": ({"score_week": "high"}, "score_week"),
    "with NaN": ({"score_week": float("nan")}, "score_week"),
    "with no time": ({"timestamp": "yesterday"}, "timestamp"),
    "for a symbol that is not traded": ({"symbol": "NOPEUSDT"}, "NOPEUSDT"),
    "for a venue that is not connected": ({"exchange": "mtgox"}, "mtgox"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_signal_is_refused_with_the_reason_and_the_rest_of_its_wave_goes_on(name: str) -> None:
    changes, reason = BAD[name]
    world = a_world()
    given = dict(changes)
    if isinstance(given.get("timestamp"), int):
        given["timestamp"] = at(world, float(str(given["timestamp"])))
    world.signal(BTC, id="bad")
    world.signals.signals[-1][1].update(given)
    world.signal(ETH, id="good")
    world.run_for(10)
    assert world.fates() == {"bad": "rejected", "good": "accepted"}
    assert reason in reasons(world)["bad"]
    assert [position.symbol for position in world.account().positions] == [ETH]
    assert_postcondition_c(world)


@pytest.mark.parametrize("raw", [None, 7, "not json", [], ["a list"], {}, {"id": 7}], ids=repr)
def test_what_is_no_signal_at_all_is_refused_and_nothing_crashes(raw: object) -> None:
    world = a_world()
    world.signals.signals.append((world.time.now_ms(), raw))  # type: ignore[arg-type]  # that is the point
    world.signal(ETH, id="good")
    world.run_for(10)
    fates = world.fates()
    assert fates.pop("good") == "accepted"
    assert list(fates.values()) == ["rejected"]
    assert_postcondition_c(world)


@DIFFERENT_PROFILES
def test_a_wave_is_processed_once_across_a_restart_at_any_boundary(profile: Profile) -> None:
    for kill in strided(55, stride=6, offset=1):
        world = a_world(profile)
        stamp = at(world, 0)
        for name in ("one", "one", "two"):
            world.signal(BTC if name == "one" else ETH, id=name, timestamp=stamp)
        world.signal(ETH, id="bad", side="UP", timestamp=stamp)
        world.kill_at = len(world.boundaries) + kill
        world.run_for(4)
        world.kill_at = None
        world.kill()
        world.run_for(1)
        world.start()
        world.run_for(40)
        assert world.fates() == {"one": "accepted", "two": "accepted", "bad": "rejected"}
        assert lives(world) <= 2
        assert_postcondition_c(world)


def test_a_position_that_was_closed_is_not_opened_again_by_its_signal_after_a_restart() -> None:
    world = a_world()
    world.signal(BTC, id="one")
    world.run_for(5)
    world.price(41_000)
    world.run_for(10)
    assert not world.account().positions
    for _ in range(3):
        world.kill()
        world.run_for(1)
        world.start()
        world.run_for(20)
    assert lives(world) == 1
    assert_postcondition_c(world)


def test_a_signal_that_was_late_at_a_restart_is_not_opened_because_the_process_slept() -> None:
    world = a_world()
    world.kill()
    world.signal(BTC, id="slept through")
    world.run_for(3_600)
    world.start()
    world.run_for(20)
    assert world.fates() == {"slept through": "rejected"}
    assert "late" in reasons(world)["slept through"]
    assert_postcondition_c(world)
