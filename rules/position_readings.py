"""What a reading of the account or of the fills says about a position.

Invariants:
1. A snapshot asked for before an order or a fill changed proves no absence, and no move of the stop.
2. Absence from one list proves nothing: the order is asked for by its id.
3. The venue is right about the size, once its fills have been read and do not explain the difference.
"""

from dataclasses import replace
from typing import Final

from messages.journal import Severity
from messages.orders import OrderReport, PositionReport
from messages.positions import AccountRead, FillsRead
from messages.state import CloseReason, PositionPhase, TakeProfitPhase
from messages.values import ZERO, ClientOrderId, Quantity
from rules.exits_of_others import note_orders_of_others
from rules.forgetful_venue import believes_denial, hides_more
from rules.position_aged import exit_gone, exit_spec, is_exit
from rules.position_draft import Draft
from rules.position_fills import take_fill, take_funding
from rules.position_lifecycle import PositionEvent, next_phase
from rules.position_orders import take_order
from rules.position_plan import entry_spec
from rules.position_plan_exit import close_spec
from rules.position_stop import (
    is_doubled,
    leave_doubled,
    shows_another_level,
    stop_spec,
    take_the_stop_that_is_shown,
)
from rules.stop_lifecycle import StopEvent

LEFT_OPEN_MS: Final = 10_000
"""How long after the end of a position what is open there may be of its own: whatever it is, it needs its stop."""


def take_fills_read(draft: Draft, read: FillsRead) -> None:
    """The fills and funding of the symbol since the position opened: in hedge mode those of its own side only.

    A payment that names no side belongs to both sides together there, and is counted to neither.
    """
    side = draft.position.key.hedge_side
    for fill in read.report.fills:
        if fill.hedge_side == side:
            take_fill(draft, fill, in_order=True)
    for payment in read.report.funding:
        if payment.hedge_side == side:
            take_funding(draft, payment)
    draft.fills_read_ms = max(draft.fills_read_ms, read.asked_ms)


def take_account_read(draft: Draft, read: AccountRead) -> None:
    """The account of the symbol: orders as they are, and whether the size is what the fills say."""
    changed_before = draft.changed_ms
    if read.asked_ms > changed_before and not draft.open_intents:
        take_the_stop_that_is_shown(draft, [item for item in read.report.orders if _is_here(draft, item)])
    for report in read.report.orders:
        if not _is_here(draft, report):
            continue
        if read.asked_ms <= changed_before and shows_another_level(draft, report):
            # Perhaps as it was before it was moved: that is no person's hand.
            draft.doubt()
        elif is_doubled(draft, read.report.orders, report):
            leave_doubled(draft, report)
        else:
            take_order(draft, report)
    read_before_ms, draft.account_read_ms = draft.account_read_ms, max(draft.account_read_ms, read.asked_ms)
    if read.asked_ms <= changed_before:
        return
    if draft.open_intents:
        _look_for_fills(draft, read)
        return
    if _may_be_left_open(draft, read):
        draft.account_read_ms, draft.reads_fills = read_before_ms, True
        return
    note_orders_of_others(draft, read.report.orders)
    if not _seems_closed(draft, read):
        _ask_for_the_missing(draft, read)
    if _compared_size(draft, read):
        if draft.compared_ms == 0 and draft.position.close_attempts > 0 and not draft.ended:
            _tell_of_protection(draft, read)
        draft.compared_ms = read.asked_ms


def _is_here(draft: Draft, report: OrderReport) -> bool:
    return report.hedge_side == draft.position.key.hedge_side


def _seems_closed(draft: Draft, read: AccountRead) -> bool:
    """Nothing is open there any more: the fills are to tell how, and what else is gone went with the position."""
    return draft.exposed > 0 and _shown(draft, read) == 0 and draft.fills_read_ms < read.asked_ms


