"""What every scenario has: nothing of its worlds stays behind; and which are told over the wire in a default run."""

import os
from collections.abc import Iterator

import pytest

from tests.scenarios.tally import SOAK
from tests.scenarios.wire.choice import is_told_by_default
from tests.scenarios.wire.link import end_all_links


@pytest.fixture(autouse=True)
def _no_links_left() -> Iterator[None]:
    yield
    end_all_links()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Over the wire only the chosen stories are told, unless all of them are asked for."""
    if os.environ.get(SOAK):
        return
    left_out = [item for item in items if not is_told_by_default(item.name)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
