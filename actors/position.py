"""One symbol's position on one venue, from life to life.

**Owns** the position's state, its stop, its take profits and its trailing; nothing else decides about them.
**Accepts** OpenPosition and AdoptPosition (from the desk), what the venue's streams say (OrderUpdated, FillReceived,
FundingReceived, PositionUpdated), IntentSettled and VenueReadDone (from the execution actor), Tick (from the market
actor), ClosePosition, VerifyPosition, InstrumentChanged, DescribePosition, Settle, and its own timers.
**Sends** Decision to the journal, VenueRead and ResolveIntents to the execution actor, AttentionBand to the market
actor, ExposureChanged and PositionEnded to the risk actor, PositionReady to the desk.
**On crash** it asks the journal for its record and the venue for its account, orders and fills, and goes on from there:
the start after a crash and the start of the process are the same.
"""

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final, TypeAlias, assert_never

from actors import addresses
from actors.kernel import Actor, Ref, Reply, Terminated
from messages.instruments import Capabilities, Instrument
from messages.journal import CommitRefused, Decision, EventRecord, IntentOutcome, Severity, SignalFate, Verdict
from messages.market import AttentionBand, Tick
from messages.orders import OrderReport, OrderSpec
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
    PositionEnded,
    PositionRestored,
    PositionSummary,
    PositionUpdated,
    ResolveIntents,
    RestorePosition,
    Settle,
    VenueRead,
    VenueReadDone,
    VerifyPosition,
    WakeUp,
)
from messages.signals import Signal
from messages.state import Intent, IntentAction, IntentStatus, PositionPhase
from messages.supervision import Due, PositionReady, WatchMarket
from messages.values import Epoch, IntentId, PositionId, PositionKey, Price
from messages.venue import (
    AccountReport,
    FetchAccount,
    FetchFills,
    FillsReport,
    LeverageSet,
    OrderAccepted,
    OrderRejected,
    QueryOrder,
    ReadRequest,
    RejectReason,
    SetLeverage,
)
from rules.attention import attention_band, attention_due_ms
from rules.client_order_ids import parse_client_order_id
from rules.pnl import breakeven_price
from rules.position_case import PositionCase, PositionPolicies, Situation, spec_of
from rules.position_decision import (
    Opening,
    OrderNotFound,
    PositionDecision,
    PositionInput,
    adopt_position,
    decide,
    open_position,
    restored_case,
)
from rules.rounding import notional
from rules.sizing import SizeRefused, SizingPolicy, order_quantity

PositionMessage: TypeAlias = (
    Tick
    | OrderUpdated
    | FillReceived
    | FundingReceived
    | PositionUpdated
    | ClosePosition
    | VerifyPosition
    | WakeUp
    | IntentSettled
    | VenueReadDone
    | OpenPosition
    | AdoptPosition
    | PositionRestored
    | InstrumentChanged
    | Terminated
    | CommitRefused
    | Due
    | DescribePosition
    | Settle
)

MAX_OPENING_MS: Final = 10_000
REREAD_FIRST_S: Final = 0.25
REREAD_CAP_S: Final = 5.0
FILLS_MARGIN_MS: Final = 5_000
"""How much earlier than our own clock said the venue may have stamped the first fill."""


@dataclass(slots=True, kw_only=True)
class _Opening:
    """An OpenPosition on its way: the leverage is set, the account found clean, and a price known, then it is sent."""

    command: OpenPosition
    since_ms: int
    leverage_set: bool = False
    clean: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionSurroundings:
    """What a position's actor is given by the supervisor, the same for every symbol of a venue."""

    journal: Ref
    execution: Ref
    market: Ref
    risk: Ref
    desk: Ref
    capabilities: Capabilities
    policies: PositionPolicies
    sizing: SizingPolicy
    owner_epoch: int


