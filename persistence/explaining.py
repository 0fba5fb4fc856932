"""The story of a position, put together from everything that is on record of it."""

import re
from collections import defaultdict
from typing import Final

import msgspec

from messages.explanation import EventStep, Explanation, FillStep, FundingStep, InputView, OrderStep, RequestView, Step
from messages.journal import AuditRecord, EventRecord, PositionFill, PositionFunding
from messages.state import PositionState
from messages.values import IntentId
from persistence.queries import OrderRecord, Queries

MANY: Final = 100_000
"""More rows of one kind than one position ever has."""

_BEFORE: Final = (FillStep, FundingStep, EventStep, OrderStep)
_OLD_NAME: Final = re.compile(r"\w+")


class NoSuchPosition(LookupError):  # noqa: N818 - it says what was asked for
    """Nothing on record fits what was asked for, or more than one thing does; the text says which."""


def find_position(queries: Queries, wanted: str) -> PositionState:
    """The position that ``wanted`` names: its id, the beginning of it, or VENUE/SYMBOL for the present or last one.

    In hedge mode VENUE/SYMBOL/SIDE tells the two sides apart.

    Raises:
        NoSuchPosition: There is none, or several.
        StoreUnavailable: The records cannot be read.
    """
    found = _by_place(queries, wanted) if "/" in wanted else queries.positions_like(wanted)
    if not found:
        raise NoSuchPosition(f"no position {wanted!r} is on record; an id, its beginning, or VENUE/SYMBOL is wanted")
    if len(found) > 1:
        names = ", ".join(f"{item.position_id} ({item.key.venue}/{item.key.symbol} {item.side})" for item in found)
        raise NoSuchPosition(f"{wanted!r} fits several positions: {names}")
    return found[0]


def explain(queries: Queries, position: PositionState) -> Explanation:
    """Everything that is on record of ``position``, in the order of time.

    Raises:
        StoreUnavailable: The records cannot be read.
        Undecodable: Something spoiled a row.
    """
    position_id = position.position_id
    requests: dict[IntentId | None, list[RequestView]] = defaultdict(list)
    for row in sorted(queries.audit(position_id=position_id, limit=MANY), key=lambda row: row.requested_ms):
        requests[row.intent_id].append(_request(row))
    steps: list[Step] = [
        *(_fill(item) for item in queries.trades(position_id, limit=MANY)),
        *(_funding(item) for item in queries.funding(position_id, limit=MANY)),
        *(_event(item) for item in reversed(queries.events(position_id=position_id, limit=MANY))),
        *(_order(item, requests[item.intent.intent_id]) for item in queries.orders(position_id, limit=MANY)),
    ]
    steps.sort(key=lambda step: (step.at_ms, _BEFORE.index(type(step))))
    working = position.stop.working
    return Explanation(
        position_id=position_id,
        venue=position.key.venue,
        symbol=position.key.symbol,
        hedge_side=position.key.hedge_side,
        side=position.side,
        phase=position.phase,
        quantity=position.quantity,
        opened_quantity=position.opened_quantity,
        entry_price=position.entry_price,
        opened_ms=position.opened_ms,
        closed_ms=position.closed_ms,
        close_reason=position.close_reason,
        exit_price=position.exit_price,
        stop_price=working.trigger_price if working is not None else None,
        realized_pnl=position.realized_pnl,
        commission=position.commission,
        funding=position.funding,
        steps=tuple(steps),
    )


def _by_place(queries: Queries, wanted: str) -> list[PositionState]:
    venue, symbol, *side = wanted.split("/")
    found = [
        item for item in queries.positions_at(venue.lower(), symbol.upper()) if not side or item.side == side[0].lower()
    ]
    living = [item for item in found if item.closed_ms is None]
    return living or found[:1]


def _order(record: OrderRecord, requests: list[RequestView]) -> OrderStep:
    intent, order, why = record.intent, record.intent.order, record.intent.why
    return OrderStep(
        at_ms=intent.created_ms,
        intent_id=intent.intent_id,
        client_order_id=order.client_order_id,
        action=intent.action,
        purpose=order.purpose,
        side=order.side,
        kind=order.kind,
        quantity=order.quantity,
        price=order.price,
        trigger_price=order.trigger_price,
        attached_stop_id=order.attached_stop_id,
        attached_stop_price=order.attached_stop_price,
        rule=why.rule if why is not None else None,
        why=why.text if why is not None else "",
        before=why.before if why is not None else None,
        inputs=tuple(
            InputView(
                name=item.name,
                value=item.value,
                age_ms=None if item.read_ms is None else intent.created_ms - item.read_ms,
            )
            for item in (why.inputs if why is not None else ())
        ),
        requests=tuple(requests),
        outcome=record.status,
        venue_order_id=record.venue_order_id,
        outcome_ms=record.outcome_ms,
        outcome_text=record.text,
    )


def _request(row: AuditRecord) -> RequestView:
    name, _, body = row.answer.partition(" ")
    try:
        fields = msgspec.json.decode(body)
    except msgspec.DecodeError:
        fields = None  # an earlier version wrote it otherwise
    if not isinstance(fields, dict):
        found = _OLD_NAME.match(row.answer)
        name, says = (found.group() if found else ""), row.answer
    elif isinstance(fields.get("report"), dict):
        says = _words_of_an_order(fields["report"])
    else:
        says = ": ".join(str(fields[key]) for key in ("reason", "text") if fields.get(key))
    return RequestView(
        operation=row.operation, asked_ms=row.requested_ms, answered_ms=row.answered_ms, answer=name, says=says
    )


def _words_of_an_order(report: dict[str, object]) -> str:
    parts = [f"{report.get('status')}"]
    parts += [
        f"{name} {report[key]}"
        for key, name in (("venue_order_id", "as"), ("trigger_price", "at"))
        if report.get(key) is not None
    ]
    if report.get("filled_quantity") not in {None, "0"}:
        parts.append(f"filled {report['filled_quantity']}")
    if report.get("reject_reason"):
        parts.append(str(report["reject_reason"]))
    return " ".join(parts)


def _event(record: EventRecord) -> EventStep:
    return EventStep(at_ms=record.at_ms, kind=record.kind, severity=record.severity, text=record.text)


def _fill(counted: PositionFill) -> FillStep:
    fill = counted.fill
    return FillStep(
        at_ms=fill.time_ms,
        fill_id=fill.fill_id,
        client_order_id=fill.client_order_id,
        venue_order_id=fill.venue_order_id,
        side=fill.side,
        quantity=fill.quantity,
        price=fill.price,
        kind=fill.kind,
        commission=fill.commission,
        realized_pnl=counted.realized_pnl,
    )


def _funding(counted: PositionFunding) -> FundingStep:
    return FundingStep(at_ms=counted.payment.time_ms, amount=counted.payment.amount)
