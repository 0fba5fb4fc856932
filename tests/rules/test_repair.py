"""What is sent for what the audit found, and that it mends exactly that."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.instruments import Capabilities
from messages.orders import OrderReport, PositionReport
from messages.state import IntentAction
from messages.values import ZERO, ClientOrderId, OrderKind, OrderPurpose, Quantity, Side, TriggerSource, VenueOrderId
from rules.expected_protection import Expected, expected_protection
from rules.position_case import PositionPolicies
from rules.protection_audit import Finding, FindingKind, audit
from rules.repair import UNPROTECTED, Step, order_of, steps_for
from rules.rounding import exit_side
from rules.stop_choice import covers, is_behind_liquidation, would_trigger
from tests.rules.builders import SYMBOL, VENUE, a_position, a_stop, an_instrument, quantities, sides

D = Decimal
INSTRUMENT = an_instrument()
MANY_ROUNDS = 8
WHOLE = Capabilities(attach_stop_to_entry=True, amend_stop=True, two_stops=True, whole_position_stop=True)
PIECES = Capabilities(attach_stop_to_entry=False, amend_stop=False, two_stops=True, whole_position_stop=False)
ONE_AT_A_TIME = Capabilities(attach_stop_to_entry=False, amend_stop=False, two_stops=False, whole_position_stop=False)
EACH = st.sampled_from([WHOLE, PIECES, ONE_AT_A_TIME, replace(WHOLE, two_stops=False)])


@dataclass
class Venue:
    """A position, its orders, and what becomes of them when steps are taken."""

    position: PositionReport
    orders: list[OrderReport]
    capabilities: Capabilities
    taken: int = 0
    others: frozenset[str] = frozenset()

    @property
    def touchable(self) -> set[VenueOrderId]:
        return {order.venue_order_id for order in self.orders} - {VenueOrderId(each) for each in self.others}

    @property
    def expected(self) -> Expected:
        return expected_protection(position=self.position, instrument=INSTRUMENT, policies=PositionPolicies())

    def findings(self) -> tuple[Finding, ...]:
        return audit(
            positions=[self.position],
            orders=self.orders,
            instruments={(VENUE, SYMBOL): INSTRUMENT},
            wanted={(VENUE, SYMBOL, None): self.expected.take_profits},
        )

    def steps(self) -> tuple[Step, ...]:
        return steps_for(
            position=self.position,
            orders=self.orders,
            findings=self.findings(),
            expected=self.expected,
            instrument=INSTRUMENT,
            capabilities=self.capabilities,
            touchable=self.touchable,
        )

    def covered(self, orders: Sequence[OrderReport]) -> bool:
        return covers(
            orders=orders,
            side=self.position.side,
            quantity=self.position.quantity,
            mark=self.position.mark_price,
            liquidation=self.position.liquidation_price,
            step=INSTRUMENT.quantity_step,
        )

    def take(self, step: Step) -> None:
        self.taken += 1
        spec = order_of(
            step,
            position=self.position,
            client_order_id=ClientOrderId(f"new{self.taken}"),
            source=TriggerSource.MARK,
        )
        if step.existing is not None:
            self.orders.remove(step.existing)
        if step.action is IntentAction.AMEND and step.existing is not None:
            self.orders.append(replace(step.existing, trigger_price=spec.trigger_price, quantity=spec.quantity))
        elif step.action is IntentAction.PLACE:
            order = a_stop(
                trigger=spec.trigger_price,
                quantity=spec.quantity,
                side=spec.side,
                kind=spec.kind,
                order_id=f"new{self.taken}",
            )
            self.orders.append(order)


def _order(kind: OrderKind, distance: int, quantity: Quantity | None, side: Side, number: int) -> OrderReport:
    """An exit order ``distance`` percent on its own side of the mark: beyond it where that is negative."""
    losing = (kind is OrderKind.STOP_MARKET) == (side is Side.LONG)
    price = D(100) - distance if losing else D(100) + distance
    return a_stop(trigger=price, quantity=quantity, side=exit_side(side), kind=kind, order_id=f"o{number}")


@st.composite
def venues(draw: st.DrawFn, *, shared: bool = False) -> Venue:
    """An account; one that is ``shared`` has orders that are not ours to touch."""
    side = draw(sides())
    parts = draw(
        st.lists(
            st.tuples(
                st.sampled_from([OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET]),
                st.integers(-3, 12).filter(bool),
                st.none() | quantities(least="0.1", most="2", places=1),
            ),
            max_size=5,
        )
    )
    orders = [_order(*part, side, number) for number, part in enumerate(parts)]
    position = a_position(
        side=side,
        quantity=draw(quantities(least="0.1", most="2", places=1)),
        liquidation=draw(st.sampled_from([None, "90" if side is Side.LONG else "110"])),
    )
    others = draw(st.frozensets(st.sampled_from([order.venue_order_id for order in orders]))) if orders else frozenset()
    return Venue(position, orders, draw(EACH), others=frozenset(map(str, others)) if shared else frozenset())


@given(venue=venues())
def test_1_a_position_without_findings_needs_nothing(venue: Venue) -> None:
    assert (
        steps_for(
            position=venue.position,
            orders=venue.orders,
            findings=[item for item in venue.findings() if item.symbol != SYMBOL],
            expected=venue.expected,
            instrument=INSTRUMENT,
            capabilities=venue.capabilities,
            touchable=venue.touchable,
        )
        == ()
    )
    if not venue.findings():
        assert venue.steps() == ()


@given(venue=venues() | venues(shared=True))
def test_2_an_order_is_amended_or_cancelled_only_where_a_finding_names_it(venue: Venue) -> None:
    named = {order_id for item in venue.findings() for order_id in item.orders}
    for step in venue.steps():
        assert step.existing is None or step.existing.venue_order_id in named


@given(venue=venues() | venues(shared=True))
def test_3_a_stop_that_is_placed_or_moved_lies_between_the_liquidation_price_and_the_mark_price_on_the_tick(
    venue: Venue,
) -> None:
    side, mark = venue.position.side, venue.position.mark_price
    for step in venue.steps():
        if step.purpose is OrderPurpose.STOP and step.action is not IntentAction.CANCEL:
            assert step.trigger_price is not None
            assert not would_trigger(side=side, stop_price=step.trigger_price, mark=mark)
            assert not is_behind_liquidation(step.trigger_price, side, mark, venue.position.liquidation_price)
            assert step.trigger_price % INSTRUMENT.price_tick == 0


@given(venue=venues() | venues(shared=True))
def test_4_no_step_takes_cover_away_unless_the_venue_knows_neither_amends_nor_two_stops(venue: Venue) -> None:
    before = venue.covered(venue.orders)
    for step in venue.steps():
        venue.take(step)
        assert venue.covered(venue.orders) or not before
        if step.action is not IntentAction.CANCEL and step.purpose is OrderPurpose.STOP:
            assert venue.covered(venue.orders)
        elif step.what in UNPROTECTED and not before:
            assert venue.capabilities is ONE_AT_A_TIME


@given(venue=venues())
def test_5_steps_that_are_taken_again_and_again_come_to_an_end_and_leave_no_finding_that_may_be_mended(
    venue: Venue,
) -> None:
    for _ in range(MANY_ROUNDS):
        steps = venue.steps()
        for step in steps:
            venue.take(step)
        if not steps:
            break
    left = [item.what for item in venue.findings()]
    # Several stops that only together cover the position, and are a little too much, protect it: they stay.
    assert [what for what in left if what is not FindingKind.DUPLICATE_STOP] == []
    assert not left or venue.covered(venue.orders)


@given(venue=venues())
def test_6_take_profits_that_are_placed_are_ahead_of_the_mark_price_and_with_those_there_are_not_more_than_the_position(
    venue: Venue,
) -> None:
    placed = [step for step in venue.steps() if step.purpose is not OrderPurpose.STOP and step.existing is None]
    for step in placed:
        assert step.trigger_price is not None
        ahead = step.trigger_price - venue.position.mark_price
        assert ahead > 0 if venue.position.side is Side.LONG else ahead < 0
    if placed:
        there = [order for order in venue.orders if order.kind is OrderKind.TAKE_PROFIT_MARKET]
        quantities_ = [step.quantity or ZERO for step in placed] + [order.quantity or ZERO for order in there]
        assert sum(quantities_, ZERO) <= venue.position.quantity


@given(venue=venues(shared=True))
def test_7_an_order_that_is_not_ours_to_touch_is_touched_only_where_no_stop_may_rest_beside_it(venue: Venue) -> None:
    for step in venue.steps():
        if step.existing is not None and step.existing.venue_order_id in venue.others:
            assert not venue.capabilities.two_stops
            assert step.purpose is OrderPurpose.STOP
            assert not venue.covered(venue.orders)


@given(venue=venues(shared=True))
def test_beside_orders_of_others_the_position_is_covered_in_the_end_and_what_is_left_is_about_those(
    venue: Venue,
) -> None:
    for _ in range(MANY_ROUNDS):
        steps = venue.steps()
        for step in steps:
            venue.take(step)
        if not steps:
            break
    assert not venue.steps()
    assert venue.covered(venue.orders)
    for item in venue.findings():
        assert item.what is FindingKind.DUPLICATE_STOP or venue.others & set(item.orders), item


USELESS = {"beyond liquidation": "89", "on the wrong side": "101"}


@pytest.mark.parametrize("trigger", USELESS.values(), ids=USELESS)
@pytest.mark.parametrize("quantity", ["1", None])
@pytest.mark.parametrize("capabilities", [WHOLE, PIECES], ids=["whole", "pieces"])
def test_a_useless_stop_of_somebody_else_stays_and_a_proper_one_is_placed_beside_it(
    capabilities: Capabilities, quantity: str | None, trigger: str
) -> None:
    other = a_stop(trigger=trigger, quantity=quantity, order_id="other")
    venue = Venue(a_position(liquidation="90"), [other], capabilities, others=frozenset({"other"}))
    step = next(each for each in venue.steps() if each.purpose is OrderPurpose.STOP)
    assert step.action is IntentAction.PLACE
    # There is one stop on the whole position at most, whoever has it.
    assert step.quantity == (None if capabilities is WHOLE and quantity is not None else D(1))
    while steps := venue.steps():
        for each in steps:
            venue.take(each)
    assert other in venue.orders
    (finding,) = venue.findings()
    assert (finding.orders, finding.quantity_uncovered) == (("other",), ZERO)


def test_beside_a_stop_of_somebody_else_that_is_too_small_one_for_the_rest_is_placed() -> None:
    other = a_stop(quantity="0.6", order_id="other")
    venue = Venue(a_position(), [other], WHOLE, others=frozenset({"other"}))
    step = venue.steps()[0]
    assert (step.action, step.quantity) == (IntentAction.PLACE, D("0.4"))


def test_a_useless_stop_of_somebody_else_is_replaced_where_the_venue_takes_only_one() -> None:
    other = a_stop(trigger="89", quantity=None, order_id="other")
    one = replace(WHOLE, two_stops=False)
    venue = Venue(a_position(liquidation="90"), [other], one, others=frozenset({"other"}))
    step = venue.steps()[0]
    assert (step.action, step.existing, step.trigger_price) == (IntentAction.AMEND, other, D(98))


def test_a_take_profit_of_somebody_else_on_the_wrong_side_stays() -> None:
    other = a_stop(trigger="99", quantity="0.5", kind=OrderKind.TAKE_PROFIT_MARKET, order_id="other")
    venue = Venue(a_position(), [a_stop(), other], WHOLE, others=frozenset({"other"}))
    assert [step.action for step in venue.steps()] == [IntentAction.PLACE, IntentAction.PLACE]


@pytest.mark.parametrize(
    ("capabilities", "action"),
    [(WHOLE, IntentAction.AMEND), (PIECES, IntentAction.PLACE), (ONE_AT_A_TIME, IntentAction.CANCEL)],
)
def test_a_stop_that_is_too_small_is_made_larger_in_place_where_the_venue_can_else_it_is_replaced(
    capabilities: Capabilities, action: IntentAction
) -> None:
    venue = Venue(a_position(), [a_stop(quantity="0.6")], capabilities)
    step = venue.steps()[0]
    assert step.action is action
    if action is IntentAction.AMEND:
        assert (step.quantity, step.trigger_price) == (D(1), D(98))


def test_a_surplus_stop_of_somebody_else_stays_where_the_scope_does_not_reach_it() -> None:
    stops = [a_stop(trigger="98", order_id="tight"), a_stop(trigger="96", order_id="loose")]
    venue = Venue(a_position(), stops, WHOLE)

    def cancelled(touchable: set[str]) -> list[str]:
        steps = steps_for(
            position=venue.position,
            orders=venue.orders,
            findings=venue.findings(),
            expected=venue.expected,
            instrument=INSTRUMENT,
            capabilities=WHOLE,
            touchable={VenueOrderId(order_id) for order_id in touchable},
        )
        return [step.existing.venue_order_id for step in steps if step.existing is not None]

    assert cancelled(set()) == []
    assert cancelled({"tight", "loose"}) == ["loose"]


def test_only_the_take_profit_that_is_missing_is_placed() -> None:
    first = a_stop(trigger="101.5", quantity="0.5", kind=OrderKind.TAKE_PROFIT_MARKET, order_id="tp1")
    (step,) = Venue(a_position(), [a_stop(), first], WHOLE).steps()
    assert (step.purpose, step.quantity, step.trigger_price) == (OrderPurpose.TAKE_PROFIT_2, D("0.5"), D(103))