class PositionActor(Actor):
    """The one place that decides about a position."""

    def __init__(self, *, key: PositionKey, instrument: Instrument, around: PositionSurroundings) -> None:
        super().__init__()
        self._key = key
        self._instrument = instrument
        self._around = around
        self._case: PositionCase | None = None
        self._restored = False
        self._waiting_opens: list[OpenPosition | AdoptPosition] = []
        self._opening: _Opening | None = None
        self._last: Price | None = None
        self._mark: Price | None = None
        self._minute_ago: Price | None = None
        self._ticks_handled = 0
        self._reading: dict[str, int] = {}
        self._reread_s = REREAD_FIRST_S
        self._decisions = 0
        self._told_band: tuple[Price | None, Price | None] | None = None
        self._told_ready = False
        self._settling: list[Reply] = []

    def on_start(self) -> None:
        self.context.watch(self._around.execution)
        self.context.watch(self._around.market)
        self._around.journal.tell(RestorePosition(path=self.context.path, key=self._key))
        self._around.market.tell(WatchMarket(path=self.context.path, symbol=self._key.symbol))

    def on_receive(self, message: PositionMessage) -> object:
        match message:
            case Tick():
                self._on_tick(message)
            case (
                OrderUpdated()
                | FillReceived()
                | FundingReceived()
                | PositionUpdated()
                | ClosePosition()
                | VerifyPosition()
                | WakeUp()
            ):
                self._decide(message)
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
            case InstrumentChanged(instrument=instrument):
                self._instrument = instrument
            case Terminated():
                self._on_terminated(message)
            case CommitRefused():
                self.context.stop()
            case Due(what=what):
                self._on_due(what)
            case DescribePosition():
                return self._summary()
            case Settle():
                self._settling.append(self.context.defer_reply())
                self._answer_settling()
            case _:
                assert_never(message)
        return None

    # --- start and recovery -------------------------------------------------------------------------------------------

    def _on_restored(self, message: PositionRestored) -> None:
        if self._restored:
            return
        self._restored = True
        if message.restored is not None:
            self._case = restored_case(message.restored, self._situation())
            self._tell_exposure()
            self._resolve_open_intents()
            self._decide(WakeUp())
        else:
            self._ready()
        waiting, self._waiting_opens = self._waiting_opens, []
        for opening in waiting:
            self.on_receive(opening)

    def _resolve_open_intents(self) -> None:
        if self._case is not None and self._case.intents:
            self._around.execution.tell(
                ResolveIntents(path=self.context.path, intents=tuple(self._case.intents.values()))
            )

    def _on_terminated(self, message: Terminated) -> None:
        """The execution or market actor was restarted, and has forgotten what we had asked of it."""
        if not message.will_restart:
            return
        if message.path == self._around.market.path:
            self._ticks_handled = 0
            self._told_band = None
            self._around.market.tell(WatchMarket(path=self.context.path, symbol=self._key.symbol))
            return
        wanted, self._reading = set(self._reading), {}
        self._resolve_open_intents()
        if "account" in wanted:
            self._read_account()
        if "fills" in wanted:
            self._read_fills()
        if self._opening is not None:
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
            last=self._last,
            mark=self._mark,
            minute_ago=self._minute_ago,
        )

    def _decide(self, event: PositionInput) -> None:
        if self._case is not None:
            self._follow(decide(self._case, event, self._situation()))
        elif isinstance(event, VerifyPosition | PositionUpdated):
            self._answer_settling()

    def _follow(self, decision: PositionDecision) -> None:
        before, self._case = self._case, decision.case
        draft = decision.draft
        if decision.changed:
            self._commit(
                replace(
                    self._blank(),
                    position=decision.case.position,
                    trailing=decision.case.trailing,
                    intents=tuple(draft.intents),
                    outcomes=tuple(draft.outcomes),
                    fills=tuple(draft.fills),
                    funding=tuple(draft.funding),
                    events=tuple(draft.events),
                    signals=tuple(draft.signals),
                )
            )
        if draft.reads_account:
            self._read_account()
        if draft.reads_fills:
            self._read_fills()
        for order in draft.queries:
            self._query(order)
        if draft.wake_ms is not None:
            delay_s = max(draft.wake_ms - self.context.now_ms(), 1) / 1_000
            self.context.schedule_once("wake", delay_s, WakeUp())
        if before is None or before.position.quantity != decision.case.position.quantity:
            self._tell_exposure()
        if not decision.case.recovering_since_ms:
            self._ready()
        if decision.clean:
            self._forget()
        self._tell_band()
        self._answer_settling()

    def _blank(self) -> Decision:
        """A decision of this incarnation, with nothing in it yet."""
        self._decisions += 1
        epoch = Epoch(owner=self._around.owner_epoch, actor=self.context.epoch)
        return Decision(
            decision_id=f"{self.context.path}:{epoch.owner}.{epoch.actor}.{self._decisions}",
            path=self.context.path,
            epoch=epoch,
            at_ms=self.context.now_ms(),
        )

    def _commit(self, decision: Decision) -> None:
        self.context.check_epoch()
        self._around.journal.tell(decision)

    def _forget(self) -> None:
        """This life is over, and nothing of it is left at the venue."""
        if self._case is not None:
            reservation_id = self._case.position.reservation_id
            self._around.risk.tell(PositionEnded(key=self._key, reservation_id=reservation_id))
        self._case = None
        self.context.cancel("wake")

    def _tell_exposure(self) -> None:
        if self._case is None:
            return
        position = self._case.position
        if position.phase in {PositionPhase.CLOSED, PositionPhase.ROLLED_BACK}:
            return
        quantity = position.quantity if position.quantity > 0 else position.wanted_quantity
        self._around.risk.tell(
            ExposureChanged(
                key=self._key,
                reservation_id=position.reservation_id,
                notional=notional(
                    quantity=quantity, price=position.entry_price, contract_size=self._instrument.contract_size
                ),
            )
        )

    # --- prices -------------------------------------------------------------------------------------------------------

    def _on_tick(self, tick: Tick) -> None:
        self._ticks_handled += tick.count
        self._last, self._mark, self._minute_ago = tick.last, tick.mark, tick.minute_ago
        if self._opening is not None:
            self._try_to_open()
        if self._case is not None:
            self._follow(decide(self._case, tick, self._situation()))
        self._told_band = None
        self._tell_band()

    def _tell_band(self) -> None:
        """Say between which prices nothing can change; until then every tick comes."""
        if self._opening is not None:
            return
        band, due_ms, momentum = self._band()
        if due_ms is not None:
            self.context.schedule_once("due", max(due_ms - self.context.now_ms(), 1) / 1_000, WakeUp())
        if band == self._told_band:
            return
        self._told_band = band
        self._around.market.tell(
            AttentionBand(
                path=self.context.path,
                venue=self._key.venue,
                symbol=self._key.symbol,
                lower=band[0],
                upper=band[1],
                handled=self._ticks_handled,
                momentum_side=self._case.position.side if momentum and self._case is not None else None,
                momentum_percent=self._around.policies.trailing.momentum_percent,
            )
        )

    def _band(self) -> tuple[tuple[Price | None, Price | None], int | None, bool]:
        case = self._case
        if case is None or case.position.phase is not PositionPhase.ACTIVE or case.position.stop.working is None:
            return (None, None), None, False
        position, policy, now_ms = case.position, self._around.policies.trailing, self.context.now_ms()
        first = next((item for item in position.take_profits if item.level == 1), None)
        band = attention_band(
            state=case.trailing,
            side=position.side,
            entry_price=position.entry_price,
            breakeven_price=breakeven_price(
                side=position.side,
                entry_price=position.entry_price,
                commission_percent=self._around.policies.commission_percent,
                tick=self._instrument.price_tick,
            ),
            take_profit_1=first.trigger_price if first is not None else None,
            stop_price=case.position.stop.working.trigger_price,
            now_ms=now_ms,
            opened_ms=position.opened_ms,
            minute_ago_price=None,
            tick=self._instrument.price_tick,
            policy=policy,
        )
        due_ms = attention_due_ms(state=case.trailing, now_ms=now_ms, opened_ms=position.opened_ms, policy=policy)
        return band, due_ms, True

    # --- the venue ----------------------------------------------------------------------------------------------------

    def _read_account(self) -> None:
        self._read("account", FetchAccount(symbol=self._key.symbol))

    def _read_fills(self) -> None:
        since_ms = self._case.position.opened_ms if self._case is not None else self.context.now_ms()
        self._read("fills", FetchFills(symbol=self._key.symbol, since_ms=since_ms - FILLS_MARGIN_MS))

    def _query(self, order: OrderSpec) -> None:
        self._read(
            f"order {order.client_order_id}",
            QueryOrder(symbol=order.symbol, client_order_id=order.client_order_id, kind=order.kind),
        )

    def _read(self, what: str, request: ReadRequest | SetLeverage) -> None:
        """Ask the venue, unless the same question is under way."""
        if what not in self._reading:
            self._reading[what] = self.context.now_ms()
            self._around.execution.tell(VenueRead(path=self.context.path, request=request, urgent=True))

    def _on_read(self, message: VenueReadDone) -> None:
        answer, asked_ms = message.answer, message.asked_ms
        match answer:
            case AccountReport():
                self._read_came("account")
                self._on_account(answer, asked_ms)
            case FillsReport():
                self._read_came("fills")
                self._decide(FillsRead(report=answer, asked_ms=asked_ms))
            case LeverageSet():
                self._read_came("leverage")
                if self._opening is not None:
                    self._opening.leverage_set = True
                    self._try_to_open()
            case OrderAccepted(report=report):
                self._read_came(_question_of(message))
                self._decide(OrderUpdated(report=report))
            case OrderRejected(reason=RejectReason.NOT_FOUND) if isinstance(message.request, QueryOrder):
                self._read_came(_question_of(message))
                self._decide(OrderNotFound(client_order_id=message.request.client_order_id))
            case _:
                self._read_failed(_question_of(message), str(getattr(answer, "text", answer)))

    def _read_came(self, what: str) -> None:
        self._reading.pop(what, None)
        self._reread_s = REREAD_FIRST_S

    def _read_failed(self, what: str, text: str) -> None:
        self._reading.pop(what, None)
        if what == "leverage" and self._opening is not None:
            self._decline(f"leverage could not be set: {text}")
            return
        self.context.schedule_once(("reread", what), self._reread_s, Due(what=what))
        self._reread_s = min(self._reread_s * 2, REREAD_CAP_S)

    def _on_due(self, what: str) -> None:
        match what:
            case "account":
                self._read_account()
            case "fills":
                self._read_fills()
            case "opening":
                self._opening_due()
            case _:
                self._decide(WakeUp())

    def _on_account(self, report: AccountReport, asked_ms: int) -> None:
        if self._case is not None:
            self._decide(AccountRead(report=report, asked_ms=asked_ms))
        elif self._opening is not None:
            self._check_clean(report)

    def _on_settled(self, message: IntentSettled) -> None:
        case = self._case
        if case is not None and message.intent.position_id == case.position.position_id:
            self._decide(message)
            return
        status = IntentStatus.ACCEPTED if isinstance(message.outcome, OrderAccepted) else IntentStatus.REJECTED
        outcome = IntentOutcome(intent_id=message.intent.intent_id, status=status, at_ms=self.context.now_ms())
        self._commit(replace(self._blank(), outcomes=(outcome,)))
        if self._opening is not None:
            self._read_account()

    # --- how a position begins ----------------------------------------------------------------------------------------

    def _on_open(self, message: OpenPosition) -> None:
        if not self._restored:
            self._waiting_opens.append(message)
        elif self._case is not None or self._opening is not None:
            self._refuse(message, "the symbol has a position already")
        else:
            self._opening = _Opening(command=message, since_ms=self.context.now_ms())
            self.context.schedule_once("opening", MAX_OPENING_MS / 1_000, Due(what="opening"))
            self._prepare_opening()

    def _prepare_opening(self) -> None:
        opening = self._opening
        if opening is None:
            return
        self._around.market.tell(WatchMarket(path=self.context.path, symbol=self._key.symbol))
        self._ticks_handled = 0
        self._read(
            "leverage",
            SetLeverage(
                symbol=self._key.symbol,
                leverage=opening.command.leverage,
                margin_mode=self._around.policies.margin_mode,
                hedge_side=self._key.hedge_side,
            ),
        )
        self._read_account()

    def _check_clean(self, report: AccountReport) -> None:
        """No new position before what an earlier one may have left is gone (F7)."""
        opening = self._opening
        if opening is None:
            return
        if any(item.hedge_side == self._key.hedge_side for item in report.positions):
            self._decline("the venue shows a position on this symbol already")
            return
        orphans = [order for order in report.orders if order.hedge_side == self._key.hedge_side and _is_orphan(order)]
        if orphans:
            self._cancel_orphans(orphans)
        else:
            opening.clean = True
            self._try_to_open()

    def _cancel_orphans(self, orphans: list[OrderReport]) -> None:
        now_ms = self.context.now_ms()
        intents: list[Intent] = []
        for order in orphans:
            identity = parse_client_order_id(order.client_order_id or "")
            if identity is not None:
                stamp = f"{self._around.owner_epoch}.{self.context.epoch}.{self._decisions}"
                intents.append(
                    Intent(
                        intent_id=IntentId(f"{order.client_order_id}.orphan.{stamp}"),
                        position_id=identity.position_id,
                        key=self._key,
                        action=IntentAction.CANCEL,
                        order=spec_of(order, identity.purpose),
                        protective=False,
                        created_ms=now_ms,
                    )
                )
        event = self._event(
            "orphans_cancelled", f"{len(orphans)} orders of an earlier position are cancelled first", Severity.WARNING
        )
        self._commit(replace(self._blank(), intents=tuple(intents), events=(event,)))

    def _try_to_open(self) -> None:
        opening = self._opening
        if opening is None or not opening.leverage_set or not opening.clean or self._last is None:
            return
        quantity = order_quantity(
            size_usd=opening.command.size_usd,
            price=self._last,
            instrument=self._instrument,
            policy=self._around.sizing,
        )
        if isinstance(quantity, SizeRefused):
            self._decline(quantity.reason)
            return
        self._opening = None
        self.context.cancel("opening")
        birth = Opening(command=opening.command, key=self._key, position_id=self._new_position_id(), quantity=quantity)
        self._follow(open_position(birth, self._situation()))

    def _new_position_id(self) -> PositionId:
        """Unique across restarts, and the same in every run of the same history."""
        epoch = f"{self._around.owner_epoch}.{self.context.epoch}.{self._decisions}"
        text = f"{self.context.path}:{epoch}:{self.context.now_ms()}"
        return PositionId(sha256(text.encode()).hexdigest()[:16])

    def _opening_due(self) -> None:
        if self._opening is not None:
            missing = "a price" if self._last is None else "the venue's answers"
            self._decline(f"{missing} did not come within {MAX_OPENING_MS // 1_000} s")

    def _decline(self, reason: str) -> None:
        opening, self._opening = self._opening, None
        self.context.cancel("opening")
        if opening is not None:
            self._refuse(opening.command, reason)
        self._told_band = None
        self._tell_band()

    def _refuse(self, command: OpenPosition, reason: str) -> None:
        self._commit(replace(self._blank(), signals=(self._rejection(command.signal, reason),)))
        if self._case is None or self._case.position.reservation_id != command.reservation_id:
            self._around.risk.tell(PositionEnded(key=self._key, reservation_id=command.reservation_id))

    def _rejection(self, signal: Signal, reason: str) -> SignalFate:
        return SignalFate(
            signal_id=signal.signal_id,
            at_ms=self.context.now_ms(),
            verdict=Verdict.REJECTED,
            reason=reason,
            symbol=signal.symbol,
            raw=signal.raw,
            venue=self._key.venue,
        )

    def _on_adopt(self, message: AdoptPosition) -> None:
        if not self._restored:
            self._waiting_opens.append(message)
            return
        if self._case is not None or self._opening is not None:
            self._decide(VerifyPosition(key=self._key, why="the account shows a position here"))
            return
        decision = adopt_position(
            report=message.report,
            key=self._key,
            position_id=self._new_position_id(),
            situation=replace(self._situation(), mark=self._mark or message.report.mark_price),
        )
        self._follow(decision)

    # --- questions ----------------------------------------------------------------------------------------------------

    def _summary(self) -> PositionSummary | None:
        if self._case is None:
            return None
        case = self._case
        return PositionSummary(
            position=case.position, trailing=case.trailing, last_price=self._last, mark_price=self._mark
        )

    def _event(self, kind: str, text: str, severity: Severity) -> EventRecord:
        return EventRecord(
            kind=kind,
            severity=severity,
            text=text,
            at_ms=self.context.now_ms(),
            subject=f"{self._key.venue}/{addresses.position_name(self._key)}",
        )

    def _answer_settling(self) -> None:
        """At shutdown: nothing is answered before every order in flight is known."""
        busy = self._case is not None and bool(self._case.intents)
        if self._settling and not busy and self._restored:
            waiting, self._settling = self._settling, []
            for reply in waiting:
                reply.send(None)


def _is_orphan(order: OrderReport) -> bool:
    return parse_client_order_id(order.client_order_id or "") is not None


def _question_of(message: VenueReadDone) -> str:
    match message.request:
        case FetchAccount():
            return "account"
        case FetchFills():
            return "fills"
        case SetLeverage():
            return "leverage"
        case QueryOrder(client_order_id=client_order_id):
            return f"order {client_order_id}"
        case _:
            return type(message.request).__name__
