"""What an old position needs next: its exit, a reduce-only limit order beside the stop (S11).

The exit follows the schedule of ``aged.py`` at whole check intervals, counted from when the position became old: after
a restart the same one is wanted. It takes the place of our take profits, and is for all that is open but for what
orders of others take off, which stay: so that all of them never add up to more than the position. It is never amended:
what it should not be any more is cancelled, and the next one follows when that is proven gone.

Invariants:
1. No exit is sent while another one, or a take profit of ours, rests or may still rest.
2. No exit is sent where no stop works.
3. What an exit does never changes the stop.
4. No order of others is taken away for it.
"""

from dataclasses import replace
from typing import Final

from messages.journal import Severity
from messages.orders import OrderReport, OrderSpec, OrderStatus
from messages.reasons import Rule
from messages.state import (
    AgedPhase,
    AgedState,
    CloseReason,
    ExitOrder,
    IntentAction,
    PositionPhase,
    TakeProfitPhase,
)
from messages.values import ZERO, ClientOrderId, OrderKind, OrderPurpose, Price, Quantity
from rules.aged import AgedExit, ExitStep, RestingExit, aged_exit, next_exit_step
from rules.client_order_ids import is_ours
from rules.escalation import LADDER, close_price
from rules.exits_of_others import left_for_exit, taken_by_others
from rules.position_draft import Draft
from rules.position_plan_exit import decide_close
from rules.rounding import closer

_MS_AN_HOUR: Final = 3_600_000
RETRY_MS: Final = 5_000
RETRY_DOUBLINGS: Final = 7
"""Refused again and again it is tried every ten minutes: the stop stands meanwhile, and the maximum loss comes."""
_PROFITS: Final = frozenset({OrderPurpose.TAKE_PROFIT_1, OrderPurpose.TAKE_PROFIT_2})
_INSIDE_BAND: Final = next(rung for rung in LADDER if rung.bands is not None)


def plan_aged_exit(draft: Draft) -> None:
    """Take the next step towards the exit that a position of this age should have, or close it at the maximum."""
    position = draft.position
    if draft.ended or position.phase not in {PositionPhase.ACTIVE, PositionPhase.CLOSING}:
        return
    if position.close_reason is not None:
        withdraw_exit(draft, "the position is being closed")
        return
    wanted = _wanted(draft)
    _tell(draft, wanted)
    if wanted.phase is AgedPhase.EMERGENCY:
        decide_close(draft, CloseReason.AGED, f"old enough for the maximum loss of {wanted.tolerated_percent} %")
        withdraw_exit(draft, "the position is being closed")
    elif _may_act(draft) and (wanted.limit_price is not None or position.aged.exit is not None):
        _go_on(draft, wanted)


def _wanted(draft: Draft) -> AgedExit:
    """The exit by the last whole check; the maximum counts at once."""
    policy, opened_ms = draft.situation.policies.aged, draft.position.opened_ms
    old_from_ms = opened_ms + int(policy.max_age_hours * _MS_AN_HOUR) + 1
    if draft.now_ms < old_from_ms:
        draft.wake_at(old_from_ms)
        return _exit_at(draft, draft.now_ms)
    now = _exit_at(draft, draft.now_ms)
    if now.phase is AgedPhase.EMERGENCY:
        return now
    checked_ms = draft.now_ms - (draft.now_ms - old_from_ms) % policy.check_every_ms
    draft.wake_at(checked_ms + policy.check_every_ms)
    return _exit_at(draft, checked_ms)


def _exit_at(draft: Draft, at_ms: int) -> AgedExit:
    position = draft.position
    return aged_exit(
        side=position.side,
        entry_price=position.entry_price,
        opened_ms=position.opened_ms,
        now_ms=at_ms,
        commission_percent=draft.situation.policies.commission_percent,
        tick=draft.situation.instrument.price_tick,
        policy=draft.situation.policies.aged,
    )


