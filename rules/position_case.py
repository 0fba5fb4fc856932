"""What the rules of a position look at, and what is around it.

A :class:`PositionCase` is all that is known of one position; a :class:`Situation` is all around it. The rules work on a
``Draft`` of the next case (``rules/position_draft.py``), which collects what follows from the event.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from messages.instruments import Capabilities, Instrument
from messages.state import (
    Intent,
    PositionPhase,
    PositionState,
    StopOrder,
    TrailingState,
)
from messages.values import (
    ZERO,
    ClientOrderId,
    IntentId,
    MarginMode,
    Price,
    Quantity,
    TriggerSource,
)
from rules.aged import AgedPolicy
from rules.ladder import LadderPolicy
from rules.pnl import breakeven_price
from rules.stop_choice import StopPolicy
from rules.take_profits import TakeProfitPolicy
from rules.trailing import TrailingPolicy

UNDER_WAY: Final = frozenset(
    {PositionPhase.PENDING_ENTRY, PositionPhase.ENTRY_PLACED, PositionPhase.PENDING_SL, PositionPhase.CLOSING}
)
"""In these phases a position is not left to itself: it may have no stop yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPolicy:
    """How entries, stops and closes are pursued.

    Attributes:
        entry_limit: Enter by a limit order first, else at market.
        entry_limit_timeout_ms: How long the limit entry may rest.
        entry_life_ms: An entry that was not sent within this is not sent any more.
        stop_attempts: Tries to place the first stop before the position is closed instead (S4.5).
        confirm_stop_ms: How long an attached stop may stay unconfirmed before the account is read.
        verify_every_ms: How often protection is read back from the venue (S6.7).
        settle_ms: How long fills may lag behind the order that they belong to before they are asked for.
        alert_window_ms: An unprotected window longer than this is an alert (S4.2).
        close_band_percent: How far through the mark price a limit close may reach, in percent.
        trigger_source: The price that stops and take profits watch.
    """

    entry_limit: bool = False
    entry_limit_timeout_ms: int = 10_000
    entry_life_ms: int = 30_000
    stop_attempts: int = 3
    confirm_stop_ms: int = 1_000
    verify_every_ms: int = 60_000
    settle_ms: int = 500
    alert_window_ms: int = 500
    close_band_percent: Decimal = Decimal("0.5")
    trigger_source: TriggerSource = TriggerSource.MARK


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionPolicies:
    """Every setting that a position's rules depend on. ``commission_percent`` is for one side."""

    trailing: TrailingPolicy = field(default_factory=TrailingPolicy)
    take_profits: TakeProfitPolicy = field(default_factory=TakeProfitPolicy)
    stops: StopPolicy = field(default_factory=StopPolicy)
    orders: OrderPolicy = field(default_factory=OrderPolicy)
    aged: AgedPolicy = field(default_factory=AgedPolicy)
    ladder: LadderPolicy = field(default_factory=LadderPolicy)
    commission_percent: Decimal = Decimal("0.1")
    margin_mode: MarginMode = MarginMode.ISOLATED


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is around a position at one moment; ``last`` and ``mark`` are ``None`` before the first tick.

    ``priced_ms`` is the venue's time of both. The venue's clock is ahead of ours by ``venue_ahead_ms``.
    """

    now_ms: int
    instrument: Instrument
    capabilities: Capabilities
    policies: PositionPolicies
    last: Price | None = None
    mark: Price | None = None
    minute_ago: Price | None = None
    priced_ms: int | None = None
    venue_ahead_ms: int = 0

    @property
    def watched(self) -> Price | None:
        """The price that stops and take profits watch (F28)."""
        return self.mark if self.policies.orders.trigger_source is TriggerSource.MARK else self.last

    def breakeven_of(self, position: PositionState) -> Price:
        """The price at which closing ``position`` costs nothing, commission included."""
        return breakeven_price(
            side=position.side,
            entry_price=position.entry_price,
            commission_percent=self.policies.commission_percent,
            tick=self.instrument.price_tick,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionCase:
    """One position: its durable state, and what a restart may forget.

    Attributes:
        intents: Those whose outcome is open.
        changed_ms: When an order or fill of it last changed: a snapshot asked for earlier proves no absence.
        fills_read_ms: When the fills that were last read were asked for.
        account_read_ms: The same for the account.
        compared_ms: The same for the account that was last compared with; 0 where the venue may see it otherwise.
        differed: Another size than ours, which the account showed at ``differed_ms``: fills asked for after that are to
            explain it.
        recovering_since_ms: Restored then, and the venue has not been read in whole since; 0 when it has.
        missing: Orders of ours that the last complete reading did not show.
        reported: Filled quantity per client order id, as orders report it; fills follow later, or are asked for.
        unknown: Intents without which the position went on, and whose outcome is still being asked for.
        denied: The stop that the venue, asked for it, last said not to have; ``denied_ms`` is when.
        forgetful_told: People were told that the venue's word on its orders is not believed.
        passed_stop: A level that the venue refused as passed, while ``passed_at`` was the price known here: it is
            no better than that until another price is known.
        liquidation_price: As the venue last told it; it changes with leverage and margin, and a stop stays clear of it.
    """

    position: PositionState
    trailing: TrailingState
    intents: Mapping[IntentId, Intent] = field(default_factory=dict)
    changed_ms: int = 0
    fills_read_ms: int = 0
    account_read_ms: int = 0
    compared_ms: int = 0
    differed: Quantity | None = None
    differed_ms: int = 0
    recovering_since_ms: int = 0
    missing: frozenset[ClientOrderId] = frozenset()
    reported: Mapping[ClientOrderId, Quantity] = field(default_factory=dict)
    unknown: Mapping[IntentId, Intent] = field(default_factory=dict)
    liquidation_price: Price | None = None
    passed_stop: Price | None = None
    passed_at: Price | None = None
    denied: StopOrder | None = None
    denied_ms: int = 0
    forgetful_told: bool = False

    @property
    def at_rest(self) -> bool:
        """Whether nothing is under way: each order's answer and each fill is known, and what is open has its stop."""
        position = self.position
        is_on_its_way = (
            self.intents
            or position.phase in UNDER_WAY
            or position.ladder.under_way is not None
            or (position.closed_ms is None and not position.entry_done)
            or position.stop.unprotected_since_ms is not None
        )
        return not is_on_its_way and not fills_lag(position, self.reported)


def fills_lag(position: PositionState, reported: Mapping[ClientOrderId, Quantity]) -> bool:
    """Whether an order says that more of it has filled than fills have come."""
    counted: Mapping[str, Quantity] = dict(position.order_fills)
    return any(filled > counted.get(order_id, ZERO) for order_id, filled in reported.items())
