"""What scenarios share: worlds by profile, side and fault, prices as seen from the position, and what the books say."""

from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest
from sqlalchemy import select

from adapters.simulator.fault_script import FaultRule, FaultScript
from adapters.simulator.paper_config import Delay, PaperConfig
from adapters.simulator.profiles import BINANCE, PAPER, PROFILES, WORST, Profile
from adapters.simulator.state import ExchangeConfig, Slippage
from messages.journal import EventRecord, Severity
from messages.orders import FillReport, OrderReport
from messages.values import OrderKind, OrderSide, Price, Side
from persistence import tables
from rules.client_order_ids import parse_client_order_id
from tests.scenarios.wire.choice import WIRE
from tests.scenarios.wire.link import WIRED, WireProfile
from tests.scenarios.world import BTC, PAPER_VENUE, World

ENTRY = Decimal(42_000)


def profiles_where(allowed: Callable[[Profile], bool]) -> pytest.MarkDecorator:
    """Each profile whose capabilities allow the scenario."""
    chosen = [profile for profile in (*PROFILES.values(), *WIRED) if allowed(profile)]
    return pytest.mark.parametrize("profile", chosen, ids=name_of)


def name_of(profile: Profile) -> str:
    """As it stands in the test's name."""
    return f"{profile.name}{WIRE}" if isinstance(profile, WireProfile) else profile.name


EVERY_PROFILE = profiles_where(lambda _: True)
STOP_AFTER_ENTRY = profiles_where(lambda profile: not profile.capabilities.attach_stop_to_entry)
ONE_STOP_AT_A_TIME = profiles_where(
    lambda profile: not profile.capabilities.amend_stop and not profile.capabilities.two_stops
)
DIFFERENT_PROFILES = profiles_where(
    lambda profile: profile in {PAPER, BINANCE, WORST} or isinstance(profile, WireProfile)
)
"""One of each kind; over the wire all of them."""
STOPS_LARGER_THAN_MARKET_ORDERS = profiles_where(
    lambda profile: not (isinstance(profile, WireProfile) and profile.capabilities.sizeless_stop)
)
"""Binance limits both alike: there an entry ends where one stop cannot cover more."""
ON_PAPER = profiles_where(lambda profile: not isinstance(profile, WireProfile))
OVER_THE_WIRE = profiles_where(lambda profile: isinstance(profile, WireProfile))
BOTH_SIDES = pytest.mark.parametrize("side", list(Side), ids=lambda side: side.value)


def a_world(
    profile: Profile, *rules: FaultRule, seed: int = 1, band: Decimal | None = Decimal(5), **parts: object
) -> World:
    """A running world without a spread, so that an entry is at exactly the price."""
    near = Delay(min_ms=5, max_ms=20)
    config = PaperConfig(
        exchange=ExchangeConfig(
            venue=PAPER_VENUE,
            profile=profile,
            slippage=Slippage(half_spread_ticks=0),
            price_band_percent=band,
        ),
        request_delay=near,
        answer_delay=near,
        event_delay=near,
        seed=seed,
    )
    world = World(
        profile=profile,
        config=config,
        faults=FaultScript(seed=seed, rules=rules),
        seed=seed,
        **parts,  # type: ignore[arg-type] # the fields of a World, which its constructor checks
    )
    world.start()
    world.run_for(2)
    return world


def open_a(side: Side, world: World, *, for_s: float = 5) -> None:
    """A signal for ``side``, and time for it to become a position."""
    world.signal(side="BUY" if side is Side.LONG else "SELL")
    world.run_for(for_s)


def at(side: Side, price: int | str, entry: Decimal = ENTRY) -> Price:
    """A price written for a long, as far on the other side of the entry for a short."""
    return Decimal(price) if side is Side.LONG else 2 * entry - Decimal(price)


def stops_of(world: World) -> list[OrderReport]:
    """The stops that work at the venue."""
    return [order for order in world.account().orders if order.kind is OrderKind.STOP_MARKET]


def profits_of(world: World) -> list[OrderReport]:
    """The take profits that work at the venue."""
    return [order for order in world.account().orders if order.kind is OrderKind.TAKE_PROFIT_MARKET]


def fills_of(world: World, side: OrderSide | None = None) -> Sequence[FillReport]:
    """Every fill of the first symbol, as the venue booked it."""
    fills = world.exchange.engine.fills(BTC, 0).fills
    return [fill for fill in fills if side is None or fill.side is side]


def entry_side(side: Side) -> OrderSide:
    """The side of the orders that open."""
    return OrderSide.BUY if side is Side.LONG else OrderSide.SELL


def open_quantity(world: World) -> Decimal:
    """How much is open at the venue."""
    return sum((position.quantity for position in world.account().positions), Decimal(0))


def figure(world: World, name: str) -> float:
    """A number of the venue's ledger."""
    value = world.ledger()[name]
    assert isinstance(value, int | float)
    return value


def alerts(world: World) -> list[EventRecord]:
    """What people were told at the highest level."""
    return [event for event in world.events if event.severity is Severity.CRITICAL]


def placed_ids(world: World, purpose: str) -> list[str]:
    """The client order ids under which orders of ``purpose`` were sent, one for each request, from the audit log."""
    with world.store.reading() as connection:
        rows = connection.execute(select(tables.order_audit_log.c.intent_id, tables.order_audit_log.c.operation))
        ids = [row.intent_id for row in rows if row.operation == "PlaceOrder" and row.intent_id]
    return [each for each in ids if (found := parse_client_order_id(each)) is not None and found.purpose == purpose]
