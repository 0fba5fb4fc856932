"""A running venue for each law: every law is tried on every registered one."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.contract.battery import Setup, Trio
from tests.contract.venues import VENUES


@pytest.fixture(params=list(VENUES))
def start(request: pytest.FixtureRequest) -> Iterator[Callable[..., Trio]]:
    """Start the venue with a setup of the law's own."""
    with ExitStack() as running:

        def start_with(**changes: Any) -> Trio:
            return running.enter_context(VENUES[request.param](Setup(**changes)))

        yield start_with


@pytest.fixture
def trio(start: Callable[..., Trio]) -> Trio:
    """The venue in one-way mode, without faults."""
    return start()
