from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest

from messages.run_report import (
    ClosedTrade,
    ConservationTotals,
    LedgerTotals,
    PnlTotals,
    PositionCounts,
    RunReport,
    SignalCounts,
    fingerprint,
)
from messages.settings import Mode
from messages.state import CloseReason
from messages.values import Side, Symbol, Venue

A_TRADE = ClosedTrade(
    venue=Venue("paper"),
    symbol=Symbol("BTCUSDT"),
    side=Side.LONG,
    opened_ms=1,
    closed_ms=2,
    quantity=Decimal("0.010"),
    entry_price=Decimal(42000),
    exit_price=Decimal(42417),
    realized_pnl=Decimal("4.17"),
    commission=Decimal("0.5"),
    funding=Decimal(0),
    close_reason=CloseReason.TRAILING,
)
ANOTHER = replace(A_TRADE, symbol=Symbol("ETHUSDT"))


def test_the_order_of_the_trades_does_not_change_the_fingerprint() -> None:
    assert fingerprint([A_TRADE, ANOTHER]) == fingerprint([ANOTHER, A_TRADE])


@pytest.mark.parametrize("same", ["0.01", "0.0100", "1E-2"])
def test_the_spelling_of_a_number_does_not_change_the_fingerprint(same: str) -> None:
    assert fingerprint([replace(A_TRADE, quantity=Decimal(same))]) == fingerprint([A_TRADE])


def test_a_zero_has_one_spelling() -> None:
    assert fingerprint([replace(A_TRADE, funding=Decimal("-0.00"))]) == fingerprint([A_TRADE])


@pytest.mark.parametrize(
    "other",
    [
        replace(A_TRADE, exit_price=Decimal("42417.00000001")),
        replace(A_TRADE, closed_ms=3),
        replace(A_TRADE, close_reason=CloseReason.STOP_LOSS),
        replace(A_TRADE, side=Side.SHORT),
        replace(A_TRADE, commission=Decimal("-0.5")),
        replace(A_TRADE, quantity=Decimal(100)),
    ],
)
def test_any_other_value_changes_the_fingerprint(other: ClosedTrade) -> None:
    assert fingerprint([other]) != fingerprint([A_TRADE])


def test_the_same_trade_twice_is_not_the_same_as_once() -> None:
    assert fingerprint([A_TRADE, A_TRADE]) != fingerprint([A_TRADE])


def test_the_report_has_the_names_that_scripts_rely_on() -> None:
    report = RunReport(
        mode=Mode.PAPER,
        virtual_seconds=60.0,
        real_seconds=0.5,
        ticks=240,
        positions=PositionCounts(opened=1, closed=1),
        signals=SignalCounts(accepted=1),
        pnl=PnlTotals(net=Decimal("3.67"), gross=Decimal("4.17"), commission=Decimal("0.5")),
        ledger=LedgerTotals(),
        conservation=ConservationTotals(),
        fingerprint=fingerprint([A_TRADE]),
    )
    decoded = msgspec.json.decode(msgspec.json.encode(report))
    assert set(decoded) >= {"mode", "virtual_seconds", "real_seconds", "ticks", "fingerprint"}
    assert set(decoded["positions"]) >= {"opened", "closed", "open", "rolled_back"}
    assert set(decoded["signals"]) >= {"accepted", "rejected"}
    assert decoded["pnl"] == {"net": "3.67", "gross": "4.17", "commission": "0.5", "funding": "0"}
    assert set(decoded["ledger"]) >= {
        "unprotected_seconds",
        "worst_window_seconds",
        "duplicate_orders",
        "zombie_orders",
    }
    assert set(decoded["conservation"]) >= {"told", "handled", "dead_lettered", "queued"}
