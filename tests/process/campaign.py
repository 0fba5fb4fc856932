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
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import select

from adapters.simulator.paper import PaperExchange
from persistence import tables
from persistence.failures import StoreUnavailable
from persistence.store import SqlStore
from tests.postgres import databases
from tests.process.absences import LOOKED_AFTER_WITHIN_S, Absences
from tests.process.books import PAPER_FILE, Books, books_on, disagreements, venue_of
from tests.process.campaign_report import CampaignReport
from tests.process.installation import LIVELY, READY_S, Installation, Life
from tests.process.leavings import left_behind, naked_problems, orphans_now, uncovered_since
from tests.process.naked_time import PROTECTED_WITHIN_S, NakedTime
from tests.process.signal_writer import SignalWriter
from tests.process.simulated_venue import VENUES, SimulatedVenue

AGREE_WITHIN_S: Final = 60.0
FATE_WITHIN_S: Final = 10.0
LIVELY_FOR_S: Final = 20.0
"""A lively market makes both books differ for a moment again and again; after this nothing more is opened, so that
what differs for good is left."""
MINUTE_S: Final = 65.0
"""Binance counts weight by the minute: whoever comes after one that used it up reads in the next."""
LOOK_EVERY_S: Final = 0.1


class Moment(StrEnum):
    """When a process is killed."""

    START = "at the start"
    RECOVERY = "in the recovery"
    WRITE = "after the exchange wrote"
    ANY = "whenever"
    VENUE = "the venue died instead"


WEIGHTS: Final = {Moment.START: 15, Moment.RECOVERY: 20, Moment.WRITE: 40, Moment.ANY: 25}
VENUE_WEIGHTS: Final = WEIGHTS | {Moment.VENUE: 15}
"""Where the venue is a process of its own."""
AT_WORK: Final = {Moment.WRITE, Moment.ANY, Moment.VENUE}
"""These wait until the process is at work and everything agrees."""


