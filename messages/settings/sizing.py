"""How much is opened, and when nothing is (S3)."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from messages.settings.value_types import Count, Percent, Usd, lower
from messages.values import MarginMode


class SizingSettings(BaseModel):
    """Sizing and limits (S3)."""

    position_size_usd: Usd = Decimal(200)
    min_position_size_usd: Usd = Decimal(10)
    max_position_size_usd: Usd = Decimal(5000)
    max_positions: Count = 10
    max_exposure_usd: Usd = Decimal(30000)
    leverage: Annotated[int, Field(ge=1, le=125)] = 3
    margin_mode: Annotated[MarginMode, BeforeValidator(lower)] = MarginMode.ISOLATED
    commission_percent: Percent = Decimal("0.1")

    # Adjustments, each of which can be switched off.
    size_follows_day_result: bool = True
    distances_follow_volatility: bool = True
    parameters_follow_regime: bool = True
    pause_after_losses_minutes: Annotated[int, Field(ge=0)] = 60  # 0: no pause
    pause_after_consecutive_losses: Count = 4


def sizing_problems(settings: SizingSettings) -> list[str]:
    """What does not fit together here, and what is allowed."""
    problems = []
    if not settings.min_position_size_usd <= settings.position_size_usd <= settings.max_position_size_usd:
        problems.append(
            f"POSITION_SIZE_USD is {settings.position_size_usd}: allowed is MIN_POSITION_SIZE_USD "
            f"({settings.min_position_size_usd}) to MAX_POSITION_SIZE_USD ({settings.max_position_size_usd})"
        )
    if settings.max_exposure_usd < settings.position_size_usd:
        problems.append(
            f"MAX_EXPOSURE_USD is {settings.max_exposure_usd}: allowed is POSITION_SIZE_USD "
            f"({settings.position_size_usd}) or more, or no position could ever be opened"
        )
    return problems
