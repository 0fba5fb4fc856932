"""S11: a position that has grown old is let go at breakeven, then at a growing loss, in the end at market.

The price stays where the exit does not fill, unless a test says so: 41,300 for a long, above its stop at 41,160.
"""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from adapters.simulator.fault_script import FaultAction, FaultRule, RequestType
from adapters.simulator.profiles import BINANCE, PAPER, WORST, Profile
from messages.orders import OrderReport, OrderSpec
from messages.state import CloseReason
from messages.values import ZERO, ClientOrderId, OrderKind, OrderPurpose, Side
from messages.venue import RejectReason
from persistence.queries import Queries
from rules.aged import AgedPolicy
from rules.position_case import PositionPolicies
from tests.scenarios.kills import strided
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import (
    BOTH_SIDES,
    DIFFERENT_PROFILES,
    a_world,
    at,
    figure,
    fills_of,
    open_a,
    open_quantity,
    placed_ids,
    profits_of,
    stops_of,
)
from tests.scenarios.world import START_MS, World

HOUR_S = 3_600
MINUTE_S = 60
UNTIL_MAXIMUM = PositionPolicies(aged=AgedPolicy(max_loss_percent=Decimal("1.5")))
"""The maximum before the stop: at 14 h."""
QUICK = PositionPolicies(
    aged=AgedPolicy(
        max_age_hours=Decimal(1) / 60,
        grace_hours=Decimal(1) / 60,
        loss_step_percent=Decimal(15),
        max_loss_percent=Decimal("1.5"),
        check_every_ms=MINUTE_S * 1_000,
    )
)
"""A minute young, a minute at breakeven, then 0.25 % a minute, and at 8 minutes the maximum."""


SCHEDULE = ((2.99, None), (3.01, 42_042), (10.99, 42_042), (11.01, 42_000), (12.01, 41_790), (13.01, 41_580))
"""Age in hours, and where the exit of a long rests."""


def exits_of(world: World) -> list[OrderReport]:
    return [order for order in world.account().orders if order.kind is OrderKind.LIMIT]


def only_exit(world: World) -> OrderReport:
    (found,) = exits_of(world)
    assert found.reduce_only
    return found


def an_old(side: Side, profile: Profile, *rules: FaultRule, policies: PositionPolicies = QUICK) -> World:
    """A world with a position, 10 s old, that is at a small loss."""
    world = a_world(profile, *rules, policies=policies)
    world.boundary = lambda _: assert_exits_fit(world)
    open_a(side, world)
    world.price(at(side, 41_300))
    world.run_for(5)
    return world


def assert_exits_fit(world: World, *, apart: int = 0) -> None:
    """By the venue's book: exit and take profits are never more than the position, and its stop is always there.

    ``apart``: so many limit orders are somebody else's. Where a stop has to go before it can be resized, the ledger
    says how long that takes.
    """
    account = world.account()
    size = sum((position.quantity for position in account.positions), ZERO)
    exits = [order for order in account.orders if order.reduce_only and order.kind is not OrderKind.STOP_MARKET]
    limits = [order for order in exits if order.kind is OrderKind.LIMIT]
    assert len(limits) <= 1 + apart
    if len(limits) > apart and size:
        assert sum(((order.quantity or ZERO) - order.filled_quantity for order in exits), ZERO) <= size
        moves_in_the_open = world.profile.capabilities.amend_stop or world.profile.capabilities.two_stops
        assert stops_of(world) or not moves_in_the_open


def reasons(world: World) -> list[CloseReason | None]:
    return [position.close_reason for position in Queries(world.store).closed_positions(limit=10)]


def assert_over(world: World) -> None:
    assert open_quantity(world) == 0
    assert world.account().orders == ()
    assert reasons(world) == [CloseReason.AGED]
    assert_postcondition_c(world)


@DIFFERENT_PROFILES
@BOTH_SIDES
def test_the_exit_follows_its_schedule_under_the_stop_until_the_maximum(profile: Profile, side: Side) -> None:
    world = an_old(side, profile, policies=UNTIL_MAXIMUM)
    before = figure(world, "unprotected_seconds")
    opened_s = (world.exchange.engine.ledger.book.open["BTCUSDT"].opened_ms - START_MS) / 1_000
    for hours, price in SCHEDULE:
        world.run_for(opened_s + hours * HOUR_S - (world.time.now_ms() - START_MS) / 1_000)
        assert [order.price for order in exits_of(world)] == ([] if price is None else [at(side, price)])
        assert [order.quantity for order in exits_of(world)] == ([] if price is None else [open_quantity(world)])
        assert len(profits_of(world)) == (2 if price is None else 0)
        assert [order.trigger_price for order in stops_of(world)] == [at(side, 41_160)]
        assert_postcondition_c(world)
    world.run_for(HOUR_S)
    assert_over(world)
    assert [fill.price for fill in fills_of(world)][1:] == [at(side, 41_300)]
    assert figure(world, "unprotected_seconds") == before
    told = [event.text for event in world.events if event.kind == "position_aged"]
    assert len(told) == 3, told


@DIFFERENT_PROFILES
@BOTH_SIDES
def test_an_exit_that_fills_ends_the_position(profile: Profile, side: Side) -> None:
    world = an_old(side, profile)
    world.run_for(80)
    assert only_exit(world).price == at(side, 42_042)
    world.price(at(side, 42_100))
    world.run_for(60)
    assert_over(world)
    assert [fill.price for fill in fills_of(world)][1:] == [at(side, 42_042)]


@DIFFERENT_PROFILES
def test_an_old_position_in_profit_is_let_go_at_the_market(profile: Profile) -> None:
    world = an_old(Side.LONG, profile)
    world.price(42_400)
    world.run_for(90)
    assert_over(world)
    assert [fill.price for fill in fills_of(world)][1:] == [Decimal(42_400)]


