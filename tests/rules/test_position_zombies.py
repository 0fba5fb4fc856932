"""What a position does about orders on its symbol that an audit found to be of no use."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from messages.instruments import Capabilities
from messages.orders import OrderReport
from messages.state import (
    PositionPhase,
    PositionState,
    StopOrder,
    StopPhase,
    StopState,
    TakeProfitPhase,
    TakeProfitState,
)
from messages.values import ClientOrderId, OrderKind, PositionKey, Side, VenueOrderId
from rules.position_case import PositionCase, PositionPolicies, Situation
from rules.position_draft import Draft, draft_of
from rules.position_zombies import is_wanted, leave_useless
from rules.rounding import closer, exit_side
from rules.trailing import TrailingPolicy, start_trailing
from tests.rules.builders import POSITION_ID, SYMBOL, VENUE, a_stop, an_instrument, sides

WHOLE = Capabilities(attach_stop_to_entry=True, amend_stop=True, two_stops=True, whole_position_stop=True)
OWN_STOP = a_stop(trigger="97", quantity=None, order_id="s1", client_order_id="ours1")
OWN_PROFIT = a_stop(
    trigger="103", quantity="1", order_id="t1", client_order_id="ours2", kind=OrderKind.TAKE_PROFIT_MARKET
)


def a_draft(side: Side = Side.LONG) -> Draft:
    """A position of one coin from 100, with its stop three away."""
    stop = StopOrder(
        client_order_id=ClientOrderId("ours1"),
        trigger_price=Decimal(97) if side is Side.LONG else Decimal(103),
        quantity=None,
        venue_order_id=VenueOrderId("s1"),
    )
    profit = TakeProfitState(
        level=1,
        trigger_price=Decimal(103),
        quantity=Decimal(1),
        phase=TakeProfitPhase.WORKING,
        client_order_id=ClientOrderId("ours2"),
        venue_order_id=VenueOrderId("t1"),
    )
    position = PositionState(
        position_id=POSITION_ID,
        key=PositionKey(venue=VENUE, symbol=SYMBOL),
        phase=PositionPhase.ACTIVE,
        side=side,
        wanted_quantity=Decimal(1),
        quantity=Decimal(1),
        entry_price=Decimal(100),
        initial_stop_price=stop.trigger_price,
        leverage=3,
        opened_ms=1,
        stop=StopState(phase=StopPhase.WORKING, working=stop),
        take_profits=(profit,),
    )
    trailing = start_trailing(
        position_id=POSITION_ID, side=side, entry_price=Decimal(100), now_ms=1, policy=TrailingPolicy()
    )
    situation = Situation(
        now_ms=2,
        instrument=an_instrument(),
        capabilities=WHOLE,
        policies=PositionPolicies(),
        last=Decimal(100),
        mark=Decimal(100),
    )
    return draft_of(PositionCase(position=position, trailing=trailing), situation)


OTHERS = st.lists(
    st.builds(
        a_stop,
        trigger=st.integers(90, 99).map(str),
        order_id=st.integers(1, 99).map(lambda number: f"o{number}"),
        kind=st.sampled_from([OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET]),
        client_order_id=st.none(),
    ),
    max_size=4,
    unique_by=lambda order: order.venue_order_id,
)


def _left(draft: Draft) -> list[str]:
    return sorted(str(item.order.venue_order_id) for item in draft.position.leftovers)


@given(others=OTHERS, shuffled=st.data())
def test_1_what_the_position_holds_itself_or_has_under_way_is_never_left_behind(
    others: list[OrderReport], shuffled: st.DataObject
) -> None:
    draft = a_draft()
    orders = shuffled.draw(st.permutations([*others, OWN_STOP, OWN_PROFIT]))
    leave_useless(draft, orders)
    assert not {"s1", "t1"} & set(_left(draft))
    assert is_wanted(draft, OWN_STOP)
    assert is_wanted(draft, replace(OWN_PROFIT, client_order_id=None))


@given(others=OTHERS)
def test_2_everything_else_that_is_named_is_left_behind_to_be_cancelled_once(others: list[OrderReport]) -> None:
    draft = a_draft()
    leave_useless(draft, others)
    leave_useless(draft, others)
    assert _left(draft) == sorted(order.venue_order_id for order in others)


@given(side=sides(), distance=st.integers(1, 8))
def test_3_a_stop_that_is_left_behind_and_was_tighter_than_the_position_s_own_becomes_the_floor_of_it(
    side: Side, distance: int
) -> None:
    draft = a_draft(side)
    level = Decimal(100 - distance) if side is Side.LONG else Decimal(100 + distance)
    working = draft.position.stop.working
    assert working is not None
    leave_useless(draft, [a_stop(trigger=level, side=exit_side(side), order_id="other")])
    tighter = closer(side, level, working.trigger_price) == level != working.trigger_price
    assert draft.position.floor_stop_price == (level if tighter else None)
