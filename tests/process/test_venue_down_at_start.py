"""A venue that is away when a run begins: it is looked after as soon as it answers, without a restart of anything."""

from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

import pytest

from messages.status import Health, StatusView
from messages.values import Symbol
from tests.process.installation import Installation
from tests.process.signal_writer import SignalWriter
from tests.process.simulated_venue import SimulatedVenue, record_prices
from tests.process.test_check import buy_by_hand
from tests.process.test_stopping import CALM

BTC = Symbol("BTCUSDT")
ETH = Symbol("ETHUSDT")
FLAT_PRICE = ((600, "0"),)
BACK_WITHIN_S = 90.0


@pytest.mark.timeout(300)
def test_what_is_open_on_a_venue_that_was_away_at_the_start_is_protected_once_it_answers(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "installation", dict(CALM))
    data = [
        part
        for symbol, price in ((BTC, 60_000), (ETH, 3_000))
        for part in ("--data", record_prices(tmp_path / f"{symbol}.csv", Decimal(price), FLAT_PRICE))
    ]
    with ExitStack() as resources:
        away, there = (
            SimulatedVenue(venue=name, directory=tmp_path / name, arguments=data) for name in ("bybit", "okx")
        )
        for venue in (away, there):
            resources.enter_context(venue)
            installation.environment.update(venue.environment)
        buy_by_hand(away, BTC, Decimal("0.01"))
        away.kill()
        writer = SignalWriter(path=installation.signals, symbols=())
        writer.write(ETH, exchange="okx")
        life = resources.enter_context(installation.start("--venue", "bybit,okx", "--mode", "production"))
        life.until(lambda: positions(installation) == {("okx", ETH)}, "a position on the venue that is there")
        meanwhile = status(installation)

        away.start()
        life.until(lambda: protected(installation) >= {("bybit", BTC)}, "its protection", timeout_s=BACK_WITHIN_S)
        life.until(lambda: not ailing(installation), "the venue to be open", timeout_s=BACK_WITHIN_S)
        writer.write(ETH, exchange="bybit")
        life.until(lambda: ("bybit", ETH) in protected(installation), "an opening there", timeout_s=BACK_WITHIN_S)
        life.interrupt()
        done = life.finished()
        with away.exchange() as exchange:
            stops = {order.symbol for order in exchange.engine.state.orders.all_working() if order.is_stop}

    assert done.code == 0, done.err
    (component,) = (part for part in meanwhile.components if part.name == "exchange/bybit")
    assert component.health is Health.DEGRADED
    assert "could not be checked yet" in component.detail
    assert stops == {BTC, ETH}
    logged = installation.logged()
    assert "CRITICAL - bybit account_unchecked: bybit is out of reach" in logged
    assert "INFO - bybit account_fit: bybit answers" in logged


def status(installation: Installation) -> StatusView:
    view = installation.status()
    assert view is not None
    return view


def ailing(installation: Installation) -> list[str]:
    return [part.name for part in status(installation).components if part.health is not Health.HEALTHY]


def positions(installation: Installation) -> set[tuple[str, str]]:
    view = installation.status()
    return {(each.venue, each.symbol) for each in view.positions} if view is not None else set()


def protected(installation: Installation) -> set[tuple[str, str]]:
    view = installation.status()
    found = view.positions if view is not None else ()
    return {(each.venue, each.symbol) for each in found if each.protected}
