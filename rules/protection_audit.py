"""The second pair of eyes: is every position on the venue protected, by what the venue itself shows (S15, DESIGN §4)?

Takes the venue's positions and orders only, never what we believe, and so finds our own mistakes too.

Invariants:
1. A position has a finding about its stop with something uncovered exactly when its stops do not cover it.
2. A position whose stop and take profits fit its size has no finding.
3. A reducing order that no position can use is an orphan, and nothing else is.
4. Stops for more than the position are found once, however many there are.
5. The order of positions and orders does not change the findings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from messages.instruments import Instrument
from messages.orders import OrderReport, OrderStatus, PositionReport
from messages.values import ZERO, OrderKind, Quantity, Symbol, Venue
from rules.rounding import exit_side
from rules.stop_choice import is_behind_liquidation, is_in_reach, is_stop_of, remaining_quantity, would_trigger


class FindingKind(StrEnum):
    """What is wrong."""

    NO_STOP = "no_stop"
    STOP_TOO_SMALL = "stop_too_small"
    STOP_WRONG_SIDE = "stop_wrong_side"
    STOP_BEYOND_LIQUIDATION = "stop_beyond_liquidation"
    NO_TAKE_PROFIT = "no_take_profit"
    ORPHAN_ORDER = "orphan_order"
    DUPLICATE_STOP = "duplicate_stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        quantity_uncovered: What of the position no working stop covers (for NO_TAKE_PROFIT: no take profit).
        orders: The venue's ids of the orders concerned.
    """

    venue: Venue
    symbol: Symbol
    what: FindingKind
    quantity_uncovered: Quantity
    orders: tuple[str, ...] = ()


def audit(
    *,
    positions: Sequence[PositionReport],
    orders: Sequence[OrderReport],
    instruments: Mapping[tuple[Venue, Symbol], Instrument],
) -> tuple[Finding, ...]:
    """Everything that is wrong, by venue and symbol; a symbol without an instrument is judged to the last digit."""
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
        findings.extend(_take_profit_findings(position, exits, step))
    findings.extend(
        _finding(order, FindingKind.ORPHAN_ORDER, ZERO, [order])
        for number, order in enumerate(working)
        if number not in used and _is_reducing(order)
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


def _take_profit_findings(position: PositionReport, exits: Sequence[OrderReport], step: Quantity) -> list[Finding]:
    take_profits = [order for order in exits if _is_take_profit(order)]
    uncovered = _uncovered(position.quantity, take_profits)
    if not _matters(uncovered, step):
        return []
    return [_finding(position, FindingKind.NO_TAKE_PROFIT, uncovered, take_profits)]


def _is_exit_of(order: OrderReport, position: PositionReport) -> bool:
    return (
        order.venue == position.venue
        and order.symbol == position.symbol
        and order.side is exit_side(position.side)
        and order.hedge_side in {None, position.hedge_side}
        and _is_reducing(order)
    )


def _is_reducing(order: OrderReport) -> bool:
    in_hedge_mode = order.hedge_side is not None and order.side is exit_side(order.hedge_side)
    return order.reduce_only or order.quantity is None or in_hedge_mode


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
    )
