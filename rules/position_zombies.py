"""Orders that an audit found to be of no use on a position's symbol: what the position does about them.

Invariants:
1. What the position holds itself, or has under way, is never left behind.
2. Everything else that is named is left behind to be cancelled, once.
3. A stop that is left behind and was tighter than the position's own becomes the floor of it.
"""

from collections.abc import Sequence
from dataclasses import replace

from messages.journal import Severity
from messages.orders import OrderReport, OrderStatus
from messages.values import OrderKind, OrderPurpose
from rules.client_order_ids import parse_client_order_id
from rules.position_draft import Draft, spec_of, take_profit_of
from rules.rounding import closer
from rules.stop_choice import is_stop_of, would_trigger


def leave_useless(draft: Draft, orders: Sequence[OrderReport]) -> None:
    """Leave behind what the position does not want; a stop goes only when another one works (``plan``)."""
    for report in orders:
        if report.status is not OrderStatus.WORKING or is_wanted(draft, report):
            continue
        identity = parse_client_order_id(report.client_order_id or "")
        if report.kind is OrderKind.STOP_MARKET:
            _keep_its_level(draft, report)
        purpose = OrderPurpose.STOP if identity is None else identity.purpose
        draft.leave(spec_of(report, purpose), "an audit found it to be of no use")
        draft.record(
            "zombie_order",
            f"{report.kind} {report.side} {report.client_order_id or report.venue_order_id} is of no use and goes",
            Severity.WARNING,
        )


def is_wanted(draft: Draft, report: OrderReport) -> bool:
    """Whether ``report`` is an order that the position holds, or is about to change."""
    position, stop = draft.position, draft.position.stop
    held = [order for order in (stop.working, stop.next) if order is not None]
    ids = {position.entry_order_id, position.close_order_id, *(order.client_order_id for order in held)}
    if position.aged.exit is not None:
        ids.add(position.aged.exit.client_order_id)
    ids |= {intent.order.client_order_id for intent in draft.open_intents.values()}
    ids |= {leftover.order.client_order_id for leftover in position.leftovers}
    by_venue = {order.venue_order_id for order in held} | {item.order.venue_order_id for item in position.leftovers}
    anonymous = report.client_order_id is None and any(
        order.venue_order_id is None and order.trigger_price == report.trigger_price for order in held
    )
    named = report.client_order_id is not None and report.client_order_id in ids
    is_profit = take_profit_of(draft, report.client_order_id, str(report.venue_order_id)) is not None
    return named or anonymous or is_profit or report.venue_order_id in by_venue


def _keep_its_level(draft: Draft, report: OrderReport) -> None:
    position, level, mark = draft.position, report.trigger_price, draft.watched
    working = position.stop.working
    if level is None or mark is None or working is None or not is_stop_of(report, position.side):
        return
    passed = would_trigger(side=position.side, stop_price=level, mark=mark)
    if not passed and closer(position.side, level, working.trigger_price) != working.trigger_price:
        floor = position.floor_stop_price or level
        draft.position = replace(position, floor_stop_price=closer(position.side, floor, level))
