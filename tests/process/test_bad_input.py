"""Wrong input of every kind: a clear text, the exit code that scripts expect, and nothing lost."""

import gzip
import json
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from adapters.candles import CANDLE_HEADER
from persistence.queries import Queries
from persistence.store import SqlStore
from tests.postgres import Databases
from tests.process.installation import Installation

WRONG_USAGE, OUT_OF_REACH = 2, 3
DATABASE = "holdfast.sqlite3"
HEADER = ",".join(CANDLE_HEADER)
SECRET = "hush-hush"  # noqa: S105 - made up here


def a_row(start_ms: int = 1_641_000_000_000) -> str:
    return f"{start_ms},42000,42100,41900,42050,12.5\n"


# --- arguments and settings -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--speed", "fast"), "--speed is fast: allowed is"),
        (("--speed", "-1"), "--speed is -1: allowed is"),
        (("--for", "tomorrow"), "--for is tomorrow: allowed is"),
        (("--for", "0s"), "--for is 0s: allowed is"),
        (("--mode", "turbo"), "HOLDFAST_MODE is 'turbo' (command line): allowed is"),
        (("--no-such-option",), "--no-such-option"),
        (("--env-file", "missing.env"), "missing.env"),
    ],
)
def test_a_wrong_argument_is_refused_with_what_is_allowed(
    installation: Installation, arguments: tuple[str, ...], told: str
) -> None:
    done = installation.run("run", *arguments)

    assert done.code == WRONG_USAGE
    assert told in done.err
    assert "Traceback" not in done.err
    assert not installation.data_dir.exists()


def test_a_port_that_is_none_is_refused_with_what_is_allowed(installation: Installation) -> None:
    done = installation.run("simulate", "bybit", "--port", "99999")

    assert done.code == WRONG_USAGE
    assert "65535" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("what", [("bybit",), ("signals", "--file", "signals.jsonl")])
def test_a_port_that_is_taken_is_told_in_one_line(installation: Installation, what: tuple[str, ...]) -> None:
    installation.signals.parent.mkdir(parents=True, exist_ok=True)
    installation.signals.touch()
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        done = installation.run("simulate", *what, "--port", str(taken.getsockname()[1]))

    assert done.code == OUT_OF_REACH
    assert done.err.startswith("cannot listen on ")
    assert len(done.err.strip().splitlines()) == 1


def test_a_signal_file_that_is_not_there_yet_is_told(installation: Installation) -> None:
    done = installation.run("run", "--signals", "signlas.jsonl", "--for", "1s")

    assert done.code == 0, done.err
    assert "signlas.jsonl is not there yet: nothing is opened until it is" in done.err


def test_every_wrong_setting_is_told_at_once(installation: Installation) -> None:
    installation.environment.update(STOP_LOSS_PERCENT="much", PAPER_LATENCY_MS="-3", LEVERAGE="0")

    done = installation.run("run")

    assert done.code == WRONG_USAGE
    assert all(name in done.err for name in ("STOP_LOSS_PERCENT", "PAPER_LATENCY_MS", "LEVERAGE"))
    assert "Traceback" not in done.err


def test_a_symbol_that_the_paper_venue_does_not_list_is_refused_with_those_it_does(installation: Installation) -> None:
    done = installation.run("run", PAPER_SYMBOLS="BTCUSDT,NOSUCHUSDT")

    assert done.code == WRONG_USAGE
    assert "NOSUCHUSDT" in done.err
    assert "ETHUSDT" in done.err


def test_a_misspelt_name_in_the_env_file_is_warned_about_with_the_nearest(installation: Installation) -> None:
    (installation.directory / ".env").write_text("POSITON_SIZE_USD=150\nnonsense\n", encoding="utf-8")

    done = installation.run("run", "--for", "1s", "--json")

    assert done.code == 0, done.err
    assert "POSITON_SIZE_USD is not a setting; did you mean POSITION_SIZE_USD?" in done.err
    assert ".env, line 2: not a setting" in done.err


