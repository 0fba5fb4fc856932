"""A whole world in virtual time: the real actors over the simulated exchange and a real store, which may be killed.

``World`` is what survives the death of the process: time, the exchange, the store. ``World.process`` is what dies.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from sqlalchemy import select

from actors.auditors import AuditPolicy
from actors.desk import Untracked
from actors.house import House, HouseParts, VenueParts
from actors.kernel import ActorCrashed, ActorSystem, Conservation, Notice, ProcessKilled, VirtualRuntime, VirtualTime
from actors.risk import RiskPolicy
from actors.signals import WavePolicy
from adapters.candle_file import CandleFiles
from adapters.simulator.fault_script import NO_FAULTS, FaultScript
from adapters.simulator.feed import PricePoint
from adapters.simulator.paper import PaperExchange
from adapters.simulator.paper_calls import PaperCalls
from adapters.simulator.paper_clients import Carrier
from adapters.simulator.paper_config import Delay, PaperConfig
from adapters.simulator.paper_streams import PaperStreams
from adapters.simulator.profiles import PAPER, PROFILES, Profile
from adapters.simulator.state import ExchangeConfig
from messages.instruments import Instrument
from messages.journal import EventRecord
from messages.supervision import RawSignal
from messages.values import Price, Symbol, Venue
from messages.venue import AccountReport, FetchAccount
from persistence.engines import Patience
from persistence.failures import StoreUnavailable
from persistence.journal import Journal
from persistence.spool import Spool
from persistence.store import SqlStore
from persistence.tables import signals_log
from rules.guard import GuardPolicy
from rules.limits import Limits
from rules.position_case import PositionPolicies
from rules.sizing import SizingPolicy
from tests.scenarios.wire.link import TameStreams, WireLink, WireProfile, dialect_of
from tests.scenarios.wire.names import NAMES_OF_FILLS
from tests.scenarios.wire.spoiling import Spoiler

QUICK = Patience(lock_ms=5, flushes=False)
"""No waiting for locks and disks: that is real time, and virtual time stands still meanwhile. Power is never cut."""
START_MS = 1_641_000_000_000
BTC = Symbol("BTCUSDT")
PAPER_VENUE = Venue("paper")


def an_instrument(symbol: Symbol = BTC, **changes: object) -> Instrument:
    values: dict[str, object] = {
        "venue": PAPER_VENUE,
        "symbol": symbol,
        "price_tick": Decimal(1),
        "quantity_step": Decimal("0.001"),
        "min_quantity": Decimal("0.001"),
        "min_notional": Decimal(5),
    }
    return Instrument(**(values | changes))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class OtherClock:
    """A clock that is ``ahead_ms`` ahead."""

    time: VirtualTime
    ahead_ms: int

    def now_ms(self) -> int:
        """UTC in milliseconds."""
        return self.time.now_ms() + self.ahead_ms


class ScriptedMarket:
    """A price a second, as the test sets it: ``prices[symbol]`` is what the next seconds show."""

    def __init__(self, prices: Mapping[Symbol, Price]) -> None:
        self.prices = dict(prices)

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        return tuple(self.prices)

    def opening(self, at_ms: int) -> Sequence[PricePoint]:
        return [PricePoint(at_ms, symbol, price, None, True) for symbol, price in self.prices.items()]

    def stream(self, after_ms: int, *, step_ms: int | None = None) -> Iterator[PricePoint]:
        at_ms = after_ms - after_ms % 1_000
        while True:
            at_ms += step_ms or 1_000
            for symbol in tuple(self.prices):
                yield PricePoint(at_ms, symbol, self.prices[symbol], None, False)


class _SignalQueue:
    """A feed that outlives the process: after a restart it gives everything again, as a file would."""

    def __init__(self) -> None:
        self.signals: list[tuple[int, dict[str, object]]] = []
        self.given = 0

    def due(self, now_ms: int) -> Sequence[RawSignal]:
        ready = [raw for at_ms, raw in self.signals[self.given :] if at_ms <= now_ms]
        self.given += len(ready)
        return [RawSignal(raw=raw, origin="test") for raw in ready]

    def next_ms(self, now_ms: int) -> int | None:
        following = [at_ms for at_ms, _ in self.signals[self.given :]]
        return following[0] if following else now_ms + 1_000

    def rewind(self) -> None:
        self.given = 0


class AskedQueue(_SignalQueue):
    """A server's: it gives all that it has, each time that it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self._answers = False

    def ask(self) -> None:
        self.asked += 1
        self._answers = True

    def due(self, now_ms: int) -> Sequence[RawSignal]:
        if not self._answers:
            return []
        self._answers = False
        self.rewind()
        return super().due(now_ms)

    def next_ms(self, now_ms: int) -> int | None:
        return now_ms + 1_000


