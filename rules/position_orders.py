"""Facts about a position's orders, whichever of them a report is about.

Invariants:
1. A report changes the slot that its order is in, and no other.
2. An order of this position that is in no slot becomes a leftover, or the stop where there is none.
"""

from dataclasses import replace
from typing import Final

from messages.journal import Severity
from messages.orders import OrderReport, OrderSpec, OrderStatus
from messages.state import PositionPhase, TakeProfitPhase, TakeProfitState
from messages.values import ZERO, ClientOrderId, OrderKind, OrderPurpose
from rules.client_order_ids import parse_client_order_id
from rules.exits_of_others import note_order_of_others
from rules.position_aged import is_exit, take_exit
from rules.position_draft import Draft, spec_of, take_profit_of
from rules.position_lifecycle import PositionEvent
from rules.position_plan_exit import close_failed
from rules.position_stop import take_stop

TERMINAL: Final = frozenset({OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED})


TAKE_PROFIT_LEVEL: Final = {OrderPurpose.TAKE_PROFIT_1: 1, OrderPurpose.TAKE_PROFIT_2: 2}


def take_order(draft: Draft, report: OrderReport) -> None:
    """Take over what ``report`` says of an order, whichever of the position's orders it is."""
    position = draft.position
    identity = parse_client_order_id(report.client_order_id or "")
    if identity is not None and identity.position_id != position.position_id:
        if _is_leftover(draft, report):
            _take_leftover(draft, report)
        return
    if identity is None:
        note_order_of_others(draft, report)
    if report.client_order_id is not None and identity is not None:
        _note_reported(draft, report.client_order_id, report)
    if _is_leftover(draft, report):
        _take_leftover(draft, report)
    elif report.client_order_id is not None and report.client_order_id == position.entry_order_id:
        _take_entry(draft, report)
    elif report.client_order_id is not None and report.client_order_id == position.close_order_id:
        _take_close(draft, report)
    elif is_exit(draft, report.client_order_id):
        take_exit(draft, report)
    elif take_profit := take_profit_of(draft, report.client_order_id, str(report.venue_order_id)):
        _take_take_profit(draft, take_profit, report)
    elif report.kind is OrderKind.STOP_MARKET and report.side is draft.exit_side:
        take_stop(draft, report)
    elif identity is not None and identity.purpose is OrderPurpose.GUARD:
        return  # at market, in no slot: its fills are what it comes to
    elif identity is not None and report.status is OrderStatus.WORKING:
        draft.leave(spec_of(report, identity.purpose), "the position has no place for it")


def _note_reported(draft: Draft, order_id: ClientOrderId, report: OrderReport) -> None:
    filled = report.filled_quantity
    if report.quantity is not None and filled > report.quantity:
        draft.anomaly(f"order {order_id} of {report.quantity} is said to have filled {filled}")
        filled = report.quantity
    if filled > draft.reported.get(order_id, ZERO):
        draft.reported[order_id] = filled
        draft.changed_ms = draft.now_ms


def _take_entry(draft: Draft, report: OrderReport) -> None:
    if draft.position.phase is PositionPhase.PENDING_ENTRY:
        draft.pass_to(PositionEvent.ENTRY_SENT)
    if draft.ended and report.status is OrderStatus.WORKING:
        draft.leave(spec_of(report, OrderPurpose.ENTRY), "the position is over")
    if report.status not in TERMINAL or draft.position.entry_done:
        return
    draft.changed_ms = draft.now_ms
    draft.position = replace(draft.position, entry_done=True)
    if report.status is not OrderStatus.FILLED:
        draft.record(
            "entry_ended",
            f"entry {report.status} with {report.filled_quantity} filled {report.reject_reason}".rstrip(),
            filled=report.filled_quantity,
        )


def _take_close(draft: Draft, report: OrderReport) -> None:
    if report.status is OrderStatus.FILLED:
        draft.changed_ms = draft.now_ms
        draft.position = replace(draft.position, close_order_id=None)
    elif report.status in TERMINAL:
        draft.changed_ms = draft.now_ms
        close_failed(draft, None)
    elif draft.ended:
        draft.leave(spec_of(report, OrderPurpose.CLOSE), "the position is over")


def _take_take_profit(draft: Draft, take_profit: TakeProfitState, report: OrderReport) -> None:
    if take_profit.phase in {TakeProfitPhase.FILLED, TakeProfitPhase.SKIPPED}:
        return
    if report.status is OrderStatus.WORKING:
        if take_profit.phase is TakeProfitPhase.PLACING:
            draft.changed_ms = draft.now_ms
        draft.change_take_profit(
            take_profit.level,
            phase=TakeProfitPhase.WORKING,
            venue_order_id=report.venue_order_id,
            intent_id=None,
            attempts=0,
        )
    elif report.status is not OrderStatus.FILLED and take_profit.phase is not TakeProfitPhase.PLANNED:
        draft.changed_ms = draft.now_ms
        if not draft.ended and draft.position.quantity > 0:
            draft.record(
                "take_profit_lost", f"TP{take_profit.level} was {report.status} from outside", Severity.WARNING
            )
        draft.change_take_profit(
            take_profit.level,
            phase=TakeProfitPhase.PLANNED,
            quantity=take_profit.quantity - take_profit.filled_quantity,
            filled_quantity=ZERO,
            client_order_id=None,
            venue_order_id=None,
            intent_id=None,
        )


def _is_leftover(draft: Draft, report: OrderReport) -> bool:
    return any(_matches(leftover.order, report) for leftover in draft.position.leftovers)


def _matches(order: OrderSpec, report: OrderReport) -> bool:
    if report.client_order_id is not None:
        return order.client_order_id == report.client_order_id
    return order.venue_order_id is not None and order.venue_order_id == report.venue_order_id


def _take_leftover(draft: Draft, report: OrderReport) -> None:
    if report.status in TERMINAL:
        draft.changed_ms = draft.now_ms
        if report.kind is OrderKind.STOP_MARKET:
            draft.change_stop(not_before_ms=0)  # it may have been what kept another one from being placed
        draft.forget_leftover(next(item.order for item in draft.position.leftovers if _matches(item.order, report)))
