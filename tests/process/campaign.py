"""The real process, killed again and again: ``python -m tests.process.campaign --kills 50 --database sqlite --json``.

A lively market, a growing file of signals, and a SIGKILL at moments drawn by seed: at the start, in the recovery, right
after the exchange wrote something down, or whenever. After each recovery the venue's own book and the records must
agree. The moments are real time, so that a seed repeats the choice and not the very instruction.
"""

import argparse
import random
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import select

from persistence import tables
from persistence.failures import StoreUnavailable
from persistence.store import SqlStore
from tests.postgres import databases
from tests.process.books import PAPER_FILE, Books, books_of, disagreements, venue_of
from tests.process.installation import LIVELY, READY_S, Installation, Life
from tests.process.signal_writer import SignalWriter

PROTECTED_WITHIN_S: Final = 3.0
AGREE_WITHIN_S: Final = 30.0
FATE_WITHIN_S: Final = 10.0
LOOK_EVERY_S: Final = 0.1
"""Between two looks at both books; a lively market makes them differ for a moment again and again."""


class Moment(StrEnum):
    """When a process is killed."""

    START = "at the start"
    RECOVERY = "in the recovery"
    WRITE = "after the exchange wrote"
    ANY = "whenever"


WEIGHTS: Final = {Moment.START: 15, Moment.RECOVERY: 20, Moment.WRITE: 40, Moment.ANY: 25}
AT_WORK: Final = {Moment.WRITE, Moment.ANY}
"""These wait until the process is at work and everything agrees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignReport:
    """What came of it.

    Attributes:
        runs: Processes started.
        crash_points: Processes killed.
        slowest_ready_s: From the start of a process until it had protected everything and took signals.
        left_behind: Orders that outlived their position for over 5 s because nobody was alive to remove them.
    """

    runs: int
    crash_points: int
    violations: int
    first_violation: dict[str, Any] | None
    seconds: float
    moments: dict[str, int]
    slowest_ready_s: float
    positions: int
    signals: int
    left_behind: int


@dataclass(slots=True, kw_only=True)
class Campaign:
    """One installation that is killed ``kills`` times; its directory is the caller's."""

    directory: Path
    kills: int
    seed: int = 1
    database_url: str = ""
    first_violation: dict[str, Any] | None = None
    violations: int = 0
    runs: int = 0
    killed: int = 0
    slowest_ready_s: float = 0.0
    positions: int = 0
    zombies: int = 0
    last_seen_alive_s: float = 0.0
    moments: dict[str, int] = field(default_factory=dict)
    chance: random.Random = field(init=False)
    installation: Installation = field(init=False)
    writer: SignalWriter = field(init=False)
    store: SqlStore = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        environment = dict(LIVELY)
        if self.database_url:
            environment["DATABASE_URL"] = self.database_url
        self.installation = Installation(self.directory, environment)
        self.writer = SignalWriter(
            path=self.installation.signals,
            symbols=LIVELY["PAPER_SYMBOLS"].split(","),
            chance=random.Random(self.seed + 1),
        )
        self.last_seen_alive_s = time.monotonic()

    def run(self) -> CampaignReport:
        """Kill, restart and look, and stop in order at the end."""
        began_s = time.monotonic()
        with ExitStack() as resources:
            address = self.database_url or f"sqlite:///{self.installation.data_dir / 'holdfast.sqlite3'}"
            self.store = SqlStore(address, "main")
            resources.callback(self.store.close)
            while self.killed < self.kills:
                self._one_life(self._moment())
            self._last_life()
        return CampaignReport(
            runs=self.runs,
            crash_points=self.killed,
            violations=self.violations,
            first_violation=self.first_violation,
            seconds=round(time.monotonic() - began_s, 1),
            moments=self.moments,
            slowest_ready_s=round(self.slowest_ready_s, 2),
            positions=self.positions,
            signals=len(self.writer.written),
            left_behind=self.zombies,
        )

    # --- lives --------------------------------------------------------------------------------------------------------

    def _moment(self) -> Moment:
        moment = self.chance.choices(list(WEIGHTS), weights=list(WEIGHTS.values()))[0]
        self.moments[moment] = self.moments.get(moment, 0) + 1
        return moment

    def _one_life(self, moment: Moment) -> None:
        with self._started() as life:
            if moment in AT_WORK:
                self._until_at_work(life)
                self._look(life, moment)
            self._reach(life, moment)
            life.kill()
            self.killed += 1
        if moment in AT_WORK:
            self.last_seen_alive_s = time.monotonic()
        if (self.installation.data_dir / PAPER_FILE).exists():
            with venue_of(self.installation.data_dir, alive=False) as venue:
                self._judge(moment, naked_problems(venue.ledger_snapshot()))

    def _last_life(self) -> None:
        with self._started() as life:
            self._until_at_work(life)
            self._look(life, "the last life")
            life.interrupt()
            done = life.finished()
        problems = [] if done.code == 0 else [f"the ordered stop gave {done.code}: {done.err[-2_000:]}"]
        counted = done.json()["conservation"] if done.out else {"told": -1}
        if counted["told"] != sum(value for name, value in counted.items() if name != "told"):
            problems.append(f"messages were lost: {counted}")
        with books_of(self.installation.data_dir, self.store, alive=False, excused_zombies=self.zombies) as books:
            problems += [*disagreements(books), *self._fate_problems()]
            positions = books.ledger()["positions_opened"]
            assert isinstance(positions, int)
            self.positions = positions
        log = self.installation.logged()
        problems += [line for line in log.splitlines() if " crashed at " in line or " hung at " in line]
        self._judge("the ordered stop", problems)

    def _started(self) -> Life:
        self.runs += 1
        return self.installation.start("--seed", str(self.seed))

    def _reach(self, life: Life, moment: Moment) -> None:
        """Wait for the moment; a process that ends before it is a failure of its own."""
        chance = self.chance
        match moment:
            case Moment.START:
                self._live(life, chance.uniform(0.0, 1.5))
            case Moment.RECOVERY:
                spool = self.installation.data_dir / "spool-main.bin"
                before = _changed_ns(spool)
                self._until(life, lambda: _changed_ns(spool) != before, "taking the account over")
                self._live(life, chance.uniform(0.0, 0.4))
            case Moment.WRITE:
                self._live(life, chance.uniform(0.0, 2.0))
                file = self.installation.data_dir / f"{PAPER_FILE}-wal"
                before = _changed_ns(file)
                self._until(life, lambda: _changed_ns(file) != before, "the exchange to write", every_s=0.001)
                self._live(life, chance.choice((0.0, 0.005, 0.02, 0.05, 0.1, 0.2)))
            case Moment.ANY:
                self._live(life, chance.uniform(0.0, 3.0))

    def _live(self, life: Life, seconds: float) -> None:
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            self.writer.tend()
            assert not life.ended_within(min(left_s, 0.1)), f"ended by itself: {life.told()}"

    def _until(self, life: Life, condition: Any, what: str, *, every_s: float = 0.05) -> None:
        give_up_s = time.monotonic() + READY_S
        while not condition():
            self.writer.tend()
            assert time.monotonic() < give_up_s, f"not within {READY_S} s: {what}\n{life.told()}"
            assert not life.ended_within(every_s), f"ended by itself before {what}: {life.told()}"

    def _until_at_work(self, life: Life) -> None:
        """Everything known is protected, and signals are taken."""
        self._until(life, life.is_running, "a status")
        self._until(life, lambda: self._ready_at_ms(life) > 0, "the venue to be ready")
        self.slowest_ready_s = max(self.slowest_ready_s, (self._ready_at_ms(life) - life.started_ms) / 1_000)

    def _ready_at_ms(self, life: Life) -> int:
        events = tables.events.c
        query = select(events.at_ms).where(events.kind == "venue_ready", events.at_ms >= life.started_ms).limit(1)
        try:
            with self.store.reading() as connection:
                return next((int(row.at_ms) for row in connection.execute(query)), 0)
        except StoreUnavailable:
            return 0

    # --- judgement ----------------------------------------------------------------------------------------------------

    def _look(self, life: Life, moment: str) -> None:
        """Both books, until they agree."""
        dead_s = time.monotonic() - self.last_seen_alive_s
        give_up_s = time.monotonic() + AGREE_WITHIN_S
        data_dir = self.installation.data_dir
        while True:
            with venue_of(data_dir, alive=True) as venue:
                left_behind = venue.ledger_snapshot()["zombie_orders"]
                assert isinstance(left_behind, int)
            excused = left_behind if dead_s > PROTECTED_WITHIN_S else self.zombies
            with books_of(data_dir, self.store, alive=True, excused_zombies=excused) as books:
                problems = [*disagreements(books), *naked_problems(books.ledger()), *orphans_now(books)]
            if not problems or time.monotonic() > give_up_s:
                break
            self._live(life, LOOK_EVERY_S)
        self.zombies = excused
        self._judge(moment, problems)

    def _fate_problems(self) -> list[str]:
        """Signals that were written in time and have no fate on record."""
        signals = tables.signals_log.c
        with self.store.reading() as connection:
            known = {row.signal_id for row in connection.execute(select(signals.signal_id))}
        latest_ms = time.time_ns() // 1_000_000 - int(FATE_WITHIN_S * 1_000)
        lost = [name for name, at_ms in self.writer.written.items() if at_ms < latest_ms and name not in known]
        return [f"signals without a fate: {lost}"] if lost else []

    def _judge(self, moment: str, problems: list[str]) -> None:
        if not problems:
            return
        self.violations += 1
        if self.first_violation is None:
            self.first_violation = {
                "seed": self.seed,
                "kill": self.killed,
                "moment": str(moment),
                "problems": problems,
                "directory": str(self.directory),
            }


def naked_problems(ledger: Any) -> list[str]:
    """Stops come with the entry and are moved in place: a dead process leaves nothing uncovered, however it died."""
    found = [name for name in ("unprotected_seconds", "positions_uncovered_now", "duplicate_orders") if ledger[name]]
    return [f"the venue's ledger counts {ledger[name]} {name}" for name in found]


def orphans_now(books: Books) -> list[str]:
    """Orders that nobody removed although a process is at work."""
    now = books.ledger()["zombie_orders_now"]
    return [f"{now} orders rest without a position"] if now else []


def _changed_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def main() -> int:
    """The command line: exit code 1 on a violation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with ExitStack() as resources:
        directory = Path(tempfile.mkdtemp(prefix="holdfast-campaign-"))
        url = ""
        if options.database == "postgresql":
            server = resources.enter_context(databases(directory))
            url = server.fresh().render_as_string(hide_password=False)
        report = Campaign(
            directory=directory / "installation", kills=options.kills, seed=options.seed, database_url=url
        ).run()
    text = msgspec.json.encode(report).decode()
    sys.stdout.write(f"{text if options.json else msgspec.json.format(text)}\n")
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
