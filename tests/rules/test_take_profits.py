from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from messages.instruments import Instrument
from messages.values import Price, Quantity, Side
from rules.take_profits import TakeProfitPlan, TakeProfitPolicy, plan_take_profits
from tests.rules.builders import an_instrument, sides, ticks, units

POLICY = TakeProfitPolicy()
instruments = st.builds(
    an_instrument,
    tick=ticks().map(str),
    step=st.sampled_from(["0.001", "0.1", "1", "2.5"]),
    minimum=st.sampled_from(["0.001", "1", "10"]),
    contract_size=st.sampled_from(["0.01", "1", "1000"]),
)
offsets = st.none() | st.decimals(min_value="0.9", max_value="1.1", places=4)


def _plans(
    side: Side,
    instrument: Instrument,
    entry: Price,
    quantity: Quantity,
    *,
    tp1: Decimal | None = None,
    tp2: Decimal | None = None,
    base: Quantity | None = None,
) -> tuple[TakeProfitPlan, ...]:
    return plan_take_profits(
        side=side,
        quantity=quantity,
        entry_price=entry,
        tp1=None if tp1 is None else entry * tp1,
        tp2=None if tp2 is None else entry * tp2,
        instrument=instrument,
        policy=POLICY,
        base_quantity=base,
    )


@given(side=sides(), instrument=instruments, entry=units(10), steps=units(0, 500), base=st.none() | units(1, 100))
def test_1_the_parts_add_up_to_the_position_s_size(
    side: Side, instrument: Instrument, entry: Decimal, steps: Decimal, base: Decimal | None
) -> None:
    quantity = steps * instrument.quantity_step
    plans = _plans(side, instrument, entry * instrument.price_tick, quantity, base=base)
    assert sum(plan.quantity for plan in plans) == quantity


@given(side=sides(), instrument=instruments, entry=units(10), steps=units(1, 500))
def test_2_each_part_is_large_enough_to_be_worth_an_order_or_there_is_only_one_for_the_whole_size(
    side: Side, instrument: Instrument, entry: Decimal, steps: Decimal
) -> None:
    plans = _plans(side, instrument, entry * instrument.price_tick, steps * instrument.quantity_step)
    for plan in plans if len(plans) > 1 else ():
        assert plan.quantity >= instrument.min_quantity
        assert plan.quantity * instrument.contract_size * plan.trigger_price >= POLICY.min_close_value_usd


@given(side=sides(), instrument=instruments, entry=units(10), steps=units(1, 500), tp1=offsets, tp2=offsets)
def test_3_every_take_profit_is_in_profit(
    side: Side, instrument: Instrument, entry: Decimal, steps: Decimal, tp1: Decimal | None, tp2: Decimal | None
) -> None:
    price = entry * instrument.price_tick
    for plan in _plans(side, instrument, price, steps * instrument.quantity_step, tp1=tp1, tp2=tp2):
        assert plan.trigger_price % instrument.price_tick == 0
        assert plan.trigger_price > price if side is Side.LONG else 0 < plan.trigger_price < price


@given(side=sides(), instrument=instruments, entry=units(10), steps=units(1, 500), tp1=offsets, tp2=offsets)
def test_4_tp2_is_further_away_than_tp1(
    side: Side, instrument: Instrument, entry: Decimal, steps: Decimal, tp1: Decimal | None, tp2: Decimal | None
) -> None:
    price = entry * instrument.price_tick
    plans = _plans(side, instrument, price, steps * instrument.quantity_step, tp1=tp1, tp2=tp2)
    assert [plan.level for plan in plans] == [1, 2][: len(plans)]
    distances = [abs(plan.trigger_price - price) for plan in plans]
    assert distances == sorted(set(distances))


@given(side=sides(), instrument=instruments, entry=units(10), steps=st.decimals("0.001", "500", places=3))
def test_5_each_part_but_the_last_is_a_multiple_of_the_venue_s_step(
    side: Side, instrument: Instrument, entry: Decimal, steps: Decimal
) -> None:
    plans = _plans(side, instrument, entry * instrument.price_tick, steps * instrument.quantity_step)
    assert all(plan.quantity % instrument.quantity_step == 0 for plan in plans[:-1])


def test_without_prices_half_is_taken_at_one_and_a_half_and_half_at_three_percent() -> None:
    plans = _plans(Side.LONG, an_instrument(tick="1"), Decimal(42000), Decimal("0.005"))
    assert [(plan.trigger_price, plan.quantity) for plan in plans] == [
        (Decimal(42630), Decimal("0.002")),
        (Decimal(43260), Decimal("0.003")),
    ]


def test_halves_of_too_little_value_become_one_take_profit_for_all() -> None:
    plans = _plans(Side.SHORT, an_instrument(), Decimal(100), Decimal("0.09"))
    assert plans == (TakeProfitPlan(level=1, trigger_price=Decimal("98.5"), quantity=Decimal("0.09")),)


def test_a_signal_s_prices_are_used_nearest_first() -> None:
    plans = _plans(Side.LONG, an_instrument(), Decimal(100), Decimal(1), tp1=Decimal("1.04"), tp2=Decimal("1.02"))
    assert [plan.trigger_price for plan in plans] == [102, 104]


def test_a_position_of_more_than_twice_its_base_size_takes_the_smaller_share_first() -> None:
    plans = _plans(Side.LONG, an_instrument(), Decimal(100), Decimal(1), base=Decimal("0.4"))
    assert [plan.quantity for plan in plans] == [Decimal("0.35"), Decimal("0.65")]
