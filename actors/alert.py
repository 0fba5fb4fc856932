"""What people are told: the log, and alerts.

**Owns** the folding of repeats, and the line to the log.
**Accepts** EventsRecorded (from the journal), and the kernel's notices of crashes, restarts, parks and hangs.
**Sends** nothing; writes to its sink.
**On crash** the counts of folded repeats are lost, no event is.
"""

from dataclasses import dataclass
from typing import Final, Protocol

from actors.kernel import Actor, ActorCrashed, ActorHung, ActorParked, ActorRestarted, DeadLetter
from messages.journal import EventRecord, Severity
from messages.supervision import EventsRecorded

FOLD_MS: Final = 60_000
LOUD: Final = frozenset({Severity.WARNING, Severity.ERROR, Severity.CRITICAL})
KINDS_KEPT: Final = 1_000


class AlertSink(Protocol):
    """Writes one event where people see it; never raises and never waits long."""

    def write(self, event: EventRecord, repeats: int) -> None:
        """``repeats`` is how many alike were left out since the last one."""
        ...


@dataclass(slots=True)
class _Fold:
    at_ms: int
    left_out: int = 0


class AlertActor(Actor):
    """Folds what repeats within a minute; what is critical is never folded away without its count."""

    def __init__(self, *, sink: AlertSink) -> None:
        super().__init__()
        self._sink = sink
        self._folds: dict[tuple[str, str], _Fold] = {}

    def on_receive(self, message: object) -> None:
        match message:
            case EventsRecorded(events=events):
                for event in events:
                    self._on_event(event)
            case ActorCrashed() | ActorRestarted() | ActorParked() | ActorHung() | DeadLetter():
                self._on_notice(message)
            case _:
                self._note("notice", Severity.DEBUG, str(message), "")

    def _on_event(self, event: EventRecord) -> None:
        if event.severity not in LOUD:
            self._sink.write(event, 0)
            return
        key = (event.kind, event.subject)
        fold = self._folds.get(key)
        if fold is not None and event.at_ms - fold.at_ms < FOLD_MS:
            fold.left_out += 1
            return
        if len(self._folds) >= KINDS_KEPT:
            self._folds.pop(next(iter(self._folds)))
        self._folds[key] = _Fold(event.at_ms)
        self._sink.write(event, fold.left_out if fold is not None else 0)

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
        self._on_event(
            EventRecord(kind=kind, severity=severity, text=text, at_ms=self.context.now_ms(), subject=subject)
        )
