"""What the audit found, mended: each order is durable before it is sent, like every other one.

For positions that no living actor is responsible for: on an account that no process runs, and where a position's actor
had to be given up.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from actors.kernel import Context
from actors.position_record import outcome_of
from actors.record import Record
from messages.instruments import Capabilities, Instrument
from messages.journal import Decision, EventRecord, Severity
from messages.orders import OrderReport, PositionReport
from messages.positions import IntentSettled
from messages.reasons import Rule, Why
from messages.signals import Signal
from messages.state import Intent, IntentAction, PositionState, StopOrder, StopPhase, TakeProfitPhase
from messages.values import IntentId, OrderPurpose, PositionId, PositionKey, Symbol, Venue, VenueOrderId
from messages.venue import OrderAccepted
from rules.client_order_ids import client_order_id, parse_client_order_id
from rules.expected_protection import expected_protection
from rules.position_case import PositionPolicies
from rules.position_draft import spec_of
from rules.position_heritage import SEQUENCE_GAP
from rules.protection_audit import Finding, PositionName
from rules.repair import UNPROTECTED, Step, is_repair, order_of, repair_id, steps_for
from rules.zombies import Zombie

REPLACED: Final = "the venue takes no stop beside it: the one that was there, which is not ours, is changed or replaced"
_LEVELS: Final = {OrderPurpose.TAKE_PROFIT_1: 1, OrderPurpose.TAKE_PROFIT_2: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known beside the venue: its instruments, and of some positions the record or the signal."""

    instruments: Mapping[tuple[Venue, Symbol], Instrument]
    rows: Mapping[PositionName, PositionState] = field(default_factory=dict)
    signals: Mapping[tuple[Venue, Symbol], Signal] = field(default_factory=dict)


def name_of(position: PositionReport) -> PositionName:
    """What a finding names the position by."""
    return (position.venue, position.symbol, position.hedge_side)


class Mender:
    """Sends what mends the findings about some positions, and keeps count of what is under way."""

    def __init__(self, *, record: Record, capabilities: Capabilities, policies: PositionPolicies) -> None:
        self._record = record
        self._capabilities = capabilities
        self._policies = policies
        self._under_way: dict[IntentId, Intent] = {}
        self._rows: dict[PositionName, PositionState] = {}
        self.sent = 0
        self.refused: dict[Symbol, str] = {}
        self.replaced: set[VenueOrderId] = set()

    @property
    def is_waiting(self) -> bool:
        """Whether the outcome of something is still open."""
        return bool(self._under_way)

    def is_mending(self, name: PositionName) -> bool:
        """Whether the outcome of something for this position is still open."""
        keys = {intent.key for intent in self._under_way.values()}
        return any((key.venue, key.symbol, key.hedge_side) == name for key in keys)

    def give_up_waiting(self) -> None:
        """What is still open is asked for by the execution actor, and resolved by whoever comes next."""
        self._under_way.clear()

    def mend(
        self,
        context: Context,
        *,
        position: PositionReport,
        orders: Sequence[OrderReport],
        findings: Sequence[Finding],
        known: Known,
        touchable: Collection[VenueOrderId],
    ) -> int:
        """Send what mends the ``findings`` about ``position``; how many orders that are."""
        instrument = known.instruments.get((position.venue, position.symbol))
        if instrument is None or not instrument.trading:
            self.refused[position.symbol] = "it is not traded"
            return 0
        row = known.rows.get(name_of(position))
        expected = expected_protection(
            position=position,
            instrument=instrument,
            policies=self._policies,
            row=row,
            signal=known.signals.get((position.venue, position.symbol)),
        )
        steps = steps_for(
            position=position,
            orders=orders,
            findings=findings,
            expected=expected,
            instrument=instrument,
            capabilities=self._capabilities,
            touchable=touchable,
        )
        if not steps:
            return 0
        blank = self._record.blank(context)
        position_id, sequence = self._identity(position, orders, row, blank.decision_id)
        intents = [
            self._intent(step, position, position_id, sequence + number, blank)
            for number, step in enumerate(steps, start=1)
        ]
        if row is not None:
            row = self._rows[name_of(position)] = replace(row, sequence=sequence + len(steps))
        not_ours = {
            step.existing.venue_order_id
            for step in steps
            if step.existing is not None and step.existing.venue_order_id not in touchable
        }
        self.replaced |= not_ours
        why = f"from the {expected.source}" + (f"; {REPLACED}" if not_ours else "")
        events = tuple(
            _event(step, intent, f"{step.what}, {why}", blank.at_ms)
            for step, intent in zip(steps, intents, strict=True)
        )
        self._send(intents)
        self._record.write(replace(blank, position=row, intents=tuple(intents), events=events, reply=True))
        return len(intents)

    def cancel(self, context: Context, zombies: Sequence[Zombie]) -> int:
        """Take ``zombies`` away; how many."""
        if not zombies:
            return 0
        blank = self._record.blank(context)
        intents, events = [], []
        for number, zombie in enumerate(zombies):
            order = zombie.order
            identity = parse_client_order_id(order.client_order_id or "")
            position_id = repair_id(f"{blank.decision_id}{number}") if identity is None else identity.position_id
            spec = spec_of(order, OrderPurpose.STOP if identity is None else identity.purpose)
            intent = Intent(
                intent_id=IntentId(f"{spec.client_order_id}.zombie.{blank.decision_id}"),
                position_id=position_id,
                key=PositionKey(venue=order.venue, symbol=order.symbol, hedge_side=order.hedge_side),
                action=IntentAction.CANCEL,
                order=spec,
                protective=False,
                created_ms=blank.at_ms,
                why=Why(rule=Rule.ZOMBIE, text=str(zombie.kind)),
            )
            intents.append(intent)
            events.append(zombie_event(zombie, blank.at_ms))
        self._send(intents)
        self._record.write(replace(blank, intents=tuple(intents), events=tuple(events), reply=True))
        return len(intents)

    def settled(self, context: Context, message: IntentSettled) -> None:
        """What became of an order is on record; where the position is, its stop or take profit is as well."""
        intent = message.intent
        known = self._under_way.pop(intent.intent_id, None)
        blank = self._record.blank(context)
        outcome = outcome_of(message, at_ms=blank.at_ms)
        row = None
        if isinstance(message.outcome, OrderAccepted):
            name = (intent.key.venue, intent.key.symbol, intent.key.hedge_side)
            row = self._rows.get(name) if known is not None else None
            if row is not None:
                row = self._rows[name] = row_after(row, intent, message.outcome.report)
            outcome = replace(outcome, venue_order_id=message.outcome.report.venue_order_id)
        elif known is not None:
            self.refused[intent.key.symbol] = message.outcome.text
        self._record.write(replace(blank, position=row, outcomes=(outcome,)))

    def _send(self, intents: Sequence[Intent]) -> None:
        self.sent += len(intents)
        self._under_way.update({intent.intent_id: intent for intent in intents})

    def _identity(
        self, position: PositionReport, orders: Sequence[OrderReport], row: PositionState | None, seed: str
    ) -> tuple[PositionId, int]:
        """Under which position's name orders are sent, and the last number that it may have used."""
        if row is not None:
            return row.position_id, row.sequence
        here = [item for item in orders if (item.symbol, item.hedge_side) == (position.symbol, position.hedge_side)]
        identities = [parse_client_order_id(order.client_order_id or "") for order in here]
        repairs = [item for item in identities if item is not None and is_repair(item.position_id)]
        if not repairs:
            return repair_id(f"{seed}{position.symbol}{position.hedge_side}"), 0
        last = max(repairs, key=lambda item: item.sequence)
        return last.position_id, last.sequence + SEQUENCE_GAP

    def _intent(
        self, step: Step, position: PositionReport, position_id: PositionId, sequence: int, blank: Decision
    ) -> Intent:
        spec = order_of(
            step,
            position=position,
            client_order_id=client_order_id(position_id=position_id, purpose=step.purpose, sequence=sequence),
            source=self._policies.orders.trigger_source,
        )
        is_stop = step.purpose is OrderPurpose.STOP
        intent_id = IntentId(spec.client_order_id)
        if step.action is not IntentAction.PLACE:
            intent_id = IntentId(f"{spec.client_order_id}.{step.action}.{blank.decision_id}")
        return Intent(
            intent_id=intent_id,
            position_id=position_id,
            key=PositionKey(venue=position.venue, symbol=position.symbol, hedge_side=position.hedge_side),
            action=step.action,
            order=spec,
            protective=is_stop and step.what in UNPROTECTED,
            created_ms=blank.at_ms,
            why=Why(
                rule=Rule.AUTO_PLAN_SL if is_stop else Rule.AUTO_PLAN_TP,
                text=str(step.what),
                before=step.existing.trigger_price if step.existing is not None else None,
            ),
        )


