"""What the stop of a position needs next.

Invariants:
1. While anything is open, a stop that covers it is working, being placed, or waiting for its next try; after the tries
   are used up the position is closed instead.
2. A working stop is never cancelled before its replacement is confirmed, where the venue allows two stops or amends.
3. A stop never moves away from the price.
"""

from dataclasses import replace
from typing import Final

from messages.journal import Severity
from messages.reasons import Rule
from messages.state import CloseReason, IntentAction, PositionPhase, StopOrder
from messages.values import OrderPurpose, Price, Quantity
from rules.position_draft import Draft
from rules.position_plan_exit import decide_close
from rules.position_stop import stop_spec
from rules.rounding import closer, round_stop
from rules.stop_choice import farthest_stop, stop_quantity, wanted_stop, would_trigger
from rules.stop_lifecycle import StopEvent
from rules.trailing import may_update, throttled_until_ms

PIECES_MS: Final = 150
"""Within this the pieces of an execution that fills an entry completely have been told."""


def plan_stop(draft: Draft) -> None:
    """Place, move or resize the stop, or decide to close where no stop can stand."""
    _measure_cover(draft)
    stop = draft.position.stop
    if draft.exposed == 0 or draft.ended or stop.intent_id is not None:
        return
    if stop.working is None:
        if stop.next is not None and stop.next.attached and _attached_may_still_come(draft):
            return
        if _is_closing_by_its_stop(draft):
            return
        if draft.position.close_reason is None or draft.position.close_attempts > 0:
            _place_stop(draft)
    elif draft.position.close_reason is None:
        _move_stop(draft, stop.working)


def _is_closing_by_its_stop(draft: Draft) -> bool:
    """A whole-position stop that filled has closed everything; its fills are given a moment to say so."""
    since_ms = draft.position.stop.unprotected_since_ms or draft.now_ms
    due_ms = since_ms + draft.situation.policies.orders.settle_ms
    if not (draft.position.stop.triggered and draft.situation.capabilities.whole_position_stop):
        return False
    if draft.now_ms >= due_ms:
        draft.reads_account = True
        return False
    draft.reads_fills = True
    draft.wake_at(due_ms)
    return True


def _attached_may_still_come(draft: Draft) -> bool:
    """A stop attached to the entry comes with the fill; what does not come is looked for, then placed by ourselves."""
    since = draft.position.stop.unprotected_since_ms or draft.now_ms
    if _entry_is_in_pieces(draft):
        # It has none before it has filled completely. A stop of ours is right in any case: one that comes as well is
        # cancelled, whereas an account that cannot be read now would leave the position without either.
        if draft.now_ms < since + PIECES_MS:
            draft.wake_at(since + PIECES_MS)
            return True
        draft.pass_stop_to(StopEvent.PLACE_FAILED)
        draft.change_stop(next=None)
        return False
    wait_ms = draft.situation.policies.orders.confirm_stop_ms
    if draft.account_read_ms >= since + wait_ms:
        draft.pass_stop_to(StopEvent.PLACE_FAILED)
        draft.change_stop(next=None)
        return False
    if draft.now_ms >= since + wait_ms:
        draft.reads_account = True
    else:
        draft.wake_at(since + wait_ms)
    return True


def _entry_is_in_pieces(draft: Draft) -> bool:
    needs_all = draft.situation.capabilities.attached_stop_needs_full_fill
    return needs_all and draft.opened < draft.position.wanted_quantity


def _place_stop(draft: Draft) -> None:
    stop = draft.position.stop
    if stop.attempts >= draft.situation.policies.orders.stop_attempts:
        decide_close(
            draft,
            CloseReason.UNPROTECTED,
            f"no stop could be placed in {stop.attempts} tries",
            Severity.CRITICAL,
        )
    if draft.now_ms < stop.not_before_ms:
        draft.wake_at(stop.not_before_ms)
        return
    price, rule = wanted_level(draft)
    mark = draft.watched
    if mark is not None and would_trigger(side=draft.position.side, stop_price=price, mark=mark):
        if draft.position.close_reason is None:
            decide_close(draft, CloseReason.STOP_WOULD_TRIGGER, f"the price {mark} is already past the stop {price}")
            return
        price, rule = _stop_from_here(draft, mark), Rule.STOP_FROM_HERE
    if rule is Rule.PLANNED_STOP:
        rule = Rule.FIRST_STOP if draft.position.phase is not PositionPhase.ACTIVE else Rule.STOP_REPLACED
    text = f"no stop is working, try {stop.attempts + 1}"
    if not draft.position.signal_id:
        draft.record("auto_plan_sl", f"stop at {price} for a position that was found on the venue", Severity.WARNING)
    _send_stop(draft, IntentAction.PLACE, _new_stop(draft, price), StopEvent.PLACE_SENT, rule, text)


