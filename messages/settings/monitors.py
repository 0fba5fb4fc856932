"""What looks after positions from outside: reconciliation and the monitors (S11-S15)."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator

from messages.settings.value_types import Seconds, lower


class UntrackedPolicy(StrEnum):
    """What happens to a position that is on the venue and not in the database (S14)."""

    ADOPT = "adopt"
    ALERT = "alert"
    IGNORE = "ignore"


class MonitorSettings(BaseModel):
    """Reconciliation and monitors (S11-S15)."""

    # S14 Reconciliation.
    sync_interval_seconds: Seconds = 120
    untracked: Annotated[UntrackedPolicy, BeforeValidator(lower)] = UntrackedPolicy.ADOPT
