"""The whole house on the simulated Binance while requests, answers and events go astray, and in hedge mode."""

from pathlib import Path

import pytest

from adapters.simulator.fault_script import EventType, FaultAction, FaultRule, FaultScript
from messages.values import OrderPurpose
from tests.contract.battery import Setup
from tests.contract.house import opens_and_closes_whatever_goes_wrong
from tests.venues.binance.running import binance

STOP = (OrderPurpose.STOP,)
FAULTS = {
    "no answer to a stop ever comes": FaultRule(action=FaultAction.LOST_ANSWER, purposes=STOP),
    "the stop never arrives": FaultRule(action=FaultAction.LOST_REQUEST, purposes=STOP, count=1),
    "each stop arrives twice": FaultRule(action=FaultAction.DUPLICATE_REQUEST, purposes=STOP),
    "the venue is out of service and executes the entry": FaultRule(
        action=FaultAction.MAINTENANCE, purposes=(OrderPurpose.ENTRY,), count=1, executed=True
    ),
    "everything is told twice": FaultRule(action=FaultAction.EVENT_DUPLICATE, delay_s=0.05),
    "no order is told of": FaultRule(action=FaultAction.EVENT_LOST, events=(EventType.ORDER,)),
    "the stream breaks when the position opens": FaultRule(action=FaultAction.STREAM_DROP, from_s=0.5, for_s=0.1),
    "the clock is wrong": FaultRule(action=FaultAction.CLOCK_SKEW, offset_ms=30_000),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_position_has_one_stop_for_its_size_in_the_end(tmp_path: Path, fault: str) -> None:
    with binance(Setup(faults=FaultScript(rules=(FAULTS[fault],)))) as trio:
        opens_and_closes_whatever_goes_wrong(trio, tmp_path)


def test_in_hedge_mode_a_position_has_its_stop_on_its_own_side(tmp_path: Path) -> None:
    with binance(Setup(hedge=True)) as trio:
        opens_and_closes_whatever_goes_wrong(trio, tmp_path, hedge_mode=True)