def _stop_from_here(draft: Draft, mark: Price) -> Price:
    """While a close is refused and the planned stop is passed, a stop is counted from the current price (S6.4)."""
    return wanted_stop(
        side=draft.position.side,
        entry_price=mark,
        current_price=mark,
        signal_stop=None,
        liquidation_price=None,
        tick=draft.situation.instrument.price_tick,
        policy=draft.situation.policies.stops,
    )


def _new_stop(draft: Draft, price: Price) -> StopOrder:
    return StopOrder(
        client_order_id=draft.next_order_id(OrderPurpose.STOP),
        trigger_price=price,
        quantity=_stop_quantity(draft),
    )


def _replacement(draft: Draft, price: Price, quantity: Quantity | None) -> StopOrder:
    """A new stop for one that cannot be amended; where one goes without a quantity only in need, it has one (F25)."""
    return replace(_new_stop(draft, price), quantity=_stop_quantity(draft) if quantity is None else quantity)


def _stop_quantity(draft: Draft) -> Quantity | None:
    situation = draft.situation
    return stop_quantity(draft.exposed, instrument=situation.instrument, capabilities=situation.capabilities)


def _send_stop(draft: Draft, action: IntentAction, stop: StopOrder, event: StopEvent, rule: Rule, text: str) -> None:
    intent = draft.intend(action, stop_spec(draft, stop), rule=rule, text=text, protective=True)
    draft.pass_stop_to(event)
    draft.change_stop(next=stop, intent_id=intent.intent_id)


def wanted_level(draft: Draft) -> tuple[Price, Rule]:
    """The tightest of the planned stop, a person's, the guard's, breakeven when due, and what trailing may have now.

    The rule is the one that the price comes from.
    """
    position = draft.position
    side = position.side
    working = position.stop.working
    trailed = draft.trailing.stop_price
    may_trail = trailed is not None and (
        working is None
        or may_update(
            state=draft.trailing,
            side=side,
            working_stop=working.trigger_price,
            wanted_stop=trailed,
            now_ms=draft.now_ms,
            policy=draft.situation.policies.trailing,
        )
    )
    wanted, rule = position.initial_stop_price, Rule.PLANNED_STOP
    for price, its_rule in (
        (position.floor_stop_price, Rule.FLOOR_BY_HAND),
        (position.guard_stop_price, Rule.GUARD),
        (draft.breakeven if position.breakeven_done else None, Rule.BREAKEVEN),
        (trailed if may_trail else None, Rule.TRAILING),
        (_clear_of_liquidation(draft), Rule.CLEAR_OF_LIQUIDATION),
    ):
        if price is not None and closer(side, wanted, price) != wanted:
            wanted, rule = price, its_rule
    if working is not None and closer(side, wanted, working.trigger_price) == working.trigger_price:
        return working.trigger_price, rule
    # The tick may be another one than when the price was planned.
    return round_stop(wanted, tick=draft.situation.instrument.price_tick, side=side), rule


def _clear_of_liquidation(draft: Draft) -> Price | None:
    """The least price for the stop to come before the liquidation, which leverage and funding move (F15)."""
    mark = draft.situation.mark
    if mark is None:
        return None
    return farthest_stop(
        side=draft.position.side,
        liquidation_price=draft.liquidation_price,
        current_price=mark,
        policy=draft.situation.policies.stops,
    )


