"""What the venue and the records say, whether the process lives or not: the exchange's own file, and the database.

The exchange's file is copied and the copy is opened; the database is read as ``holdfast db`` does.
"""

import shutil
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from sqlalchemy import func, select

from actors.kernel import VirtualTime
from adapters.simulator.feed import SeededFeed
from adapters.simulator.listing import base_prices, paper_instruments
from adapters.simulator.paper import PaperExchange
from adapters.simulator.paper_config import PaperConfig
from adapters.simulator.paper_market import PAPER as PAPER_VENUE
from adapters.simulator.profiles import BITGET, PAPER, PROFILES, Profile
from adapters.simulator.state import ExchangeConfig
from messages.values import Venue
from messages.venue import AccountReport, FetchAccount
from persistence import tables
from persistence.queries import Queries
from persistence.run_totals import MANY, unbalanced
from persistence.store import SqlStore
from tests.scenarios.postcondition import book_problems
from tests.scenarios.wire.names import NAMES_OF_FILLS

PAPER_FILE = "paper.sqlite3"


@dataclass(slots=True, kw_only=True)
class Books:
    """The venue's side and ours at one moment, as the postcondition looks at them.

    Attributes:
        excused_zombies: Orders that were left behind while no process was there to remove them.
        excused_doubles: Stops beside their successor, likewise.
        name_of_fill: How the venue's dialect names a fill.
    """

    exchange: PaperExchange
    store: SqlStore
    time: VirtualTime
    profile: Profile = PAPER
    excused_zombies: int = 0
    excused_doubles: int = 0
    name_of_fill: Callable[[str], str] = str

    def account(self) -> AccountReport:
        answer = self.exchange.by_hand(FetchAccount())
        assert isinstance(answer, AccountReport)
        return answer

    def ledger(self) -> Mapping[str, object]:
        snapshot = dict(self.exchange.ledger_snapshot())
        zombies, doubles = snapshot["zombie_orders"], snapshot["duplicate_orders"]
        assert isinstance(zombies, int)
        assert isinstance(doubles, int)
        left = {"zombie_orders": zombies - self.excused_zombies, "duplicate_orders": doubles - self.excused_doubles}
        return {**snapshot, **left}


@contextmanager
def venue_of(data_dir: Path, *, alive: bool) -> Iterator[PaperExchange]:
    """The paper exchange inside a process, as its own file has it; ``alive`` when that process may be writing to it."""
    with exchange_of(data_dir / PAPER_FILE, alive=alive) as exchange:
        yield exchange


@contextmanager
def exchange_of(file: Path, *, alive: bool, venue: Venue = PAPER_VENUE, hedge: bool = False) -> Iterator[PaperExchange]:
    """An exchange as its state file has it, as of now; ``alive`` when a process may be writing to that file."""
    with tempfile.TemporaryDirectory(dir=file.parent.parent, prefix="look-") as place:
        copy = Path(place) / file.name
        if alive:
            uri = f"{file.as_uri()}?mode=ro"
            with closing(sqlite3.connect(uri, uri=True, timeout=5)) as source, closing(sqlite3.connect(copy)) as target:
                source.backup(target)
        else:
            for each in file.parent.glob(f"{file.name}*"):
                shutil.copyfile(each, copy.with_name(each.name))
        now = VirtualTime(start_ms=time.time_ns() // 1_000_000)
        instruments = paper_instruments(venue)
        feed = SeededFeed(
            seed=0, bases=base_prices(), ticks={instrument.symbol: instrument.price_tick for instrument in instruments}
        )
        config = PaperConfig(exchange=ExchangeConfig(venue=venue, profile=PROFILES[venue], hedge=hedge))
        exchange = PaperExchange(instruments=instruments, feed=feed, scheduler=now, clock=now, config=config, path=copy)
        try:
            yield exchange
        finally:
            exchange.stop()


@contextmanager
def books_of(data_dir: Path, store: SqlStore, *, alive: bool, excused_zombies: int = 0) -> Iterator[Books]:
    """Both sides, the venue's first."""
    with venue_of(data_dir, alive=alive) as exchange:
        yield books_on(exchange, store, excused_zombies=excused_zombies)


def books_on(exchange: PaperExchange, store: SqlStore, *, excused_zombies: int = 0, excused_doubles: int = 0) -> Books:
    """An exchange's side and ours, now."""
    return Books(
        exchange=exchange,
        store=store,
        time=VirtualTime(start_ms=time.time_ns() // 1_000_000),
        profile=_profile(exchange),
        excused_zombies=excused_zombies,
        excused_doubles=excused_doubles,
        name_of_fill=NAMES_OF_FILLS.get(exchange.config.exchange.venue, str),
    )


def _profile(exchange: PaperExchange) -> Profile:
    """As the venue's book shows it: Bitget's stop that comes with an entry carries no name, whatever others do."""
    profile = exchange.config.exchange.profile
    if profile.name != BITGET.name:
        return profile
    return replace(profile, capabilities=replace(profile.capabilities, stop_client_order_id=False))


def disagreements(books: Books) -> list[str]:
    """Everything in which the venue and the records differ, or do not add up."""
    return [*book_problems(books, name_of_fill=books.name_of_fill), *balance_problems(books), *repetitions(books)]


def balance_problems(books: Books) -> Iterator[str]:
    """Every position with its fills, and the venue's wallet with all of them, to the last digit."""
    queries = Queries(books.store)
    yield from unbalanced(queries)
    totals = queries.totals()
    account = books.exchange.engine.state.account
    pairs: tuple[tuple[str, Decimal, Decimal], ...] = (
        ("wallet", account.wallet, account.start + account.realized - account.commission + account.funding),
        ("realized PnL", totals.realized_pnl, account.realized),
        ("commission", totals.commission, account.commission),
        ("funding", totals.funding, account.funding),
    )
    for name, said, added in pairs:
        if said != added:
            yield f"{name}: {said} is not {added}"


def repetitions(books: Books) -> Iterator[str]:
    """A signal that opened more than one position, or a position that the venue counts and no record has."""
    queries = Queries(books.store)
    # One whose leftovers are still being removed is in both lists.
    found = [*queries.open_positions(limit=MANY), *queries.closed_positions(limit=MANY)]
    positions = {position.position_id: position for position in found}
    opened = [position for position in positions.values() if position.opened_quantity > 0]
    for signal_id, times in Counter(position.signal_id for position in opened).items():
        if not signal_id:
            yield f"{times} positions are known from the venue only"
        elif times > 1:
            yield f"signal {signal_id} opened {times} positions"
    lives, again = books.ledger()["positions_opened"], opened_again(books.store)
    if lives != len(opened) + again:
        yield f"the venue counts {lives} positions, the records {len(opened)}, {again} of which opened again"


def opened_again(store: SqlStore) -> int:
    """How often the fill of an entry came after its position's end: at the venue another life, on record the same."""
    events = tables.events.c
    told = events.text.like("%opened % after the position had ended: it is closed again")
    with store.reading() as connection:
        return connection.execute(select(func.count()).where(events.kind == "anomaly", told)).scalar_one()
