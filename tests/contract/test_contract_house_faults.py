"""A position gets its one stop on each venue, over real sockets, also when something goes wrong on the way."""

from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.simulator.fault_script import EventType, FaultAction, FaultRule, FaultScript
from messages.values import OrderPurpose
from tests.contract.battery import Trio
from tests.contract.house import opens_and_closes_whatever_goes_wrong

FAULTS = {
    "the answer to the entry is lost": FaultRule(action=FaultAction.LOST_ANSWER, purposes=(OrderPurpose.ENTRY,)),
    "the stop is one too many": FaultRule(
        action=FaultAction.RATE_LIMIT, purposes=(OrderPurpose.STOP,), count=1, retry_after_s=0.2
    ),
    "the venue's clock is ahead from the start": FaultRule(action=FaultAction.CLOCK_SKEW, offset_ms=90_000),
    "the venue's clock is behind from the start": FaultRule(action=FaultAction.CLOCK_SKEW, offset_ms=-90_000),
    "the fill is never told": FaultRule(action=FaultAction.EVENT_LOST, events=(EventType.FILL,), count=1),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_position_has_one_stop_for_its_size_in_the_end(
    start: Callable[..., Trio], tmp_path: Path, fault: str
) -> None:
    opens_and_closes_whatever_goes_wrong(start(faults=FaultScript(rules=(FAULTS[fault],))), tmp_path)
