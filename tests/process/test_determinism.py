"""The same recording gives the same run, whatever the hash seed and the machine's mood."""

import gzip
import itertools
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.process.installation import LIVELY, Installation

DAYS = 2
MINUTES_A_DAY = 1_440
SYMBOL = "BTCUSDT"
SAME = ("positions", "signals", "pnl", "ledger", "conservation", "fingerprint", "ticks", "virtual_seconds")


@pytest.fixture
def recording(recorded_data: Path, installation: Installation) -> list[str]:
    """The first days of what was recorded, and a signal each half hour."""
    source = recorded_data / f"{SYMBOL}-1m-2022-01.csv.gz"
    if not source.exists():
        pytest.skip(f"{source.name} is not there")
    path = installation.directory / f"{SYMBOL}-cut.csv"
    _signals(installation.signals, _cut(source, path))
    return ["--data", str(path), "--signals", str(installation.signals), "--speed", "max", "--json"]


def _cut(source: Path, target: Path) -> int:
    """Copy the first days; gives the time of the first row."""
    with gzip.open(source, "rt", encoding="utf-8") as rows:
        kept = list(itertools.islice(rows, 1 + DAYS * MINUTES_A_DAY))
    target.write_text("".join(kept), encoding="utf-8")
    return int(kept[1].split(",", maxsplit=1)[0])


def _signals(path: Path, start_ms: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        for number in range(2, DAYS * 48):
            moment = datetime.fromtimestamp(start_ms / 1_000 + number * 1_800, tz=UTC)
            raw = {
                "timestamp": re.sub(r"\+.*", "Z", moment.isoformat()),
                "symbol": SYMBOL,
                "side": "BUY" if number % 3 else "SELL",
                "score_week": 80,
                "score_month": 70,
            }
            file.write(json.dumps(raw) + "\n")


def test_a_replay_gives_the_same_result_each_time(installation: Installation, recording: list[str]) -> None:
    installation.environment.update(LIVELY)
    found: list[dict[str, Any]] = []
    for hash_seed in ("7", "1234"):
        done = installation.run("run", *recording, timeout_s=120, PYTHONHASHSEED=hash_seed)
        assert done.code == 0, done.err
        found.append({name: done.json()[name] for name in SAME})

    assert found[0]["positions"]["closed"] > 20
    assert found[0]["ledger"]["unprotected_seconds"] == 0.0
    assert found[1] == found[0]
