"""F4: kill -9 in a wave of entries, at each boundary; after the restart all is protected, and nothing is repeated."""

import os
import random

import pytest

from adapters.simulator.profiles import BINANCE, PAPER, PROFILES, WORST, Profile
from tests.scenarios.kills import (
    EIGHT,
    Wave,
    boundaries_of,
    kill_in,
    strided,
)
from tests.scenarios.stage import DIFFERENT_PROFILES, EVERY_PROFILE
from tests.scenarios.tally import SOAK

ALL = tuple(PROFILES.values())
DIFFERENT = (PAPER, BINANCE, WORST)
"""Stop attached and amended; placed and doubled; placed, cancelled and placed again."""


@EVERY_PROFILE
@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_an_entry_killed_at_any_boundary_is_protected_after_the_restart_and_not_repeated(
    profile: Profile, side: str
) -> None:
    wave = Wave(profile=profile, symbols=EIGHT[:1], side=side)
    stride = 9 if profile in DIFFERENT else 17
    for kill in strided(boundaries_of(wave), stride=stride, offset=side == "BUY"):
        kill_in(wave, kill)


@pytest.mark.parametrize(("number", "profile"), list(enumerate(ALL)), ids=[profile.name for profile in ALL])
def test_eight_entries_killed_at_any_boundary_are_protected_after_the_restart_and_not_repeated(
    number: int, profile: Profile
) -> None:
    wave = Wave(profile=profile)
    for kill in strided(boundaries_of(wave), stride=101, offset=number * 11):
        kill_in(wave, kill)


@DIFFERENT_PROFILES
def test_killed_again_during_the_recovery_nothing_is_left_naked_or_repeated(profile: Profile) -> None:
    chance = random.Random(profile.name)
    wave = Wave(profile=profile, symbols=EIGHT[:2], dead_s=0.2)
    last = boundaries_of(wave)
    for _ in range(4):
        kill_in(wave, chance.randint(1, last), chance.randint(1, 30), chance.randint(1, 60))


@pytest.mark.soak
@pytest.mark.skipif(SOAK not in os.environ, reason=f"minutes long: set {SOAK}=1")
@EVERY_PROFILE
def test_the_whole_campaign_kills_eight_entries_at_every_boundary(profile: Profile) -> None:
    wave = Wave(profile=profile)
    for kill in range(1, boundaries_of(wave) + 1):
        kill_in(wave, kill)
