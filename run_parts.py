"""What every run is made of, live or replayed: its parts, how they are built, stopped in order, and reported."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from loguru import logger

from actors import addresses
from actors.desk import Untracked
from actors.house import House, HouseParts, VenueParts
from actors.kernel import ActorSystem, ShutdownPhase
from actors.notice_log import log_notice
from actors.policies import audit_policy, guard_policy, position_policies, sizing_policy
from actors.risk import RiskPolicy
from actors.signal_source import SignalFeed
from actors.signals import WavePolicy
from actors.status import POSITIONS, StatusReader, VenueBook
from adapters.alert_log import AlertLog
from adapters.candle_file import CandleFiles
from adapters.console import LiveStatus
from adapters.simulator.paper import PaperExchange
from adapters.simulator.paper_calls import PaperCalls
from adapters.simulator.paper_streams import PaperStreams
from messages.positions import Settle
from messages.run_report import ConservationTotals, LedgerTotals, RunReport
from messages.settings import Mode, Settings
from messages.supervision import PauseOpening
from messages.values import Venue
from persistence.journal import Journal
from persistence.queries import Queries
from persistence.run_totals import run_totals
from persistence.store import SqlStore

FINE: Final = 0
FOUND_SOMETHING: Final = 1
WRONG_USAGE: Final = 2
OUT_OF_REACH: Final = 3

MAX_SIGNAL_AGE_S: Final = 25 * 60
"""A candle of 15 minutes, and the ten that its signal may take to arrive (S2.2)."""
START_S: Final = 5.0
"""How long a stop in the middle of a start waits until every position on record has its actor."""
SETTLE_S: Final = 15.0
SINCE_S: Final = 5.0
SHOW_EVERY_S: Final = 1.0


class CannotRunError(Exception):
    """Ends the command with ``code`` and a text that says what to do."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The run command's own options.

    Attributes:
        speed: Times real time; ``None`` as fast as it goes.
        for_s: Market time; ``None`` until stopped, or to the end of the recording.
    """

    data: tuple[str, ...]
    signals: Path | None
    speed: float | None
    for_s: float | None
    seed: int
    as_json: bool
    force: bool


@dataclass(slots=True, kw_only=True)
class Run:
    """A process's running parts."""

    system: ActorSystem
    exchange: PaperExchange | None
    journal: Journal
    store: SqlStore
    status: StatusReader
    now_ms: Callable[[], int]
    started_ms: int


def build_house(
    settings: Settings,
    system: ActorSystem,
    venues: Sequence[VenueParts],
    journal: Journal,
    epoch: int,
    feed: SignalFeed | None,
    *,
    stale_after_s: float | None,
    candles: CandleFiles | None = None,
    left_out: Mapping[Venue, str] | None = None,
) -> House:
    """The tree of actors, from settings and connections."""
    return House(
        system,
        HouseParts(
            journal=journal,
            owner_epoch=epoch,
            venues=venues,
            sink=AlertLog(),
            feed=feed,
            policies=position_policies(settings),
            sizing=sizing_policy(settings),
            risk=RiskPolicy.of(settings),
            max_signal_age_s=MAX_SIGNAL_AGE_S,
            sync_every_s=settings.sync_interval_seconds,
            untracked=Untracked.ALERT if settings.mode is Mode.SHADOW else Untracked(settings.untracked),
            stale_after_s=stale_after_s,
            left_out=left_out or {},
            waves=WavePolicy.of(settings),
            audit=audit_policy(settings),
            guard=guard_policy(settings),
            candles=candles,
        ),
    )


def paper_parts(exchange: PaperExchange) -> VenueParts:
    """The simulated exchange in this process, as one more venue."""
    return VenueParts(
        calls=PaperCalls(exchange),
        streams=PaperStreams(exchange),
        symbols=tuple(exchange.engine.state.instruments),
        hedge_mode=exchange.config.exchange.hedge,
    )


def shut_down(system: ActorSystem) -> None:
    """Stop intake, let orders in flight be known, save; stops stay on the venue."""
    desks = [path for path in system.paths() if addresses.is_desk(path)]
    report = system.shutdown(
        [
            ShutdownPhase(
                name="stop intake",
                deadline_s=2.0,
                targets=["risk"],
                message=PauseOpening(why="the process is stopping"),
            ),
            ShutdownPhase(name="start", deadline_s=START_S, targets=desks, message=Settle()),
            ShutdownPhase(name="orders in flight", deadline_s=SETTLE_S, targets=[POSITIONS], message=Settle()),
            # While some had still to settle, the market may have closed others that had.
            ShutdownPhase(name="what came since", deadline_s=SINCE_S, targets=[POSITIONS], message=Settle()),
            ShutdownPhase(name="records", deadline_s=5.0, targets=[addresses.JOURNAL], message=Settle()),
        ]
    )
    for phase in report.phases:
        for path, why in phase.unanswered.items():
            logger.warning("{}: {} did not settle: {}", phase.name, path, why)
    logger.info("stopped in order in {:.1f} s", report.seconds)


def report_of(run: Run, settings: Settings, *, real_s: float, ticks: int) -> RunReport:
    """What the run did, from its records, its actors, and the venue's own book where there is one."""
    totals = run_totals(Queries(run.store))
    told = run.system.conservation()
    return RunReport(
        mode=settings.mode,
        virtual_seconds=(run.now_ms() - run.started_ms) / 1_000,
        real_seconds=round(real_s, 3),
        ticks=ticks,
        positions=totals.positions,
        signals=totals.signals,
        pnl=totals.pnl,
        ledger=ledger_of(run.exchange),
        conservation=ConservationTotals(
            told=told.told, handled=told.handled, dead_lettered=told.dead_lettered, queued=told.queued
        ),
        fingerprint=totals.fingerprint,
    )


def ledger_of(exchange: PaperExchange | None) -> LedgerTotals | None:
    """A real venue keeps no such book."""
    if exchange is None:
        return None
    return msgspec.convert(dict(exchange.ledger_snapshot()), LedgerTotals)


def book_of(exchange: PaperExchange | None) -> VenueBook:
    """What the live picture shows of the venue's own book."""
    ledger = ledger_of(exchange)
    return VenueBook() if ledger is None else VenueBook(unprotected_seconds=ledger.unprotected_seconds)


def running(
    settings: Settings,
    system: ActorSystem,
    exchange: PaperExchange | None,
    journal: Journal,
    store: SqlStore,
    now_ms: Callable[[], int],
) -> Run:
    """The parts of a process that has begun now."""
    system.subscribe(log_notice)
    started_ms = now_ms()
    status = StatusReader(
        system=system, journal=journal, mode=settings.mode, account=settings.account, started_ms=started_ms
    )
    return Run(
        system=system,
        exchange=exchange,
        journal=journal,
        store=store,
        status=status,
        now_ms=now_ms,
        started_ms=started_ms,
    )


@contextmanager
def live_table(options: RunOptions) -> Iterator[LiveStatus | None]:
    """The table on the terminal, or nothing where there is no terminal or a script reads along."""
    live = LiveStatus()
    if options.as_json or not live.usable:
        yield None
    else:
        with live:
            yield live
