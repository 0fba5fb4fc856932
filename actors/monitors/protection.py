"""The auditor of one venue: its positions against its own protective orders, independent of our records.

**Owns** since when the venue has shown each position without a stop that covers it.
**Accepts** VenueReadDone, its own timer, and Terminated of nothing.
**Sends** VenueRead to the execution actor, VerifyPosition to the desk, Decision (findings as events) to the journal.
**On crash** the next reading starts over.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, assert_never

from actors.kernel import Actor, Ref, Terminated
from actors.record import Record
from messages.instruments import Instrument
from messages.journal import EventRecord, Severity
from messages.positions import VenueRead, VenueReadDone, VerifyPosition
from messages.supervision import Due
from messages.values import PositionKey, Symbol, Venue
from messages.venue import AccountReport, FetchAccount, FetchInstruments, InstrumentsReport
from rules.protection_audit import Finding, FindingKind, audit

AUDIT_EVERY_S: Final = 60.0
RECHECK_S: Final = 5.0
CRITICAL_AFTER_MS: Final = 30_000
UNPROTECTED: Final = frozenset(
    {
        FindingKind.NO_STOP,
        FindingKind.STOP_TOO_SMALL,
        FindingKind.STOP_WRONG_SIDE,
        FindingKind.STOP_BEYOND_LIQUIDATION,
    }
)


class ProtectionMonitor(Actor):
    """Every minute: is each position on the venue covered? It asks the venue, and believes nobody else."""

    def __init__(
        self, *, venue: Venue, execution: Ref, desk: Ref, journal: Ref, hedge_mode: bool, owner_epoch: int
    ) -> None:
        super().__init__()
        self._venue = venue
        self._execution = execution
        self._desk = desk
        self._journal = journal
        self._hedge_mode = hedge_mode
        self._record = Record(journal=journal, owner_epoch=owner_epoch)
        self._instruments: dict[tuple[Venue, Symbol], Instrument] = {}
        self._since_ms: dict[Symbol, int] = {}

    def on_start(self) -> None:
        self.context.watch(self._execution)
        self._ask(FetchInstruments())
        self.context.schedule_once("audit", RECHECK_S, Due(what="audit"))

    def on_receive(self, message: VenueReadDone | Due | Terminated) -> None:
        match message:
            case VenueReadDone(answer=answer):
                self._on_answer(answer)
            case Due(what="instruments"):
                self._ask(FetchInstruments())
            case Due():
                self._ask(FetchAccount())
                self.context.schedule_once("audit", AUDIT_EVERY_S, Due(what="audit"))
            case Terminated(will_restart=will_restart):
                if will_restart and not self._instruments:
                    self._ask(FetchInstruments())
            case _:
                assert_never(message)

    def _ask(self, request: FetchAccount | FetchInstruments) -> None:
        self._execution.tell(VenueRead(path=self.context.path, request=request, urgent=False))

    def _on_answer(self, answer: object) -> None:
        match answer:
            case InstrumentsReport(instruments=instruments):
                self._instruments = {(self._venue, item.symbol): item for item in instruments}
            case AccountReport() as report:
                self._audit(report)
            case _ if not self._instruments:
                self.context.schedule_once("instruments", RECHECK_S, Due(what="instruments"))
            case _:
                self.context.schedule_once("audit", RECHECK_S, Due(what="audit"))

    def _audit(self, report: AccountReport) -> None:
        if not self._instruments:
            return
        findings = [
            finding
            for finding in audit(positions=report.positions, orders=report.orders, instruments=self._instruments)
            if finding.what in UNPROTECTED
        ]
        now_ms = self.context.now_ms()
        self._since_ms = {item.symbol: self._since_ms.get(item.symbol, now_ms) for item in findings}
        if findings:
            self.context.schedule_once("audit", RECHECK_S, Due(what="audit"))
            self._report(findings, now_ms)
            for finding in findings:
                self._desk.tell(VerifyPosition(key=self._key(finding, report), why=str(finding.what)))

    def _key(self, finding: Finding, report: AccountReport) -> PositionKey:
        side = next((item.side for item in report.positions if item.symbol == finding.symbol), None)
        return PositionKey(venue=self._venue, symbol=finding.symbol, hedge_side=side if self._hedge_mode else None)

    def _report(self, findings: Sequence[Finding], now_ms: int) -> None:
        events = []
        for finding in findings:
            open_ms = now_ms - self._since_ms[finding.symbol]
            events.append(
                EventRecord(
                    kind="unprotected_position",
                    severity=Severity.CRITICAL if open_ms >= CRITICAL_AFTER_MS else Severity.WARNING,
                    text=f"{finding.what}: {finding.quantity_uncovered} not covered, seen for {open_ms / 1_000:.0f} s",
                    at_ms=now_ms,
                    subject=f"{self._venue}/{finding.symbol}",
                )
            )
        self._record.write(replace(self._record.blank(self.context), events=tuple(events)))
