"""S6.3, S15: of a position that is found, what fits stays as it is, and only what is missing is placed."""

from decimal import Decimal

import pytest

from adapters.simulator.profiles import BITGET, PROFILES, Profile
from messages.orders import OrderReport, OrderSpec
from messages.values import ClientOrderId, OrderKind, OrderPurpose, Price, Quantity, Side
from messages.venue import OrderAccepted, PlaceOrder
from rules.client_order_ids import client_order_id, is_ours
from rules.repair import REPAIR_PREFIX
from rules.rounding import entry_side, exit_side
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import BOTH_SIDES, EVERY_PROFILE, a_world, at, figure, profits_of, stops_of
from tests.scenarios.world import BTC, World

SIZE = Decimal("0.01")
HALF = SIZE / 2
AMENDED_IN_PLACE = [profile for profile in PROFILES.values() if profile is BITGET or profile.name == "bybit"]


def by_hand(
    world: World,
    kind: OrderKind,
    side: Side,
    *,
    price: Price | None = None,
    quantity: Quantity | None = SIZE,
    order_id: str = "",
) -> None:
    """Somebody places an order: at market the entry of a position of ``side``, else one of its exits."""
    opens = kind is OrderKind.MARKET
    spec = OrderSpec(
        client_order_id=ClientOrderId(order_id or f"web{world.exchange.engine.state.next_number()}"),
        symbol=BTC,
        side=entry_side(side) if opens else exit_side(side),
        kind=kind,
        purpose=OrderPurpose.ENTRY if opens else OrderPurpose.STOP,
        quantity=quantity,
        price=price if kind is OrderKind.LIMIT else None,
        trigger_price=None if kind is OrderKind.LIMIT else price,
        reduce_only=not opens,
    )
    answer = world.exchange.by_hand(PlaceOrder(order=spec))
    assert isinstance(answer, OrderAccepted), answer


def ids(orders: list[OrderReport]) -> set[str]:
    return {str(order.venue_order_id) for order in orders}


def a_found_position(profile: Profile, side: Side, *, stop: int | None, profits: tuple[int, ...] = ()) -> World:
    """A position of somebody else's, with the exits that are named, before a process is there."""
    world = a_world(profile)
    world.kill()
    by_hand(world, OrderKind.MARKET, side)
    if stop is not None:
        by_hand(world, OrderKind.STOP_MARKET, side, price=at(side, stop))
    for price in profits:
        by_hand(world, OrderKind.TAKE_PROFIT_MARKET, side, price=at(side, price), quantity=HALF)
    return world


@EVERY_PROFILE
@BOTH_SIDES
def test_a_stop_and_take_profits_that_fit_stay_and_nothing_is_placed_beside_them(profile: Profile, side: Side) -> None:
    world = a_found_position(profile, side, stop=41_000, profits=(42_600, 43_200))
    before = ids(list(world.account().orders))
    world.start()
    world.run_for(90)
    assert ids(list(world.account().orders)) == before
    assert {order.trigger_price for order in stops_of(world)} == {at(side, 41_000)}
    assert "auto_plan_sl" not in world.kinds()


@EVERY_PROFILE
@BOTH_SIDES
def test_only_the_take_profit_that_is_missing_is_placed(profile: Profile, side: Side) -> None:
    world = a_found_position(profile, side, stop=41_000, profits=(42_600,))
    before = ids(list(world.account().orders))
    world.start()
    world.run_for(90)
    after = list(world.account().orders)
    assert ids(after) >= before
    (placed,) = [order for order in after if str(order.venue_order_id) not in before]
    assert (placed.kind, placed.quantity) == (OrderKind.TAKE_PROFIT_MARKET, HALF)
    assert is_ours(placed.client_order_id)
    assert "auto_plan_tp" in world.kinds()
    assert "auto_plan_sl" not in world.kinds()


@EVERY_PROFILE
def test_only_the_stop_that_is_missing_is_placed(profile: Profile) -> None:
    world = a_found_position(profile, Side.LONG, stop=None, profits=(42_600, 43_200))
    before = ids(profits_of(world))
    world.start()
    world.run_for(90)
    assert ids(profits_of(world)) == before
    assert len(stops_of(world)) == 1
    assert "auto_plan_sl" in world.kinds()


@pytest.mark.parametrize("profile", AMENDED_IN_PLACE, ids=lambda profile: profile.name)
def test_where_no_second_stop_may_rest_one_that_does_not_fit_is_brought_into_line_without_a_gap(
    profile: Profile,
) -> None:
    world = a_found_position(profile, Side.LONG, stop=37_000, profits=(42_600, 43_200))
    world.start()
    world.run_for(30)
    assert [order.trigger_price for order in stops_of(world)] == [Decimal(41_160)]
    assert figure(world, "unprotected_seconds") == 0


@EVERY_PROFILE
def test_a_stop_that_does_not_fit_is_replaced(profile: Profile) -> None:
    world = a_found_position(profile, Side.LONG, stop=37_000)
    world.start()
    world.run_for(60)
    assert [order.trigger_price for order in stops_of(world)] == [Decimal(41_160)]
    assert_postcondition_c(world, interrupted=True)


@EVERY_PROFILE
def test_what_a_repair_has_placed_goes_on(profile: Profile) -> None:
    world = a_world(profile)
    world.kill()
    by_hand(world, OrderKind.MARKET, Side.LONG)
    repair = f"{REPAIR_PREFIX}0123456789"
    for number, (kind, purpose, price, quantity) in enumerate(
        (
            (OrderKind.STOP_MARKET, OrderPurpose.STOP, 41_100, SIZE),
            (OrderKind.TAKE_PROFIT_MARKET, OrderPurpose.TAKE_PROFIT_1, 42_600, HALF),
            (OrderKind.TAKE_PROFIT_MARKET, OrderPurpose.TAKE_PROFIT_2, 43_200, HALF),
        ),
        start=1,
    ):
        order_id = client_order_id(position_id=repair, purpose=purpose, sequence=number)  # type: ignore[arg-type]
        by_hand(world, kind, Side.LONG, price=Decimal(price), quantity=quantity, order_id=order_id)
    before = ids(list(world.account().orders))
    world.start()
    world.run_for(90)
    assert ids(list(world.account().orders)) == before
    world.price(43_000)
    world.run_for(20)
    world.price(40_000)
    world.run_for(30)
    assert world.account().positions == ()
    assert world.account().orders == ()


def test_a_limit_order_that_takes_profit_is_not_doubled() -> None:
    world = a_world(PROFILES["paper"])
    world.kill()
    by_hand(world, OrderKind.MARKET, Side.LONG)
    by_hand(world, OrderKind.LIMIT, Side.LONG, price=Decimal(43_000))
    world.start()
    world.run_for(90)
    assert profits_of(world) == []
    assert [order.kind for order in world.account().orders if order.kind is OrderKind.LIMIT] == [OrderKind.LIMIT]
