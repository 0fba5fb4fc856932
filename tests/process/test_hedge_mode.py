"""Accounts in hedge mode, and beside them one that is not, under the real command; judged by the venues' own books."""

from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

import pytest

from messages.orders import OrderStatus
from messages.values import Side, Symbol
from tests.process.installation import LIVELY, Installation
from tests.process.signal_writer import SignalWriter
from tests.process.simulated_venue import VENUES, SimulatedVenue, record_prices

ONE_WAY = "okx"
BTC = Symbol("BTCUSDT")
SWINGS = 6
PATH = ((16, "0"), *(((16, "1.0"), (16, "-1.0")) * SWINGS))
"""Time to open, then ways through the stops of both sides. A late start meets a later swing."""
ENDS_WITHIN_S = 180.0


def sides_of(venue: str) -> dict[Side, str]:
    return {Side.LONG: "BUY"} if venue == ONE_WAY else {Side.LONG: "BUY", Side.SHORT: "SELL"}


@pytest.mark.timeout(300)
def test_both_sides_are_opened_protected_and_closed_where_the_account_is_in_hedge_mode(tmp_path: Path) -> None:
    data = record_prices(tmp_path / "BTCUSDT.csv", Decimal(60_000), PATH)
    installation = Installation(tmp_path / "installation", {**LIVELY, "OKX_POSITION_MODE": "one-way"})
    with ExitStack() as resources:
        venues: list[SimulatedVenue] = []
        for name in VENUES:
            hedge, options = name != ONE_WAY, ("--data", data)
            venue = SimulatedVenue(venue=name, directory=tmp_path / name, arguments=options, hedge=hedge)
            venues.append(venue)
            resources.callback(venue.kill)
            venue.launch()
        writer = SignalWriter(path=installation.signals, symbols=())
        for venue in venues:
            venue.until_listening()
            installation.environment.update(venue.environment)
            for side in sides_of(venue.venue).values():
                writer.write(BTC, side, exchange=venue.venue)
        life = resources.enter_context(installation.start("--venue", ",".join(VENUES), "--position-mode", "hedge"))
        life.until(lambda: all(map(is_over, venues)), "every position to be closed", timeout_s=ENDS_WITHIN_S)
        life.until(lambda: (view := installation.status()) and not view.positions, "the last close to be on record")
        life.interrupt()
        done = life.finished()
        for venue in venues:
            with venue.exchange() as exchange:
                state = exchange.engine.state
                assert not list(state.orders.all_working()), venue.venue
                orders = state.orders.known(BTC)
            held = {order.hedge_side for order in orders if order.is_stop and order.status is OrderStatus.FILLED}
            assert held == ({Side.LONG, Side.SHORT} if venue.hedge else {None})
            ledger = venue.ledger()
            assert (ledger["duplicate_orders"], ledger["zombie_orders"]) == (0, 0), (venue.venue, ledger)
            if venue.venue != "binance":
                assert ledger["unprotected_seconds"] == 0.0, (venue.venue, ledger)
    assert done.code == 0, done.err
    signals = sum(len(sides_of(venue)) for venue in VENUES)
    report = done.json()
    assert report["signals"] == {"accepted": signals, "rejected": 0}
    assert (report["positions"]["closed"], report["positions"]["open"]) == (signals, 0)
    assert report["ticks"] > signals


def is_over(venue: SimulatedVenue) -> bool:
    """Every position was opened, and none is left."""
    if not venue.written_ledger():
        return False
    with venue.exchange() as exchange:
        ledger = exchange.ledger_snapshot()
    return (ledger["positions_opened"], ledger["positions_open"]) == (len(sides_of(venue.venue)), 0)


def test_the_paper_venue_holds_both_sides_in_hedge_mode_and_keeps_its_mode_while_anything_is_open(
    installation: Installation,
) -> None:
    installation.environment |= {"PAPER_VOLATILITY_PERCENT": "0.1"}
    writer = SignalWriter(path=installation.signals, symbols=())
    writer.write(BTC, "BUY")
    writer.write(BTC, "SELL")
    with installation.start("--position-mode", "hedge") as life:
        life.until(
            lambda: (view := installation.status()) and len(view.positions) == len(Side) and not view.unprotected,
            "a protected position on each side",
        )
        life.interrupt()
        life.finished()
    done = installation.run("run", "--for", "1s")
    assert done.code == 3, (done.out, done.err)
    assert "POSITION_MODE=hedge" in done.err
