"""F10: from one moment on the venue refuses every new conditional order, while those that rest there still work."""

from decimal import Decimal

from actors.signals import WavePolicy
from adapters.simulator.fault_script import FaultAction, FaultRule, RequestType
from adapters.simulator.profiles import Profile
from messages.values import OrderKind, Price, Side, Symbol
from rules.limits import Limits
from rules.rounding import round_stop
from rules.wave_intake import IntakePolicy
from tests.scenarios.hands import position_of, stop_of
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import (
    BOTH_SIDES,
    ENTRY,
    ONE_STOP_AT_A_TIME,
    STOP_AFTER_ENTRY,
    a_world,
    alerts,
    at,
    figure,
    open_a,
    open_quantity,
    profiles_where,
    stops_of,
)
from tests.scenarios.world import BTC, World

SYMBOLS = [BTC, *(Symbol(f"C{number:02d}USDT") for number in range(19))]
NEW = Symbol("NEWUSDT")
WITHDRAWN_S = 15.0
MOVES_BY_NEW_ORDERS = profiles_where(
    lambda profile: profile.capabilities.two_stops and not profile.capabilities.amend_stop
)


def withdrawn(*, from_s: float = WITHDRAWN_S, until_s: float | None = None) -> FaultRule:
    return FaultRule(
        action=FaultAction.ORDER_TYPE_WITHDRAWN,
        requests=(RequestType.PLACE,),
        kinds=(OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET),
        from_s=from_s,
        until_s=until_s,
    )


def twenty_positions(profile: Profile, side: Side, rule: FaultRule) -> World:
    world = a_world(
        profile,
        rule,
        prices=dict.fromkeys([*SYMBOLS, NEW], ENTRY),
        limits=Limits(max_positions=30),
        waves=WavePolicy(intake=IntakePolicy(max_trades=30)),
    )
    for symbol in SYMBOLS:
        world.signal(symbol, "BUY" if side is Side.LONG else "SELL")
    world.run_for(14)
    assert len(stops_of(world)) == len(SYMBOLS)
    return world


def local_stop(world: World) -> Price | None:
    """The level that only the process watches, as it is on record and shown."""
    (restored,) = world.store.load()
    return restored.position.stop.local_price


def trailed(side: Side, price: int) -> Price:
    """The trailing level for a best price that is written for a long, with the callback that momentum has halved."""
    best = at(side, price)
    wanted = best * Decimal("0.9975") if side is Side.LONG else best * Decimal("1.0025")
    return round_stop(wanted, tick=Decimal(1), side=side)


def withdrawn_alerts(world: World) -> int:
    return sum(event.kind == "stops_withdrawn" for event in alerts(world))


@MOVES_BY_NEW_ORDERS
@BOTH_SIDES
def test_no_stop_is_cancelled_and_one_alert_tells_of_twenty_positions(profile: Profile, side: Side) -> None:
    world = twenty_positions(profile, side, withdrawn())
    before = {stop.venue_order_id for stop in stops_of(world)}
    for symbol in SYMBOLS:
        world.price(at(side, 42_500), symbol)
    world.run_for(120)
    assert {stop.venue_order_id for stop in stops_of(world)} == before
    assert figure(world, "unprotected_seconds") <= 0.1 * len(SYMBOLS)
    assert withdrawn_alerts(world) == 1
    assert_postcondition_c(world)


@MOVES_BY_NEW_ORDERS
@BOTH_SIDES
def test_a_trailing_level_that_cannot_rest_at_the_venue_is_triggered_here(profile: Profile, side: Side) -> None:
    world = a_world(profile, withdrawn(from_s=8.0))
    open_a(side, world, for_s=10)
    world.price(at(side, 42_550))
    world.run_for(5)
    # Until the tries are rare: what closes it then is the price, and not the next try.
    world.price(at(side, 42_480))
    world.run_for(100)
    (stop,) = stops_of(world)
    assert stop.trigger_price == at(side, 41_160), "the stop that rests there stays"
    assert local_stop(world) == trailed(side, 42_550), "whoever looks sees that it is the weaker protection"
    assert world.kinds().count("stop_is_local") == 1
    world.price(at(side, 42_300))
    world.run_for(2.5)
    assert open_quantity(world) == 0, "the price came back through the level that trailing wanted"
    assert any("local stop" in event.text for event in world.events if event.kind == "close_decided")
    assert_postcondition_c(world)


@STOP_AFTER_ENTRY
@BOTH_SIDES
def test_what_is_opened_before_it_is_known_is_closed_again_at_once_and_nothing_after_it(
    profile: Profile, side: Side
) -> None:
    world = a_world(profile, withdrawn(from_s=0.0))
    open_a(side, world, for_s=10)
    assert open_quantity(world) == 0
    assert figure(world, "worst_window_seconds") <= 0.3
    open_a(side, world, for_s=10)
    assert sorted(world.fates().values()) == ["accepted", "rejected"]
    assert withdrawn_alerts(world) == 1
    assert_postcondition_c(world)


@MOVES_BY_NEW_ORDERS
@BOTH_SIDES
def test_openings_go_on_once_a_stop_is_taken_again(profile: Profile, side: Side) -> None:
    world = a_world(profile, withdrawn(from_s=8.0, until_s=60.0), prices={BTC: ENTRY, NEW: ENTRY})
    open_a(side, world, for_s=8)
    world.price(at(side, 42_500))
    world.run_for(20)
    world.signal(NEW)
    world.run_for(5)
    assert position_of(world, NEW) is None
    world.run_for(120)
    assert stop_of(world, BTC) is not None
    world.signal(NEW)
    world.run_for(5)
    assert position_of(world, NEW) is not None
    assert_postcondition_c(world)


@ONE_STOP_AT_A_TIME
@BOTH_SIDES
def test_where_the_old_stop_goes_first_the_position_is_closed_within_a_second(profile: Profile, side: Side) -> None:
    world = a_world(profile, withdrawn(from_s=8.0))
    open_a(side, world, for_s=10)
    world.price(at(side, 42_630))
    world.run_for(30)
    assert open_quantity(world) == 0
    assert figure(world, "worst_window_seconds") <= 1.0
    assert alerts(world)
    assert_postcondition_c(world)
