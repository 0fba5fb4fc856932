"""The tree of actors: who lives where, under which policy.

The root and the exchanges are one_for_one groups: every actor keeps its mailbox through a restart, whoever depends on
another one watches it and asks again, and decisions carry their id. To restart the neighbours of a crashed actor would
only add reads of the venue at the worst moment.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from actors import addresses
from actors.account import AccountActor
from actors.alert import AlertActor, AlertSink
from actors.alert_outbox import AlertOutbox
from actors.auditors import Auditors, AuditPolicy
from actors.canary import CanaryActor
from actors.desk import DeskActor, Untracked
from actors.execution import ExecutionActor
from actors.fitness import FitnessActor
from actors.journal import JournalActor, Owed
from actors.kernel import Actor, ActorSystem, ChildSpec, Dispatcher, GroupSpec, Intensity, Ref
from actors.market import MarketActor
from actors.monitors.connections import ConnectionMonitor
from actors.monitors.guard import GuardMonitor
from actors.monitors.regime import RegimeMonitor
from actors.plan_orders import CountedCalls
from actors.policies import guard_policy, position_policies, sizing_policy
from actors.ports import AccountLook, CandleKeeper, JournalPort, VenueCalls, VenueStreams
from actors.position import PositionActor
from actors.position_opening import PositionSurroundings
from actors.private_stream import StreamActor
from actors.risk import RiskActor, RiskPolicy
from actors.risk_memory import RiskMemory
from actors.signal_source import SignalFeed, SignalSourceActor
from actors.signals import SignalActor, WavePolicy
from actors.venue_clock import VenueClock
from actors.wave_source import WaveFeed, WaveSourceActor
from messages.candles import CandleHistory
from messages.instruments import Instrument
from messages.settings import Settings
from messages.signals import Signal
from messages.supervision import SettingsChanged
from messages.values import PositionKey, Symbol, Venue
from rules.guard import GuardPolicy
from rules.position_case import PositionPolicies
from rules.sizing import SizingPolicy

JOURNAL_HANG_S = 120.0
ALERT_HANG_S = 30.0
HANG_S = 3.0
"""What shares a few threads answers in microseconds; one that is not back after this is replaced."""
POSITION_RESTARTS = 10
"""More crashes of one position within a minute park it; its stop rests at the venue, and the auditor looks after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueParts:
    """One venue's connection, and the symbols whose prices are watched.

    Attributes:
        hedge_mode: Whether the account there may hold both sides of a symbol at once.
        canary: Whether opening waits for the proof that stops can be placed there.
        unreached: Why the account could not be checked at the start; empty when it could.
        look: Checks the account, where it has to be checked later.
    """

    calls: VenueCalls
    streams: VenueStreams
    symbols: tuple[Symbol, ...]
    hedge_mode: bool = False
    canary: bool = False
    unreached: str = ""
    look: AccountLook | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseParts:
    """Everything from outside that the actors are built on, and every policy.

    Attributes:
        max_signal_age_s: A signal older than this is refused as late.
        sync_every_s: How often each account is read in whole (S14).
        stale_after_s: How long prices may stay away before they are asked for; ``None`` in a replay of candles.
        left_out: Venues of the settings that this run cannot use, and why.
        candles: Where candles outlive the process; ``None`` in a replay.
    """

    journal: JournalPort
    owner_epoch: int
    venues: Sequence[VenueParts]
    sink: AlertSink
    feed: SignalFeed | None
    policies: PositionPolicies
    sizing: SizingPolicy
    risk: RiskPolicy
    max_signal_age_s: float
    sync_every_s: float
    untracked: Untracked
    stale_after_s: float | None = 4.0
    left_out: Mapping[Venue, str] = field(default_factory=dict)
    waves: WavePolicy = field(default_factory=WavePolicy)
    audit: AuditPolicy = field(default_factory=AuditPolicy)
    guard: GuardPolicy = field(default_factory=GuardPolicy)
    candles: CandleKeeper | None = None


