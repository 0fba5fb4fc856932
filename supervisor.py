"""The composition root: settings in, tree built, run, ordered stop.

There are two worlds. Live: real threads, the system's clock, and a venue that goes on by itself. Replay: recorded
prices, everything in virtual time on one thread, as fast as it goes or at a chosen speed.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec
import typer
from loguru import logger
from pydantic import SecretStr

from actors import addresses
from actors.desk import Untracked
from actors.house import House, HouseParts, VenueParts
from actors.kernel import ActorSystem, NotReady, ShutdownPhase, ThreadRuntime, VirtualRuntime, VirtualTime
from actors.notice_log import log_notice
from actors.policies import position_policies, risk_policy, sizing_policy
from actors.ports import VenueCalls
from actors.signal_source import SignalFeed
from actors.status import POSITIONS, StatusReader, VenueBook
from adapters.alert_log import AlertLog
from adapters.candles import BadRecordingError
from adapters.connect import connect
from adapters.console import LiveStatus, print_banner
from adapters.instance_lock import InstanceLock
from adapters.logs import LOG_DIRECTORY, Logs, use_utf8_streams
from adapters.settings_source import LoadedSettings, secret_values
from adapters.signal_feeds import DemoSignals, FollowedSignals, RecordedSignals
from adapters.signal_file import SignalFileError
from adapters.simulator.paper import PaperExchange
from adapters.simulator.paper_calls import PaperCalls
from adapters.simulator.paper_config import PaperConfig
from adapters.simulator.paper_market import UnknownPaperSymbolError, demo_market, paper_config, recorded_market
from adapters.simulator.paper_state import PaperStateError
from adapters.simulator.paper_streams import PaperStreams
from adapters.simulator.scheduler_thread import SchedulerThread
from adapters.status_file import write_status
from adapters.status_text import status_line
from adapters.stop_flag import StopFlag
from adapters.venues.preflight import check_start
from adapters.venues.rest import VenueConfig
from adapters.venues.shadow import ShadowCalls
from adapters.venues.threaded_calls import ThreadedCalls
from messages.positions import Settle
from messages.run_report import ConservationTotals, LedgerTotals, RunReport
from messages.settings import PAPER, Mode, Settings, VenueAccess
from messages.supervision import PauseOpening
from messages.values import Venue
from persistence.journal import Journal
from persistence.opening import open_journal, store_of
from persistence.queries import Queries
from persistence.run_totals import run_totals
from persistence.store import SqlStore

FINE: Final = 0
FOUND_SOMETHING: Final = 1
WRONG_USAGE: Final = 2
OUT_OF_REACH: Final = 3

POLL_S: Final = 0.25
"""The main thread never waits longer, so that a stop signal is noticed on every platform."""
SHOW_EVERY_S: Final = 1.0
LOG_EVERY_S: Final = 60.0
PACE_S: Final = 0.05
SWITCH_INTERVAL_S: Final = 0.0005
MAX_SIGNAL_AGE_S: Final = 25 * 60
"""A candle of 15 minutes, and the ten that its signal may take to arrive (S2.2)."""
SIMULATED_KEYS: Final = ("KEY", "SECRET", "PASS")
"""What ``holdfast simulate`` accepts."""
SETTLE_S: Final = 15.0
STALE_AFTER_S: Final = 4.0
"""How long the prices of an open position may stay away; recorded candles have a price every 15 s only."""
REPLAYS: Final = "replays"
PAPER_STATE: Final = "paper.sqlite3"
REPLAY_SLICE_MS: Final = 600_000


class CannotRunError(Exception):
    """Ends the command with ``code`` and a text that says what to do."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


# --- what a run is made of --------------------------------------------------------------------------------------------


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


def _house(
    settings: Settings,
    system: ActorSystem,
    venues: Sequence[VenueParts],
    journal: Journal,
    epoch: int,
    feed: SignalFeed | None,
    *,
    stale_after_s: float | None,
) -> House:
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
            risk=risk_policy(settings),
            max_signal_age_s=MAX_SIGNAL_AGE_S,
            sync_every_s=settings.sync_interval_seconds,
            untracked=Untracked.ALERT if settings.mode is Mode.SHADOW else Untracked(settings.untracked),
            stale_after_s=stale_after_s,
        ),
    )


