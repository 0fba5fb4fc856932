"""Facts about a position's stop: confirmed, seen, adopted, lost, filled, or failed.

Invariants:
1. A stop counts as working only when the venue shows it.
2. A replaced stop becomes a leftover only once its replacement is confirmed.
3. What a person does to a stop is seen: closer is the new floor, farther away is restored.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from messages.journal import Severity
from messages.orders import OrderReport, OrderSpec, OrderStatus
from messages.state import CloseReason, PositionPhase, StopOrder, StopPhase, TrailingPhase
from messages.values import OrderKind, OrderPurpose, Price, Quantity
from rules.client_order_ids import parse_client_order_id
from rules.position_draft import Draft, spec_of
from rules.position_lifecycle import PositionEvent
from rules.rounding import closer, percent_of
from rules.stop_choice import is_stop_of, reusable, would_trigger
from rules.stop_lifecycle import StopEvent
from rules.trailing import confirmed

MAX_WAIT_DOUBLINGS: Final = 6
NAKED_WAIT_CAP_MS: Final = 1_000


def take_stop(draft: Draft, report: OrderReport) -> None:
    """Take over what ``report`` says of a stop of this position."""
    stop = draft.position.stop
    if report.status is OrderStatus.WORKING:
        if stop.next is not None and _same_stop(stop.next, report) and _is_as_wanted(stop.next, report):
            stop_confirmed(draft, report)
        elif _same_stop(stop.working, report):
            _stop_seen(draft, report)
        elif stop.next is not None and _same_stop(stop.next, report):
            return
        elif stop.working is None and stop.intent_id is None and not draft.ended:
            _stop_adopted(draft, report)
        elif stop.working is not None and _is_the_one_for_all(draft, stop.working.quantity, report.quantity):
            # Where a position has one, it has taken the place of ours, or is told of late: the account says which.
            draft.doubt()
        else:
            leave_doubled(draft, report)
        return
    if _same_stop(stop.working, report):
        stop_gone(draft, report)
    elif _same_stop(stop.next, report) and stop.phase is StopPhase.PLACING:
        draft.changed_ms = draft.now_ms
        if report.status is OrderStatus.FILLED:
            stop_confirmed(draft, report)
            stop_gone(draft, report)
        else:
            stop_failed(draft, f"{report.status} {report.reject_reason}".strip())


def leave_doubled(draft: Draft, report: OrderReport) -> None:
    """``report`` is of a stop beside the one that works."""
    if parse_client_order_id(report.client_order_id or "") is not None:
        draft.leave(spec_of(report, OrderPurpose.STOP), "one stop is enough")


def is_doubled(draft: Draft, orders: Sequence[OrderReport], report: OrderReport) -> bool:
    """Whether ``report`` is of a stop that is shown beside the one that works, for all of the position as that is."""
    working = draft.position.stop.working
    return (
        working is not None
        and report.kind is OrderKind.STOP_MARKET
        and _is_of_this_position(draft, report)
        and _is_the_one_for_all(draft, working.quantity, report.quantity)
        and not any(_same_stop(each, report) for each in (working, draft.position.stop.next))
        and any(_same_stop(working, each) for each in orders)
    )


def _is_the_one_for_all(draft: Draft, *quantities: Quantity | None) -> bool:
    """Whether these are stops on the whole position where it has one of them."""
    return draft.situation.capabilities.whole_position_stop and all(each is None for each in quantities)


def take_the_stop_that_stands(draft: Draft) -> bool:
    """Another stop was refused because there is one: where that is one of ours that was to go, it stays instead.

    Of several it may be any: the account says which, and until then none of them is cancelled.
    """
    if draft.position.stop.working is not None or not draft.situation.capabilities.amend_stop:
        return False
    candidates = [
        leftover.order
        for leftover in draft.position.leftovers
        if leftover.order.kind is OrderKind.STOP_MARKET
        and leftover.order.side is draft.exit_side
        and leftover.intent_id is None
        and _is_named_as_of(draft, leftover.order.client_order_id)
        and _is_the_one_for_all(draft, leftover.order.quantity)
    ]
    if not candidates or candidates[-1].trigger_price is None:
        return False
    for order in candidates:
        draft.forget_leftover(order)
    working = StopOrder(
        client_order_id=candidates[-1].client_order_id,
        trigger_price=candidates[-1].trigger_price,
        quantity=None,
        venue_order_id=candidates[-1].venue_order_id,
    )
    draft.pass_stop_to(StopEvent.PLACE_CONFIRMED)
    draft.change_stop(working=working, next=None, intent_id=None, attempts=0, not_before_ms=0)
    draft.record("stop_found", f"the stop at {working.trigger_price} that the venue has is kept")
    draft.doubt()
    return True


def _same_stop(stop: StopOrder | None, report: OrderReport) -> bool:
    if stop is None:
        return False
    if report.client_order_id is not None:
        return stop.client_order_id == report.client_order_id
    return stop.venue_order_id is None or stop.venue_order_id == report.venue_order_id


def _is_as_wanted(wanted: StopOrder, report: OrderReport) -> bool:
    """The stop that comes with an entry may have the entry's quantity where one on the whole position was hoped for."""
    sized_by_the_venue = wanted.attached and wanted.quantity is None
    return report.trigger_price == wanted.trigger_price and (report.quantity == wanted.quantity or sized_by_the_venue)


