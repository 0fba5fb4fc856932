"""What a position needs next, from how it stands: level-triggered, so that it does not matter which event came before.

Invariants:
1. Each of entry, stop, take profit, close and leftover has at most one intent under way.
2. After the end of a position, nothing of it is placed any more, and everything of it is cancelled.
"""

from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Final

from messages.journal import Severity
from messages.orders import OrderSpec
from messages.reasons import Rule
from messages.state import (
    CloseReason,
    IntentAction,
    Leftover,
    PositionPhase,
    PositionState,
    StopOrder,
    StopPhase,
    TakeProfitPhase,
)
from messages.values import ZERO, ClientOrderId, OrderKind, OrderPurpose
from rules.position_addition import finish_addition
from rules.position_aged import plan_aged_exit, withdraw_exit
from rules.position_draft import Draft
from rules.position_lifecycle import PositionEvent
from rules.position_plan_exit import plan_close, pursue_take_profits
from rules.position_plan_stop import plan_stop
from rules.position_stop import stop_spec
from rules.rounding import entry_side
from rules.sizing import split_quantity
from rules.stop_lifecycle import StopEvent

REREAD_MS: Final = 1_000
"""A reading that something overtook could not be compared with: it is repeated after this."""


def plan(draft: Draft) -> None:
    """Add to ``draft`` the intents that its state calls for now, and when to look again."""
    if draft.recovering_since_ms:
        _go_on_recovering(draft)
        if draft.recovering_since_ms:
            return
    _plan_entry(draft)
    _end_if_flat(draft)
    plan_stop(draft)
    plan_aged_exit(draft)
    plan_close(draft)
    pursue_take_profits(draft)
    _plan_leftovers(draft)
    _plan_readings(draft)
    _finish(draft)


def _go_on_recovering(draft: Draft) -> None:
    since = draft.recovering_since_ms
    if draft.account_read_ms >= since and draft.fills_read_ms >= since:
        draft.recovering_since_ms = 0
        draft.record("recovered", f"{draft.position.side} {draft.position.quantity} as the venue has it")
        return
    draft.reads_account = draft.account_read_ms < since
    draft.reads_fills = draft.fills_read_ms < since


def _plan_entry(draft: Draft) -> None:
    position = draft.position
    if position.entry_intent_id in draft.open_intents:
        return
    if draft.ended:
        if not any(item.order.purpose is OrderPurpose.ENTRY for item in position.leftovers):
            finish_addition(draft)
        return
    if not position.entry_done:
        _plan_limit_entry(draft)
        return
    if _another_slice_follows(draft):
        if position.stop.working is not None and draft.exposed == position.quantity:
            enter(draft)
        return
    finish_addition(draft)
    position = draft.position
    if draft.exposed == 0 and position.opened_quantity == 0 and not draft.awaits_fills:
        if position.close_reason is None and position.entry_limit_price is not None:
            draft.position = replace(position, entry_limit_price=None)
            enter(draft)
            return
        reason = position.close_reason or CloseReason.ENTRY_FAILED
        draft.position = replace(position, close_reason=reason, closed_ms=draft.now_ms)
        draft.record("rolled_back", "the entry did not come about", Severity.WARNING)
        _release_orders(draft)


def _another_slice_follows(draft: Draft) -> bool:
    """A slice that filled whole is followed by the next one, as soon as the stop covers what is open.

    One that did not come about is the last: sent again and again it would be refused for as long as the position lives.
    """
    position = draft.position
    start = ZERO if position.ladder.under_way is None else position.ladder.under_way.from_quantity
    first, *others = split_quantity(
        quantity=position.wanted_quantity - start, instrument=draft.situation.instrument, market=True
    )
    steps = pairwise(accumulate((start + first, *others)))
    following = next((after for before, after in steps if before == position.opened_quantity), None)
    return (
        following is not None
        and position.entry_order_id in dict(position.order_fills)
        and draft.coverable(following)
        and position.entry_limit_price is None
        and position.close_reason is None
    )


def _plan_limit_entry(draft: Draft) -> None:
    position, policy = draft.position, draft.situation.policies.orders
    if position.entry_limit_price is None or position.entry_order_id is None:
        return
    due = position.opened_ms + policy.entry_limit_timeout_ms
    if draft.now_ms < due and position.close_reason is None:
        draft.wake_at(due)
        return
    if any(intent.order.client_order_id == position.entry_order_id for intent in draft.open_intents.values()):
        return
    if position.entry_order_id in draft.missing:
        return
    draft.intend(
        IntentAction.CANCEL,
        entry_spec(draft, position.entry_order_id),
        rule=Rule.ENTRY_TIMED_OUT,
        text=f"the limit entry may rest {policy.entry_limit_timeout_ms // 1_000} s",
        protective=False,
    )


