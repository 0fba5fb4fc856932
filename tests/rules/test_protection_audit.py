from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.orders import OrderReport, OrderStatus, PositionReport
from messages.values import ZERO, OrderKind, OrderSide, Quantity, Side
from rules.protection_audit import Finding, FindingKind, audit
from rules.rounding import exit_side
from rules.stop_choice import covers
from rules.take_profits import TakeProfitPlan
from tests.rules.builders import SYMBOL, VENUE, a_position, a_stop, an_instrument, prices, quantities, sides, units

ABOUT_THE_STOP = {
    FindingKind.NO_STOP,
    FindingKind.STOP_TOO_SMALL,
    FindingKind.STOP_WRONG_SIDE,
    FindingKind.STOP_BEYOND_LIQUIDATION,
}
STEP = Decimal("0.001")


def _audit(positions: Sequence[PositionReport], orders: Sequence[OrderReport]) -> tuple[Finding, ...]:
    return audit(
        positions=positions,
        orders=orders,
        instruments={
            (VENUE, instrument.symbol): instrument for instrument in (an_instrument(), an_instrument(symbol="ETHUSDT"))
        },
    )


def _kinds(positions: Sequence[PositionReport], *orders: OrderReport) -> list[FindingKind]:
    return [finding.what for finding in _audit(positions, orders)]


def _take_profit(quantity: str | Decimal | None = "1", side: Side = Side.LONG, order_id: str = "tp") -> OrderReport:
    return a_stop(
        trigger="103" if side is Side.LONG else "97",
        quantity=quantity,
        side=exit_side(side),
        kind=OrderKind.TAKE_PROFIT_MARKET,
        order_id=order_id,
    )


_numbered = st.integers(1, 10_000).map(str)
orders_of = st.builds(
    a_stop,
    trigger=st.none() | prices(least="80", most="120", places=1),
    quantity=st.none() | quantities(least="0.1", most="3", places=1),
    side=st.sampled_from(OrderSide),
    kind=st.sampled_from([OrderKind.STOP_MARKET, OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET, OrderKind.LIMIT]),
    status=st.sampled_from([OrderStatus.WORKING, OrderStatus.WORKING, OrderStatus.CANCELLED]),
    reduce_only=st.booleans(),
    order_id=_numbered,
    symbol=st.sampled_from(["BTCUSDT", "ETHUSDT"]),
)
books = st.lists(orders_of, max_size=6, unique_by=lambda order: order.venue_order_id)
positions_of = st.builds(
    a_position,
    side=sides(),
    quantity=quantities(least="0.1", most="3", places=1),
    liquidation=st.none() | prices(least="85", most="115", places=1),
)


@given(position=positions_of, orders=books)
def test_1_a_position_has_a_finding_about_its_stop_with_something_uncovered_exactly_when_its_stops_do_not_cover_it(
    position: PositionReport, orders: list[OrderReport]
) -> None:
    found = [finding for finding in _audit([position], orders) if finding.what in ABOUT_THE_STOP]
    covered = covers(
        orders=[order for order in orders if order.symbol == SYMBOL],
        side=position.side,
        quantity=position.quantity,
        mark=position.mark_price,
        liquidation=position.liquidation_price,
        step=STEP,
    )
    assert any(finding.quantity_uncovered > 0 for finding in found) is not covered


@given(side=sides(), parts=st.lists(quantities(most="2"), min_size=1, max_size=3), whole=st.booleans())
def test_2_a_position_whose_stop_and_take_profits_fit_its_size_has_no_finding(
    side: Side,
    parts: list[Quantity],
    whole: bool,  # noqa: FBT001 # drawn
) -> None:
    trigger = "98" if side is Side.LONG else "102"
    stops = [a_stop(trigger=trigger, quantity=part, side=exit_side(side)) for part in ([None] if whole else parts)]
    take_profits = [_take_profit(part, side) for part in parts]
    assert _kinds([a_position(side=side, quantity=sum(parts, ZERO))], *stops, *take_profits) == []


