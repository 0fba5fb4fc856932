"""The whole check of one venue (S15): every position and every order, against what should be there.

**Owns** the one check that is under way.
**Accepts** CheckVenue (from the command line; once a day it begins by itself), VenueReadDone, VenueRestored,
IntentSettled, what the journal says of its decisions, and its own timers.
**Sends** VenueRead to the execution actor, RestoreVenue and Decision to the journal; where a desk is there
VerifyPosition, RemoveZombies and ReadAccountNow to it, and sends no order itself.
**On crash** the check under way is over, and whoever asked hears of it; what was intended is on record.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias, assert_never

from actors.check_findings import Judgement, judge, unmended
from actors.kernel import Actor, Ref, Reply, Terminated
from actors.mending import Known, Mender, name_of
from actors.plan_orders import PlanOrderShare
from actors.record import Record
from messages.account_check import CheckFinding, CheckVenue, RemoveZombies, VenueChecked
from messages.instruments import Capabilities, Instrument
from messages.journal import CommitRefused, Committed, EventRecord, Severity
from messages.orders import OrderReport
from messages.positions import IntentSettled, OrderUpdated, VenueRead, VenueReadDone, VerifyPosition
from messages.signals import Signal
from messages.state import PositionState
from messages.supervision import Due, ReadAccountNow, RestoreVenue, VenueRestored
from messages.values import PositionKey, Symbol, Venue
from messages.venue import AccountReport, FetchAccount, FetchInstruments, InstrumentsReport, VenueAnswer
from rules.position_case import PositionPolicies
from rules.protection_audit import PositionName
from rules.zombies import ZombiePolicy, side_of

READ_AGAIN_S: Final = 0.5
"""A venue may show what it has just acknowledged a moment later."""
LOOK_AGAIN_S: Final = 2.0
FIRST_READS: Final = 3
MAX_READS: Final = 20
MAX_ROUNDS: Final = 6
SETTLE_S: Final = 45.0
DAY_MS: Final = 86_400_000
MINUTE_MS: Final = 60_000

CheckMessage: TypeAlias = (
    CheckVenue
    | VenueReadDone
    | VenueRestored
    | IntentSettled
    | OrderUpdated
    | Committed
    | CommitRefused
    | Due
    | Terminated
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckParts:
    """What a check is given.

    Attributes:
        desk: Who has positions mended by their own actors; ``None`` where no process runs the account.
        daily_minute: The minute of the UTC day at which it checks by itself; ``None`` never.
        plan_orders: What became of stops and take profits since the last report.
        signals: The last signal for each symbol, for positions that are on no record.
    """

    venue: Venue
    execution: Ref
    journal: Ref
    desk: Ref | None
    capabilities: Capabilities
    policies: PositionPolicies
    zombies: ZombiePolicy
    owner_epoch: int
    daily_minute: int | None = None
    plan_orders: Callable[[], PlanOrderShare] = PlanOrderShare
    signals: Mapping[tuple[Venue, Symbol], Signal] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Check:
    """One check under way."""

    fix: bool
    reply: Reply | None
    mender: Mender
    reads: int = 0
    rounds: int = 0
    first: Judgement | None = None
    last: Judgement | None = None
    restored: bool = False
    report: AccountReport | None = None


class CheckActor(Actor):
    """Reads, judges, has mended what is wrong, and reads again until nothing more can be done."""

    def __init__(self, parts: CheckParts) -> None:
        super().__init__()
        self._parts = parts
        self._record = Record(journal=parts.journal, owner_epoch=parts.owner_epoch)
        self._instruments: dict[tuple[Venue, Symbol], Instrument] = {}
        self._rows: dict[PositionName, PositionState] = {}
        self._check: Check | None = None
        self._waiting: list[tuple[CheckVenue, Reply]] = []

    def on_start(self) -> None:
        self.context.watch(self._parts.execution)
        self._sleep_until_due()

    def on_receive(self, message: CheckMessage) -> object:
        match message:
            case CheckVenue():
                self._on_asked(message)
            case VenueReadDone(answer=answer):
                self._on_answer(answer)
            case VenueRestored(positions=positions):
                self._rows = {
                    (item.position.key.venue, item.position.key.symbol, item.position.key.hedge_side): item.position
                    for item in positions
                    if item.position.quantity > 0
                }
                self._on_restored()
            case IntentSettled():
                self._on_settled(message)
            case CommitRefused():
                self._fail("another process owns the account: nothing was sent")
            case Committed() | OrderUpdated():
                pass  # a late answer: the next reading shows the order as it is
            case Terminated(will_restart=will_restart):
                if will_restart and self._check is not None:
                    self._check.mender.give_up_waiting()
                    self._read()
            case Due(what=what):
                self._on_due(what)
            case _:
                assert_never(message)
        return None

    # --- beginning ----------------------------------------------------------------------------------------------------

    def _on_asked(self, message: CheckVenue) -> None:
        reply = self.context.defer_reply()
        if self._check is not None:
            self._waiting.append((message, reply))
        else:
            self._begin(fix=message.fix, reply=reply)

    def _begin(self, *, fix: bool, reply: Reply | None) -> None:
        mender = Mender(record=self._record, capabilities=self._parts.capabilities, policies=self._parts.policies)
        self._check = Check(fix=fix, reply=reply, mender=mender)
        self._read()

    def _sleep_until_due(self) -> None:
        if self._parts.daily_minute is None:
            return
        now_ms = self.context.now_ms()
        due_ms = now_ms - now_ms % DAY_MS + self._parts.daily_minute * MINUTE_MS
        if due_ms <= now_ms:
            due_ms += DAY_MS
        self.context.schedule_once("daily", (due_ms - now_ms) / 1_000, Due(what="daily"))

    # --- reading ------------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        check = self._check
        if check is None:
            return
        check.reads += 1
        check.report, check.restored = None, False
        self._parts.journal.tell(RestoreVenue(path=self.context.path, venue=self._parts.venue))
        if not self._instruments:
            self._ask(FetchInstruments())
        self._ask(FetchAccount())

    def _ask(self, request: FetchAccount | FetchInstruments) -> None:
        self._parts.execution.tell(VenueRead(path=self.context.path, request=request, urgent=False))

    def _on_answer(self, answer: VenueAnswer) -> None:
        check = self._check
        if check is None:
            return
        match answer:
            case InstrumentsReport(instruments=instruments):
                self._instruments = {(item.venue, item.symbol): item for item in instruments}
            case AccountReport():
                check.report = answer
            case _ if check.reads >= (FIRST_READS if check.first is None else MAX_READS):
                self._fail(getattr(answer, "text", "no answer"))
                return
            case _:
                self.context.schedule_once("read", LOOK_AGAIN_S, Due(what="read"))
                return
        self._judge_when_complete()

    def _on_restored(self) -> None:
        if self._check is not None:
            self._check.restored = True
            self._judge_when_complete()

    def _on_due(self, what: str) -> None:
        match what:
            case "daily":
                self._sleep_until_due()
                if self._check is None:
                    self._begin(fix=True, reply=None)
            case "settle":
                if self._check is not None and self._check.mender.is_waiting:
                    self._check.mender.give_up_waiting()
                    self._read()
            case _:
                self._read()

    # --- judging and mending ------------------------------------------------------------------------------------------

    def _judge_when_complete(self) -> None:
        check = self._check
        if check is None or check.report is None or not check.restored or not self._instruments:
            return
        report, check.report = check.report, None
        check.last = judge(
            report,
            known=Known(instruments=self._instruments, rows=self._rows, signals=self._parts.signals),
            policies=self._parts.policies,
            zombies=self._parts.zombies,
            now_ms=self.context.now_ms(),
            is_running=self._parts.desk is not None,
        )
        if check.first is None:
            check.first = check.last
        if not check.fix or not check.last.can_be_mended or check.rounds >= MAX_ROUNDS:
            self._finish()
            return
        check.rounds += 1
        if self._parts.desk is not None:
            self._have_mended(self._parts.desk, check.last)
        elif self._mend(check, check.last) == 0:
            self._finish()
        else:
            self.context.schedule_once("settle", SETTLE_S, Due(what="settle"))

    def _mend(self, check: Check, judged: Judgement) -> int:
        """Send what is missing; how many orders that are."""
        sent = check.mender.cancel(self.context, [zombie for zombie in judged.zombies if zombie.may_go])
        for position in judged.report.positions:
            sent += check.mender.mend(
                self.context,
                position=position,
                orders=judged.report.orders,
                findings=[item for item in judged.findings if judged.is_about(item, position)],
                known=judged.known,
                touchable={order.venue_order_id for order in judged.report.orders} - judged.of_others,
            )
        return sent

    def _have_mended(self, desk: Ref, judged: Judgement) -> None:
        """Whoever is responsible for each symbol mends it, and no order is sent past them."""
        desk.tell(ReadAccountNow(why="the check found something"))
        for position in judged.report.positions:
            about = [item for item in judged.findings if judged.is_about(item, position)]
            if about:
                desk.tell(VerifyPosition(key=_key(name_of(position)), why=str(about[0].what)))
        useless = self._by_key([zombie.order for zombie in judged.zombies if zombie.may_go])
        doubled = self._by_key(judged.surplus)
        for key in {**useless, **doubled}:
            message = RemoveZombies(key=key, orders=tuple(useless.get(key, ())), doubled=tuple(doubled.get(key, ())))
            desk.tell(message)
        self.context.schedule_once("read", LOOK_AGAIN_S, Due(what="read"))

    def _by_key(self, orders: Sequence[OrderReport]) -> dict[PositionKey, list[OrderReport]]:
        found: dict[PositionKey, list[OrderReport]] = {}
        for order in orders:
            side = side_of(order, hedge_mode=self._parts.zombies.hedge_mode)
            found.setdefault(_key((order.venue, order.symbol, side)), []).append(order)
        return found

    def _on_settled(self, message: IntentSettled) -> None:
        check = self._check
        mender = check.mender if check is not None else self._idle_mender()
        was_waiting = mender.is_waiting
        mender.settled(self.context, message)
        if check is not None and was_waiting and not mender.is_waiting:
            self.context.cancel("settle")
            self.context.schedule_once("read", READ_AGAIN_S, Due(what="read"))

    def _idle_mender(self) -> Mender:
        """For an outcome that comes after the check it belongs to: it is put on record."""
        return Mender(record=self._record, capabilities=self._parts.capabilities, policies=self._parts.policies)

    # --- the end ------------------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        check = self._check
        if check is None or check.first is None or check.last is None:
            return
        findings = unmended(
            check.first, check.last, why=check.mender.refused, fixes=check.fix, replaced=check.mender.replaced
        )
        self._end(
            VenueChecked(
                venue=self._parts.venue,
                positions=len(check.first.report.positions),
                orders=len(check.first.report.orders),
                findings=findings,
                sent=check.mender.sent,
            )
        )

    def _fail(self, text: str) -> None:
        self._end(VenueChecked(venue=self._parts.venue, error=text))

    def _end(self, checked: VenueChecked) -> None:
        check, self._check = self._check, None
        for key in ("read", "settle"):
            self.context.cancel(key)
        if check is None:
            return
        if check.reply is not None:
            check.reply.send(checked)
        if check.fix:
            self._record.write(replace(self._record.blank(self.context), events=(self._report(checked),)))
        if self._waiting:
            message, reply = self._waiting.pop(0)
            self._begin(fix=message.fix, reply=reply)

    def _report(self, checked: VenueChecked) -> EventRecord:
        """The whole check as one event: protection, zombies, database against venue, plan orders, what was repaired."""
        left = [item for item in checked.findings if not item.fixed]
        return EventRecord(
            kind="selfcheck",
            severity=Severity.WARNING if left or checked.error else Severity.INFO,
            text=checked.error
            or f"{checked.positions} positions and {checked.orders} orders: {len(checked.findings)} findings, "
            f"{len(checked.findings) - len(left)} mended, {len(left)} left",
            at_ms=self.context.now_ms(),
            subject=str(checked.venue),
            data=(*_figures(checked.findings), ("plan_orders", str(self._parts.plan_orders()))),
        )


def _figures(findings: Sequence[CheckFinding]) -> list[tuple[str, str]]:
    kinds = sorted({finding.what for finding in findings})
    counted = []
    for what in kinds:
        found = [finding for finding in findings if finding.what == what]
        counted.append((what, f"{len(found)} found, {sum(item.fixed for item in found)} mended"))
    return counted


def _key(name: PositionName) -> PositionKey:
    venue, symbol, hedge_side = name
    return PositionKey(venue=venue, symbol=symbol, hedge_side=hedge_side)
