"""The whole house, alive on threads, against a running venue: what a user starts, with a store of its own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from actors.desk import Untracked
from actors.house import House, HouseParts, VenueParts
from actors.kernel import ActorCrashed, ActorSystem, Notice, ThreadRuntime
from actors.risk import RiskPolicy
from adapters.simulator.paper_streams import PaperStreams
from messages.journal import EventRecord
from messages.orders import OrderReport
from messages.supervision import RawSignal
from messages.values import OrderKind
from persistence.journal import Journal
from persistence.spool import Spool
from persistence.store import SqlStore
from rules.limits import Limits
from rules.position_case import PositionPolicies
from rules.sizing import SizingPolicy
from rules.trailing import TrailingPolicy
from tests.contract.battery import Listening, Trio
from tests.simulator.builders import BTC, ETH

SIZE_USD = Decimal(400)
START_S = 10.0
LONG_S = 15.0
PROFITS = 2


class Signals:
    """A feed that gives what a test put in."""

    def __init__(self) -> None:
        self._waiting: list[RawSignal] = []

    def add(self, side: str, now_ms: int) -> None:
        timestamp = datetime.fromtimestamp(now_ms // 1_000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        raw = {"id": f"signal-{now_ms}", "timestamp": timestamp, "symbol": BTC, "side": side}
        self._waiting.append(RawSignal(raw=raw | {"score_week": 80, "score_month": 70}, origin="test"))

    def due(self, now_ms: int) -> Sequence[RawSignal]:
        ready, self._waiting = self._waiting, []
        return ready

    def next_ms(self, now_ms: int) -> int | None:
        return now_ms + 50

    def rewind(self) -> None:
        """What was given stays given."""


@dataclass
class LivingHouse:
    """A running house, and a witness at the exchange itself, who hears of every change there."""

    trio: Trio
    system: ActorSystem
    signals: Signals
    witness: Listening
    crashes: list[ActorCrashed] = field(default_factory=list)
    events: list[EventRecord] = field(default_factory=list)

    def write(self, event: EventRecord, repeats: int) -> None:
        with self.witness.changed:
            self.events.append(event)
            self.witness.changed.notify_all()

    def notice(self, notice: Notice) -> None:
        if isinstance(notice, ActorCrashed):
            self.crashes.append(notice)

    def signal(self, side: str = "BUY") -> None:
        self.signals.add(side, self.trio.exchange.clock.now_ms())

    def orders(self, kind: OrderKind) -> list[OrderReport]:
        """What rests at the exchange."""
        report = self.trio.exchange.look(lambda engine: engine.account(BTC, taken_ms=0))
        return [order for order in report.orders if order.kind is kind]

    def stop_levels(self) -> list[Decimal | None]:
        return [order.trigger_price for order in self.orders(OrderKind.STOP_MARKET)]

    def quantity(self) -> Decimal:
        """Of the position at the exchange."""
        report = self.trio.exchange.look(lambda engine: engine.account(BTC, taken_ms=0))
        return sum((position.quantity for position in report.positions), Decimal(0))


@contextmanager
def living_house(
    trio: Trio, directory: Path, *, hedge_mode: bool = False, canary: bool = False
) -> Iterator[LivingHouse]:
    """Started, and at the end stopped in order; no actor may have crashed."""
    witness, watching = Listening(), PaperStreams(trio.exchange)
    system, signals = ActorSystem(runtime=ThreadRuntime()), Signals()
    house = LivingHouse(trio=trio, system=system, signals=signals, witness=witness)
    store, spool = SqlStore(f"sqlite:///{directory / 'house.db'}", "main"), Spool(directory / "spool")
    journal = Journal(store, spool)
    system.subscribe(house.notice)
    parts = HouseParts(
        journal=journal,
        owner_epoch=journal.take_ownership("test"),
        venues=[
            VenueParts(calls=trio.calls, streams=trio.streams, symbols=(BTC, ETH), hedge_mode=hedge_mode, canary=canary)
        ],
        sink=house,
        feed=signals,
        policies=PositionPolicies(trailing=TrailingPolicy(min_update_interval_s=0)),
        sizing=SizingPolicy(position_size_usd=SIZE_USD),
        risk=RiskPolicy(limits=Limits(), size_usd=SIZE_USD, leverage=3),
        max_signal_age_s=1_200,
        sync_every_s=120,
        untracked=Untracked.ADOPT,
        stale_after_s=60.0,
    )
    watching.watch([BTC])
    watching.start(witness)
    try:
        system.start(House(system, parts).root(), timeout_s=START_S)
        yield house
    finally:
        system.shutdown([])
        watching.stop()
        spool.close()
        store.close()
    assert house.crashes == []


def opens_and_closes_whatever_goes_wrong(trio: Trio, directory: Path, *, hedge_mode: bool = False) -> None:
    """A signal becomes a position with one stop for its size; the stop closes it, and nothing is left behind."""
    with living_house(trio, directory, hedge_mode=hedge_mode) as house:
        size = SIZE_USD / 1000 * trio.lot
        house.signal()
        covers = ([None], [size])
        house.witness.until(
            lambda: (
                house.quantity() == size
                and [stop.quantity for stop in house.orders(OrderKind.STOP_MARKET)] in covers
                and len(house.orders(OrderKind.TAKE_PROFIT_MARKET)) == PROFITS
            ),
            timeout_s=LONG_S,
        )
        trio.move(975)
        house.witness.until(lambda: house.quantity() == 0)
        house.witness.until(lambda: trio.exchange.look(lambda engine: not [*engine.state.orders.all_working()]))
    assert trio.exchange.ledger_snapshot()["duplicate_orders"] == 0
