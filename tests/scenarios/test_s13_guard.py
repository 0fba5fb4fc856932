"""S13: the guard says what it would do when a position's risk gets worse, and does it only where it may.

A new position loses one percent: its health falls from about 75 to about 57, and the borders decide what that is.
"""

from decimal import Decimal

import pytest

from adapters.simulator.fault_script import FaultAction, FaultRule, RequestType
from adapters.simulator.profiles import BINANCE, PAPER, WORST, Profile
from messages.journal import Severity
from messages.orders import OrderReport
from messages.settings import GuardMode
from messages.state import CloseReason, RiskLevel
from messages.values import OrderPurpose, Side
from messages.venue import RejectReason
from persistence.queries import Queries
from rules.guard import GuardPolicy
from tests.scenarios.kills import strided
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import (
    BOTH_SIDES,
    DIFFERENT_PROFILES,
    a_world,
    at,
    figure,
    open_a,
    open_quantity,
    placed_ids,
    profits_of,
    stops_of,
)
from tests.scenarios.world import BTC, World, an_instrument

BORDERS = {
    RiskLevel.LOW: ("10", "9", "8", "7"),
    RiskLevel.MEDIUM: ("60", "30", "20", "10"),
    RiskLevel.HIGH: ("60", "59", "30", "10"),
    RiskLevel.CRITICAL: ("60", "59.5", "59", "10"),
    RiskLevel.EMERGENCY: ("60", "59.5", "59.2", "59"),
}
"""By which a loss of one percent is of the level."""
WORSE = [level for level in RiskLevel if level is not RiskLevel.LOW]


def a_guard(level: RiskLevel, mode: GuardMode) -> GuardPolicy:
    first, second, third, fourth = (Decimal(each) for each in BORDERS[level])
    return GuardPolicy(mode=mode, borders=(first, second, third, fourth))


def losing(side: Side, profile: Profile, level: RiskLevel, *rules: FaultRule, mode: GuardMode = GuardMode.ACT) -> World:
    """A world with a position that has just lost one percent."""
    world = a_world(profile, *rules, guard=a_guard(level, mode))
    open_a(side, world)
    world.price(at(side, 41_580))
    return world


def refusing(purpose: OrderPurpose, *, count: int | None = None) -> FaultRule:
    return FaultRule(
        action=FaultAction.REJECT,
        requests=(RequestType.PLACE,),
        purposes=(purpose,),
        reason=RejectReason.OTHER,
        count=count,
    )


def standing(world: World) -> tuple[Decimal, list[OrderReport], list[OrderReport]]:
    return open_quantity(world), stops_of(world), profits_of(world)


def said(world: World, kind: str) -> list[str]:
    return [dict(event.data).get("action", "") for event in world.events if event.kind == kind]


def assert_closed_by_the_guard(world: World) -> None:
    assert open_quantity(world) == 0
    assert world.account().orders == ()
    assert [each.close_reason for each in Queries(world.store).closed_positions(limit=10)] == [CloseReason.GUARD]
    assert_postcondition_c(world)


@DIFFERENT_PROFILES
@pytest.mark.parametrize("level", WORSE)
def test_advising_it_says_once_what_it_would_do_and_does_nothing(profile: Profile, level: RiskLevel) -> None:
    world = losing(Side.LONG, profile, level, mode=GuardMode.ADVISE)
    before = standing(world)
    world.run_for(200)
    assert len(said(world, "guard_advice")) == 1
    (told,) = [event for event in world.events if event.kind == "guard_advice"]
    is_loud = level in {RiskLevel.CRITICAL, RiskLevel.EMERGENCY}
    assert told.severity is (Severity.CRITICAL if is_loud else Severity.WARNING)
    assert standing(world) == before
    assert_postcondition_c(world)


def test_a_healthy_position_is_not_spoken_of() -> None:
    world = losing(Side.LONG, PAPER, RiskLevel.LOW)
    world.run_for(200)
    assert not {"guard_advice", "guard_acts", "guard_level"} & set(world.kinds())


def test_a_level_is_told_again_only_after_it_was_clear_of_its_border_and_not_after_a_restart() -> None:
    world = losing(Side.LONG, PAPER, RiskLevel.MEDIUM, mode=GuardMode.ADVISE)
    world.run_for(60)
    world.kill()
    world.run_for(5)
    world.start()
    world.run_for(100)
    assert len(said(world, "guard_advice")) == 1
    world.price(42_050)
    world.run_for(60)
    assert "guard_level" in world.kinds()
    world.price(41_580)
    world.run_for(60)
    levels = [event for event in Queries(world.store).events(limit=1_000) if event.kind == "guard_advice"]
    assert len(levels) == 2
    assert_postcondition_c(world)


@DIFFERENT_PROFILES
@BOTH_SIDES
def test_medium_risk_tightens_the_stop_once_and_it_is_never_loosened(profile: Profile, side: Side) -> None:
    world = losing(side, profile, RiskLevel.MEDIUM)
    naked = figure(world, "unprotected_seconds")
    world.run_for(200)
    assert [stop.trigger_price for stop in stops_of(world)] == [at(side, 41_370)]
    assert said(world, "guard_acts") == ["tighten_stop"]
    world.price(at(side, 42_100))
    world.run_for(100)
    assert [stop.trigger_price for stop in stops_of(world)] == [at(side, 41_370)]
    if profile.capabilities.amend_stop or profile.capabilities.two_stops:
        assert figure(world, "unprotected_seconds") == naked
    assert_postcondition_c(world)


