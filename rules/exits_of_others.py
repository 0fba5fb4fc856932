"""What orders of others will take off a position, which is not for an exit of ours to take as well (S11).

Venues want reducing orders to be no more than the position: one refuses the next, another cancels the oldest, which may
be a person's. So an exit is for what those of others leave open.

Invariants:
1. What is left for an exit and what orders of others take are together never more than the position.
2. No order of ours is counted, nor a stop.
3. A fill of another's order leaves what is left for an exit as it was.
"""

from collections.abc import Sequence
from dataclasses import replace

from messages.orders import OrderReport, OrderStatus
from messages.values import ZERO, OrderKind, Quantity
from rules.client_order_ids import is_ours
from rules.position_draft import Draft
from rules.rounding import floor_quantity
from rules.stop_choice import is_reducing, remaining_quantity


def note_order_of_others(draft: Draft, report: OrderReport) -> None:
    """Keep in mind, or forget, an order that somebody else has placed to leave the position."""
    if not _leaves(draft, report):
        return
    name, others = _name(report), dict(draft.position.aged.others)
    if report.status is OrderStatus.WORKING and name not in others:
        others[name] = _in_all(draft, report)
    elif report.status not in {OrderStatus.WORKING, OrderStatus.FILLED} and name in others:
        # One that has filled says so before its fills do: those count, and the next reading forgets it.
        del others[name]
    _keep(draft, others)


def note_orders_of_others(draft: Draft, orders: Sequence[OrderReport]) -> None:
    """These are the orders that rest."""
    resting = [item for item in orders if item.status is OrderStatus.WORKING and _leaves(draft, item)]
    _keep(draft, {_name(item): _in_all(draft, item) for item in resting})


def left_for_exit(draft: Draft) -> Quantity:
    """How much of the position orders of others do not take off; zero where that is too little to be ordered."""
    quantity, instrument = draft.position.quantity, draft.situation.instrument
    left = floor_quantity(quantity - taken_by_others(draft), instrument.quantity_step)
    return left if left == quantity or left >= instrument.min_quantity else ZERO


def taken_by_others(draft: Draft) -> Quantity:
    """How much of the position orders of others may still take off."""
    position, filled = draft.position, dict(draft.position.order_fills)
    taken = ZERO
    for name, in_all in position.aged.others:
        taken += position.quantity if in_all is None else max(in_all - filled.get(name, ZERO), ZERO)
    return min(taken, position.quantity)


def _leaves(draft: Draft, report: OrderReport) -> bool:
    return (
        report.symbol == draft.symbol
        and report.side is draft.exit_side
        and report.hedge_side == draft.position.key.hedge_side
        and report.kind in {OrderKind.LIMIT, OrderKind.TAKE_PROFIT_MARKET}
        and is_reducing(report)
        and not is_ours(report.client_order_id)
    )


def _name(report: OrderReport) -> str:
    """As fills are counted by."""
    return report.client_order_id or report.venue_order_id


def _in_all(draft: Draft, report: OrderReport) -> Quantity | None:
    """What is left of it and what of it is counted already: that stays, whichever of the two is told first."""
    remaining = remaining_quantity(report)
    return None if remaining is None else remaining + dict(draft.position.order_fills).get(_name(report), ZERO)


def _keep(draft: Draft, others: dict[str, Quantity | None]) -> None:
    kept = tuple(sorted(others.items(), key=lambda item: item[0]))
    if kept != draft.position.aged.others:
        draft.position = replace(draft.position, aged=replace(draft.position.aged, others=kept))
