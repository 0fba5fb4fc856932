"""Every topic's settings as one, checked together."""

from typing import Self

from pydantic import ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from messages.settings.monitors import MonitorSettings, monitor_problems
from messages.settings.paper import PaperSettings
from messages.settings.position import PositionSettings, position_problems
from messages.settings.process import ProcessSettings, process_problems
from messages.settings.records import RecordSettings, record_problems
from messages.settings.signals import SignalSettings
from messages.settings.sizing import SizingSettings, sizing_problems

RULE_BROKEN = "rule_broken"
"""The type of the error raised by the checks of settings against each other; one problem a line."""

TOPICS = (
    ProcessSettings,
    SignalSettings,
    SizingSettings,
    PositionSettings,
    MonitorSettings,
    PaperSettings,
    RecordSettings,
)
"""In the order in which people are shown them."""


class Settings(
    ProcessSettings,
    SignalSettings,
    SizingSettings,
    PositionSettings,
    MonitorSettings,
    PaperSettings,
    RecordSettings,
):
    """Everything that is set for one process, whole and checked.

    Raises:
        pydantic.ValidationError: A value is not allowed, or values do not fit together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        problems = [
            *sizing_problems(self),
            *position_problems(self),
            *_breakeven_pays(self),
            *monitor_problems(self),
            *process_problems(self),
            *record_problems(self),
        ]
        if problems:
            raise PydanticCustomError(RULE_BROKEN, "{problems}", {"problems": "\n".join(problems)})
        return self


def _breakeven_pays(settings: Settings) -> list[str]:
    if settings.breakeven_at_percent > settings.commission_percent:
        return []
    problem = (
        f"BREAKEVEN_AT_PERCENT is {settings.breakeven_at_percent}: allowed is more than COMMISSION_PERCENT "
        f"({settings.commission_percent}), or the stop at breakeven would trigger at once"
    )
    return [problem]
