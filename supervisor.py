"""The composition root: settings in, tree built, run, ordered stop.

There are two worlds. Live: real threads, the system's clock, and venues that go on by themselves. Replay
(``run_replay.py``): recorded prices in virtual time. What both are made of is in ``run_parts.py``.
"""

import os
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

import typer
from loguru import logger

from actors.kernel import ActorSystem, NotReady, ThreadRuntime
from actors.signal_source import SignalFeed
from adapters.candle_file import CandleFiles
from adapters.console import LiveStatus, print_banner, tell
from adapters.instance_lock import InstanceLock
from adapters.logs import LOG_DIRECTORY, Logs, use_utf8_streams
from adapters.settings_source import LoadedSettings, Source, secret_values
from adapters.signal_feeds import DemoSignals, FollowedSignals
from adapters.signal_server_client import SignalServerConfig, SignalServerFeed
from adapters.status_file import write_status
from adapters.status_text import left_behind, status_line
from adapters.stop_flag import StopFlag
from messages.run_report import RunReport
from messages.settings import PAPER, Settings
from persistence.opening import open_journal, store_of
from run_check import CheckDesk
from run_parts import (
    OUT_OF_REACH,
    SHOW_EVERY_S,
    CannotRunError,
    Run,
    RunOptions,
    book_of,
    build_house,
    live_table,
    report_of,
    running,
    shut_down,
)
from run_replay import REPLAYS, run_replay
from run_settings import SettingsDesk
from run_shell import attached_shell
from run_venues import live_venues

POLL_S: Final = 0.25
"""The main thread never waits longer, so that a stop signal is noticed on every platform."""
LOG_EVERY_S: Final = 60.0
MARKET_HELD_S: Final = 1.0
"""The longest wait for the simulated venue to have told of what it did before its market was held."""
SWITCH_INTERVAL_S: Final = 0.0005
STALE_AFTER_S: Final = 4.0
"""How long the prices of an open position may stay away; recorded candles have a price every 15 s only."""


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
            return run_replay(options, settings, stop, data_dir)
        return _run_live(options, loaded, stop, lock)
    finally:
        logs.close()
        lock.release()


def _run_live(options: RunOptions, loaded: LoadedSettings, stop: StopFlag, lock: InstanceLock) -> RunReport:
    """Threads and the system's clock; the paper exchange keeps its state in the data directory."""
    settings = loaded.settings
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    began_s = time.monotonic()
    with ExitStack() as resources:
        store = store_of(settings, data_dir=settings.data_dir)
        journal, epoch = open_journal(
            store, data_dir=settings.data_dir, owner_name=f"process {os.getpid()}", resources=resources
        )
        venues = live_venues(options, settings, resources)
        exchange = venues.exchange
        signals = _signal_feed(options, loaded, resources)
        system = ActorSystem(runtime=ThreadRuntime())
        run = running(settings, system, exchange, journal, store, _wall_clock_ms)
        try:
            house = build_house(
                settings,
                system,
                venues.parts,
                journal,
                epoch,
                signals,
                stale_after_s=STALE_AFTER_S,
                candles=CandleFiles(settings.data_dir),
                left_out=venues.left_out,
            )
            system.start(house.root())
            settings_desk = SettingsDesk(house, loaded)
            with attached_shell(run, settings, owner_epoch=epoch, stop=stop, reload=settings_desk.reload):
                _watch(run, options, settings_desk, stop, lock)
        except NotReady as error:
            raise CannotRunError(str(error), OUT_OF_REACH) from error
        finally:
            # Nobody is left to be asked afterwards.
            last = run.status.read(now_ms=_wall_clock_ms(), book=book_of(exchange))
            told_on_terminal = not options.as_json and LiveStatus().usable
            if told_on_terminal:
                tell("stopping in order... once more stops at once")
            if exchange is not None:
                exchange.hold_market().wait(MARKET_HELD_S)
            shut_down(run.system)
            text = f"stopped: {left_behind(last)}"
            logger.info("{}", text)
            if told_on_terminal:
                tell(text)
        write_status(settings.data_dir, replace(last, note="stopped in order"))
        return report_of(run, settings, real_s=time.monotonic() - began_s, ticks=venues.ticks())


def _signal_feed(options: RunOptions, loaded: LoadedSettings, resources: ExitStack) -> SignalFeed:
    """The file that was given; made-up signals on the paper venue; else, or when it was set, the signal server."""
    settings = loaded.settings
    if options.signals is not None:
        return FollowedSignals(options.signals)
    if PAPER in settings.venues and loaded.source_of("SIGNAL_WS_URL") is Source.DEFAULT:
        return DemoSignals(seed=options.seed, symbols=settings.paper_symbols)
    feed = SignalServerFeed(signal_server_config(settings))
    feed.start()
    resources.callback(feed.stop)
    return feed


def signal_server_config(settings: Settings) -> SignalServerConfig:
    """Where the signal server is (S2.1)."""
    token = settings.signal_ws_token
    return SignalServerConfig(
        url=settings.signal_ws_url,
        token="" if token is None else token.get_secret_value(),
        reconnects=settings.signal_ws_auto_reconnect,
        reconnect_interval_s=settings.signal_ws_reconnect_interval,
        max_attempts=settings.signal_ws_max_reconnect_attempts,
        buffer_size=settings.signal_buffer_size,
    )


def _wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


def _watch(run: Run, options: RunOptions, settings_desk: SettingsDesk, stop: StopFlag, lock: InstanceLock) -> None:
    """Show how it stands until it is time to stop."""
    began_s = time.monotonic()
    show_at_s = log_at_s = began_s
    data_dir = settings_desk.loaded.settings.data_dir
    checks = CheckDesk(system=run.system, data_dir=data_dir)
    with live_table(options) as live:
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
            checks.look()
            settings_desk.look()
            if run.system.failed is not None:
                raise CannotRunError(f"the tree of actors gave up: {run.system.failed}", OUT_OF_REACH)
            book = book_of(run.exchange)
            view = run.status.read(now_ms=run.now_ms(), book=book)
            write_status(data_dir, view)
            if live is not None:
                live.show(view)
            elif now_s >= log_at_s:
                log_at_s = now_s + LOG_EVERY_S
                logger.info("{}", status_line(view))
