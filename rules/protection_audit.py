"""The second pair of eyes: is every position on the venue protected, by what the venue itself shows (S15, DESIGN §4)?

Takes the venue's positions and orders only, never what we believe, and so finds our own mistakes too.

Invariants:
1. A position has a finding about its stop with something uncovered exactly when its stops do not cover it.
2. A position whose stop and take profits fit its size has no finding.
3. A reducing order that no position can use is an orphan, and nothing else is.
4. Stops for more than the position are found once, however many there are.
5. The order of positions and orders does not change the findings.
6. Where it is known which take profits are wanted, those that are missing are named unless others cover.
7. A take profit on the wrong side of the mark price covers nothing.
8. Several take profits for more than the position are found once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from messages.instruments import Instrument
from messages.orders import OrderReport, OrderStatus, PositionReport
from messages.values import ZERO, OrderKind, Price, Quantity, Side, Symbol, Venue
from rules.rounding import exit_side
from rules.stop_choice import (
    is_behind_liquidation,
    is_in_reach,
    is_reducing,
    is_stop_of,
    remaining_quantity,
    would_trigger,
)
from rules.take_profits import TakeProfitPlan


class FindingKind(StrEnum):
    """What is wrong."""

    NO_STOP = "no_stop"
    STOP_TOO_SMALL = "stop_too_small"
    STOP_WRONG_SIDE = "stop_wrong_side"
    STOP_BEYOND_LIQUIDATION = "stop_beyond_liquidation"
    NO_TAKE_PROFIT = "no_take_profit"
    NO_TAKE_PROFIT_1 = "no_take_profit_1"
    NO_TAKE_PROFIT_2 = "no_take_profit_2"
    TAKE_PROFIT_TOO_SMALL = "take_profit_too_small"
    TAKE_PROFIT_TOO_LARGE = "take_profit_too_large"
    TAKE_PROFIT_WRONG_SIDE = "take_profit_wrong_side"
    ORPHAN_ORDER = "orphan_order"
    DUPLICATE_STOP = "duplicate_stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        quantity_uncovered: What of the position no working stop covers, or no take profit where it is about those.
        orders: The venue's ids of the orders concerned.
    """

    venue: Venue
    symbol: Symbol
    what: FindingKind
    quantity_uncovered: Quantity
    orders: tuple[str, ...] = ()
    hedge_side: Side | None = None


PositionName: TypeAlias = tuple[Venue, Symbol, Side | None]
"""Venue, symbol and, in hedge mode, side."""


def audit(
    *,
    positions: Sequence[PositionReport],
    orders: Sequence[OrderReport],
    instruments: Mapping[tuple[Venue, Symbol], Instrument],
    wanted: Mapping[PositionName, Sequence[TakeProfitPlan]] = MappingProxyType({}),
) -> tuple[Finding, ...]:
    """Everything that is wrong, by venue and symbol; a symbol without an instrument is judged to the last digit.

    ``wanted`` are the take profits that a position should have: none for one that should have none. A position that it
    does not name is asked only whether take profits cover it.
    """
    findings: list[Finding] = []
    used: set[int] = set()
    working = [order for order in orders if order.status is OrderStatus.WORKING]
    for position in positions:
        instrument = instruments.get((position.venue, position.symbol))
        own = [(number, order) for number, order in enumerate(working) if _is_exit_of(order, position)]
        used.update(number for number, _ in own)
        exits = [order for _, order in own]
        step = instrument.quantity_step if instrument is not None else ZERO
        findings.extend(_stop_findings(position, exits, step))
        plans = wanted.get((position.venue, position.symbol, position.hedge_side))
        findings.extend(_take_profit_findings(position, exits, step, plans))
    findings.extend(
        _finding(order, FindingKind.ORPHAN_ORDER, ZERO, [order])
        for number, order in enumerate(working)
        if number not in used and is_reducing(order)
    )
    return tuple(sorted(findings, key=lambda found: (found.venue, found.symbol, found.what, found.orders)))


def _stop_findings(position: PositionReport, exits: Sequence[OrderReport], step: Quantity) -> list[Finding]:
    side, mark, liquidation = position.side, position.mark_price, position.liquidation_price
    stops = [order for order in exits if is_stop_of(order, side)]
    good = [order for order in stops if is_in_reach(order, side, mark, liquidation)]
    uncovered = _uncovered(position.quantity, good)
    uncovered = uncovered if _matters(uncovered, step) else ZERO
    wrong_side = [
        order
        for order in stops
        if order.trigger_price is None or would_trigger(side=side, stop_price=order.trigger_price, mark=mark)
    ]
    beyond = [
        order
        for order in stops
        if order.trigger_price is not None
        and order not in wrong_side
        and is_behind_liquidation(order.trigger_price, side, mark, liquidation)
    ]
    findings = []
    if wrong_side:
        findings.append(_finding(position, FindingKind.STOP_WRONG_SIDE, uncovered, wrong_side))
    if beyond:
        findings.append(_finding(position, FindingKind.STOP_BEYOND_LIQUIDATION, uncovered, beyond))
    if uncovered > ZERO and good:
        findings.append(_finding(position, FindingKind.STOP_TOO_SMALL, uncovered, good))
    elif uncovered > ZERO and not stops:
        findings.append(_finding(position, FindingKind.NO_STOP, uncovered, []))
    if _is_too_much(position.quantity, good, step):
        findings.append(_finding(position, FindingKind.DUPLICATE_STOP, uncovered, good))
    return findings


