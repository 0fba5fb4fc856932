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
from messages.state import CloseReason, IntentAction, PositionPhase, TakeProfitPhase, TakeProfitState
from messages.values import ZERO, ClientOrderId, IntentId, OrderKind, OrderPurpose, Price, Side
from rules.position_case import Draft
from rules.position_lifecycle import PositionEvent
from rules.rounding import percent_of, round_stop
from rules.sizing import split_quantity
from rules.take_profits import plan_take_profits, with_least_value

LIMIT_CLOSE_LIFE_MS: Final = 1_000
MAX_TAKE_PROFIT_ATTEMPTS: Final = 5


def decide_close(draft: Draft, reason: CloseReason, text: str, severity: Severity = Severity.WARNING) -> None:
    """Decide that the position is to be closed; the stop stays until nothing is open any more."""
    if draft.position.close_reason is None and not draft.ended:
        draft.position = replace(draft.position, close_reason=reason, close_attempts=0, close_not_before_ms=0)
        draft.record("close_decided", f"{reason}: {text}", severity, reason=reason)


def plan_close(draft: Draft) -> None:
    """Pursue a close that was decided, one order at a time, until nothing is open."""
    position = draft.position
    if position.close_reason is None or draft.ended or draft.exposed == 0:
        return
    if position.phase is PositionPhase.ACTIVE:
        draft.pass_to(PositionEvent.CLOSE_DECIDED)
    if position.close_order_id is not None:
        _limit_close_life(draft)
        return
    if position.stop.working is not None and not draft.situation.instrument.trading:
        # It would be refused again and again; the stop stands, and the end of the suspension is told (F21).
        return
    if draft.now_ms < position.close_not_before_ms:
        draft.wake_at(position.close_not_before_ms)
        return
    slices = split_quantity(quantity=draft.exposed, instrument=draft.situation.instrument, market=True)
    limit_price = _close_price(draft) if position.close_attempts % 2 else None
    spec = OrderSpec(
        client_order_id=draft.next_order_id(OrderPurpose.CLOSE),
        symbol=draft.symbol,
        side=draft.exit_side,
        kind=OrderKind.MARKET if limit_price is None else OrderKind.LIMIT,
        purpose=OrderPurpose.CLOSE,
        quantity=slices[0] if slices else draft.exposed,
        price=limit_price,
        reduce_only=True,
        hedge_side=position.key.hedge_side,
    )
    rule = Rule.CLOSE_AT_MARKET if limit_price is None else Rule.CLOSE_INSIDE_BAND
    text = f"{position.close_reason}, try {position.close_attempts + 1}"
    draft.intend(IntentAction.PLACE, spec, rule=rule, text=text, protective=True)
    draft.position = replace(draft.position, close_order_id=spec.client_order_id)


def _close_price(draft: Draft) -> Price | None:
    """A limit close crosses the spread by no more than venues' price bands allow."""
    mark = draft.situation.mark
    if mark is None:
        return None
    distance = percent_of(mark, draft.situation.policies.orders.close_band_percent)
    price = mark - distance if draft.position.side is Side.LONG else mark + distance
    return round_stop(price, tick=draft.situation.instrument.price_tick, side=draft.position.side)


def _limit_close_life(draft: Draft) -> None:
    """A close that rests as a limit order is cancelled after a moment, so that the next try can follow."""
    position = draft.position
    order_id = position.close_order_id
    if order_id is None or IntentId(order_id) in draft.open_intents:
        return
    due = draft.changed_ms + LIMIT_CLOSE_LIFE_MS
    if draft.now_ms < due:
        draft.wake_at(due)
        return
    if any(intent.order.client_order_id == order_id for intent in draft.open_intents.values()):
        return
    draft.intend(
        IntentAction.CANCEL,
        close_spec(draft, order_id),
        rule=Rule.CLOSE_TIMED_OUT,
        text=f"a limit close may rest {LIMIT_CLOSE_LIFE_MS} ms",
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
    if position.close_reason is not None or not _replanned(draft):
        return
    for take_profit in draft.position.take_profits:
        if take_profit.phase is TakeProfitPhase.PLANNED and take_profit.intent_id is None:
            _place_take_profit(draft, take_profit)


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
    for item in live:
        if item.phase is TakeProfitPhase.WORKING:
            draft.leave(draft.take_profit_spec(item), "take profits are planned anew for the size that is open")
    prices = {item.level: item.trigger_price for item in position.take_profits}
    level_1_done = any(item.level == 1 and item.phase is TakeProfitPhase.FILLED for item in position.take_profits)
    plans = plan_take_profits(
        side=position.side,
        quantity=position.quantity,
        entry_price=position.entry_price,
        tp1=prices.get(2, prices.get(1)) if level_1_done else prices.get(1),
        tp2=prices.get(2),
        instrument=draft.situation.instrument,
        policy=with_least_value(draft.situation.policies.take_profits, position.least_close_usd),
        base_quantity=position.base_quantity,
    )
    if level_1_done:
        plans = plans[-1:]
        plans = tuple(replace(item, level=2, quantity=position.quantity) for item in plans)
    draft.position = replace(
        draft.position,
        take_profits=(
            *(item for item in position.take_profits if item.phase is TakeProfitPhase.FILLED and level_1_done),
            *(
                TakeProfitState(level=item.level, trigger_price=item.trigger_price, quantity=item.quantity)
                for item in plans
            ),
        ),
    )
    return True


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
