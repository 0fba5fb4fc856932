"""However it is asked to stop, the process stops in order, soon, and leaves stops at the venue and a last status."""

import random
import sys
from collections.abc import Callable

import pytest

from adapters.instance_lock import LOCK_FILE
from messages.values import OrderKind
from persistence.store import SqlStore
from tests.process.books import books_of, disagreements, venue_of
from tests.process.installation import LIVELY, Installation, Life
from tests.process.signal_writer import SignalWriter

STOPS_WITHIN_S = 20.0
CALM = {**LIVELY, "PAPER_VOLATILITY_PERCENT": "1", "PAPER_LATENCY_MS": "10", "STOP_LOSS_PERCENT": "3"}


@pytest.fixture
def calm(installation: Installation) -> Installation:
    """A market in which a position stays open for as long as a test lasts."""
    installation.environment.update(CALM)
    return installation


def until_a_position(life: Life) -> None:
    """Send one signal, and wait until its position is open and protected."""
    installation = life.installation
    SignalWriter(path=installation.signals, symbols=("BTCUSDT",), chance=random.Random(1)).write("BTCUSDT")

    def is_protected() -> bool:
        view = installation.status()
        return view is not None and any(position.protected and position.quantity for position in view.positions)

    life.until(is_protected, "a protected position")


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(Life.interrupt, id="Ctrl-C"),
        pytest.param(
            Life.terminate,
            id="SIGTERM",
            marks=pytest.mark.skipif(sys.platform == "win32", reason="there it cannot be told from a kill"),
        ),
    ],
)
def test_a_process_that_is_asked_to_stop_does_so_in_order_and_leaves_its_stops(
    calm: Installation, ask: Callable[[Life], None]
) -> None:
    with calm.start() as life:
        until_a_position(life)
        ask(life)
        done = life.finished(timeout_s=STOPS_WITHIN_S)

    assert done.code == 0, done.err
    report = done.json()
    assert report["positions"]["open"] == 1
    counted = report["conservation"]
    assert counted["told"] == counted["handled"] + counted["dead_lettered"] + counted["queued"]
    with venue_of(calm.data_dir, alive=False) as venue:
        orders = venue.engine.account(None, taken_ms=0).orders
        ledger = venue.ledger_snapshot()
    assert [order.kind for order in orders].count(OrderKind.STOP_MARKET) == 1
    assert ledger["unprotected_seconds"] == 0.0
    last = calm.status()
    assert last is not None
    assert [position.protected for position in last.positions] == [True]


def test_the_next_start_finds_everything_as_it_was(calm: Installation) -> None:
    with calm.start() as life:
        until_a_position(life)
        life.interrupt()
        life.finished(timeout_s=STOPS_WITHIN_S)
    before = calm.status()

    with calm.start() as life:
        life.until_running()
        life.until(lambda: (now := calm.status()) is not None and now.positions, "the position to be known")
        view = calm.status()
        store = SqlStore(f"sqlite:///{calm.data_dir / 'holdfast.sqlite3'}", "main")
        with books_of(calm.data_dir, store, alive=True) as books:
            problems = disagreements(books)
        store.close()

    assert before is not None
    assert view is not None
    assert [each.position_id for each in view.positions] == [each.position_id for each in before.positions]
    assert problems == []


def test_a_second_instance_is_refused_with_the_pid_of_the_first(calm: Installation) -> None:
    with calm.start() as life:
        life.until_running()
        second = calm.run("run", "--for", "1s")
        listed = calm.run("run", "--check-instances", "--json")
        still_there = life.is_running() and not life.ended_within(0)

    assert second.code == 3
    assert f"pid {life.process.pid} " in second.err
    assert "--force" in second.err
    assert listed.code == 1
    assert life.process.pid in [instance["pid"] for instance in listed.json()]
    assert still_there


def test_a_forced_start_lets_the_first_instance_stop_in_order(calm: Installation) -> None:
    with calm.start() as first:
        until_a_position(first)
        with calm.start("--force") as second:
            done = first.finished(timeout_s=STOPS_WITHIN_S)
            second.until_running()
            view = calm.status()
            told = second.told()

    assert done.code == 0, done.err
    assert done.json()["positions"]["open"] == 1
    assert f"pid {first.process.pid} " in told
    assert view is not None
    assert view.unprotected == 0


def test_a_lock_that_a_killed_process_left_is_no_obstacle(calm: Installation) -> None:
    with calm.start() as life:
        life.until_running()
        life.kill()
    assert (calm.data_dir / LOCK_FILE).exists()

    assert calm.run("run", "--for", "1s", "--json").code == 0


@pytest.mark.parametrize("arguments", [(), ("--json",)], ids=["log", "json"])
def test_a_terminal_that_is_gone_stops_nothing(calm: Installation, arguments: tuple[str, ...]) -> None:
    with calm.start_with_nobody_reading(*arguments) as life:
        until_a_position(life)
        life.interrupt()
        code = life.process.wait(timeout=STOPS_WITHIN_S)

    last = calm.status()
    assert last is not None
    assert [position.protected for position in last.positions] == [True]
    assert code == 0, calm.logged()
