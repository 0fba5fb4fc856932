"""F7: an order that an earlier position left behind meets the next trade.

Fails without the look at the account before an entry (``_check_clean`` in the position's actor).
"""

from decimal import Decimal

from adapters.simulator.fault_script import FaultAction, FaultRule, RequestType
from adapters.simulator.paper_config import PaperConfig
from adapters.simulator.profiles import Profile
from adapters.simulator.state import ExchangeConfig, Slippage
from messages.journal import Verdict
from messages.orders import OrderSpec
from messages.values import ClientOrderId, OrderKind, OrderPurpose, OrderSide, PositionId, Side
from messages.venue import CancelOrder, OrderAccepted, PlaceOrder, RejectReason
from persistence.queries import Queries
from rules.client_order_ids import client_order_id, parse_client_order_id
from rules.rounding import entry_side, exit_side
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import (
    BOTH_SIDES,
    EVERY_PROFILE,
    a_world,
    at,
    figure,
    open_a,
    open_quantity,
    placed_ids,
    profiles_where,
    stops_of,
)
from tests.scenarios.world import BTC, PAPER_VENUE, World

WHERE_ORPHANS_STAY = profiles_where(lambda profile: profile.quantity_orders_survive)
WHERE_SIDES_ARE_APART = profiles_where(
    lambda profile: profile.quantity_orders_survive and profile.capabilities.hedge_mode
)
REFUSED_WITHIN_S = 7
"""5 s from when the orphan is seen; the signal is heard within a second, and the orphan seen with the first reading."""
FORGOTTEN = PositionId("forgotten0000001")
"""A position of ours that is on no record any more."""


def note_orders_at_the_entry(world: World) -> list[str]:
    """The positions that orders at the venue belonged to, at the moment that a position came into being."""
    owners: list[str] = []

    def passed(name: str) -> None:
        if name == "request_executed" and open_quantity(world) > 0:
            world.boundary = None
            for order in world.account().orders:
                identity = parse_client_order_id(order.client_order_id or "")
                owners.append(identity.position_id if identity is not None else "nobody")

    world.boundary = passed
    return owners


def by_hand(world: World, side: OrderSide, *, order_id: str, hedge: Side | None, **changes: object) -> None:
    values: dict[str, object] = {
        "client_order_id": ClientOrderId(order_id),
        "symbol": BTC,
        "side": side,
        "kind": OrderKind.MARKET,
        "purpose": OrderPurpose.ENTRY,
        "quantity": Decimal("0.01"),
        "hedge_side": hedge,
    }
    assert isinstance(
        world.exchange.by_hand(PlaceOrder(order=OrderSpec(**(values | changes)))),  # type: ignore[arg-type]
        OrderAccepted,
    )


def leave_an_orphan(world: World, side: Side, *, hedge: bool = False) -> str:
    """A stop of ours for ``side``, whose position is gone and on no record; gives its id."""
    hedge_side = side if hedge else None
    orphan = client_order_id(position_id=FORGOTTEN, purpose=OrderPurpose.STOP, sequence=1)
    by_hand(world, OrderSide(entry_side(side)), order_id="hand1", hedge=hedge_side)
    by_hand(
        world,
        exit_side(side),
        order_id=orphan,
        hedge=hedge_side,
        kind=OrderKind.STOP_MARKET,
        purpose=OrderPurpose.STOP,
        trigger_price=at(side, 41_500),
        reduce_only=True,
    )
    by_hand(world, exit_side(side), order_id="hand2", hedge=hedge_side, purpose=OrderPurpose.CLOSE, reduce_only=True)
    assert [stop.client_order_id for stop in stops_of(world)] == [orphan]
    return orphan


@EVERY_PROFILE
@BOTH_SIDES
def test_what_a_position_leaves_that_closes_while_nobody_is_there_goes_before_the_next_entry(
    profile: Profile, side: Side
) -> None:
    world = a_world(profile)
    open_a(side, world, for_s=20)
    (first,) = {parse_client_order_id(each).position_id for each in placed_ids(world, OrderPurpose.ENTRY)}  # type: ignore[union-attr]
    world.kill()
    world.price(at(side, 43_300))
    world.run_for(5)
    assert open_quantity(world) == 0, "both take profits are filled"
    world.price(42_000)
    world.run_for(5)
    owners = note_orders_at_the_entry(world)
    world.start()
    open_a(side, world, for_s=1)
    world.run_for(60)
    if open_quantity(world) == 0:
        # The signal came before the end of the first position was known: it was refused, and the next one is not.
        open_a(side, world, for_s=60)
    assert open_quantity(world) > 0
    assert first not in owners
    assert_postcondition_c(world, interrupted=True)


@WHERE_ORPHANS_STAY
@BOTH_SIDES
def test_an_orphan_that_is_on_no_record_is_cancelled_before_the_entry_is_sent(profile: Profile, side: Side) -> None:
    world = a_world(profile)
    orphan = leave_an_orphan(world, side)
    owners = note_orders_at_the_entry(world)
    open_a(side, world, for_s=20)
    assert open_quantity(world) > 0
    assert FORGOTTEN not in owners
    assert orphan not in [order.client_order_id for order in world.account().orders]
    assert_postcondition_c(world)


@WHERE_ORPHANS_STAY
@BOTH_SIDES
def test_an_orphan_that_cannot_be_cancelled_keeps_the_entry_away(profile: Profile, side: Side) -> None:
    refused = FaultRule(
        action=FaultAction.REJECT, requests=(RequestType.CANCEL,), reason=RejectReason.OTHER, until_s=25
    )
    world = a_world(profile, refused)
    leave_an_orphan(world, side)
    open_a(side, world, for_s=REFUSED_WITHIN_S)
    assert open_quantity(world) == 0
    assert placed_ids(world, OrderPurpose.ENTRY) == []
    (fate,) = Queries(world.store).signals()
    assert (fate.verdict, fate.reason) == (
        Verdict.REJECTED,
        "orders of an earlier position did not go within 5 s",
    )
    world.run_for(23)
    open_a(side, world, for_s=20)
    assert open_quantity(world) > 0, "the next signal finds it cancelled"
    assert_postcondition_c(world, interrupted=True)


@WHERE_SIDES_ARE_APART
@BOTH_SIDES
def test_in_hedge_mode_an_orphan_of_the_other_side_is_not_touched(profile: Profile, side: Side) -> None:
    other = Side.SHORT if side is Side.LONG else Side.LONG
    exchange = ExchangeConfig(
        venue=PAPER_VENUE, profile=profile, slippage=Slippage(half_spread_ticks=0), price_band_percent=None, hedge=True
    )
    world = World(profile=profile, config=PaperConfig(exchange=exchange), hedge=True)
    world.start()
    world.run_for(2)
    orphan = leave_an_orphan(world, other, hedge=True)
    open_a(side, world, for_s=20)
    assert [position.side for position in world.account().positions] == [side]
    (left,) = [order for order in world.account().orders if order.client_order_id == orphan]
    assert figure(world, "zombie_orders_now") == 1, "it is somebody's else's to clean up"
    spec = OrderSpec(
        client_order_id=ClientOrderId(orphan),
        venue_order_id=left.venue_order_id,
        symbol=BTC,
        side=left.side,
        kind=left.kind,
        purpose=OrderPurpose.STOP,
        quantity=left.quantity,
        reduce_only=True,
        hedge_side=left.hedge_side,
    )
    assert isinstance(world.exchange.by_hand(CancelOrder(order=spec)), OrderAccepted)
