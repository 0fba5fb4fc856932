"""The next case of a position under construction: what the rules change, and what follows from the event."""

from dataclasses import dataclass, field, replace

from messages.journal import (
    EventRecord,
    IntentOutcome,
    PositionFill,
    PositionFunding,
    ScalingEntry,
    Severity,
    SignalFate,
)
from messages.orders import OrderReport, OrderSpec
from messages.reasons import Input, Rule, Why
from messages.state import (
    Intent,
    IntentAction,
    IntentStatus,
    Leftover,
    PositionState,
    StopOrder,
    StopState,
    TakeProfitState,
    TrailingState,
)
from messages.values import (
    ZERO,
    ClientOrderId,
    IntentId,
    OrderKind,
    OrderPurpose,
    OrderSide,
    Price,
    Quantity,
    Side,
    Symbol,
)
from rules.client_order_ids import client_order_id, parse_client_order_id
from rules.position_case import PositionCase, Situation, fills_lag
from rules.position_lifecycle import PositionEvent, next_phase
from rules.rounding import exit_side, round_take_profit
from rules.stop_lifecycle import StopEvent, next_stop_phase


@dataclass(slots=True, kw_only=True)
class Draft:
    """The next case under construction, with everything that follows from it."""

    position: PositionState
    trailing: TrailingState
    open_intents: dict[IntentId, Intent]
    situation: Situation
    changed_ms: int
    fills_read_ms: int
    account_read_ms: int
    compared_ms: int
    differed: Quantity | None
    differed_ms: int
    recovering_since_ms: int
    missing: frozenset[ClientOrderId]
    reported: dict[ClientOrderId, Quantity]
    unknown: dict[IntentId, Intent]
    liquidation_price: Price | None
    passed_stop: Price | None
    passed_at: Price | None
    denied: StopOrder | None
    denied_ms: int
    forgetful_told: bool
    intents: list[Intent] = field(default_factory=list)
    outcomes: list[IntentOutcome] = field(default_factory=list)
    fills: list[PositionFill] = field(default_factory=list)
    funding: list[PositionFunding] = field(default_factory=list)
    events: list[EventRecord] = field(default_factory=list)
    signals: list[SignalFate] = field(default_factory=list)
    scaling: list[ScalingEntry] = field(default_factory=list)
    reads_account: bool = False
    reads_fills: bool = False
    queries: list[OrderSpec] = field(default_factory=list)
    wake_ms: int | None = None

    @property
    def now_ms(self) -> int:
        """The moment of the decision, UTC."""
        return self.situation.now_ms

    @property
    def symbol(self) -> Symbol:
        """The position's symbol."""
        return self.position.key.symbol

    @property
    def ended(self) -> bool:
        """Whether nothing is open any more. The phase follows when nothing of it is left at the venue either."""
        return self.position.closed_ms is not None

    @property
    def exposed(self) -> Quantity:
        """What is open at the venue: from the fills, and from orders that say more has filled than fills have come."""
        counted = dict(self.position.order_fills)
        exposed = self.position.quantity
        for order_id, reported in self.reported.items():
            uncounted = reported - counted.get(order_id, ZERO)
            identity = parse_client_order_id(order_id)
            if uncounted > 0 and identity is not None:
                exposed += uncounted if identity.purpose is OrderPurpose.ENTRY else -uncounted
        return max(exposed, ZERO)

    @property
    def opened(self) -> Quantity:
        """What was opened in all: from the fills, and from what the entry says of itself."""
        entry = self.position.entry_order_id
        if entry is None:
            return self.position.opened_quantity
        counted = dict(self.position.order_fills).get(entry, ZERO)
        return self.position.opened_quantity + max(self.reported.get(entry, ZERO) - counted, ZERO)

    @property
    def awaits_fills(self) -> bool:
        """Whether an order says that more of it has filled than fills have come."""
        return fills_lag(self.position, self.reported)

    @property
    def exit_side(self) -> OrderSide:
        """The side of the orders that reduce this position."""
        return exit_side(self.position.side)

    def covers(self, quantity: Quantity | None) -> bool:
        """Whether a stop for ``quantity``, or on the whole position, covers all that can be covered."""
        return quantity is None or self.exposed - quantity < self.situation.instrument.quantity_step

    def coverable(self, quantity: Quantity) -> bool:
        """Whether one stop can be for ``quantity``: where stops have a quantity, the venue limits that too."""
        most = self.situation.instrument.max_quantity
        return self.situation.capabilities.whole_position_stop or most is None or quantity <= most

    @property
    def breakeven(self) -> Price:
        """The price at which closing costs nothing, commission included."""
        return self.situation.breakeven_of(self.position)

    @property
    def watched(self) -> Price | None:
        """The price that stops watch, as far as it is known."""
        return self.no_better(self.situation.watched)

    def no_better(self, price: Price | None) -> Price | None:
        """``price``, unless the venue has shown since that it is past a level: then that level, until a tick comes."""
        if self.passed_stop is None or self.passed_at != self.situation.watched:
            return price
        if price is None:
            return self.passed_stop
        return min(price, self.passed_stop) if self.position.side is Side.LONG else max(price, self.passed_stop)

    def change_stop(self, **changes: object) -> None:
        """Replace fields of the stop's state."""
        stop: StopState = replace(self.position.stop, **changes)  # type: ignore[arg-type] # replace checks the names
        self.position = replace(self.position, stop=stop)

    def change_take_profit(self, level: int, **changes: object) -> None:
        """Replace fields of the take profit of ``level``."""
        changed: tuple[TakeProfitState, ...] = tuple(
            replace(take_profit, **changes) if take_profit.level == level else take_profit  # type: ignore[arg-type]
            for take_profit in self.position.take_profits
        )
        self.position = replace(self.position, take_profits=changed)

    def leave(self, order: OrderSpec, why: str) -> None:
        """Mark an order for cancelling, once."""
        known = {leftover.order.client_order_id for leftover in self.position.leftovers}
        if order.client_order_id not in known:
            leftover = Leftover(order=order, why=why)
            self.position = replace(self.position, leftovers=(*self.position.leftovers, leftover))

    def forget_leftover(self, order: OrderSpec) -> None:
        """``order`` is proven gone."""
        kept = tuple(item for item in self.position.leftovers if item.order.client_order_id != order.client_order_id)
        self.position = replace(self.position, leftovers=kept)

    def change_leftover(self, leftover: Leftover, **changes: object) -> None:
        """Replace fields of one leftover."""
        changed = replace(leftover, **changes)  # type: ignore[arg-type] # replace checks the names
        kept = tuple(
            changed if item.order.client_order_id == leftover.order.client_order_id else item
            for item in self.position.leftovers
        )
        self.position = replace(self.position, leftovers=kept)

    def take_profit_spec(self, take_profit: TakeProfitState) -> OrderSpec:
        """A take profit as an order; one that has no id yet gets its id here."""
        purpose = OrderPurpose.TAKE_PROFIT_1 if take_profit.level == 1 else OrderPurpose.TAKE_PROFIT_2
        return OrderSpec(
            client_order_id=take_profit.client_order_id or self.next_order_id(purpose),
            symbol=self.symbol,
            side=self.exit_side,
            kind=OrderKind.TAKE_PROFIT_MARKET,
            purpose=purpose,
            quantity=take_profit.quantity,
            trigger_price=self._on_the_tick(take_profit),
            trigger_source=self.situation.policies.orders.trigger_source,
            reduce_only=True,
            hedge_side=self.position.key.hedge_side,
            venue_order_id=take_profit.venue_order_id,
        )

    def _on_the_tick(self, take_profit: TakeProfitState) -> Price:
        """A take profit's price by the instrument's present rules: they may have changed since it was planned."""
        tick = self.situation.instrument.price_tick
        return round_take_profit(take_profit.trigger_price, tick=tick, side=self.position.side)

    def pass_to(self, event: PositionEvent) -> bool:
        """Move the lifecycle on by ``event``; an event that the table does not have is an anomaly, never a crash."""
        phase = next_phase(self.position.phase, event)
        if phase is None:
            self.anomaly(f"position event {event} does not belong to phase {self.position.phase}")
            return False
        if phase is not self.position.phase:
            self.record("phase", f"{self.position.phase} → {phase}", Severity.DEBUG)
            self.position = replace(self.position, phase=phase)
        return True

    def pass_stop_to(self, event: StopEvent) -> bool:
        """The same for the stop's lifecycle."""
        phase = next_stop_phase(self.position.stop.phase, event)
        if phase is None:
            self.anomaly(f"stop event {event} does not belong to phase {self.position.stop.phase}")
            return False
        self.change_stop(phase=phase)
        return True

    def next_order_id(self, purpose: OrderPurpose) -> ClientOrderId:
        """A client order id that this position has not used yet."""
        self.position = replace(self.position, sequence=self.position.sequence + 1)
        return client_order_id(position_id=self.position.position_id, purpose=purpose, sequence=self.position.sequence)

    def intend(
        self,
        action: IntentAction,
        order: OrderSpec,
        *,
        rule: Rule,
        text: str = "",
        protective: bool,
        expires_ms: int | None = None,
    ) -> Intent:
        """Add an intent; a PLACE carries the order's own id, the others one derived from it.

        ``rule`` and ``text`` say why; the figures that are known at this moment are written down beside them.
        """
        intent_id = IntentId(order.client_order_id)
        if action is not IntentAction.PLACE:
            self.position = replace(self.position, sequence=self.position.sequence + 1)
            intent_id = IntentId(f"{order.client_order_id}.{action}.{self.position.sequence}")
        intent = Intent(
            intent_id=intent_id,
            position_id=self.position.position_id,
            key=self.position.key,
            action=action,
            order=order,
            protective=protective,
            created_ms=self.now_ms,
            expires_ms=expires_ms,
            why=self._why(rule, text, order.purpose),
        )
        self.intents.append(intent)
        self.open_intents[intent_id] = intent
        return intent

    def _why(self, rule: Rule, text: str, purpose: OrderPurpose) -> Why:
        position, situation = self.position, self.situation
        working = position.stop.working if purpose is OrderPurpose.STOP else None
        best = self.trailing.highest if position.side is Side.LONG else self.trailing.lowest
        figures = (
            ("price", situation.last, situation.priced_ms),
            ("mark", situation.mark, situation.priced_ms),
            ("best", best, None),
            ("entry", position.entry_price, None),
            ("open", self.exposed, None),
            ("trailed", self.trailing.stop_price, None),
            ("liquidation", self.liquidation_price, self.account_read_ms or None),
        )
        return Why(
            rule=rule,
            text=text,
            before=working.trigger_price if working is not None else None,
            inputs=tuple(
                Input(name=name, value=value, read_ms=read_ms) for name, value, read_ms in figures if value is not None
            ),
        )

    def settle(self, intent_id: IntentId, status: IntentStatus, *, text: str = "", venue_order_id: str = "") -> None:
        """Record what became of an intent."""
        self.open_intents.pop(intent_id, None)
        self.outcomes.append(
            IntentOutcome(
                intent_id=intent_id,
                status=status,
                at_ms=self.now_ms,
                venue_order_id=venue_order_id or None,
                text=text,
            )
        )

    def record(self, kind: str, text: str, severity: Severity = Severity.INFO, **data: object) -> None:
        """Add an event: a decision or a transition that a person may want to know of."""
        self.events.append(
            EventRecord(
                kind=kind,
                severity=severity,
                text=text,
                at_ms=self.now_ms,
                subject=f"{self.position.key.venue}/{self.symbol}",
                position_id=self.position.position_id,
                data=tuple((name, str(value)) for name, value in data.items()),
            )
        )

    def anomaly(self, text: str) -> None:
        """Something that the tables do not know: recorded, and the venue is asked how it really is."""
        self.record("anomaly", text, Severity.WARNING)
        self.doubt()

    def doubt(self) -> None:
        """The venue may see the position otherwise: its account is read until it could be compared with."""
        self.compared_ms = 0
        self.reads_account = True

    def wake_at(self, at_ms: int) -> None:
        """Ask to be decided again at ``at_ms`` at the latest."""
        if at_ms > self.now_ms and (self.wake_ms is None or at_ms < self.wake_ms):
            self.wake_ms = at_ms

    def case(self) -> PositionCase:
        """The finished case."""
        return PositionCase(
            position=self.position,
            trailing=self.trailing,
            intents=self.open_intents,
            changed_ms=self.changed_ms,
            fills_read_ms=self.fills_read_ms,
            account_read_ms=self.account_read_ms,
            compared_ms=self.compared_ms,
            differed=self.differed,
            differed_ms=self.differed_ms,
            recovering_since_ms=self.recovering_since_ms,
            missing=self.missing,
            reported=self.reported,
            unknown=self.unknown,
            liquidation_price=self.liquidation_price,
            passed_stop=self.passed_stop,
            passed_at=self.passed_at,
            denied=self.denied,
            denied_ms=self.denied_ms,
            forgetful_told=self.forgetful_told,
        )