def _paper_parts(exchange: PaperExchange) -> VenueParts:
    return VenueParts(
        calls=PaperCalls(exchange),
        streams=PaperStreams(exchange),
        symbols=tuple(exchange.engine.state.instruments),
    )


def _shut_down(run: Run) -> None:
    """Stop intake, let orders in flight be known, save; stops stay on the venue."""
    positions = [path for path in run.system.paths() if path.startswith(POSITIONS)]
    report = run.system.shutdown(
        [
            ShutdownPhase(
                name="stop intake",
                deadline_s=2.0,
                targets=["risk"],
                message=PauseOpening(why="the process is stopping"),
            ),
            ShutdownPhase(name="orders in flight", deadline_s=SETTLE_S, targets=positions, message=Settle()),
            ShutdownPhase(name="records", deadline_s=5.0, targets=[addresses.JOURNAL], message=Settle()),
        ]
    )
    for phase in report.phases:
        for path, why in phase.unanswered.items():
            logger.warning("{}: {} did not settle: {}", phase.name, path, why)
    logger.info("stopped in order in {:.1f} s", report.seconds)


def _report(run: Run, settings: Settings, *, real_s: float) -> RunReport:
    totals = run_totals(Queries(run.store))
    told = run.system.conservation()
    return RunReport(
        mode=settings.mode,
        virtual_seconds=(run.now_ms() - run.started_ms) / 1_000,
        real_seconds=round(real_s, 3),
        ticks=run.exchange.ticks if run.exchange is not None else 0,
        positions=totals.positions,
        signals=totals.signals,
        pnl=totals.pnl,
        ledger=_ledger(run.exchange),
        conservation=ConservationTotals(
            told=told.told, handled=told.handled, dead_lettered=told.dead_lettered, queued=told.queued
        ),
        fingerprint=totals.fingerprint,
    )


def _ledger(exchange: PaperExchange | None) -> LedgerTotals | None:
    """A real venue keeps no such book."""
    if exchange is None:
        return None
    return msgspec.convert(dict(exchange.ledger_snapshot()), LedgerTotals)


def _book(exchange: PaperExchange | None) -> VenueBook:
    ledger = _ledger(exchange)
    return VenueBook() if ledger is None else VenueBook(unprotected_seconds=ledger.unprotected_seconds)


# --- the two worlds ---------------------------------------------------------------------------------------------------