def stop_confirmed(draft: Draft, report: OrderReport) -> None:
    """The venue has the stop that was being placed, or moved to."""
    stop = draft.position.stop
    old, new = stop.working, stop.next
    if new is None:
        return
    moved = stop.phase is StopPhase.MOVING
    draft.pass_stop_to(StopEvent.MOVE_CONFIRMED if moved else StopEvent.PLACE_CONFIRMED)
    confirmed_stop = replace(
        new,
        venue_order_id=report.venue_order_id,
        trigger_price=report.trigger_price if report.trigger_price is not None else new.trigger_price,
        quantity=report.quantity,
        attached=False,
    )
    draft.changed_ms = draft.now_ms
    draft.change_stop(
        working=confirmed_stop,
        next=None,
        intent_id=None,
        attempts=0,
        not_before_ms=0,
        triggered=False,
        local_price=None,
    )
    draft.missing = draft.missing - {confirmed_stop.client_order_id}
    level = confirmed_stop.trigger_price
    to_another_level = level != (old.trigger_price if old is not None else draft.position.initial_stop_price)
    if draft.trailing.stop_price is not None and to_another_level:
        draft.trailing = confirmed(draft.trailing, stop_price=confirmed_stop.trigger_price, now_ms=draft.now_ms)
    if moved and old is not None:
        draft.record(
            "stop_moved",
            f"stop {old.trigger_price} → {confirmed_stop.trigger_price}"
            if old.trigger_price != confirmed_stop.trigger_price
            else f"stop at {old.trigger_price} resized: {old.quantity} → {confirmed_stop.quantity}",
            before=old.trigger_price,
            after=confirmed_stop.trigger_price,
        )
        if old.client_order_id != confirmed_stop.client_order_id:
            draft.leave(stop_spec(draft, old), f"replaced by the stop at {level}")
    else:
        draft.record("stop_working", f"stop at {confirmed_stop.trigger_price}", price=confirmed_stop.trigger_price)
    if draft.position.phase is PositionPhase.PENDING_SL:
        draft.pass_to(PositionEvent.STOP_CONFIRMED)


def shows_another_level(draft: Draft, report: OrderReport) -> bool:
    """Whether the stop that is known to work is shown at another price."""
    stop = draft.position.stop
    return (
        stop.phase is StopPhase.WORKING
        and stop.working is not None
        and report.status is OrderStatus.WORKING
        and _same_stop(stop.working, report)
        and report.trigger_price != stop.working.trigger_price
    )


