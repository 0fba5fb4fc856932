"""Take profits that rest already, when a position is taken over: kept, and only what they do not cover is planned.

Invariants:
1. Every order that rests is kept, and none twice.
2. Kept and planned together are never more than the position.
3. What is not covered is planned, unless it is too small to be ordered or nothing is wanted.
4. The parts that live add up to the position, or one is marked as somebody else's: no plan replaces them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from messages.orders import OrderReport
from messages.state import TakeProfitPhase, TakeProfitState
from messages.values import ZERO, ClientOrderId, OrderKind, Quantity
from rules.protection_audit import nearest
from rules.stop_choice import remaining_quantity
from rules.take_profits import TakeProfitPlan

_OURS: Final = (1, 2)
"""The levels that are placed by us; what is only kept has a number after these."""


def profits_beside(
    orders: Sequence[OrderReport], *, wanted: Sequence[TakeProfitPlan], quantity: Quantity, least: Quantity
) -> tuple[TakeProfitState, ...]:
    """The take profits of a position of ``quantity`` for which ``orders`` rest already; none when none do.

    One that is nearest to a wanted level takes its place; further ones, and limit orders, are left to whoever placed
    them (SKIPPED). ``least`` is the least quantity that may be ordered.
    """
    if not orders or not wanted:
        return ()
    held: dict[int, TakeProfitState] = {}
    beside: list[TakeProfitState] = []
    left = quantity
    for order in sorted(orders, key=lambda each: (each.kind is OrderKind.LIMIT, str(each.venue_order_id))):
        remaining = remaining_quantity(order)
        part = left if remaining is None else min(remaining, left)
        left -= part
        level = nearest(wanted, order).level
        if order.kind is OrderKind.LIMIT or level in held or part <= ZERO:
            beside.append(_kept(order, len(_OURS) + len(beside) + 1, part, TakeProfitPhase.SKIPPED))
        else:
            held[level] = _kept(order, level, part, TakeProfitPhase.WORKING)
    planned = _planned(wanted, held, left, least)
    left -= sum((item.quantity for item in planned), ZERO)
    for level in {item.level for item in planned} & held.keys():
        beside.append(_marked(held.pop(level), len(_OURS) + len(beside) + 1))
    if left > ZERO:
        held = {level: _marked(item, level) for level, item in held.items()}
    return tuple(sorted((*held.values(), *planned, *beside), key=lambda item: item.level))


def _planned(
    wanted: Sequence[TakeProfitPlan], held: Mapping[int, TakeProfitState], left: Quantity, least: Quantity
) -> list[TakeProfitState]:
    """What is left is taken at the levels that have no order, else at the one whose order is shortest."""
    free = [plan for plan in wanted if plan.level not in held]
    if not free:
        free = [max(wanted, key=lambda plan: plan.quantity - held[plan.level].quantity)]
    planned = []
    for plan in free:
        rest = left - plan.quantity
        part = plan.quantity if plan is not free[-1] and rest >= max(least, ZERO) and plan.quantity >= least else left
        if part >= least and part > ZERO:
            planned.append(TakeProfitState(level=plan.level, trigger_price=plan.trigger_price, quantity=part))
            left -= part
    return planned


def _marked(item: TakeProfitState, level: int) -> TakeProfitState:
    """Somebody else's: it is not placed again, and nothing is planned over it."""
    return replace(item, level=level, phase=TakeProfitPhase.SKIPPED)


def _kept(order: OrderReport, level: int, quantity: Quantity, phase: TakeProfitPhase) -> TakeProfitState:
    price = order.price if order.kind is OrderKind.LIMIT else order.trigger_price
    return TakeProfitState(
        level=level,
        trigger_price=price if price is not None else ZERO,
        quantity=quantity,
        phase=phase,
        client_order_id=order.client_order_id or ClientOrderId(str(order.venue_order_id)[:32]),
        venue_order_id=order.venue_order_id,
    )
