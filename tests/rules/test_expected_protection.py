"""How a position should be protected: by its record, its signal, or the settings."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st

from messages.orders import PositionReport
from messages.signals import Signal
from messages.state import PositionPhase, PositionState, StopOrder, StopState, TakeProfitPhase, TakeProfitState
from messages.values import ZERO, ClientOrderId, PositionKey, Price, Quantity, Side
from rules.expected_protection import Expected, Source, expected_protection
from rules.position_case import PositionPolicies
from rules.rounding import closer
from rules.stop_choice import is_behind_liquidation, would_trigger
from tests.rules.builders import POSITION_ID, SYMBOL, VENUE, a_position, an_instrument, prices, quantities, sides

INSTRUMENT = an_instrument()
D = Decimal


def a_row(
    *,
    side: Side = Side.LONG,
    stop: Price | str = "97",
    working: Price | None = None,
    floor: Price | None = None,
    profits: tuple[TakeProfitState, ...] = (),
) -> PositionState:
    order = StopOrder(client_order_id=ClientOrderId("s1"), trigger_price=working, quantity=None) if working else None
    return PositionState(
        position_id=POSITION_ID,
        key=PositionKey(venue=VENUE, symbol=SYMBOL),
        phase=PositionPhase.ACTIVE,
        side=side,
        wanted_quantity=D(1),
        entry_price=D(100),
        initial_stop_price=D(stop),
        leverage=3,
        opened_ms=1,
        stop=StopState(working=order),
        floor_stop_price=floor,
        take_profits=profits,
    )


def a_profit(
    level: int, price: Price, quantity: Quantity, phase: TakeProfitPhase = TakeProfitPhase.WORKING
) -> TakeProfitState:
    return TakeProfitState(level=level, trigger_price=price, quantity=quantity, phase=phase)


def a_signal(*, side: Side = Side.LONG, stop: str = "95", first: str = "104", second: str = "108") -> Signal:
    return Signal(
        signal_id="s",
        timestamp_ms=0,
        symbol=SYMBOL,
        side=side,
        score_week=80,
        score_month=80,
        stop_price=D(stop),
        take_profit_1=D(first),
        take_profit_2=D(second),
    )


def expected(position: PositionReport, *, row: PositionState | None = None, signal: Signal | None = None) -> Expected:
    return expected_protection(
        position=position, instrument=INSTRUMENT, policies=PositionPolicies(), row=row, signal=signal
    )


levels = prices(least="80", most="120", places=1)
positions_of = st.builds(
    a_position,
    side=sides(),
    quantity=quantities(least="0.1", most="3", places=1),
    mark=prices(least="85", most="115", places=1),
    liquidation=st.none() | prices(least="70", most="130", places=1),
)
profits_of = st.lists(
    st.builds(
        a_profit,
        st.just(1),
        levels,
        quantities(least="0.1", most="2", places=1),
        st.sampled_from(TakeProfitPhase),
    ),
    max_size=2,
).map(lambda found: tuple(replace(item, level=number) for number, item in enumerate(found, start=1)))
rows_of = st.builds(
    a_row, side=sides(), stop=levels, working=st.none() | levels, floor=st.none() | levels, profits=profits_of
)
signals_of = st.builds(a_signal, side=sides(), stop=levels.map(str), first=levels.map(str), second=levels.map(str))
everything = given(position=positions_of, row=st.none() | rows_of, signal=st.none() | signals_of)


@everything
def test_1_the_stop_lies_between_the_liquidation_price_and_the_mark_price_on_the_tick_where_one_lies_there(
    position: PositionReport, row: PositionState | None, signal: Signal | None
) -> None:
    price = expected(position, row=row, signal=signal).stop_price
    side, mark = position.side, position.mark_price
    room = None if position.liquidation_price is None else abs(mark - position.liquidation_price)
    assume(room is None or room > INSTRUMENT.price_tick)
    assert not would_trigger(side=side, stop_price=price, mark=mark)
    assert not is_behind_liquidation(price, side, mark, position.liquidation_price)
    assert price % INSTRUMENT.price_tick == 0


@everything
def test_2_the_take_profits_add_up_to_the_position_or_there_are_none_because_they_were_given_up(
    position: PositionReport, row: PositionState | None, signal: Signal | None
) -> None:
    plans = expected(position, row=row, signal=signal).take_profits
    given_up = row is not None and any(item.phase is TakeProfitPhase.SKIPPED for item in row.take_profits)
    if plans or not given_up:
        assert sum((plan.quantity for plan in plans), ZERO) == position.quantity
        assert len({plan.level for plan in plans}) == len(plans)


@everything
def test_3_every_take_profit_is_ahead_of_the_mark_price(
    position: PositionReport, row: PositionState | None, signal: Signal | None
) -> None:
    for plan in expected(position, row=row, signal=signal).take_profits:
        ahead = plan.trigger_price - position.mark_price
        assert ahead > 0 if position.side is Side.LONG else ahead < 0


@given(
    side=sides(),
    stop=st.integers(1, 9),
    floor=st.none() | st.integers(1, 9),
    first=st.integers(1, 5),
    second=st.integers(6, 9),
)
def test_4_what_is_on_record_and_can_still_be_reached_is_what_is_expected(
    side: Side, stop: int, floor: int | None, first: int, second: int
) -> None:
    sign = 1 if side is Side.LONG else -1
    profits = (a_profit(1, D(100 + sign * first), D("0.4")), a_profit(2, D(100 + sign * second), D("0.6")))
    working = D(100 - sign * stop)
    row = a_row(side=side, working=working, floor=None if floor is None else D(100 - sign * floor), profits=profits)
    found = expected(a_position(side=side), row=row, signal=a_signal(side=side))
    assert found.source is Source.RECORD
    assert found.stop_price == (
        working if row.floor_stop_price is None else closer(side, working, row.floor_stop_price)
    )
    assert [(plan.level, plan.trigger_price, plan.quantity) for plan in found.take_profits] == [
        (item.level, item.trigger_price, item.quantity) for item in profits
    ]


@given(position=positions_of, row=rows_of, signal=signals_of)
def test_5_a_record_or_a_signal_of_the_other_side_counts_for_nothing(
    position: PositionReport, row: PositionState, signal: Signal
) -> None:
    other = Side.SHORT if position.side is Side.LONG else Side.LONG
    without = expected(position)
    assert expected(position, row=replace(row, side=other), signal=replace(signal, side=other)) == without
    assert without.source is Source.SETTINGS


def test_without_record_and_signal_the_settings_count_from_the_entry() -> None:
    found = expected(a_position())
    assert found.stop_price == D(98)
    assert [(plan.trigger_price, plan.quantity) for plan in found.take_profits] == [
        (D("101.5"), D("0.5")),
        (D(103), D("0.5")),
    ]


def test_the_signal_s_prices_are_used_where_there_is_no_record() -> None:
    found = expected(a_position(), signal=a_signal())
    assert (found.source, found.stop_price) == (Source.SIGNAL, D(95))
    assert [plan.trigger_price for plan in found.take_profits] == [D(104), D(108)]


def test_after_the_first_take_profit_has_filled_the_second_one_is_for_all_that_is_left() -> None:
    profits = (a_profit(1, D(101), D("0.5"), TakeProfitPhase.FILLED), a_profit(2, D(103), D("0.5")))
    found = expected(a_position(quantity="0.4"), row=a_row(profits=profits))
    assert [(plan.level, plan.trigger_price, plan.quantity) for plan in found.take_profits] == [(2, D(103), D("0.4"))]


def test_a_take_profit_that_the_price_has_passed_is_counted_from_the_price() -> None:
    found = expected(a_position(mark="110"))
    assert [plan.trigger_price for plan in found.take_profits] == [D("111.6"), D("113.3")]
