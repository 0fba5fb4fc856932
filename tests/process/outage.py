"""The database goes away in the middle of a live run, and comes back; perhaps the process is killed meanwhile.

``python -m tests.process.outage --seconds 60 --json`` does it with a PostgreSQL server of its own.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import func, select

from messages.status import DatabaseState, Health
from messages.values import OrderKind, Price, VenueOrderId
from persistence import tables
from persistence.failures import StoreUnavailable
from persistence.spool import Spool
from persistence.store import SqlStore
from tests.postgres import Databases, own_server
from tests.process.books import books_of, disagreements, venue_of
from tests.process.installation import LIVELY, Installation, Life
from tests.process.leavings import left_behind
from tests.process.signal_writer import SignalWriter

CALM: Final = {
    **LIVELY,
    "PAPER_VOLATILITY_PERCENT": "5",
    "PAPER_LATENCY_MS": "20",
    "STOP_LOSS_PERCENT": "2.0",
    "TP1_PERCENT": "1.5",
    "TP2_PERCENT": "4.0",
    "BREAKEVEN_AT_PERCENT": "0.4",
    "TRAILING_ACTIVATION_PERCENT": "0.15",
    "TRAILING_CALLBACK_PERCENT": "0.1",
    "TRAILING_MIN_IMPROVEMENT_PERCENT": "0.01",
}
"""Positions that live for a minute or so, with stops that move every few seconds."""
POSITIONS: Final = 4
MOVED_WITHIN_S: Final = 60.0
SPOOL: Final = "spool-main.bin"


@dataclass(slots=True, kw_only=True)
class OutageReport:
    """What came of it; ``problems`` is empty when nothing was lost and nothing was naked."""

    seconds: float = 0.0
    stops_moved: int = 0
    opened_meanwhile: int = 0
    refused_meanwhile: int = 0
    spooled: int = 0
    back_after_s: float = 0.0
    problems: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Outage:
    """One run with the database stopped for ``seconds``; ``kills`` how often the process is killed meanwhile."""

    directory: Path
    server: Databases
    seconds: float
    kills: int = 0
    seed: int = 1
    stops: dict[VenueOrderId, Price] = field(default_factory=dict)
    excused_zombies: int = 0
    report: OutageReport = field(default_factory=OutageReport)
    life: Life = field(init=False)
    installation: Installation = field(init=False)
    writer: SignalWriter = field(init=False)
    store: SqlStore = field(init=False)

    def __post_init__(self) -> None:
        url = self.server.fresh().render_as_string(hide_password=False)
        self.store = SqlStore(url, "main")
        self.installation = Installation(self.directory, {**CALM, "DATABASE_URL": url})
        self.writer = SignalWriter(
            path=self.installation.signals,
            symbols=CALM["PAPER_SYMBOLS"].split(","),
            chance=random.Random(self.seed),
        )

    def run(self) -> OutageReport:
        """The whole story."""
        self.life = self._start()
        try:
            self._tell()
        except AssertionError as failed:
            self.report.problems += [str(failed), *self._problems(alive=True)]
        finally:
            self.life.kill()
            self.store.close()
        return self.report

    def _tell(self) -> None:
        self.life.until_running()
        self._open_positions()
        self.server.stop()
        self._live_without()
        self.server.start()
        back_s, back_ms = time.monotonic(), time.time_ns() // 1_000_000
        self.life.until(lambda: self._database() is DatabaseState.OK, "the database to be in use again")
        self.report.back_after_s = round(time.monotonic() - back_s, 1)
        if self.kills:
            self.life.until(lambda: self._excused(back_ms), "what a dead process left behind to be removed")
        self.life.until(lambda: not self._problems(alive=True), "both books to agree again")
        self.life.interrupt()
        done = self.life.finished()
        if done.code:
            self.report.problems.append(f"the ordered stop gave {done.code}: {done.err[-2_000:]}")
        self.report.problems += self._problems(alive=False)

    def _start(self) -> Life:
        return self.installation.start("--seed", str(self.seed))

    def _open_positions(self) -> None:
        """Signals, until enough positions are open and on record."""

        def enough() -> bool:
            self.writer.tend()
            view = self.installation.status()
            return view is not None and len(view.positions) >= POSITIONS

        self.life.until(enough, f"{POSITIONS} open positions")
        self.life.until(lambda: not self._problems(alive=True), "both books to agree before the database is stopped")

    def _live_without(self) -> None:
        """The time without a database."""
        began_s = time.monotonic()
        self.writer.write("BTCUSDT")
        self.life.until(lambda: self._database() is not DatabaseState.OK, "the process to notice")
        opened = self._opened()
        for kill in range(1, self.kills + 1):
            self._until(began_s + kill * self.seconds / (self.kills + 1))
            self.life.kill()
            self.life = self._start()
            self.life.until_running()
            view = self.installation.status()
            if view is None or view.database is DatabaseState.OK or view.health is Health.HEALTHY:
                self.report.problems.append(f"the database is away, and the status says {view}")
        self._until(began_s + self.seconds)
        self.life.until(lambda: self._tended() and self.report.stops_moved, "a stop to be moved")
        view = self.installation.status()
        self.report.seconds = round(time.monotonic() - began_s, 1)
        self.report.opened_meanwhile = self._opened() - opened
        self.report.refused_meanwhile = view.signals_rejected if view is not None else 0
        self.report.spooled = self._spooled()
        if self.report.opened_meanwhile:
            self.report.problems.append(f"{self.report.opened_meanwhile} positions were opened without a record")

    def _excused(self, back_ms: int) -> bool:
        """Whether no order rests whose position ended before ``back_ms``; those that did until now are excused.

        Nobody was there to remove them, or only a process that could not read what they had been sent for.
        """
        with venue_of(self.installation.data_dir, alive=True) as venue:
            self.excused_zombies, _ = left_behind(venue)
            return all(since_ms >= back_ms for since_ms in venue.engine.ledger.book.flat_since.values())

    def _until(self, at_s: float) -> None:
        self.life.until(lambda: self._tended() >= at_s, "its time", timeout_s=self.seconds + MOVED_WITHIN_S)

    def _tended(self) -> float:
        """Signals go on arriving, and stops are watched; gives the time."""
        self.writer.tend()
        self._watch_stops()
        return time.monotonic()

    def _watch_stops(self) -> None:
        with venue_of(self.installation.data_dir, alive=True) as venue:
            for order in venue.engine.account(None, taken_ms=0).orders:
                if order.kind is not OrderKind.STOP_MARKET or order.trigger_price is None:
                    continue
                before = self.stops.get(order.venue_order_id)
                self.report.stops_moved += before is not None and before != order.trigger_price
                self.stops[order.venue_order_id] = order.trigger_price

    def _opened(self) -> int:
        with venue_of(self.installation.data_dir, alive=True) as venue:
            opened = venue.ledger_snapshot()["positions_opened"]
        assert isinstance(opened, int)
        return opened

    def _database(self) -> DatabaseState | None:
        self.writer.tend()
        view = self.installation.status()
        return None if view is None else view.database

    def _spooled(self) -> int:
        with tempfile.TemporaryDirectory(dir=self.directory) as place:
            copy = Path(place) / SPOOL
            shutil.copyfile(self.installation.data_dir / SPOOL, copy)
            spool = Spool(copy)
            waiting = spool.decisions
            spool.close()
        return waiting

    def _problems(self, *, alive: bool) -> list[str]:
        try:
            return self._differences(alive=alive)
        except StoreUnavailable as failure:
            return [str(failure)]

    def _differences(self, *, alive: bool) -> list[str]:
        data_dir, excused = self.installation.data_dir, self.excused_zombies
        with books_of(data_dir, self.store, alive=alive, excused_zombies=excused) as books:
            problems = disagreements(books)
            ledger = books.ledger()
        if ledger["unprotected_seconds"]:
            problems.append(f"{ledger['unprotected_seconds']} s unprotected")
        if waiting := self._spooled():
            problems.append(f"{waiting} decisions wait in the spool")
        with self.store.reading() as connection:
            refused = connection.execute(select(func.count()).select_from(tables.refused_decisions)).scalar_one()
            known = {row.signal_id for row in connection.execute(select(tables.signals_log.c.signal_id))}
        if refused:
            problems.append(f"{refused} decisions were refused")
        if not alive and (lost := set(list(self.writer.written)[:-5]) - known):
            problems.append(f"signals without a fate: {sorted(lost)}")
        return problems


def main() -> int:
    """The command line: exit code 1 on a problem."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="holdfast-outage-"))
    with own_server(directory) as server:
        report = Outage(
            directory=directory / "installation",
            server=server,
            seconds=options.seconds,
            kills=options.kills,
            seed=options.seed,
        ).run()
    text = msgspec.json.encode(report).decode()
    sys.stdout.write(f"{text if options.json else msgspec.json.format(text)}\n")
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
