"""F4, over a whole life: whatever boundary the process is killed at, the position goes on as it would have."""

import os

import pytest

from adapters.simulator.profiles import BINANCE, PAPER, WORST, Profile
from tests.scenarios.kills import LIFE, LOSS, kill_in_life, strided
from tests.scenarios.stage import EVERY_PROFILE
from tests.scenarios.tally import SOAK

DIFFERENT = (PAPER, BINANCE, WORST)
"""Stop attached and amended; placed and doubled; placed, cancelled and placed again."""
LONGEST_LIFE = 170


@pytest.mark.parametrize(("number", "profile"), list(enumerate(DIFFERENT)), ids=[each.name for each in DIFFERENT])
@pytest.mark.parametrize("prices", [LIFE, LOSS], ids=["a gain", "a loss"])
def test_a_life_killed_at_any_boundary_goes_on_as_it_would_have(
    number: int, profile: Profile, prices: tuple[tuple[int, int], ...]
) -> None:
    for kill in strided(LONGEST_LIFE, stride=47, offset=number * 7):
        kill_in_life(profile, kill, prices=prices, side="SELL" if kill % 2 else "BUY")


@pytest.mark.soak
@pytest.mark.skipif(SOAK not in os.environ, reason=f"minutes long: set {SOAK}=1")
@EVERY_PROFILE
def test_the_whole_campaign_kills_a_life_at_every_boundary(profile: Profile) -> None:
    for kill in range(1, LONGEST_LIFE):
        for prices in (LIFE, LOSS):
            kill_in_life(profile, kill, prices=prices, side="SELL" if kill % 2 else "BUY")