def take_the_stop_that_is_shown(draft: Draft, orders: Sequence[OrderReport]) -> None:
    """The stop on record is not shown, and another one of this position is: a repair placed it, and could not say so.

    It is the one that works; the other is asked for, and goes if it is there after all.
    """
    stop = draft.position.stop
    if stop.working is None or stop.phase is not StopPhase.WORKING or stop.intent_id is not None:
        return
    left = {leftover.order.client_order_id for leftover in draft.position.leftovers}
    if any(_same_stop(stop.working, report) for report in orders):
        return
    for report in orders:
        is_new = report.client_order_id is None or report.client_order_id not in left
        if (
            is_new
            and _is_of_this_position(draft, report)
            and reusable(
                report=report,
                side=draft.position.side,
                quantity=draft.exposed,
                wanted=stop.working.trigger_price,
                policy=draft.situation.policies.stops,
            )
        ):
            if report.client_order_id is not None:
                # Without a name it is the position's one stop: to cancel the other would be to cancel this one.
                draft.leave(stop_spec(draft, stop.working), "another stop of the position has taken its place")
            draft.record("stop_found", f"stop at {report.trigger_price} instead of {stop.working.trigger_price}")
            working = StopOrder(
                client_order_id=report.client_order_id or stop.working.client_order_id,
                trigger_price=report.trigger_price or stop.working.trigger_price,
                quantity=report.quantity,
                venue_order_id=report.venue_order_id,
            )
            draft.change_stop(working=working)
            return


def _is_of_this_position(draft: Draft, report: OrderReport) -> bool:
    """By the name that it carries; where stops carry none, a position has no other."""
    if report.client_order_id is None:
        return not draft.situation.capabilities.stop_client_order_id
    return _is_named_as_of(draft, report.client_order_id)


def _is_named_as_of(draft: Draft, client_order_id: str) -> bool:
    identity = parse_client_order_id(client_order_id)
    return identity is not None and identity.position_id == draft.position.position_id


def _stop_adopted(draft: Draft, report: OrderReport) -> None:
    """A stop that no slot holds, while there is none: ours again, unless it does not fit the position."""
    spec = spec_of(report, OrderPurpose.STOP)
    is_found = draft.position.phase is PositionPhase.PENDING_SL and not draft.position.signal_id
    if not _can_be_amended(draft, report, is_found=is_found) and not reusable(
        report=report,
        side=draft.position.side,
        quantity=draft.exposed,
        wanted=draft.position.initial_stop_price,
        policy=draft.situation.policies.stops,
    ):
        if is_found or parse_client_order_id(report.client_order_id or "") is not None:
            draft.leave(spec, f"a stop at {report.trigger_price} of {report.quantity} does not fit the position")
        return
    if is_found and report.trigger_price is not None and _is_near(draft, report):
        # Good enough where it is (S6.3): what nobody has to mend is not touched.
        draft.position = replace(draft.position, initial_stop_price=report.trigger_price)
    draft.pass_stop_to(StopEvent.PLACE_SENT)
    draft.change_stop(
        next=StopOrder(
            client_order_id=spec.client_order_id,
            trigger_price=report.trigger_price or draft.position.initial_stop_price,
            quantity=report.quantity,
            venue_order_id=report.venue_order_id,
        )
    )
    stop_confirmed(draft, report)


def _can_be_amended(draft: Draft, report: OrderReport, *, is_found: bool) -> bool:
    """Where no second stop may rest beside it, the stop of a position that was found is brought into line in place."""
    capabilities, mark = draft.situation.capabilities, draft.watched
    if not is_found or not capabilities.amend_stop or capabilities.two_stops or report.trigger_price is None:
        return False
    side = draft.position.side
    passed = mark is not None and would_trigger(side=side, stop_price=report.trigger_price, mark=mark)
    return is_stop_of(report, side) and not passed


def _is_near(draft: Draft, report: OrderReport) -> bool:
    wanted = draft.position.initial_stop_price
    within = percent_of(wanted, draft.situation.policies.stops.reuse_within_percent)
    return report.trigger_price is not None and abs(report.trigger_price - wanted) <= within


def _stop_seen(draft: Draft, report: OrderReport) -> None:
    """The working stop, as the venue shows it now: a person may have moved it."""
    stop = draft.position.stop
    working = stop.working
    if working is None or report.trigger_price is None:
        return
    seen = replace(
        working, venue_order_id=report.venue_order_id, trigger_price=report.trigger_price, quantity=report.quantity
    )
    draft.missing = draft.missing - {working.client_order_id}
    if seen == working:
        return
    is_by_hand = stop.phase is StopPhase.WORKING and seen.trigger_price != working.trigger_price
    if is_by_hand or _is_closer_than_ours(draft, report.trigger_price):
        tighter = closer(draft.position.side, seen.trigger_price, working.trigger_price) == seen.trigger_price
        if tighter:
            draft.position = replace(draft.position, floor_stop_price=seen.trigger_price)
        draft.record(
            "stop_moved_by_hand",
            f"stop {working.trigger_price} → {seen.trigger_price} from outside: "
            + ("kept as the new floor" if tighter else "will be restored"),
            Severity.WARNING,
        )
    draft.change_stop(working=seen)