@dataclass(slots=True, kw_only=True)
class Campaign:
    """One installation that is killed ``kills`` times; its directory is the caller's.

    Attributes:
        venue: A running simulated venue to trade on; ``None`` for the paper exchange, which dies with the process.
    """

    directory: Path
    kills: int
    seed: int = 1
    database_url: str = ""
    venue: SimulatedVenue | None = None
    first_violation: dict[str, Any] | None = None
    violations: int = 0
    runs: int = 0
    killed: int = 0
    slowest_ready_s: float = 0.0
    positions: int = 0
    zombies: int = 0
    last_seen_alive_s: float = 0.0
    slowest_read_s: float = 0.0
    naked: NakedTime = field(default_factory=NakedTime)
    doubled: int = 0
    venue_restarts: int = 0
    absences: Absences = field(default_factory=Absences)
    worst_over_cover_s: float = 0.0
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
        if self.venue is not None:
            environment |= self.venue.environment
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
            slowest_read_s=round(self.slowest_read_s, 2),
            slowest_protected_s=round(self.naked.worst_s, 2),
            venue_restarts=self.venue_restarts,
            worst_over_cover_s=round(self.worst_over_cover_s, 2),
        )

    # --- lives --------------------------------------------------------------------------------------------------------

    def _moment(self) -> Moment:
        weights = WEIGHTS if self.venue is None else VENUE_WEIGHTS
        moment = self.chance.choices(list(weights), weights=list(weights.values()))[0]
        self.moments[moment] = self.moments.get(moment, 0) + 1
        return moment

    def _one_life(self, moment: Moment) -> None:
        with self._started() as life:
            if moment in AT_WORK:
                self._until_at_work(life)
                self._look(life, moment)
            self._reach(life, moment)
            self._judge(moment, self._naked_too_long(life))
            self.absences.begin()
            self.naked.nobody_looks()
            life.kill()
            self.killed += 1
        if moment in AT_WORK:
            self.last_seen_alive_s = time.monotonic()
        if self.venue is not None or (self.installation.data_dir / PAPER_FILE).exists():
            with self._exchange(alive=False) as exchange:
                self._judge(moment, naked_problems(exchange))

    def _last_life(self) -> None:
        with self._started() as life:
            self._until_at_work(life)
            self._look(life, "the last life")
            problems = self._over_cover_problems()
            # Those that came while the venue was not ready wait until its stops were tried, and have their fate then.
            self._until(life, lambda: not self._fate_problems(), "a fate for each signal", every_s=0.25)
            life.interrupt()
            done = life.finished()
        if done.code:
            problems.append(f"the ordered stop gave {done.code}: {done.err[-2_000:]}")
        counted = done.json()["conservation"] if done.out else {"told": -1}
        if counted["told"] != sum(value for name, value in counted.items() if name != "told"):
            problems.append(f"messages were lost: {counted}")
        with self._exchange(alive=False) as exchange:
            books = self._books_on(exchange)
            # A venue that lives on does not stand still when its client has stopped.
            problems += disagreements(books) if self.venue is None else naked_problems(exchange)
            problems += self._fate_problems()
            positions = books.ledger()["positions_opened"]
            assert isinstance(positions, int)
            self.positions = positions
        log = self.installation.logged()
        problems += [line for line in log.splitlines() if " crashed at " in line or " hung at " in line]
        self._judge("the ordered stop", problems)

    def _started(self) -> Life:
        self.runs += 1
        where = () if self.venue is None else ("--venue", self.venue.venue)
        return self.installation.start("--seed", str(self.seed), *where)

    @property
    def _state_file(self) -> Path:
        return self.installation.data_dir / PAPER_FILE if self.venue is None else self.venue.state

    def _exchange(self, *, alive: bool) -> AbstractContextManager[PaperExchange]:
        """The exchange as it is now; ``alive`` says whether our own process is."""
        return venue_of(self.installation.data_dir, alive=alive) if self.venue is None else self.venue.exchange()

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
                file = self._state_file.with_name(f"{self._state_file.name}-wal")
                before = _changed_ns(file)
                self._until(life, lambda: _changed_ns(file) != before, "the exchange to write", every_s=0.001)
                self._live(life, chance.choice((0.0, 0.005, 0.02, 0.05, 0.1, 0.2)))
            case Moment.VENUE:
                self._restart_venue(life)
                self._look(life, moment)
            case Moment.ANY:
                self._live(life, chance.uniform(0.0, 3.0))

    def _restart_venue(self, life: Life) -> None:
        """Its streams break, requests get no answer; what was confirmed is there again afterwards."""
        assert self.venue is not None
        self._live(life, self.chance.uniform(0.0, 2.0))
        self.absences.begin()
        self.venue.kill()
        self._live(life, self.chance.uniform(0.0, 3.0))
        self.venue.start()
        self.naked.venue_came_back(_now_ms())
        self.absences.end()
        self.venue_restarts += 1

    def _live(self, life: Life, seconds: float, *, lively: bool = True) -> None:
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            if lively:
                self.writer.tend()
            assert not life.ended_within(min(left_s, 0.1)), f"ended by itself: {life.told()}"

    def _until(self, life: Life, condition: Any, what: str, more_s: float = 0.0, *, every_s: float = 0.05) -> None:
        give_up_s = time.monotonic() + READY_S + more_s
        while not condition():
            self.writer.tend()
            assert time.monotonic() < give_up_s, f"not within {READY_S + more_s} s: {what}\n{life.told()}"
            assert not life.ended_within(every_s), f"ended by itself before {what}: {life.told()}"

    def _until_at_work(self, life: Life) -> None:
        """Everything known is protected, and signals are taken."""
        self._until(life, life.is_running, "a status")
        self._until_covered(life)
        self._until(life, lambda: self._event_at_ms(life, "venue_ready") > 0, "the venue to be ready")
        self.absences.end()
        ready_ms = self._event_at_ms(life, "venue_ready")
        self.slowest_ready_s = max(self.slowest_ready_s, (ready_ms - life.started_ms) / 1_000)

    def _until_covered(self, life: Life) -> None:
        """The process reads the venue: what was uncovered when it came is covered soon."""
        if self.venue is None:
            return
        self._until(life, lambda: self._event_at_ms(life, "venue_read") > 0, "the account to be read", MINUTE_S)
        read_ms = self._event_at_ms(life, "venue_read")
        self.slowest_read_s = max(self.slowest_read_s, (read_ms - life.started_ms) / 1_000)
        give_up_s = time.monotonic() + AGREE_WITHIN_S
        problems: list[str] = []
        while uncovered_since(self.venue) and time.monotonic() < give_up_s:
            problems = self._naked_too_long(life) or problems
            self._live(life, LOOK_EVERY_S)
        self._judge("after a start", problems)

    def _naked_too_long(self, life: Life) -> list[str]:
        """The positions that are naked now, and were for longer than a living process may leave them."""
        if self.venue is None:
            return []
        if read_ms := self._event_at_ms(life, "venue_read"):
            self.naked.account_read(read_ms)
        return self.naked.too_long(uncovered_since(self.venue), _now_ms())

    def _event_at_ms(self, life: Life, kind: str) -> int:
        """When this process first wrote an event of ``kind``; 0 while it has not."""
        events = tables.events.c
        own = select(events.at_ms).where(events.kind == kind, events.at_ms >= life.started_ms)
        query = own.order_by(events.at_ms).limit(1)
        try:
            with self.store.reading() as connection:
                return next((int(row.at_ms) for row in connection.execute(query)), 0)
        except StoreUnavailable:
            return 0

    # --- judgement ----------------------------------------------------------------------------------------------------

    def _look(self, life: Life, moment: str) -> None:
        """Both books, until they agree."""
        dead_s = time.monotonic() - self.last_seen_alive_s
        began_s = time.monotonic()
        while True:
            with self._exchange(alive=True) as exchange:
                if dead_s > PROTECTED_WITHIN_S:
                    self.zombies, self.doubled = left_behind(exchange)
                books = self._books_on(exchange)
                problems = [*disagreements(books), *naked_problems(exchange), *orphans_now(books)]
            naked = self._naked_too_long(life)
            looked_s = time.monotonic() - began_s
            if naked or not problems or looked_s > AGREE_WITHIN_S:
                break
            self._live(life, LOOK_EVERY_S, lively=looked_s < LIVELY_FOR_S)
        self._judge(moment, [*problems, *naked])

    def _books_on(self, exchange: PaperExchange) -> Books:
        return books_on(exchange, self.store, excused_zombies=self.zombies, excused_doubles=self.doubled)

    def _over_cover_problems(self) -> list[str]:
        with self._exchange(alive=True) as exchange:
            positions = exchange.ledger_snapshot()["positions"]
        assert isinstance(positions, list)
        self.worst_over_cover_s = self.absences.over_covered_s(positions)
        if self.worst_over_cover_s <= LOOKED_AFTER_WITHIN_S:
            return []
        return [f"the stops of a position were more than it for {self.worst_over_cover_s:.1f} s"]

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
        violation = {
            "seed": self.seed,
            "kill": self.killed,
            "moment": str(moment),
            "problems": problems,
            "directory": str(self.directory),
        }
        sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S} {violation}\n")
        if self.first_violation is None:
            self.first_violation = violation


