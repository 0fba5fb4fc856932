"""What people are told: the log, and alerts.

**Owns** the line to the channel, and when it is tried again.
**Accepts** EventsRecorded (from the journal), the kernel's notices of crashes, restarts, parks and hangs, its timers.
**Sends** nothing; writes to its sink.
**On crash** or hang nothing is lost: what is to be told is in the outbox, which its successor goes on with.
"""

from typing import Final, Protocol

from actors.alert_outbox import AlertOutbox
from actors.kernel import Actor, ActorCrashed, ActorHung, ActorParked, ActorRestarted, DeadLetter
from messages.journal import EventRecord, Severity
from messages.supervision import Due, EventsRecorded

RETRY_FIRST_S: Final = 1.0
RETRY_CAP_S: Final = 60.0


class AlertSink(Protocol):
    """Writes one event where people see it. It may raise when it cannot: then it is tried again later."""

    def write(self, event: EventRecord, repeats: int) -> None:
        """``repeats`` is how many alike were left out since the last one."""
        ...


class AlertActor(Actor):
    """Tells in its own thread, so that a channel that is slow, down or flooded holds up nobody."""

    def __init__(self, *, sink: AlertSink, outbox: AlertOutbox) -> None:
        super().__init__()
        self._sink = sink
        self._outbox = outbox
        self._retry_s = RETRY_FIRST_S
        self._is_down = False

    def on_start(self) -> None:
        self.context.schedule_once("retry", RETRY_FIRST_S, Due(what="retry"))

    def on_receive(self, message: object) -> None:
        match message:
            case EventsRecorded(events=events):
                self._outbox.take_all(events)
            case Due(what="retry"):
                self._is_down = False
            case Due():
                self._outbox.unfold(self.context.now_ms())
            case ActorCrashed() | ActorRestarted() | ActorParked() | ActorHung() | DeadLetter():
                self._on_notice(message)
            case _:
                self._note("notice", Severity.DEBUG, str(message), "")
        self._tell()
        unfold_at_ms = self._outbox.unfold_at_ms()
        if unfold_at_ms is not None:
            delay_s = max(unfold_at_ms - self.context.now_ms(), 1) / 1_000
            self.context.schedule_once("unfold", delay_s, Due(what="unfold"))

    def _tell(self) -> None:
        if self._is_down:
            return
        for told in self._outbox:
            try:
                self._sink.write(told.event, told.repeats)
            except Exception:  # noqa: BLE001 - whatever a channel raises, it is down, and what it was given is kept
                self._is_down = True
                self.context.schedule_once("retry", self._retry_s, Due(what="retry"))
                self._retry_s = min(self._retry_s * 2, RETRY_CAP_S)
                return
            # One that hung and was replaced leaves the rest to its successor.
            self.context.check_epoch()
            self._outbox.done(told)
            self._retry_s = RETRY_FIRST_S

    def _on_notice(self, notice: ActorCrashed | ActorRestarted | ActorParked | ActorHung | DeadLetter) -> None:
        match notice:
            case ActorParked():
                severity = Severity.CRITICAL
            case ActorCrashed() | ActorHung():
                severity = Severity.ERROR
            case ActorRestarted():
                severity = Severity.WARNING
            case _:
                severity = Severity.DEBUG
        self._note(type(notice).__name__, severity, str(notice), str(getattr(notice, "path", "")))

    def _note(self, kind: str, severity: Severity, text: str, subject: str) -> None:
        self._outbox.take(
            EventRecord(kind=kind, severity=severity, text=text, at_ms=self.context.now_ms(), subject=subject)
        )
