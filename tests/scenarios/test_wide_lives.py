"""Wider lives at random: whatever the house is like and whoever does what, afterwards everything is as it must be.

``HOLDFAST_SOAK_SEEDS=0-999`` runs as many lives as one has time for, ``HOLDFAST_SOAK_SEEDS=41-41`` a failing one alone:

    HOLDFAST_SOAK_SEEDS=0-999 python -m pytest tests/scenarios/test_wide_lives.py
"""

import pytest

from tests.scenarios.soak import seeds_asked_for
from tests.scenarios.stage import figure
from tests.scenarios.wide_life import WideLife

FOUND_SOMETHING = (154, 1008, 1106, 2008, 2123, 2208, 3111, 3113, 3121, 3137, 5046, 6042, 6109)
"""Seeds that failed once, each for a reason of its own."""
ROUGH = (6, 154, 1008)


@pytest.mark.parametrize("seed", seeds_asked_for() or FOUND_SOMETHING)
def test_whatever_the_house_and_whoever_does_what_everything_is_protected_and_on_record(seed: int) -> None:
    life = WideLife(seed)
    life.live()
    life.assert_good_end()


def test_a_wide_life_is_as_rough_as_it_is_meant_to_be() -> None:
    """Otherwise the law above would hold for want of anything that happens."""
    lives = [WideLife(seed) for seed in ROUGH]
    worlds = [life.live() for life in lives]
    assert sum(life.kills for life in lives) >= 2
    assert sum(life.stops for life in lives) >= 2
    assert sum(life.turns for life in lives) >= 1
    assert sum(figure(world, "positions_opened") for world in worlds) >= 10
    kinds = {kind for world in worlds for kind in world.kinds()}
    assert {"position_added", "aged_exit", "guard_acts", "stop_moved_by_hand", "take_profit_filled"} <= kinds
