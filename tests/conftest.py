"""What every test may ask for: recorded data, venue facts, and one way for hypothesis to behave."""

import os
from pathlib import Path

import hypothesis
import pytest

from tests.scenarios import tally

ROOT = Path(__file__).resolve().parent.parent

# Two helpers on two cores make a time limit per example a lottery; a failure must be the same one on every machine.
hypothesis.settings.register_profile("default", deadline=None, database=None)
hypothesis.settings.register_profile("ci", deadline=None, database=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_configure(config: pytest.Config) -> None:
    """What the worlds of the scenarios come to is told at the end of a run."""
    config.pluginmanager.register(tally)


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