def lively_venue(venue: str, directory: Path, *, seed: int) -> SimulatedVenue:
    """A venue with the market and the distance of ``LIVELY``, that breaks every stream now and then."""
    drops = [{"action": "stream_drop", "from_s": at_s, "for_s": 1.0} for at_s in range(25, 3_600, 35)]
    directory.mkdir(parents=True, exist_ok=True)
    faults = directory / "faults.json"
    faults.write_bytes(msgspec.json.encode({"seed": seed, "rules": drops}))
    options = {
        "--faults": str(faults),
        "--latency-ms": LIVELY["PAPER_LATENCY_MS"],
        "--volatility": LIVELY["PAPER_VOLATILITY_PERCENT"],
        "--seed": str(seed),
    }
    return SimulatedVenue(
        venue=venue, directory=directory, arguments=[part for pair in options.items() for part in pair]
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _changed_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def main() -> int:
    """The command line: exit code 1 on a violation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--venue", choices=("paper", *VENUES), default="paper")
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
        venue = None
        if options.venue != "paper":
            venue = resources.enter_context(lively_venue(options.venue, directory / "venue", seed=options.seed))
        report = Campaign(
            directory=directory / "installation", kills=options.kills, seed=options.seed, database_url=url, venue=venue
        ).run()
    text = msgspec.json.encode(report).decode()
    sys.stdout.write(f"{text if options.json else msgspec.json.format(text)}\n")
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
