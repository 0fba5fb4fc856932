"""What orders at the venue tell of a position that is on no record."""

from collections.abc import Sequence
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from messages.orders import OrderReport, OrderStatus
from messages.state import TakeProfitPhase
from messages.values import (
    ClientOrderId,
    OrderKind,
    OrderPurpose,
    OrderSide,
    PositionId,
    PositionKey,
    Side,
    Symbol,
    Venue,
    VenueOrderId,
)
from rules.client_order_ids import client_order_id, parse_client_order_id
from rules.position_heritage import SEQUENCE_GAP, Heritage, heritage_of
from rules.take_profits import TakeProfitPlan

KEY = PositionKey(venue=Venue("paper"), symbol=Symbol("BTCUSDT"))
OWN = PositionId("a" * 16)
OTHER = PositionId("b" * 16)
SIZE = Decimal("0.010")
HALF = Decimal("0.005")
REPAIR = PositionId("repair0123456789")
WANTED = (
    TakeProfitPlan(level=1, trigger_price=Decimal(41_160), quantity=HALF),
    TakeProfitPlan(level=2, trigger_price=Decimal(43_260), quantity=HALF),
)
KINDS = {
    OrderPurpose.STOP: OrderKind.STOP_MARKET,
    OrderPurpose.TAKE_PROFIT_1: OrderKind.TAKE_PROFIT_MARKET,
    OrderPurpose.TAKE_PROFIT_2: OrderKind.TAKE_PROFIT_MARKET,
}


def an_order(
    purpose: OrderPurpose = OrderPurpose.STOP,
    *,
    position_id: PositionId = OWN,
    sequence: int = 2,
    quantity: Decimal = SIZE,
    side: OrderSide = OrderSide.SELL,
    order_id: str | None = None,
) -> OrderReport:
    named = client_order_id(position_id=position_id, purpose=purpose, sequence=sequence)
    return OrderReport(
        venue=KEY.venue,
        symbol=KEY.symbol,
        client_order_id=named if order_id is None else ClientOrderId(order_id),
        venue_order_id=VenueOrderId(f"{purpose}{position_id}{sequence}"),
        side=side,
        kind=KINDS[purpose],
        status=OrderStatus.WORKING,
        quantity=quantity,
        filled_quantity=Decimal(0),
        trigger_price=Decimal(41_160),
        reduce_only=True,
    )


def heritage(orders: Sequence[OrderReport], *, keeps_identity: bool = True) -> Heritage:
    return heritage_of(orders=orders, key=KEY, side=Side.LONG, quantity=SIZE, keeps_identity=keeps_identity)


ORDERS = st.lists(
    st.builds(
        an_order,
        st.sampled_from(list(KINDS)),
        position_id=st.sampled_from([OWN, OTHER]),
        sequence=st.integers(0, 5_000),
        quantity=st.sampled_from([SIZE, HALF]),
        side=st.sampled_from(list(OrderSide)),
    ),
    max_size=6,
    unique_by=lambda order: order.client_order_id,
)


@given(orders=ORDERS, data=st.data(), keeps=st.booleans())
def test_1_the_same_orders_give_the_same_heritage_in_whatever_order_they_come(
    orders: list[OrderReport], data: st.DataObject, *, keeps: bool
) -> None:
    shuffled = data.draw(st.permutations(orders))
    assert heritage(shuffled, keeps_identity=keeps) == heritage(orders, keeps_identity=keeps)


@given(orders=ORDERS, keeps=st.booleans())
def test_2_an_order_of_ours_is_kept_in_a_slot_left_behind_to_be_cancelled_or_the_position_s_own_stop(
    orders: list[OrderReport], *, keeps: bool
) -> None:
    found = heritage(orders, keeps_identity=keeps)
    kept = {item.client_order_id for item in found.take_profits}
    left = {order.client_order_id for order in found.strangers}
    own_stops = {
        order.client_order_id
        for order in orders
        if found.position_id is not None
        and order.kind is OrderKind.STOP_MARKET
        and (identity := parse_client_order_id(order.client_order_id or "")) is not None
        and identity.position_id == found.position_id
    }
    assert not kept & left
    assert kept | left | own_stops == {order.client_order_id for order in orders}