def _run_live(options: RunOptions, settings: Settings, stop: StopFlag, lock: InstanceLock) -> RunReport:
    """Threads and the system's clock; the paper exchange keeps its state in the data directory."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    began_s = time.monotonic()
    with ExitStack() as resources:
        store = store_of(settings, data_dir=settings.data_dir)
        journal, epoch = open_journal(
            store, data_dir=settings.data_dir, owner_name=f"process {os.getpid()}", resources=resources
        )
        venues, exchange = _live_venues(options, settings, resources)
        signals: SignalFeed | None = None
        if options.signals is not None:
            signals = FollowedSignals(options.signals)
        elif exchange is not None:
            signals = DemoSignals(seed=options.seed, symbols=settings.paper_symbols)
        system = ActorSystem(runtime=ThreadRuntime())
        run = _running(settings, system, exchange, journal, store, _wall_clock_ms)
        try:
            house = _house(settings, system, venues, journal, epoch, signals, stale_after_s=STALE_AFTER_S)
            system.start(house.root())
            _watch(run, options, settings, stop, lock)
        except NotReady as error:
            raise CannotRunError(str(error), OUT_OF_REACH) from error
        finally:
            # Nobody is left to be asked afterwards.
            last = run.status.read(now_ms=_wall_clock_ms(), book=_book(exchange))
            _shut_down(run)
        write_status(settings.data_dir, replace(last, note="stopped in order"))
        return _report(run, settings, real_s=time.monotonic() - began_s)


def _wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


def _live_venues(
    options: RunOptions, settings: Settings, resources: ExitStack
) -> tuple[list[VenueParts], PaperExchange | None]:
    """The connections of every venue; and the paper exchange, when that is one of them."""
    parts: list[VenueParts] = []
    exchange: PaperExchange | None = None
    connected: list[ThreadedCalls] = []
    for venue in settings.venues:
        if venue == PAPER:
            clock = SchedulerThread(on_error=lambda error: logger.error("the paper exchange failed: {!r}", error))
            clock.start()
            resources.callback(clock.stop)
            exchange = _paper_exchange(options, settings, clock)
            exchange.start()
            resources.callback(exchange.stop)
            parts.append(_paper_parts(exchange))
        else:
            calls, streams = connect(venue_config(venue, settings))
            resources.callback(calls.close)
            connected.append(calls)
            sending: VenueCalls = ShadowCalls(calls) if settings.mode is Mode.SHADOW else calls
            parts.append(VenueParts(calls=sending, streams=streams, symbols=()))
    _check_accounts(connected, settings)
    return parts, exchange


def _check_accounts(connected: Sequence[ThreadedCalls], settings: Settings) -> None:
    """A run does not start on an account that it cannot trade with, or should not (S20); its stops stay there."""
    refusal = check_start(
        connected, acts=settings.mode is Mode.PRODUCTION, allow_withdrawal=settings.allow_withdrawal_keys
    )
    if refusal is not None:
        raise CannotRunError(refusal.text, OUT_OF_REACH if refusal.key_refused else WRONG_USAGE)


def venue_config(venue: Venue, settings: Settings) -> VenueConfig:
    """Keys and addresses of one venue; a simulated exchange on this machine has keys of its own (S20)."""
    access = settings.access.get(venue, VenueAccess())

    def secret(value: SecretStr | None, simulated: str) -> str:
        if value is not None:
            return value.get_secret_value()
        return simulated if access.is_simulated else ""

    return VenueConfig(
        venue=venue,
        api_key=secret(access.api_key, SIMULATED_KEYS[0]),
        api_secret=secret(access.api_secret, SIMULATED_KEYS[1]),
        api_passphrase=secret(access.api_passphrase, SIMULATED_KEYS[2]),
        testnet=access.testnet,
        rest_url=access.rest_url,
        ws_url=access.ws_url,
    )


def _paper_exchange(options: RunOptions, settings: Settings, clock: SchedulerThread) -> PaperExchange:
    try:
        feed, instruments = demo_market(
            seed=options.seed, symbols=settings.paper_symbols, volatility_percent=settings.paper_volatility_percent
        )
        return PaperExchange(
            instruments=instruments,
            feed=feed,
            scheduler=clock,
            clock=clock,
            config=paper_config(
                wallet=settings.paper_wallet_usd, latency_ms=settings.paper_latency_ms, seed=options.seed
            ),
            path=settings.data_dir / PAPER_STATE,
        )
    except UnknownPaperSymbolError as error:
        raise CannotRunError(str(error), WRONG_USAGE) from error
    except PaperStateError as error:
        raise CannotRunError(str(error), OUT_OF_REACH) from error


def _running(
    settings: Settings,
    system: ActorSystem,
    exchange: PaperExchange | None,
    journal: Journal,
    store: SqlStore,
    now_ms: Callable[[], int],
) -> Run:
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


def _watch(run: Run, options: RunOptions, settings: Settings, stop: StopFlag, lock: InstanceLock) -> None:
    """Show how it stands until it is time to stop."""
    began_s = time.monotonic()
    show_at_s = log_at_s = began_s
    with _table(options) as live:
        while not stop.wait(POLL_S):
            now_s = time.monotonic()
            if options.for_s is not None and now_s - began_s >= options.for_s:
                return
            if now_s < show_at_s:
                continue
            show_at_s = now_s + SHOW_EVERY_S
            if lock.stop_requested():
                logger.info("stopping in order, because another instance asked for it")
                return
            if run.system.failed is not None:
                raise CannotRunError(f"the tree of actors gave up: {run.system.failed}", OUT_OF_REACH)
            book = _book(run.exchange)
            view = run.status.read(now_ms=run.now_ms(), book=book)
            write_status(settings.data_dir, view)
            if live is not None:
                live.show(view)
            elif now_s >= log_at_s:
                log_at_s = now_s + LOG_EVERY_S
                logger.info("{}", status_line(view))


@contextmanager
def _table(options: RunOptions) -> Iterator[LiveStatus | None]:
    live = LiveStatus()
    if options.as_json or not live.usable:
        yield None
    else:
        with live:
            yield live


def _run_replay(options: RunOptions, settings: Settings, stop: StopFlag, data_dir: Path) -> RunReport:
    """Recorded prices in virtual time, from a fresh exchange and fresh records: the same input, the same result."""
    try:
        feed, instruments = recorded_market(options.data)
    except BadRecordingError as error:
        raise CannotRunError(str(error), WRONG_USAGE) from error
    began_s = time.monotonic()
    clock = VirtualTime(start_ms=feed.start_ms, seed=options.seed)
    try:
        signals = RecordedSignals(options.signals, start_ms=feed.start_ms) if options.signals is not None else None
    except SignalFileError as error:
        raise CannotRunError(str(error), WRONG_USAGE) from error
    with ExitStack() as resources:
        store = store_of(settings, data_dir=data_dir, now_ms=clock.now_ms, flushes=False)
        journal, epoch = open_journal(store, data_dir=data_dir, owner_name="replay", resources=resources)
        exchange = PaperExchange(
            instruments=instruments, feed=feed, scheduler=clock, clock=clock, config=PaperConfig(seed=options.seed)
        )
        exchange.start()
        system = ActorSystem(runtime=VirtualRuntime(clock, trace=False))
        run = _running(settings, system, exchange, journal, store, clock.now_ms)
        venues = [_paper_parts(exchange)]
        system.start(_house(settings, system, venues, journal, epoch, signals, stale_after_s=None).root())
        end_ms = feed.end_ms if options.for_s is None else feed.start_ms + int(options.for_s * 1_000)
        _drive(run, clock, min(end_ms, feed.end_ms), options, stop)
        _shut_down(run)
        return _report(run, settings, real_s=time.monotonic() - began_s)


def _drive(run: Run, clock: VirtualTime, end_ms: int, options: RunOptions, stop: StopFlag) -> None:
    """Let virtual time pass, in slices: as fast as it goes, or no faster than the speed asked for."""
    began_s, began_ms = time.monotonic(), clock.now_ms()
    shown_s = 0.0
    with _table(options) as live:
        while clock.now_ms() < end_ms and not stop.is_set:
            slice_ms = REPLAY_SLICE_MS
            if options.speed is not None:
                due_ms = began_ms + int((time.monotonic() - began_s) * 1_000 * options.speed)
                slice_ms = due_ms - clock.now_ms()
                if slice_ms <= 0:
                    stop.wait(PACE_S)
                    continue
            clock.run_until(min(clock.now_ms() + slice_ms, end_ms))
            now_s = time.monotonic()
            if live is not None and now_s - shown_s >= SHOW_EVERY_S:
                shown_s = now_s
                book = _book(run.exchange)
                live.show(run.status.read(now_ms=clock.now_ms(), book=book))


def run(options: RunOptions, loaded: LoadedSettings) -> RunReport:
    """Run until it is time to stop; gives what the run did.

    Raises:
        CannotRunError: And the other errors that the command line turns into texts.
    """
    settings = loaded.settings
    use_utf8_streams()
    stop = StopFlag()
    stop.install()
    data_dir = settings.data_dir
    if options.data:
        data_dir = data_dir / REPLAYS / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}"
    lock = InstanceLock(data_dir, on_progress=lambda line: typer.echo(line, err=True))
    lock.acquire(force=options.force)
    logs = Logs(
        directory=data_dir / LOG_DIRECTORY,
        level=settings.log_level,
        debug=settings.debug,
        secrets=secret_values(settings),
        console=not options.data and not LiveStatus().usable,
    )
    try:
        if not options.as_json and not LiveStatus().usable:
            # The live table begins with it.
            print_banner(settings.mode)
        for warning in loaded.warnings:
            logger.warning("{}", warning)
        if options.data:
            return _run_replay(options, settings, stop, data_dir)
        return _run_live(options, settings, stop, lock)
    finally:
        logs.close()
        lock.release()
