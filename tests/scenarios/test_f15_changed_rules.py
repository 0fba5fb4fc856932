"""F15: leverage raised by hand, margin eaten by funding, another tick size, a contract of a thousand coins."""

from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from adapters.simulator.fault_script import FaultAction, FaultRule
from adapters.simulator.profiles import Profile
from messages.journal import Severity
from messages.positions import ClosePosition
from messages.state import CloseReason
from messages.values import MarginMode, PositionKey, Price, Side, Symbol
from persistence import tables
from persistence.queries import Queries
from rules.position_case import PositionPolicies
from rules.stop_choice import StopPolicy
from tests.scenarios.hands import cancel_stop, position_of, set_leverage, stop_of, switch_margin_mode
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import (
    BOTH_SIDES,
    EVERY_PROFILE,
    ON_PAPER,
    a_world,
    at,
    figure,
    open_a,
    open_quantity,
    profiles_where,
    stops_of,
)
from tests.scenarios.wire.link import WireProfile
from tests.scenarios.world import BTC, PAPER_VENUE, World, an_instrument

SEEN_WITHIN_S = 60
WIDE = PositionPolicies(stops=StopPolicy(stop_loss_percent=Decimal(15)))
"""A stop far away: 35,700 for a long at 42,000."""


WIDER = PositionPolicies(stops=StopPolicy(stop_loss_percent=Decimal(40)), margin_mode=MarginMode.CROSS)
"""A stop where the whole account's margin is needed: 25,200 for a long, which a leverage of 3 alone does not reach."""


def assert_told_of_another_mode(world: World, before: str, after: str) -> None:
    (event,) = [each for each in world.events if each.kind == "margin_mode_changed"]
    position = position_of(world, BTC)
    assert position is not None
    told = dict(event.data)
    assert event.severity is Severity.WARNING
    assert (told["before"], told["after"]) == (before, after)
    shown = Decimal(told["liquidation"]) if told["liquidation"] != "None" else None
    assert (shown is None) == (position.liquidation_price is None)
    assert shown is None or abs(shown - (position.liquidation_price or 0)) < 1


def trigger(world: World, symbol: Symbol = BTC) -> Price:
    stop = stop_of(world, symbol)
    assert stop is not None
    assert stop.trigger_price is not None
    return stop.trigger_price


def requests(world: World) -> int:
    """How many requests about orders were sent, and answered."""
    with world.store.reading() as connection:
        return connection.execute(select(func.count()).select_from(tables.order_audit_log)).scalar_one()


def assert_between_liquidation_and_mark(world: World, side: Side) -> None:
    position = position_of(world, BTC)
    assert position is not None
    assert position.liquidation_price is not None
    buffered = position.liquidation_price * (Decimal("1.005") if side is Side.LONG else Decimal("0.995"))
    bounds = (buffered, position.mark_price) if side is Side.LONG else (position.mark_price, buffered)
    assert bounds[0] <= trigger(world) <= bounds[1]


CONTRACTS_OF_MANY = profiles_where(lambda profile: not isinstance(profile, WireProfile) or profile.name == "okx")
"""Over the wire only OKX has contracts: elsewhere a thousand coins are a symbol of their own, in coins of its own."""


def tells_the_liquidation(profile: Profile) -> bool:
    """Binance's stream tells another leverage, but not what follows from it: that is seen with the next reading."""
    return not (isinstance(profile, WireProfile) and profile.name == "binance")


@EVERY_PROFILE
@BOTH_SIDES
@pytest.mark.parametrize("events", ["told", "silent"])
def test_a_stop_stays_clear_of_the_liquidation_when_the_leverage_is_raised_by_hand(
    profile: Profile, side: Side, events: str
) -> None:
    told = events == "told"
    rules = () if told else (FaultRule(action=FaultAction.EVENT_LOST, from_s=6.0),)
    world = a_world(profile, *rules, policies=WIDE)
    open_a(side, world)
    assert trigger(world) == at(side, 35_700)
    set_leverage(world, BTC, 25)
    world.run_for(2 if told and tells_the_liquidation(profile) else SEEN_WITHIN_S + 5)
    assert trigger(world) != at(side, 35_700)
    assert_between_liquidation_and_mark(world, side)
    assert told or "leverage_changed" in world.kinds(), "what the reading shows is told"
    world.run_for(5)
    assert_postcondition_c(world, interrupted=not told)


