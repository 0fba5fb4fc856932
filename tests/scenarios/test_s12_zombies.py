"""S12: orders that outlived their position are found while the process runs; whoever has the symbol takes them away."""

from decimal import Decimal

import pytest

from actors import addresses
from actors.auditors import AuditPolicy
from adapters.simulator.profiles import PROFILES, Profile
from messages.account_check import CheckVenue, SweepZombies, VenueChecked
from messages.journal import Severity
from messages.orders import OrderReport
from messages.settings import ZombieScope
from messages.values import OrderKind, OrderPurpose, OrderSide, Side
from persistence.queries import Queries
from rules.client_order_ids import client_order_id
from tests.scenarios.plain_account import PlainAccount, ours
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import a_world, figure, open_a, profiles_where, stops_of
from tests.scenarios.world import BTC, PAPER_VENUE, World

WHERE_ORPHANS_STAY = profiles_where(lambda profile: profile.quantity_orders_survive)
TWO_STOPS = profiles_where(lambda profile: profile.capabilities.two_stops)


def by_hand(world: World) -> PlainAccount:
    return PlainAccount(exchange=world.exchange, price=Decimal(42_000), size=Decimal("0.01"))


def sweep(world: World) -> None:
    assert world.process is not None
    world.process.system.ref(addresses.zombies(PAPER_VENUE)).tell(SweepZombies(why="the test"))
    world.run_for(5)


def leave_zombies(world: World, number: int = 1, *, order_id: str = "") -> None:
    """Take profits on a symbol where nothing is open."""
    account = by_hand(world)
    account.order(BTC, OrderKind.MARKET)
    for each in range(number):
        name = order_id or ours(OrderPurpose.TAKE_PROFIT_1, each)
        account.order(BTC, OrderKind.TAKE_PROFIT_MARKET, percent="5", order_id=name, quantity=account.size / 10)
    account.close(BTC)


def resting(world: World) -> list[OrderReport]:
    return list(world.account().orders)


@WHERE_ORPHANS_STAY
def test_an_order_of_ours_whose_position_is_gone_is_swept_when_it_is_old_enough(profile: Profile) -> None:
    world = a_world(profile, audit=AuditPolicy())
    world.kill()
    leave_zombies(world)
    world.start()
    world.run_for(5)
    sweep(world)
    assert len(resting(world)) == 1, "an opening may be under way"
    world.run_for(40)
    sweep(world)
    assert resting(world) == []
    assert {"zombie_order", "zombies_cancelled"} <= set(world.kinds())
    assert_postcondition_c(world, interrupted=True)


@WHERE_ORPHANS_STAY
def test_zombies_are_found_without_anybody_asking(profile: Profile) -> None:
    world = a_world(profile)
    world.kill()
    leave_zombies(world, 3)
    world.start()
    world.run_for(420)
    assert resting(world) == []
    assert figure(world, "zombie_orders_now") == 0


def test_a_zombie_of_somebody_else_stays_unless_the_scope_allows_it() -> None:
    for scope, left in ((ZombieScope.OWN, 1), (ZombieScope.MANAGED, 1), (ZombieScope.ALL, 0)):
        world = a_world(PROFILES["paper"], audit=AuditPolicy(zombie_scope=scope))
        world.kill()
        leave_zombies(world, order_id="hand1")
        world.start()
        world.run_for(60)
        sweep(world)
        world.run_for(5)
        assert len(resting(world)) == left, scope


def test_on_a_symbol_that_we_manage_a_zombie_of_somebody_else_goes_where_the_scope_is_managed() -> None:
    world = a_world(PROFILES["paper"], audit=AuditPolicy(zombie_scope=ZombieScope.MANAGED))
    open_a(Side.LONG, world, for_s=10)
    world.price(41_000)
    world.run_for(20)
    assert world.account().positions == ()
    leave_zombies(world, order_id="hand1")
    world.run_for(60)
    sweep(world)
    assert resting(world) == []