@given(orders=ORDERS)
def test_3_a_sequence_number_that_may_have_been_used_is_not_used_again(orders: list[OrderReport]) -> None:
    found = heritage(orders)
    used = [
        identity.sequence
        for order in orders
        if order.side is OrderSide.SELL
        and (identity := parse_client_order_id(order.client_order_id or "")) is not None
        and identity.position_id == found.position_id
    ]
    assert found.sequence >= max(used, default=-SEQUENCE_GAP) + SEQUENCE_GAP


@given(orders=ORDERS, others=st.lists(st.sampled_from(["web1", "web2", "web3"]), unique=True), keeps=st.booleans())
def test_4_take_profits_of_others_are_kept_and_no_order_of_others_is_left_behind_to_be_cancelled(
    orders: list[OrderReport], others: list[str], *, keeps: bool
) -> None:
    theirs = [an_order(OrderPurpose.TAKE_PROFIT_1, quantity=Decimal("0.002"), order_id=name) for name in others]
    found = heritage_of(
        orders=[*orders, *theirs, an_order(order_id="webstop")],
        key=KEY,
        side=Side.LONG,
        quantity=SIZE,
        keeps_identity=keeps,
        wanted=WANTED,
    )
    kept = {item.client_order_id for item in found.take_profits}
    assert not {order.client_order_id for order in found.strangers} & {*others, "webstop"}
    own = {order.client_order_id for order in orders}
    assert kept >= set(others) or (kept and kept <= own), "our own add up to the position, or theirs are kept"


def test_the_orders_of_a_repair_go_on_and_what_they_do_not_cover_is_planned() -> None:
    orders = [
        an_order(position_id=REPAIR, sequence=1),
        an_order(OrderPurpose.TAKE_PROFIT_1, position_id=REPAIR, sequence=2, quantity=HALF),
        an_order(position_id=OTHER),
    ]
    found = heritage_of(orders=orders, key=KEY, side=Side.LONG, quantity=SIZE, keeps_identity=False, wanted=WANTED)
    assert found.position_id == REPAIR
    assert [(item.level, item.phase, item.quantity) for item in found.take_profits] == [
        (1, TakeProfitPhase.WORKING, HALF),
        (2, TakeProfitPhase.PLANNED, HALF),
    ]
    assert [parse_client_order_id(order.client_order_id).position_id for order in found.strangers] == [OTHER]  # type: ignore[union-attr]


def test_the_stop_tells_whose_position_it_is() -> None:
    found = heritage([an_order(OrderPurpose.TAKE_PROFIT_1, position_id=OTHER, quantity=HALF), an_order()])
    assert found.position_id == OWN
    assert [order.purpose for order in found.strangers] == [OrderPurpose.TAKE_PROFIT_1]


def test_take_profits_that_add_up_to_the_position_go_on() -> None:
    profits = [
        an_order(OrderPurpose.TAKE_PROFIT_1, sequence=3, quantity=HALF),
        an_order(OrderPurpose.TAKE_PROFIT_2, sequence=4, quantity=HALF),
    ]
    found = heritage([an_order(), *profits])
    assert [item.level for item in found.take_profits] == [1, 2]
    assert found.strangers == ()


def test_take_profits_that_do_not_add_up_go() -> None:
    found = heritage([an_order(), an_order(OrderPurpose.TAKE_PROFIT_1, sequence=3, quantity=HALF)])
    assert found.take_profits == ()
    assert [order.purpose for order in found.strangers] == [OrderPurpose.TAKE_PROFIT_1]


def test_with_a_record_that_can_be_read_nothing_goes_on_of_what_it_does_not_know() -> None:
    found = heritage([an_order()], keeps_identity=False)
    assert found.position_id is None
    assert [order.purpose for order in found.strangers] == [OrderPurpose.STOP]


def test_orders_of_others_are_nobodys_heritage() -> None:
    assert heritage([an_order(order_id="web_1234")]) == Heritage(position_id=None)