@EVERY_PROFILE
@BOTH_SIDES
def test_leverage_that_leaves_the_stop_clear_costs_no_request(profile: Profile, side: Side) -> None:
    world = a_world(profile)
    open_a(side, world)
    before = requests(world)
    set_leverage(world, BTC, 25)
    world.run_for(130)
    assert requests(world) == before
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
def test_a_stop_stays_clear_of_the_liquidation_when_the_margin_is_isolated_by_hand(
    profile: Profile, side: Side
) -> None:
    world = a_world(profile, policies=WIDER)
    open_a(side, world)
    assert trigger(world) == at(side, 25_200)
    switch_margin_mode(world, MarginMode.ISOLATED)
    world.run_for(SEEN_WITHIN_S + 5)
    assert trigger(world) != at(side, 25_200)
    assert_between_liquidation_and_mark(world, side)
    assert_told_of_another_mode(world, "cross", "isolated")
    assert_postcondition_c(world, interrupted=True)


@EVERY_PROFILE
@BOTH_SIDES
def test_a_margin_mode_that_is_switched_by_hand_is_told_and_neither_it_nor_the_stop_is_touched(
    profile: Profile, side: Side
) -> None:
    world = a_world(profile)
    open_a(side, world)
    before, stop = requests(world), stop_of(world, BTC)
    switch_margin_mode(world, MarginMode.CROSS)
    world.run_for(130)
    assert requests(world) == before
    assert stop_of(world, BTC) == stop
    assert_told_of_another_mode(world, "isolated", "cross")
    position = position_of(world, BTC)
    assert position is not None
    assert position.margin_mode is MarginMode.CROSS
    assert_postcondition_c(world)


@EVERY_PROFILE
def test_a_margin_mode_that_is_switched_while_the_process_is_down_is_told_at_the_start(profile: Profile) -> None:
    world = a_world(profile)
    open_a(Side.LONG, world)
    world.kill()
    switch_margin_mode(world, MarginMode.CROSS)
    world.start()
    world.run_for(10)
    assert_told_of_another_mode(world, "isolated", "cross")
    assert_postcondition_c(world, interrupted=True)


@EVERY_PROFILE
@BOTH_SIDES
def test_funding_that_eats_the_margin_pushes_the_stop_ahead_of_the_liquidation(profile: Profile, side: Side) -> None:
    world = a_world(profile, policies=WIDE)
    open_a(side, world)
    engine = world.exchange.engine
    (position,) = engine.state.account.positions.values()
    rate = Decimal("0.28") if side is Side.LONG else Decimal("-0.28")
    engine.state.account.pay_funding(position, rate)
    engine.state.position_changed(position.key)
    world.run_for(SEEN_WITHIN_S + 5)
    assert trigger(world) != at(side, 35_700)
    assert_between_liquidation_and_mark(world, side)
    assert_postcondition_c(world, interrupted=True)


@EVERY_PROFILE
@BOTH_SIDES
def test_the_price_falling_to_the_liquidation_meets_the_stop_first(profile: Profile, side: Side) -> None:
    world = a_world(profile, policies=WIDE)
    open_a(side, world)
    set_leverage(world, BTC, 25)
    world.run_for(5 if tells_the_liquidation(profile) else SEEN_WITHIN_S + 5)
    world.price(at(side, 40_000))
    world.run_for(10)
    assert open_quantity(world) == 0
    (closed,) = Queries(world.store).closed_positions()
    assert closed.close_reason is CloseReason.STOP_LOSS
    assert_postcondition_c(world)


def change_tick(world: World, tick: Decimal) -> None:
    engine = world.exchange.engine
    engine.set_instrument(replace(engine.state.instruments[BTC], price_tick=tick))