# --- recordings -------------------------------------------------------------------------------------------------------


def missing(_: Path) -> None:
    """There is no such file."""


def empty(path: Path) -> None:
    path.write_bytes(b"")


def without_rows(path: Path) -> None:
    path.write_text(f"{HEADER}\n", encoding="utf-8")


def with_another_header(path: Path) -> None:
    path.write_text("time,price\n1,2\n", encoding="utf-8")


def with_a_word_for_a_price(path: Path) -> None:
    path.write_text(f"{HEADER}\n{a_row()}1641000060000,42000,42100,41900,high,1\n", encoding="utf-8")


def cut_short(path: Path) -> None:
    rows = "".join(a_row(1_641_000_000_000 + 60_000 * number) for number in range(200))
    path.write_bytes(gzip.compress(f"{HEADER}\n{rows}".encode())[:-20])


@pytest.mark.parametrize(
    ("spoil", "name", "told"),
    [
        (missing, "BTCUSDT-1m.csv", "BTCUSDT-1m.csv"),
        (empty, "BTCUSDT-1m.csv", "empty"),
        (without_rows, "BTCUSDT-1m.csv", "no row"),
        (with_another_header, "BTCUSDT-1m.csv", HEADER),
        (with_a_word_for_a_price, "BTCUSDT-1m.csv", "line 3"),
        (cut_short, "BTCUSDT-1m.csv.gz", "not a complete gzip file"),
    ],
)
def test_a_recording_that_cannot_be_used_is_named_with_what_is_wrong(
    installation: Installation, spoil: Callable[[Path], None], name: str, told: str
) -> None:
    path = installation.directory / name
    spoil(path)

    done = installation.run("run", "--data", str(path), "--speed", "max", "--json")

    assert done.code == WRONG_USAGE
    assert told in done.err
    assert name in done.err
    assert done.out == ""
    assert "Traceback" not in done.err


# --- signals ----------------------------------------------------------------------------------------------------------


