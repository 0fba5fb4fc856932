"""Whether a venue's account may be traded on, when a start could not find it out.

**Owns** the answer to that, for a venue that was out of reach when the process started. Its other actors read and
protect what is open there as soon as it answers; opening waits for this one.
**Accepts** AccountVerdict (from what looks, a thread of the adapters), its own timer, and Terminated of the risk actor.
**Sends** VenueClosed to the risk actor, Decision (what was found, as an event) to the journal.
**On crash** it looks again at once; until then the venue stays closed.
"""

from dataclasses import replace
from typing import Final, assert_never

from actors.kernel import Actor, Ref, Terminated
from actors.ports import AccountLook
from actors.record import Record
from messages.checks import AccountVerdict
from messages.journal import EventRecord, Severity
from messages.supervision import ACCOUNT, Due, VenueClosed
from messages.values import Venue

RETRY_FIRST_S: Final = 5.0
RETRY_CAP_S: Final = 300.0
LOOK_LIFE_S: Final = 600.0
"""A look that is not back after this hangs: another one is begun."""


class FitnessActor(Actor):
    """Keeps a venue closed until its account is known to be fit."""

    def __init__(
        self, *, venue: Venue, look: AccountLook, unreached: str, risk: Ref, journal: Ref, owner_epoch: int
    ) -> None:
        """``unreached`` says why nothing was found out at the start."""
        super().__init__()
        self._venue = venue
        self._look = look
        self._risk = risk
        self._record = Record(journal=journal, owner_epoch=owner_epoch)
        self._verdict = AccountVerdict(reached=False, why=unreached)
        self._retry_s = RETRY_FIRST_S

    def on_start(self) -> None:
        self.context.watch(self._risk)
        self._tell_risk()
        self._tell_event()
        self._again()

    def on_receive(self, message: AccountVerdict | Due | Terminated) -> None:
        match message:
            case AccountVerdict():
                self._on_verdict(message)
            case Due():
                self.context.schedule_once("look", LOOK_LIFE_S, Due(what="look"))
                self._look(self.context.self_ref.tell)
            case Terminated():
                self._tell_risk()
            case _:
                assert_never(message)

    def _on_verdict(self, verdict: AccountVerdict) -> None:
        before, self._verdict = self._verdict, verdict
        self._tell_risk()
        if verdict != before and verdict.reached:
            self._tell_event()
        if self._is_fit:
            self.context.cancel("look")
        else:
            self._again()

    def _again(self) -> None:
        """An unfit account is looked at again too: a person may mend it at the venue."""
        self.context.schedule_once("look", self._retry_s, Due(what="look"))
        self._retry_s = min(self._retry_s * 2, RETRY_CAP_S)

    @property
    def _is_fit(self) -> bool:
        return self._verdict.reached and not self._verdict.why

    def _tell_risk(self) -> None:
        if self._is_fit:
            why = ""
        elif self._verdict.reached:
            why = f"its account cannot be used: {self._verdict.why}"
        else:
            why = f"its account could not be checked yet: {self._verdict.why}"
        self._risk.tell(VenueClosed(venue=self._venue, by=ACCOUNT, why=why))

    def _tell_event(self) -> None:
        venue, why = self._venue, self._verdict.why
        if self._is_fit:
            kind, severity = "account_fit", Severity.INFO
            text = f"{venue} answers, its account is fit: what is open there is looked after, and opening is allowed"
        elif self._verdict.reached:
            kind, severity = "account_unfit", Severity.CRITICAL
            text = f"{venue} answers, but its account cannot be used: nothing is opened there; mend this: {why}"
        else:
            kind, severity = "account_unchecked", Severity.CRITICAL
            text = (
                f"{venue} is out of reach: until it answers only the stops that rest there protect what is open there, "
                f"and nothing is opened there; it is tried again by itself: {why}"
            )
        blank = self._record.blank(self.context)
        event = EventRecord(kind=kind, severity=severity, text=text, at_ms=blank.at_ms, subject=venue)
        self._record.write(replace(blank, events=(event,)))