@given(orders=books, side=st.none() | sides())
def test_3_a_reducing_order_that_no_position_can_use_is_an_orphan_and_nothing_else_is(
    orders: list[OrderReport], side: Side | None
) -> None:
    positions = [] if side is None else [a_position(side=side)]
    found = {
        order_id
        for finding in _audit(positions, orders)
        if finding.what is FindingKind.ORPHAN_ORDER
        for order_id in finding.orders
    }
    orphans = {
        order.venue_order_id
        for order in orders
        if order.status is OrderStatus.WORKING
        and (order.reduce_only or order.quantity is None)
        and not (order.symbol == SYMBOL and side is not None and order.side is exit_side(side))
    }
    assert found == orphans


@given(parts=st.lists(st.none() | quantities(most="2"), min_size=1, max_size=4))
def test_4_stops_for_more_than_the_position_are_found_once_however_many_there_are(
    parts: list[Quantity | None],
) -> None:
    stops = [a_stop(quantity=part, order_id=str(number)) for number, part in enumerate(parts)]
    too_much = len(parts) > 1 and (None in parts or sum((part for part in parts if part is not None), ZERO) > 1)
    assert _kinds([a_position()], *stops).count(FindingKind.DUPLICATE_STOP) == int(too_much)


@given(positions=st.tuples(positions_of, positions_of), orders=books, shuffled=st.data())
def test_5_the_order_of_positions_and_orders_does_not_change_the_findings(
    positions: tuple[PositionReport, PositionReport], orders: list[OrderReport], shuffled: st.DataObject
) -> None:
    both = [positions[0], a_position(symbol="ETHUSDT", side=positions[1].side)]
    others = shuffled.draw(st.permutations(orders))
    assert _audit(both[::-1], others) == _audit(both, orders)


TP1 = TakeProfitPlan(level=1, trigger_price=Decimal("101.5"), quantity=Decimal("0.5"))
TP2 = TakeProfitPlan(level=2, trigger_price=Decimal(103), quantity=Decimal("0.5"))
LEVELS = {1: FindingKind.NO_TAKE_PROFIT_1, 2: FindingKind.NO_TAKE_PROFIT_2}
ABOUT_TAKE_PROFITS = {
    FindingKind.NO_TAKE_PROFIT_1,
    FindingKind.NO_TAKE_PROFIT_2,
    FindingKind.TAKE_PROFIT_TOO_SMALL,
}


def _wanting(*orders: OrderReport, plans: Sequence[TakeProfitPlan] = (TP1, TP2)) -> tuple[Finding, ...]:
    return audit(
        positions=[a_position()],
        orders=orders,
        instruments={(VENUE, SYMBOL): an_instrument()},
        wanted={(VENUE, SYMBOL, None): plans},
    )


def _profit_at(
    price: str, quantity: str | Decimal = "0.5", kind: OrderKind = OrderKind.TAKE_PROFIT_MARKET
) -> OrderReport:
    order = a_stop(trigger=price, quantity=quantity, kind=kind, order_id=f"tp{price}")
    return order if kind is OrderKind.TAKE_PROFIT_MARKET else replace(order, price=Decimal(price), trigger_price=None)


@given(
    present=st.sets(st.sampled_from([TP1, TP2])),
    quantity=quantities(least="0.1", most="1"),
    kind=st.sampled_from([OrderKind.TAKE_PROFIT_MARKET, OrderKind.LIMIT]),
)
def test_6_where_it_is_known_which_take_profits_are_wanted_those_that_are_missing_are_named_unless_others_cover(
    present: set[TakeProfitPlan], quantity: Quantity, kind: OrderKind
) -> None:
    orders = [_profit_at(str(plan.trigger_price), quantity, kind) for plan in present]
    found = [item.what for item in _wanting(a_stop(), *orders) if item.what in ABOUT_TAKE_PROFITS]
    missing = sorted({TP1, TP2} - present, key=lambda plan: plan.level)
    if quantity * len(present) >= 1:
        assert found == []
    elif missing:
        assert found == [LEVELS[plan.level] for plan in missing]
    else:
        assert found == [FindingKind.TAKE_PROFIT_TOO_SMALL]