def test_each_malformed_signal_has_its_fate_and_the_good_ones_among_them_are_taken(installation: Installation) -> None:
    now = datetime.now(tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    good = {"timestamp": now, "symbol": "BTCUSDT", "side": "BUY", "score_week": 80, "score_month": 70}
    malformed = [
        "this is no JSON",
        '["a", "list"]',
        '{"id": "cut", "timestamp": "2022-01-',
        json.dumps(good | {"id": "side", "side": "HOLD"}),
        json.dumps(good | {"id": "no symbol", "symbol": None}),
        json.dumps(good | {"id": "number", "score_week": "high"}),
        json.dumps(good | {"id": "nan"}).replace("80", "NaN"),
        json.dumps(good | {"id": "old", "timestamp": "2022-01-03T10:15:00Z"}),
        json.dumps(good | {"id": "zoneless", "timestamp": "2022-01-03T10:15:00"}),
        json.dumps(good | {"id": "elsewhere", "exchange": "nowhere"}),
        json.dumps(good | {"id": "unlisted", "symbol": "NOSUCHUSDT"}),
        json.dumps(good | {"id": "crossed", "sl": "90000", "entry": "60000"}),
        '{"deep":' + "[" * 20_000 + "]" * 20_000 + "}",
        "x" * 70_000,
    ]
    lines = [*malformed[:7], json.dumps(good | {"id": "first"}), *malformed[7:]]
    lines.append(json.dumps(good | {"id": "second", "symbol": "ETHUSDT"}))
    content = "\n".join(lines).encode() + b'\n{"id": "\xff\xfe"}\n'
    installation.signals.write_bytes(content)

    with installation.start() as life:
        life.until_running()
        queries = Queries(SqlStore(f"sqlite:///{installation.data_dir / DATABASE}", "main"))
        life.until(lambda: len(queries.signals()) == len(malformed) + 3, "a fate for each line")
        life.until(lambda: (view := installation.status()) is not None and len(view.positions) == 2, "both positions")
        life.interrupt()
        done = life.finished()

    fates = queries.signals()
    assert done.code == 0, done.err
    assert {fate.signal_id for fate in fates if fate.verdict == "accepted"} == {"first", "second"}
    assert all(fate.reason for fate in fates if fate.verdict == "rejected")
    assert done.json()["signals"] == {"accepted": 2, "rejected": len(malformed) + 1}


# --- the database and the data directory ------------------------------------------------------------------------------


def test_a_database_that_was_never_reached_is_a_mistake_in_the_settings(installation: Installation) -> None:
    done = installation.run("run", "--for", "1s", DATABASE_URL=f"postgresql://holdfast:{SECRET}@127.0.0.1:1/records")

    assert done.code == OUT_OF_REACH
    assert "check that the database server runs and that host and port are right" in done.err
    assert SECRET not in done.err
    assert "Traceback" not in done.err


def test_a_login_that_is_refused_says_so(installation: Installation, postgresql: Databases) -> None:
    url = postgresql.fresh().set(username="nobody_of_that_name", password=SECRET)

    done = installation.run("run", "--for", "1s", DATABASE_URL=url.render_as_string(hide_password=False))

    assert done.code == OUT_OF_REACH
    assert "check the database's name, user and password" in done.err
    assert SECRET not in done.err


@pytest.mark.parametrize(
    ("url", "command"), [("mysql://host/records", ("run", "--for", "1s")), ("nonsense", ("db", "status"))]
)
def test_an_address_that_is_none_is_refused(installation: Installation, url: str, command: tuple[str, ...]) -> None:
    done = installation.run(*command, DATABASE_URL=url)

    assert done.code == WRONG_USAGE
    assert "DATABASE_URL" in done.err
    assert "Traceback" not in done.err


def test_a_database_of_a_later_version_is_left_as_it_is(installation: Installation) -> None:
    assert installation.run("run", "--for", "1s").code == 0
    engine = create_engine(f"sqlite:///{installation.data_dir / DATABASE}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE schema_version SET version_num = '9999'"))
    engine.dispose()
    before = _dump(installation.data_dir / DATABASE)

    commands = [("run", "--for", "1s"), ("db", "status"), ("db", "upgrade")]
    ended = [installation.run(*command) for command in commands]

    assert [done.code for done in ended] == [OUT_OF_REACH] * 3
    assert all("install the version of Holdfast that wrote this database, or a later one" in done.err for done in ended)
    assert not any("Traceback" in done.err for done in ended)
    assert _dump(installation.data_dir / DATABASE) == before


@pytest.mark.parametrize("name", [DATABASE, "paper.sqlite3"])
def test_a_file_that_is_no_database_is_named_and_left_as_it_is(installation: Installation, name: str) -> None:
    installation.data_dir.mkdir()
    content = b"this was a shopping list once\n" * 500
    (installation.data_dir / name).write_bytes(content)

    done = installation.run("run", "--for", "1s")

    assert done.code == OUT_OF_REACH
    assert "database" in done.err
    assert "Traceback" not in done.err
    assert (installation.data_dir / name).read_bytes() == content


def test_a_data_directory_that_is_a_file_is_refused(installation: Installation) -> None:
    installation.data_dir.write_text("not a directory", encoding="utf-8")

    done = installation.run("run", "--for", "1s")

    assert done.code == OUT_OF_REACH
    assert str(installation.data_dir) in done.err
    assert "--data-dir" in done.err
    assert "Traceback" not in done.err


def test_what_is_asked_of_an_empty_directory_says_that_nothing_ran_there(installation: Installation) -> None:
    done = installation.run("status", "--json")

    assert done.code == OUT_OF_REACH
    assert "no instance has run" in done.err


def _dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())
