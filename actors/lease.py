"""Whether this process may still change anything at the venue: the journal's word for it, no older than a second.

A process that was paused, or whose host slept, does not know that another one has taken its account over. Its next
commit would tell it; but what was committed before the pause would still go out. So whatever is about to be sent on an
old word waits for a new one (DESIGN §9).
"""

from dataclasses import replace
from typing import Final

from actors.kernel import Context, Ref
from actors.record import Record
from messages.supervision import Due

LEASE_MS: Final = 1_000
ANSWER_S: Final = 2.0
"""Protective orders wait no longer than this for the journal's word: a database that is down cannot give it."""


class Lease:
    """The word of the journal, and the question for it."""

    def __init__(self, *, journal: Ref, owner_epoch: int) -> None:
        self._record = Record(journal=journal, owner_epoch=owner_epoch, series="lease")
        self._confirmed_ms = 0
        self._asked_ms: int | None = None
        self._due_ms: int | None = None
        self.lost = False

    def holds(self, now_ms: int) -> bool:
        """Whether the last word is young enough."""
        return not self.lost and now_ms < self._confirmed_ms + LEASE_MS

    def confirm(self, at_ms: int) -> None:
        """The journal committed something of ours at ``at_ms``."""
        self._confirmed_ms = max(self._confirmed_ms, at_ms)

    def ask(self, context: Context) -> None:
        """Ask for a new word, unless that is under way; answered with Committed or CommitRefused."""
        if self.lost or self._asked_ms is not None:
            return
        question = replace(self._record.blank(context), reply=True)
        self._asked_ms = question.at_ms
        self._record.write(question)
        if self._due_ms is None:
            self._wait(context)

    def answered(self, context: Context, *, granted: bool) -> bool:
        """The word came; it is as old as the question. Whether it holds now: what came late has to be asked again."""
        if self._asked_ms is not None and granted:
            self.confirm(self._asked_ms)
        self._asked_ms = None
        self.lost = self.lost or not granted
        holds = self.holds(context.now_ms())
        if holds or self.lost:
            self._due_ms = None
            context.cancel("lease")
        return holds

    def unanswered(self, context: Context) -> bool:
        """Whether the journal had its time and gave no word that holds; the next ``ask`` asks again.

        Told long after it was due it says that this process was paused, and not that the database is down.
        """
        if self._due_ms is None:
            return False
        if context.now_ms() > self._due_ms + LEASE_MS:
            self._wait(context)
            return False
        self._asked_ms = self._due_ms = None
        return True

    def _wait(self, context: Context) -> None:
        self._due_ms = context.now_ms() + int(ANSWER_S * 1_000)
        context.schedule_once("lease", ANSWER_S, Due(what="lease"))
