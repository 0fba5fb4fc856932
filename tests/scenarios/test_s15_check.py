"""S15, S12: the check of an account that no process runs mends exactly what is missing, and touches nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from actors import addresses
from actors.check_house import CheckedVenue, CheckHouse
from actors.desk import Untracked
from actors.kernel import ActorCrashed, ActorSystem, Notice, VirtualRuntime
from adapters.simulator.fault_script import FaultAction, FaultRule, FaultScript, RequestType
from adapters.simulator.paper_calls import PaperCalls
from adapters.simulator.paper_config import PaperConfig
from adapters.simulator.profiles import PROFILES, Profile
from adapters.simulator.state import ExchangeConfig, Slippage
from messages.account_check import CheckVenue, VenueChecked
from messages.settings import ZombieScope
from messages.values import OrderKind, OrderPurpose, TriggerSource
from messages.venue import RejectReason
from persistence.journal import Journal
from persistence.queries import Queries
from persistence.spool import Spool
from rules.client_order_ids import client_order_id, parse_client_order_id
from run_check import last_signals
from tests.scenarios.plain_account import (
    BEYOND,
    FLAT,
    NO_STOP,
    NO_TP1,
    NOTHING,
    SYMBOLS,
    TOO_SMALL,
    WRONG_SIDE,
    PlainAccount,
    ours,
)
from tests.scenarios.stage import ON_PAPER, profiles_where
from tests.scenarios.wire.link import WireProfile
from tests.scenarios.world import PAPER_VENUE, World

CHECK_S = 200.0


@dataclass
class Account(PlainAccount):
    """The account in virtual time, and the check of it."""

    world: World
    crashes: list[ActorCrashed] = field(default_factory=list)
    checks: int = 0

    @contextmanager
    def tree(self, *, scope: ZombieScope = ZombieScope.OWN) -> Iterator[ActorSystem]:
        """The small tree of the command, alive."""
        self.checks += 1
        spool = Spool(self.world.data / f"spool {self.checks}")
        journal = Journal(self.world.store, spool)
        system = ActorSystem(runtime=VirtualRuntime(self.world.time))
        system.subscribe(self._notice)
        house = CheckHouse(
            journal=journal,
            owner_epoch=journal.take_ownership(f"check {self.checks}"),
            venues=[CheckedVenue(calls=PaperCalls(self.world.exchange))],
            policies=self.world.policies,
            zombie_scope=scope,
            signals=last_signals(Queries(self.world.store), [PAPER_VENUE], now_ms=self.world.time.now_ms()),
        )
        system.start(house.root(system))
        try:
            yield system
        finally:
            system.shutdown()
            spool.close()
        assert self.crashes == []

    def check(self, *, fix: bool = False, scope: ZombieScope = ZombieScope.OWN) -> VenueChecked:
        """What the check says."""
        with self.tree(scope=scope) as system:
            answer = system.ref(addresses.check(self.world.venue)).ask(CheckVenue(fix=fix), timeout_s=CHECK_S)
        assert isinstance(answer, VenueChecked)
        return answer

    def _notice(self, notice: Notice) -> None:
        if isinstance(notice, ActorCrashed):
            self.crashes.append(notice)


def an_account(profile: Profile, *rules: FaultRule) -> Account:
    config = PaperConfig(
        exchange=ExchangeConfig(venue=PAPER_VENUE, profile=profile, slippage=Slippage(half_spread_ticks=0))
    )
    prices = dict.fromkeys((*SYMBOLS, FLAT), Decimal(42_000))
    world = World(profile=profile, config=config, prices=prices, faults=FaultScript(seed=1, rules=rules))
    world.run_for(1)
    return Account(exchange=world.exchange, price=Decimal(42_000), size=Decimal("0.01"), world=world)


@ON_PAPER
def test_of_twenty_positions_those_that_miss_something_are_mended_and_no_other_order_is_touched(
    profile: Profile,
) -> None:
    account = an_account(profile)
    wrong = account.twenty_positions()
    account.world.run_for(40)
    before = account.orders()

    looked = account.check()
    assert looked.positions == 20
    assert {(item.symbol, item.what) for item in looked.findings} == wrong
    assert not any(item.fixed for item in looked.findings)
    assert account.orders() == before, "without --fix it only looks"

    mended = account.check(fix=True)
    assert {(item.symbol, item.what) for item in mended.findings} >= wrong
    assert [item for item in mended.findings if not item.fixed] == []
    after = account.orders()
    named = {order_id for item in looked.findings for order_id in item.orders}
    assert {key: order for key, order in before.items() if key not in named} == {
        key: order for key, order in after.items() if key in before and key not in named
    }
    placed_on = {order.symbol for key, order in after.items() if key not in before}
    assert placed_on <= {symbol for symbol, _ in wrong}

    again = account.check(fix=True)
    assert again.findings == ()
    assert again.sent == 0
    assert account.orders() == after
    ledger = account.world.ledger()
    assert (ledger["accepted_twice"], ledger["positions_uncovered_now"], ledger["zombie_orders_now"]) == (0, 0, 0)
    account.world.run_for(60)
    assert len(account.world.account().positions) == 20, "nothing was closed"


@ON_PAPER
def test_a_process_that_is_started_afterwards_keeps_what_the_check_has_placed(profile: Profile) -> None:
    account = an_account(profile)
    for symbol in (NO_STOP, NOTHING):
        account.position(symbol, stop="", profits=() if symbol is NOTHING else ("1.5",))
    account.world.run_for(40)
    account.check(fix=True)
    before = set(account.orders())
    account.world.start()
    account.world.run_for(120)
    assert set(account.orders()) == before
    assert account.world.crashes == []
    assert account.world.ledger()["positions_uncovered_now"] == 0


@ON_PAPER
def test_a_position_on_record_is_mended_from_its_record_and_goes_on_with_it(profile: Profile) -> None:
    account = an_account(profile)
    world = account.world
    world.start()
    world.run_for(2)
    world.signal(SYMBOLS[0], sl="41000", tp1="42500", tp2="43500")
    world.run_for(10)
    world.kill()
    for order in world.account().orders:
        account.cancel(order)
    checked = account.check(fix=True)
    assert {item.what for item in checked.findings} == {"no_stop", "no_take_profit_1", "no_take_profit_2"}
    assert all(item.fixed for item in checked.findings)
    placed = account.orders()
    assert {order.trigger_price for order in placed.values()} == {Decimal(41_000), Decimal(42_500), Decimal(43_500)}
    (row,) = [restored.position for restored in world.store.load()]
    own = {parse_client_order_id(order.client_order_id or "") for order in placed.values()} - {None}
    assert {identity.position_id for identity in own if identity is not None} <= {row.position_id}
    world.start()
    world.run_for(120)
    assert set(account.orders()) == set(placed), "the process that comes back has nothing to do"


def test_a_position_that_another_bot_opened_by_the_same_signal_is_protected_as_the_signal_says() -> None:
    account = an_account(PROFILES["paper"])
    world = account.world
    world.untracked = Untracked.ALERT
    world.start()
    world.run_for(2)
    account.position(SYMBOLS[0], stop="", profits=())
    world.signal(SYMBOLS[0], sl="41000", tp1="42500", tp2="43500")
    world.run_for(15)
    world.kill()
    assert set(world.fates().values()) == {"rejected"}
    assert account.orders() == {}
    checked = account.check(fix=True)
    assert [item for item in checked.findings if not item.fixed] == []
    placed = {order.trigger_price for order in account.orders().values()}
    assert placed == {Decimal(41_000), Decimal(42_500), Decimal(43_500)}


def test_a_zombie_of_somebody_else_is_told_and_left_unless_the_scope_is_all() -> None:
    account = an_account(PROFILES["paper"])
    account.order(FLAT, OrderKind.MARKET)
    account.stop(FLAT)
    account.close(FLAT)
    account.world.run_for(40)
    (finding,) = account.check(fix=True).findings
    assert (finding.what, finding.fixed) == ("zombie_reduces_nothing", False)
    assert len(account.orders()) == 1
    (finding,) = account.check(fix=True, scope=ZombieScope.ALL).findings
    assert finding.fixed
    assert account.orders() == {}


ONE_STOP = profiles_where(lambda each: not isinstance(each, WireProfile) and not each.capabilities.two_stops)
TWO_STOPS = profiles_where(lambda each: not isinstance(each, WireProfile) and each.capabilities.two_stops)


@TWO_STOPS
def test_a_stop_of_somebody_else_that_does_not_protect_stays_and_a_proper_one_is_placed_beside_it(
    profile: Profile,
) -> None:
    account = an_account(profile)
    wrong = account.stops_of_somebody_else()
    account.world.run_for(40)
    before = account.orders()
    mended = {(item.symbol, item.what): item for item in account.check(fix=True).findings}
    assert set(mended) == wrong
    left = {(BEYOND, "stop_beyond_liquidation"), (WRONG_SIDE, "stop_wrong_side")}
    assert {key for key, item in mended.items() if not item.fixed} == left
    assert {mended[key].text for key in left} == {"covered beside it; not ours to touch (ZOMBIE_SCOPE)"}
    after = account.orders()
    assert {key: after.get(key) for key in before} == before, "what others placed is as it was"
    placed = {order.symbol: order for key, order in after.items() if key not in before}
    assert set(placed) == {TOO_SMALL, BEYOND, WRONG_SIDE}
    assert placed[TOO_SMALL].quantity == account.half, "for what the other one leaves open"
    ledger = account.world.ledger()
    assert (ledger["positions_uncovered_now"], ledger["duplicate_orders"]) == (0, 0)

    again = account.check(fix=True)
    assert {(item.symbol, item.what) for item in again.findings} == left
    assert (again.sent, account.orders()) == (0, after)

    everybodys = account.check(fix=True, scope=ZombieScope.ALL)
    assert all(item.fixed for item in everybodys.findings)
    assert account.check(fix=True).findings == ()
    assert account.world.ledger()["positions_uncovered_now"] == 0


@ONE_STOP
def test_a_stop_of_somebody_else_is_replaced_where_the_venue_takes_only_one_and_the_check_says_so(
    profile: Profile,
) -> None:
    account = an_account(profile)
    wrong = account.stops_of_somebody_else()
    account.world.run_for(40)
    mended = account.check(fix=True).findings
    assert {(item.symbol, item.what) for item in mended} == wrong
    assert all(item.fixed and "no stop beside it" in item.text for item in mended)
    told = [event.text for event in Queries(account.world.store).events() if event.kind.startswith("auto_plan_sl")]
    assert sum("no stop beside it" in text for text in told) == len(wrong)
    assert account.check(fix=True).findings == ()
    assert account.world.ledger()["positions_uncovered_now"] == 0


@ON_PAPER
def test_a_take_profit_of_somebody_else_on_the_wrong_side_is_told_and_left(profile: Profile) -> None:
    account = an_account(profile)
    account.position(NO_TP1, profits=("3",))
    account.exchange.offset_mark(NO_TP1, Decimal(1))
    account.order(NO_TP1, OrderKind.TAKE_PROFIT_MARKET, percent="0.5", quantity=account.half, source=TriggerSource.LAST)
    account.world.run_for(40)
    before = account.orders()
    found = {item.what: item for item in account.check(fix=True).findings}
    assert not found["take_profit_wrong_side"].fixed
    assert found["no_take_profit_1"].fixed
    after = account.orders()
    assert {key: after.get(key) for key in before} == before


def test_an_order_of_a_moment_ago_is_no_zombie() -> None:
    account = an_account(PROFILES["paper"])
    account.order(FLAT, OrderKind.MARKET)
    account.stop(FLAT, order_id=ours(OrderPurpose.STOP, 1))
    account.close(FLAT)
    assert account.check(fix=True).findings == ()
    assert len(account.orders()) == 1


@pytest.mark.parametrize("action", [FaultAction.LOST_ANSWER, FaultAction.LOST_REQUEST, FaultAction.DUPLICATE_REQUEST])
def test_a_lost_answer_does_not_make_two_stops(action: FaultAction) -> None:
    first = FaultRule(action=action, requests=(RequestType.PLACE,), count=1, delay_s=0.1)
    account = an_account(PROFILES["binance"], first)
    account.position(NO_STOP, stop="")
    account.world.run_for(40)
    checked = account.check(fix=True)
    assert [(item.what, item.fixed) for item in checked.findings] == [("no_stop", True)]
    stops = [order for order in account.orders().values() if order.kind is OrderKind.STOP_MARKET]
    assert len(stops) == 1
    assert account.world.ledger()["accepted_twice"] == 0


def test_what_the_venue_refuses_is_told_with_its_words_and_the_others_are_mended() -> None:
    refused = FaultRule(
        action=FaultAction.REJECT,
        requests=(RequestType.PLACE,),
        symbols=(NO_STOP,),
        reason=RejectReason.OTHER,
        text="not today",
    )
    account = an_account(PROFILES["paper"], refused)
    account.position(NO_STOP, profits=())
    account.position(NO_TP1, stop="")
    account.world.run_for(40)
    found = {(item.symbol, item.what): item for item in account.check(fix=True).findings}
    assert not found[NO_STOP, "no_take_profit_1"].fixed
    assert "not today" in found[NO_STOP, "no_take_profit_1"].text
    assert found[NO_TP1, "no_stop"].fixed


def test_a_venue_that_does_not_answer_is_told_as_out_of_reach() -> None:
    silent = FaultRule(action=FaultAction.MAINTENANCE, requests=(RequestType.ACCOUNT,))
    account = an_account(PROFILES["paper"], silent)
    checked = account.check()
    assert checked.error
    assert checked.findings == ()


def test_what_was_sent_is_on_record_as_planned_by_itself() -> None:
    account = an_account(PROFILES["paper"])
    account.position(NOTHING, stop="", profits=())
    account.world.run_for(40)
    account.check(fix=True)
    kinds = [event.kind for event in Queries(account.world.store).events()]
    assert (kinds.count("auto_plan_sl"), kinds.count("auto_plan_tp"), kinds.count("selfcheck")) == (1, 2, 1)


@ON_PAPER
def test_a_check_that_died_before_it_wrote_down_its_stop_leaves_a_position_that_stays_protected(
    profile: Profile,
) -> None:
    """The stop rests under the position's name, the record still names the one that is gone."""
    account = an_account(profile)
    world = account.world
    world.start()
    world.run_for(2)
    world.signal(SYMBOLS[0])
    world.run_for(10)
    world.kill()
    (row,) = [restored.position for restored in world.store.load()]
    for order in world.account().orders:
        if order.kind is OrderKind.STOP_MARKET:
            account.cancel(order)
    name = client_order_id(position_id=row.position_id, purpose=OrderPurpose.STOP, sequence=row.sequence + 5)
    account.stop(SYMBOLS[0], "-2", order_id=name)
    before = account.world.ledger()["unprotected_seconds"]
    world.start()
    world.run_for(120)
    after = account.world.ledger()
    assert after["unprotected_seconds"] == before
    assert after["positions_uncovered_now"] == 0
    assert len([order for order in world.account().orders if order.kind is OrderKind.STOP_MARKET]) == 1
