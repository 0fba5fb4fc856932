"""S14: what people open and close past us is seen at once, also where a position of ours has been before."""

import pytest

from adapters.simulator.fault_script import EventType, FaultAction, FaultRule, FaultScript, RequestType
from adapters.simulator.profiles import PROFILES, Profile
from messages.orders import OrderSpec
from messages.values import ClientOrderId, OrderKind, OrderPurpose, Side
from messages.venue import OrderAccepted, PlaceOrder
from rules.rounding import entry_side, exit_side
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import BOTH_SIDES, EVERY_PROFILE, a_world, at, open_a, open_quantity, stops_of
from tests.scenarios.world import BTC, World

SOON_S = 3
"""Far less than the next reading of the account in whole."""


def trade_by_hand(world: World, side: Side, *, closing: bool = False) -> None:
    """Somebody opens a position, or closes it, at market."""
    spec = OrderSpec(
        client_order_id=ClientOrderId("byhandout" if closing else "byhand"),
        symbol=BTC,
        side=exit_side(side) if closing else entry_side(side),
        kind=OrderKind.MARKET,
        purpose=OrderPurpose.CLOSE if closing else OrderPurpose.ENTRY,
        quantity=world.account().positions[0].quantity if closing else world.size_usd / 42_000,
        reduce_only=closing,
        hedge_side=side if world.config is None or world.config.exchange.hedge else None,
    )
    assert isinstance(world.exchange.by_hand(PlaceOrder(order=spec)), OrderAccepted)


@EVERY_PROFILE
@BOTH_SIDES
def test_a_position_opened_by_hand_where_one_of_ours_ended_is_protected_at_once(profile: Profile, side: Side) -> None:
    world = a_world(profile)
    open_a(side, world)
    world.price(at(side, 41_000))
    world.run_for(10)
    assert open_quantity(world) == 0, "the stop closed it"
    trade_by_hand(world, side)
    world.run_for(SOON_S)
    assert len(stops_of(world)) == 1
    assert_postcondition_c(world)


@EVERY_PROFILE
def test_a_position_opened_by_hand_that_a_signal_meets_is_protected_at_once(profile: Profile) -> None:
    nobody_tells = FaultRule(action=FaultAction.EVENT_LOST, events=(EventType.POSITION,), until_s=4)
    world = a_world(profile, nobody_tells)
    trade_by_hand(world, Side.LONG)
    open_a(Side.LONG, world, for_s=SOON_S)
    assert list(world.fates().values()) == ["rejected"]
    assert len(stops_of(world)) == 1
    assert_postcondition_c(world)


def test_a_position_opened_while_the_account_is_being_read_is_not_left_to_the_next_reading() -> None:
    slow = FaultRule(
        action=FaultAction.LATE_ANSWER, requests=(RequestType.ACCOUNT,), delay_s=1.0, from_s=115, until_s=125
    )
    world = a_world(PROFILES["binance"], slow)
    world.run_for(115)
    before = world.boundaries.count("request_executed")
    while world.boundaries.count("request_executed") == before:
        world.run_for(0.01)
    trade_by_hand(world, Side.LONG)
    world.run_for(1 + SOON_S)
    assert len(stops_of(world)) == 1
    assert_postcondition_c(world)


@pytest.mark.parametrize("side", list(Side), ids=lambda side: side.value)
def test_in_hedge_mode_a_position_closed_by_hand_is_seen_at_once_though_no_order_tells(side: Side) -> None:
    """Flat has no side: both sides of the symbol look."""
    silent = FaultRule(action=FaultAction.EVENT_LOST, events=(EventType.ORDER, EventType.FILL), from_s=20)
    world = World(profile=PROFILES["binance"], hedge=True, faults=FaultScript(seed=1, rules=(silent,)))
    world.start()
    world.run_for(2)
    open_a(side, world, for_s=25)
    trade_by_hand(world, side, closing=True)
    world.run_for(SOON_S)
    assert not stops_of(world)
    assert_postcondition_c(world)