def draft_of(case: PositionCase, situation: Situation) -> Draft:
    """A draft that starts where ``case`` stands."""
    return Draft(
        position=case.position,
        trailing=case.trailing,
        open_intents=dict(case.intents),
        situation=situation,
        changed_ms=case.changed_ms,
        fills_read_ms=case.fills_read_ms,
        account_read_ms=case.account_read_ms,
        compared_ms=case.compared_ms,
        differed=case.differed,
        differed_ms=case.differed_ms,
        recovering_since_ms=case.recovering_since_ms,
        missing=case.missing,
        reported=dict(case.reported),
        unknown=dict(case.unknown),
        liquidation_price=case.liquidation_price,
        passed_stop=case.passed_stop,
        passed_at=case.passed_at,
        denied=case.denied,
        denied_ms=case.denied_ms,
        forgetful_told=case.forgetful_told,
    )


def spec_of(report: OrderReport, purpose: OrderPurpose) -> OrderSpec:
    """What identifies the order of ``report`` for an amend or a cancel."""
    return OrderSpec(
        client_order_id=report.client_order_id or ClientOrderId(str(report.venue_order_id)[:32]),
        symbol=report.symbol,
        side=report.side,
        kind=report.kind,
        purpose=purpose,
        quantity=report.quantity,
        trigger_price=report.trigger_price,
        reduce_only=True,
        hedge_side=report.hedge_side,
        venue_order_id=report.venue_order_id,
    )


def take_profit_of(draft: Draft, client_order_id: str | None, venue_order_id: str) -> TakeProfitState | None:
    """The take profit that this order is."""
    for take_profit in draft.position.take_profits:
        known = {take_profit.client_order_id, take_profit.venue_order_id} - {None}
        if client_order_id in known or venue_order_id in known:
            return take_profit
    return None