def _tell_of_protection(draft: Draft, read: AccountRead) -> None:
    """After a close that was refused: what the venue shows of the position and its stop (F8)."""
    working = draft.position.stop.working
    shown = working is not None and working.client_order_id not in draft.missing
    stop = str(working.trigger_price) if working is not None and shown else "none"
    draft.record(
        "protection_checked",
        f"after the refused close the venue shows {draft.position.quantity} open; stop: {stop}",
        Severity.WARNING if shown else Severity.CRITICAL,
        stop=stop,
        quantity=draft.position.quantity,
        asked_ms=read.asked_ms,
    )


def _ask_for_the_missing(draft: Draft, read: AccountRead) -> None:
    """Absence from one list proves nothing: each order that is not shown is asked for by its id."""
    shown = {report.client_order_id for report in read.report.orders}
    shown_ids = {report.venue_order_id for report in read.report.orders}
    missing: set[ClientOrderId] = set()
    position = draft.position
    slots = [stop_spec(draft, position.stop.working)] if position.stop.working is not None else []
    slots += [draft.take_profit_spec(item) for item in position.take_profits if item.phase is TakeProfitPhase.WORKING]
    slots += [item.order for item in position.leftovers]
    if position.entry_order_id is not None and not position.entry_done:
        slots.append(entry_spec(draft, position.entry_order_id))
    if position.close_order_id is not None and not draft.ended:
        slots.append(close_spec(draft, position.close_order_id))
    if position.aged.exit is not None:
        slots.append(exit_spec(draft, position.aged.exit))
    for order in slots:
        if order.client_order_id not in shown and order.venue_order_id not in shown_ids:
            missing.add(order.client_order_id)
            draft.queries.append(order)
    draft.missing = frozenset(missing)


def _look_for_fills(draft: Draft, read: AccountRead) -> None:
    """With an order on its way the size proves nothing, and that may last: but a fill is a fill, whoever's it is."""
    if _shown(draft, read) != draft.exposed and draft.fills_read_ms < read.asked_ms:
        draft.reads_fills = True


def _may_be_left_open(draft: Draft, read: AccountRead) -> bool:
    """Something is open after the end: an entry of ours may have filled since, which the fills tell, if they come."""
    closed_ms = draft.position.closed_ms
    if closed_ms is None or draft.now_ms >= closed_ms + LEFT_OPEN_MS or draft.fills_read_ms >= read.asked_ms:
        return False
    return draft.awaits_fills or _shown(draft, read) > 0


def _shown(draft: Draft, read: AccountRead) -> Quantity:
    """How much of the position the venue shows."""
    key, side = draft.position.key, draft.position.side
    here = (item for item in read.report.positions if item.hedge_side == key.hedge_side and item.side is side)
    return next((item.quantity for item in here), ZERO)


def _compared_size(draft: Draft, read: AccountRead) -> bool:
    """The venue is right about the size (S14); but fills that explain the difference are looked for first."""
    position = draft.position
    report = next((item for item in read.report.positions if item.hedge_side == position.key.hedge_side), None)
    quantity = ZERO
    if report is not None and report.side is position.side:
        quantity, draft.liquidation_price = report.quantity, report.liquidation_price
        _note_leverage(draft, report)
        _note_margin_mode(draft, report)
        position = draft.position
    if quantity == position.quantity or draft.ended:
        draft.differed = None
        return True
    if position.phase in {PositionPhase.PENDING_ENTRY, PositionPhase.ENTRY_PLACED} and quantity == 0:
        return True
    if not _is_unexplained(draft, quantity):
        draft.reads_fills = True
        draft.doubt()
        return False
    draft.differed = None
    draft.record(
        "size_corrected",
        f"the venue shows {quantity}, the fills add up to {position.quantity}: the venue is right",
        Severity.WARNING,
        venue=quantity,
        ours=position.quantity,
    )
    draft.changed_ms = draft.now_ms
    draft.reported.clear()
    draft.position = replace(
        position,
        quantity=quantity,
        opened_quantity=max(position.opened_quantity, quantity),
        close_reason=position.close_reason or (CloseReason.OUTSIDE if quantity == 0 else None),
    )
    for event in (PositionEvent.ENTRY_SENT, PositionEvent.ENTRY_FILLED):
        if next_phase(draft.position.phase, event) is not None:
            draft.pass_to(event)
    return True


