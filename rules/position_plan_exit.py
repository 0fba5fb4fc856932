"""What closing a position, and taking its profit, needs next.

Invariants:
1. A close is decided once, and pursued until nothing is open.
2. Take profits add up to what is open, and never more.
3. A take profit that is lost is placed again; losing one never touches the stop.
"""

from dataclasses import replace
from typing import Final

from messages.journal import Severity
from messages.orders import OrderSpec
from messages.reasons import Rule
from messages.state import AgedPhase, CloseReason, IntentAction, PositionPhase, TakeProfitPhase, TakeProfitState
from messages.values import ZERO, ClientOrderId, IntentId, OrderKind, OrderPurpose, Price, Side
from messages.venue import RejectReason
from rules.escalation import (
    LIMIT_LIFE_MS,
    OVERDUE_AGAIN_MS,
    OVERDUE_MS,
    attempts_after,
    close_price,
    close_quantity,
    rung_of,
    wait_ms,
)
from rules.position_draft import Draft
from rules.position_lifecycle import PositionEvent
from rules.take_profits import TakeProfitPolicy, plan_take_profits, with_least_value

MAX_TAKE_PROFIT_ATTEMPTS: Final = 5


def decide_close(draft: Draft, reason: CloseReason, text: str, severity: Severity = Severity.WARNING) -> None:
    """Decide that the position is to be closed; the stop stays until nothing is open any more."""
    if draft.position.close_reason is None and not draft.ended:
        draft.position = replace(
            draft.position,
            close_reason=reason,
            close_attempts=0,
            close_not_before_ms=0,
            close_overdue_ms=draft.now_ms + OVERDUE_MS,
        )
        draft.record("close_decided", f"{reason}: {text}", severity, reason=reason)


def plan_close(draft: Draft) -> None:
    """Pursue a close that was decided, one order at a time, until nothing is open."""
    position = draft.position
    if position.close_reason is None or draft.ended or draft.exposed == 0:
        return
    if position.phase is PositionPhase.ACTIVE:
        draft.pass_to(PositionEvent.CLOSE_DECIDED)
    is_suspended = position.stop.working is not None and not draft.situation.instrument.trading
    if not is_suspended:
        _tell_what_is_overdue(draft)
    if position.close_order_id is not None:
        _limit_close_life(draft)
        return
    if is_suspended:
        # It would be refused again and again; the stop stands, and the end of the suspension is told (F21).
        return
    if draft.now_ms < position.close_not_before_ms:
        draft.wake_at(position.close_not_before_ms)
        return
    rung = rung_of(position.close_attempts)
    limit_price = close_price(
        rung=rung,
        side=position.side,
        price=draft.no_better(draft.situation.mark),
        band_percent=draft.situation.policies.orders.close_band_percent,
        tick=draft.situation.instrument.price_tick,
    )
    spec = OrderSpec(
        client_order_id=draft.next_order_id(OrderPurpose.CLOSE),
        symbol=draft.symbol,
        side=draft.exit_side,
        kind=OrderKind.MARKET if limit_price is None else OrderKind.LIMIT,
        purpose=OrderPurpose.CLOSE,
        quantity=close_quantity(
            attempts=position.close_attempts,
            exposed=draft.exposed,
            opened=position.opened_quantity,
            instrument=draft.situation.instrument,
        ),
        price=limit_price,
        reduce_only=True,
        hedge_side=position.key.hedge_side,
    )
    text = f"{position.close_reason}, try {position.close_attempts + 1}"
    draft.intend(IntentAction.PLACE, spec, rule=rung.rule, text=text, protective=True)
    draft.position = replace(draft.position, close_order_id=spec.client_order_id)


def close_failed(draft: Draft, reason: RejectReason | None) -> int:
    """The close that was sent did not close: the next rung follows; tells which try this was.

    Without a ``reason`` it was taken, and ended before it had filled.
    """
    before = draft.position.close_attempts
    attempts = before + 1 if reason is None else attempts_after(before, reason)
    rested = reason is None and rung_of(before).bands is not None
    wait = 0 if rested else wait_ms(attempts, reason)
    draft.position = replace(
        draft.position, close_order_id=None, close_attempts=attempts, close_not_before_ms=draft.now_ms + wait
    )
    return attempts


def _tell_what_is_overdue(draft: Draft) -> None:
    """Nothing is given up, but a person must know of what does not succeed."""
    position = draft.position
    if draft.now_ms < position.close_overdue_ms:
        draft.wake_at(position.close_overdue_ms)
        return
    working = position.stop.working
    draft.record(
        "close_overdue",
        f"{position.side} {draft.exposed} is still open after {position.close_attempts} tries to close it "
        f"({position.close_reason}); "
        + (f"its stop at {working.trigger_price} works" if working is not None else "NO STOP IS WORKING")
        + "; it goes on being tried: close it by hand at the venue if it must be closed now",
        Severity.CRITICAL,
    )
    draft.position = replace(position, close_overdue_ms=draft.now_ms + OVERDUE_AGAIN_MS)
    draft.wake_at(draft.position.close_overdue_ms)


def _limit_close_life(draft: Draft) -> None:
    """A close that rests as a limit order is cancelled after a moment, so that the next try can follow."""
    position = draft.position
    order_id = position.close_order_id
    if order_id is None or IntentId(order_id) in draft.open_intents:
        return
    due = draft.changed_ms + LIMIT_LIFE_MS
    if draft.now_ms < due:
        draft.wake_at(due)
        return
    if any(intent.order.client_order_id == order_id for intent in draft.open_intents.values()):
        return
    draft.intend(
        IntentAction.CANCEL,
        close_spec(draft, order_id),
        rule=Rule.CLOSE_TIMED_OUT,
        text=f"a limit close may rest {LIMIT_LIFE_MS} ms",
        protective=True,
    )


