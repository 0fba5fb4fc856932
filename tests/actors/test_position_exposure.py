"""What counts in the limits: what is open, and what is still being opened."""

from decimal import Decimal
from typing import Any

import pytest

from actors.position_exposure import exposure_of
from tests.persistence.builders import position
from tests.simulator.builders import an_instrument


def exposure(**parts: Any) -> Decimal | None:
    known = {"entry_price": Decimal(100), "wanted_quantity": Decimal(10), **parts}
    told = exposure_of(position(**known), an_instrument(contract_size=Decimal(1)))
    return None if told is None else told.notional


@pytest.mark.parametrize(
    ("open_", "opened", "entry_done", "counts"),
    [
        pytest.param(0, 0, False, 1_000, id="nothing has filled yet"),
        pytest.param(4, 4, False, 1_000, id="a part has filled, the rest is on its way"),
        pytest.param(4, 4, True, 400, id="a part has filled, and no more comes"),
        pytest.param(10, 10, True, 1_000, id="all of it has filled"),
        pytest.param(5, 10, True, 500, id="half of it was closed again"),
        pytest.param(2, 4, False, 800, id="a part was closed while the rest is on its way"),
    ],
)
def test_what_is_still_being_opened_counts_beside_what_is_open(
    open_: int,
    opened: int,
    entry_done: bool,  # noqa: FBT001 - a column of the table
    counts: int,
) -> None:
    told = exposure(quantity=Decimal(open_), opened_quantity=Decimal(opened), entry_done=entry_done)
    assert told == counts


def test_a_position_that_is_over_counts_no_more() -> None:
    assert exposure(quantity=Decimal(0), closed_ms=2_000) is None
