"""S11: what somebody else placed to leave a position stays when that grows old, and its exit is for the rest."""

from decimal import Decimal

import pytest

from adapters.simulator.profiles import Profile
from messages.orders import OrderReport, OrderSpec
from messages.state import CloseReason
from messages.values import ClientOrderId, OrderKind, OrderPurpose, Side
from messages.venue import PlaceOrder
from rules.client_order_ids import is_ours
from rules.rounding import exit_side
from tests.scenarios.hands import done, trade
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import (
    BOTH_SIDES,
    DIFFERENT_PROFILES,
    a_world,
    at,
    entry_side,
    open_quantity,
    placed_ids,
    stops_of,
)
from tests.scenarios.test_s11_aged import QUICK, an_old, assert_exits_fit, exits_of, named, only_exit, reasons
from tests.scenarios.world import BTC, World

HALF, WHOLE = Decimal("0.005"), Decimal("0.010")


def an_old_one_of_somebody(
    side: Side, profile: Profile, *parts: Decimal, kind: OrderKind = OrderKind.LIMIT
) -> tuple[World, list[OrderReport]]:
    """A position that a person opened, with take profits of the person's, and that is adopted: 10 s old, at a loss."""
    world = a_world(profile, policies=QUICK)
    trade(world, BTC, entry_side(side), WHOLE)
    for number, part in enumerate(parts):
        place_profit(world, side, at(side, 43_260 - 630 * number), part, kind=kind)
    theirs = of_others(world)
    assert len(theirs) == len(parts)
    world.boundary = lambda _: assert_exits_fit(world, apart=len(parts))
    world.run_for(10)
    world.price(at(side, 41_300))
    world.run_for(5)
    return world, theirs


def place_profit(world: World, side: Side, price: Decimal, quantity: Decimal, *, kind: OrderKind) -> None:
    is_limit = kind is OrderKind.LIMIT
    order = OrderSpec(
        client_order_id=ClientOrderId(f"byhand{world.exchange.engine.state.next_number()}"),
        symbol=BTC,
        side=exit_side(side),
        kind=kind,
        purpose=OrderPurpose.TAKE_PROFIT_1,
        quantity=quantity,
        price=price if is_limit else None,
        trigger_price=None if is_limit else price,
        reduce_only=True,
    )
    done(world, PlaceOrder(order=order))


def of_others(world: World) -> list[OrderReport]:
    """What somebody else placed to leave the position; a stop without a name may be ours."""
    exits = [each for each in world.account().orders if each.kind in {OrderKind.LIMIT, OrderKind.TAKE_PROFIT_MARKET}]
    return [each for each in exits if not is_ours(each.client_order_id)]


def exits_of_ours(world: World) -> list[OrderReport]:
    return [each for each in exits_of(world) if is_ours(each.client_order_id)]


THEIRS = pytest.mark.parametrize("kind", [OrderKind.LIMIT, OrderKind.TAKE_PROFIT_MARKET], ids=lambda kind: kind.value)


@DIFFERENT_PROFILES
@BOTH_SIDES
@THEIRS
def test_a_take_profit_of_somebody_else_stays_and_the_exit_is_for_what_it_does_not_cover(
    profile: Profile, side: Side, kind: OrderKind
) -> None:
    world, theirs = an_old_one_of_somebody(side, profile, HALF, kind=kind)
    world.run_for(70)
    assert of_others(world) == theirs
    (found,) = exits_of_ours(world)
    assert (found.price, found.quantity) == (at(side, 42_042), HALF)
    assert_postcondition_c(world)
    world.run_for(90)
    (later,) = exits_of_ours(world)
    assert later.price != found.price
    assert later.quantity == HALF
    assert of_others(world) == theirs
    world.price(at(side, 42_200))
    world.run_for(60)
    assert open_quantity(world) == HALF
    world.run_for(60)
    assert exits_of_ours(world) == []
    assert of_others(world) == theirs
    assert len(stops_of(world)) == 1


@DIFFERENT_PROFILES
@THEIRS
def test_where_others_take_off_all_of_it_no_exit_is_sent_and_the_maximum_closes_at_market(
    profile: Profile, kind: OrderKind
) -> None:
    world, theirs = an_old_one_of_somebody(Side.LONG, profile, HALF, HALF, kind=kind)
    world.run_for(120)
    assert exits_of_ours(world) == []
    assert of_others(world) == theirs
    assert world.kinds().count("aged_exit_covered") == 1
    assert_postcondition_c(world)
    world.run_for(480)
    assert open_quantity(world) == 0
    assert reasons(world) == [CloseReason.AGED]
    assert placed_ids(world, OrderPurpose.AGED) == []


@DIFFERENT_PROFILES
def test_a_restart_finds_the_exit_beside_theirs_and_leaves_both(profile: Profile) -> None:
    world, theirs = an_old_one_of_somebody(Side.LONG, profile, HALF)
    world.run_for(60)
    before = exits_of_ours(world)
    assert [each.quantity for each in before] == [HALF]
    world.kill()
    world.start()
    world.run_for(10)
    assert [each.client_order_id for each in exits_of_ours(world)] == [each.client_order_id for each in before]
    assert of_others(world) == theirs


@DIFFERENT_PROFILES
def test_when_their_order_is_cancelled_the_exit_is_for_all_of_it(profile: Profile) -> None:
    world, (theirs,) = an_old_one_of_somebody(Side.LONG, profile, HALF)
    world.run_for(70)
    world.exchange.engine.cancel(named(theirs), world.time.now_ms())
    world.run_for(70)
    (found,) = exits_of_ours(world)
    assert found.quantity == open_quantity(world) == WHOLE
    assert_postcondition_c(world)


@DIFFERENT_PROFILES
def test_their_order_that_fills_in_pieces_leaves_the_exit_where_it_is(profile: Profile) -> None:
    world, (theirs,) = an_old_one_of_somebody(Side.LONG, profile, HALF)
    world.run_for(60)
    (before,) = exits_of_ours(world)
    world.exchange.engine.fill_working(named(theirs), Decimal("0.002"), world.time.now_ms())
    world.run_for(20)
    assert open_quantity(world) == Decimal("0.008")
    assert [each.client_order_id for each in exits_of_ours(world)] == [before.client_order_id]


@DIFFERENT_PROFILES
def test_an_order_that_somebody_places_beside_the_exit_makes_it_smaller(profile: Profile) -> None:
    world = an_old(Side.LONG, profile)
    world.run_for(65)
    assert only_exit(world).quantity == WHOLE
    world.boundary = None
    place_profit(world, Side.LONG, Decimal(43_500), HALF, kind=OrderKind.TAKE_PROFIT_MARKET)
    theirs = of_others(world)
    world.run_for(10)
    assert [each.quantity for each in exits_of_ours(world)] == [HALF]
    assert of_others(world) == theirs
    assert len(stops_of(world)) == 1
