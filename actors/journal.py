"""The one writer.

**Owns** the journal port (store and spool) and the order of everything that is made durable.
**Accepts** Decision, RestorePosition, RestoreVenue, RestoreSignals, RestoreResults; its own timer for trying a lost
store again.
**Sends** ExecuteIntents to the execution actors after the commit and never before, Committed or CommitRefused to those
who asked, EventsRecorded to the alert actor, JournalChanged and OwnershipLost to the risk actor.
**On crash** the decisions in flight are offered again: each is written once, by its id, and its intents are told again,
which the execution actor recognises. Who is owed the record of a database that was away outlives it.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias, assert_never

from actors import addresses
from actors.addresses import Directory
from actors.kernel import Actor, Ref
from actors.ports import JournalPort
from messages.journal import (
    CommitRefused,
    CommitResult,
    Committed,
    Decision,
    Durability,
    EventRecord,
    JournalHealth,
    RestoredPosition,
    Severity,
)
from messages.positions import (
    ExecuteIntents,
    IntentSettled,
    NeverSent,
    PositionRestored,
    ResolveIntents,
    RestorePosition,
    Settle,
)
from messages.results import RestoreResults, ResultsRestored
from messages.state import Intent, IntentAction
from messages.supervision import (
    Due,
    EventsRecorded,
    JournalChanged,
    OwnershipLost,
    RestoreSignals,
    RestoreVenue,
    SignalsRestored,
    VenueRestored,
)
from messages.values import OrderPurpose, PositionKey, Venue

BATCH: Final = 256
RECOVER_EVERY_S: Final = 1.0

Restore: TypeAlias = RestorePosition | RestoreVenue | RestoreSignals | RestoreResults
"""A question for what is on record."""
Owed: TypeAlias = dict[tuple[type, str], Restore]
"""What was answered without the database, by who asked; it outlives the actor."""


FORGET_EVERY_S: Final = 3_600.0
KNOWN_FOR_MS: Final = 7 * 24 * 3_600_000
"""A decision is offered twice within the spool's life, and nothing is forgotten while anything is spooled."""


