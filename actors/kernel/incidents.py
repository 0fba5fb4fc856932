"""Crashes with one fingerprint are one incident: one alert, one backoff."""

from collections import OrderedDict
from dataclasses import dataclass, field

from actors.kernel.crash import CrashRecord
from actors.kernel.specs import Backoff
from actors.kernel.supervision import restart_delay_s

QUIET_S = 60.0
"""An incident is over when nothing folded into it for so long."""

COMMON_CAP_S = 5.0
"""Longest common wait: an actor that crashed only once must not stay away for long because others did too."""

INCIDENTS_KEPT = 200
PATHS_KEPT = 100


@dataclass(slots=True, kw_only=True)
class Incident:
    """One cause, many crashes; times in UTC milliseconds and monotonic seconds."""

    fingerprint: str
    error: str
    first_at_ms: int
    last_at_s: float
    crashes: int = 0
    rounds: int = 0
    not_before_s: float = 0.0
    paths: set[str] = field(default_factory=set)


class Incidents:
    """The incidents of one system, oldest forgotten first."""

    def __init__(self) -> None:
        self._incidents: OrderedDict[str, Incident] = OrderedDict()
        self._backoff = Backoff(cap_s=COMMON_CAP_S)

    def fold(self, record: CrashRecord, path: str, now_s: float, own_delay_s: float) -> tuple[bool, float]:
        """Count a crash into its incident; gives whether that opened one, and the delay before the restart.

        While an incident is about one actor only, that actor's own delay counts. Once several crash for one
        reason, they wait for one common moment, so that a broken dependency is not hammered by each in turn.
        """
        incident = self._incidents.get(record.fingerprint)
        opened = incident is None or now_s - incident.last_at_s > QUIET_S
        if incident is None or opened:
            incident = Incident(
                fingerprint=record.fingerprint, error=record.error, first_at_ms=record.at_ms, last_at_s=now_s
            )
            self._incidents[record.fingerprint] = incident
            self._incidents.move_to_end(record.fingerprint)
            if len(self._incidents) > INCIDENTS_KEPT:
                self._incidents.popitem(last=False)
        incident.crashes += 1
        incident.last_at_s = now_s
        if len(incident.paths) < PATHS_KEPT:
            incident.paths.add(path)
        if now_s >= incident.not_before_s:
            incident.rounds += 1
            incident.not_before_s = now_s + restart_delay_s(backoff=self._backoff, failures=incident.rounds, jitter=0.0)
        if len(incident.paths) == 1:
            return opened, own_delay_s
        return opened, max(own_delay_s, incident.not_before_s - now_s)

    def all(self) -> list[Incident]:
        """Newest last."""
        return list(self._incidents.values())
