"""The composition root and the command line: settings in, tree built, run, ordered stop.

``holdfast run`` has two worlds. Live: real threads, the system's clock, and a paper venue that goes on by itself.
Replay: recorded prices, everything in virtual time on one thread, as fast as it goes or at a chosen speed.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, NoReturn

import msgspec
import typer
from loguru import logger
from rich.console import Console

from actors import addresses
from actors.desk import Untracked
from actors.house import House, HouseParts, VenueParts
from actors.kernel import ActorSystem, NotReady, ShutdownPhase, ThreadRuntime, VirtualRuntime, VirtualTime
from actors.notice_log import log_notice
from actors.policies import position_policies, risk_policy, sizing_policy
from actors.signal_source import SignalFeed
from actors.status import POSITIONS, StatusReader, VenueBook
from adapters.alert_log import AlertLog
from adapters.arguments import WrongArgumentError, duration_argument, speed_argument
from adapters.candles import BadRecordingError
from adapters.console import LiveStatus, print_banner, render
from adapters.instance_lock import DataDirectoryError, InstanceHeldError, InstanceLock, holder, running_instances
from adapters.logs import LOG_DIRECTORY, Logs, use_utf8_streams
from adapters.settings_source import LoadedSettings, SettingsError, load_settings, secret_values
from adapters.signal_feeds import DemoSignals, FollowedSignals, RecordedSignals
from adapters.signal_file import SignalFileError
from adapters.simulator.paper import PaperExchange
from adapters.simulator.paper_calls import PaperCalls
from adapters.simulator.paper_config import PaperConfig
from adapters.simulator.paper_market import UnknownPaperSymbolError, demo_market, paper_config, recorded_market
from adapters.simulator.paper_state import PaperStateError
from adapters.simulator.paper_streams import PaperStreams
from adapters.simulator.scheduler_thread import SchedulerThread
from adapters.status_file import StatusFileError, read_status, write_status
from adapters.status_text import status_line
from adapters.stop_flag import StopFlag
from messages.positions import Settle
from messages.run_report import ConservationTotals, LedgerTotals, RunReport
from messages.settings import Mode, Settings
from messages.status import Health
from messages.supervision import PauseOpening
from persistence.database_url import WrongDatabaseUrl
from persistence.failures import StoreUnavailable
from persistence.journal import Journal
from persistence.migrate import current, head, upgrade
from persistence.opening import open_journal, store_of
from persistence.queries import Queries
from persistence.run_totals import run_totals, unbalanced
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
SETTLE_S: Final = 15.0
REPLAYS: Final = "replays"
PAPER_STATE: Final = "paper.sqlite3"
REPLAY_SLICE_MS: Final = 600_000
MANY_ROWS: Final = 200

app = typer.Typer(
    name="holdfast",
    help="Keeps crypto perpetual-futures positions protected.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)
db_app = typer.Typer(help="The records: what is in them, whether they add up, and their schema.", no_args_is_help=True)
chaos_app = typer.Typer(help="Campaigns that break things on purpose, by seed.", no_args_is_help=True)
app.add_typer(db_app, name="db")
app.add_typer(chaos_app, name="chaos")

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Where database, spool, logs and lock live.")]
EnvFile = Annotated[Path | None, typer.Option("--env-file", help="Settings, instead of .env in this directory.")]
Json = Annotated[bool, typer.Option("--json", help="Print for scripts.")]


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
    exchange: PaperExchange
    journal: Journal
    store: SqlStore
    status: StatusReader
    now_ms: Callable[[], int]
    started_ms: int


def _house(
    settings: Settings,
    system: ActorSystem,
    exchange: PaperExchange,
    journal: Journal,
    epoch: int,
    feed: SignalFeed | None,
) -> House:
    venue = VenueParts(
        calls=PaperCalls(exchange),
        streams=PaperStreams(exchange),
        symbols=tuple(exchange.engine.state.instruments),
    )
    return House(
        system,
        HouseParts(
            journal=journal,
            owner_epoch=epoch,
            venues=[venue],
            sink=AlertLog(),
            feed=feed,
            policies=position_policies(settings),
            sizing=sizing_policy(settings),
            risk=risk_policy(settings),
            max_signal_age_s=MAX_SIGNAL_AGE_S,
            sync_every_s=settings.sync_interval_seconds,
            untracked=Untracked(settings.untracked),
        ),
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


def _report(run: Run, settings: Settings, *, ticks: int, real_s: float) -> RunReport:
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
        ledger=_ledger(run.exchange),
        conservation=ConservationTotals(
            told=told.told, handled=told.handled, dead_lettered=told.dead_lettered, queued=told.queued
        ),
        fingerprint=totals.fingerprint,
    )


def _ledger(exchange: PaperExchange) -> LedgerTotals:
    return msgspec.convert(dict(exchange.ledger_snapshot()), LedgerTotals)


def _book(exchange: PaperExchange) -> VenueBook:
    return VenueBook(unprotected_seconds=_ledger(exchange).unprotected_seconds)


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
        clock = SchedulerThread(on_error=lambda error: logger.error("the paper exchange failed: {!r}", error))
        clock.start()
        resources.callback(clock.stop)
        exchange = _paper_exchange(options, settings, clock)
        exchange.start()
        resources.callback(exchange.stop)
        signals: SignalFeed
        if options.signals is None:
            signals = DemoSignals(seed=options.seed, symbols=settings.paper_symbols)
        else:
            signals = FollowedSignals(options.signals)
        system = ActorSystem(runtime=ThreadRuntime())
        run = _running(settings, system, exchange, journal, store, clock.now_ms)
        try:
            system.start(_house(settings, system, exchange, journal, epoch, signals).root())
            _watch(run, options, settings, stop, lock)
        except NotReady as error:
            raise CannotRunError(str(error), OUT_OF_REACH) from error
        finally:
            _shut_down(run)
        write_status(settings.data_dir, run.status.read(now_ms=clock.now_ms(), book=VenueBook()))
        return _report(run, settings, ticks=exchange.ticks, real_s=time.monotonic() - began_s)


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
    exchange: PaperExchange,
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
        system.start(_house(settings, system, exchange, journal, epoch, signals).root())
        end_ms = feed.end_ms if options.for_s is None else feed.start_ms + int(options.for_s * 1_000)
        _drive(run, clock, min(end_ms, feed.end_ms), options, stop)
        _shut_down(run)
        return _report(run, settings, ticks=exchange.ticks, real_s=time.monotonic() - began_s)


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


# --- commands ---------------------------------------------------------------------------------------------------------


@app.command()
def run(
    *,
    data: Annotated[
        list[str] | None, typer.Option(help="Candle file to replay, FILE or SYMBOL=FILE; repeatable.")
    ] = None,
    signals: Annotated[Path | None, typer.Option(help="JSON-lines file of signals.")] = None,
    speed: Annotated[str, typer.Option(help="With --data: times real time, or max.")] = "1",
    for_: Annotated[str | None, typer.Option("--for", help="Stop after this time, such as 10s, 15m, 2h.")] = None,
    seed: Annotated[int, typer.Option(help="Of the paper market and the demo signals.")] = 1,
    mode: Annotated[str | None, typer.Option(help="paper, shadow or production.")] = None,
    force: Annotated[bool, typer.Option("--force", help="End the instance that runs on this data directory.")] = False,
    check_instances: Annotated[
        bool, typer.Option("--check-instances", help="List running instances and stop.")
    ] = False,
    data_dir: DataDir = None,
    env_file: EnvFile = None,
    as_json: Json = False,
) -> None:
    """Open, protect, trail and close positions until stopped; without options on a simulated venue."""
    if check_instances:
        _list_instances(as_json=as_json)
        return
    options = RunOptions(
        data=tuple(data or ()),
        signals=signals,
        speed=speed_argument(speed),
        for_s=None if for_ is None else duration_argument(for_),
        seed=seed,
        as_json=as_json,
        force=force,
    )
    if options.data and signals is None:
        logger.debug("no signals: the market is replayed, nothing is opened")
    loaded = _load({"data_dir": data_dir, "mode": mode}, env_file)
    report = _run(options, loaded)
    if as_json:
        _print_json(report)


def _run(options: RunOptions, loaded: LoadedSettings) -> RunReport:
    settings = loaded.settings
    if settings.mode is not Mode.PAPER:
        raise CannotRunError(
            f"mode {settings.mode} is not available in this version: it runs on paper only", WRONG_USAGE
        )
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
        if not options.as_json:
            print_banner(settings.mode)
        for warning in loaded.warnings:
            logger.warning("{}", warning)
        if options.data:
            return _run_replay(options, settings, stop, data_dir)
        return _run_live(options, settings, stop, lock)
    finally:
        logs.close()
        lock.release()


@app.command()
def status(*, data_dir: DataDir = None, env_file: EnvFile = None, as_json: Json = False) -> None:
    """How the instance on this data directory stands: exit code 0 healthy, 1 not, 3 when none runs."""
    settings = _load({"data_dir": data_dir}, env_file).settings
    try:
        view = read_status(settings.data_dir)
    except StatusFileError as error:
        raise CannotRunError(str(error), OUT_OF_REACH) from error
    if as_json:
        _print_json(view)
    else:
        Console(highlight=False).print(render(view, width=Console().width, max_rows=MANY_ROWS))
    if holder(settings.data_dir) is None:
        raise CannotRunError(f"no instance runs on {settings.data_dir}; this is how the last one stood", OUT_OF_REACH)
    if view.health is not Health.HEALTHY:
        raise typer.Exit(FOUND_SOMETHING)


def _list_instances(*, as_json: bool) -> None:
    found = running_instances()
    if as_json:
        _print_json(found)
    else:
        for instance in found:
            typer.echo(instance)
        if not found:
            typer.echo("no instance runs on this machine")
    if found:
        raise typer.Exit(FOUND_SOMETHING)


@db_app.command("status")
def db_status(*, data_dir: DataDir = None, env_file: EnvFile = None, as_json: Json = False) -> None:
    """Schema revision, rows a table, and whether positions agree with their fills: exit code 1 when they do not."""
    settings = _load({"data_dir": data_dir}, env_file).settings
    store = store_of(settings, data_dir=settings.data_dir)
    try:
        queries = Queries(store)
        counts, problems = queries.counts(), unbalanced(queries)
        found = {"revision": current(store.url), "head": head(), "rows": counts, "unbalanced": problems}
    finally:
        store.close()
    if as_json:
        _print_json(found)
    else:
        typer.echo(f"revision {found['revision']} (this version's: {found['head']})")
        for table, rows in counts.items():
            typer.echo(f"{table:24}{rows:>10}")
        for problem in problems:
            typer.echo(problem)
    if problems:
        raise typer.Exit(FOUND_SOMETHING)


@db_app.command("upgrade")
def db_upgrade(*, data_dir: DataDir = None, env_file: EnvFile = None) -> None:
    """Bring the schema up to date; ``holdfast run`` does so by itself."""
    settings = _load({"data_dir": data_dir}, env_file).settings
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    typer.echo(f"revision {upgrade(store_of(settings, data_dir=settings.data_dir).url)}")


@chaos_app.command("kernel")
def chaos_kernel(
    *,
    seeds: Annotated[int, typer.Option(help="How many random histories.")] = 1_000,
    first: Annotated[int, typer.Option(help="The first seed.")] = 0,
    as_json: Json = False,
) -> None:
    """Random trees of actors and failures in virtual time, against the kernel's laws: exit code 1 on a breach."""
    from actors.kernel.fuzz import run_fuzz

    report = run_fuzz(range(first, first + seeds), on_progress=None if as_json else _show_progress(seeds))
    if as_json:
        _print_json(report)
    else:
        typer.echo(f"\n{report.runs} runs, {report.crash_points} crash points, {report.violations} violations")
    if report.violations:
        raise typer.Exit(FOUND_SOMETHING)


def _show_progress(seeds: int) -> Callable[[int, int], None]:
    def show(runs: int, violations: int) -> None:
        if runs % 100 == 0 or runs == seeds:
            typer.echo(f"\r{runs}/{seeds} runs, {violations} violations", nl=False)

    return show


# --- arguments and errors ---------------------------------------------------------------------------------------------


def _load(overrides: dict[str, object], env_file: Path | None) -> LoadedSettings:
    return load_settings(overrides=overrides, env_file=env_file)


def _print_json(value: object) -> None:
    typer.echo(msgspec.json.encode(value).decode())


def main() -> NoReturn:
    """The ``holdfast`` command: errors as one clear text on stderr, and an exit code that scripts can use."""
    try:
        app()
    except SettingsError as error:
        _fail("\n".join(error.problems), WRONG_USAGE)
    except CannotRunError as error:
        _fail(str(error), error.code)
    except (WrongDatabaseUrl, WrongArgumentError) as error:
        _fail(str(error), WRONG_USAGE)
    except (InstanceHeldError, DataDirectoryError, StoreUnavailable) as error:
        _fail(str(error), OUT_OF_REACH)
    sys.exit(FINE)


def _fail(text: str, code: int) -> NoReturn:
    typer.echo(text, err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
