"""Decisions as rows: pure, one list of rows a table, in the order in which they were decided.

Within a batch the last state of a position, of its trailing stop and of an intent's outcome stands for all before it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Final, TypeAlias, cast

from messages.journal import Decision, EventRecord, IntentOutcome, PositionFill, PositionFunding
from messages.state import Intent, IntentStatus, PositionState, TrailingState
from messages.values import Epoch
from persistence.codec import encode_decision, encode_intent, encode_pairs, encode_position

Value: TypeAlias = str | int | bool | Decimal | None
Row: TypeAlias = dict[str, Value]

_NO_TEXT: Final = ""
_MAX_INTEGER: Final = 2**63 - 1


class Unstorable(ValueError):  # noqa: N818 - it names what the value is
    """A value that no database column can hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What a batch writes. Lists are inserted, mappings are inserted or replaced by their key."""

    decisions: list[Row] = field(default_factory=list)
    writers: dict[str, Row] = field(default_factory=dict)
    positions: dict[str, Row] = field(default_factory=dict)
    trailing_stop_state: dict[str, Row] = field(default_factory=dict)
    orders: list[Row] = field(default_factory=list)
    outcomes: dict[str, Row] = field(default_factory=dict)
    trades: dict[tuple[str, str, str], Row] = field(default_factory=dict)
    funding: dict[tuple[str, str, str, str], Row] = field(default_factory=dict)
    scaling_entries: list[Row] = field(default_factory=list)
    signals_log: dict[str, Row] = field(default_factory=dict)
    order_audit_log: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    performance_snapshots: list[Row] = field(default_factory=list)


def rows_of(decisions: Iterable[Decision], *, account: str) -> Rows:
    """The rows of ``decisions``.

    Raises:
        Unstorable: A number is not finite or over 64 bits.
        ValueError: A text is not valid Unicode.
    """
    rows = Rows()
    for decision in decisions:
        _add(rows, decision, account)
    _check(rows)
    return rows


def refused_row(decision: Decision, *, account: str, error: str) -> Row:
    """The row that keeps a decision which cannot be applied, whole where it can be written down at all."""
    try:
        whole = encode_decision(decision).decode()
    except ValueError:
        whole = ascii(decision)
    return {
        **_written_by(account, decision.epoch),
        "decision_id": storable(decision.decision_id),
        "path": storable(decision.path),
        "at_ms": min(decision.at_ms, _MAX_INTEGER),
        "error": storable(error),
        "decision": storable(whole),
    }


def storable(text: str) -> str:
    """``text`` with what PostgreSQL (NUL) or UTF-8 (lone surrogates) cannot hold replaced."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def _add(rows: Rows, decision: Decision, account: str) -> None:
    by = _written_by(account, decision.epoch)
    rows.decisions.append({**by, "decision_id": decision.decision_id, "at_ms": decision.at_ms})
    rows.writers[decision.path] = {**by, "path": decision.path}
    if decision.position is not None:
        rows.positions[decision.position.position_id] = {**by, **_position(decision.position, decision.at_ms)}
    if decision.trailing is not None:
        rows.trailing_stop_state[decision.trailing.position_id] = {**by, **_trailing(decision.trailing, decision.at_ms)}
    rows.orders.extend({**by, **_order(intent)} for intent in decision.intents)
    for outcome in decision.outcomes:
        _add_outcome(rows.outcomes, {**by, **_outcome(outcome)})
    for fill in decision.fills:
        _add_fill(rows, {**by, **_trade(fill)})
    for payment in decision.funding:
        _add_funding(rows, {**by, **_payment(payment)})
    rows.events.extend({**by, **_event(event)} for event in decision.events)
    _add_records(rows, decision, by)


def _add_records(rows: Rows, decision: Decision, by: Row) -> None:
    for record in decision.audit:
        rows.order_audit_log.append(
            {
                **by,
                "intent_id": record.intent_id,
                "position_id": record.position_id,
                "venue": record.venue,
                "operation": record.operation,
                "request": storable(record.request),
                "answer": storable(record.answer),
                "requested_ms": record.requested_ms,
                "answered_ms": record.answered_ms,
            },
        )
    for fate in decision.signals:
        row: Row = {name.name: getattr(fate, name.name) for name in fields(fate)}
        cleaned = {"reason": storable(fate.reason), "raw": storable(fate.raw), "symbol": storable(fate.symbol)}
        rows.signals_log.setdefault(fate.signal_id, {**by, **row, **cleaned})
    for entry in decision.scaling:
        row = {name.name: getattr(entry, name.name) for name in fields(entry)}
        rows.scaling_entries.append({**by, **row, "reason": storable(entry.reason)})
    for snapshot in decision.performance:
        rows.performance_snapshots.append(
            {**by, "at_ms": snapshot.at_ms, "figures": encode_pairs(snapshot.figures)},
        )


def _add_outcome(outcomes: dict[str, Row], row: Row) -> None:
    earlier = outcomes.get(str(row["intent_id"]))
    if earlier is not None and row["venue_order_id"] is None:
        row["venue_order_id"] = earlier["venue_order_id"]
    outcomes[str(row["intent_id"])] = row


