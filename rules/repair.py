"""What is to be sent for what the audit found (S15).

Invariants:
1. A position without findings needs nothing.
2. An order is amended or cancelled only where a finding names it.
3. A stop that is placed or moved lies between the liquidation price and the mark price, on the tick.
4. No step takes cover away, unless the venue knows neither amends nor two stops.
5. Steps that are taken, again and again, come to an end, and leave no finding that may be mended.
6. Take profits that are placed are ahead of the mark price, and with those there are not more than the position.
7. An order that is not ours to touch is touched only where no stop may rest beside it.

What take profits of others on the wrong side are for, which stay, is not counted in 6: they take nothing there.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from messages.instruments import Capabilities, Instrument
from messages.orders import OrderReport, OrderSpec, PositionReport
from messages.state import IntentAction
from messages.values import (
    ZERO,
    ClientOrderId,
    OrderKind,
    OrderPurpose,
    PositionId,
    Price,
    Quantity,
    TriggerSource,
    VenueOrderId,
)
from rules.client_order_ids import is_ours
from rules.expected_protection import Expected
from rules.position_draft import spec_of
from rules.protection_audit import Finding, FindingKind, nearest
from rules.rounding import exit_side, floor_quantity
from rules.stop_choice import is_behind_liquidation, is_in_reach, remaining_quantity, stop_quantity, would_trigger
from rules.zombies import surplus_stops

REPAIR_PREFIX: Final = "repair"
"""Begins the position id in the orders of a repair: a position that is adopted goes on under it, and with them."""

POSITION_ID_LENGTH: Final = 16
UNPROTECTED: Final = frozenset(
    {
        FindingKind.NO_STOP,
        FindingKind.STOP_TOO_SMALL,
        FindingKind.STOP_WRONG_SIDE,
        FindingKind.STOP_BEYOND_LIQUIDATION,
    }
)
_TO_BE_REPLACED: Final = frozenset({FindingKind.TAKE_PROFIT_TOO_LARGE, FindingKind.TAKE_PROFIT_WRONG_SIDE})
_LEVELS: Final = {1: FindingKind.NO_TAKE_PROFIT_1, 2: FindingKind.NO_TAKE_PROFIT_2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One order to place, amend or cancel.

    Attributes:
        what: The finding that it is for.
        existing: The order that is amended or cancelled.
        quantity: ``None`` for a stop on the whole position.
    """

    action: IntentAction
    what: FindingKind
    purpose: OrderPurpose
    existing: OrderReport | None = None
    quantity: Quantity | None = None
    trigger_price: Price | None = None


def repair_id(seed: str) -> PositionId:
    """A position id for orders that belong to no position of ours; the same for the same ``seed``."""
    digits = sha256(seed.encode()).hexdigest()
    return PositionId(f"{REPAIR_PREFIX}{digits}"[:POSITION_ID_LENGTH])


def is_repair(position_id: PositionId) -> bool:
    """Whether orders under this position id were sent by a repair, without a position of ours."""
    return position_id.startswith(REPAIR_PREFIX)


def steps_for(
    *,
    position: PositionReport,
    orders: Sequence[OrderReport],
    findings: Sequence[Finding],
    expected: Expected,
    instrument: Instrument,
    capabilities: Capabilities,
    touchable: Collection[VenueOrderId],
) -> tuple[Step, ...]:
    """What may be sent now about the ``findings`` of this position; what follows from it shows in the next reading.

    ``touchable``: the orders that are ours to change or take away (S12). Another's stays, unless no stop may rest
    beside it.
    """
    here = (position.venue, position.symbol, position.hedge_side)
    own = [item for item in findings if (item.venue, item.symbol, item.hedge_side) == here]
    by_id = {order.venue_order_id: order for order in orders if order.symbol == position.symbol}
    return (
        *_stop_steps(position, by_id, own, expected, instrument, capabilities, touchable),
        *_profit_steps(position, by_id, own, expected, instrument, touchable),
    )


