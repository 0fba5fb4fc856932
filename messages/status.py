"""How it stands, as one value: what the live table shows and what ``holdfast status --json`` prints.

msgspec encodes these as they are, Decimals as strings; fields may be added, never renamed.
"""

from dataclasses import dataclass
from enum import StrEnum

from messages.settings import Mode
from messages.state import PositionPhase, StopPhase, TakeProfitPhase, TrailingPhase
from messages.values import ZERO, Money, Price, Quantity, Side, Symbol, Venue


class Health(StrEnum):
    """S18: of one component, or of the whole."""

    HEALTHY = "HEALTHY"
    DEGRADED = "DEGRADED"
    CRITICAL = "CRITICAL"


class DatabaseState(StrEnum):
    """Where records go: the database, the local spool while it is away, or nowhere (an emergency)."""

    OK = "ok"
    SPOOLING = "spooling"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentView:
    """One component's answer to the health question; ``detail`` says what is wrong."""

    name: str
    health: Health
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeProfitView:
    """One take profit of a position."""

    level: int
    trigger_price: Price
    phase: TakeProfitPhase


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionView:
    """One open position, as people want to see it.

    Attributes:
        price: The last price seen; ``None`` before the first tick.
        stop_price: The stop that the venue confirmed; ``None`` while there is none.
        local_stop: The level that only this process watches, because the venue refuses to move the stop there.
        protected: Whether working stops cover the whole size.
        unrealized_pnl: At ``price``, gross; ``None`` before the first tick.
        realized_pnl: Of what is closed of it already, gross.
    """

    position_id: str
    venue: Venue
    symbol: Symbol
    side: Side
    phase: PositionPhase
    quantity: Quantity
    entry_price: Price
    opened_ms: int
    protected: bool
    stop_phase: StopPhase
    trailing: TrailingPhase
    price: Price | None = None
    stop_price: Price | None = None
    local_stop: Price | None = None
    take_profits: tuple[TakeProfitView, ...] = ()
    unrealized_pnl: Money | None = None
    realized_pnl: Money = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusView:
    """The whole process at one moment.

    Attributes:
        now_ms: When this was true, UTC; market time where time is virtual.
        equity: Of all venues, in USD; ``None`` until one has answered.
        unprotected: Open positions that working stops do not cover now.
        unprotected_seconds: Added up since the start.
        signals_rejected: Refused for whatever reason, malformed ones included.
        signals_stalled: Whether nothing was opened for 48 hours (S2.7).
        note: One line that people must see, or nothing.
    """

    health: Health
    mode: Mode
    now_ms: int
    started_ms: int
    account: str = "main"
    positions: tuple[PositionView, ...] = ()
    unprotected: int = 0
    unprotected_seconds: float = 0.0
    equity: Money | None = None
    realized_pnl: Money = ZERO
    signals_accepted: int = 0
    signals_rejected: int = 0
    signals_stalled: bool = False
    database: DatabaseState = DatabaseState.OK
    components: tuple[ComponentView, ...] = ()
    note: str = ""
