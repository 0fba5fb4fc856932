"""S10: a second signal adds to an open position, whose stop covers the new size before anything else."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from adapters.simulator.fault_script import FaultAction, FaultRule, RequestType
from adapters.simulator.profiles import BINANCE, PAPER, WORST, Profile
from messages.state import PositionState
from messages.values import OrderPurpose, Side
from messages.venue import RejectReason
from persistence import tables
from persistence.queries import Queries
from rules.client_order_ids import parse_client_order_id
from rules.ladder import LadderPolicy
from rules.limits import Limits
from rules.pnl import breakeven_price
from rules.position_case import PositionPolicies
from tests.scenarios.kills import strided
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import (
    BOTH_SIDES,
    ENTRY,
    EVERY_PROFILE,
    STOPS_LARGER_THAN_MARKET_ORDERS,
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

FIRST = Decimal("0.010")
SECOND = Decimal("0.009")
"""420 USD times 1.0 times 0.9: the market is taken for ranging while no candle has closed."""
INTERVAL_S = 61
A_ROUND_TRIP_S = 0.2
AN_OPENING_KILLED = 70


def with_an_addition(profile: Profile, side: Side, *rules: FaultRule, price: int = 42_000, **parts: Any) -> World:
    world = a_world(profile, *rules, **parts)
    open_a(side, world)
    world.price(at(side, price))
    world.run_for(INTERVAL_S)
    open_a(side, world)
    return world


def the_position(world: World) -> PositionState:
    (position,) = Queries(world.store).open_positions()
    return position


def additions(world: World) -> Sequence[tuple[int, Decimal, Decimal, str]]:
    """Number, quantity, price and coefficient of each, from the record."""
    with world.store.reading() as connection:
        rows = connection.execute(select(tables.scaling_entries)).all()
    return [(row.number, row.quantity, row.price, row.coefficient) for row in rows]


def purposes_in_order(world: World) -> list[OrderPurpose]:
    """Of everything that was sent, in this order, from the audit log."""
    log = tables.order_audit_log.c
    with world.store.reading() as connection:
        rows = connection.execute(select(log.intent_id).order_by(log.requested_ms)).all()
    names = [parse_client_order_id(row.intent_id.partition(".")[0]) for row in rows if row.intent_id]
    return [name.purpose for name in names if name is not None]


def reasons(world: World) -> list[str]:
    """Why signals were refused."""
    with world.store.reading() as connection:
        rows = connection.execute(select(tables.signals_log.c.verdict, tables.signals_log.c.reason))
        return [row.reason for row in rows if row.verdict == "rejected"]


@EVERY_PROFILE
@BOTH_SIDES
def test_a_second_signal_adds_what_the_ladder_says(profile: Profile, side: Side) -> None:
    world = with_an_addition(profile, side)
    assert open_quantity(world) == FIRST + SECOND
    assert additions(world) == [(1, SECOND, ENTRY, "0.90")]
    assert set(world.fates().values()) == {"accepted"}
    assert sum((order.quantity or Decimal(0) for order in profits_of(world)), Decimal(0)) == FIRST + SECOND
    assert len(profits_of(world)) == 2
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
def test_the_stop_covers_the_new_size_before_anything_else(profile: Profile, side: Side) -> None:
    world = with_an_addition(profile, side)
    if profile.capabilities.attach_stop_to_entry:
        assert figure(world, "unprotected_seconds") == 0.0
        return
    assert figure(world, "worst_window_seconds") < A_ROUND_TRIP_S
    sent = purposes_in_order(world)
    after = sent[len(sent) - sent[::-1].index(OrderPurpose.ENTRY) :]
    assert after[0] is OrderPurpose.STOP
    assert OrderPurpose.TAKE_PROFIT_1 in after


@EVERY_PROFILE
@BOTH_SIDES
def test_average_take_profits_and_trailing_are_computed_anew(profile: Profile, side: Side) -> None:
    world = with_an_addition(profile, side, price=42_200)
    position = the_position(world)
    second = Decimal("0.008") if side is Side.LONG else SECOND  # what 378 USD buy at 42,200, and at 41,800
    average = (FIRST * ENTRY + second * at(side, 42_200)) / (FIRST + second)
    assert position.entry_price == pytest.approx(average)
    assert additions(world)[0][2] == at(side, 42_200)
    first = min(profits_of(world), key=lambda order: abs((order.trigger_price or Decimal(0)) - ENTRY))
    gain = Decimal("1.015") if side is Side.LONG else Decimal("0.985")
    assert first.trigger_price is not None
    assert abs(first.trigger_price - average * gain) <= 1
    (stop,) = stops_of(world)
    loss = Decimal("0.98") if side is Side.LONG else Decimal("1.02")
    assert stop.trigger_price is not None
    assert abs(stop.trigger_price - average * loss) <= 1
    trailing = Queries(world.store).trailing(position.position_id)
    assert trailing is not None
    assert trailing.activation_price == pytest.approx(average * gain)
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
def test_an_addition_never_moves_the_stop_away_nor_past_the_price(profile: Profile, side: Side) -> None:
    """The stop has gone to breakeven; what is added at a better price lifts the average, and breakeven with it."""
    world = a_world(profile)
    open_a(side, world)
    world.price(at(side, 42_450))  # 1.07 %: breakeven
    world.run_for(INTERVAL_S)
    (before,) = stops_of(world)
    open_a(side, world)
    assert open_quantity(world) > FIRST
    (after,) = stops_of(world)
    assert before.trigger_price == breakeven_price(
        side=side, entry_price=ENTRY, commission_percent=Decimal("0.1"), tick=Decimal(1)
    )
    assert after.trigger_price == before.trigger_price
    world.run_for(30)
    assert open_quantity(world) > FIRST
    assert_postcondition_c(world)


@pytest.mark.parametrize(
    ("wait_s", "side", "price", "reason"),
    [
        (30, "BUY", 42_000, "since the last one"),
        (INTERVAL_S, "SELL", 42_000, "the signal is short, the position long"),
        (INTERVAL_S, "BUY", 41_300, "a loss of more than 1.5 %"),
    ],
)
@EVERY_PROFILE
def test_what_is_refused_has_its_reason_and_changes_nothing(
    profile: Profile, wait_s: int, side: str, price: int, reason: str
) -> None:
    world = a_world(profile)
    open_a(Side.LONG, world)
    world.price(price)
    world.run_for(wait_s if wait_s > INTERVAL_S - 1 else 20)
    world.signal(side=side)
    world.run_for(5)
    (refused,) = reasons(world)
    assert refused.startswith("not added to the open position: ")
    assert reason in refused
    assert open_quantity(world) == FIRST
    assert len(placed_ids(world, "entry")) == 1
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
def test_a_loss_that_came_slowly_is_known_as_well(profile: Profile, side: Side) -> None:
    world = a_world(profile)
    open_a(side, world)
    world.run_for(600)
    for step in range(8):
        world.price(at(side, 42_000 - 100 * step))
        world.run_for(120)
    open_a(side, world)
    (refused,) = reasons(world)
    assert "a loss of more than 1.5 %" in refused
    assert open_quantity(world) == FIRST
    assert_postcondition_c(world)


@EVERY_PROFILE
def test_it_can_be_switched_off(profile: Profile) -> None:
    world = with_an_addition(profile, Side.LONG, policies=PositionPolicies(ladder=LadderPolicy(enabled=False)))
    assert open_quantity(world) == FIRST
    assert reasons(world) == ["not added to the open position: additions are switched off"]


@EVERY_PROFILE
def test_what_is_being_added_counts_in_the_limits(profile: Profile) -> None:
    world = with_an_addition(profile, Side.LONG, limits=Limits(max_positions=1, max_exposure_usd=Decimal(700)))
    (reason,) = reasons(world)
    assert "would pass the limit of 700" in reason
    world = with_an_addition(profile, Side.LONG, limits=Limits(max_positions=1, max_exposure_usd=Decimal(800)))
    assert open_quantity(world) == FIRST + SECOND


@EVERY_PROFILE
@BOTH_SIDES
def test_the_ladder_ends_with_its_last_step(profile: Profile, side: Side) -> None:
    world = a_world(profile)
    open_a(side, world)
    for _ in range(9):
        world.run_for(INTERVAL_S)
        open_a(side, world)
    made = additions(world)
    assert [number for number, *_ in made] == list(range(1, len(made) + 1))
    assert sum((quantity for _, quantity, *_ in made), FIRST) == open_quantity(world)
    assert f"{len(made)} additions of {len(made)}" in reasons(world)[-1]
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
@pytest.mark.parametrize("action", [FaultAction.LOST_REQUEST, FaultAction.LOST_ANSWER])
def test_an_addition_whose_answer_does_not_come_is_made_once_at_most(
    profile: Profile, side: Side, action: FaultAction
) -> None:
    second = FaultRule(action=action, requests=(RequestType.PLACE,), purposes=(OrderPurpose.ENTRY,), nth=2, count=1)
    world = with_an_addition(profile, side, second)
    world.run_for(60)
    added = open_quantity(world) - FIRST
    assert added in {Decimal(0), SECOND}
    assert sum((quantity for _, quantity, *_ in additions(world)), Decimal(0)) == added
    assert_postcondition_c(world, interrupted=True)


@EVERY_PROFILE
def test_an_addition_that_the_venue_refuses_changes_nothing_and_the_next_one_is_taken(profile: Profile) -> None:
    refused = FaultRule(
        action=FaultAction.REJECT,
        requests=(RequestType.PLACE,),
        purposes=(OrderPurpose.ENTRY,),
        reason=RejectReason.INSUFFICIENT_MARGIN,
        nth=2,
        count=1,
    )
    world = with_an_addition(profile, Side.LONG, refused)
    assert open_quantity(world) == FIRST
    assert "addition_failed" in world.kinds()
    world.run_for(INTERVAL_S)
    open_a(Side.LONG, world)
    assert open_quantity(world) == FIRST + SECOND
    assert [number for number, *_ in additions(world)] == [1]
    assert_postcondition_c(world)


@STOPS_LARGER_THAN_MARKET_ORDERS
def test_an_addition_over_the_maximum_is_made_whole_in_several_orders(profile: Profile) -> None:
    world = with_an_addition(profile, Side.LONG, instruments=[an_instrument(BTC, max_market_quantity=Decimal("0.004"))])
    world.run_for(10)
    assert open_quantity(world) == FIRST + SECOND
    assert additions(world) == [(1, SECOND, ENTRY, "0.90")]
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
def test_what_fills_after_the_stop_has_closed_the_position_is_closed_as_well(profile: Profile, side: Side) -> None:
    late = FaultRule(
        action=FaultAction.LATE_EXECUTION,
        requests=(RequestType.PLACE,),
        purposes=(OrderPurpose.ENTRY,),
        nth=2,
        count=1,
        delay_s=3.0,
    )
    world = a_world(profile, late)
    open_a(side, world)
    world.run_for(INTERVAL_S)
    open_a(side, world, for_s=1)
    world.price(at(side, 41_000))
    world.run_for(60)
    assert open_quantity(world) == 0
    (closed,) = Queries(world.store).closed_positions()
    assert closed.opened_quantity == FIRST + sum((quantity for _, quantity, *_ in additions(world)), Decimal(0))
    assert_postcondition_c(world, interrupted=True)


@pytest.mark.parametrize("profile", [PAPER, BINANCE, WORST], ids=lambda profile: profile.name)
@BOTH_SIDES
def test_killed_at_any_boundary_of_an_addition_it_is_made_once_and_covered(profile: Profile, side: Side) -> None:
    for kill in strided(AN_OPENING_KILLED, stride=9, offset=0 if side is Side.LONG else 4):
        world = a_world(profile)
        open_a(side, world)
        world.run_for(INTERVAL_S)
        world.kill_at = len(world.boundaries) + kill
        world.signal(side="BUY" if side is Side.LONG else "SELL")
        for _ in range(200):
            world.run_for(0.05)
            if world.process is None:
                world.run_for(1)
                world.start()
        world.kill_at = None
        world.run_for(60)
        added = open_quantity(world) - FIRST
        assert added in {Decimal(0), SECOND}, kill
        assert sum((quantity for _, quantity, *_ in additions(world)), Decimal(0)) == added, kill
        assert_postcondition_c(world, interrupted=True)