def _take_profit_findings(
    position: PositionReport, exits: Sequence[OrderReport], step: Quantity, plans: Sequence[TakeProfitPlan] | None
) -> list[Finding]:
    take_profits = [order for order in exits if _is_take_profit(order)]
    wrong_side = [order for order in take_profits if _is_behind(order, position)]
    good = [order for order in take_profits if order not in wrong_side]
    findings = []
    if wrong_side:
        findings.append(_finding(position, FindingKind.TAKE_PROFIT_WRONG_SIDE, ZERO, wrong_side))
    if _is_too_much(position.quantity, [order for order in good if order.kind is not OrderKind.LIMIT], step):
        findings.append(_finding(position, FindingKind.TAKE_PROFIT_TOO_LARGE, ZERO, good))
    uncovered = _uncovered(position.quantity, good)
    if not _matters(uncovered, step) or (plans is not None and not plans):
        return findings
    if plans is None:
        return [*findings, _finding(position, FindingKind.NO_TAKE_PROFIT, uncovered, good)]
    missing = [plan for plan in plans if plan not in {nearest(plans, order) for order in good}]
    for plan in missing:
        what = FindingKind.NO_TAKE_PROFIT_1 if plan.level == 1 else FindingKind.NO_TAKE_PROFIT_2
        findings.append(_finding(position, what, min(plan.quantity, uncovered), []))
    if not missing:
        findings.append(_finding(position, FindingKind.TAKE_PROFIT_TOO_SMALL, uncovered, good))
    return findings


def nearest(plans: Sequence[TakeProfitPlan], order: OrderReport) -> TakeProfitPlan:
    """Which of the wanted take profits ``order`` is, by its price."""
    price = _exit_price(order) or ZERO
    return min(plans, key=lambda plan: (abs(plan.trigger_price - price), plan.level))


def _exit_price(order: OrderReport) -> Price | None:
    return order.price if order.kind is OrderKind.LIMIT else order.trigger_price


def _is_behind(order: OrderReport, position: PositionReport) -> bool:
    """Whether a conditional take profit waits where the price would have to lose to reach it."""
    if order.kind is OrderKind.LIMIT or order.trigger_price is None:
        return False
    return not would_trigger(side=position.side, stop_price=order.trigger_price, mark=position.mark_price)


def _is_exit_of(order: OrderReport, position: PositionReport) -> bool:
    return (
        order.venue == position.venue
        and order.symbol == position.symbol
        and order.side is exit_side(position.side)
        and order.hedge_side in {None, position.hedge_side}
        and is_reducing(order)
    )


def _is_take_profit(order: OrderReport) -> bool:
    return order.kind in {OrderKind.TAKE_PROFIT_MARKET, OrderKind.LIMIT}


def _uncovered(quantity: Quantity, orders: Sequence[OrderReport]) -> Quantity:
    covered = ZERO
    for order in orders:
        remaining = remaining_quantity(order)
        if remaining is None:
            return ZERO
        covered += remaining
    return max(quantity - covered, ZERO)


def _matters(uncovered: Quantity, step: Quantity) -> bool:
    return uncovered > ZERO and uncovered >= step


def _is_too_much(quantity: Quantity, stops: Sequence[OrderReport], step: Quantity) -> bool:
    """Whether the stops would close more than there is: a whole-position stop beside any other, or too large a sum."""
    remaining = [remaining_quantity(order) for order in stops]
    if any(part is None for part in remaining):
        return len(stops) > 1
    excess = sum((part for part in remaining if part is not None), ZERO) - quantity
    return len(stops) > 1 and _matters(excess, step)


def _finding(
    subject: PositionReport | OrderReport, what: FindingKind, uncovered: Quantity, orders: Sequence[OrderReport]
) -> Finding:
    return Finding(
        venue=subject.venue,
        symbol=subject.symbol,
        what=what,
        quantity_uncovered=uncovered,
        orders=tuple(sorted(order.venue_order_id for order in orders)),
        hedge_side=subject.hedge_side,
    )
