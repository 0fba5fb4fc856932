"""One symbol's position on one venue, from life to life.

**Owns** the position's state, its stop, its take profits and its trailing; nothing else decides about them.
**Accepts** OpenPosition and AdoptPosition (from the desk), OrderUpdated, FillReceived, FundingReceived, PositionUpdated
(from the venue's streams), IntentSettled and VenueReadDone (from the execution actor), Tick (from the market actor),
InspectPosition and RiskJudged (from the guard), ClosePosition, VerifyPosition, RemoveZombies, InstrumentChanged,
SettingsChanged, DescribePosition, Settle, and its own timers.
**Sends** Decision to the journal, VenueRead and ResolveIntents to the execution actor, AttentionBand to the market
actor, ExposureChanged and PositionEnded to the risk actor, PositionReady, PositionUnclaimed and ReadAccountNow to the
desk.
**On crash** it asks the journal for its record and the venue for its account, orders and fills, and goes on from there:
the start after a crash and the start of the process are the same.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, assert_never

from actors.kernel import Actor, Terminated
from actors.market_watch import MarketWatch
from actors.policies import position_policies, sizing_policy
from actors.position_exposure import ending_of, exposure_of, may_be_naked
from actors.position_opening import (
    PositionMessage,
    PositionOpening,
    PositionSurroundings,
)
from actors.position_record import PositionRecord, rejoined, superseded, with_open_intents
from actors.settling import Settling
from actors.venue_reader import ACCOUNT, FILLS, VenueReader
from messages.account_check import RemoveZombies
from messages.guarding import InspectPosition, RiskJudged
from messages.instruments import Instrument
from messages.journal import CommitRefused
from messages.market import Tick
from messages.positions import (
    AccountRead,
    AdoptPosition,
    ClosePosition,
    DescribePosition,
    ExposureChanged,
    FillReceived,
    FillsRead,
    FundingReceived,
    InstrumentChanged,
    IntentSettled,
    OpenPosition,
    OrderUpdated,
    PositionRestored,
    PositionUnclaimed,
    PositionUpdated,
    ResolveIntents,
    RestorePosition,
    Settle,
    VenueReadDone,
    VerifyPosition,
    WakeUp,
)
from messages.settings import Settings
from messages.supervision import Due, PositionReady, ReadAccountNow, SettingsChanged
from messages.values import PositionKey
from messages.venue import (
    AccountReport,
    FillsReport,
    LeverageSet,
    OrderAccepted,
    OrderRejected,
    QueryOrder,
    RejectReason,
    SetLeverage,
)
from rules.ladder import AdditionRefused
from rules.position_case import PositionCase, Situation
from rules.position_decision import (
    OrderNotFound,
    PositionDecision,
    PositionInput,
    add_to_position,
    adopt_position,
    decide,
    open_position,
    restored_case,
)

STOPPING: Final = "the process is stopping"


class PositionActor(Actor):
    """The one place that decides about a position."""

    def __init__(self, *, key: PositionKey, instrument: Instrument, around: PositionSurroundings) -> None:
        super().__init__()
        self._key = key
        self._instrument = instrument
        self._around = around
        self._case: PositionCase | None = None
        self._restored = False
        self._record = PositionRecord(journal=around.journal, owner_epoch=around.owner_epoch)
        self._waiting: list[OpenPosition | AdoptPosition | ClosePosition | RemoveZombies] = []
        self._watch = MarketWatch(venue=key.venue, market=around.market)
        self._reader = VenueReader(symbol=key.symbol, execution=around.execution, clock=around.clock)
        self._opening = PositionOpening(
            key=key, around=around, watch=self._watch, reader=self._reader, record=self._record
        )
        self._ended_ms = 0
        self._shown_open = False
        self._told_ready = False
        self._settling = Settling()
        self._stopping = False

    def on_start(self) -> None:
        self.context.watch(self._around.execution)
        self.context.watch(self._around.market)
        self.context.watch(self._around.risk)
        self.context.watch(self._around.desk)
        self._around.journal.tell(RestorePosition(path=self.context.path, key=self._key))
        self._watch.start(self.context, self._situation())

    def describe(self) -> Mapping[str, object]:
        """The position and its trailing state, and what is under way."""
        case = self._case
        mine = {"restored": self._restored, "opening": self._opening.under_way, "stopping": self._stopping}
        if case is None:
            return mine
        return {**mine, "position": case.position, "trailing": case.trailing, "open": list(case.intents)}

    def on_receive(self, message: PositionMessage) -> object:
        match message:
            case Tick():
                self._on_tick(message)
            case InspectPosition(path=path):
                self._watch.show(self._case, self._instrument, path)
            case RiskJudged(tick=tick):
                self._watch.see(tick)
                self._decide(message)
            case FillReceived(fill=fill):
                self._watch.traded(fill)
                self._decide(message)
            case ClosePosition():
                self._on_close(message)
            case OrderUpdated() | FundingReceived() | PositionUpdated() | VerifyPosition() | WakeUp():
                self._decide(message)
            case SettingsChanged(settings=settings):
                self._on_settings(settings)
            case IntentSettled():
                self._on_settled(message)
            case VenueReadDone():
                self._on_read(message)
            case OpenPosition():
                self._on_open(message)
            case AdoptPosition():
                self._on_adopt(message)
            case PositionRestored():
                self._on_restored(message)
            case RemoveZombies():
                self._on_zombies(message)
            case InstrumentChanged(instrument=instrument):
                self._instrument = instrument
                self._decide(WakeUp())
            case Terminated():
                self._on_terminated(message)
            case CommitRefused():
                self.context.stop()
            case Due(what=what):
                self._on_due(what)
            case DescribePosition():
                return self._watch.summary(self._case, self._instrument)
            case Settle():
                self._settling.asked(self.context)
                self._stop_opening()
            case _:
                assert_never(message)
        return None

    # --- start and recovery -------------------------------------------------------------------------------------------

    def _on_restored(self, message: PositionRestored) -> None:
        if self._restored:
            self._on_restored_late(message)
            return
        self._restored = True
        self._record.complete = message.complete
        if message.restored is not None:
            self._case = restored_case(message.restored, self._situation())
            self._tell_exposure()
            self._resolve_open_intents()
            self._decide(WakeUp())
        else:
            self._ready()
        waiting, self._waiting = self._waiting, []
        for command in waiting:
            self.on_receive(command)

    def _on_restored_late(self, message: PositionRestored) -> None:
        """The database is back: what it knows that the spool and the venue did not is taken over."""
        case = self._case
        if not self._record.comes_late(message) or message.restored is None:
            return
        if case is None:
            self._restored = False
            self._on_restored(message)
        elif message.restored.position.position_id != case.position.position_id:
            self._record.commit(
                self.context, superseded(self._record.blank(self.context), message.restored.position, case.position)
            )
        elif message.restored.position.opened_ms < case.position.opened_ms:
            self._case = rejoined(restored_case(message.restored, self._situation()), case)
            self._resolve_open_intents()
            self._decide(WakeUp())
        else:
            self._case = with_open_intents(case, message)
            self._resolve_open_intents()

    def _resolve_open_intents(self) -> None:
        if self._case is not None and (self._case.intents or self._case.unknown):
            intents = (*self._case.intents.values(), *self._case.unknown.values())
            self._around.execution.tell(ResolveIntents(path=self.context.path, intents=intents))

    def _on_terminated(self, message: Terminated) -> None:
        """The execution, market or risk actor or the desk was restarted, and has forgotten what it heard from us."""
        if not message.will_restart:
            return
        if message.path == self._around.risk.path:
            self._tell_exposure()
            return
        if message.path == self._around.market.path:
            self._watch.start(self.context, self._situation())
            return
        if message.path == self._around.desk.path:
            if self._told_ready:
                self._around.desk.tell(PositionReady(key=self._key))
            return
        lost = self._reader.forget()
        self._resolve_open_intents()
        if ACCOUNT in lost:
            self._reader.account(self.context)
        if FILLS in lost:
            self._read_fills()
        if self._opening.under_way:
            self._prepare_opening()

    def _ready(self) -> None:
        if not self._told_ready:
            self._told_ready = True
            self._around.desk.tell(PositionReady(key=self._key))

    # --- deciding -----------------------------------------------------------------------------------------------------

    def _situation(self) -> Situation:
        return Situation(
            now_ms=self.context.now_ms(),
            instrument=self._instrument,
            capabilities=self._around.capabilities,
            policies=self._around.policies,
            last=self._watch.last,
            mark=self._watch.mark,
            minute_ago=self._watch.minute_ago,
            priced_ms=self._watch.priced_ms,
            venue_ahead_ms=self._around.clock.ahead_ms,
        )

    def _decide(self, event: PositionInput) -> None:
        if isinstance(event, PositionUpdated):
            self._shown_open = event.report is not None
        if self._case is not None:
            self._follow(decide(self._case, event, self._situation()))
        elif isinstance(event, PositionUpdated) and event.report is not None:
            self._wish_for_adoption()
        elif isinstance(event, VerifyPosition | PositionUpdated):
            self._answer_settling()

    def _follow(self, decision: PositionDecision) -> None:
        before, self._case = self._case, decision.case
        draft = decision.draft
        self._record.follow(self.context, decision)
        self._reader.protects = may_be_naked(decision.case.position)
        if draft.reads_account:
            self._reader.account(self.context)
        if draft.reads_fills:
            self._read_fills()
        for order in draft.queries:
            self._reader.order(self.context, order)
        if draft.wake_ms is not None:
            delay_s = max(draft.wake_ms - self.context.now_ms(), 1) / 1_000
            self.context.schedule_once("wake", delay_s, WakeUp())
        if before is None or self._exposure(before) != self._exposure(decision.case):
            self._tell_exposure()
        if not decision.case.recovering_since_ms:
            self._ready()
        if decision.clean:
            self._forget()
        self._tell_band()
        self._answer_settling()

    def _forget(self) -> None:
        """This life is over, and nothing of it is left at the venue."""
        if self._case is not None:
            self._around.risk.tell(ending_of(self._case.position))
        self._case = None
        self._ended_ms = self.context.now_ms()
        self.context.cancel("wake")
        if self._shown_open:
            self._wish_for_adoption()

    def _tell_exposure(self) -> None:
        if self._case is not None and (exposure := self._exposure(self._case)) is not None:
            self._around.risk.tell(exposure)

    def _exposure(self, case: PositionCase) -> ExposureChanged | None:
        return exposure_of(case.position, self._instrument)

    # --- prices and readings ------------------------------------------------------------------------------------------

    def _on_tick(self, tick: Tick) -> None:
        self._watch.take(tick)
        if self._stopping:
            return
        if self._opening.under_way:
            self._try_to_open()
        if self._case is None:
            self._tell_band()
        self._decide(tick)

    def _tell_band(self) -> None:
        """While a position is being opened every tick is wanted, else only those that can change something."""
        if not self._opening.under_way:
            self._watch.tell(self.context, self._case, self._situation())

    def _read_fills(self) -> None:
        since_ms = self._case.position.opened_ms if self._case is not None else self.context.now_ms()
        self._reader.fills(self.context, since_ms=since_ms)

    def _on_read(self, message: VenueReadDone) -> None:
        answer, asked_ms = message.answer, message.asked_ms
        match answer:
            case AccountReport():
                self._reader.came(message)
                self._on_account(answer, asked_ms)
            case FillsReport():
                self._reader.came(message)
                self._decide(FillsRead(report=answer, asked_ms=asked_ms))
            case LeverageSet():
                self._reader.came(message)
                if self._opening.under_way:
                    self._opening.leverage_set()
                    self._try_to_open()
            case OrderAccepted(report=report):
                self._reader.came(message)
                self._decide(OrderUpdated(report=report))
            case OrderRejected(reason=RejectReason.NOT_FOUND) if isinstance(message.request, QueryOrder):
                self._reader.came(message)
                self._decide(OrderNotFound(client_order_id=message.request.client_order_id))
            case OrderRejected(text=text) if isinstance(message.request, SetLeverage):
                self._reader.came(message)
                self._decline(f"leverage could not be set: {text}")
            case _:
                self._reader.failed(self.context, message)

    def _on_due(self, what: str) -> None:
        match what:
            case "account":
                self._reader.account(self.context)
            case "fills":
                self._read_fills()
            case "leverage":
                self._prepare_opening()
            case "opening":
                self._opening.overdue(self.context)
                self._tell_band()
            case _:
                self._decide(VerifyPosition(key=self._key, why=f"{what}: the venue gave no answer"))

    def _on_account(self, report: AccountReport, asked_ms: int) -> None:
        if self._case is not None:
            self._shown_open = any(item.hedge_side == self._key.hedge_side for item in report.positions)
            self._decide(AccountRead(report=report, asked_ms=asked_ms))
        elif self._opening.under_way:
            if self._opening.look_at(self.context, report):
                self._wish_for_adoption()
            self._try_to_open()

    def _on_settings(self, settings: Settings) -> None:
        """What is to be done follows from other thresholds now: the venue is read, and everything decided anew."""
        around = replace(self._around, policies=position_policies(settings), sizing=sizing_policy(settings))
        self._around = around
        self._opening.around = around
        self._decide(VerifyPosition(key=self._key, why="the settings changed"))

    def _on_settled(self, message: IntentSettled) -> None:
        case = self._case
        if case is not None and message.intent.position_id == case.position.position_id:
            self._decide(message)
            return
        self._record.note_outcome(self.context, message)
        if self._opening.under_way:
            self._reader.account(self.context)

    # --- how a position begins ----------------------------------------------------------------------------------------

    def _on_open(self, message: OpenPosition) -> None:
        if self._stopping:
            self._refuse(message, STOPPING)
        elif not self._restored:
            self._waiting.append(message)
        elif self._case is not None and message.ladder is not None:
            self._add(self._case, message)
        elif self._case is not None or self._opening.under_way:
            self._refuse(message, "the symbol has a position already")
        elif message.ladder is not None:
            self._refuse(message, "the position that it would have been added to is closed")
        else:
            self._opening.begin(self.context, message)
            self._prepare_opening()

    def _add(self, case: PositionCase, message: OpenPosition) -> None:
        self._watch.see(message.tick)
        decision = add_to_position(case, message, self._situation(), sizing=self._around.sizing)
        if isinstance(decision, AdditionRefused):
            self._refuse(message, f"not added to the open position: {decision.text}")
        else:
            self._follow(decision)

    def _refuse(self, command: OpenPosition, reason: str) -> None:
        """A reservation that the position itself holds stays."""
        case = self._case
        frees = case is None or case.position.reservation_id != command.reservation_id
        self._opening.refuse(self.context, command, reason, frees=frees)

    def _prepare_opening(self) -> None:
        if self._opening.under_way:
            self._watch.start(self.context, self._situation())
            self._opening.ask(self.context)

    def _try_to_open(self) -> None:
        birth = self._opening.birth(self.context, self._instrument)
        if birth is not None:
            self._follow(open_position(birth, self._situation()))
        elif not self._opening.under_way:
            self._tell_band()

    def _decline(self, reason: str) -> None:
        self._opening.decline(self.context, reason)
        self._tell_band()

    def _on_close(self, message: ClosePosition) -> None:
        if not self._restored:
            self._waiting.append(message)
        elif self._opening.under_way:
            self._decline("the position was closed before it was opened")
        else:
            self._decide(message)

    def _on_adopt(self, message: AdoptPosition) -> None:
        if not self._restored:
            self._waiting.append(message)
            return
        if self._case is not None or self._opening.under_way:
            self._decide(VerifyPosition(key=self._key, why="the account shows a position here"))
            return
        if message.account.taken_ms < self._ended_ms:
            return
        if not message.allowed:
            self._around.desk.tell(PositionUnclaimed(report=message.report))
            return
        decision = adopt_position(
            report=message.report,
            key=self._key,
            position_id=self._record.new_position_id(self.context),
            orders=message.account.orders,
            keeps_identity=not self._record.complete,
            situation=replace(self._situation(), mark=self._watch.mark or message.report.mark_price),
        )
        self._follow(decision)

    def _on_zombies(self, message: RemoveZombies) -> None:
        """What an audit found: where nothing is open, and nothing being opened, it goes; else the position decides."""
        if self._case is not None:
            self._decide(message)
        elif not self._restored:
            self._waiting.append(message)
        elif message.orders and not self._opening.under_way and not self._stopping:
            self._opening.remove(self.context, message.orders)

    def _wish_for_adoption(self) -> None:
        """Something is open here that is nobody's; the desk decides by the whole account whether it is taken over."""
        if self._restored and not self._opening.under_way:
            self._around.desk.tell(ReadAccountNow(why=f"{self._key.symbol} was opened from outside"))

    # --- shutdown -----------------------------------------------------------------------------------------------------

    def _stop_opening(self) -> None:
        """Nothing is begun any more, and no tick moves a stop; what is under way goes on."""
        self._stopping = True
        self._decline(STOPPING)
        self._answer_settling()

    def _answer_settling(self) -> None:
        """Nothing is answered before every order in flight is known, and what is open has its stop."""
        if self._restored and (self._case is None or self._case.at_rest):
            self._settling.answer()
