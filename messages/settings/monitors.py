"""What looks after positions from outside: reconciliation and the monitors (S11-S15)."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from messages.settings.value_types import Count, PositivePercent, Seconds, lower


class UntrackedPolicy(StrEnum):
    """What happens to a position that is on the venue and not in the database (S14)."""

    ADOPT = "adopt"
    ALERT = "alert"
    IGNORE = "ignore"


class GuardMode(StrEnum):
    """Whether the guard acts, or an alert says what it would do (S13)."""

    ACT = "act"
    ADVISE = "advise"


class ZombieScope(StrEnum):
    """Whose zombies are taken away: our own orders, also those on symbols that we manage, or everybody's (S12)."""

    OWN = "own"
    MANAGED = "managed"
    ALL = "all"


class MonitorSettings(BaseModel):
    """Reconciliation and monitors (S11-S15)."""

    # S11 Aged positions. No grace: the limit moves from breakeven at once.
    max_position_age_hours: Annotated[Decimal, Field(gt=0)] = Decimal(3)
    aged_grace_period_hours: Annotated[Decimal, Field(ge=0)] = Decimal(8)
    aged_loss_step_percent: PositivePercent = Decimal("0.5")
    aged_max_loss_percent: PositivePercent = Decimal("10.0")
    aged_acceleration_factor: Annotated[Decimal, Field(ge=1, le=10)] = Decimal("1.2")
    aged_check_interval_minutes: Count = 60

    # S13 The guard.
    guard_mode: Annotated[GuardMode, BeforeValidator(lower)] = GuardMode.ADVISE

    # S14 Reconciliation.
    sync_interval_seconds: Seconds = 120
    untracked: Annotated[UntrackedPolicy, BeforeValidator(lower)] = UntrackedPolicy.ADOPT

    # S12 Zombie orders: more than the threshold is an alert.
    zombie_scope: Annotated[ZombieScope, BeforeValidator(lower)] = ZombieScope.OWN
    zombie_threshold: Count = 10

    # S15 The whole check, once a day at this time, UTC.
    selfcheck_at: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = "03:00"


def monitor_problems(settings: MonitorSettings) -> list[str]:
    """What does not fit together here, and what is allowed."""
    if settings.aged_loss_step_percent <= settings.aged_max_loss_percent:
        return []
    problem = (
        f"AGED_LOSS_STEP_PERCENT is {settings.aged_loss_step_percent}: "
        f"allowed is AGED_MAX_LOSS_PERCENT ({settings.aged_max_loss_percent}) or less"
    )
    return [problem]