def _move_stop(draft: Draft, working: StopOrder) -> None:
    stop, capabilities = draft.position.stop, draft.situation.capabilities
    (price, rule), quantity = wanted_level(draft), _stop_quantity(draft)
    _wake_for_trailing(draft, working)
    if working.quantity is None:
        quantity = None
    elif quantity is None and capabilities.amend_stop:
        # A stop with a quantity is resized as it is: in place none becomes a stop on the whole position.
        quantity = draft.exposed
    if price == working.trigger_price and quantity == working.quantity:
        draft.change_stop(local_price=None)
        return
    if not capabilities.amend_stop and not draft.situation.instrument.trading:
        # A new order would be refused, and where the old one has to go first nothing would be left (F21).
        return
    # Also while the venue refuses the move (F10): what cannot rest there is triggered here.
    mark = draft.watched
    if mark is not None and would_trigger(side=draft.position.side, stop_price=price, mark=mark):
        which = "stop" if stop.local_price is None else "local stop"
        decide_close(draft, CloseReason.STOP_WOULD_TRIGGER, f"the price {mark} is already past the {which} {price}")
        return
    if draft.now_ms < stop.not_before_ms:
        _watch_here(draft, working, price)
        draft.wake_at(stop.not_before_ms)
        return
    if price == working.trigger_price:
        rule = Rule.STOP_RESIZED
    text = f"the stop at {working.trigger_price} of {_size(working.quantity)} is to be {price} of {_size(quantity)}"
    if capabilities.amend_stop:
        moved = replace(working, trigger_price=price, quantity=quantity)
        _send_stop(draft, IntentAction.AMEND, moved, StopEvent.MOVE_SENT, rule, text)
        return
    replacement = _replacement(draft, price, quantity)
    # Without a quantity a stop cannot be doubled, where it is not the usual one.
    is_doubled = working.quantity is None and replacement.quantity is None
    if capabilities.two_stops and not is_doubled:
        _send_stop(draft, IntentAction.PLACE, replacement, StopEvent.MOVE_SENT, rule, text)
    else:
        intent = draft.intend(
            IntentAction.CANCEL, stop_spec(draft, working), rule=rule, text=f"{text}; it goes first", protective=True
        )
        draft.pass_stop_to(StopEvent.MOVE_SENT)
        draft.change_stop(next=replacement, intent_id=intent.intent_id)


def _watch_here(draft: Draft, working: StopOrder, price: Price) -> None:
    """The venue refuses the move: the wanted level is watched here, and whoever looks is told that it is."""
    if price == working.trigger_price:
        return
    if draft.position.stop.local_price is None:
        draft.record(
            "stop_is_local",
            f"the venue keeps the stop at {working.trigger_price}; {price} is watched here: the weaker protection, "
            "which ends with this process",
            Severity.WARNING,
            at_the_venue=working.trigger_price,
            here=price,
        )
    draft.change_stop(local_price=price)


def _size(quantity: Quantity | None) -> str:
    return "the whole position" if quantity is None else str(quantity)


def _wake_for_trailing(draft: Draft, working: StopOrder) -> None:
    """A trailing move that its interval holds back is looked at again when the interval is over."""
    trailed = draft.trailing.stop_price
    if trailed is None or closer(draft.position.side, trailed, working.trigger_price) == working.trigger_price:
        return
    draft.wake_at(throttled_until_ms(draft.trailing, draft.situation.policies.trailing))


def _measure_cover(draft: Draft) -> None:
    """How long an open position is not fully covered, for the event and the alert of S4.2."""
    stop, exposed = draft.position.stop, draft.exposed
    covered = stop.working is not None and draft.covers(stop.working.quantity)
    if exposed > 0 and not covered and stop.unprotected_since_ms is None:
        draft.change_stop(unprotected_since_ms=draft.now_ms)
    elif stop.unprotected_since_ms is not None and (covered or exposed == 0):
        window_ms = draft.now_ms - stop.unprotected_since_ms
        draft.change_stop(unprotected_since_ms=None)
        if window_ms > 0:
            alert_ms = draft.situation.policies.orders.alert_window_ms
            # One alert for one trouble: to close for want of a stop was told at the highest level already.
            is_told = draft.position.close_reason is CloseReason.UNPROTECTED
            draft.record(
                "unprotected_window",
                f"{window_ms} ms without a stop for the full size",
                Severity.CRITICAL if window_ms > alert_ms and not is_told else Severity.DEBUG,
                window_ms=window_ms,
            )
