"""S15 over each venue's own dialect: of twenty positions those that miss something are mended, and nothing else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from actors import addresses
from actors.check_house import CheckedVenue, CheckHouse
from actors.kernel import ActorCrashed, ActorSystem, Notice, ThreadRuntime
from adapters.connect import connect
from adapters.simulator.fault_script import FaultAction, FaultRule, FaultScript, RequestType
from adapters.simulator.paper import PaperExchange
from adapters.simulator.paper_config import Delay, PaperConfig
from adapters.simulator.profiles import PROFILES
from adapters.simulator.scheduler_thread import SchedulerThread
from adapters.simulator.state import ExchangeConfig, Slippage
from adapters.simulator.wire.binance import BinanceWire
from adapters.simulator.wire.bitget import BitgetWire
from adapters.simulator.wire.bybit import BybitWire
from adapters.simulator.wire.dialect import Keys, WireDialect
from adapters.simulator.wire.okx import OkxWire
from adapters.simulator.wire.server import WireServer
from adapters.venues.rest import VenueConfig
from messages.account_check import CheckVenue, VenueChecked
from messages.values import Venue
from messages.venue import RejectReason
from persistence.journal import Journal
from persistence.spool import Spool
from persistence.store import SqlStore
from rules.position_case import PositionPolicies
from tests.scenarios.plain_account import BEYOND, FLAT, SYMBOLS, WRONG_SIDE, PlainAccount
from tests.simulator.builders import StillFeed, an_instrument
from tests.venues.binance.running import GENEROUS

KEYS = Keys()
WIRES: dict[str, Callable[[PaperExchange], WireDialect]] = {
    "binance": lambda exchange: BinanceWire(exchange, KEYS, limits=GENEROUS),
    "bitget": lambda exchange: BitgetWire(exchange, KEYS, limited=False),
    "bybit": lambda exchange: BybitWire(exchange, KEYS),
    "okx": lambda exchange: OkxWire(exchange, KEYS),
}
CONTRACTS = {"okx": {"contract_size": Decimal("0.01"), "quantity_step": Decimal(1), "min_quantity": Decimal(1)}}
SIZES = {"okx": Decimal(4)}
CHECK_S = 60.0
OLDER_MS = 60_000


@dataclass
class Served(PlainAccount):
    """The account behind its venue's dialect, and the command's small tree in front of it."""

    venue: Venue
    config: VenueConfig
    directory: Path
    checks: int = 0

    def age(self) -> None:
        """Let every order have been there for a minute."""

        def older(engine: object) -> None:
            for order in self.exchange.engine.state.orders.all_working():
                order.created_ms -= OLDER_MS

        self.exchange.look(older)

    def check(self, *, fix: bool) -> VenueChecked:
        self.checks += 1
        crashes: list[ActorCrashed] = []

        def notice(told: Notice) -> None:
            if isinstance(told, ActorCrashed):
                crashes.append(told)

        calls, _ = connect(self.config)
        store, spool = SqlStore(f"sqlite:///{self.directory / 'house.db'}", "main"), Spool(self.directory / "spool")
        journal = Journal(store, spool)
        system = ActorSystem(runtime=ThreadRuntime())
        system.subscribe(notice)
        house = CheckHouse(
            journal=journal,
            owner_epoch=journal.take_ownership(f"check {self.checks}"),
            venues=[CheckedVenue(calls=calls)],
            policies=PositionPolicies(),
        )
        try:
            system.start(house.root(system))
            answer = system.ref(addresses.check(self.venue)).ask(CheckVenue(fix=fix), timeout_s=CHECK_S)
        finally:
            system.shutdown()
            calls.close()
            spool.close()
            store.close()
        assert crashes == []
        assert isinstance(answer, VenueChecked)
        return answer


@contextmanager
def served(venue: str, directory: Path, *rules: FaultRule) -> Iterator[Served]:
    errors: list[BaseException] = []
    clock, near = SchedulerThread(on_error=errors.append), Delay(min_ms=1, max_ms=1)
    symbols = (*SYMBOLS, FLAT)
    units = {"venue": Venue(venue), **CONTRACTS.get(venue, {})}
    exchange = PaperExchange(
        instruments=[an_instrument(symbol, **units) for symbol in symbols],
        feed=StillFeed(symbols=symbols),
        scheduler=clock,
        clock=clock,
        faults=FaultScript(rules=rules),
        config=PaperConfig(
            exchange=ExchangeConfig(
                venue=Venue(venue), profile=PROFILES[venue], slippage=Slippage(half_spread_ticks=0)
            ),
            request_delay=near,
            answer_delay=near,
        ),
    )
    server = WireServer(WIRES[venue](exchange), exchange)
    clock.start()
    exchange.start()
    server.start()
    config = VenueConfig(
        venue=Venue(venue),
        api_key=KEYS.api_key,
        api_secret=KEYS.api_secret,
        api_passphrase=KEYS.api_passphrase,
        rest_url=server.rest_url,
        ws_url=server.ws_url,
    )
    try:
        yield Served(
            exchange=exchange,
            price=Decimal(1_000),
            size=SIZES.get(venue, Decimal("0.04")),
            venue=Venue(venue),
            config=config,
            directory=directory,
        )
    finally:
        server.stop()
        exchange.stop()
        clock.stop()
    assert errors == []


@pytest.mark.parametrize("venue", list(WIRES))
def test_of_twenty_positions_those_that_miss_something_are_mended_and_no_other_order_is_touched(
    venue: str, tmp_path: Path
) -> None:
    with served(venue, tmp_path) as account:
        wrong = account.twenty_positions()
        account.age()
        before = account.orders()

        looked = account.check(fix=False)
        assert looked.positions == 20
        assert {(item.symbol, item.what) for item in looked.findings} == wrong
        assert account.orders() == before, "without --fix it only looks"

        mended = account.check(fix=True)
        assert {(item.symbol, item.what) for item in mended.findings} >= wrong
        assert [item for item in mended.findings if not item.fixed] == []
        after = account.orders()
        symbols = {symbol for symbol, _ in wrong}
        assert {order.symbol for key, order in after.items() if before.get(key) != order} <= symbols
        assert {order.symbol for key, order in before.items() if key not in after} <= symbols
        fine = set(SYMBOLS) - symbols
        assert [order for order in before.values() if order.symbol in fine] == [
            order for order in after.values() if order.symbol in fine
        ]

        again = account.check(fix=True)
        assert (again.findings, again.sent) == ((), 0)
        assert account.orders() == after
        assert len(account.report().positions) == 20
        ledger = account.exchange.ledger_snapshot()
        assert (ledger["accepted_twice"], ledger["positions_uncovered_now"], ledger["zombie_orders_now"]) == (0, 0, 0)


@pytest.mark.parametrize("venue", list(WIRES))
def test_a_stop_of_somebody_else_that_does_not_protect_stays_where_another_may_rest_beside_it(
    venue: str, tmp_path: Path
) -> None:
    with served(venue, tmp_path) as account:
        wrong = account.stops_of_somebody_else()
        account.age()
        before = account.orders()
        mended = {(item.symbol, item.what): item for item in account.check(fix=True).findings}
        assert set(mended) == wrong
        after = account.orders()
        if PROFILES[venue].capabilities.two_stops:
            left = {key for key, item in mended.items() if not item.fixed}
            assert left == {(BEYOND, "stop_beyond_liquidation"), (WRONG_SIDE, "stop_wrong_side")}
            assert {key: after.get(key) for key in before} == before
        else:
            left = set()
            assert all(item.fixed and "no stop beside it" in item.text for item in mended.values())
        again = account.check(fix=True)
        assert {(item.symbol, item.what) for item in again.findings} == left
        assert (again.sent, account.orders()) == (0, after)
        assert account.exchange.ledger_snapshot()["positions_uncovered_now"] == 0


def test_an_error_for_one_symbol_s_history_does_not_keep_the_others_from_being_checked(tmp_path: Path) -> None:
    """Bitget answers 40034 where the history of a symbol cannot be told: the check asks for no history."""
    broken = FaultRule(
        action=FaultAction.REJECT,
        requests=(RequestType.FILLS,),
        symbols=SYMBOLS[:1],
        reason=RejectReason.OTHER,
        text="40034 parameter does not exist",
    )
    with served("bitget", tmp_path, broken) as account:
        account.position(SYMBOLS[0], stop="")
        account.position(SYMBOLS[1], stop="")
        checked = account.check(fix=True)
        assert [(item.symbol, item.what, item.fixed) for item in checked.findings] == [
            (SYMBOLS[0], "no_stop", True),
            (SYMBOLS[1], "no_stop", True),
        ]