def test_more_zombies_than_the_threshold_are_an_alert_once() -> None:
    world = a_world(PROFILES["paper"], audit=AuditPolicy(zombie_threshold=2, zombie_scope=ZombieScope.OWN))
    world.kill()
    account = by_hand(world)
    account.order(BTC, OrderKind.MARKET)
    for number in range(3):
        account.stop(BTC, "-1.9", order_id=f"hand{number}", quantity=account.size / 10)
    account.close(BTC)
    world.start()
    world.run_for(60)
    sweep(world)
    sweep(world)
    (alert,) = [event for event in world.events if event.kind == "zombies_over_threshold"]
    assert alert.severity is Severity.CRITICAL
    on_record = [event.kind for event in Queries(world.store).events()]
    assert on_record.count("zombie_order") == 3, "each is an event, once"


@WHERE_ORPHANS_STAY
def test_what_a_living_position_needs_is_never_taken_away(profile: Profile) -> None:
    world = a_world(profile, audit=AuditPolicy(zombie_scope=ZombieScope.ALL))
    open_a(Side.LONG, world, for_s=10)
    before = {order.venue_order_id for order in resting(world)}
    world.run_for(60)
    for _ in range(5):
        sweep(world)
    assert {order.venue_order_id for order in resting(world)} == before
    assert_postcondition_c(world)


@TWO_STOPS
def test_of_two_stops_beside_each_other_the_tighter_level_stays_and_one_order_goes(profile: Profile) -> None:
    world = a_world(profile)
    open_a(Side.LONG, world, for_s=10)
    (own,) = stops_of(world)
    other = client_order_id(position_id="earlier000000001", purpose=OrderPurpose.STOP, sequence=7)  # type: ignore[arg-type]
    by_hand(world).stop(BTC, "-1", order_id=other)
    world.run_for(60)
    sweep(world)
    world.run_for(60)
    (left,) = stops_of(world)
    assert left.client_order_id != other
    assert left.trigger_price == Decimal(41_580), "its level is kept as the new floor"
    assert own.trigger_price is not None
    assert_postcondition_c(world, interrupted=True)


@WHERE_ORPHANS_STAY
def test_an_order_on_the_wrong_side_of_a_living_position_goes(profile: Profile) -> None:
    """Left by an earlier short of ours: it would close nothing, and open a long too many."""
    world = a_world(profile)
    world.kill()
    account = by_hand(world)
    account.order(BTC, OrderKind.MARKET, side=Side.SHORT)
    account.stop(BTC, "-1.9", side=Side.SHORT, order_id=ours(OrderPurpose.STOP, 1))
    account.order(BTC, OrderKind.MARKET, side=Side.SHORT, closes=True)
    account.order(BTC, OrderKind.MARKET)
    world.start()
    world.run_for(60)
    sweep(world)
    world.run_for(10)
    assert {order.side for order in resting(world)} == {OrderSide.SELL}
    assert_postcondition_c(world, interrupted=True)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_the_check_of_a_running_process_has_everything_mended_by_its_own_actors(profile: Profile) -> None:
    world = a_world(profile)
    open_a(Side.LONG, world, for_s=10)
    account = by_hand(world)
    for order in resting(world):
        account.cancel(order)
    answer = ask(world, fix=True)
    assert [item for item in answer.findings if not item.fixed] == []
    assert len(stops_of(world)) == 1
    again = ask(world, fix=False)
    assert again.findings == ()
    assert_postcondition_c(world, interrupted=True)


def ask(world: World, *, fix: bool) -> VenueChecked:
    assert world.process is not None
    answer = world.process.system.ref(addresses.check(PAPER_VENUE)).ask(CheckVenue(fix=fix), timeout_s=120.0)
    assert isinstance(answer, VenueChecked)
    return answer


def test_once_a_day_everything_is_checked_and_reported() -> None:
    world = a_world(PROFILES["paper"], audit=AuditPolicy(selfcheck_minute=90))
    open_a(Side.LONG, world)
    assert "selfcheck" not in world.kinds()
    world.run_for(1_200)
    (report,) = [event for event in world.events if event.kind == "selfcheck"]
    assert "1 positions" in report.text
    assert report.severity is Severity.INFO
    assert dict(report.data)["plan_orders"] == "0 of 2 failed (0.0 %)", "the stop came with the entry"
