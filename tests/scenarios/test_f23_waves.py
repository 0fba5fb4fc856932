"""F23, waves (S2.3-S2.5): looked for at their minutes, the best opened, each fate recorded, none processed twice."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import select

from actors.signals import WavePolicy
from adapters.simulator.profiles import PROFILES, Profile
from messages.values import Symbol
from persistence.tables import signals_log
from rules.limits import Limits
from rules.wave_intake import IntakePolicy
from rules.waves import CheckTimes
from tests.scenarios.kills import strided
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import DIFFERENT_PROFILES
from tests.scenarios.world import BTC, World

SYMBOLS = [Symbol(f"C{number:02d}USDT") for number in range(24)]
DUE, EARLY, LATE = "2022-01-01T01:00:00Z", "2022-01-01T01:15:00Z", "2022-01-01T00:45:00Z"
"""At 01:20, when the world begins, the wave of 01:00 is looked for."""
ONE_AT_A_TIME = Limits(max_positions=100, max_exposure_usd=Decimal(1_000_000))


def a_world(profile: Profile = PROFILES["paper"], **parts: object) -> World:
    values: dict[str, object] = {
        "prices": dict.fromkeys([BTC, *SYMBOLS], Decimal(1_000)),
        "limits": ONE_AT_A_TIME,
        "size_usd": Decimal(100),
        "in_waves": True,
    }
    return World(profile=profile, **(values | parts))  # type: ignore[arg-type] # the fields of a World, by name


def a_wave(world: World, symbols: Sequence[Symbol], timestamp: str = DUE, **fields: object) -> None:
    """A signal for each symbol, the first the best."""
    for number, symbol in enumerate(symbols):
        values: dict[str, object] = {"id": symbol, "timestamp": timestamp, "score_week": 90 - number} | fields
        world.signal(symbol, "BUY", **values)


def run(world: World, seconds: float) -> World:
    world.start()
    world.run_for(seconds)
    return world


def accepted(world: World) -> set[str]:
    return {name for name, verdict in world.fates().items() if verdict == "accepted"}


def reason(world: World, signal_id: str) -> str:
    with world.store.reading() as connection:
        rows = connection.execute(select(signals_log.c.reason).where(signals_log.c.signal_id == signal_id))
        return str(rows.scalar_one())


def test_the_wave_that_is_expected_is_opened_and_one_that_is_over_is_refused() -> None:
    world = a_world()
    a_wave(world, SYMBOLS[:2])
    a_wave(world, SYMBOLS[2:3], LATE)
    run(world, 30)
    assert accepted(world) == set(SYMBOLS[:2])
    assert "the check for its wave of 00:45 is over" in reason(world, SYMBOLS[2])
    assert_postcondition_c(world)


def test_a_wave_that_comes_too_early_is_opened_at_its_own_check() -> None:
    world = a_world()
    a_wave(world, SYMBOLS[:1], EARLY)
    run(world, 14 * 60)
    assert world.fates() == {}
    world.run_for(90)
    assert accepted(world) == set(SYMBOLS[:1])
    assert_postcondition_c(world)


def test_between_two_checks_nobody_is_asked() -> None:
    world = run(a_world(), 125)
    asked = world.signals.asked  # type: ignore[attr-defined] # what a server counts
    assert asked == 120 / 5
    world.run_for(12 * 60)
    assert world.signals.asked == asked  # type: ignore[attr-defined]


def test_a_wave_that_was_found_is_not_asked_for_again() -> None:
    world = a_world()
    a_wave(world, SYMBOLS[:1])
    run(world, 110)
    assert world.signals.asked == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(("after_s", "opened"), [(60, True), (130, False)])
def test_a_wave_may_come_until_its_check_is_over(after_s: float, *, opened: bool) -> None:
    world = run(a_world(), after_s)
    a_wave(world, SYMBOLS[:1])
    world.run_for(16 * 60)
    assert (world.fates() == {SYMBOLS[0]: "accepted"}) is opened
    assert list(world.fates()) == [SYMBOLS[0]]
    assert_postcondition_c(world)


def test_ten_of_a_wave_are_opened_the_best_ones_and_the_others_are_told_why_not() -> None:
    world = a_world()
    a_wave(world, SYMBOLS)
    run(world, 60)
    assert accepted(world) == set(SYMBOLS[:10])
    assert len(world.fates()) == len(SYMBOLS)
    assert "MAX_TRADES_PER_15MIN" in reason(world, SYMBOLS[10])
    assert_postcondition_c(world)


def test_each_one_that_fails_is_replaced_by_the_next_in_order() -> None:
    world = a_world(waves=WavePolicy(intake=IntakePolicy(stoplist=frozenset({SYMBOLS[0]}))))
    a_wave(world, SYMBOLS[:1])
    a_wave(world, SYMBOLS[1:2], score_month=49)
    a_wave(world, SYMBOLS[2:3], entry=-1)
    a_wave(world, [Symbol("NOPEUSDT")])
    a_wave(world, SYMBOLS[3:20])
    run(world, 60)
    assert accepted(world) == set(SYMBOLS[3:13])
    assert len(world.fates()) == 21
    assert [reason(world, name).split()[0] for name in ("NOPEUSDT", SYMBOLS[1])] == ["NOPEUSDT", "score_month"]
    assert_postcondition_c(world)


def test_symbols_with_a_position_already_make_room_for_the_next() -> None:
    world = a_world(scaling=False)
    a_wave(world, SYMBOLS[:4])
    run(world, 14 * 60)
    a_wave(world, SYMBOLS, EARLY, id=None)
    world.run_for(150)
    assert {position.symbol for position in world.account().positions} == set(SYMBOLS[:14])
    assert_postcondition_c(world)


def test_what_is_added_to_a_position_is_one_of_the_trades_of_its_wave() -> None:
    world = a_world()
    a_wave(world, SYMBOLS[:4])
    run(world, 14 * 60)
    a_wave(world, SYMBOLS, EARLY, id=None)
    world.run_for(150)
    assert {position.symbol for position in world.account().positions} == set(SYMBOLS[:10])
    assert world.kinds().count("position_added") == 4
    assert_postcondition_c(world)


def test_a_spread_over_the_limit_is_refused() -> None:
    world = a_world(waves=WavePolicy(intake=IntakePolicy(max_spread_percent=Decimal("0.0001"))))
    a_wave(world, SYMBOLS[:1])
    run(world, 30)
    assert "MAX_SPREAD_PERCENT" in reason(world, SYMBOLS[0])
    assert not world.account().positions


def test_a_wave_of_one_hundred_with_every_kind_of_rubbish_in_it_goes_on() -> None:
    world = a_world()
    rubbish: list[object] = [None, 7, "text", [], {}, {"symbol": BTC}, {"id": 7, "side": []}, 1e300, True]
    for number in range(100):
        world.signals.signals.append((world.time.now_ms(), rubbish[number % len(rubbish)]))  # type: ignore[arg-type]
    a_wave(world, SYMBOLS[:3])
    run(world, 30)
    assert accepted(world) == set(SYMBOLS[:3])
    assert len(world.fates()) == 3 + len(rubbish)
    assert not world.crashes
    assert_postcondition_c(world)


def test_what_a_wave_came_to_is_told() -> None:
    world = a_world()
    a_wave(world, SYMBOLS[:2])
    run(world, 30)
    told = [event.text for event in world.events if event.kind == "wave_processed"]
    assert told == ["the wave of 01:00: 2 opened, 2 checked"]


@DIFFERENT_PROFILES
def test_a_wave_is_processed_once_wherever_the_process_is_killed_in_it(profile: Profile) -> None:
    small = WavePolicy(intake=replace(IntakePolicy(), max_trades=2))
    for kill in strided(60, stride=7, offset=2):
        world = a_world(profile, waves=small)
        a_wave(world, SYMBOLS[:5])
        world.start()
        world.kill_at = len(world.boundaries) + kill
        world.run_for(3)
        world.kill_at = None
        world.kill()
        world.run_for(1)
        run(world, 60)
        assert len(accepted(world)) == 2, kill
        assert set(world.fates()) == set(SYMBOLS[:5]), kill
        # An entry that had not been sent when the process died is not sent later: it is told that it came to nothing.
        unsent = [event.subject for event in world.events if event.kind == "entry_refused"]
        opened = world.ledger()["positions_opened"]
        assert (opened, len(unsent)) in {(2, 0), (1, 1)}, kill
        assert_postcondition_c(world)


def test_a_wave_whose_check_ended_while_the_process_was_away_is_not_opened_afterwards() -> None:
    world = a_world()
    a_wave(world, SYMBOLS[:2])
    world.run_for(300)
    run(world, 20 * 60)
    assert set(world.fates().values()) == {"rejected"}
    assert not world.account().positions


def test_other_minutes_may_be_chosen() -> None:
    world = a_world(waves=WavePolicy(times=CheckTimes(minutes=(25,), duration_s=30)))
    a_wave(world, SYMBOLS[:1])
    run(world, 4 * 60)
    assert world.fates() == {}
    world.run_for(90)
    assert accepted(world) == set(SYMBOLS[:1])
