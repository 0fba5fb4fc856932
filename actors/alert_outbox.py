"""What people are still to be told: it outlives the actor that tells it, so that its crash or hang loses nothing.

Repeats of what is loud are folded within a minute, and told with their number when it is over. What is critical is
never dropped, and goes before the rest.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from messages.journal import EventRecord, Severity

FOLD_MS: Final = 60_000
LOUD: Final = frozenset({Severity.WARNING, Severity.ERROR, Severity.CRITICAL})
KINDS_KEPT: Final = 1_000
WAITING_KEPT: Final = 10_000
"""More than this waits for a channel that is down only if it is critical."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing to tell; ``repeats`` is how many alike were left out since the last one."""

    event: EventRecord
    repeats: int


@dataclass(slots=True, kw_only=True)
class _Fold:
    at_ms: int
    last: EventRecord
    left_out: int = 0


class AlertOutbox:
    """Folds what comes in, and keeps what is to go out."""

    def __init__(self) -> None:
        self._folds: dict[tuple[str, str], _Fold] = {}
        self._last: tuple[EventRecord, ...] = ()
        self._critical: deque[Told] = deque()
        self._others: deque[Told] = deque(maxlen=WAITING_KEPT)

    def take_all(self, events: tuple[EventRecord, ...]) -> None:
        """Take each of ``events``, once: an actor that hung on them is handed them out again."""
        if events is self._last:
            return
        self._last = events
        for event in events:
            self.take(event)

    def take(self, event: EventRecord) -> None:
        """Put ``event`` with what is to go out, unless one like it was within the last minute."""
        if event.severity not in LOUD:
            self._put(event, 0)
            return
        key = (event.kind, event.subject)
        fold = self._folds.get(key)
        if fold is not None and event.at_ms - fold.at_ms < FOLD_MS:
            fold.left_out += 1
            if event.severity is Severity.CRITICAL or fold.last.severity is not Severity.CRITICAL:
                fold.last = event
            return
        if fold is None and len(self._folds) >= KINDS_KEPT:
            self._tell_left_out(self._folds.pop(next(iter(self._folds))))
        self._folds[key] = _Fold(at_ms=event.at_ms, last=event)
        self._put(event, fold.left_out if fold is not None else 0)

    def unfold(self, now_ms: int) -> None:
        """Tell the last of each kind that was left out, and how many were, once its minute is over."""
        for key, fold in list(self._folds.items()):
            if now_ms - fold.at_ms >= FOLD_MS:
                self._tell_left_out(self._folds.pop(key))

    def unfold_at_ms(self) -> int | None:
        """When the next minute is over in which something was left out."""
        return min((fold.at_ms + FOLD_MS for fold in self._folds.values() if fold.left_out), default=None)

    def __iter__(self) -> Iterator[Told]:
        """What is to go out, in this order; each is :meth:`done` before the next."""
        while self._critical or self._others:
            yield self._critical[0] if self._critical else self._others[0]

    def done(self, told: Told) -> None:
        """It went out."""
        for waiting in (self._critical, self._others):
            if waiting and waiting[0] is told:
                waiting.popleft()

    def _tell_left_out(self, fold: _Fold) -> None:
        if fold.left_out:
            self._put(fold.last, fold.left_out - 1)

    def _put(self, event: EventRecord, repeats: int) -> None:
        waiting = self._critical if event.severity is Severity.CRITICAL else self._others
        waiting.append(Told(event=event, repeats=repeats))