def _is_unexplained(draft: Draft, quantity: Quantity) -> bool:
    """Whether fills asked for after the venue had shown ``quantity`` came, and it shows the same again.

    Fills that were asked for together with the account may have been answered before it: what fills in between is in
    the one and not yet in the other, and would be counted twice when its own message comes.
    """
    if draft.differed != quantity:
        draft.differed, draft.differed_ms = quantity, draft.now_ms
        return False
    return draft.fills_read_ms >= draft.differed_ms


def _note_leverage(draft: Draft, report: PositionReport) -> None:
    """Leverage changed by hand moves the liquidation price, of which the stop stays clear (F15)."""
    leverage = int(report.leverage)
    if leverage in {0, draft.position.leverage}:
        return
    draft.record(
        "leverage_changed",
        f"the leverage is {leverage} at the venue and was {draft.position.leverage}; "
        f"liquidation at {report.liquidation_price}, of which the stop is kept clear",
        Severity.WARNING,
        before=draft.position.leverage,
        after=leverage,
    )
    draft.position = replace(draft.position, leverage=leverage)


def _note_margin_mode(draft: Draft, report: PositionReport) -> None:
    """A margin mode changed by hand moves it as well (F15). It is told, and never changed under an open position."""
    before, after = draft.position.margin_mode, report.margin_mode
    if before is after:
        return
    draft.position = replace(draft.position, margin_mode=after)
    if before is None:
        return
    nowhere = report.liquidation_price is None
    draft.record(
        "margin_mode_changed",
        f"the margin mode is {after} at the venue and was {before}; "
        f"liquidation {'at no price' if nowhere else f'at {report.liquidation_price}'}, of which the stop is kept "
        "clear; it is not switched back while the position is open",
        Severity.WARNING,
        before=before,
        after=after,
        liquidation=report.liquidation_price,
    )


def order_not_found(draft: Draft, client_order_id: ClientOrderId) -> None:
    """The venue, asked by id, does not know an order that its list did not show either: it is gone."""
    if client_order_id not in draft.missing:
        return
    position = draft.position
    for leftover in position.leftovers:
        if leftover.order.client_order_id == client_order_id:
            draft.forget_leftover(leftover.order)
    if client_order_id in {position.entry_order_id, position.close_order_id} and not draft.ended:
        _entry_or_close_gone(draft, client_order_id)
    if is_exit(draft, client_order_id) and not hides_more(draft):
        exit_gone(draft)
    working = position.stop.working
    if working is not None and working.client_order_id == client_order_id and believes_denial(draft, working):
        draft.changed_ms = draft.now_ms
        draft.pass_stop_to(StopEvent.STOP_LOST)
        draft.change_stop(working=None, next=None, intent_id=None, attempts=0, not_before_ms=0)
        if position.quantity > 0:
            draft.record("stop_lost", "the venue does not know the stop any more", Severity.WARNING)
    for take_profit in position.take_profits if not hides_more(draft) else ():
        if take_profit.client_order_id == client_order_id and take_profit.phase is TakeProfitPhase.WORKING:
            draft.changed_ms = draft.now_ms
            draft.change_take_profit(
                take_profit.level, phase=TakeProfitPhase.PLANNED, client_order_id=None, venue_order_id=None
            )


def _entry_or_close_gone(draft: Draft, order_id: ClientOrderId) -> None:
    """An entry or a close of which nothing is left: over, unless it filled, which only the fills can tell."""
    if draft.fills_read_ms <= draft.changed_ms:
        draft.reads_fills = True
        return
    position = draft.position
    draft.changed_ms = draft.now_ms
    if order_id == position.close_order_id:
        draft.position = replace(position, close_order_id=None)
        draft.record("close_lost", f"the venue does not know the close {order_id} any more", Severity.ERROR)
    elif not position.entry_done:
        reason = position.close_reason or (CloseReason.ENTRY_FAILED if position.opened_quantity == 0 else None)
        draft.position = replace(position, entry_done=True, close_reason=reason)
        draft.record("entry_lost", f"the venue does not know the entry {order_id} any more", Severity.WARNING)