def entry_spec(draft: Draft, order_id: ClientOrderId) -> OrderSpec:
    """The entry as an order: what is sent, and what identifies it."""
    position = draft.position
    return OrderSpec(
        client_order_id=order_id,
        symbol=draft.symbol,
        side=entry_side(position.side),
        kind=OrderKind.MARKET if position.entry_limit_price is None else OrderKind.LIMIT,
        purpose=OrderPurpose.ENTRY,
        quantity=position.wanted_quantity,
        price=position.entry_limit_price,
        trigger_source=draft.situation.policies.orders.trigger_source,
        hedge_side=position.key.hedge_side,
    )


def enter(draft: Draft) -> None:
    """Send the entry, or the next slice of it where the venue limits the size of one order."""
    position = draft.position
    slices = split_quantity(
        quantity=position.wanted_quantity - position.opened_quantity,
        instrument=draft.situation.instrument,
        market=position.entry_limit_price is None,
    )
    spec = replace(entry_spec(draft, draft.next_order_id(OrderPurpose.ENTRY)), quantity=slices[0])
    working, can = position.stop.working, draft.situation.capabilities
    if can.attach_stop_to_entry and (working is None or (working.quantity is not None and can.two_stops)):
        # A stop that works for a quantity does not cover what is added: that has its own until the one is resized.
        spec = replace(
            spec,
            attached_stop_price=position.initial_stop_price if working is None else working.trigger_price,
            attached_stop_id=draft.next_order_id(OrderPurpose.STOP),
        )
    life = draft.situation.policies.orders.entry_life_ms
    rule, text = _why_entered(position)
    intent = draft.intend(
        IntentAction.PLACE, spec, rule=rule, text=text, protective=False, expires_ms=draft.now_ms + life
    )
    draft.position = replace(
        draft.position, entry_intent_id=intent.intent_id, entry_order_id=spec.client_order_id, entry_done=False
    )
    if spec.attached_stop_id is not None and draft.position.stop.phase is StopPhase.ABSENT:
        draft.pass_stop_to(StopEvent.PLACE_SENT)
    if spec.attached_stop_id is not None and working is None:
        draft.change_stop(
            next=StopOrder(
                client_order_id=spec.attached_stop_id,
                trigger_price=draft.position.initial_stop_price,
                quantity=None if draft.situation.capabilities.whole_position_stop else spec.quantity,
                attached=True,
            )
        )


def _why_entered(position: PositionState) -> tuple[Rule, str]:
    addition = position.ladder.under_way
    if addition is not None and position.opened_quantity == addition.from_quantity:
        return Rule.ADDITION, f"{addition.number}, {addition.coefficient} times the base size, {addition.signal_id}"
    if position.opened_quantity > 0:
        return Rule.NEXT_SLICE, f"{position.opened_quantity} of {position.wanted_quantity} are open and covered"
    if position.entry_order_id is not None and position.entry_limit_price is None:
        return Rule.ENTRY_AT_MARKET, "nothing of the limit entry filled"
    return Rule.SIGNAL, position.signal_id


def _end_if_flat(draft: Draft) -> None:
    position = draft.position
    if draft.ended or position.quantity > 0 or position.opened_quantity == 0 or draft.exposed > 0:
        return
    if not position.entry_done:
        if position.entry_order_id is not None and position.entry_intent_id not in draft.open_intents:
            draft.leave(entry_spec(draft, position.entry_order_id), "nothing is open any more")
        draft.position = replace(draft.position, entry_done=True)
    reason = draft.position.close_reason or CloseReason.OUTSIDE
    draft.position = replace(draft.position, closed_ms=draft.now_ms, close_reason=reason)
    if draft.position.phase is PositionPhase.ACTIVE:
        draft.pass_to(PositionEvent.CLOSE_DECIDED)
    position = draft.position
    draft.record(
        "position_closed" if position.phase is PositionPhase.CLOSING else "rolled_back",
        f"{position.side} {position.opened_quantity} closed at {position.exit_price}: {reason}, "
        f"gross {position.realized_pnl}, commission {position.commission}",
        reason=reason,
        realized_pnl=position.realized_pnl,
        commission=position.commission,
        funding=position.funding,
    )
    _release_orders(draft)


def _release_orders(draft: Draft) -> None:
    """Everything of the position that may still rest at the venue is to go, and is proven gone by a reading."""
    stop = draft.position.stop
    for order in (stop.working, stop.next):
        if order is not None and not _follows_position(draft, order):
            draft.leave(stop_spec(draft, order), "the position is over")
    for take_profit in draft.position.take_profits:
        if take_profit.client_order_id is not None and take_profit.phase in {
            TakeProfitPhase.WORKING,
            TakeProfitPhase.PLACING,
        }:
            draft.leave(draft.take_profit_spec(take_profit), "the position is over")
    withdraw_exit(draft, "the position is over")
    if stop.phase is not StopPhase.ABSENT:
        draft.pass_stop_to(StopEvent.POSITION_GONE)
    draft.change_stop(working=None, next=None, intent_id=None, unprotected_since_ms=None)
    draft.changed_ms = draft.now_ms
    draft.reads_account = True


