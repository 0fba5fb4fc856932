from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from messages.instruments import Instrument
from messages.orders import BalanceReport, OrderReport, OrderSpec, PositionReport
from messages.values import ClientOrderId, OrderPurpose, OrderSide, PositionId, Price, Side, Symbol
from messages.venue import AccountReport
from rules.canary import canary_stop, symbol_to_try
from rules.client_order_ids import client_order_id, parse_client_order_id
from tests.rules.builders import POSITION_ID, VENUE, a_position, a_stop, an_instrument, ticks, units

ID = ClientOrderId("HFcanary")
SYMBOLS = st.sets(st.sampled_from("ABCDEFG"))


@st.composite
def instruments(draw: st.DrawFn) -> Instrument:
    step = draw(ticks())
    return replace(
        an_instrument(),
        price_tick=draw(ticks()),
        quantity_step=step,
        min_quantity=draw(units(1, 50)) * step,
        min_notional=draw(st.sampled_from([Decimal(0), Decimal(5), Decimal(100)])),
        contract_size=draw(st.sampled_from([Decimal(1), Decimal("0.01"), Decimal(10)])),
    )


@st.composite
def listed(draw: st.DrawFn) -> tuple[Instrument, Price, Decimal]:
    """An instrument with its price, and a share of it that is a tick at least."""
    instrument = draw(instruments())
    price = draw(units(10)) * instrument.price_tick
    return instrument, price, draw(st.decimals("0.1", "0.6", places=2))


def tried(
    case: tuple[Instrument, Price, Decimal], *, hedged: bool = False, whole_position: bool = False
) -> tuple[OrderSpec, Instrument, Price]:
    instrument, price, share = case
    order = canary_stop(
        instrument=instrument,
        price=price,
        share=share,
        client_order_id=ID,
        hedged=hedged,
        whole_position=whole_position,
    )
    return order, instrument, price * share


def an_account(positions: Sequence[PositionReport] = (), orders: Sequence[OrderReport] = ()) -> AccountReport:
    nothing = BalanceReport(venue=VENUE, equity=Decimal(0), available=Decimal(0), wallet=Decimal(0))
    return AccountReport(
        venue=VENUE, symbol=None, positions=tuple(positions), orders=tuple(orders), balance=nothing, taken_ms=0
    )


@given(case=listed())
def test_1_the_order_can_only_reduce_a_position(case: tuple[Instrument, Price, Decimal]) -> None:
    for hedged in (False, True):
        order, *_ = tried(case, hedged=hedged)
        assert order.reduce_only
        assert order.side is OrderSide.SELL
        assert order.hedge_side is (Side.LONG if hedged else None)


@given(case=listed())
def test_2_its_trigger_is_on_the_tick_above_zero_and_at_most_the_given_share_of_the_price(
    case: tuple[Instrument, Price, Decimal],
) -> None:
    order, instrument, most = tried(case)
    assert order.trigger_price is not None
    assert order.trigger_price % instrument.price_tick == 0
    assert 0 < order.trigger_price <= most


@given(case=listed())
def test_3_its_quantity_is_on_the_step_not_under_the_minimum_and_worth_the_minimum_notional_where_it_would_trigger(
    case: tuple[Instrument, Price, Decimal],
) -> None:
    order, instrument, _ = tried(case)
    assert order.quantity is not None
    assert order.trigger_price is not None
    assert order.quantity % instrument.quantity_step == 0
    assert order.quantity >= instrument.min_quantity
    assert order.quantity * order.trigger_price * instrument.contract_size >= instrument.min_notional
    assert tried(case, whole_position=True)[0].quantity is None


@given(with_position=SYMBOLS, with_order=SYMBOLS, suspended=SYMBOLS, attempt=st.integers(0, 20))
def test_4_nothing_is_tried_on_a_symbol_that_has_a_position_or_an_order_or_that_is_not_traded(
    with_position: set[str], with_order: set[str], suspended: set[str], attempt: int
) -> None:
    account = an_account(
        [a_position(symbol=each) for each in with_position], [a_stop(symbol=each) for each in with_order]
    )
    market = [an_instrument(symbol=each, trading=each not in suspended) for each in "ABCDEFG"]
    found = symbol_to_try(market, account, attempt=attempt)
    free = set("ABCDEFG") - with_position - with_order - suspended
    assert (found is None) is not bool(free)
    assert found is None or found.symbol in free


@given(free=SYMBOLS.filter(bool))
def test_5_every_symbol_that_can_be_tried_has_its_turn(free: set[str]) -> None:
    market = [an_instrument(symbol=each, trading=each in free) for each in "ABCDEFG"]
    found = [symbol_to_try(market, an_account(), attempt=attempt) for attempt in range(len(free))]
    assert {each.symbol for each in found if each is not None} == {Symbol(each) for each in free}


def test_its_client_order_id_tells_that_it_is_ours_and_why() -> None:
    name = client_order_id(position_id=PositionId(POSITION_ID), purpose=OrderPurpose.CANARY, sequence=1)
    identity = parse_client_order_id(name)
    assert identity is not None
    assert identity.purpose is OrderPurpose.CANARY