class JournalActor(Actor):
    """Group commit and transactional outbox."""

    def __init__(
        self, *, journal: JournalPort, directory: Directory, alert_path: str, risk_path: str, owed: Owed | None = None
    ) -> None:
        super().__init__()
        self._journal = journal
        self._directory = directory
        self._alert_path = alert_path
        self._risk_path = risk_path
        self._told_health: JournalHealth | None = None
        self._untold: dict[PositionKey, RestoredPosition] = {}
        self._deposed = False
        self._owed: Owed = {} if owed is None else owed

    def on_start(self) -> None:
        self._look_after_store()
        self.context.schedule_every("forget", FORGET_EVERY_S, Due(what="forget"))

    def describe(self) -> Mapping[str, object]:
        """Where records go, and who is owed the record of a database that was away."""
        return {"health": self._journal.health(), "deposed": self._deposed, "owed": [path for _, path in self._owed]}

    def on_receive(self, message: Decision | Restore | Due | Settle) -> object:
        match message:
            case Decision():
                more = self.context.take_more(BATCH - 1, (Decision,))
                self._write([message, *(item for item in more if isinstance(item, Decision))])
            case RestorePosition() | RestoreVenue() | RestoreSignals() | RestoreResults():
                self._restore(message)
            case Due(what="forget"):
                self._journal.prune(self.context.now_ms() - KNOWN_FOR_MS)
            case Due():
                self._look_after_store()
            case Settle():
                return self._journal.health()
            case _:
                assert_never(message)
        return None

    def _write(self, decisions: Sequence[Decision]) -> None:
        if self._deposed:
            self._refuse(decisions)
            return
        results = {result.decision_id: result for result in self._journal.write(decisions)}
        for decision in decisions:
            self._after(decision, results[decision.decision_id])
        if any(result.deposed for result in results.values()):
            self._on_deposed()
        elif any(result.durability is not Durability.STORE for result in results.values()):
            self._look_after_store()

    def _refuse(self, decisions: Sequence[Decision]) -> None:
        """Whoever asked for an answer may send nothing any more; the others go on watching, and deciding in vain."""
        for decision in decisions:
            if decision.reply:
                self._tell(decision.path, CommitRefused(decision_id=decision.decision_id))

    def _on_deposed(self) -> None:
        self._deposed = True
        self._tell(self._risk_path, OwnershipLost())
        record = EventRecord(
            kind="ownership",
            severity=Severity.CRITICAL,
            text="another process has taken the account over: this one only watches from now on",
            at_ms=self.context.now_ms(),
            subject=self.context.path,
        )
        self._tell(self._alert_path, EventsRecorded(events=(record,)))

    def _after(self, decision: Decision, result: CommitResult) -> None:
        if result.refused:
            self._announce(decision, f"the database refused a decision: {result.refused}", Severity.CRITICAL)
        if result.deposed:
            self._refuse([decision])
            return
        if result.stale or result.refused:
            if decision.position is not None or decision.reply:
                self._tell(decision.path, CommitRefused(decision_id=decision.decision_id))
            return
        if result.repeated:
            self._tell_execution(decision, decision.intents, repeated=True)
        else:
            self._hand_out(decision, result.durability)
        if decision.reply:
            self._tell(decision.path, Committed(decision_id=decision.decision_id, durability=result.durability))
        if decision.events:
            self._tell(self._alert_path, EventsRecorded(events=decision.events))

    def _hand_out(self, decision: Decision, durability: Durability) -> None:
        """Tell the execution actors what may be sent now. Without any record only protection may (DESIGN §3.3)."""
        allowed = [intent for intent in decision.intents if durability is Durability.STORE or not _opens(intent)]
        self._tell_execution(decision, allowed, repeated=False)
        for intent in decision.intents:
            if intent not in allowed:
                never = NeverSent(text="the database cannot be written: nothing is opened")
                self._tell(decision.path, IntentSettled(intent=intent, outcome=never))
        if durability is Durability.NOWHERE and allowed:
            self._announce(
                decision, f"{len(allowed)} protective orders were sent without a durable record", Severity.CRITICAL
            )

    def _tell_execution(self, decision: Decision, intents: Sequence[Intent], *, repeated: bool) -> None:
        """What was on record already may have been sent already: it is looked for first."""
        by_venue: dict[Venue, list[Intent]] = {}
        for intent in intents:
            by_venue.setdefault(intent.key.venue, []).append(intent)
        now_ms = self.context.now_ms()
        for venue, its_intents in by_venue.items():
            handing: ResolveIntents | ExecuteIntents
            if repeated:
                handing = ResolveIntents(path=decision.path, intents=tuple(its_intents))
            else:
                handing = ExecuteIntents(path=decision.path, intents=tuple(its_intents), committed_ms=now_ms)
            self._tell(addresses.exchange(venue, "execution"), handing)

    def _announce(self, decision: Decision, text: str, severity: Severity) -> None:
        record = EventRecord(kind="journal", severity=severity, text=text, at_ms=decision.at_ms, subject=decision.path)
        self._tell(self._alert_path, EventsRecorded(events=(record,)))

    def _look_after_store(self) -> None:
        health = self._journal.recover()
        told = self._told_health
        if told is None or told.store_available != health.store_available:
            self._told_health = health
            self._tell(self._risk_path, JournalChanged(health=health))
            if told is not None or not health.store_available:
                self._tell_of_store(health)
        if health.store_available and not health.spooled:
            self.context.cancel("recover")
            self._pay_what_is_owed()
        else:
            self.context.schedule_once("recover", RECOVER_EVERY_S, Due(what="recover"))

    def _tell_of_store(self, health: JournalHealth) -> None:
        text = (
            "the database is back, the spool is drained"
            if health.store_available
            else f"the database cannot be written, records go to the spool, nothing new is opened: {health.error}"
        )
        record = EventRecord(
            kind="database",
            severity=Severity.INFO if health.store_available else Severity.CRITICAL,
            text=text,
            at_ms=self.context.now_ms(),
            subject=self.context.path,
        )
        self._tell(self._alert_path, EventsRecorded(events=(record,)))

    def _restore(self, message: Restore) -> None:
        """Tell what is on record; without the database what the spool has, and the rest when it is back."""
        match message:
            case RestorePosition():
                self._restore_position(message)
            case RestoreVenue():
                self._restore_venue(message)
            case RestoreSignals():
                known = self._journal.known_signals(message.since_ms)
                self._tell(message.path, SignalsRestored(signals=known))
            case RestoreResults():
                results = self._journal.position_results(message.since_ms)
                locks = tuple(self._journal.symbol_locks().items())
                self._tell(message.path, ResultsRestored(results=tuple(results), locks=locks))
            case _:
                assert_never(message)
        if not self._journal.health().store_available:
            self._owed[type(message), message.path] = message

    def _pay_what_is_owed(self) -> None:
        if any(isinstance(message, RestoreVenue) for message in self._owed.values()):
            self._untold = {item.position.key: item for item in self._journal.load_before()}
        for name in tuple(self._owed):
            self._restore(self._owed.pop(name))

    def _restore_position(self, message: RestorePosition) -> None:
        """From the record; once after an outage from what it was before, for positions that went on without it."""
        found = self._untold.pop(message.key, None)
        if found is None:
            found = next((item for item in self._journal.load() if item.position.key == message.key), None)
        complete = self._journal.health().store_available
        self._tell(message.path, PositionRestored(key=message.key, restored=found, complete=complete))

    def _restore_venue(self, message: RestoreVenue) -> None:
        found: Mapping[str, RestoredPosition] = {
            item.position.position_id: item
            for item in (*self._journal.load(), *self._untold.values())
            if message.venue is None or item.position.key.venue == message.venue
        }
        self._tell(message.path, VenueRestored(venue=message.venue, positions=tuple(found.values())))

    def _tell(self, path: str, message: object) -> None:
        ref: Ref | None = self._directory(path)
        if ref is not None:
            ref.tell(message)


def _opens(intent: Intent) -> bool:
    return intent.action is IntentAction.PLACE and intent.order.purpose is OrderPurpose.ENTRY
