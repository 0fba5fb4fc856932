"""The auditor of one venue: its positions against its own protective orders, independent of our records.

**Owns** since when the venue has shown each position without a stop that covers it, or without take profits; and the
protection of positions whose actor does not live any more.
**Accepts** VenueReadDone, PositionRestored, IntentSettled, what the journal says of its decisions, its own timer, and
Terminated of the execution actor.
**Sends** VenueRead to the execution actor, VerifyPosition to the desk, RestorePosition to the journal, Decision to the
journal: findings as events and, for a position that is nobody's, the order that mends it.
**On crash** the next reading starts over.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, assert_never

from actors import addresses
from actors.addresses import Directory
from actors.kernel import Actor, Ref, Terminated
from actors.mending import Known, Mender, name_of
from actors.record import Record
from messages.instruments import Capabilities, Instrument
from messages.journal import CommitRefused, Committed, EventRecord, Severity
from messages.positions import (
    IntentSettled,
    OrderUpdated,
    PositionRestored,
    RestorePosition,
    VenueRead,
    VenueReadDone,
    VerifyPosition,
)
from messages.supervision import Due
from messages.values import PositionKey, Symbol, Venue
from messages.venue import AccountReport, FetchAccount, FetchInstruments, InstrumentsReport
from rules.client_order_ids import is_ours
from rules.position_case import PositionPolicies
from rules.protection_audit import Finding, FindingKind, PositionName, audit
from rules.repair import UNPROTECTED

AUDIT_EVERY_S: Final = 60.0
RECHECK_S: Final = 5.0
CRITICAL_AFTER_MS: Final = 30_000
DEAD_FOR_MS: Final = 5_000
"""A position's actor that comes back after a crash has its stop in order long before this."""

