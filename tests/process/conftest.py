"""Real processes and their databases."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import Databases, databases, own_server
from tests.process.installation import Installation


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """One server for the real processes of all workers."""
    own = tmp_path_factory.getbasetemp()
    directory = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "process"
    directory.mkdir(exist_ok=True)
    with databases(directory) as server:
        yield server


@pytest.fixture
def stoppable_postgresql() -> Iterator[Databases]:
    """A server that this test may stop.

    Not below pytest's own directory: another run of the same user closes that to others, and to the server's user.
    """
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-postgres-", ignore_cleanup_errors=True) as place,
        own_server(Path(place)) as server,
    ):
        server.hurry()
        yield server


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """An empty one, with the defaults of every setting."""
    return Installation(tmp_path / "installation")