class House:
    """Builds the tree for one actor system."""

    def __init__(self, system: ActorSystem, parts: HouseParts) -> None:
        self._system = system
        self._parts = parts
        self._counted = {venue.calls.venue: CountedCalls(venue.calls) for venue in parts.venues}
        self._clocks = {venue.calls.venue: VenueClock() for venue in parts.venues}

    def root(self) -> GroupSpec:
        """The whole tree, in the order in which it starts."""
        parts = self._parts
        # What outlives the actors that use it.
        outbox, memory = AlertOutbox(), RiskMemory()
        owed: Owed = {}
        in_hand: dict[str, Signal] = {}
        feed = parts.feed
        risk = _spared("risk", lambda: self._risk(memory))
        intake: list[ChildSpec] = [risk, _spared("signal/wave", lambda: self._signals(in_hand))]
        if feed is not None:
            intake.append(_spared(addresses.SOURCE, lambda: self._source(feed)))
        return GroupSpec(
            name="holdfast",
            children=[
                ChildSpec(
                    name="alert",
                    factory=lambda: AlertActor(sink=parts.sink, outbox=outbox),
                    dispatcher=Dispatcher.PINNED,
                    hang_timeout_s=ALERT_HANG_S,
                    on_exhausted="park",
                ),
                ChildSpec(
                    name="journal",
                    factory=lambda: self._journal(owed),
                    dispatcher=Dispatcher.PINNED,
                    hang_timeout_s=JOURNAL_HANG_S,
                ),
                _spared(addresses.CONNECTIONS, self._connections),
                *(self._exchange(venue) for venue in parts.venues),
                *(GroupSpec(name=addresses.positions(venue.calls.venue)) for venue in parts.venues),
                *(auditor for venue in parts.venues for auditor in self._auditors(venue)),
                *(self._regime(venue.calls.venue) for venue in parts.venues),
                *(self._guard(venue.calls.venue) for venue in parts.venues),
                *intake,
            ],
        )

    def change(self, settings: Settings) -> None:
        """Have ``settings`` count from now on, as far as they can while everything lives."""
        self._parts = replace(
            self._parts,
            policies=position_policies(settings),
            sizing=sizing_policy(settings),
            risk=RiskPolicy.of(settings),
            waves=WavePolicy.of(settings),
            guard=guard_policy(settings),
        )
        takers = ["risk", "signal/wave", addresses.SOURCE]
        takers += [addresses.guard(venue.calls.venue) for venue in self._parts.venues]
        takers += [path for path in self._system.paths() if path.startswith(f"{addresses.POSITIONS}/")]
        for path in takers:
            taker = self._system.find(path)
            if taker is not None:
                taker.tell(SettingsChanged(settings=settings))

    # --- actors -------------------------------------------------------------------------------------------------------

    def _ref(self, path: str) -> Ref:
        return self._system.ref(path)

    def _part(self, venue: Venue, part: str) -> Ref:
        return self._ref(addresses.exchange(venue, part))

    def _journal(self, owed: Owed) -> Actor:
        return JournalActor(
            journal=self._parts.journal, directory=self._system.find, alert_path="alert", risk_path="risk", owed=owed
        )

    def _exchange(self, parts: VenueParts) -> GroupSpec:
        venue, symbols = parts.calls.venue, list(parts.symbols)
        return GroupSpec(
            name=f"exchange/{venue}",
            children=[
                _pooled("execution", lambda: self._execution(parts)),
                _pooled("desk", lambda: self._desk(parts)),
                _pooled("market", lambda: self._market(venue)),
                _pooled("account", lambda: self._account(venue)),
                _pinned("stream", lambda: self._stream(parts, symbols)),
                *([_pooled("canary", lambda: self._canary(parts))] if parts.canary else []),
                *self._fitness(parts),
            ],
        )

    def _execution(self, parts: VenueParts) -> Actor:
        return ExecutionActor(
            calls=self._counted[parts.calls.venue],
            journal=self._ref(addresses.JOURNAL),
            directory=self._system.find,
            owner_epoch=self._parts.owner_epoch,
        )

    def _desk(self, parts: VenueParts) -> Actor:
        venue = parts.calls.venue
        return DeskActor(
            venue=venue,
            journal=self._ref(addresses.JOURNAL),
            risk=self._ref("risk"),
            account_path=addresses.exchange(venue, "account"),
            market_path=addresses.exchange(venue, "market"),
            find=self._system.find,
            spawn=lambda key, instrument, desk: self._spawn_position(parts, key, instrument, desk),
            untracked=self._parts.untracked,
            hedge_mode=parts.hedge_mode,
            owner_epoch=self._parts.owner_epoch,
        )

    def _spawn_position(self, parts: VenueParts, key: PositionKey, instrument: Instrument, desk: Ref) -> Ref:
        """The actor of ``key``: the one that is there already after a restart of the desk, else a new one."""
        living = self._system.find(addresses.position(key))
        if living is not None:
            return living
        venue = parts.calls.venue
        spec = ChildSpec(
            name=addresses.position_name(key),
            factory=lambda: PositionActor(key=key, instrument=instrument, around=self._around(parts, desk)),
            on_exhausted="park",
            hang_timeout_s=HANG_S,
            intensity=Intensity(max_restarts=POSITION_RESTARTS, within_s=60.0),
        )
        return self._system.spawn(addresses.positions(venue), spec)

    def _around(self, parts: VenueParts, desk: Ref) -> PositionSurroundings:
        venue = parts.calls.venue
        return PositionSurroundings(
            journal=self._ref(addresses.JOURNAL),
            execution=self._part(venue, "execution"),
            market=self._part(venue, "market"),
            risk=self._ref("risk"),
            desk=desk,
            capabilities=parts.calls.capabilities,
            clock=self._clocks[venue],
            policies=self._parts.policies,
            sizing=self._parts.sizing,
            owner_epoch=self._parts.owner_epoch,
        )

    def _positions(self, venue: Venue) -> GroupSpec:
        """The positions of a venue. One that cannot live is parked long before the group would take the others down."""
        return GroupSpec(
            name=addresses.positions(venue).strip("/"),
            intensity=Intensity(max_restarts=5 * POSITION_RESTARTS, within_s=60.0),
        )

    def _market(self, venue: Venue) -> Actor:
        return MarketActor(
            directory=self._system.find,
            stream_path=addresses.exchange(venue, "stream"),
            account_path=addresses.exchange(venue, "account"),
            regime_path=addresses.regime(venue),
            stale_after_s=self._parts.stale_after_s,
        )

    def _account(self, venue: Venue) -> Actor:
        return AccountActor(
            venue=venue,
            execution=self._part(venue, "execution"),
            desk=self._part(venue, "desk"),
            risk=self._ref("risk"),
            connections=self._ref(addresses.CONNECTIONS),
            clock=self._clocks[venue],
            every_s=self._parts.sync_every_s,
        )

    def _stream(self, parts: VenueParts, symbols: list[Symbol]) -> Actor:
        venue = parts.calls.venue
        return StreamActor(
            venue=venue,
            streams=parts.streams,
            market=self._part(venue, "market"),
            desk=self._part(venue, "desk"),
            connections=self._ref(addresses.CONNECTIONS),
            symbols=symbols,
        )

    def _canary(self, parts: VenueParts) -> Actor:
        venue = parts.calls.venue
        return CanaryActor(
            venue=venue,
            capabilities=parts.calls.capabilities,
            execution=self._part(venue, "execution"),
            market=self._part(venue, "market"),
            journal=self._ref(addresses.JOURNAL),
            risk=self._ref("risk"),
            hedge_mode=parts.hedge_mode,
            owner_epoch=self._parts.owner_epoch,
        )

    def _fitness(self, parts: VenueParts) -> list[ChildSpec]:
        look = parts.look
        if look is None:
            return []
        fitness = _spared(
            "fitness",
            lambda: FitnessActor(
                venue=parts.calls.venue,
                look=look,
                unreached=parts.unreached,
                risk=self._ref("risk"),
                journal=self._ref(addresses.JOURNAL),
                owner_epoch=self._parts.owner_epoch,
            ),
        )
        return [fitness]

    def _connections(self) -> Actor:
        return ConnectionMonitor(journal=self._ref(addresses.JOURNAL), owner_epoch=self._parts.owner_epoch)

    def _auditors(self, parts: VenueParts) -> list[ChildSpec]:
        venue = parts.calls.venue
        auditors = Auditors(
            system=self._system,
            calls=self._counted[venue],
            clock=self._clocks[venue],
            policies=self._parts.policies,
            audit=self._parts.audit,
            hedge_mode=parts.hedge_mode,
            owner_epoch=self._parts.owner_epoch,
        )
        return [
            _spared(f"monitor/protection/{venue}", auditors.protection),
            _spared(addresses.zombies(venue), auditors.zombies),
            _spared(addresses.check(venue), auditors.check),
        ]

    def _regime(self, venue: Venue) -> ChildSpec:
        keeper = self._parts.candles
        histories: dict[Symbol, CandleHistory] = dict(keeper.load(venue)) if keeper is not None else {}
        return _spared(
            addresses.regime(venue),
            lambda: RegimeMonitor(
                venue=venue,
                risk=self._ref("risk"),
                guard=self._ref(addresses.guard(venue)),
                journal=self._ref(addresses.JOURNAL),
                histories=histories,
                keeper=keeper,
                owner_epoch=self._parts.owner_epoch,
            ),
        )

    def _guard(self, venue: Venue) -> ChildSpec:
        return _spared(
            addresses.guard(venue),
            lambda: GuardMonitor(
                venue=venue, policy=self._parts.guard, directory=self._system.find, paths=self._system.paths
            ),
        )

    def _risk(self, memory: RiskMemory) -> Actor:
        venues = [parts.calls.venue for parts in self._parts.venues]
        return RiskActor(
            journal=self._ref(addresses.JOURNAL),
            signals=self._ref("signal/wave"),
            desks={venue: self._part(venue, "desk") for venue in venues},
            hedged=frozenset(parts.calls.venue for parts in self._parts.venues if parts.hedge_mode),
            left_out=self._parts.left_out,
            on_trial=frozenset(parts.calls.venue for parts in self._parts.venues if parts.canary),
            policy=self._parts.risk,
            memory=memory,
            owner_epoch=self._parts.owner_epoch,
        )

    def _source(self, feed: SignalFeed) -> Actor:
        signals = self._ref("signal/wave")
        if isinstance(feed, WaveFeed):
            connections = self._ref(addresses.CONNECTIONS)
            return WaveSourceActor(feed=feed, signals=signals, connections=connections, times=self._parts.waves.times)
        return SignalSourceActor(feed=feed, signals=signals)

    def _signals(self, in_hand: dict[str, Signal]) -> Actor:
        venues = [parts.calls.venue for parts in self._parts.venues]
        return SignalActor(
            journal=self._ref(addresses.JOURNAL),
            risk=self._ref("risk"),
            desks={venue: self._part(venue, "desk") for venue in venues},
            venues=(*venues, *self._parts.left_out),
            find=self._system.find,
            source_path=addresses.SOURCE,
            policy=self._parts.waves,
            max_age_s=self._parts.max_signal_age_s,
            owner_epoch=self._parts.owner_epoch,
            in_hand=in_hand,
        )


def _pooled(name: str, factory: Callable[[], Actor]) -> ChildSpec:
    return ChildSpec(name=name, factory=factory, hang_timeout_s=HANG_S)


def _spared(name: str, factory: Callable[[], Actor]) -> ChildSpec:
    """One that is given up on alone: positions are protected without it, and it is told that it is missing."""
    return ChildSpec(name=name, factory=factory, hang_timeout_s=HANG_S, on_exhausted="park")


def _pinned(name: str, factory: Callable[[], Actor]) -> ChildSpec:
    return ChildSpec(name=name, factory=factory, dispatcher=Dispatcher.PINNED)