ProtectionMessage: TypeAlias = (
    VenueReadDone | PositionRestored | IntentSettled | OrderUpdated | Committed | CommitRefused | Due | Terminated
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectionParts:
    """What the auditor of one venue is given."""

    venue: Venue
    execution: Ref
    desk: Ref
    journal: Ref
    directory: Directory
    capabilities: Capabilities
    policies: PositionPolicies
    hedge_mode: bool
    owner_epoch: int


class ProtectionMonitor(Actor):
    """Every minute: is each position on the venue covered? It asks the venue, and believes nobody else."""

    def __init__(self, parts: ProtectionParts) -> None:
        super().__init__()
        self._parts = parts
        self._record = Record(journal=parts.journal, owner_epoch=parts.owner_epoch)
        self._mender = Mender(record=self._record, capabilities=parts.capabilities, policies=parts.policies)
        self._instruments: dict[tuple[Venue, Symbol], Instrument] = {}
        self._since_ms: dict[PositionName, int] = {}
        self._without_profit: frozenset[PositionName] = frozenset()
        self._dead_since_ms: dict[PositionName, int] = {}
        self._report: AccountReport | None = None

    def on_start(self) -> None:
        self.context.watch(self._parts.execution)
        self._ask(FetchInstruments())
        self.context.schedule_once("audit", RECHECK_S, Due(what="audit"))

    def on_receive(self, message: ProtectionMessage) -> None:
        match message:
            case VenueReadDone(answer=answer):
                self._on_answer(answer)
            case PositionRestored():
                self._take_over(message)
            case IntentSettled():
                self._mender.settled(self.context, message)
                self.context.schedule_once("audit", RECHECK_S, Due(what="audit"))
            case Committed() | CommitRefused() | OrderUpdated():
                pass  # refused by another owner, or told late: the next reading shows how it is
            case Due(what="instruments"):
                self._ask(FetchInstruments())
            case Due():
                self._ask(FetchAccount())
                self.context.schedule_once("audit", AUDIT_EVERY_S, Due(what="audit"))
            case Terminated(will_restart=will_restart):
                self._mender.give_up_waiting()
                if will_restart and not self._instruments:
                    self._ask(FetchInstruments())
            case _:
                assert_never(message)

    def _ask(self, request: FetchAccount | FetchInstruments) -> None:
        self._parts.execution.tell(VenueRead(path=self.context.path, request=request, urgent=False))

    def _on_answer(self, answer: object) -> None:
        match answer:
            case InstrumentsReport(instruments=instruments):
                self._instruments = {(self._parts.venue, item.symbol): item for item in instruments}
            case AccountReport() as report:
                self._audit(report)
            case _ if not self._instruments:
                self.context.schedule_once("instruments", RECHECK_S, Due(what="instruments"))
            case _:
                self.context.schedule_once("audit", RECHECK_S, Due(what="audit"))

    def _audit(self, report: AccountReport) -> None:
        if not self._instruments:
            return
        self._report = report
        found = audit(positions=report.positions, orders=report.orders, instruments=self._instruments)
        findings = [finding for finding in found if finding.what in UNPROTECTED]
        now_ms = self.context.now_ms()
        self._since_ms = {_name(item): self._since_ms.get(_name(item), now_ms) for item in findings}
        self._tell_of_take_profits([item for item in found if item.what is FindingKind.NO_TAKE_PROFIT], now_ms)
        if findings:
            self.context.schedule_once("audit", RECHECK_S, Due(what="audit"))
            self._put_on_record(findings, now_ms)
            for finding in findings:
                self._parts.desk.tell(VerifyPosition(key=self._key(_name(finding)), why=str(finding.what)))
        self._look_for_the_dead(findings, now_ms)

    def _key(self, name: PositionName) -> PositionKey:
        venue, symbol, hedge_side = name
        return PositionKey(venue=venue, symbol=symbol, hedge_side=hedge_side if self._parts.hedge_mode else None)

    def _tell_of_take_profits(self, findings: Sequence[Finding], now_ms: int) -> None:
        """A position that two audits show without its take profits is looked at by its actor, and told of once."""
        before, self._without_profit = self._without_profit, frozenset(_name(item) for item in findings)
        events = []
        for finding in findings:
            if _name(finding) in before:
                self._parts.desk.tell(VerifyPosition(key=self._key(_name(finding)), why=str(finding.what)))
            else:
                text = f"{finding.what}: {finding.quantity_uncovered} not covered"
                events.append(self._event(finding, "take_profit_missing", Severity.WARNING, text, now_ms))
        if events:
            self._record.write(replace(self._record.blank(self.context), events=tuple(events)))

    def _put_on_record(self, findings: Sequence[Finding], now_ms: int) -> None:
        events = []
        for finding in findings:
            open_ms = now_ms - self._since_ms[_name(finding)]
            severity = Severity.CRITICAL if open_ms >= CRITICAL_AFTER_MS else Severity.WARNING
            text = f"{finding.what}: {finding.quantity_uncovered} not covered, seen for {open_ms / 1_000:.0f} s"
            events.append(self._event(finding, "unprotected_position", severity, text, now_ms))
        self._record.write(replace(self._record.blank(self.context), events=tuple(events)))

    def _event(self, finding: Finding, kind: str, severity: Severity, text: str, now_ms: int) -> EventRecord:
        subject = f"{self._parts.venue}/{finding.symbol}"
        return EventRecord(kind=kind, severity=severity, text=text, at_ms=now_ms, subject=subject)

    # --- positions whose actor does not live any more -----------------------------------------------------------------

    def _look_for_the_dead(self, findings: Sequence[Finding], now_ms: int) -> None:
        """A position that is not covered, and whose actor was given up: its record tells how it should be."""
        dead = {_name(item) for item in findings if item.quantity_uncovered and self._is_dead(_name(item))}
        self._dead_since_ms = {name: self._dead_since_ms.get(name, now_ms) for name in dead}
        if self._mender.is_waiting:
            return
        for name, since_ms in self._dead_since_ms.items():
            if now_ms - since_ms >= DEAD_FOR_MS:
                self._parts.journal.tell(RestorePosition(path=self.context.path, key=self._key(name)))

    def _is_dead(self, name: PositionName) -> bool:
        """Whether the position has an actor, and that one handles nothing: parked, or crashing again and again."""
        ref = self._parts.directory(addresses.position(self._key(name)))
        return ref is not None and not ref.is_alive()

    def _take_over(self, message: PositionRestored) -> None:
        report, name = self._report, (message.key.venue, message.key.symbol, message.key.hedge_side)
        if report is None or name not in self._dead_since_ms or not self._is_dead(name):
            return
        if self._mender.is_mending(name):
            return
        # A record that is told twice, as after a slow database, is mended by once: the next reading decides on more.
        del self._dead_since_ms[name]
        found = audit(positions=report.positions, orders=report.orders, instruments=self._instruments)
        for position in report.positions:
            if name_of(position) != name:
                continue
            row = {} if message.restored is None else {name: message.restored.position}
            self._mender.mend(
                self.context,
                position=position,
                orders=report.orders,
                findings=[item for item in found if item.what in UNPROTECTED and _name(item) == name],
                known=Known(instruments=self._instruments, rows=row),
                touchable={order.venue_order_id for order in report.orders if is_ours(order.client_order_id)},
            )


def _name(finding: Finding) -> PositionName:
    return (finding.venue, finding.symbol, finding.hedge_side)