@dataclass(slots=True)
class Process:
    """One life of Holdfast: what a kill -9 ends."""

    system: ActorSystem
    journal: Journal
    calls: PaperCalls
    streams: PaperStreams | TameStreams
    link: WireLink | None = None


@dataclass
class World:
    """Time, an exchange and a store, and at most one process among them."""

    profile: Profile = PAPER
    prices: Mapping[Symbol, Price] = field(default_factory=lambda: {BTC: Decimal(42_000)})
    faults: FaultScript = NO_FAULTS
    seed: int = 1
    policies: PositionPolicies = field(default_factory=PositionPolicies)
    limits: Limits = field(default_factory=Limits)
    size_usd: Decimal = Decimal(420)
    scaling: bool = True
    untracked: Untracked = Untracked.ADOPT
    audit: AuditPolicy = field(default_factory=AuditPolicy)
    guard: GuardPolicy = field(default_factory=GuardPolicy)
    directory: Path | None = None
    store_url: str = "sqlite://"
    instruments: Sequence[Instrument] | None = None
    config: PaperConfig | None = None
    boundary: Callable[[str], None] | None = None
    connect: Callable[[Carrier], PaperCalls] = PaperCalls
    hedge: bool = False
    spoiler: Spoiler | None = None
    in_waves: bool = False
    waves: WavePolicy = field(default_factory=WavePolicy)
    canary: bool = False
    venue_ahead_ms: int = 0
    watched: Sequence[Symbol] | None = None

    def __post_init__(self) -> None:
        self.time = VirtualTime(start_ms=START_MS, seed=self.seed)
        self.market = ScriptedMarket(self.prices)
        self.signals = AskedQueue() if self.in_waves else _SignalQueue()
        self.events: list[EventRecord] = []
        self.crashes: list[ActorCrashed] = []
        self.notices: list[Notice] = []
        self.process: Process | None = None
        self.house: House | None = None
        self.boundaries: list[str] = []
        self.kill_at: int | None = None
        self.data = self.directory or Path(tempfile.mkdtemp(prefix="holdfast-world-"))
        if self.directory is None:
            weakref.finalize(self, shutil.rmtree, self.data, ignore_errors=True)
        self.store = self._new_store()
        self.exchange = PaperExchange(
            instruments=[
                replace(each, venue=self.venue)
                for each in self.instruments or [an_instrument(symbol) for symbol in self.prices]
            ],
            feed=self.market,
            scheduler=self.time,
            clock=OtherClock(self.time, self.venue_ahead_ms),
            config=self._for_the_venue(self.config or self._config()),
            faults=self.faults,
            on_boundary=self._boundary,
        )
        self.exchange.start()
        self.dialect = dialect_of(self.exchange) if isinstance(self.profile, WireProfile) else None

    @property
    def venue(self) -> Venue:
        """What the process calls its venue."""
        return Venue(self.profile.name) if isinstance(self.profile, WireProfile) else PAPER_VENUE

    @property
    def name_of_fill(self) -> Callable[[str], str]:
        """How the venue names a fill of the exchange."""
        return NAMES_OF_FILLS.get(self.venue, str)

    def _for_the_venue(self, config: PaperConfig) -> PaperConfig:
        profile = PROFILES[self.venue] if isinstance(self.profile, WireProfile) else config.exchange.profile
        return replace(config, exchange=replace(config.exchange, venue=self.venue, profile=profile))

    def _config(self) -> PaperConfig:
        near = Delay(min_ms=5, max_ms=20)
        return PaperConfig(
            exchange=ExchangeConfig(venue=PAPER_VENUE, profile=self.profile, hedge=self.hedge),
            request_delay=near,
            answer_delay=near,
            event_delay=near,
            seed=self.seed,
        )

    # --- life and death -----------------------------------------------------------------------------------------------

    def start(self, *, beside: bool = False) -> Process:
        """Start a process, the first or the next; what is on record and on the venue is found again.

        ``beside`` leaves the one before alive: another host, with a data directory of its own.
        """
        if self.store_url != "sqlite://":
            if not beside:
                self.store.close()
            self.store = self._new_store()
        spool = Spool(self.data / ("spool of another host" if beside else "spool"))
        # Its file may be in use by a process that is killed, which closes nothing; it goes with the world.
        weakref.finalize(self, spool.close)
        journal = Journal(self.store, spool)
        system = ActorSystem(runtime=VirtualRuntime(self.time))
        process = self.process = self._connected(system, journal)
        owner_epoch = self._own(journal)
        system.subscribe(self._notice)
        self.house = House(
            system,
            HouseParts(
                journal=journal,
                owner_epoch=owner_epoch,
                venues=[
                    VenueParts(
                        calls=process.calls,
                        streams=process.streams,
                        symbols=self.market.symbols if self.watched is None else tuple(self.watched),
                        hedge_mode=self.hedge,
                        canary=self.canary,
                    )
                ],
                sink=self,
                feed=self.signals,
                policies=self.policies,
                sizing=SizingPolicy(),
                risk=RiskPolicy(limits=self.limits, size_usd=self.size_usd, leverage=3, scaling=self.scaling),
                max_signal_age_s=1_200,
                sync_every_s=120,
                untracked=self.untracked,
                audit=self.audit,
                guard=self.guard,
                waves=self.waves,
                candles=CandleFiles(self.data),
            ),
        )
        system.start(self.house.root())
        return self.process

    def _connected(self, system: ActorSystem, journal: Journal) -> Process:
        """A process with its way to the venue: the exchange itself, or the venue's dialect over sockets."""
        if self.dialect is None:
            return Process(system, journal, self.connect(self.exchange), PaperStreams(self.exchange))
        link = WireLink(self.exchange, self.dialect, self.time, seed=self.seed, spoiler=self.spoiler)
        return Process(system, journal, self.connect(link), link.streams, link)

    def _own(self, journal: Journal) -> int:
        """As the supervisor does: a store that is out of reach is no reason to leave positions alone."""
        name = f"process at {self.time.now_ms()}"
        try:
            return journal.take_ownership(name)
        except StoreUnavailable:
            return journal.assume_ownership(name)

    def _new_store(self) -> SqlStore:
        return SqlStore(self.store_url, "main", boundary=self._boundary, patience=QUICK, now_ms=self.time.now_ms)

    def kill(self) -> None:
        """kill -9: nothing of the process does anything any more; requests under way still reach the exchange."""
        process, self.process = self.process, None
        if process is not None:
            process.calls.abandon()
            process.system.kill()
            if isinstance(process.streams, PaperStreams):
                self.exchange.unsubscribe(process.streams)
            if process.link is not None:
                process.link.end()

    @property
    def doomed(self) -> bool:
        """Whether a kill is still to come."""
        return self.kill_at is not None

    def _boundary(self, name: str) -> None:
        """Every commit, request and event of the process passes here; at ``kill_at`` it dies."""
        if self.boundary is not None:
            self.boundary(name)
        if self.process is None:
            return
        self.boundaries.append(name)
        if self.kill_at is not None and len(self.boundaries) >= self.kill_at:
            self.kill_at = None
            self.kill()
            raise ProcessKilled(name)

    def run_for(self, seconds: float) -> None:
        """Let time pass; a kill on the way ends the process, not the time."""
        until_ms = self.time.now_ms() + int(seconds * 1_000)
        while self.time.now_ms() < until_ms:
            try:
                self.time.run_until(until_ms)
            except ProcessKilled:
                continue

    # --- what happens -------------------------------------------------------------------------------------------------

    def signal(self, symbol: Symbol = BTC, side: str = "BUY", **fields: object) -> None:
        """A signal, now."""
        now_ms = self.time.now_ms()
        timestamp = datetime.fromtimestamp(now_ms // 1_000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        raw: dict[str, object] = {
            "id": f"{symbol}-{side}-{now_ms}-{len(self.signals.signals)}",
            "timestamp": timestamp,
            "symbol": symbol,
            "side": side,
            "score_week": 80,
            "score_month": 70,
        }
        self.signals.signals.append((now_ms, raw | fields))

    def price(self, price: Decimal | int, symbol: Symbol = BTC) -> None:
        """Let the next price points of ``symbol`` be ``price``."""
        self.market.prices[symbol] = Decimal(price)

    def write(self, event: EventRecord, repeats: int) -> None:
        """The alert sink: what people would be told."""
        self.events.append(event)

    def _notice(self, notice: Notice) -> None:
        self.notices.append(notice)
        if isinstance(notice, ActorCrashed):
            self.crashes.append(notice)

    # --- what is ------------------------------------------------------------------------------------------------------

    def account(self) -> AccountReport:
        """The venue's own view, at this instant."""
        answer = self.exchange.by_hand(FetchAccount())
        assert isinstance(answer, AccountReport)
        return answer

    def kinds(self) -> list[str]:
        """The kinds of all events so far."""
        return [event.kind for event in self.events]

    def fates(self) -> dict[str, str]:
        """The verdict on each signal, from the record."""
        with self.store.reading() as connection:
            rows = connection.execute(select(signals_log.c.signal_id, signals_log.c.verdict))
            return {row.signal_id: row.verdict for row in rows}

    def ledger(self) -> Mapping[str, object]:
        """The venue's book on us."""
        return dict(self.exchange.ledger_snapshot())

    def conservation(self) -> Conservation:
        """Of the living process."""
        assert self.process is not None
        return self.process.system.conservation()
