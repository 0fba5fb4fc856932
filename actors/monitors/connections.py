"""Connections that stay away: streams of venues, the signal server (S18); and clocks that are off.

**Owns** since when each connection is down, and whether that was told; which venues' clocks differ from ours.
**Accepts** ConnectionSeen (from whoever holds a connection), ClockMeasured, DescribeConnections, and its own timers.
**Sends** Decision (one event when a connection is lost, one when it is back, and so for clocks) to the journal.
**On crash** it knows nothing and is told anew; what is down then counts from there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, assert_never

from actors.kernel import Actor, Ref
from actors.record import Record
from messages.connections import ClockMeasured, ConnectionSeen, ConnectionsSummary, DescribeConnections, LostConnection
from messages.journal import EventRecord, Severity
from messages.supervision import Due

LOST_AFTER_S: Final = 300.0
CLOCK_OFF_MS: Final = 1_000
"""As ``holdfast doctor`` has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Down:
    since_ms: int
    detail: str
    told: bool = False


class ConnectionMonitor(Actor):
    """Says once that a connection is lost, and once that it is back; a short loss is nobody's business."""

    def __init__(self, *, journal: Ref, owner_epoch: int) -> None:
        super().__init__()
        self._record = Record(journal=journal, owner_epoch=owner_epoch)
        self._down: dict[str, _Down] = {}
        self._clocks_off: dict[str, int] = {}

    def describe(self) -> Mapping[str, object]:
        """Which connections are down, and since when; which clocks are off, and by how many milliseconds."""
        down = {name: {"since_ms": each.since_ms, "detail": each.detail} for name, each in self._down.items()}
        return {"down": down, "clocks_off": dict(self._clocks_off)}

    def on_receive(
        self, message: ConnectionSeen | ClockMeasured | DescribeConnections | Due
    ) -> ConnectionsSummary | None:
        match message:
            case ConnectionSeen(up=True, name=name):
                self._on_up(name)
            case ConnectionSeen():
                self._on_down(message)
            case ClockMeasured():
                self._on_clock(message)
            case DescribeConnections():
                lost = ((name, down) for name, down in self._down.items() if down.told)
                return ConnectionsSummary(
                    lost=tuple(
                        LostConnection(name=name, since_ms=down.since_ms, detail=down.detail) for name, down in lost
                    )
                )
            case Due(what=name):
                self._on_lost(name)
            case _:
                assert_never(message)
        return None

    def _on_down(self, message: ConnectionSeen) -> None:
        before = self._down.get(message.name)
        if before is None:
            self._down[message.name] = _Down(since_ms=self.context.now_ms(), detail=message.detail)
            self.context.schedule_once(message.name, LOST_AFTER_S, Due(what=message.name))
        else:
            self._down[message.name] = replace(before, detail=message.detail)

    def _on_lost(self, name: str) -> None:
        down = self._down.get(name)
        if down is not None:
            self._down[name] = replace(down, told=True)
            text = f"no connection for {LOST_AFTER_S / 60:.0f} min, it is tried again and again: {down.detail}"
            self._tell("connection_lost", Severity.ERROR, name, text)

    def _on_up(self, name: str) -> None:
        down = self._down.pop(name, None)
        self.context.cancel(name)
        if down is not None and down.told:
            minutes = (self.context.now_ms() - down.since_ms) / 60_000
            self._tell("connection_back", Severity.INFO, name, f"connected again after {minutes:.0f} min")

    def _on_clock(self, message: ClockMeasured) -> None:
        name, ahead_ms = message.name, message.ahead_ms
        if abs(ahead_ms) > CLOCK_OFF_MS:
            was_off, self._clocks_off[name] = name in self._clocks_off, ahead_ms
            if not was_off:
                way = "behind" if ahead_ms > 0 else "ahead of"
                text = (
                    f"this machine's clock is {abs(ahead_ms) / 1_000:.1f} s {way} the venue's; "
                    "set it: on Linux enable NTP, on Windows: w32tm /resync"
                )
                self._tell("clock_off", Severity.WARNING, name, text)
        elif self._clocks_off.pop(name, None) is not None:
            self._tell("clock_right", Severity.INFO, name, "this machine's clock and the venue's agree again")

    def _tell(self, kind: str, severity: Severity, name: str, text: str) -> None:
        blank = self._record.blank(self.context)
        event = EventRecord(kind=kind, severity=severity, text=text, at_ms=blank.at_ms, subject=name)
        self._record.write(replace(blank, events=(event,)))