def _stop_steps(
    position: PositionReport,
    by_id: dict[VenueOrderId, OrderReport],
    findings: Sequence[Finding],
    expected: Expected,
    instrument: Instrument,
    capabilities: Capabilities,
    touchable: Collection[VenueOrderId],
) -> tuple[Step, ...]:
    about_stops = [item for item in findings if item.what in UNPROTECTED]
    uncovered = next((item for item in about_stops if item.quantity_uncovered > ZERO), None)
    if uncovered is not None:
        named = _named(by_id, about_stops)
        if not capabilities.two_stops:
            return _cover_in_place(position, named, uncovered.what, expected, instrument, capabilities)
        return _cover_beside(position, named, uncovered.what, expected, instrument, capabilities, touchable)
    useless = [
        _cancel(order, OrderPurpose.STOP, item.what)
        for item in about_stops
        for order in _named(by_id, [item])
        if order.venue_order_id in touchable
    ]
    if any(item.what is FindingKind.DUPLICATE_STOP for item in findings):
        useless += [
            _cancel(order, OrderPurpose.STOP, FindingKind.DUPLICATE_STOP)
            for order in surplus_stops(position, list(by_id.values()))
            if order.venue_order_id in touchable
        ]
    return tuple(useless)


def _cover_in_place(
    position: PositionReport,
    named: Sequence[OrderReport],
    what: FindingKind,
    expected: Expected,
    instrument: Instrument,
    capabilities: Capabilities,
) -> tuple[Step, ...]:
    """A stop for the whole size where nothing may rest beside another: out of what there is, or instead of it."""
    if named and not capabilities.amend_stop:
        return tuple(_cancel(order, OrderPurpose.STOP, what) for order in named)
    if named:
        return (_amend(position, named, position.quantity, what, expected),)
    quantity = stop_quantity(position.quantity, instrument=instrument, capabilities=capabilities)
    return (_place(quantity, what, expected),)


def _cover_beside(
    position: PositionReport,
    named: Sequence[OrderReport],
    what: FindingKind,
    expected: Expected,
    instrument: Instrument,
    capabilities: Capabilities,
    touchable: Collection[VenueOrderId],
) -> tuple[Step, ...]:
    """A stop for what those of others leave open: out of one of ours where that goes, else beside what there is."""
    own = [order for order in named if order.venue_order_id in touchable]
    others = [order for order in named if order not in own]
    side, mark, liquidation = position.side, position.mark_price, position.liquidation_price
    covered = sum(
        (remaining_quantity(order) or ZERO for order in others if is_in_reach(order, side, mark, liquidation)), ZERO
    )
    quantity = max(position.quantity - covered, min(instrument.min_quantity, position.quantity))
    if own and capabilities.amend_stop:
        return (_amend(position, own, quantity, what, expected),)
    others_have_whole = any(order.quantity is None for order in others)
    if not covered and not others_have_whole:
        return (_place(stop_quantity(quantity, instrument=instrument, capabilities=capabilities), what, expected),)
    return (_place(quantity, what, expected),)


def _amend(
    position: PositionReport, named: Sequence[OrderReport], quantity: Quantity, what: FindingKind, expected: Expected
) -> Step:
    existing = min(named, key=lambda order: (not is_ours(order.client_order_id), order.venue_order_id))
    return Step(
        action=IntentAction.AMEND,
        what=what,
        purpose=OrderPurpose.STOP,
        existing=existing,
        quantity=None if existing.quantity is None else quantity + existing.filled_quantity,
        trigger_price=_kept_or(expected.stop_price, existing, position),
    )


def _place(quantity: Quantity | None, what: FindingKind, expected: Expected) -> Step:
    return Step(
        action=IntentAction.PLACE,
        what=what,
        purpose=OrderPurpose.STOP,
        quantity=quantity,
        trigger_price=expected.stop_price,
    )


def _kept_or(price: Price, existing: OrderReport, position: PositionReport) -> Price:
    """A stop that is only too small keeps its level."""
    level = existing.trigger_price
    if level is None or would_trigger(side=position.side, stop_price=level, mark=position.mark_price):
        return price
    too_far = is_behind_liquidation(level, position.side, position.mark_price, position.liquidation_price)
    return price if too_far else level