@DIFFERENT_PROFILES
@BOTH_SIDES
def test_high_risk_closes_half_and_stop_and_take_profits_follow(profile: Profile, side: Side) -> None:
    world = losing(side, profile, RiskLevel.HIGH)
    world.run_for(200)
    assert open_quantity(world) == Decimal("0.005")
    assert sum((order.quantity or Decimal(0) for order in profits_of(world)), Decimal(0)) == Decimal("0.005")
    assert len(placed_ids(world, OrderPurpose.GUARD)) == 1
    assert_postcondition_c(world)


@DIFFERENT_PROFILES
def test_of_a_large_position_as_much_is_closed_as_one_order_may_be_for(profile: Profile) -> None:
    """Half of it would be refused for its size, and is not tried again."""
    most = Decimal("0.004")
    instrument = an_instrument(BTC, max_market_quantity=most)
    world = a_world(profile, guard=a_guard(RiskLevel.HIGH, GuardMode.ACT), instruments=[instrument])
    open_a(Side.LONG, world, for_s=10)
    size = open_quantity(world)
    assert size > 2 * most
    world.price(41_580)
    world.run_for(200)
    assert open_quantity(world) == size - most
    assert len(placed_ids(world, OrderPurpose.GUARD)) == 1
    assert_postcondition_c(world)


def test_a_part_that_is_too_small_is_skipped_and_the_position_stays_whole() -> None:
    world = a_world(PAPER, guard=a_guard(RiskLevel.HIGH, GuardMode.ACT), size_usd=Decimal(42))
    open_a(Side.LONG, world)
    world.price(41_580)
    world.run_for(100)
    assert open_quantity(world) == Decimal("0.001")
    assert "guard_part_skipped" in world.kinds()
    assert placed_ids(world, OrderPurpose.GUARD) == []
    assert_postcondition_c(world)


@DIFFERENT_PROFILES
@BOTH_SIDES
@pytest.mark.parametrize(("level", "kind"), [(RiskLevel.CRITICAL, "limit"), (RiskLevel.EMERGENCY, "market")])
def test_critical_risk_closes_by_a_limit_first_and_an_emergency_at_market(
    profile: Profile, side: Side, level: RiskLevel, kind: str
) -> None:
    world = losing(side, profile, level)
    world.run_for(100)
    assert_closed_by_the_guard(world)
    (sent,) = placed_ids(world, OrderPurpose.CLOSE)
    (close,) = [order for order in world.exchange.engine.state.orders.all_known() if order.client_order_id == sent]
    assert close.kind == kind


def test_a_limit_that_is_refused_is_followed_by_the_market() -> None:
    rule = refusing(OrderPurpose.CLOSE, count=1)
    world = losing(Side.LONG, PAPER, RiskLevel.CRITICAL, rule)
    world.run_for(100)
    assert_closed_by_the_guard(world)
    assert len(placed_ids(world, OrderPurpose.CLOSE)) == 2


@DIFFERENT_PROFILES
@pytest.mark.parametrize("action", [FaultAction.LOST_ANSWER, FaultAction.LOST_REQUEST])
def test_a_part_whose_request_or_answer_is_lost_is_closed_once(profile: Profile, action: FaultAction) -> None:
    rule = FaultRule(action=action, requests=(RequestType.PLACE,), purposes=(OrderPurpose.GUARD,), count=1)
    world = losing(Side.LONG, profile, RiskLevel.HIGH, rule)
    world.run_for(200)
    assert open_quantity(world) == Decimal("0.005")
    assert_postcondition_c(world)


def test_a_part_that_is_refused_is_told_and_not_tried_again() -> None:
    rule = refusing(OrderPurpose.GUARD)
    world = losing(Side.LONG, PAPER, RiskLevel.HIGH, rule)
    world.run_for(200)
    assert open_quantity(world) == Decimal("0.010")
    assert len(placed_ids(world, OrderPurpose.GUARD)) == 1
    assert "guard_part_refused" in world.kinds()
    assert_postcondition_c(world)


KILLED = (PAPER, BINANCE, WORST)
BOUNDARIES = 36
"""From the loss until stop and take profits are for what is left."""


@pytest.mark.parametrize(("number", "profile"), list(enumerate(KILLED)), ids=[each.name for each in KILLED])
def test_killed_at_any_boundary_a_part_is_closed_once(number: int, profile: Profile) -> None:
    for kill in strided(BOUNDARIES, stride=5, offset=number * 2):
        world = losing(Side.SHORT if kill % 2 else Side.LONG, profile, RiskLevel.HIGH)
        world.kill_at = len(world.boundaries) + kill
        for _ in range(200):
            world.run_for(1)
            if world.process is None:
                world.run_for(1)
                world.start()
        assert not world.doomed, f"boundary {kill} was never reached"
        assert open_quantity(world) == Decimal("0.005")
        assert_postcondition_c(world)
