"""What orders of others leave for an exit, whatever is told of them and in whatever order."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from messages.orders import OrderReport, OrderStatus
from messages.values import (
    ZERO,
    ClientOrderId,
    OrderKind,
    OrderPurpose,
    OrderSide,
    PositionId,
    Quantity,
    Side,
    VenueOrderId,
)
from rules.client_order_ids import client_order_id
from rules.exits_of_others import left_for_exit, note_order_of_others, note_orders_of_others, taken_by_others
from rules.position_draft import Draft, draft_of
from tests.rules.test_position_decision import BTC, PAPER, History
from tests.rules.test_position_guard import an_open_position

D = Decimal
KINDS = st.sampled_from([OrderKind.LIMIT, OrderKind.TAKE_PROFIT_MARKET])
PARTS = st.none() | st.integers(1, 14).map(lambda each: D(each) / 1_000)


def an_order(
    name: str, quantity: Quantity | None, *, kind: OrderKind = OrderKind.LIMIT, filled: str = "0"
) -> OrderReport:
    return OrderReport(
        venue=PAPER,
        symbol=BTC,
        venue_order_id=VenueOrderId(f"v{name}"),
        client_order_id=ClientOrderId(name),
        side=OrderSide.SELL,
        kind=kind,
        status=OrderStatus.WORKING,
        quantity=quantity,
        filled_quantity=D(filled),
        reduce_only=True,
    )


def a_draft(history: History | None = None) -> Draft:
    """Of a long of 0.010."""
    history = history or an_open_position(Side.LONG)
    return draft_of(history.case, history.situation())


@st.composite
def orders(draw: st.DrawFn) -> list[OrderReport]:
    return [an_order(f"web{number}", draw(PARTS), kind=draw(KINDS)) for number in range(draw(st.integers(0, 3)))]


@given(resting=orders(), told=st.sampled_from(["one by one", "read"]))
def test_1_what_is_left_for_an_exit_and_what_orders_of_others_take_are_together_never_more_than_the_position(
    resting: list[OrderReport], told: str
) -> None:
    draft = a_draft()
    if told == "one by one":
        for order in resting:
            note_order_of_others(draft, order)
    else:
        note_orders_of_others(draft, resting)
    size = draft.position.quantity
    wanted = sum((size if order.quantity is None else order.quantity for order in resting), ZERO)
    assert taken_by_others(draft) == min(wanted, size)
    assert left_for_exit(draft) == size - min(wanted, size)


@given(kind=st.sampled_from(list(OrderKind)), part=PARTS, life=st.sampled_from(["", "another000000001"]))
def test_2_no_order_of_ours_is_counted_nor_a_stop(kind: OrderKind, part: Quantity | None, life: str) -> None:
    draft = a_draft()
    position_id = PositionId(life) if life else draft.position.position_id
    name = client_order_id(position_id=position_id, purpose=OrderPurpose.TAKE_PROFIT_1, sequence=7)
    stop = an_order("web", part, kind=OrderKind.STOP_MARKET)
    note_orders_of_others(draft, [an_order(name, part, kind=kind), stop])
    note_order_of_others(draft, stop)
    assert left_for_exit(draft) == draft.position.quantity


@given(
    part=st.integers(2, 9),
    filled=st.integers(1, 8),
    told=st.permutations(["fill", "order", "read"]),
)
def test_3_a_fill_of_another_s_order_leaves_what_is_left_for_an_exit_as_it_was(
    part: int, filled: int, told: list[str]
) -> None:
    history = an_open_position(Side.LONG)
    draft = a_draft(history)
    order = an_order("web", D(part) / 1_000)
    note_order_of_others(draft, order)
    before = left_for_exit(draft)
    taken = min(D(filled), D(part)) / 1_000
    after = replace(
        order,
        filled_quantity=taken,
        status=OrderStatus.FILLED if taken == order.quantity else OrderStatus.WORKING,
    )
    was_filled = False
    for what in told:
        if what == "fill":
            was_filled = True
            counted = (*draft.position.order_fills, ("web", taken))
            draft.position = replace(draft.position, quantity=draft.position.quantity - taken, order_fills=counted)
        elif what == "order":
            note_order_of_others(draft, after)
        elif was_filled:
            # A reading that was asked for before the fill is not taken over.
            note_orders_of_others(draft, [after])
        assert left_for_exit(draft) == before


def test_an_order_that_is_cancelled_or_not_shown_any_more_leaves_all_to_the_exit_again() -> None:
    draft = a_draft()
    order = an_order("web", D("0.004"))
    note_order_of_others(draft, order)
    assert left_for_exit(draft) == D("0.006")
    note_order_of_others(draft, replace(order, status=OrderStatus.CANCELLED))
    assert left_for_exit(draft) == D("0.010")
    note_order_of_others(draft, order)
    note_orders_of_others(draft, [])
    assert left_for_exit(draft) == D("0.010")


def test_what_is_too_little_to_be_ordered_is_nothing() -> None:
    history = an_open_position(Side.LONG)
    situation = history.situation()
    situation = replace(situation, instrument=replace(situation.instrument, min_quantity=D("0.003")))
    draft = draft_of(history.case, situation)
    note_order_of_others(draft, an_order("web", D("0.008")))
    assert left_for_exit(draft) == ZERO
