"""What every test may ask for: recorded data, venue facts, and one way for hypothesis to behave."""

import os
from pathlib import Path

import hypothesis
import pytest

from tests.scenarios import tally

CAMPAIGN_S = 7_200
ROOT = Path(__file__).resolve().parent.parent

# Two helpers on two cores make a time limit per example a lottery; a failure must be the same one on every machine.
hypothesis.settings.register_profile("default", deadline=None, database=None)
hypothesis.settings.register_profile("ci", deadline=None, database=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_configure(config: pytest.Config) -> None:
    """What the worlds of the scenarios come to is told at the end of a run."""
    config.pluginmanager.register(tally)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole campaigns have the time that they need.

    Among several workers, tests that mostly wait for real processes are spread evenly between those that compute.
    """
    if tally.SOAK in os.environ:
        for item in items:
            item.add_marker(pytest.mark.timeout(CAMPAIGN_S))
    waiting = [item for item in items if "process" in item.path.parts]
    if not waiting or "PYTEST_XDIST_WORKER" not in os.environ:
        return
    computing = [item for item in items if "process" not in item.path.parts]
    every = len(computing) // len(waiting) + 1
    items[:] = [
        item for number, one in enumerate(waiting) for item in (one, *computing[number * every : (number + 1) * every])
    ]


def _place(name: str, default: str) -> Path:
    place = Path(os.environ.get(name) or ROOT / default)
    if not place.is_dir():
        pytest.skip(f"{name} is not set and {default} is not beside the project")
    return place


@pytest.fixture(scope="session")
def recorded_data() -> Path:
    """Recorded market data: candles and funding rates."""
    return _place("HOLDFAST_DATA", "../shared/data")


@pytest.fixture(scope="session")
def venue_facts() -> Path:
    """What the venues really answer: recordings and error bodies."""
    return _place("HOLDFAST_FACTS", "../shared/venues")
