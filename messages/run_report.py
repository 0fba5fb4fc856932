"""What a run did, as one value: printed by ``holdfast run --json``, stable for scripts.

msgspec encodes a :class:`RunReport` as it is, Decimals as strings; fields may be added, never renamed.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from messages.settings import Mode
from messages.state import CloseReason
from messages.values import ZERO, Money, Price, Quantity, Side, Symbol, Venue


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionCounts:
    """Positions by what became of them."""

    opened: int = 0
    closed: int = 0
    open: int = 0
    rolled_back: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalCounts:
    """Signals by their fate."""

    accepted: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PnlTotals:
    """USD. ``net`` is ``gross`` less ``commission`` plus ``funding`` (which is negative when paid)."""

    net: Money = ZERO
    gross: Money = ZERO
    commission: Money = ZERO
    funding: Money = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerTotals:
    """What the venue itself counted, not what Holdfast believes."""

    unprotected_seconds: float = 0.0
    worst_window_seconds: float = 0.0
    duplicate_orders: int = 0
    zombie_orders: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConservationTotals:
    """Over all actors: ``told`` is ``handled`` + ``dead_lettered`` + ``queued``."""

    told: int = 0
    handled: int = 0
    dead_lettered: int = 0
    queued: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """A whole run.

    Attributes:
        virtual_seconds: Market time that passed.
        real_seconds: Wall-clock time that it took.
        ticks: Price changes that the venue made.
        ledger: ``None`` on real venues, which keep no such book.
        fingerprint: Of the closed trades: the same input gives the same one.
    """

    mode: Mode
    virtual_seconds: float
    real_seconds: float
    ticks: int
    positions: PositionCounts
    signals: SignalCounts
    pnl: PnlTotals
    ledger: LedgerTotals | None
    conservation: ConservationTotals
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedTrade:
    """One position from its first fill to its last, as far as two runs are compared by it."""

    venue: Venue
    symbol: Symbol
    side: Side
    opened_ms: int
    closed_ms: int
    quantity: Quantity
    entry_price: Price
    exit_price: Price
    realized_pnl: Money
    commission: Money
    funding: Money
    close_reason: CloseReason


def fingerprint(trades: Iterable[ClosedTrade]) -> str:
    """SHA-256 over the trades' values, in hexadecimal: independent of their order and of trailing zeros."""
    digest = hashlib.sha256()
    for line in sorted(_line(trade) for trade in trades):
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def _line(trade: ClosedTrade) -> str:
    amounts = (
        trade.quantity,
        trade.entry_price,
        trade.exit_price,
        trade.realized_pnl,
        trade.commission,
        trade.funding,
    )
    return "|".join(
        (
            f"{trade.opened_ms:015d}",
            f"{trade.closed_ms:015d}",
            trade.venue,
            trade.symbol,
            trade.side.value,
            trade.close_reason.value,
            *(_plain(amount) for amount in amounts),
        )
    )


def _plain(amount: Decimal) -> str:
    text = format(amount, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"", "-0"} else text
