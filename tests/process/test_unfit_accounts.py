"""What the real command does with an account that does not fit."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from adapters.simulator.wire.dialect import Keys
from adapters.simulator.wire.simulation import Simulation, SimulationOptions
from messages.status import Health
from tests.process.installation import Installation
from tests.process.signal_writer import SignalWriter


@contextmanager
def reached(
    installation: Installation, venue: str, *, hedge: bool = False, may_withdraw: bool = False
) -> Iterator[Installation]:
    """The installation, its settings pointing at a simulated venue."""
    options = SimulationOptions(venue=venue, hedge=hedge, latency_ms=0, keys=Keys(may_withdraw=may_withdraw))
    simulation = Simulation(options)
    simulation.start()
    try:
        name = venue.upper()
        installation.environment[f"{name}_REST_URL"] = simulation.server.rest_url
        installation.environment[f"{name}_WS_URL"] = simulation.server.ws_url
        yield installation
    finally:
        simulation.stop()


def found(rows: list[dict[str, Any]], venue: str) -> dict[str, str]:
    return {row["name"]: row["finding"] for row in rows if row["subject"] == venue}


def test_doctor_finds_nothing_on_an_account_that_fits(installation: Installation) -> None:
    with reached(installation, "bybit"):
        done = installation.run("doctor", "--venue", "bybit", "--json")
    assert done.code == 0, (done.out, done.err)
    checks = found(done.json(), "bybit")
    assert set(checks.values()) == {"fine"}
    assert {"clock", "instruments", "account", "key", "withdrawal", "position mode", "streams"} <= set(checks)


def test_doctor_says_what_is_wrong_and_ends_with_one(installation: Installation) -> None:
    with reached(installation, "okx", hedge=True, may_withdraw=True):
        done = installation.run("doctor", "--venue", "okx", "--json")
    assert done.code == 1, (done.out, done.err)
    checks = found(done.json(), "okx")
    assert {name for name, finding in checks.items() if finding != "fine"} == {"position mode", "withdrawal"}


def test_a_run_does_not_start_in_the_wrong_position_mode(installation: Installation) -> None:
    with reached(installation, "okx", hedge=True):
        done = installation.run("run", "--venue", "okx", "--mode", "paper", "--for", "1s")
    assert done.code == 2, (done.out, done.err)
    assert "one-way mode" in done.err
    assert "OKX_POSITION_MODE=hedge" in done.err


def test_a_run_with_a_key_that_is_not_taken_does_not_start_and_says_what_to_check(installation: Installation) -> None:
    installation.environment["BYBIT_API_KEY"] = "OTHER"
    with reached(installation, "bybit"):
        done = installation.run("run", "--venue", "bybit", "--mode", "shadow", "--for", "1s")
    assert done.code == 3, (done.out, done.err)
    assert "BYBIT_API_KEY" in done.err


def test_production_does_not_start_with_a_key_that_may_withdraw_unless_that_is_allowed(
    installation: Installation,
) -> None:
    run = ("run", "--venue", "bybit", "--mode", "production", "--for", "1s", "--json")
    with reached(installation, "bybit", may_withdraw=True):
        refused = installation.run(*run)
        allowed = installation.run(*run, HOLDFAST_ALLOW_WITHDRAWAL_KEYS="true")
    assert refused.code == 2, (refused.out, refused.err)
    assert "HOLDFAST_ALLOW_WITHDRAWAL_KEYS" in refused.err
    assert allowed.code == 0, (allowed.out, allowed.err)
    assert allowed.json()["mode"] == "production"


def test_an_account_that_cannot_be_used_is_left_out_and_the_others_are_looked_after(installation: Installation) -> None:
    installation.environment["BYBIT_API_KEY"] = "OTHER"
    writer = SignalWriter(path=installation.signals, symbols=())
    with reached(installation, "bybit"), reached(installation, "okx"):
        for venue in ("bybit", "okx"):
            writer.write("BTCUSDT", exchange=venue)
        with installation.start("--venue", "bybit,okx", "--mode", "production") as life:
            life.until(lambda: (view := installation.status()) and view.positions, "a position on okx")
            life.until(lambda: (view := installation.status()) and view.signals_rejected, "the refusal of the other")
            view = installation.status()
            life.interrupt()
            done = life.finished()
    assert done.code == 0, done.err
    assert view is not None
    assert [position.venue for position in view.positions] == ["okx"]
    (out,) = (part for part in view.components if part.name == "exchange/bybit")
    assert (out.health, view.health) == (Health.CRITICAL, Health.CRITICAL)
    assert "BYBIT_API_KEY" in out.detail
    logged = installation.logged()
    assert "CRITICAL - bybit venue_left_out: bybit is left out of this run" in logged
    assert "not looked after" in logged


def test_a_run_does_not_start_when_no_account_can_be_used(installation: Installation) -> None:
    installation.environment |= {"BYBIT_API_KEY": "OTHER", "OKX_API_KEY": "OTHER"}
    with reached(installation, "bybit"), reached(installation, "okx"):
        done = installation.run("run", "--venue", "bybit,okx", "--mode", "shadow", "--for", "1s")
    assert done.code == 3, (done.out, done.err)
    assert all(name in done.err for name in ("BYBIT_API_KEY", "OKX_API_KEY"))
