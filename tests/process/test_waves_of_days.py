"""Waves over recorded days, with additions, aged positions and the guard acting: all of it adds up and is explained."""

import csv
import gzip
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pytest
from sqlalchemy import select

from messages.explanation import OrderStep
from persistence import tables
from persistence.explaining import MANY, explain
from persistence.queries import Queries
from persistence.run_totals import unbalanced
from persistence.store import SqlStore
from tests.process.installation import Installation
from tests.scenarios.tally import SOAK

QUARTER_MS = 900_000
MINUTES_A_DAY = 1_440
DAYS = 4
MONTH = {"BTCUSDT": "BTCUSDT-1m-2022-01.csv.gz", "XRPUSDT": "XRPUSDT-5m-2021-11.csv"}


def candles(path: Path) -> Iterator[list[str]]:
    """The rows of a recording, header first."""
    opening = gzip.open if path.suffix == ".gz" else open
    with opening(path, "rt", encoding="utf-8") as file:
        yield from csv.reader(file)


def waves(symbol: str, rows: Iterable[list[str]]) -> Iterator[tuple[int, dict[str, object]]]:
    """Each half hour a signal in the direction of the half hour before."""
    closes = {int(row[0]): Decimal(row[4]) for row in rows}
    for at_ms, close in closes.items():
        before = closes.get(at_ms - 2 * QUARTER_MS)
        if at_ms % (2 * QUARTER_MS) == 0 and before is not None:
            stamp = datetime.fromtimestamp(at_ms / 1_000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            side = "BUY" if close >= before else "SELL"
            raw = {"timestamp": stamp, "symbol": symbol, "side": side, "score_week": 80, "score_month": 70}
            yield at_ms, raw


def write_signals(path: Path, signals: Iterable[tuple[int, dict[str, object]]]) -> None:
    lines = [json.dumps(raw) + "\n" for _, raw in sorted(signals, key=lambda item: item[0])]
    path.write_text("".join(lines), encoding="utf-8")


@contextmanager
def records_of(installation: Installation) -> Iterator[SqlStore]:
    (place,) = (installation.data_dir / "replays").iterdir()
    with closing(SqlStore(f"sqlite:///{place / 'holdfast.sqlite3'}", "main")) as store:
        yield store


def replayed(installation: Installation, *recordings: Path) -> None:
    """Replay with everything that acts; fails where the venue's own book or ours is not as it must be."""
    data = [argument for path in recordings for argument in ("--data", str(path))]
    replay = ("run", *data, "--signals", str(installation.signals), "--speed", "max", "--json")
    run = installation.run(*replay, timeout_s=900, GUARD_MODE="act")
    assert run.code == 0, run.err
    report = run.json()
    assert report["ledger"] == {
        "unprotected_seconds": 0.0,
        "worst_window_seconds": 0.0,
        "duplicate_orders": 0,
        "zombie_orders": 0,
    }
    told = report["conservation"]
    assert told["told"] == told["handled"] + told["dead_lettered"] + told["queued"]


def assert_everything_acted_and_is_explained(installation: Installation) -> None:
    with records_of(installation) as store:
        queries = Queries(store)
        assert unbalanced(queries) == []
        with store.reading() as connection:
            kinds = set(connection.execute(select(tables.events.c.kind)).scalars())
            additions = connection.execute(select(tables.scaling_entries)).all()
        assert {"position_added", "aged_exit", "guard_acts", "trailing_active", "take_profit_filled"} <= kinds
        lives = [*queries.open_positions(limit=MANY), *queries.closed_positions(limit=MANY)]
        assert len(additions) == sum(life.ladder.additions for life in lives) > 0
        orders = [step for life in lives for step in explain(queries, life).steps if isinstance(step, OrderStep)]
        assert orders
        assert [step.client_order_id for step in orders if step.rule is None or not step.requests] == []


def test_days_of_waves_add_up_and_every_decision_is_explained(installation: Installation, recorded_data: Path) -> None:
    source = recorded_data / MONTH["BTCUSDT"]
    rows = list(islice(candles(source), 1 + DAYS * MINUTES_A_DAY))
    cut = installation.directory / "BTCUSDT-days.csv"
    cut.write_text("".join(",".join(row) + "\n" for row in rows), encoding="utf-8")
    write_signals(installation.signals, waves("BTCUSDT", rows[1:]))
    replayed(installation, cut)
    assert_everything_acted_and_is_explained(installation)


@pytest.mark.soak
@pytest.mark.skipif(SOAK not in os.environ, reason=f"minutes long: set {SOAK}=1")
@pytest.mark.timeout(1_200)
def test_a_month_of_waves_adds_up_and_every_decision_is_explained(
    installation: Installation, recorded_data: Path
) -> None:
    recordings = {symbol: recorded_data / name for symbol, name in MONTH.items()}
    signals = [wave for symbol, path in recordings.items() for wave in waves(symbol, islice(candles(path), 1, None))]
    write_signals(installation.signals, signals)
    replayed(installation, *recordings.values())
    assert_everything_acted_and_is_explained(installation)
