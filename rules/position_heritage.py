"""What rests at the venue for a position that is found and on no record: left by us, by a repair, or by others.

The client order ids of our orders carry the position's id: a position that is found is taken over under the id that it
had, so that its orders are known again, and its record, should it come back, is the same one. The orders of a repair
carry an id that no record has. Take profits of others are kept where they are: only what is missing is placed.

Invariants:
1. The same orders give the same heritage, in whatever order they come.
2. An order of ours is kept in a slot, left behind to be cancelled, or the position's own stop.
3. A sequence number that may have been used is not used again.
4. Take profits of others are kept, and no order of others is left behind to be cancelled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from messages.orders import OrderReport, OrderSpec, OrderStatus
from messages.state import TakeProfitPhase, TakeProfitState
from messages.values import ZERO, OrderKind, OrderPurpose, PositionId, PositionKey, Quantity, Side
from rules.client_order_ids import OrderIdentity, parse_client_order_id
from rules.kept_profits import profits_beside
from rules.position_draft import spec_of
from rules.repair import is_repair
from rules.rounding import exit_side
from rules.stop_choice import is_reducing
from rules.take_profits import TakeProfitPlan

SEQUENCE_GAP: Final = 1_296
"""More than any life used beyond the last order that is still seen: two digits of base 36."""
LEVELS: Final = {OrderPurpose.TAKE_PROFIT_1: 1, OrderPurpose.TAKE_PROFIT_2: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heritage:
    """What goes on from an earlier life.

    Attributes:
        position_id: The id that the position had; ``None`` when no order of ours tells.
        sequence: The first sequence number is after this.
        take_profits: Those of the position that rest at the venue, where they add up to it.
        strangers: Orders of ours, of other lives, on the same side of the symbol.
    """

    position_id: PositionId | None
    sequence: int = 0
    take_profits: tuple[TakeProfitState, ...] = ()
    strangers: tuple[OrderSpec, ...] = ()


def heritage_of(
    *,
    orders: Sequence[OrderReport],
    key: PositionKey,
    side: Side,
    quantity: Quantity,
    keeps_identity: bool,
    wanted: Sequence[TakeProfitPlan] = (),
    least: Quantity = ZERO,
) -> Heritage:
    """What ``orders`` tell of a position of ``quantity`` that is found.

    Of our own only what a repair placed goes on, unless ``keeps_identity``. ``wanted`` are the take profits that it
    should have, and ``least`` is the least that may be ordered.
    """
    ours: list[tuple[OrderIdentity, OrderReport]] = []
    for report in sorted(orders, key=lambda each: str(each.client_order_id)):
        identity = parse_client_order_id(report.client_order_id or "")
        here = report.symbol == key.symbol and report.hedge_side == key.hedge_side
        if identity is not None and here and report.status is OrderStatus.WORKING:
            ours.append((identity, report))
    closing = [
        (identity, report)
        for identity, report in ours
        if report.side is exit_side(side) and (keeps_identity or is_repair(identity.position_id))
    ]
    others = [report for report in orders if _is_profit_of_others(report, key, side)]
    stops = [identity for identity, report in closing if report.kind is OrderKind.STOP_MARKET]
    heirs = stops or [identity for identity, _ in closing]
    if not heirs:
        return Heritage(
            position_id=None,
            take_profits=profits_beside(others, wanted=wanted, quantity=quantity, least=least),
            strangers=tuple(spec_of(report, each.purpose) for each, report in ours),
        )
    heir = heirs[-1]
    own = [(identity, report) for identity, report in closing if identity.position_id == heir.position_id]
    profits = _take_profits(own, quantity)
    if not profits:
        repaired = [report for _, report in own if is_repair(heir.position_id) and _takes_profit(report)]
        profits = profits_beside([*repaired, *others], wanted=wanted, quantity=quantity, least=least)
    kept = {item.client_order_id for item in profits}
    return Heritage(
        position_id=heir.position_id,
        sequence=max(identity.sequence for identity, _ in own) + SEQUENCE_GAP,
        take_profits=profits,
        strangers=tuple(
            spec_of(report, identity.purpose)
            for identity, report in ours
            if report.client_order_id not in kept
            and not (report.kind is OrderKind.STOP_MARKET and identity.position_id == heir.position_id)
        ),
    )


def _take_profits(own: Sequence[tuple[OrderIdentity, OrderReport]], quantity: Quantity) -> tuple[TakeProfitState, ...]:
    found: dict[int, TakeProfitState] = {}
    for identity, report in own:
        level = LEVELS.get(identity.purpose)
        fits = report.kind is OrderKind.TAKE_PROFIT_MARKET and report.filled_quantity == ZERO
        if level is None or not fits or report.quantity is None or report.trigger_price is None:
            continue
        found[level] = TakeProfitState(
            level=level,
            trigger_price=report.trigger_price,
            quantity=report.quantity,
            phase=TakeProfitPhase.WORKING,
            client_order_id=report.client_order_id,
            venue_order_id=report.venue_order_id,
        )
    if sum((item.quantity for item in found.values()), start=ZERO) != quantity:
        return ()
    return tuple(found[level] for level in sorted(found))


def _is_profit_of_others(report: OrderReport, key: PositionKey, side: Side) -> bool:
    here = report.symbol == key.symbol and report.hedge_side == key.hedge_side and report.side is exit_side(side)
    is_others = parse_client_order_id(report.client_order_id or "") is None
    return here and is_others and report.status is OrderStatus.WORKING and _takes_profit(report)


def _takes_profit(report: OrderReport) -> bool:
    rests_to_reduce = report.kind is OrderKind.LIMIT and is_reducing(report)
    return rests_to_reduce or report.kind is OrderKind.TAKE_PROFIT_MARKET