def _profit_steps(
    position: PositionReport,
    by_id: dict[VenueOrderId, OrderReport],
    findings: Sequence[Finding],
    expected: Expected,
    instrument: Instrument,
    touchable: Collection[VenueOrderId],
) -> tuple[Step, ...]:
    wrong = [
        _cancel(order, _purpose(nearest(expected.take_profits, order).level), item.what)
        for item in findings
        if item.what in _TO_BE_REPLACED and expected.take_profits
        for order in _named(by_id, [item])
        if order.venue_order_id in touchable
    ]
    if wrong:
        return tuple({step.existing: step for step in wrong}.values())
    kinds = {item.what for item in findings}
    if FindingKind.TAKE_PROFIT_TOO_SMALL in kinds:
        return _rest_of_profits(position, by_id, findings, expected, instrument)
    return tuple(
        Step(
            action=IntentAction.PLACE,
            what=item.what,
            purpose=_purpose(plan.level),
            quantity=item.quantity_uncovered,
            trigger_price=plan.trigger_price,
        )
        for plan in expected.take_profits
        for item in findings
        if item.what is _LEVELS[plan.level] and _may_be_ordered(item.quantity_uncovered, position, instrument)
    )


def _rest_of_profits(
    position: PositionReport,
    by_id: dict[VenueOrderId, OrderReport],
    findings: Sequence[Finding],
    expected: Expected,
    instrument: Instrument,
) -> tuple[Step, ...]:
    """Beside each take profit that is too small another one, for what is missing."""
    (finding,) = [item for item in findings if item.what is FindingKind.TAKE_PROFIT_TOO_SMALL]
    there = dict.fromkeys((plan.level for plan in expected.take_profits), ZERO)
    for order in _named(by_id, [finding]):
        there[nearest(expected.take_profits, order).level] += remaining_quantity(order) or ZERO
    steps, left = [], finding.quantity_uncovered
    for plan in expected.take_profits:
        missing = floor_quantity(min(plan.quantity - there[plan.level], left), instrument.quantity_step)
        if missing > ZERO and _may_be_ordered(missing, position, instrument):
            left -= missing
            steps.append(
                Step(
                    action=IntentAction.PLACE,
                    what=finding.what,
                    purpose=_purpose(plan.level),
                    quantity=missing,
                    trigger_price=plan.trigger_price,
                )
            )
    return tuple(steps)


def _may_be_ordered(quantity: Quantity, position: PositionReport, instrument: Instrument) -> bool:
    return quantity >= instrument.min_quantity or quantity == position.quantity


def _purpose(level: int) -> OrderPurpose:
    return OrderPurpose.TAKE_PROFIT_1 if level == 1 else OrderPurpose.TAKE_PROFIT_2


def _named(by_id: dict[VenueOrderId, OrderReport], findings: Sequence[Finding]) -> list[OrderReport]:
    ids = sorted({order_id for item in findings for order_id in item.orders})
    return [by_id[VenueOrderId(order_id)] for order_id in ids if order_id in by_id]


def _cancel(order: OrderReport, purpose: OrderPurpose, what: FindingKind) -> Step:
    return Step(action=IntentAction.CANCEL, what=what, purpose=purpose, existing=order)


def order_of(
    step: Step, *, position: PositionReport, client_order_id: ClientOrderId, source: TriggerSource
) -> OrderSpec:
    """``step`` as an order; ``client_order_id`` is that of a new one."""
    if step.existing is not None:
        spec = spec_of(step.existing, step.purpose)
        if step.action is IntentAction.CANCEL:
            return spec
        return replace(spec, trigger_price=step.trigger_price, quantity=step.quantity, trigger_source=source)
    is_stop = step.purpose is OrderPurpose.STOP
    return OrderSpec(
        client_order_id=client_order_id,
        symbol=position.symbol,
        side=exit_side(position.side),
        kind=OrderKind.STOP_MARKET if is_stop else OrderKind.TAKE_PROFIT_MARKET,
        purpose=step.purpose,
        quantity=step.quantity,
        trigger_price=step.trigger_price,
        trigger_source=source,
        reduce_only=True,
        hedge_side=position.hedge_side,
    )
