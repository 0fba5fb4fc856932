"""An addition to an open position (S10): whether it is sent, and what is planned anew when it has filled.

It is an entry like the first one, at market, under the stop that works already. As soon as something of it fills the
stop covers the new size; when it is over, stop, take profits and trailing follow from the new average entry.

Invariants:
1. Nothing is added but to an active position with a confirmed stop.
2. At most one addition is under way, and counts once.
3. The stop never moves away, nor past the price.
4. After an addition the take profits add up to the new size.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Final

from messages.journal import ScalingEntry, Severity
from messages.orders import FillReport
from messages.positions import OpenPosition
from messages.state import AdditionState, AgedPhase, PositionPhase, RiskLevel, TakeProfitPhase, TrailingPhase
from messages.values import ZERO, OrderPurpose, Price
from rules.client_order_ids import parse_client_order_id
from rules.ladder import (
    AdditionRefusal,
    AdditionRefused,
    LadderPosition,
    base_value,
    ladder_addition,
)
from rules.position_draft import Draft
from rules.position_plan_exit import leave_take_profits, planned_take_profits
from rules.rounding import closer, notional
from rules.sizing import SizeRefused, SizingPolicy, order_quantity
from rules.stop_choice import scaled_stops, wanted_stop, would_trigger
from rules.take_profits import scaled_take_profits
from rules.trailing import start_trailing

_TOO_RISKY: Final = frozenset({RiskLevel.CRITICAL, RiskLevel.EMERGENCY})
_TRAILS: Final = frozenset({TrailingPhase.WAITING, TrailingPhase.BREAKEVEN, TrailingPhase.ACTIVE})


def begin_addition(draft: Draft, command: OpenPosition, *, sizing: SizingPolicy) -> AdditionRefused | None:
    """Take ``command`` as an addition, whose orders are then to be entered; or say why not, with nothing changed."""
    ladder, price = command.ladder, draft.situation.last
    why = _not_now(draft)
    if ladder is None or price is None or why:
        return AdditionRefused(reason=AdditionRefusal.NOT_NOW, text=why or "no price is known")
    signal, instrument, position = command.signal, draft.situation.instrument, draft.position
    base_usd = base_value(position, contract_size=instrument.contract_size)
    value = notional(quantity=draft.exposed, price=price, contract_size=instrument.contract_size)
    addition = ladder_addition(
        position=LadderPosition(
            side=position.side,
            entry_price=position.entry_price,
            value_usd=value,
            base_usd=base_usd,
            additions=position.ladder.additions,
            last_added_ms=position.ladder.last_added_ms or position.opened_ms,
            margin_usd=value / position.leverage,
            leverage=Decimal(position.leverage),
        ),
        signal_side=signal.side,
        signal_price=signal.entry_price,
        price=price,
        available_usd=ladder.available_usd,
        profile=ladder.profile,
        regime=ladder.regime,
        now_ms=draft.now_ms,
        policy=draft.situation.policies.ladder,
    )
    if isinstance(addition, AdditionRefused):
        return addition
    if addition.size_usd > command.size_usd:
        text = f"{addition.size_usd} are wanted, {command.size_usd} were reserved"
        return AdditionRefused(reason=AdditionRefusal.NOT_NOW, text=text)
    quantity = order_quantity(size_usd=addition.size_usd, price=price, instrument=instrument, policy=sizing)
    if isinstance(quantity, SizeRefused):
        return AdditionRefused(reason=AdditionRefusal.SIZE, text=quantity.reason)
    if not draft.coverable(draft.exposed + quantity):
        text = f"no single stop can be for {draft.exposed + quantity}, more than {instrument.max_quantity}"
        return AdditionRefused(reason=AdditionRefusal.SIZE, text=text)
    under_way = AdditionState(
        number=addition.number,
        signal_id=signal.signal_id,
        coefficient=addition.coefficient,
        from_quantity=position.opened_quantity,
        distance_factor=command.distance_factor,
        stop_price=signal.stop_price,
        take_profit_1=signal.take_profit_1,
        take_profit_2=signal.take_profit_2,
    )
    draft.position = replace(
        position,
        wanted_quantity=position.opened_quantity + quantity,
        entry_done=False,
        entry_limit_price=None,
        reservation_id=command.reservation_id,
        least_close_usd=command.least_close_usd or position.least_close_usd,
        ladder=replace(position.ladder, base_usd=base_usd, under_way=under_way),
    )
    draft.record(
        "position_adding",
        f"addition {addition.number}: {position.side} {quantity} near {price} to {draft.exposed} at "
        f"{position.entry_price}; {base_usd} times {addition.coefficient} ({ladder.profile}, {ladder.regime})",
        number=addition.number,
        coefficient=addition.coefficient,
        profile=ladder.profile,
        regime=ladder.regime,
    )
    return None


def _not_now(draft: Draft) -> str:
    """Why nothing can be added at this moment; empty when something can."""
    position = draft.position
    if draft.recovering_since_ms or draft.exposed != position.quantity or draft.awaits_fills:
        return "how much of the position is open is being read from the venue"
    if position.close_reason is not None:
        return f"the position is being closed: {position.close_reason}"
    if position.ladder.under_way is not None or not position.entry_done:
        return "something is being added to the position already"
    if position.phase is not PositionPhase.ACTIVE:
        return f"the position is not active yet: {position.phase}"
    if position.stop.working is None or position.stop.unprotected_since_ms is not None:
        return "the position's stop is not confirmed"
    mark = draft.watched
    if mark is not None and would_trigger(
        side=position.side, stop_price=position.stop.working.trigger_price, mark=mark
    ):
        return f"the price {mark} is at the position's stop"
    if position.aged.phase is not AgedPhase.YOUNG or position.aged.exit is not None:
        return f"the position is being let go for its age: {position.aged.phase}"
    if position.risk_level in _TOO_RISKY:
        return f"the guard finds the position's risk {position.risk_level}"
    return ""


def note_added(draft: Draft, fill: FillReport) -> None:
    """Count an opening fill for the addition under way; one from outside is none of it."""
    ladder, identity = draft.position.ladder, parse_client_order_id(fill.client_order_id or "")
    if ladder.under_way is None or identity is None or identity.purpose is not OrderPurpose.ENTRY:
        return
    under_way = replace(
        ladder.under_way,
        filled_quantity=ladder.under_way.filled_quantity + fill.quantity,
        filled_value=ladder.under_way.filled_value + fill.quantity * fill.price,
    )
    draft.position = replace(draft.position, ladder=replace(ladder, under_way=under_way))


def finish_addition(draft: Draft) -> None:
    """When nothing more of it can fill: put it on record, and plan everything anew from the average entry."""
    position, addition = draft.position, draft.position.ladder.under_way
    if addition is None or not position.entry_done or draft.awaits_fills or draft.exposed != position.quantity:
        return
    if any(item.intent_id is not None for item in position.take_profits):
        return
    ladder = replace(position.ladder, under_way=None)
    draft.position = replace(position, wanted_quantity=position.opened_quantity, ladder=ladder)
    if addition.filled_quantity == ZERO:
        draft.record("addition_failed", f"nothing of addition {addition.number} filled", Severity.WARNING)
        return
    price = addition.filled_value / addition.filled_quantity
    draft.position = replace(
        draft.position, ladder=replace(ladder, additions=ladder.additions + 1, last_added_ms=draft.now_ms)
    )
    draft.scaling.append(
        ScalingEntry(
            position_id=position.position_id,
            number=addition.number,
            at_ms=draft.now_ms,
            side=position.side,
            quantity=addition.filled_quantity,
            price=price,
            coefficient=str(addition.coefficient),
            reason=f"signal {addition.signal_id}",
        )
    )
    draft.record(
        "position_added",
        f"addition {addition.number}: {addition.filled_quantity} at {price}; {position.quantity} are open, "
        f"{position.entry_price} on average",
        number=addition.number,
        quantity=addition.filled_quantity,
        price=price,
        entry_price=position.entry_price,
    )
    if position.close_reason is None and not draft.ended and position.quantity > ZERO:
        _plan_anew(draft, addition)


def _plan_anew(draft: Draft, addition: AdditionState) -> None:
    """Stop, take profits and trailing from the new average; what the stop has reached already it keeps."""
    position, policies = draft.position, draft.situation.policies
    draft.position = replace(position, initial_stop_price=_stop_from(draft, addition), breakeven_done=False)
    if not any(item.phase is TakeProfitPhase.SKIPPED for item in position.take_profits):
        leave_take_profits(draft, "take profits are planned anew after an addition")
        profits = scaled_take_profits(policies.take_profits, addition.distance_factor)
        draft.position = replace(
            draft.position,
            take_profits=planned_take_profits(
                draft, tp1=addition.take_profit_1, tp2=addition.take_profit_2, policy=profits
            ),
        )
    if draft.trailing.phase in _TRAILS:
        draft.trailing = replace(
            start_trailing(
                position_id=position.position_id,
                side=position.side,
                entry_price=position.entry_price,
                now_ms=draft.now_ms,
                policy=policies.trailing,
            ),
            update_count=draft.trailing.update_count,
            last_update_ms=draft.trailing.last_update_ms,
        )


def _stop_from(draft: Draft, addition: AdditionState) -> Price:
    position = draft.position
    stop, working = position.initial_stop_price, position.stop.working
    if working is not None:
        stop = closer(position.side, stop, working.trigger_price)
    current = draft.watched or position.entry_price
    wanted = wanted_stop(
        side=position.side,
        entry_price=position.entry_price,
        current_price=current,
        signal_stop=addition.stop_price,
        liquidation_price=draft.liquidation_price,
        tick=draft.situation.instrument.price_tick,
        policy=scaled_stops(draft.situation.policies.stops, addition.distance_factor),
    )
    if would_trigger(side=position.side, stop_price=wanted, mark=current):
        return stop
    return closer(position.side, stop, wanted)
