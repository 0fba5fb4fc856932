"""F4: kill -9 in a wave of entries, at each boundary; after the restart all is protected, and nothing is repeated."""

import os
import random

import pytest

from adapters.simulator.fault_script import FaultAction, FaultRule, FaultScript, RequestType
from adapters.simulator.profiles import BINANCE, PAPER, PROFILES, WORST, Profile
from tests.scenarios.kills import (
    EIGHT,
    PROTECTED_WITHIN_S,
    SETTLED_AFTER_S,
    SOAK,
    Wave,
    begun,
    boundaries_of,
    kill_in,
    live_until,
    strided,
)
from tests.scenarios.plants import WatchedCalls
from tests.scenarios.postcondition import assert_postcondition_c

ALL = tuple(PROFILES.values())
DIFFERENT = (PAPER, BINANCE, WORST)
"""Stop attached and amended; placed and doubled; placed, cancelled and placed again."""


@pytest.mark.parametrize("profile", ALL, ids=lambda profile: profile.name)
@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_an_entry_killed_at_any_boundary_is_protected_after_the_restart_and_not_repeated(
    profile: Profile, side: str
) -> None:
    wave = Wave(profile=profile, symbols=EIGHT[:1], side=side)
    stride = 5 if profile in DIFFERENT else 17
    for kill in strided(boundaries_of(wave), stride=stride, offset=side == "BUY"):
        kill_in(wave, kill)


@pytest.mark.parametrize(("number", "profile"), list(enumerate(ALL)), ids=[profile.name for profile in ALL])
def test_eight_entries_killed_at_any_boundary_are_protected_after_the_restart_and_not_repeated(
    number: int, profile: Profile
) -> None:
    wave = Wave(profile=profile)
    for kill in strided(boundaries_of(wave), stride=101, offset=number * 11):
        kill_in(wave, kill)


@pytest.mark.parametrize("profile", DIFFERENT, ids=lambda profile: profile.name)
def test_killed_again_during_the_recovery_nothing_is_left_naked_or_repeated(profile: Profile) -> None:
    chance = random.Random(profile.name)
    wave = Wave(profile=profile, symbols=EIGHT[:2], dead_s=0.2)
    last = boundaries_of(wave)
    for _ in range(4):
        kill_in(wave, chance.randint(1, last), chance.randint(1, 30), chance.randint(1, 60))


@pytest.mark.parametrize("profile", DIFFERENT, ids=lambda profile: profile.name)
def test_an_entry_that_reaches_the_venue_only_after_the_restart_is_not_sent_again(profile: Profile) -> None:
    late = FaultRule(action=FaultAction.LATE_EXECUTION, requests=(RequestType.PLACE,), delay_s=2.5, count=1)
    wave = Wave(profile=profile, symbols=EIGHT[:1], dead_s=0.001, faults=FaultScript(rules=(late,)))
    for kill in strided(boundaries_of(wave), stride=9, offset=2):
        kill_in(wave, kill)


@pytest.mark.parametrize("price", [42_700, 41_000], ids=["past the first target", "past the stop"])
@pytest.mark.parametrize("profile", DIFFERENT, ids=lambda profile: profile.name)
def test_what_the_price_did_while_the_process_was_dead_is_found_after_the_restart(profile: Profile, price: int) -> None:
    wave = Wave(profile=profile, symbols=EIGHT[:1], dead_s=2, price_after=price)
    for kill in strided(boundaries_of(wave), stride=13, offset=3):
        kill_in(wave, kill)


@pytest.mark.parametrize("action", [FaultAction.LOST_ANSWER, FaultAction.RATE_LIMIT, FaultAction.MAINTENANCE])
@pytest.mark.parametrize("profile", DIFFERENT, ids=lambda profile: profile.name)
def test_when_the_venue_cannot_be_read_after_the_restart_all_is_protected_3_s_after_its_first_reading(
    profile: Profile, action: FaultAction
) -> None:
    reads = (RequestType.ACCOUNT, RequestType.FILLS, RequestType.QUERY, RequestType.INSTRUMENTS)
    blind = FaultRule(action=action, requests=reads, from_s=2.5, until_s=12.5, retry_after_s=1.0)
    wave = Wave(profile=profile, symbols=EIGHT[:2], faults=FaultScript(rules=(blind,)))
    for kill in strided(boundaries_of(wave), stride=31, offset=7):
        world = begun(wave)
        world.run_for(0.5)
        live_until(world, kill)
        world.run_for(1)
        calls = world.start().calls
        assert isinstance(calls, WatchedCalls)
        while calls.first_read_ms is None:
            world.run_for(0.01)
        world.run_for(PROTECTED_WITHIN_S)
        assert world.ledger()["positions_uncovered_now"] == 0
        world.run_for(SETTLED_AFTER_S)
        assert_postcondition_c(world)


@pytest.mark.soak
@pytest.mark.skipif(SOAK not in os.environ, reason=f"minutes long: set {SOAK}=1")
@pytest.mark.parametrize("profile", ALL, ids=lambda profile: profile.name)
def test_the_whole_campaign_kills_eight_entries_at_every_boundary(profile: Profile) -> None:
    wave = Wave(profile=profile)
    for kill in range(1, boundaries_of(wave) + 1):
        kill_in(wave, kill)
