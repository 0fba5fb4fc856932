"""Whether a venue takes stops: tried before anything is opened there, without touching the market (DESIGN §5).

**Owns** the trial: a stop of a position that does not exist, far from the price, is placed, read, moved and cancelled.
A venue that takes no stop without a position answers each of these requests with that reason, which proves that the
request is known, that the key may make it, and that it was understood.
**Accepts** VenueReadDone, IntentSettled, Tick, VenueClosed (from the execution actor: stops are withdrawn), its own
timers, and Terminated of those it depends on.
**Sends** VenueRead to the execution actor, Decision (each order before it is sent, its outcome, the findings as events)
to the journal, WatchMarket and AttentionBand to the market actor, VenueClosed to the risk actor.
**On crash** the trial starts over: first goes what an earlier one, also of an earlier process, may have left.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import sha256
from typing import Final, TypeAlias, assert_never

from actors.kernel import Actor, Ref, Terminated
from actors.position_record import outcome_of
from actors.record import Record
from messages.instruments import Capabilities, Instrument
from messages.journal import EventRecord, Severity
from messages.market import AttentionBand, Tick
from messages.orders import OrderSpec, OrderStatus
from messages.positions import IntentOutcomeAnswer, IntentSettled, VenueRead, VenueReadDone
from messages.reasons import Rule, Why
from messages.state import Intent, IntentAction
from messages.supervision import CANARY, Due, VenueClosed, WatchMarket
from messages.values import ClientOrderId, IntentId, OrderPurpose, PositionId, PositionKey, Price, Venue
from messages.venue import (
    AccountReport,
    FetchAccount,
    FetchInstruments,
    InstrumentsReport,
    OrderAccepted,
    OrderRejected,
    QueryOrder,
    RejectReason,
    VenueAnswer,
)
from rules.canary import canary_stop, symbol_to_try
from rules.client_order_ids import client_order_id, parse_client_order_id
from rules.position_draft import spec_of

PLACED_AT: Final = Decimal("0.5")
MOVED_TO: Final = Decimal("0.45")
"""Shares of the price: a symbol that loses half its value between placing and cancelling would still be harmless."""
NAMELESS_LIFE_MS: Final = 2_000
"""A stop without a name is that of whatever position is there when it arrives: it is not sent again later."""
SWEEP_AGAIN_S: Final = 20.0
"""Longer than a request may be on its way after its process has died."""
TRIAL_S: Final = 60.0
"""A trial that is not over by then has failed; what is on its way is left to the next one's sweep."""
RETRY_FIRST_S: Final = 5.0
RETRY_CAP_S: Final = 300.0
FOR_WANT_OF_A_POSITION: Final = frozenset({RejectReason.NO_POSITION, RejectReason.REDUCE_ONLY_REFUSED})
NOTHING_THERE: Final = FOR_WANT_OF_A_POSITION | {RejectReason.NOT_FOUND}

