"""A replay: recorded prices in virtual time on one thread, as fast as it goes or at a chosen speed."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from actors.kernel import ActorSystem, VirtualRuntime, VirtualTime
from adapters.candles import BadRecordingError
from adapters.signal_feeds import RecordedSignals
from adapters.signal_file import SignalFileError
from adapters.simulator.paper import PaperExchange
from adapters.simulator.paper_config import PaperConfig
from adapters.simulator.paper_market import recorded_market
from adapters.simulator.state import ExchangeConfig
from adapters.stop_flag import StopFlag
from messages.run_report import RunReport
from messages.settings import PAPER, Settings
from persistence.opening import open_journal, store_of
from run_parts import (
    SHOW_EVERY_S,
    WRONG_USAGE,
    CannotRunError,
    Run,
    RunOptions,
    book_of,
    build_house,
    live_table,
    paper_parts,
    report_of,
    running,
    shut_down,
)

REPLAYS: Final = "replays"
SLICE_MS: Final = 600_000
PACE_S: Final = 0.05


def run_replay(options: RunOptions, settings: Settings, stop: StopFlag, data_dir: Path) -> RunReport:
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
            instruments=instruments,
            feed=feed,
            scheduler=clock,
            clock=clock,
            config=PaperConfig(exchange=ExchangeConfig(hedge=settings.is_hedged(PAPER)), seed=options.seed),
        )
        exchange.start()
        system = ActorSystem(runtime=VirtualRuntime(clock, trace=False))
        run = running(settings, system, exchange, journal, store, clock.now_ms)
        venues = [paper_parts(exchange)]
        system.start(build_house(settings, system, venues, journal, epoch, signals, stale_after_s=None).root())
        end_ms = feed.end_ms if options.for_s is None else feed.start_ms + int(options.for_s * 1_000)
        _drive(run, clock, min(end_ms, feed.end_ms), options, stop)
        shut_down(run.system)
        return report_of(run, settings, real_s=time.monotonic() - began_s, ticks=exchange.ticks)


def _drive(run: Run, clock: VirtualTime, end_ms: int, options: RunOptions, stop: StopFlag) -> None:
    """Let virtual time pass, in slices: as fast as it goes, or no faster than the speed asked for."""
    began_s, began_ms = time.monotonic(), clock.now_ms()
    shown_s = 0.0
    with live_table(options) as live:
        while clock.now_ms() < end_ms and not stop.is_set:
            slice_ms = SLICE_MS
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
                book = book_of(run.exchange)
                live.show(run.status.read(now_ms=clock.now_ms(), book=book))
