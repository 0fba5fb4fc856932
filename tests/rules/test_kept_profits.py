"""Take profits that rest already, when a position is taken over."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from messages.orders import OrderReport
from messages.state import TakeProfitPhase, TakeProfitState
from messages.values import ZERO, OrderKind, Quantity
from rules.kept_profits import profits_beside
from rules.take_profits import TakeProfitPlan
from tests.rules.builders import a_stop, quantities

D = Decimal
LEAST = D("0.05")
BOTH = (
    TakeProfitPlan(level=1, trigger_price=D("101.5"), quantity=D("0.5")),
    TakeProfitPlan(level=2, trigger_price=D(103), quantity=D("0.5")),
)
ONE = (TakeProfitPlan(level=1, trigger_price=D("101.5"), quantity=D(1)),)


def a_profit(
    price: str = "101.5",
    quantity: str | Quantity | None = "0.5",
    order_id: str = "p1",
    kind: OrderKind = OrderKind.TAKE_PROFIT_MARKET,
) -> OrderReport:
    order = a_stop(trigger=price, quantity=quantity, kind=kind, order_id=order_id, client_order_id=f"web{order_id}")
    return order if kind is OrderKind.TAKE_PROFIT_MARKET else replace(order, price=D(price), trigger_price=None)


def beside(*orders: OrderReport, wanted: Sequence[TakeProfitPlan] = BOTH) -> tuple[TakeProfitState, ...]:
    return profits_beside(orders, wanted=wanted, quantity=D(1), least=LEAST)


ORDERS = st.lists(
    st.builds(
        a_profit,
        st.sampled_from(["101", "102", "103", "110"]),
        st.none() | quantities(least="0.01", most="1.2", places=2),
        st.integers(1, 999).map(str),
        st.sampled_from([OrderKind.TAKE_PROFIT_MARKET, OrderKind.LIMIT]),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda order: order.venue_order_id,
)
WANTED = st.sampled_from([BOTH, ONE])


def _kept(found: Sequence[TakeProfitState]) -> list[TakeProfitState]:
    return [item for item in found if item.phase is not TakeProfitPhase.PLANNED]


@given(orders=ORDERS, wanted=WANTED)
def test_1_every_order_that_rests_is_kept_and_none_twice(
    orders: list[OrderReport], wanted: Sequence[TakeProfitPlan]
) -> None:
    found = beside(*orders, wanted=wanted)
    assert sorted(str(item.venue_order_id) for item in _kept(found)) == sorted(o.venue_order_id for o in orders)
    assert len({item.level for item in found}) == len(found)


@given(orders=ORDERS, wanted=WANTED)
def test_2_kept_and_planned_together_are_never_more_than_the_position(
    orders: list[OrderReport], wanted: Sequence[TakeProfitPlan]
) -> None:
    assert sum((item.quantity for item in beside(*orders, wanted=wanted)), ZERO) <= 1


@given(orders=ORDERS, wanted=WANTED)
def test_3_what_is_not_covered_is_planned_unless_it_is_too_small_to_be_ordered_or_nothing_is_wanted(
    orders: list[OrderReport], wanted: Sequence[TakeProfitPlan]
) -> None:
    found = beside(*orders, wanted=wanted)
    covered = sum((item.quantity for item in _kept(found)), ZERO)
    planned = sum((item.quantity for item in found if item.phase is TakeProfitPhase.PLANNED), ZERO)
    assert planned == (1 - covered if 1 - covered >= LEAST else 0)
    assert beside(*orders, wanted=()) == ()


@given(orders=ORDERS, wanted=WANTED)
def test_4_the_parts_that_live_add_up_to_the_position_or_one_is_marked_as_somebody_else_s_no_plan_replaces_them(
    orders: list[OrderReport], wanted: Sequence[TakeProfitPlan]
) -> None:
    found = beside(*orders, wanted=wanted)
    is_marked = any(item.phase is TakeProfitPhase.SKIPPED for item in found)
    live = sum((item.quantity for item in found if item.phase is not TakeProfitPhase.SKIPPED), ZERO)
    assert is_marked or live == 1


def test_one_of_two_that_rests_keeps_its_place_and_only_the_other_is_planned() -> None:
    assert [(item.level, item.phase, item.quantity) for item in beside(a_profit())] == [
        (1, TakeProfitPhase.WORKING, D("0.5")),
        (2, TakeProfitPhase.PLANNED, D("0.5")),
    ]


def test_one_for_the_whole_position_is_enough() -> None:
    assert [(item.level, item.phase) for item in beside(a_profit(quantity=None))] == [(1, TakeProfitPhase.WORKING)]