@EVERY_PROFILE
@BOTH_SIDES
@pytest.mark.parametrize("tick", [Decimal("0.5"), Decimal(5), Decimal(7)])
def test_a_new_tick_costs_no_request_and_is_used_for_the_next_stop(profile: Profile, side: Side, tick: Decimal) -> None:
    world = a_world(profile)
    open_a(side, world)
    before = requests(world)
    change_tick(world, tick)
    world.run_for(SEEN_WITHIN_S)
    assert requests(world) == before, "what rests may stay where it is"
    world.price(at(side, 42_600))
    world.run_for(120)
    assert trigger(world) != at(side, 41_160)
    assert trigger(world) % tick == 0
    assert "stop_failed" not in world.kinds()
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
def test_a_stop_lost_after_the_tick_changed_is_placed_again_on_the_safe_side(profile: Profile, side: Side) -> None:
    world = a_world(profile)
    open_a(side, world)
    change_tick(world, Decimal(100))
    world.run_for(SEEN_WITHIN_S)
    cancel_stop(world, BTC)
    world.run_for(5)
    assert trigger(world) == at(side, 41_200)
    assert_postcondition_c(world)


@CONTRACTS_OF_MANY
@BOTH_SIDES
def test_a_contract_of_a_thousand_coins_is_protected_and_trailed(profile: Profile, side: Side) -> None:
    coin = Symbol("1000COINUSDT")
    instrument = an_instrument(
        coin,
        price_tick=Decimal("0.000001"),
        quantity_step=Decimal(1),
        min_quantity=Decimal(1),
        contract_size=Decimal(1_000),
    )
    world = a_world(profile, prices={coin: Decimal("0.042")}, instruments=[instrument])
    world.signal(coin, "BUY" if side is Side.LONG else "SELL")
    world.run_for(5)
    position = position_of(world, coin)
    assert position is not None
    assert position.quantity == 10
    assert len(stops_of(world)) == 1
    assert trigger(world, coin) == (Decimal("0.04116") if side is Side.LONG else Decimal("0.04284"))
    world.price(Decimal("0.04263") if side is Side.LONG else Decimal("0.04137"), coin)
    world.run_for(120)
    assert trigger(world, coin) != (Decimal("0.04116") if side is Side.LONG else Decimal("0.04284"))
    assert figure(world, "worst_window_seconds") <= 0.2
    assert_postcondition_c(world)


STOPS_FOR_ANY_SIZE = profiles_where(
    lambda profile: (
        (profile.capabilities.whole_position_stop or profile.capabilities.sizeless_stop)
        and not isinstance(profile, WireProfile)
    )
)


def change_step(world: World, step: Decimal) -> None:
    engine = world.exchange.engine
    engine.set_instrument(replace(engine.state.instruments[BTC], quantity_step=step))
    world.run_for(SEEN_WITHIN_S)


@STOPS_FOR_ANY_SIZE
@BOTH_SIDES
def test_a_stop_lost_after_the_step_became_coarser_than_the_position_covers_it_again(
    profile: Profile, side: Side
) -> None:
    world = a_world(profile)
    open_a(side, world)
    change_step(world, Decimal("0.004"))
    cancel_stop(world, BTC)
    world.run_for(10)
    assert open_quantity(world) == Decimal("0.010"), "nothing has to be closed for want of a stop"
    assert_postcondition_c(world)


@ON_PAPER
def test_of_a_position_that_is_off_the_step_as_much_is_closed_as_can_be_ordered(profile: Profile) -> None:
    world = a_world(profile)
    open_a(Side.LONG, world)
    change_step(world, Decimal("0.004"))
    close = ClosePosition(key=PositionKey(venue=PAPER_VENUE, symbol=BTC), reason=CloseReason.OPERATOR)
    assert world.process is not None
    world.process.system.ref("position/paper/BTCUSDT").tell(close)
    world.run_for(10)
    assert open_quantity(world) == Decimal("0.002")
