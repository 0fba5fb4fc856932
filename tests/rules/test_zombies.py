"""Orders that are of no use any more, and whose they are to take away."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.orders import OrderReport, OrderStatus, PositionReport
from messages.settings import ZombieScope
from messages.values import OrderKind, OrderPurpose, OrderSide, Quantity, Side
from rules.client_order_ids import client_order_id, is_ours
from rules.rounding import exit_side
from rules.stop_choice import covers, is_reducing
from rules.zombies import GRACE_MS, Zombie, ZombieKind, ZombiePolicy, find_zombies, surplus_stops
from tests.rules.builders import POSITION_ID, SYMBOL, a_position, a_stop, quantities, sides

NOW_MS = 1_700_000_000_000
OLD_MS = NOW_MS - GRACE_MS
OUR_STOP = client_order_id(position_id=POSITION_ID, purpose=OrderPurpose.STOP, sequence=1)
OUR_ENTRY = client_order_id(position_id=POSITION_ID, purpose=OrderPurpose.ENTRY, sequence=1)


def _order(
    *,
    side: OrderSide = OrderSide.SELL,
    created_ms: int = OLD_MS,
    order_id: str = "o1",
    client: str | None = None,
    reduce_only: bool = True,
    quantity: Decimal | None = Decimal(1),
    hedge_side: Side | None = None,
    trigger: Decimal = Decimal(98),
) -> OrderReport:
    order = a_stop(
        trigger=trigger,
        side=side,
        order_id=order_id,
        client_order_id=client,
        reduce_only=reduce_only,
        quantity=quantity,
        hedge_side=hedge_side,
    )
    return replace(order, created_ms=created_ms)


def _found(
    positions: Sequence[PositionReport],
    *orders: OrderReport,
    scope: ZombieScope = ZombieScope.OWN,
    hedge_mode: bool = False,
) -> tuple[Zombie, ...]:
    policy = ZombiePolicy(scope=scope, managed={SYMBOL}, hedge_mode=hedge_mode)
    return find_zombies(positions=positions, orders=orders, policy=policy, now_ms=NOW_MS)


ORDERS = st.lists(
    st.builds(
        _order,
        side=st.sampled_from(OrderSide),
        created_ms=st.sampled_from([0, OLD_MS, OLD_MS + 1, NOW_MS]),
        order_id=st.integers(1, 10_000).map(str),
        client=st.sampled_from([None, "web1", OUR_STOP, OUR_ENTRY]),
        reduce_only=st.booleans(),
        quantity=st.none() | quantities(least="0.1", most="3", places=1),
    ),
    max_size=6,
    unique_by=lambda order: order.venue_order_id,
)
MAYBE_A_POSITION = st.none() | st.builds(a_position, side=sides(), quantity=quantities(least="0.1", most="3", places=1))


def _positions(position: PositionReport | None) -> list[PositionReport]:
    return [] if position is None else [position]


@given(orders=ORDERS, position=MAYBE_A_POSITION)
def test_1_an_order_that_only_reduces_is_a_zombie_exactly_when_there_is_no_position_that_it_can_reduce(
    orders: list[OrderReport], position: PositionReport | None
) -> None:
    reducing = [order for order in orders if is_reducing(order) and order.created_ms in {0, OLD_MS}]
    useless = [order for order in reducing if position is None or order.side is not exit_side(position.side)]
    found = [zombie.order for zombie in _found(_positions(position), *orders)]
    assert {order.venue_order_id for order in found if is_reducing(order)} == {
        order.venue_order_id for order in useless
    }


@given(orders=ORDERS, position=MAYBE_A_POSITION)
def test_2_an_order_that_may_open_is_a_zombie_only_where_it_would_flip_a_position_or_is_an_exit_of_ours_from_none(
    orders: list[OrderReport], position: PositionReport | None
) -> None:
    for zombie in _found(_positions(position), *orders):
        order = zombie.order
        if is_reducing(order):
            continue
        against = position is not None and order.side is exit_side(position.side)
        flips = against and position is not None and order.quantity is not None and order.quantity > position.quantity
        assert flips or (order.client_order_id == OUR_STOP and not against)


@given(orders=ORDERS, position=MAYBE_A_POSITION, scope=st.sampled_from(ZombieScope))
def test_3_an_order_younger_than_the_grace_is_no_zombie_and_one_of_unknown_age_is_never_taken_away(
    orders: list[OrderReport], position: PositionReport | None, scope: ZombieScope
) -> None:
    for zombie in _found(_positions(position), *orders, scope=scope):
        assert not zombie.order.created_ms or NOW_MS - zombie.order.created_ms >= GRACE_MS
        assert zombie.order.created_ms or not zombie.may_go


@given(orders=ORDERS, position=MAYBE_A_POSITION, scope=st.sampled_from(ZombieScope), managed=st.booleans())
def test_4_what_is_taken_away_is_ours_or_the_scope_allows_it(
    orders: list[OrderReport],
    position: PositionReport | None,
    scope: ZombieScope,
    managed: bool,  # noqa: FBT001 # drawn
) -> None:
    policy = ZombiePolicy(scope=scope, managed={SYMBOL} if managed else ())
    for zombie in find_zombies(positions=_positions(position), orders=orders, policy=policy, now_ms=NOW_MS):
        if zombie.may_go and not is_ours(zombie.order.client_order_id):
            assert scope is ZombieScope.ALL or (scope is ZombieScope.MANAGED and managed)


@given(
    side=sides(),
    distances=st.lists(st.integers(-3, 12), min_size=1, max_size=5),
    parts=st.lists(st.none() | quantities(least="0.1", most="2", places=1), min_size=5, max_size=5),
)
def test_5_without_the_surplus_stops_a_position_is_covered_as_before_by_the_tightest_of_those_that_cover_it_alone(
    side: Side, distances: list[int], parts: list[Quantity | None]
) -> None:
    position = a_position(side=side, liquidation="90" if side is Side.LONG else "110")
    sign = 1 if side is Side.LONG else -1
    stops = [
        _order(side=exit_side(side), trigger=Decimal(100 - sign * distance), quantity=part, order_id=str(number))
        for number, (distance, part) in enumerate(zip(distances, parts, strict=False))
    ]
    surplus = surplus_stops(position, stops)
    left = [stop for stop in stops if stop not in surplus]

    def cover(orders: list[OrderReport]) -> bool:
        return covers(
            orders=orders,
            side=side,
            quantity=position.quantity,
            mark=position.mark_price,
            liquidation=position.liquidation_price,
            step=Decimal("0.001"),
        )

    assert cover(left) is cover(stops)
    alone = [stop for stop in stops if cover([stop])]
    if alone:
        distance = min(abs(stop.trigger_price - 100) for stop in alone if stop.trigger_price is not None)
        (kept,) = [stop for stop in left if cover([stop])]
        assert kept.trigger_price is not None
        assert abs(kept.trigger_price - 100) == distance
    else:
        assert surplus == ()


@given(orders=ORDERS, position=MAYBE_A_POSITION, shuffled=st.data())
def test_6_the_order_of_positions_and_orders_does_not_change_what_is_found(
    orders: list[OrderReport], position: PositionReport | None, shuffled: st.DataObject
) -> None:
    others = shuffled.draw(st.permutations(orders))
    positions = [*_positions(position), a_position(symbol="ETHUSDT")]
    assert _found(positions[::-1], *others) == _found(positions, *orders)


@pytest.mark.parametrize(
    ("order", "kind"),
    [
        (_order(), ZombieKind.REDUCES_NOTHING),
        (_order(quantity=None, reduce_only=False), ZombieKind.REDUCES_NOTHING),
        (_order(reduce_only=False, client=OUR_STOP), ZombieKind.EXIT_WITHOUT_POSITION),
    ],
)
def test_what_is_left_of_a_position_that_is_gone_is_named(order: OrderReport, kind: ZombieKind) -> None:
    assert [zombie.kind for zombie in _found([], order)] == [kind]


def test_a_stop_of_the_position_before_that_was_the_other_way_round_is_on_the_wrong_side() -> None:
    assert [zombie.kind for zombie in _found([a_position(side=Side.SHORT)], _order())] == [
        ZombieKind.WRONG_POSITION_SIDE
    ]


def test_in_hedge_mode_an_order_without_a_side_is_wrong_and_one_of_a_side_that_is_flat_reduces_nothing() -> None:
    long = a_position(hedge_side=Side.LONG)
    without, other, right = (
        _order(order_id="a"),
        _order(side=OrderSide.BUY, hedge_side=Side.SHORT, order_id="b"),
        _order(hedge_side=Side.LONG, order_id="c"),
    )
    found = _found([long], without, other, right, hedge_mode=True)
    assert [zombie.kind for zombie in found] == [ZombieKind.WRONG_POSITION_SIDE, ZombieKind.REDUCES_NOTHING]


def test_a_person_s_order_that_would_turn_the_position_round_is_told_and_left_to_the_scope() -> None:
    order = replace(_order(reduce_only=False, quantity=Decimal(2)), kind=OrderKind.LIMIT, price=Decimal(105))
    (zombie,) = _found([a_position()], order)
    assert (zombie.kind, zombie.may_go) == (ZombieKind.WOULD_FLIP, False)
    assert _found([a_position()], order, scope=ZombieScope.ALL)[0].may_go


def test_an_entry_of_ours_that_rests_and_a_person_s_stop_that_opens_are_no_zombies() -> None:
    entry = _order(side=OrderSide.BUY, reduce_only=False, client=OUR_ENTRY)
    assert _found([], entry, _order(side=OrderSide.BUY, reduce_only=False, order_id="o2")) == ()


def test_what_has_ended_is_no_zombie() -> None:
    assert _found([], replace(_order(), status=OrderStatus.CANCELLED)) == ()