def _tell(draft: Draft, wanted: AgedExit) -> None:
    before = draft.position.aged.phase
    if wanted.phase is before:
        return
    _change(draft, phase=wanted.phase)
    if wanted.phase is AgedPhase.YOUNG:
        _change(draft, covered=False)
        draft.record("position_not_aged", "by the settings it is not old any more: it has take profits again")
        return
    hours = (draft.now_ms - draft.position.opened_ms) // _MS_AN_HOUR
    where = "closed at market" if wanted.limit_price is None else f"let go at {wanted.limit_price}"
    draft.record(
        "position_aged",
        f"open for over {hours} h ({before} → {wanted.phase}): it is {where}, the stop stays",
        Severity.WARNING,
        phase=wanted.phase,
        tolerated_percent=wanted.tolerated_percent,
        price=wanted.limit_price,
    )


def _may_act(draft: Draft) -> bool:
    """An exit is for what is open, which has to be known, under a stop that works."""
    position = draft.position
    is_known = draft.exposed == position.quantity and not draft.awaits_fills and position.entry_done
    return is_known and draft.exposed > ZERO and position.stop.working is not None


def _go_on(draft: Draft, wanted: AgedExit) -> None:
    left = left_for_exit(draft)
    _tell_when_nothing_is_left(draft, left)
    step = next_exit_step(resting=_resting(draft), wanted_price=wanted.limit_price, quantity=left, can_amend=False)
    if step is ExitStep.CANCEL:
        withdraw_exit(draft, f"the exit of {left} is to be at {wanted.limit_price}")
    elif step is ExitStep.PLACE and wanted.limit_price is not None:
        _place(draft, left, wanted, wanted.limit_price)


def _tell_when_nothing_is_left(draft: Draft, left: Quantity) -> None:
    covered = left <= ZERO
    if covered is draft.position.aged.covered:
        return
    _change(draft, covered=covered)
    if covered:
        draft.record(
            "aged_exit_covered",
            f"nothing is left for an exit: orders of others take off {taken_by_others(draft)} of "
            f"{draft.position.quantity}, and stay; the stop stays, and at the maximum loss it is closed at market",
            Severity.WARNING,
            others=", ".join(name for name, _ in draft.position.aged.others),
        )


def _resting(draft: Draft) -> list[RestingExit]:
    """The exits that are not proven gone. One that is being cancelled, or of which nothing is known, is waited for."""
    found, known = draft.position.aged.exit, set[ClientOrderId]()
    resting = []
    if found is not None:
        settled = all(intent.order.client_order_id != found.client_order_id for intent in draft.open_intents.values())
        resting.append(RestingExit(price=found.price, quantity=_open_of(draft, found), settled=settled))
        known.add(found.client_order_id)
    others = [leftover.order for leftover in draft.position.leftovers]
    others += [intent.order for intent in (*draft.unknown.values(), *draft.open_intents.values())]
    for order in others:
        if order.purpose is OrderPurpose.AGED and order.client_order_id not in known:
            known.add(order.client_order_id)
            resting.append(RestingExit(price=order.price or ZERO, quantity=order.quantity or ZERO, settled=False))
    return resting


def _open_of(draft: Draft, found: ExitOrder) -> Quantity:
    return found.quantity - dict(draft.position.order_fills).get(found.client_order_id, ZERO)


def _place(draft: Draft, quantity: Quantity, wanted: AgedExit, price: Price) -> None:
    aged = draft.position.aged
    if not _profits_are_gone(draft) or not draft.situation.instrument.trading:
        return
    if draft.now_ms < aged.not_before_ms:
        draft.wake_at(aged.not_before_ms)
        return
    found = ExitOrder(client_order_id=draft.next_order_id(OrderPurpose.AGED), price=price, quantity=quantity)
    spec = exit_spec(draft, found)
    if aged.attempts:
        spec = replace(spec, price=_inside_band(draft, price))
    draft.intend(
        IntentAction.PLACE,
        spec,
        rule=Rule.AGED_EXIT,
        text=f"{wanted.phase}: a loss of {wanted.tolerated_percent:.4f} % is put up with",
        protective=False,
    )
    _change(draft, exit=found)
    others = taken_by_others(draft)
    beside = f", {others} is left to orders of others" if others else ""
    draft.record(
        "aged_exit", f"{wanted.phase}: {found.quantity} is to be let go at {spec.price}{beside}", price=spec.price
    )


def _inside_band(draft: Draft, price: Price) -> Price:
    """Where the market is much better than the schedule, a venue may refuse so low a price; it fills all the same."""
    inside = close_price(
        rung=_INSIDE_BAND,
        side=draft.position.side,
        price=draft.situation.mark,
        band_percent=draft.situation.policies.orders.close_band_percent,
        tick=draft.situation.instrument.price_tick,
    )
    return price if inside is None else closer(draft.position.side, price, inside)


