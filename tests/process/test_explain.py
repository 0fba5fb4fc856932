"""What ``holdfast explain`` says beside a running instance, of an open position and of none."""

import random

from tests.process.installation import Installation
from tests.process.signal_writer import SignalWriter
from tests.process.test_full_disk import until_open
from tests.process.test_stopping import CALM


def test_a_position_is_explained_beside_the_instance_that_holds_it(installation: Installation) -> None:
    installation.environment.update(CALM)
    before = installation.run("explain", "paper/BTCUSDT")
    with installation.start() as life:
        life.until_running()
        SignalWriter(path=installation.signals, symbols=("BTCUSDT",), chance=random.Random(1)).write("BTCUSDT")
        until_open(life, 1)
        shown = installation.run("explain", "paper/BTCUSDT")
        story = installation.run("explain", "paper/BTCUSDT", "--json")
        missing = installation.run("explain", "paper/ETHUSDT")
        life.interrupt()
        life.finished()

    assert (before.code, shown.code, story.code, missing.code) == (3, 0, 0, 1), before.err
    assert "there are no records in" in before.err
    assert "holdfast run" in before.err
    orders = [step for step in story.json()["steps"] if step["what"] == "order"]
    assert {order["rule"] for order in orders} >= {"signal", "take_profit"}
    for order in orders:
        assert order["inputs"]
    entry = next(order for order in orders if order["rule"] == "signal")
    assert entry["requests"][0]["answer"] == "OrderAccepted"
    assert "why: signal" in shown.out
    assert "no position 'paper/ETHUSDT' is on record" in missing.err