def _is_closer_than_ours(draft: Draft, level: Price) -> bool:
    """While a move is on its way: whether ``level`` is neither the old one nor the new one, but a person's."""
    stop, side = draft.position.stop, draft.position.side
    if stop.phase is not StopPhase.MOVING:
        return False
    ours = [each.trigger_price for each in (stop.working, stop.next) if each is not None]
    return all(level != price and closer(side, level, price) == level for price in ours)


def stop_gone(draft: Draft, report: OrderReport) -> None:
    """The working stop ended: it filled, or it was cancelled from outside."""
    draft.changed_ms = draft.now_ms
    if report.status is OrderStatus.FILLED:
        draft.pass_stop_to(StopEvent.STOP_TRIGGERED)
        if draft.position.phase is PositionPhase.PENDING_SL:
            draft.pass_to(PositionEvent.STOP_CONFIRMED)
        draft.record("stop_triggered", f"stop at {report.trigger_price} filled {report.filled_quantity}")
        if draft.trailing.phase is TrailingPhase.ACTIVE:
            draft.trailing = replace(draft.trailing, phase=TrailingPhase.TRIGGERED)
        if draft.position.close_reason is None and draft.exposed == 0:
            reason = CloseReason.TRAILING if draft.trailing.update_count > 0 else CloseReason.STOP_LOSS
            draft.position = replace(draft.position, close_reason=reason)
        draft.change_stop(working=None, next=None, intent_id=None, triggered=True)
        return
    was_moving = draft.position.stop.phase is StopPhase.MOVING
    draft.pass_stop_to(StopEvent.STOP_LOST)
    if was_moving and draft.position.stop.next is not None:
        draft.change_stop(working=None)
        return
    draft.change_stop(working=None, next=None, intent_id=None)
    if draft.exposed > 0 and not draft.ended:
        draft.record("stop_lost", f"stop at {report.trigger_price} was {report.status} from outside", Severity.WARNING)


def stop_failed(draft: Draft, text: str) -> None:
    """A stop could not be placed or moved; the old one, if any, is still alive."""
    stop = draft.position.stop
    moving = stop.phase is StopPhase.MOVING
    draft.pass_stop_to(StopEvent.MOVE_FAILED if moving else StopEvent.PLACE_FAILED)
    attempts = stop.attempts + 1
    wait_ms = 1_000 * 2 ** min(attempts, MAX_WAIT_DOUBLINGS)
    is_late = draft.position.phase is PositionPhase.ACTIVE or draft.position.close_reason is not None
    if is_late and stop.working is None:
        wait_ms = naked_wait_ms(attempts)
    draft.change_stop(next=None, intent_id=None, attempts=attempts, not_before_ms=draft.now_ms + wait_ms)
    draft.record("stop_failed", f"try {attempts}: {text}", Severity.WARNING if stop.working else Severity.ERROR)


def naked_wait_ms(attempts: int) -> int:
    """How long to wait before the next stop where nothing protects any more: once not at all, then ever longer."""
    return 0 if attempts <= 1 else min(50 << min(attempts, MAX_WAIT_DOUBLINGS), NAKED_WAIT_CAP_MS)


def stop_spec(draft: Draft, stop: StopOrder) -> OrderSpec:
    """The stop as an order: what is sent to place it, and what identifies it."""
    return OrderSpec(
        client_order_id=stop.client_order_id,
        symbol=draft.symbol,
        side=draft.exit_side,
        kind=OrderKind.STOP_MARKET,
        purpose=OrderPurpose.STOP,
        quantity=stop.quantity,
        trigger_price=stop.trigger_price,
        trigger_source=draft.situation.policies.orders.trigger_source,
        reduce_only=True,
        hedge_side=draft.position.key.hedge_side,
        venue_order_id=stop.venue_order_id,
    )