def _profits_are_gone(draft: Draft) -> bool:
    """Ours make room: their levels are kept on record, their orders are cancelled and proven gone. Others' stay."""
    for item in draft.position.take_profits:
        if item.intent_id is not None:
            return False
        if item.client_order_id is not None and not is_ours(item.client_order_id):
            continue
        if item.phase in {TakeProfitPhase.WORKING, TakeProfitPhase.PLACING}:
            draft.leave(draft.take_profit_spec(item), "the exit of the old position takes its place")
            draft.change_take_profit(
                item.level,
                phase=TakeProfitPhase.PLANNED,
                quantity=item.quantity - item.filled_quantity,
                filled_quantity=ZERO,
                client_order_id=None,
                venue_order_id=None,
            )
    return all(leftover.order.purpose not in _PROFITS for leftover in draft.position.leftovers)


def exit_spec(draft: Draft, found: ExitOrder) -> OrderSpec:
    """The exit as an order: what is sent, and what identifies it."""
    return OrderSpec(
        client_order_id=found.client_order_id,
        symbol=draft.symbol,
        side=draft.exit_side,
        kind=OrderKind.LIMIT,
        purpose=OrderPurpose.AGED,
        quantity=found.quantity,
        price=found.price,
        reduce_only=True,
        hedge_side=draft.position.key.hedge_side,
        venue_order_id=found.venue_order_id,
    )


def withdraw_exit(draft: Draft, why: str) -> None:
    """The exit, if there is one, is to be cancelled and proven gone; one on its way waits for its answer first."""
    found = draft.position.aged.exit
    if found is not None:
        draft.leave(exit_spec(draft, found), why)
        _change(draft, exit=None)


# --- what is heard of it ----------------------------------------------------------------------------------------------


def is_exit(draft: Draft, client_order_id: ClientOrderId | None) -> bool:
    """Whether this is the order at which the position is let go."""
    found = draft.position.aged.exit
    return found is not None and found.client_order_id == client_order_id


def take_exit(draft: Draft, report: OrderReport) -> None:
    """Take over what ``report`` says of the exit."""
    found = draft.position.aged.exit
    if found is None:
        return
    if report.status is OrderStatus.WORKING:
        if found.venue_order_id is None:
            draft.changed_ms = draft.now_ms
        _change(draft, exit=replace(found, venue_order_id=report.venue_order_id), attempts=0)
        return
    draft.changed_ms = draft.now_ms
    _change(draft, exit=None, not_before_ms=draft.now_ms + RETRY_MS)
    if report.status is not OrderStatus.FILLED and not draft.ended and draft.exposed > ZERO:
        draft.record("aged_exit_lost", f"the exit at {found.price} was {report.status} from outside", Severity.WARNING)


def exit_refused(draft: Draft, order: OrderSpec, text: str, *, unknown: bool) -> None:
    """The exit did not come about; of one of which nothing is known it is made sure that it does not rest."""
    aged = draft.position.aged
    if not is_exit(draft, order.client_order_id):
        draft.doubt()
        return
    if unknown:
        draft.leave(order, "nothing is known of it")
    wait_ms = RETRY_MS << min(aged.attempts, RETRY_DOUBLINGS)
    _change(draft, exit=None, attempts=aged.attempts + 1, not_before_ms=draft.now_ms + wait_ms)
    draft.record("aged_exit_refused", f"try {aged.attempts + 1}: {text}; the stop stays", Severity.WARNING)
    draft.reads_account = True


def exit_gone(draft: Draft) -> None:
    """The venue does not know the exit any more: it was cancelled, or it filled, which only the fills can tell."""
    if draft.fills_read_ms <= draft.changed_ms:
        draft.reads_fills = True
        return
    draft.changed_ms = draft.now_ms
    _change(draft, exit=None)
    draft.record("aged_exit_lost", "the venue does not know the exit any more", Severity.WARNING)


def _change(draft: Draft, **changes: object) -> None:
    aged: AgedState = replace(draft.position.aged, **changes)  # type: ignore[arg-type] # replace checks the names
    draft.position = replace(draft.position, aged=aged)
