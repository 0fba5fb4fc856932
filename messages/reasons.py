"""Why an order was sent: the rule that asked for it, and the figures that the rule looked at.

Written down with every intent, so that ``holdfast explain`` tells what was known then, and not what is known now.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from messages.values import Price


class Rule(StrEnum):
    """What asks for orders. The words are on record: they may be added to, never renamed."""

    SIGNAL = "signal"
    ADDITION = "addition"
    NEXT_SLICE = "next_slice"
    ENTRY_AT_MARKET = "entry_at_market"
    ENTRY_TIMED_OUT = "entry_timed_out"
    FIRST_STOP = "first_stop"
    STOP_REPLACED = "stop_replaced"
    STOP_FROM_HERE = "stop_from_here"
    PLANNED_STOP = "planned_stop"
    FLOOR_BY_HAND = "floor_by_hand"
    BREAKEVEN = "breakeven"
    TRAILING = "trailing"
    CLEAR_OF_LIQUIDATION = "clear_of_liquidation"
    STOP_RESIZED = "stop_resized"
    TAKE_PROFIT = "take_profit"
    TAKE_PROFIT_PASSED = "take_profit_passed"
    CLOSE_AT_MARKET = "close_at_market"
    CLOSE_INSIDE_BAND = "close_inside_band"
    CLOSE_IN_SLICES = "close_in_slices"
    CLOSE_CAPPED = "close_capped"
    CLOSE_TIMED_OUT = "close_timed_out"
    AGED_EXIT = "aged_exit"
    GUARD = "guard"
    LEFT_OVER = "left_over"
    ORPHAN = "orphan"
    AUTO_PLAN_SL = "auto_plan_sl"
    AUTO_PLAN_TP = "auto_plan_tp"
    ZOMBIE = "zombie"
    CANARY = "canary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One figure that a rule looked at; ``read_ms``: when the venue said so (UTC), ``None`` for one of our own."""

    name: str
    value: Decimal
    read_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why an order was sent; ``before`` is the level that it replaces."""

    rule: Rule
    text: str = ""
    before: Price | None = None
    inputs: tuple[Input, ...] = ()
