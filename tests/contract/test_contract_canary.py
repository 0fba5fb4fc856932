"""Each venue proves over its own sockets that it takes stops, before anything is opened there."""

from collections.abc import Callable
from pathlib import Path

import pytest

from messages.values import OrderKind
from tests.contract.battery import Trio
from tests.contract.house import living_house


@pytest.mark.parametrize("hedge", [False, True], ids=["one-way", "hedge"])
def test_a_position_is_opened_once_stops_are_proven_and_nothing_is_left_of_the_proof(
    start: Callable[..., Trio], tmp_path: Path, *, hedge: bool
) -> None:
    trio = start(hedge=hedge)
    with living_house(trio, tmp_path, hedge_mode=hedge, canary=True) as house:
        house.signal()
        house.witness.until(lambda: any(event.kind == "position_opening" for event in house.events))
        house.witness.until(lambda: len(house.orders(OrderKind.STOP_MARKET)) == 1)
        told = {event.kind: event for event in house.events}
        assert "stops_not_proven" not in told
        assert "stops_proven" in told
        assert told["stops_proven"].at_ms <= told["position_opening"].at_ms
    assert trio.exchange.ledger_snapshot()["zombie_orders"] == 0
