"""What looks after positions from outside: reconciliation and the monitors (S11-S15)."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from messages.settings.value_types import Count, Seconds, lower


class UntrackedPolicy(StrEnum):
    """What happens to a position that is on the venue and not in the database (S14)."""

    ADOPT = "adopt"
    ALERT = "alert"
    IGNORE = "ignore"


class ZombieScope(StrEnum):
    """Whose zombies are taken away: our own orders, also those on symbols that we manage, or everybody's (S12)."""

    OWN = "own"
    MANAGED = "managed"
    ALL = "all"


class MonitorSettings(BaseModel):
    """Reconciliation and monitors (S11-S15)."""

    # S14 Reconciliation.
    sync_interval_seconds: Seconds = 120
    untracked: Annotated[UntrackedPolicy, BeforeValidator(lower)] = UntrackedPolicy.ADOPT

    # S12 Zombie orders: more than the threshold is an alert.
    zombie_scope: Annotated[ZombieScope, BeforeValidator(lower)] = ZombieScope.OWN
    zombie_threshold: Count = 10

    # S15 The whole check, once a day at this time, UTC.
    selfcheck_at: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = "03:00"
