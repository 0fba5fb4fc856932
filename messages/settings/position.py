"""How a position is entered, protected, trailed and closed (S4, S6-S9)."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from messages.settings.value_types import Percent, PositivePercent, Seconds, Shares, Usd, lower

HUNDRED_PERCENT = Decimal(100)


class EntryType(StrEnum):
    """How a position is entered (S4.3)."""

    MARKET = "market"
    LIMIT = "limit"


class PositionSettings(BaseModel):
    """A position's life (S4, S6-S9)."""

    # S4 Entry.
    entry_type: Annotated[EntryType, BeforeValidator(lower)] = EntryType.MARKET
    entry_limit_timeout_seconds: Seconds = 10
    trailing_alert_if_unprotected_window_ms: Annotated[int, Field(ge=0)] = 500

    # S6 Stop loss.
    stop_loss_percent: Annotated[Decimal, Field(gt=0, lt=100)] = Decimal("2.0")

    # S7 Take profits.
    tp_split: Shares = (Decimal(50), Decimal(50))
    tp1_percent: PositivePercent = Decimal("1.5")
    tp2_percent: PositivePercent = Decimal("3.0")

    # S8 Trailing stop.
    trailing_activation_percent: PositivePercent = Decimal("1.5")
    trailing_callback_percent: Annotated[Decimal, Field(gt=0, lt=100)] = Decimal("0.5")
    trailing_tp1_progress_percent: PositivePercent = Decimal(80)
    breakeven_at_percent: PositivePercent = Decimal("1.0")
    trailing_activate_after_minutes: Annotated[int, Field(ge=0)] = 0
    trailing_momentum_percent: PositivePercent = Decimal("1.0")
    trailing_min_update_interval_seconds: Annotated[int, Field(ge=0)] = 60
    trailing_min_improvement_percent: Percent = Decimal("0.1")
    trailing_emergency_override_percent: PositivePercent = Decimal("1.0")

    # S9 Partial closes. None: by balance profile.
    min_partial_close_value_usd: Usd | None = None
    tp_split_large: Shares = (Decimal(35), Decimal(65))

    # S10 Whether a second signal may add to a position.
    scaling_enabled: bool = True


def position_problems(settings: PositionSettings) -> list[str]:
    """What does not fit together here, and what is allowed."""
    problems = [
        f"{name} is {shares[0]},{shares[1]}: allowed are two shares that add up to 100"
        for name, shares in (("TP_SPLIT", settings.tp_split), ("TP_SPLIT_LARGE", settings.tp_split_large))
        if sum(shares) != HUNDRED_PERCENT
    ]
    if settings.tp2_percent <= settings.tp1_percent:
        problems.append(
            f"TP2_PERCENT is {settings.tp2_percent}: allowed is more than TP1_PERCENT ({settings.tp1_percent})"
        )
    if settings.trailing_emergency_override_percent < settings.trailing_min_improvement_percent:
        problems.append(
            f"TRAILING_EMERGENCY_OVERRIDE_PERCENT is {settings.trailing_emergency_override_percent}: allowed is "
            f"TRAILING_MIN_IMPROVEMENT_PERCENT ({settings.trailing_min_improvement_percent}) or more"
        )
    return problems