@DIFFERENT_PROFILES
@BOTH_SIDES
def test_an_exit_that_fills_in_pieces_is_followed_by_one_for_the_rest(profile: Profile, side: Side) -> None:
    world = an_old(side, profile)
    world.run_for(80)
    resting = only_exit(world)
    assert resting.client_order_id is not None
    spec = OrderSpec(
        client_order_id=resting.client_order_id,
        symbol=resting.symbol,
        side=resting.side,
        kind=resting.kind,
        purpose=OrderPurpose.AGED,
        quantity=resting.quantity,
    )
    world.exchange.engine.fill_working(spec, Decimal("0.004"), world.time.now_ms())
    world.run_for(20)
    assert only_exit(world).client_order_id == resting.client_order_id
    world.run_for(60)
    following = only_exit(world)
    assert following.client_order_id != resting.client_order_id
    assert following.quantity == open_quantity(world) == Decimal("0.006")
    assert_postcondition_c(world)
    world.price(at(side, 42_100))
    world.run_for(60)
    assert_over(world)


@DIFFERENT_PROFILES
def test_a_restart_finds_the_exit_that_rests_and_sends_no_second_one(profile: Profile) -> None:
    world = an_old(Side.LONG, profile)
    world.run_for(60)
    before = only_exit(world)
    world.kill()
    world.run_for(10)
    world.start()
    world.run_for(10)
    assert only_exit(world).client_order_id == before.client_order_id
    assert placed_ids(world, OrderPurpose.AGED) == [before.client_order_id]
    assert_postcondition_c(world)


@DIFFERENT_PROFILES
def test_one_that_became_old_while_nobody_was_there_has_its_exit_after_the_restart(profile: Profile) -> None:
    world = an_old(Side.LONG, profile)
    world.kill()
    world.run_for(200)
    world.start()
    world.run_for(10)
    assert only_exit(world).price is not None
    assert profits_of(world) == []
    assert_postcondition_c(world)


PLACED, CANCELLED = (RequestType.PLACE,), (RequestType.CANCEL,)


@DIFFERENT_PROFILES
@pytest.mark.parametrize("requests", [PLACED, CANCELLED], ids=["placed", "cancelled"])
@pytest.mark.parametrize("action", [FaultAction.LOST_ANSWER, FaultAction.LOST_REQUEST])
def test_an_exit_whose_request_or_answer_is_lost_is_there_once(
    profile: Profile, action: FaultAction, requests: Sequence[RequestType]
) -> None:
    rule = FaultRule(action=action, requests=tuple(requests), purposes=(OrderPurpose.AGED,), count=3)
    world = an_old(Side.LONG, profile, rule)
    world.run_for(240)
    assert only_exit(world).quantity == open_quantity(world)
    world.run_for(400)
    assert_over(world)


@DIFFERENT_PROFILES
@pytest.mark.parametrize("reason", [RejectReason.REDUCE_ONLY_REFUSED, RejectReason.OTHER])
def test_an_exit_that_is_refused_is_tried_again_later(profile: Profile, reason: RejectReason) -> None:
    rule = FaultRule(action=FaultAction.REJECT, requests=PLACED, purposes=(OrderPurpose.AGED,), reason=reason, count=2)
    world = an_old(Side.LONG, profile, rule)
    world.run_for(90)
    assert only_exit(world).price == 42_042
    assert len(placed_ids(world, OrderPurpose.AGED)) == 3
    assert "aged_exit_refused" in world.kinds()
    assert_postcondition_c(world)


def test_far_in_profit_the_exit_is_inside_the_price_band_of_the_venue() -> None:
    world = a_world(PAPER, policies=QUICK, band=Decimal("0.6"))
    open_a(Side.LONG, world)
    world.price(42_350)
    world.run_for(90)
    assert_over(world)


@DIFFERENT_PROFILES
def test_an_exit_that_somebody_cancels_is_placed_again(profile: Profile) -> None:
    world = an_old(Side.LONG, profile)
    world.run_for(70)
    before = only_exit(world)
    world.exchange.engine.cancel(named(before), world.time.now_ms())
    world.run_for(30)
    after = only_exit(world)
    assert (after.price, after.quantity) == (before.price, before.quantity)
    assert after.client_order_id != before.client_order_id
    assert "aged_exit_lost" in world.kinds()
    assert_postcondition_c(world)


def named(order: OrderReport) -> OrderSpec:
    return OrderSpec(
        client_order_id=order.client_order_id or ClientOrderId(""),
        symbol=order.symbol,
        side=order.side,
        kind=order.kind,
        purpose=OrderPurpose.AGED,
        quantity=order.quantity,
        venue_order_id=order.venue_order_id,
    )


KILLED = (PAPER, BINANCE, WORST)
BOUNDARIES = 110
"""Of the life of an old position after its entry, until it is over."""


@pytest.mark.parametrize(("number", "profile"), list(enumerate(KILLED)), ids=[each.name for each in KILLED])
def test_an_old_position_killed_at_any_boundary_is_let_go_as_it_would_have_been(number: int, profile: Profile) -> None:
    for kill in strided(BOUNDARIES, stride=9, offset=number * 3):
        world = an_old(Side.SHORT if kill % 2 else Side.LONG, profile)
        world.kill_at = len(world.boundaries) + kill
        for _ in range(560):
            world.run_for(1)
            if world.process is None:
                world.run_for(1)
                world.start()
        assert not world.doomed, f"only {len(world.boundaries)} boundaries: {kill} was never reached"
        assert_over(world)
