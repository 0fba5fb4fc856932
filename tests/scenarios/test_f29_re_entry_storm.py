"""F29: 200 signals in a second for 50 symbols, while ten positions are allowed."""

from decimal import Decimal

import pytest

from actors.signals import WavePolicy
from adapters.simulator.fault_script import FaultAction, FaultRule, RequestType
from adapters.simulator.profiles import Profile
from messages.values import OrderPurpose, Symbol
from messages.venue import RejectReason
from rules.limits import Limits
from rules.wave_intake import IntakePolicy
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import DIFFERENT_PROFILES, EVERY_PROFILE, a_world
from tests.scenarios.world import World

SYMBOLS = [Symbol(f"C{number:02d}USDT") for number in range(50)]
SIGNALS = 200
PRICE = Decimal(1_000)
SIZE_USD = Decimal(100)


class MostEver:
    """What was open at the venue at any instant."""

    def __init__(self, world: World) -> None:
        self.positions = 0
        self.exposure = Decimal(0)
        self._account = world.exchange.engine.state.account
        world.boundary = self._look

    def _look(self, _: str) -> None:
        held = list(self._account.positions.values())
        self.positions = max(self.positions, len(held))
        self.exposure = max(self.exposure, sum((each.quantity * each.entry_price for each in held), Decimal(0)))


def a_storm(profile: Profile, *rules: FaultRule, limits: Limits) -> tuple[World, MostEver]:
    world = a_world(
        profile,
        *rules,
        prices=dict.fromkeys(SYMBOLS, PRICE),
        limits=limits,
        size_usd=SIZE_USD,
        # The limits are on trial, and not what one wave may open.
        waves=WavePolicy(intake=IntakePolicy(max_trades=SIGNALS)),
    )
    most = MostEver(world)
    for number in range(SIGNALS):
        world.signal(SYMBOLS[number % len(SYMBOLS)], "BUY" if number % 3 else "SELL")
    world.run_for(40)
    return world, most


@EVERY_PROFILE
def test_exactly_ten_positions_are_opened_and_every_signal_has_its_fate(profile: Profile) -> None:
    world, most = a_storm(profile, limits=Limits(max_positions=10))
    assert len(world.account().positions) == 10
    assert most.positions == 10
    fates = world.fates()
    assert len(fates) == SIGNALS
    assert list(fates.values()).count("accepted") == 10
    assert_postcondition_c(world)


@DIFFERENT_PROFILES
def test_the_exposure_is_kept_at_every_instant_too(profile: Profile) -> None:
    world, most = a_storm(profile, limits=Limits(max_positions=50, max_exposure_usd=Decimal(450)))
    assert len(world.account().positions) == 4
    assert most.exposure <= Decimal(450)
    assert len(world.fates()) == SIGNALS
    assert_postcondition_c(world)


@DIFFERENT_PROFILES
@pytest.mark.parametrize("action", [FaultAction.LOST_ANSWER, FaultAction.REJECT])
def test_entries_that_fail_in_the_storm_never_let_in_too_many(profile: Profile, action: FaultAction) -> None:
    rule = FaultRule(
        action=action,
        requests=(RequestType.PLACE,),
        purposes=(OrderPurpose.ENTRY,),
        reason=RejectReason.INSUFFICIENT_MARGIN if action is FaultAction.REJECT else None,
        probability=0.5,
    )
    world, most = a_storm(profile, rule, limits=Limits(max_positions=10))
    assert 0 < most.positions <= 10
    assert len(world.fates()) == SIGNALS
    assert_postcondition_c(world)