def _add_fill(rows: Rows, row: Row) -> None:
    key = (str(row["venue"]), str(row["symbol"]), str(row["fill_id"]))
    earlier = rows.trades.get(key)
    if earlier is None or earlier["position_id"] is None:
        rows.trades[key] = row


def _add_funding(rows: Rows, row: Row) -> None:
    key = (str(row["venue"]), str(row["symbol"]), str(row["funding_id"]), str(row["hedge_side"]))
    earlier = rows.funding.get(key)
    if earlier is None or earlier["position_id"] is None:
        rows.funding[key] = row


def _written_by(account: str, epoch: Epoch) -> Row:
    return {"account": account, "owner_epoch": epoch.owner, "actor_epoch": epoch.actor}


def _position(position: PositionState, at_ms: int) -> Row:
    stop = position.stop.working or position.stop.next
    return {
        "position_id": position.position_id,
        "venue": position.key.venue,
        "symbol": position.key.symbol,
        "hedge_side": position.key.hedge_side,
        "side": position.side,
        "phase": position.phase,
        "quantity": position.quantity,
        "wanted_quantity": position.wanted_quantity,
        "entry_price": position.entry_price,
        "stop_price": None if stop is None else stop.trigger_price,
        "leverage": position.leverage,
        "realized_pnl": position.realized_pnl,
        "commission": position.commission,
        "funding": position.funding,
        "exit_price": position.exit_price,
        "close_reason": position.close_reason,
        "signal_id": position.signal_id,
        "opened_ms": position.opened_ms,
        "closed_ms": position.closed_ms,
        "updated_ms": at_ms,
        "state": encode_position(position),
    }


def _trailing(trailing: TrailingState, at_ms: int) -> Row:
    return {
        "position_id": trailing.position_id,
        "phase": trailing.phase,
        "highest": trailing.highest,
        "lowest": trailing.lowest,
        "activation_price": trailing.activation_price,
        "callback_percent": trailing.callback_percent,
        "stop_price": trailing.stop_price,
        "update_count": trailing.update_count,
        "last_update_ms": trailing.last_update_ms,
        "updated_ms": at_ms,
    }


def _order(intent: Intent) -> Row:
    order = intent.order
    return {
        "intent_id": intent.intent_id,
        "position_id": intent.position_id,
        "venue": intent.key.venue,
        "symbol": intent.key.symbol,
        "hedge_side": intent.key.hedge_side,
        "client_order_id": order.client_order_id,
        "action": intent.action,
        "purpose": order.purpose,
        "side": order.side,
        "kind": order.kind,
        "quantity": order.quantity,
        "price": order.price,
        "trigger_price": order.trigger_price,
        "reduce_only": order.reduce_only,
        "protective": intent.protective,
        "status": IntentStatus.INTENDED,
        "venue_order_id": order.venue_order_id,
        "outcome_text": _NO_TEXT,
        "created_ms": intent.created_ms,
        "expires_ms": intent.expires_ms,
        "outcome_ms": None,
        "intent": encode_intent(intent),
    }


def _outcome(outcome: IntentOutcome) -> Row:
    return {
        "intent_id": outcome.intent_id,
        "status": outcome.status,
        "venue_order_id": outcome.venue_order_id,
        "outcome_text": storable(outcome.text),
        "outcome_ms": outcome.at_ms,
    }


def _trade(counted: PositionFill) -> Row:
    fill = counted.fill
    return {
        "venue": fill.venue,
        "symbol": fill.symbol,
        "fill_id": fill.fill_id,
        "position_id": counted.position_id,
        "venue_order_id": fill.venue_order_id,
        "client_order_id": fill.client_order_id,
        "side": fill.side,
        "hedge_side": fill.hedge_side,
        "kind": fill.kind,
        "maker": fill.maker,
        "price": fill.price,
        "quantity": fill.quantity,
        "commission": fill.commission,
        "commission_asset": fill.commission_asset,
        "realized_pnl": counted.realized_pnl,
        "time_ms": fill.time_ms,
    }


def _payment(counted: PositionFunding) -> Row:
    payment = counted.payment
    return {
        "venue": payment.venue,
        "symbol": payment.symbol,
        "funding_id": payment.funding_id,
        "hedge_side": payment.hedge_side or _NO_TEXT,
        "position_id": counted.position_id,
        "amount": payment.amount,
        "time_ms": payment.time_ms,
    }


def _event(event: EventRecord) -> Row:
    return {
        "kind": event.kind,
        "severity": event.severity,
        "text": storable(event.text),
        "at_ms": event.at_ms,
        "subject": storable(event.subject),
        "position_id": event.position_id,
        "data": encode_pairs(event.data),
    }


def _check(rows: Rows) -> None:
    for table in fields(rows):
        kept: list[Row] | Mapping[object, Row] = getattr(rows, table.name)
        for row in kept if isinstance(kept, list) else kept.values():
            for name, value in row.items():
                kind = type(value)
                if kind is Decimal or kind is int:
                    _check_number(table.name, name, cast("Decimal | int", value))


def _check_number(table: str, name: str, value: Decimal | int) -> None:
    # A NaN compares unequal to itself and the driver turns infinities into NaN: neither is an amount.
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise Unstorable(f"{table}.{name} is {value}, not a finite number")
    elif abs(value) > _MAX_INTEGER:
        raise Unstorable(f"{table}.{name} does not fit into 64 bits")
