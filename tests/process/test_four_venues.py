"""One wave on four venues at once, each a process of its own behind a network; judged by the venues' own books."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.simulator.paper import PaperExchange
from messages.orders import OrderStatus
from messages.values import OrderKind, Symbol
from tests.process.installation import LIVELY, Installation
from tests.process.signal_writer import SignalWriter
from tests.process.simulated_venue import VENUES, SimulatedVenue, record_prices

LATENCY_MS = 150
"""The longest way; the shortest is a quarter of it."""
WORST_ROUND_TRIP_S = 2 * LATENCY_MS / 1_000
SWINGS = 6
RISES = ((16, "0"), *(((16, "1.0"), (16, "-1.0")) * SWINGS))
FALLS = ((16, "0"), *(((16, "-1.0"), (16, "1.0")) * SWINGS))
"""Time to open, then ways to beyond the first take profit and back through every stop.

A late start meets a later swing."""
WAVE = ((Symbol("BTCUSDT"), "BUY"), (Symbol("ETHUSDT"), "SELL"))
ENDS_WITHIN_S = 180.0
PROFITS = 2
WELL_BEYOND = Decimal("0.003")
SIGNALS = len(VENUES) * len(WAVE)


@pytest.mark.timeout(300)
def test_a_wave_on_four_venues_is_opened_protected_trailed_and_closed(tmp_path: Path) -> None:
    data = (
        record_prices(tmp_path / "BTCUSDT.csv", Decimal(60_000), RISES),
        record_prices(tmp_path / "ETHUSDT.csv", Decimal(3_000), FALLS),
    )
    options = ("--latency-ms", str(LATENCY_MS), *(part for each in data for part in ("--data", each)))
    installation = Installation(tmp_path / "installation", dict(LIVELY))
    with ExitStack() as resources:
        venues = [
            SimulatedVenue(venue=venue, directory=tmp_path / venue, arguments=("--seed", str(seed), *options))
            for seed, venue in enumerate(VENUES)
        ]
        for venue in venues:
            resources.callback(venue.kill)
            venue.launch()
        for venue in venues:
            venue.until_listening()
            installation.environment.update(venue.environment)
        writer = SignalWriter(path=installation.signals, symbols=())
        for venue in venues:
            for symbol, side in WAVE:
                writer.write(symbol, side, exchange=venue.venue)
        life = resources.enter_context(installation.start("--venue", ",".join(VENUES)))
        life.until(lambda: all(map(is_over, venues)), "the end of the wave", timeout_s=ENDS_WITHIN_S)
        life.until(lambda: (view := installation.status()) and not view.positions, "the last close to be on record")
        life.interrupt()
        done = life.finished()
        ledgers = {venue.venue: venue.ledger() for venue in venues}
        lives: list[Life] = []
        for venue in venues:
            with venue.exchange() as exchange:
                lives += lives_of(exchange)
                assert not list(exchange.engine.state.orders.all_working()), venue.venue

    assert done.code == 0, done.err
    assert len(lives) == SIGNALS
    assert all(life.had_a_stop and life.take_profits >= PROFITS for life in lives), lives
    assert any(life.trailed for life in lives), lives
    report = done.json()
    assert report["signals"] == {"accepted": SIGNALS, "rejected": 0}
    assert (report["positions"]["closed"], report["positions"]["open"]) == (SIGNALS, 0)
    for name, ledger in ledgers.items():
        assert (ledger["duplicate_orders"], ledger["zombie_orders"]) == (0, 0), (name, ledger)
        if name == "binance":
            assert ledger["worst_window_seconds"] < 2 * WORST_ROUND_TRIP_S, ledger
        else:
            assert ledger["unprotected_seconds"] == 0.0, (name, ledger)


def is_over(venue: SimulatedVenue) -> bool:
    """Every position of the wave was opened, and none is left."""
    book = venue.written_ledger()
    if not book:
        return False
    with venue.exchange() as exchange:
        ledger = exchange.ledger_snapshot()
    return (ledger["positions_opened"], ledger["positions_open"]) == (len(WAVE), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What a position had, by the venue's book; ``trailed``: a stop that was well beyond breakeven ended it."""

    had_a_stop: bool
    take_profits: int
    trailed: bool


def lives_of(exchange: PaperExchange) -> Iterator[Life]:
    """Of each position of the wave on one venue."""
    for symbol, side in WAVE:
        orders = exchange.engine.state.orders.known(symbol)
        entry = next(order for order in orders if order.kind is OrderKind.MARKET and not order.reducing)
        paid = entry.filled_cost / entry.filled_quantity
        better = 1 if side == "BUY" else -1
        stops = [order for order in orders if order.is_stop]
        filled = [order.trigger_price for order in stops if order.status is OrderStatus.FILLED]
        yield Life(
            had_a_stop=bool(stops),
            take_profits=sum(order.kind is OrderKind.TAKE_PROFIT_MARKET for order in orders),
            trailed=any(level is not None and (level / paid - 1) * better > WELL_BEYOND for level in filled),
        )
