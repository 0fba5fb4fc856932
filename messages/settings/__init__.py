"""What people may set, with the defaults of the specification, checked one by one and together: a file a topic.

A field has the lower-case name of its setting: ``POSITION_SIZE_USD`` is ``position_size_usd``. Percents are in percent
(2.0 means 2 %), money is in USD, and a unit that is not in a name stands beside the field. Where the values come from
is the business of the settings source.
"""

from messages.settings.monitors import GuardMode, MonitorSettings, UntrackedPolicy, ZombieScope
from messages.settings.paper import PaperSettings
from messages.settings.position import EntryType, PositionSettings
from messages.settings.process import PAPER, Mode, PositionMode, ProcessSettings, VenueAccess
from messages.settings.records import LogLevel, RecordSettings
from messages.settings.signals import SignalSettings
from messages.settings.sizing import SizingSettings
from messages.settings.whole import RULE_BROKEN, TOPICS, Settings

__all__ = [
    "PAPER",
    "RULE_BROKEN",
    "TOPICS",
    "EntryType",
    "GuardMode",
    "LogLevel",
    "Mode",
    "MonitorSettings",
    "PaperSettings",
    "PositionMode",
    "PositionSettings",
    "ProcessSettings",
    "RecordSettings",
    "Settings",
    "SignalSettings",
    "SizingSettings",
    "UntrackedPolicy",
    "VenueAccess",
    "ZombieScope",
]
