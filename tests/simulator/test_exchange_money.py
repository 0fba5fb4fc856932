"""Money and positions: what conservation, margin, funding and liquidation must keep to."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.simulator.engine import Exchange, money_is_conserved
from adapters.simulator.funding import ConstantFunding, RecordedFunding
from adapters.simulator.profiles import PROFILES, Profile
from adapters.simulator.state import Slippage
from messages.orders import FillKind, OrderSpec
from messages.values import MarginMode, OrderSide, Side, Symbol
from messages.venue import SetLeverage
from tests.simulator.builders import (
    BTC,
    ETH,
    T0,
    a_limit,
    a_stop,
    a_take_profit,
    an_exchange,
    an_instrument,
    an_order,
    d,
    positions_of,
    working_of,
)

HOUR_MS = 3_600_000
SELL = OrderSide.SELL
prices = st.integers(min_value=8000, max_value=12000).map(lambda ticks: Decimal(ticks) / 10)
quantities = st.integers(min_value=1, max_value=3000).map(lambda steps: Decimal(steps) / 1000)
sides = st.sampled_from(list(OrderSide))
symbols = st.sampled_from([BTC, ETH])
orders = st.one_of(
    st.builds(
        an_order, symbol=symbols, side=sides, quantity=quantities, reduce_only=st.booleans(), attached_stop_price=prices
    ),
    st.builds(an_order, symbol=symbols, side=sides, quantity=quantities, reduce_only=st.booleans()),
    st.builds(a_limit, symbol=symbols, side=sides, quantity=quantities, price=prices, reduce_only=st.booleans()),
    st.builds(a_stop, symbol=symbols, side=sides, quantity=quantities, trigger_price=prices, reduce_only=st.booleans()),
    st.builds(a_stop, symbol=symbols, side=sides, quantity=st.none(), trigger_price=prices),
    st.builds(a_take_profit, symbol=symbols, side=sides, quantity=quantities, trigger_price=prices),
)
moves = st.tuples(symbols, prices, prices, st.booleans())
cancels = st.integers(min_value=0, max_value=10)
steps = st.lists(st.one_of(orders, moves, cancels), max_size=40)


def run(exchange: Exchange, history: list[OrderSpec | tuple[Symbol, Decimal, Decimal, bool] | int]) -> None:
    for number, step in enumerate(history):
        now_ms = T0 + number * HOUR_MS // 2
        if isinstance(step, OrderSpec):
            exchange.place(step, now_ms)
        elif isinstance(step, int):
            working = list(exchange.state.orders.all_working())
            if step < len(working):
                order = working[step]
                exchange.cancel(an_order(symbol=order.symbol, venue_order_id=order.venue_order_id), now_ms)
        else:
            symbol, last, mark, gap = step
            exchange.move(symbol, last, now_ms, mark=mark, gap=gap)


@given(
    history=steps,
    profile=st.sampled_from(list(PROFILES.values())),
    mode=st.sampled_from(list(MarginMode)),
    spread=st.sampled_from([0, 1]),
)
def test_money_is_conserved_and_fills_add_up_to_positions(
    history: list[OrderSpec | tuple[Symbol, Decimal, Decimal, bool] | int],
    profile: Profile,
    mode: MarginMode,
    spread: int,
) -> None:
    exchange = an_exchange(
        profile=profile,
        instruments=(an_instrument(BTC), an_instrument(ETH, contract_size=d("0.1"))),
        funding=ConstantFunding(d("0.0001")),
        slippage=Slippage(half_spread_ticks=spread),
        margin_mode=mode,
    )
    run(exchange, history)
    assert money_is_conserved(exchange)
    account = exchange.state.account
    fills = [fill for symbol in (BTC, ETH) for fill in exchange.fills(symbol, 0).fills]
    payments = [each for symbol in (BTC, ETH) for each in exchange.fills(symbol, 0).funding]
    assert sum(fill.commission for fill in fills) == account.commission
    assert sum(payment.amount for payment in payments) == account.funding
    for symbol in (BTC, ETH):
        signed = sum(
            (
                fill.quantity if fill.side is OrderSide.BUY else -fill.quantity
                for fill in fills
                if fill.symbol == symbol
            ),
            d(0),
        )
        position = account.positions.get((symbol, None))
        size = d(0) if position is None else position.quantity
        assert signed == (size if position is None or position.side is Side.LONG else -size)
        if position is None:
            unit = exchange.state.instruments[symbol].contract_size
            flow = sum(
                (
                    fill.quantity * fill.price * unit * (-1 if fill.side is OrderSide.BUY else 1)
                    for fill in fills
                    if fill.symbol == symbol
                ),
                d(0),
            )
            others = sum(
                (
                    fill.quantity * fill.price * exchange.state.instruments[fill.symbol].contract_size
                    for fill in fills
                    if fill.symbol != symbol
                ),
                d(0),
            )
            if not others:
                assert abs(flow - account.realized) < d("1E-9")


@given(history=steps, profile=st.sampled_from(list(PROFILES.values())))
def test_no_order_that_the_present_price_reaches_is_left_working(
    history: list[OrderSpec | tuple[Symbol, Decimal, Decimal, bool] | int], profile: Profile
) -> None:
    exchange = an_exchange(
        profile=profile,
        instruments=(an_instrument(BTC), an_instrument(ETH)),
    )
    run(exchange, history)
    for order in exchange.state.orders.all_working():
        market = exchange.state.markets[order.symbol]
        watched = market.mark if order.conditional else market.last
        assert not order.reached_by(watched)
        assert order.quantity is None or d(0) < order.remaining


@given(history=steps)
def test_the_same_history_gives_the_same_events(
    history: list[OrderSpec | tuple[Symbol, Decimal, Decimal, bool] | int],
) -> None:
    def events() -> list[object]:
        exchange = an_exchange(instruments=(an_instrument(BTC), an_instrument(ETH)))
        run(exchange, history)
        return list(exchange.take_events())

    assert events() == events()


def test_longs_pay_a_positive_rate_at_each_settlement_and_shorts_get_it() -> None:
    exchange = an_exchange(instruments=(an_instrument(BTC), an_instrument(ETH)), funding=ConstantFunding(d("0.0001")))
    exchange.place(an_order(quantity="2"), T0)
    exchange.place(an_order(symbol=ETH, side=SELL, quantity="1"), T0)
    exchange.advance(T0 + 8 * HOUR_MS - 1)
    assert exchange.fills(BTC, 0).funding == ()
    exchange.advance(T0 + 17 * HOUR_MS)
    assert [each.amount for each in exchange.fills(BTC, 0).funding] == [d("-0.2"), d("-0.2")]
    assert [each.amount for each in exchange.fills(ETH, 0).funding] == [d("0.1"), d("0.1")]
    assert exchange.state.account.funding == d("-0.2")


def test_recorded_rates_are_paid_at_their_own_times() -> None:
    funding = RecordedFunding({BTC: [(T0 + 5, d("0.001")), (T0 + 9, d("-0.002"))]})
    exchange = an_exchange(funding=funding)
    exchange.place(an_order(), T0)
    exchange.advance(T0 + 100)
    assert [(each.time_ms, each.amount) for each in exchange.fills(BTC, 0).funding] == [(T0 + 5, d(-1)), (T0 + 9, d(2))]


def test_funding_eats_the_margin_of_an_isolated_position_until_it_is_liquidated() -> None:
    exchange = an_exchange(leverage=100, funding=ConstantFunding(d("0.007")))
    exchange.place(an_order(), T0)
    exchange.move(BTC, d(1000), T0 + 9 * HOUR_MS)
    assert positions_of(exchange) == ()
    assert exchange.fills(BTC, 0).fills[-1].kind is FillKind.LIQUIDATION


@pytest.mark.parametrize(("side", "past"), [(OrderSide.BUY, -1), (OrderSide.SELL, 1)])
def test_an_isolated_position_is_liquidated_where_its_margin_falls_to_maintenance(side: OrderSide, past: int) -> None:
    exchange = an_exchange(leverage=10)
    exchange.place(an_order(side=side), T0)
    [position] = positions_of(exchange)
    assert position.liquidation_price is not None
    level = position.liquidation_price
    # 100 of margin, 0.4 % maintenance: (1000 - 100) / 0.996 and (1000 + 100) / 1.004.
    assert abs(level - (d(900) / d("0.996") if side is OrderSide.BUY else d(1100) / d("1.004"))) < d("0.01")
    exchange.move(BTC, (level - past * d("0.2")).quantize(d("0.1")), T0 + 1)
    assert len(positions_of(exchange)) == 1
    exchange.move(BTC, (level + past * d("0.2")).quantize(d("0.1")), T0 + 2)
    assert positions_of(exchange) == ()
    assert exchange.fills(BTC, 0).fills[-1].kind is FillKind.LIQUIDATION


def test_a_gap_past_liquidation_costs_the_margin_and_no_more_than_commission_beyond_it() -> None:
    exchange = an_exchange(leverage=10, wallet=1000)
    exchange.place(an_order(), T0)
    exchange.move(BTC, d(500), T0 + 1, gap=True)
    assert exchange.state.account.realized == d(-100)
    assert exchange.state.account.wallet > d(898)


def test_a_stop_before_the_liquidation_price_saves_the_position_from_it() -> None:
    exchange = an_exchange(leverage=10)
    exchange.place(an_order(), T0)
    exchange.place(a_stop(trigger_price="950"), T0)
    exchange.move(BTC, d(800), T0 + 1)
    assert [fill.kind for fill in exchange.fills(BTC, 0).fills] == [FillKind.TRADE, FillKind.TRADE]


def test_a_cross_position_is_secured_by_the_whole_account_and_hurt_by_other_positions() -> None:
    exchange = an_exchange(
        wallet=300, leverage=10, margin_mode=MarginMode.CROSS, instruments=(an_instrument(BTC), an_instrument(ETH))
    )
    exchange.place(an_order(), T0)
    exchange.place(an_order(symbol=ETH), T0)
    exchange.move(BTC, d(880), T0 + 1)
    assert len(positions_of(exchange)) == 2
    exchange.move(ETH, d(800), T0 + 2)
    assert len(positions_of(exchange)) < 2
    assert money_is_conserved(exchange)


def test_available_money_is_what_positions_and_orders_leave() -> None:
    exchange = an_exchange(wallet=1000, leverage=10)
    exchange.place(an_order(quantity="2"), T0)
    exchange.place(a_limit(quantity="1", price="990"), T0)
    balance = exchange.balance()
    assert balance.wallet == d(1000) - d("1.2")
    assert balance.available == balance.wallet - d(200) - d(99)
    exchange.move(BTC, d(1010), T0 + 1)
    assert exchange.balance().equity == balance.wallet + 20


def test_a_margin_mode_switched_by_hand_secures_what_is_open_otherwise() -> None:
    exchange = an_exchange(leverage=10, margin_mode=MarginMode.CROSS, hedge=True)
    exchange.place(an_order(hedge_side=Side.LONG), T0)
    held = exchange.balance().available
    before = exchange.account(None, taken_ms=T0).positions[0]
    exchange.switch_margin_mode(MarginMode.ISOLATED, T0)
    (position,) = exchange.account(None, taken_ms=T0).positions
    assert position.margin_mode is MarginMode.ISOLATED
    assert before.liquidation_price is None
    assert position.liquidation_price is not None
    assert exchange.balance().available == held
    for side in Side:
        assert exchange.state.account.setting((BTC, side)).margin_mode is MarginMode.ISOLATED
    assert money_is_conserved(exchange)


def test_a_change_of_margin_mode_is_refused_while_a_position_is_open() -> None:
    exchange = an_exchange()
    request = SetLeverage(symbol=BTC, leverage=10, margin_mode=MarginMode.CROSS)
    exchange.place(an_order(), T0)
    assert type(exchange.set_leverage(request, T0)).__name__ == "OrderRejected"
    exchange.place(an_order(side=SELL), T0)
    assert type(exchange.set_leverage(request, T0)).__name__ == "LeverageSet"
    assert working_of(exchange) == ()
