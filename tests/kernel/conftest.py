"""A bench for each test, and the law that nobody dies unseen."""

from collections.abc import Iterator

import pytest

from tests.kernel.builders import Bench


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "expects_crashes: actors of this test are meant to crash or hang")


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    for system in bench.systems:
        if not system.killed and system.kernel.root is not None:
            system.shutdown(stop_timeout_s=30.0)


@pytest.fixture(autouse=True)
def nobody_dies_unexpectedly(request: pytest.FixtureRequest, bench: Bench) -> Iterator[None]:
    yield
    if request.node.get_closest_marker("expects_crashes") is None:
        assert bench.crashes() == []
