"""F23 and F29 with the real process and a real signal server: waves twice, rubbish, too many, and a kill among them."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from adapters.simulator.signal_server import SignalServer, SignalServerOptions
from tests.process.installation import Installation

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "LINKUSDT", "LTCUSDT")
EVERY_MINUTE = ",".join(str(minute) for minute in range(60))
TOKEN = "let-me-in"  # noqa: S105 - made up here
NEXT_CHECK_S = 150.0
"""Around a quarter of an hour the candle that closed last is looked for from the next minute on."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SignalServer]:
    with ExitStack() as resources:
        file = tmp_path / "served.jsonl"
        file.touch()
        server = SignalServer(SignalServerOptions(file=file, token=TOKEN, fresh=True))
        server.start()
        resources.callback(server.stop)
        yield server


@pytest.fixture
def installation(tmp_path: Path, server: SignalServer) -> Installation:
    environment = {
        "SIGNAL_WS_URL": server.url,
        "SIGNAL_WS_TOKEN": TOKEN,
        "WAVE_CHECK_MINUTES": EVERY_MINUTE,
        "PAPER_SYMBOLS": ",".join(SYMBOLS),
        "PAPER_VOLATILITY_PERCENT": "0.01",
    }
    return Installation(tmp_path / "installation", environment, follows_file=False)


def serve(tmp_path: Path, *rows: object) -> None:
    with (tmp_path / "served.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)


def a_row(symbol: str, **changes: object) -> dict[str, object]:
    return {"symbol": symbol, "side": "BUY", "timestamp": "", "score_week": 80, "score_month": 70} | changes


def fates(installation: Installation) -> list[tuple[str, str, str]]:
    """Verdict, symbol and reason of every signal on record."""
    path = installation.data_dir / "holdfast.sqlite3"
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        try:
            return connection.execute("select verdict, symbol, reason from signals_log").fetchall()
        except sqlite3.OperationalError:  # before its schema is there
            return []


def undecided(installation: Installation) -> int:
    """How many entries may still be on their way: one is proven lost when its longest life is over, after 30 s."""
    path = installation.data_dir / "holdfast.sqlite3"
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        (number,) = connection.execute("select count(*) from positions where phase = 'pending_entry'").fetchone()
        return int(number)


def opened(installation: Installation) -> set[str]:
    return {symbol for verdict, symbol, _ in fates(installation) if verdict == "accepted"}


def test_a_wave_with_rubbish_in_it_is_opened_once_also_when_the_process_is_killed_in_it(
    tmp_path: Path, installation: Installation, server: SignalServer
) -> None:
    good = [a_row(symbol) for symbol in SYMBOLS[:3]]
    serve(tmp_path, *good, *good, "rubbish", 7, a_row("NOPEUSDT"), a_row("BTCUSDT", side="UP"), a_row("ETHUSDT", sl=-1))
    with installation.start() as life:
        life.until(lambda: opened(installation), "a first position", timeout_s=NEXT_CHECK_S)
        life.kill()
    with installation.start() as life:
        life.until_running()
        life.until(lambda: opened(installation) == set(SYMBOLS[:3]), "three positions", timeout_s=NEXT_CHECK_S)
        server.send_raw("more rubbish")
        server.cut()
        life.until(lambda: not undecided(installation), "the fate of each entry")
        life.until(lambda: (view := installation.status()) and not view.unprotected, "everything protected")
        life.terminate()
        report = life.finished().json()
    # An entry that was not sent before the kill is rolled back, and its signal is not taken a second time (S5).
    assert report["positions"]["open"] + report["positions"]["rolled_back"] == 3
    assert report["signals"]["accepted"] == 3
    assert report["ledger"]["duplicate_orders"] == 0
    reasons = {reason for verdict, _, reason in fates(installation) if verdict == "rejected"}
    assert {"a signal is a JSON object, not str", "side is 'UP', not BUY or SELL"} <= reasons
    assert any("NOPEUSDT is not traded" in reason for reason in reasons)


def test_of_a_storm_exactly_as_many_are_opened_as_are_allowed_and_each_has_its_fate(
    tmp_path: Path, installation: Installation
) -> None:
    installation.environment |= {"MAX_POSITIONS": "4"}
    rows = [a_row(SYMBOLS[number % len(SYMBOLS)], id=f"s{number}", score_week=number) for number in range(100)]
    serve(tmp_path, *rows)
    with installation.start() as life:
        life.until(lambda: len(fates(installation)) == 100, "a fate for each", timeout_s=NEXT_CHECK_S)
        life.terminate()
        report = life.finished().json()
    assert report["positions"]["open"] == len(opened(installation)) == 4
    assert report["signals"] == {"accepted": 4, "rejected": 96}
    assert report["ledger"]["duplicate_orders"] == 0


def test_a_wrong_token_is_said_clearly_and_the_process_lives_on(
    installation: Installation, server: SignalServer
) -> None:
    installation.environment |= {"SIGNAL_WS_TOKEN": "not-that-one"}
    with installation.start() as life:
        life.until(lambda: "does not know our token; SIGNAL_WS_TOKEN is wrong" in installation.logged(), "the error")
        life.until_running()
        assert server.refused == 1