def close_spec(draft: Draft, order_id: ClientOrderId) -> OrderSpec:
    """What identifies a close that may rest."""
    return OrderSpec(
        client_order_id=order_id,
        symbol=draft.symbol,
        side=draft.exit_side,
        kind=OrderKind.LIMIT,
        purpose=OrderPurpose.CLOSE,
        quantity=draft.exposed,
        reduce_only=True,
        hedge_side=draft.position.key.hedge_side,
    )


_LIVE: Final = frozenset({TakeProfitPhase.PLANNED, TakeProfitPhase.PLACING, TakeProfitPhase.WORKING})


def pursue_take_profits(draft: Draft) -> None:
    """Place what take profits are missing, planned anew where they do not add up to the position."""
    position = draft.position
    if position.phase is not PositionPhase.ACTIVE or not position.entry_done or draft.exposed != position.quantity:
        return
    if position.close_reason is not None or gives_way_to_exit(draft) or not _replanned(draft):
        return
    for take_profit in draft.position.take_profits:
        if take_profit.phase is TakeProfitPhase.PLANNED and take_profit.intent_id is None:
            _place_take_profit(draft, take_profit)


def gives_way_to_exit(draft: Draft) -> bool:
    """An old position has its exit in place of take profits, also until that is proven gone (S11)."""
    aged = draft.position.aged
    rests = any(item.order.purpose is OrderPurpose.AGED for item in draft.position.leftovers)
    return aged.phase is not AgedPhase.YOUNG or aged.exit is not None or rests


def _replanned(draft: Draft) -> bool:
    """Whether the take profits fit the position's size, after planning them anew where they did not."""
    position = draft.position
    live = [item for item in position.take_profits if item.phase in _LIVE]
    if sum((item.quantity - item.filled_quantity for item in live), start=ZERO) == position.quantity:
        return True
    if any(item.phase is TakeProfitPhase.SKIPPED for item in position.take_profits):
        return True
    if any(item.intent_id is not None for item in live):
        return False
    leave_take_profits(draft, "take profits are planned anew for the size that is open")
    prices = {item.level: item.trigger_price for item in position.take_profits}
    level_1_done = any(item.level == 1 and item.phase is TakeProfitPhase.FILLED for item in position.take_profits)
    planned = planned_take_profits(
        draft,
        tp1=prices.get(2, prices.get(1)) if level_1_done else prices.get(1),
        tp2=prices.get(2),
        policy=draft.situation.policies.take_profits,
    )
    if level_1_done:
        filled = tuple(item for item in position.take_profits if item.phase is TakeProfitPhase.FILLED)
        planned = (*filled, *(replace(item, level=2, quantity=position.quantity) for item in planned[-1:]))
    draft.position = replace(draft.position, take_profits=planned)
    return True


def leave_take_profits(draft: Draft, why: str) -> None:
    """Mark those that rest for cancelling."""
    for item in draft.position.take_profits:
        if item.phase is TakeProfitPhase.WORKING:
            draft.leave(draft.take_profit_spec(item), why)


def planned_take_profits(
    draft: Draft, *, tp1: Price | None, tp2: Price | None, policy: TakeProfitPolicy
) -> tuple[TakeProfitState, ...]:
    """Take profits for what is open, not placed yet; ``tp1`` and ``tp2`` as for :func:`plan_take_profits`."""
    position = draft.position
    plans = plan_take_profits(
        side=position.side,
        quantity=position.quantity,
        entry_price=position.entry_price,
        tp1=tp1,
        tp2=tp2,
        instrument=draft.situation.instrument,
        policy=with_least_value(policy, position.least_close_usd),
        base_quantity=position.base_quantity,
    )
    return tuple(
        TakeProfitState(level=item.level, trigger_price=item.trigger_price, quantity=item.quantity) for item in plans
    )


def _place_take_profit(draft: Draft, take_profit: TakeProfitState) -> None:
    if draft.now_ms < take_profit.not_before_ms:
        draft.wake_at(take_profit.not_before_ms)
        return
    if take_profit.attempts >= MAX_TAKE_PROFIT_ATTEMPTS:
        draft.change_take_profit(take_profit.level, phase=TakeProfitPhase.SKIPPED)
        draft.record(
            "take_profit_skipped", f"TP{take_profit.level} could not be placed; trailing stays", Severity.WARNING
        )
        return
    spec = draft.take_profit_spec(take_profit)
    mark = draft.situation.watched
    passed = mark is not None and (
        mark >= take_profit.trigger_price if draft.position.side is Side.LONG else mark <= take_profit.trigger_price
    )
    if passed:
        spec = replace(spec, kind=OrderKind.MARKET, trigger_price=None)
    if not draft.position.signal_id:
        draft.record("auto_plan_tp", f"TP{take_profit.level} at {take_profit.trigger_price} of {take_profit.quantity}")
    intent = draft.intend(
        IntentAction.PLACE,
        spec,
        rule=Rule.TAKE_PROFIT_PASSED if passed else Rule.TAKE_PROFIT,
        text=f"TP{take_profit.level}"
        + (f": the price {mark} has passed {take_profit.trigger_price}" if passed else ""),
        protective=False,
    )
    draft.change_take_profit(
        take_profit.level,
        phase=TakeProfitPhase.PLACING,
        client_order_id=spec.client_order_id,
        intent_id=intent.intent_id,
    )