def row_after(row: PositionState, intent: Intent, report: OrderReport) -> PositionState:
    """The record of a position after an order for it was accepted."""
    order = intent.order
    if intent.action is IntentAction.CANCEL:
        return row
    if order.purpose is OrderPurpose.STOP:
        stop = StopOrder(
            client_order_id=order.client_order_id,
            trigger_price=report.trigger_price or order.trigger_price or row.initial_stop_price,
            quantity=report.quantity,
            venue_order_id=report.venue_order_id,
        )
        state = replace(row.stop, phase=StopPhase.WORKING, working=stop, next=None, intent_id=None, attempts=0)
        return replace(row, stop=replace(state, unprotected_since_ms=None))
    level = _LEVELS[order.purpose]
    profits = tuple(
        replace(
            item,
            trigger_price=order.trigger_price or item.trigger_price,
            quantity=order.quantity or item.quantity,
            filled_quantity=report.filled_quantity,
            phase=TakeProfitPhase.WORKING,
            client_order_id=order.client_order_id,
            venue_order_id=report.venue_order_id,
            intent_id=None,
        )
        if item.level == level
        else item
        for item in row.take_profits
    )
    return replace(row, take_profits=profits)


def zombie_event(zombie: Zombie, at_ms: int) -> EventRecord:
    """A zombie, for the record."""
    order = zombie.order
    name = order.client_order_id or order.venue_order_id
    fate = "is cancelled" if zombie.may_go else "stays: it is not ours to take away"
    return EventRecord(
        kind="zombie_order",
        severity=Severity.WARNING,
        text=f"{order.kind} {order.side} {order.quantity} {name} {fate}: {zombie.kind}",
        at_ms=at_ms,
        subject=f"{order.venue}/{order.symbol}",
    )


def _event(step: Step, intent: Intent, text: str, at_ms: int) -> EventRecord:
    order = intent.order
    is_stop = step.purpose is OrderPurpose.STOP
    kind = "auto_plan_sl" if is_stop else "auto_plan_tp"
    verbs = {IntentAction.PLACE: "placed", IntentAction.AMEND: "brought into line", IntentAction.CANCEL: "taken away"}
    return EventRecord(
        kind=kind if step.action is not IntentAction.CANCEL else f"{kind}_replaced",
        severity=Severity.WARNING,
        text=f"{text}: {order.kind} {order.quantity} at {order.trigger_price} is {verbs[step.action]}",
        at_ms=at_ms,
        subject=f"{intent.key.venue}/{intent.key.symbol}",
        position_id=intent.position_id,
    )
