"""What ``holdfast status`` and ``holdfast db status`` say beside a running instance, after a stop, and after a kill."""

import random

from tests.process.installation import Installation
from tests.process.signal_writer import SignalWriter
from tests.process.test_full_disk import until_open
from tests.process.test_stopping import CALM


def test_the_status_is_there_while_it_runs_after_it_stopped_and_after_it_was_killed(installation: Installation) -> None:
    installation.environment.update(CALM)
    with installation.start() as life:
        life.until_running()
        SignalWriter(path=installation.signals, symbols=("BTCUSDT",), chance=random.Random(1)).write("BTCUSDT")
        until_open(life, 1)
        running = installation.run("status", "--json")
        shown = installation.run("status")
        records = installation.run("db", "status", "--json")
        life.interrupt()
        life.finished()
    stopped = installation.run("status", "--json")
    with installation.start() as life:
        life.until_running()
        until_open(life, 1)
        life.kill()
    killed = installation.run("status", "--json")
    afterwards = installation.run("db", "status")

    assert (running.code, shown.code, records.code) == (0, 0, 0)
    view = running.json()
    assert (view["health"], view["unprotected"]) == ("HEALTHY", 0)
    assert [position["symbol"] for position in view["positions"]] == ["BTCUSDT"]
    assert "PAPER" in shown.out
    assert "BTCUSDT" in shown.out
    assert records.json()["revision"] == records.json()["head"]
    assert records.json()["rows"]["positions"] == 1
    assert records.json()["unbalanced"] == []
    assert afterwards.code == 0, afterwards.err
    for done in (stopped, killed):
        assert done.code == 3
        assert "no instance runs" in done.err
        assert [position["symbol"] for position in done.json()["positions"]] == ["BTCUSDT"]
        assert done.json()["positions"][0]["protected"]
    assert stopped.json()["note"] == "stopped in order"
    assert killed.json()["note"] == ""