def _follows_position(draft: Draft, order: StopOrder) -> bool:
    """A whole-position stop goes with its position; the reading after the end looks whether it did."""
    return order.quantity is None and draft.situation.capabilities.whole_position_stop


def _plan_leftovers(draft: Draft) -> None:
    for leftover in draft.position.leftovers:
        if leftover.intent_id is not None or _still_protects(draft, leftover):
            continue
        if draft.now_ms < leftover.not_before_ms:
            draft.wake_at(leftover.not_before_ms)
        else:
            _cancel_leftover(draft, leftover)


def _still_protects(draft: Draft, leftover: Leftover) -> bool:
    """A stop that is to go stays until another one works, unless it is what keeps that one from being placed.

    It stays as well while an order at market makes the position larger, and until the one that works covers all of it:
    what fills before is under it. After the end it stays while an entry of the position may fill, or has filled untold.
    """
    position, stop = draft.position, draft.position.stop
    if leftover.order.kind is not OrderKind.STOP_MARKET:
        return False
    if draft.ended and draft.situation.capabilities.attach_stop_to_entry:
        return draft.awaits_fills or any(item.order.purpose is OrderPurpose.ENTRY for item in position.leftovers)
    if draft.exposed == 0 or draft.ended:
        return False
    grows = not position.entry_done and position.entry_limit_price is None
    if stop.working is None:
        # Where there may be two, one for a quantity is not in the way, however often ours is refused.
        is_beside = draft.situation.capabilities.two_stops and leftover.order.quantity is not None
        return grows or stop.attempts == 0 or is_beside
    # One that is being made smaller may be so at the venue by now.
    return grows or not all(draft.covers(each.quantity) for each in (stop.working, stop.next) if each is not None)


def _cancel_leftover(draft: Draft, leftover: Leftover) -> None:
    if any(intent.order.client_order_id == leftover.order.client_order_id for intent in draft.open_intents.values()):
        return
    intent = draft.intend(IntentAction.CANCEL, leftover.order, rule=Rule.LEFT_OVER, text=leftover.why, protective=False)
    draft.change_leftover(leftover, intent_id=intent.intent_id)


def _plan_readings(draft: Draft) -> None:
    policy = draft.situation.policies.orders
    if (draft.exposed != draft.position.quantity or draft.awaits_fills) and not draft.open_intents:
        if draft.now_ms >= draft.changed_ms + policy.settle_ms:
            draft.reads_fills = True
        else:
            draft.wake_at(draft.changed_ms + policy.settle_ms)
    if draft.ended:
        if draft.now_ms <= draft.changed_ms:
            draft.wake_at(draft.now_ms + 1)
        elif draft.open_intents and draft.now_ms < draft.account_read_ms + REREAD_MS:
            draft.wake_at(draft.account_read_ms + REREAD_MS)
        elif draft.open_intents or draft.account_read_ms <= draft.changed_ms:
            draft.reads_account = True
        return
    due = max(draft.compared_ms + policy.verify_every_ms, draft.account_read_ms + REREAD_MS)
    if draft.exposed == 0:
        due = _entry_looked_for_ms(draft)
    due = max(due, draft.changed_ms + 1)  # asked for at the moment of a change it would prove nothing
    if draft.now_ms >= due:
        draft.reads_account = True
    draft.wake_at(due if draft.now_ms < due else draft.now_ms + REREAD_MS)


def _entry_looked_for_ms(draft: Draft) -> int:
    """When an accepted entry of which nothing more was heard is looked for; a limit may rest its time."""
    position, policy = draft.position, draft.situation.policies.orders
    resting_until_ms = 0
    if position.entry_limit_price is not None:
        resting_until_ms = position.opened_ms + policy.entry_limit_timeout_ms
    if position.entry_intent_id in draft.open_intents:
        return draft.now_ms + REREAD_MS
    return max(draft.changed_ms, draft.account_read_ms, resting_until_ms) + REREAD_MS


def _finish(draft: Draft) -> None:
    """An ended position is over when a reading taken after its end shows that nothing of it rests at the venue."""
    unsettled = draft.position.leftovers or draft.open_intents or draft.unknown
    if not draft.ended or unsettled or draft.account_read_ms <= draft.changed_ms:
        return
    opened = draft.position.phase not in {PositionPhase.PENDING_ENTRY, PositionPhase.ENTRY_PLACED}
    draft.pass_to(PositionEvent.POSITION_GONE if opened else PositionEvent.ENTRY_FAILED)