@given(side=sides(), distance=units(most=20))
def test_7_a_take_profit_on_the_wrong_side_of_the_mark_price_covers_nothing(side: Side, distance: Decimal) -> None:
    losing = Decimal(100) - distance if side is Side.LONG else Decimal(100) + distance
    stop = a_stop(trigger="98" if side is Side.LONG else "102", side=exit_side(side))
    profit = a_stop(trigger=losing, side=exit_side(side), kind=OrderKind.TAKE_PROFIT_MARKET, order_id="tp")
    assert _kinds([a_position(side=side)], stop, profit) == [
        FindingKind.NO_TAKE_PROFIT,
        FindingKind.TAKE_PROFIT_WRONG_SIDE,
    ]


@given(parts=st.lists(quantities(most="2"), min_size=1, max_size=4))
def test_8_several_take_profits_for_more_than_the_position_are_found_once(parts: list[Quantity]) -> None:
    profits = [_take_profit(part, order_id=str(number)) for number, part in enumerate(parts)]
    too_much = len(parts) > 1 and sum(parts, ZERO) > 1
    found = _kinds([a_position()], a_stop(), *profits)
    assert found.count(FindingKind.TAKE_PROFIT_TOO_LARGE) == int(too_much)


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        (None, FindingKind.NO_STOP),
        (a_stop(quantity="0.6"), FindingKind.STOP_TOO_SMALL),
        (a_stop(quantity="1.5", filled="0.9"), FindingKind.STOP_TOO_SMALL),
        (a_stop(trigger="101"), FindingKind.STOP_WRONG_SIDE),
        (a_stop(trigger="60"), FindingKind.STOP_BEYOND_LIQUIDATION),
        (a_stop(kind=OrderKind.LIMIT), FindingKind.NO_STOP),
        (a_stop(status=OrderStatus.CANCELLED), FindingKind.NO_STOP),
    ],
)
def test_a_stop_that_does_not_protect_is_named_for_what_is_wrong_with_it(
    stop: OrderReport | None, expected: FindingKind
) -> None:
    orders = [_take_profit()] if stop is None else [stop, _take_profit()]
    found = _audit([a_position(liquidation="67")], orders)
    assert [finding.what for finding in found] == [expected]
    assert found[0].quantity_uncovered > 0


def test_what_is_uncovered_is_measured() -> None:
    found = _audit([a_position()], [a_stop(quantity="0.6"), _take_profit("0.25")])
    assert {finding.what: finding.quantity_uncovered for finding in found} == {
        FindingKind.STOP_TOO_SMALL: Decimal("0.4"),
        FindingKind.NO_TAKE_PROFIT: Decimal("0.75"),
    }


def test_a_stop_on_the_wrong_side_beside_a_good_one_is_found_with_nothing_uncovered() -> None:
    found = _audit([a_position()], [a_stop(), a_stop(trigger="105", order_id="o2"), _take_profit()])
    assert [(finding.what, finding.quantity_uncovered) for finding in found] == [(FindingKind.STOP_WRONG_SIDE, ZERO)]


def test_the_orders_of_the_other_hedge_side_protect_nothing() -> None:
    long = a_position(hedge_side=Side.LONG)
    short = a_position(side=Side.SHORT, hedge_side=Side.SHORT)
    stop = a_stop(hedge_side=Side.LONG, reduce_only=False)
    found = _audit([long, short], [stop])
    assert [finding.what for finding in found].count(FindingKind.NO_STOP) == 1


def test_a_position_that_should_have_no_take_profits_is_not_asked_for_them() -> None:
    assert _wanting(a_stop(), plans=()) == ()


def test_a_take_profit_that_is_missing_is_told_with_its_size() -> None:
    found = _wanting(a_stop(), _profit_at("101.4"))
    assert [(item.what, item.quantity_uncovered) for item in found] == [(FindingKind.NO_TAKE_PROFIT_2, Decimal("0.5"))]


def test_a_person_s_order_that_opens_is_left_alone() -> None:
    entry = a_stop(side=OrderSide.BUY, trigger="105", reduce_only=False)
    assert _kinds([], entry) == []