CanaryMessage: TypeAlias = VenueReadDone | IntentSettled | Tick | VenueClosed | Due | Terminated
Answer: TypeAlias = VenueAnswer | IntentOutcomeAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One request of a trial, and which answers to it are as they should be."""

    what: str
    request: Intent | QueryOrder
    fits: Callable[[Answer], bool]


class CanaryActor(Actor):
    """Keeps a venue closed until its stops are proven to work, and says why."""

    def __init__(
        self,
        *,
        venue: Venue,
        capabilities: Capabilities,
        execution: Ref,
        market: Ref,
        journal: Ref,
        risk: Ref,
        hedge_mode: bool,
        owner_epoch: int,
    ) -> None:
        super().__init__()
        self._venue = venue
        self._capabilities = capabilities
        self._execution = execution
        self._market = market
        self._risk = risk
        self._hedge_mode = hedge_mode
        self._owner_epoch = owner_epoch
        self._record = Record(journal=journal, owner_epoch=owner_epoch)
        self._attempt = 0
        self._retry_s = RETRY_FIRST_S
        self._verdict: str | None = None
        self._under_way = False
        self._trial = PositionId("")
        self._requests = 0
        self._instruments: Sequence[Instrument] = ()
        self._account: AccountReport | None = None
        self._instrument: Instrument | None = None
        self._price: Price | None = None
        self._ticks = 0
        self._resting: dict[ClientOrderId, OrderSpec] = {}
        self._steps: list[_Step] = []

    def on_start(self) -> None:
        self.context.watch(self._execution)
        self.context.watch(self._risk)
        self.context.schedule_once("sweep", SWEEP_AGAIN_S, Due(what="sweep"))
        self._begin()

    def on_receive(self, message: CanaryMessage) -> None:
        match message:
            case VenueReadDone(request=QueryOrder() as question, answer=answer):
                self._judge(question, answer)
            case VenueReadDone(answer=answer):
                self._on_read(answer)
            case IntentSettled():
                self._on_settled(message)
            case Tick():
                self._on_tick(message)
            case VenueClosed(why=why):
                if why and self._verdict == "" and not self._under_way:
                    self._fail(why)
            case Due(what="again"):
                self._begin()
            case Due(what="sweep"):
                self._read(FetchAccount())
            case Due():
                self._fail(f"{self._missing()} did not come within {TRIAL_S:.0f} s")
            case Terminated(path=path, will_restart=will_restart):
                if will_restart:
                    self._on_restart(path)
            case _:
                assert_never(message)

    def _on_restart(self, path: str) -> None:
        """The risk actor knows nothing any more; the execution actor has forgotten what it was asked."""
        if path == self._risk.path:
            self._tell_risk()
        elif self._under_way:
            self._begin()

    # --- a trial ------------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._attempt += 1
        name = f"{self.context.path}:{self._owner_epoch}.{self.context.epoch}.{self._attempt}:{self.context.now_ms()}"
        self._trial = PositionId(sha256(name.encode()).hexdigest()[:16])
        self._under_way = True
        self._instruments, self._account, self._instrument, self._price = (), None, None, None
        self._steps, self._resting, self._ticks = [], {}, 0
        self.context.schedule_once("trial", TRIAL_S, Due(what="overdue"))
        self._read(FetchInstruments())
        self._read(FetchAccount())

    def _on_read(self, answer: VenueAnswer) -> None:
        match answer:
            case InstrumentsReport(instruments=instruments):
                self._instruments = instruments
            case AccountReport():
                self._sweep(answer)
                self._account = answer
            case _ if self._under_way:
                self._fail(f"the account cannot be read: {_said(answer)}")
        if self._under_way and self._instrument is None and self._instruments and self._account is not None:
            self._choose(self._account)

    def _sweep(self, account: AccountReport) -> None:
        """What a trial that was cut short has left is cancelled, also what arrives after its process has died."""
        left = [
            spec_of(order, OrderPurpose.CANARY)
            for order in account.orders
            if (identity := parse_client_order_id(order.client_order_id or "")) is not None
            and identity.purpose is OrderPurpose.CANARY
            and not (self._under_way and identity.position_id == self._trial)
        ]
        self._cancel(left)

    def _choose(self, account: AccountReport) -> None:
        self._instrument = symbol_to_try(self._instruments, account, attempt=self._attempt - 1)
        if self._instrument is None:
            self._fail("every symbol has a position or an order: there is none to try a stop on")
            return
        symbol = self._instrument.symbol
        self._market.tell(WatchMarket(path=self.context.path, symbol=symbol, watch=self._attempt))

    def _on_tick(self, tick: Tick) -> None:
        """One price is enough: no later one is asked for."""
        instrument = self._instrument
        if instrument is None or tick.symbol != instrument.symbol or tick.watch != self._attempt:
            return
        self._ticks += tick.count
        band = AttentionBand(
            path=self.context.path,
            venue=self._venue,
            symbol=tick.symbol,
            lower=None,
            upper=None,
            handled=self._ticks,
            watch=self._attempt,
        )
        self._market.tell(band)
        if self._price is None:
            self._price = tick.last
            first = self._order(instrument, tick.last, PLACED_AT, number=1)
            if self._capabilities.stop_client_order_id:
                self._resting[first.client_order_id] = first
            self._steps = [self._do("placed", IntentAction.PLACE, first, _is_taken)]
            self._send(self._steps[0].request)

    def _on_settled(self, message: IntentSettled) -> None:
        outcome = outcome_of(message, at_ms=self.context.now_ms())
        self._record.write(replace(self._record.blank(self.context), outcomes=(outcome,)))
        self._judge(message.intent, message.outcome)

    def _judge(self, request: Intent | QueryOrder, answer: Answer) -> None:
        """The answer to the present step: the next one follows, or the trial is over."""
        if not self._steps or self._steps[0].request != request:
            return
        step = self._steps.pop(0)
        if not step.fits(answer):
            self._fail(f"a stop could not be {step.what}: {_said(answer)}")
            return
        if step.fits is _is_taken and isinstance(request, Intent):
            if isinstance(answer, OrderAccepted) and not self._capabilities.stop_client_order_id:
                # It is the stop of a position that was opened this instant, and better than none.
                self._fail(f"somebody opened a position on {request.order.symbol} meanwhile")
                return
            self._steps = self._after_placing(request.order, answer)
        if self._steps:
            self._send(self._steps[0].request)
        else:
            self._prove(request)

    def _after_placing(self, first: OrderSpec, answer: Answer) -> list[_Step]:
        """What is tried of a stop that the venue took, or of one that it would have taken if there were a position."""
        instrument, price, can = self._instrument, self._price, self._capabilities
        if instrument is None or price is None:
            return []
        second = self._order(instrument, price, MOVED_TO, number=2)
        moved = replace(first, trigger_price=second.trigger_price)
        if not can.stop_client_order_id:
            # Placing, moving and cancelling are one call there, which would be another position's by now.
            return [self._ask("read", first, _is_gone)]
        if not isinstance(answer, OrderAccepted):
            self._resting.clear()
            move = [self._do("moved", IntentAction.AMEND, moved, _is_gone)] if can.amend_stop else []
            cancel = self._do("cancelled", IntentAction.CANCEL, first, _is_gone)
            return [self._ask("read", first, _is_gone), *move, cancel]
        steps = [self._ask("read", first, _works_at(first))]
        if can.amend_stop:
            steps.append(self._do("moved", IntentAction.AMEND, moved, _is_accepted))
            steps.append(self._ask("read where it was moved to", moved, _works_at(moved)))
        elif can.two_stops:
            self._resting[second.client_order_id] = second
            steps.append(self._do("placed beside the first", IntentAction.PLACE, second, _is_accepted))
            steps.append(self._ask("read beside the first", second, _works_at(second)))
        for each in self._resting.values():
            steps.append(self._do("cancelled", IntentAction.CANCEL, each, _is_gone))
            steps.append(self._ask("seen to be gone", each, _is_gone))
        return steps

    def _missing(self) -> str:
        """What a trial that takes too long is waiting for."""
        if self._instrument is None:
            return "the account and the instruments"
        if not self._steps:
            return f"a price of {self._instrument.symbol}"
        return f"the answer to whether a stop on {self._instrument.symbol} was {self._steps[0].what}"

    # --- requests -----------------------------------------------------------------------------------------------------

    def _read(self, request: FetchInstruments | FetchAccount | QueryOrder) -> None:
        self._execution.tell(VenueRead(path=self.context.path, request=request, urgent=True))

    def _send(self, request: Intent | QueryOrder) -> None:
        if isinstance(request, QueryOrder):
            self._read(request)
        else:
            self._record.write(replace(self._record.blank(self.context), intents=(request,)))

    def _cancel(self, orders: Iterable[OrderSpec]) -> None:
        for order in orders:
            self._send(self._intent(IntentAction.CANCEL, order))

    def _order(self, instrument: Instrument, price: Price, share: Decimal, *, number: int) -> OrderSpec:
        name = client_order_id(position_id=self._trial, purpose=OrderPurpose.CANARY, sequence=number)
        return canary_stop(
            instrument=instrument,
            price=price,
            share=share,
            client_order_id=name,
            hedged=self._hedge_mode,
            whole_position=self._capabilities.whole_position_stop,
        )

    def _do(self, what: str, action: IntentAction, order: OrderSpec, fits: Callable[[Answer], bool]) -> _Step:
        return _Step(what=what, request=self._intent(action, order), fits=fits)

    def _ask(self, what: str, order: OrderSpec, fits: Callable[[Answer], bool]) -> _Step:
        question = QueryOrder(symbol=order.symbol, client_order_id=order.client_order_id, kind=order.kind)
        return _Step(what=what, request=question, fits=fits)

    def _intent(self, action: IntentAction, order: OrderSpec) -> Intent:
        self._requests += 1
        name, now_ms = order.client_order_id, self.context.now_ms()
        return Intent(
            intent_id=IntentId(
                name if action is IntentAction.PLACE else f"{name}.{action}.{self._trial}.{self._requests}"
            ),
            position_id=self._trial,
            key=PositionKey(venue=self._venue, symbol=order.symbol, hedge_side=order.hedge_side),
            action=action,
            order=order,
            protective=False,
            created_ms=now_ms,
            expires_ms=None if self._capabilities.stop_client_order_id else now_ms + NAMELESS_LIFE_MS,
            why=Why(rule=Rule.CANARY, text="whether this venue takes stops"),
        )

    # --- the verdict --------------------------------------------------------------------------------------------------

    def _prove(self, last: Intent | QueryOrder) -> None:
        how = (
            "was placed, read, moved and cancelled"
            if self._resting
            else "was understood at each request, and refused for want of a position only"
        )
        symbol = last.symbol if isinstance(last, QueryOrder) else last.order.symbol
        self._resting.clear()
        self._retry_s = RETRY_FIRST_S
        self._decide("", "stops_proven", f"{self._venue} takes stops: one on {symbol} {how}", Severity.INFO)

    def _fail(self, why: str) -> None:
        self._cancel(self._resting.values())
        self._steps = []
        self._resting.clear()
        text = (
            f"{self._venue} is not proven to take stops: {why}; nothing is opened there, "
            f"it is tried again in {self._retry_s:.0f} s"
        )
        severity = Severity.WARNING if self._verdict else Severity.CRITICAL
        self.context.schedule_once("again", self._retry_s, Due(what="again"))
        self._retry_s = min(self._retry_s * 2, RETRY_CAP_S)
        self._decide(f"not proven to take stops: {why}", "stops_not_proven", text, severity)

    def _decide(self, verdict: str, kind: str, text: str, severity: Severity) -> None:
        self.context.cancel("trial")
        self._under_way = False
        self._verdict = verdict
        self._tell_risk()
        blank = self._record.blank(self.context)
        event = EventRecord(kind=kind, severity=severity, text=text, at_ms=blank.at_ms, subject=self._venue)
        self._record.write(replace(blank, events=(event,)))

    def _tell_risk(self) -> None:
        if self._verdict is not None:
            self._risk.tell(VenueClosed(venue=self._venue, by=CANARY, why=self._verdict))


# --- which answers are as they should be ------------------------------------------------------------------------------


def _is_taken(answer: Answer) -> bool:
    """Taken, or refused only because there is nothing to protect."""
    return _is_accepted(answer) or (isinstance(answer, OrderRejected) and answer.reason in FOR_WANT_OF_A_POSITION)


def _is_accepted(answer: Answer) -> bool:
    return isinstance(answer, OrderAccepted)


def _is_gone(answer: Answer) -> bool:
    match answer:
        case OrderAccepted(report=report):
            return report.status is not OrderStatus.WORKING
        case OrderRejected(reason=reason):
            return reason in NOTHING_THERE
        case _:
            return False


def _works_at(order: OrderSpec) -> Callable[[Answer], bool]:
    def works(answer: Answer) -> bool:
        return (
            isinstance(answer, OrderAccepted)
            and answer.report.status is OrderStatus.WORKING
            and answer.report.trigger_price == order.trigger_price
        )

    return works


def _said(answer: Answer) -> str:
    return str(getattr(answer, "text", "") or answer)
