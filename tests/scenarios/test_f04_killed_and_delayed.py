"""F4, made harder: requests that arrive after the restart, prices that moved meanwhile, a venue that cannot be read."""

import pytest

from adapters.simulator.fault_script import FaultAction, FaultRule, FaultScript, RequestType
from adapters.simulator.profiles import BINANCE, PAPER, WORST, Profile
from tests.scenarios.kills import (
    EIGHT,
    PROTECTED_WITHIN_S,
    SETTLED_AFTER_S,
    Wave,
    begun,
    boundaries_of,
    kill_in,
    live_until,
    strided,
)
from tests.scenarios.plants import WatchedCalls
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import DIFFERENT_PROFILES

DIFFERENT = (PAPER, BINANCE, WORST)
"""Stop attached and amended; placed and doubled; placed, cancelled and placed again."""


@DIFFERENT_PROFILES
def test_an_entry_that_reaches_the_venue_only_after_the_restart_is_not_sent_again(profile: Profile) -> None:
    late = FaultRule(action=FaultAction.LATE_EXECUTION, requests=(RequestType.PLACE,), delay_s=2.5, count=1)
    wave = Wave(profile=profile, symbols=EIGHT[:1], dead_s=0.001, faults=FaultScript(rules=(late,)))
    for kill in strided(boundaries_of(wave), stride=9, offset=2):
        kill_in(wave, kill)


@pytest.mark.parametrize("price", [42_700, 41_000], ids=["past the first target", "past the stop"])
@DIFFERENT_PROFILES
def test_what_the_price_did_while_the_process_was_dead_is_found_after_the_restart(profile: Profile, price: int) -> None:
    wave = Wave(profile=profile, symbols=EIGHT[:1], dead_s=2, price_after=price)
    for kill in strided(boundaries_of(wave), stride=13, offset=3):
        kill_in(wave, kill)


@pytest.mark.parametrize("action", [FaultAction.LOST_ANSWER, FaultAction.RATE_LIMIT, FaultAction.MAINTENANCE])
@DIFFERENT_PROFILES
def test_when_the_venue_cannot_be_read_after_the_restart_all_is_protected_3_s_after_its_first_reading(
    profile: Profile, action: FaultAction
) -> None:
    reads = (RequestType.ACCOUNT, RequestType.FILLS, RequestType.QUERY, RequestType.INSTRUMENTS)
    blind = FaultRule(action=action, requests=reads, from_s=2.5, until_s=12.5, retry_after_s=1.0)
    wave = Wave(profile=profile, symbols=EIGHT[:2], faults=FaultScript(rules=(blind,)))
    for kill in strided(boundaries_of(wave), stride=31, offset=7):
        world = begun(wave)
        world.run_for(0.5)
        live_until(world, kill)
        world.run_for(1)
        calls = world.start().calls
        assert isinstance(calls, WatchedCalls)
        while calls.first_read_ms is None:
            world.run_for(0.01)
        world.run_for(PROTECTED_WITHIN_S)
        assert world.ledger()["positions_uncovered_now"] == 0
        world.run_for(SETTLED_AFTER_S)
        assert_postcondition_c(world)
