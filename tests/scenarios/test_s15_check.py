"""S15, S12: the check of an account that no process runs mends exactly what is missing, and touches nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from actors import addresses
from actors.check_house import CheckedVenue, CheckHouse
from actors.kernel import ActorCrashed, ActorSystem, Notice, VirtualRuntime
from adapters.simulator.fault_script import FaultAction, FaultRule, FaultScript, RequestType
from adapters.simulator.paper_calls import PaperCalls
from adapters.simulator.paper_config import PaperConfig
from adapters.simulator.profiles import PROFILES, Profile
from adapters.simulator.state import ExchangeConfig, Slippage
from messages.account_check import CheckVenue, VenueChecked
from messages.orders import OrderReport, OrderSpec
from messages.settings import ZombieScope
from messages.values import (
    ClientOrderId,
    MarginMode,
    OrderKind,
    OrderPurpose,
    PositionId,
    Price,
    Quantity,
    Side,
    Symbol,
    TriggerSource,
)
from messages.venue import CancelOrder, LeverageSet, OrderAccepted, PlaceOrder, RejectReason, SetLeverage
from persistence.journal import Journal
from persistence.spool import Spool
from rules.client_order_ids import client_order_id, parse_client_order_id
from rules.rounding import entry_side, exit_side
from tests.scenarios.stage import EVERY_PROFILE, profiles_where
from tests.scenarios.world import PAPER_VENUE, World

SIZE = Decimal("0.01")
HALF = SIZE / 2
SYMBOLS = tuple(Symbol(f"COIN{number:02}USDT") for number in range(20))
FLAT = Symbol("GONEUSDT")
EARLIER = PositionId("earlier000000001")
"""A position of ours of which nothing is on record any more."""
CHECK_S = 200.0
TWO_STOPS = profiles_where(lambda profile: profile.capabilities.two_stops)
(NO_STOP, TOO_SMALL, WRONG_SIDE, BEYOND, NO_TP1, NO_TP2, DOUBLED, NOTHING) = SYMBOLS[:8]


@dataclass
class Account:
    """An account at a simulated exchange that somebody else trades on, and the check of it."""

    world: World
    crashes: list[ActorCrashed] = field(default_factory=list)
    checks: int = 0

    def order(
        self,
        symbol: Symbol,
        kind: OrderKind,
        *,
        price: Price | int | None = None,
        quantity: Quantity | None = SIZE,
        side: Side = Side.LONG,
        order_id: str = "",
        source: TriggerSource = TriggerSource.MARK,
        closes: bool = False,
    ) -> OrderReport:
        """An order of a position of ``side``: at market its entry, else an exit."""
        opens = kind is OrderKind.MARKET and not closes
        spec = OrderSpec(
            client_order_id=ClientOrderId(order_id or f"web{self.world.exchange.engine.state.next_number()}"),
            symbol=symbol,
            side=entry_side(side) if opens else exit_side(side),
            kind=kind,
            purpose=OrderPurpose.ENTRY,
            quantity=quantity,
            trigger_price=None if price is None else Decimal(price),
            trigger_source=source,
            reduce_only=not opens,
        )
        answer = self.world.exchange.by_hand(PlaceOrder(order=spec))
        assert isinstance(answer, OrderAccepted), (symbol, answer)
        return answer.report

    def position(
        self, symbol: Symbol, *, side: Side = Side.LONG, stop: int | None = 41_200, profits: tuple[int, ...] = (1, 2)
    ) -> None:
        """A position with a stop and take profits."""
        sign = 1 if side is Side.LONG else -1
        self.order(symbol, OrderKind.MARKET, side=side)
        if stop is not None:
            price = stop if side is Side.LONG else 84_000 - stop
            self.order(symbol, OrderKind.STOP_MARKET, price=price, side=side)
        for level in profits:
            price = 42_000 + sign * level * 630
            self.order(symbol, OrderKind.TAKE_PROFIT_MARKET, price=price, quantity=HALF, side=side)

    def orders(self) -> dict[str, OrderReport]:
        """Every order that rests."""
        return {str(order.venue_order_id): order for order in self.world.account().orders}

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
            answer = system.ref(addresses.check(PAPER_VENUE)).ask(CheckVenue(fix=fix), timeout_s=CHECK_S)
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
    return Account(world)


def twenty_positions(account: Account) -> set[tuple[Symbol, str]]:
    """Twenty positions, some of them missing something; gives what is missing."""
    world, profile = account.world, account.world.profile
    account.position(NO_STOP, stop=None)
    account.position(NO_TP1, profits=(2,))
    account.position(NO_TP2, side=Side.SHORT, profits=(1,))
    account.position(NOTHING, side=Side.SHORT, stop=None, profits=())
    account.position(TOO_SMALL, stop=None)
    account.order(TOO_SMALL, OrderKind.STOP_MARKET, price=41_200, quantity=HALF)
    _set_leverage(account, BEYOND, 20)
    account.position(BEYOND, stop=39_000)
    account.position(WRONG_SIDE, stop=None)
    world.exchange.offset_mark(WRONG_SIDE, Decimal(-1))
    account.order(WRONG_SIDE, OrderKind.STOP_MARKET, price=41_900, source=TriggerSource.LAST)
    account.position(DOUBLED)
    for symbol in SYMBOLS[8:]:
        account.position(symbol, side=Side.SHORT if symbol[5] in "13579" else Side.LONG)
    wrong = {
        (NO_STOP, "no_stop"),
        (NO_TP1, "no_take_profit_1"),
        (NO_TP2, "no_take_profit_2"),
        (NOTHING, "no_stop"),
        (NOTHING, "no_take_profit_1"),
        (NOTHING, "no_take_profit_2"),
        (TOO_SMALL, "stop_too_small"),
        (BEYOND, "stop_beyond_liquidation"),
        (WRONG_SIDE, "stop_wrong_side"),
    }
    if profile.capabilities.two_stops:
        account.order(DOUBLED, OrderKind.STOP_MARKET, price=40_500, order_id=_ours(OrderPurpose.STOP, 1))
        wrong.add((DOUBLED, "duplicate_stop"))
    if profile.quantity_orders_survive:
        account.order(FLAT, OrderKind.MARKET)
        account.order(FLAT, OrderKind.STOP_MARKET, price=41_000, order_id=_ours(OrderPurpose.STOP, 2))
        account.order(FLAT, OrderKind.TAKE_PROFIT_MARKET, price=43_000, order_id=_ours(OrderPurpose.TAKE_PROFIT_1, 3))
        account.order(FLAT, OrderKind.MARKET, closes=True)
        wrong.add((FLAT, "zombie_reduces_nothing"))
    world.run_for(40)
    return wrong


def _ours(purpose: OrderPurpose, number: int) -> str:
    return client_order_id(position_id=EARLIER, purpose=purpose, sequence=number)


def _set_leverage(account: Account, symbol: Symbol, leverage: int) -> None:
    request = SetLeverage(symbol=symbol, leverage=leverage, margin_mode=MarginMode.ISOLATED)
    assert isinstance(account.world.exchange.by_hand(request), LeverageSet)


@EVERY_PROFILE
def test_of_twenty_positions_those_that_miss_something_are_mended_and_no_other_order_is_touched(
    profile: Profile,
) -> None:
    account = an_account(profile)
    wrong = twenty_positions(account)
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


@EVERY_PROFILE
def test_a_process_that_is_started_afterwards_keeps_what_the_check_has_placed(profile: Profile) -> None:
    account = an_account(profile)
    for symbol in (NO_STOP, NOTHING):
        account.position(symbol, stop=None, profits=() if symbol is NOTHING else (1,))
    account.world.run_for(40)
    account.check(fix=True)
    before = set(account.orders())
    account.world.start()
    account.world.run_for(120)
    assert set(account.orders()) == before
    assert account.world.crashes == []
    assert account.world.ledger()["positions_uncovered_now"] == 0


@EVERY_PROFILE
def test_a_position_on_record_is_mended_from_its_record_and_goes_on_with_it(profile: Profile) -> None:
    account = an_account(profile)
    world = account.world
    world.start()
    world.run_for(2)
    world.signal(SYMBOLS[0], sl="41000", tp1="42500", tp2="43500")
    world.run_for(10)
    world.kill()
    for order in world.account().orders:
        _cancel(account, order)
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


def _cancel(account: Account, order: OrderReport) -> None:
    spec = OrderSpec(
        client_order_id=order.client_order_id or ClientOrderId("byhandstop"),
        symbol=order.symbol,
        side=order.side,
        kind=order.kind,
        purpose=OrderPurpose.STOP,
        quantity=order.quantity,
        reduce_only=True,
        venue_order_id=order.venue_order_id,
    )
    account.world.exchange.by_hand(CancelOrder(order=spec))


def test_a_zombie_of_somebody_else_is_told_and_left_unless_the_scope_is_all() -> None:
    account = an_account(PROFILES["paper"])
    account.order(FLAT, OrderKind.MARKET)
    account.order(FLAT, OrderKind.STOP_MARKET, price=41_000)
    account.order(FLAT, OrderKind.MARKET, closes=True)
    account.world.run_for(40)
    (finding,) = account.check(fix=True).findings
    assert (finding.what, finding.fixed) == ("zombie_reduces_nothing", False)
    assert len(account.orders()) == 1
    (finding,) = account.check(fix=True, scope=ZombieScope.ALL).findings
    assert finding.fixed
    assert account.orders() == {}


def test_an_order_of_a_moment_ago_is_no_zombie() -> None:
    account = an_account(PROFILES["paper"])
    account.order(FLAT, OrderKind.MARKET)
    account.order(FLAT, OrderKind.STOP_MARKET, price=41_000, order_id=_ours(OrderPurpose.STOP, 1))
    account.order(FLAT, OrderKind.MARKET, closes=True)
    assert account.check(fix=True).findings == ()
    assert len(account.orders()) == 1


@pytest.mark.parametrize("action", [FaultAction.LOST_ANSWER, FaultAction.LOST_REQUEST, FaultAction.DUPLICATE_REQUEST])
def test_a_lost_answer_does_not_make_two_stops(action: FaultAction) -> None:
    first = FaultRule(action=action, requests=(RequestType.PLACE,), count=1, delay_s=0.1)
    account = an_account(PROFILES["binance"], first)
    account.position(NO_STOP, stop=None)
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
    account.position(NO_TP1, stop=None)
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
    account.position(NOTHING, stop=None, profits=())
    account.world.run_for(40)
    account.check(fix=True)
    from persistence.queries import Queries

    kinds = [event.kind for event in Queries(account.world.store).events()]
    assert (kinds.count("auto_plan_sl"), kinds.count("auto_plan_tp"), kinds.count("selfcheck")) == (1, 2, 1)
