"""Lives at random: whatever goes wrong, in whatever order, afterwards everything is as it must be.

``HOLDFAST_SOAK_SEEDS=0-999`` runs as many lives as one has time for, ``HOLDFAST_SOAK_SEEDS=41-41`` a failing one alone.
"""

import pytest

from adapters.simulator.profiles import PROFILES
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.soak import Soak, Weather, seeds_asked_for
from tests.scenarios.stage import figure, fills_of

FOUND_SOMETHING = (2, 38, 41, 44, 54, 62, 63, 68, 80, 113, 125)
"""Seeds that failed once, each for a reason of its own."""
RETRIES_S = 2 + 4 + 1
"""A refused stop is tried again after 2 and 4 s (S4.5), each time with a second for its answer to be lost in."""
FAULTS_ONLY = Weather(kill=0.0, crash=0.0, by_hand=0.0)


@pytest.mark.parametrize("seed", seeds_asked_for() or [*range(6), *FOUND_SOMETHING[1:]])
def test_after_faults_crashes_kills_and_hands_everything_is_protected_and_on_record(seed: int) -> None:
    soak = Soak(seed, Weather())
    world = soak.live()
    assert_postcondition_c(world, crashes=soak.planted_crashes, interrupted=True)


@pytest.mark.parametrize("seed", range(len(PROFILES)))
def test_faults_alone_leave_no_position_naked_for_longer_than_it_takes_to_escalate(seed: int) -> None:
    soak = Soak(seed, FAULTS_ONLY)
    world = soak.live()
    assert_postcondition_c(world, interrupted=True)
    assert figure(world, "positions_opened") > 0
    assert figure(world, "worst_window_seconds") <= RETRIES_S


def test_the_same_seed_is_the_same_life() -> None:
    first, second = (Soak(5, Weather(duration_s=120.0)).live() for _ in range(2))
    assert first.kinds() == second.kinds()
    assert fills_of(first) == fills_of(second)
    assert first.boundaries == second.boundaries


def test_a_life_is_as_rough_as_it_is_meant_to_be() -> None:
    """Otherwise the laws above would hold for want of anything that goes wrong."""
    soaks = [Soak(seed, Weather()) for seed in range(7)]
    worlds = [soak.live() for soak in soaks]
    assert sum(soak.kills for soak in soaks) >= 2
    assert sum(soak.planted_crashes for soak in soaks) >= 3
    assert sum(figure(world, "positions_opened") for world in worlds) >= 10
    kinds = {kind for world in worlds for kind in world.kinds()}
    assert {"stop_moved", "take_profit_filled", "position_closed", "recovered", "stop_failed"} <= kinds
