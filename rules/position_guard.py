"""What a position does when the guard finds its risk changed (S13).

Invariants:
1. A level is told and acted on once; nothing is done in advise mode.
2. What the guard does never takes the stop further from the price.
3. A part is closed by one reduce-only order, which is never repeated.
"""

from dataclasses import replace
from typing import Final, assert_never

from messages.guarding import RiskJudged
from messages.instruments import Instrument
from messages.journal import Severity
from messages.orders import OrderSpec
from messages.reasons import Rule
from messages.state import CloseReason, IntentAction, PositionPhase, RiskLevel
from messages.values import OrderKind, OrderPurpose, Quantity
from rules.escalation import LADDER
from rules.guard import ACTIONS, GuardAction, tightened_stop
from rules.partial_closes import PartialClose, partial_close
from rules.position_draft import Draft
from rules.position_plan_exit import decide_close
from rules.rounding import closer
from rules.take_profits import with_least_value

_LIMIT_FIRST: Final = len(LADDER) - 1
"""The last rung is a limit order, after which comes the market."""
_HALF: Final = 2
_LOUD: Final = frozenset({RiskLevel.CRITICAL, RiskLevel.EMERGENCY})


def take_risk(draft: Draft, judged: RiskJudged) -> None:
    """Take over the level, tell people of it, and do what it asks for where that is wanted."""
    position = draft.position
    is_other = judged.position_id != position.position_id or judged.level is position.risk_level
    if is_other or position.phase is not PositionPhase.ACTIVE or position.close_reason is not None or draft.ended:
        return
    draft.position = replace(position, risk_level=judged.level)
    action = ACTIONS[judged.level]
    health = f"health {judged.health:.0f} of 100 ({judged.why}), risk {position.risk_level} → {judged.level}"
    if not judged.due:
        draft.record("guard_level", health, level=judged.level)
        return
    if not judged.acts:
        severity = Severity.CRITICAL if judged.level in _LOUD else Severity.WARNING
        would = action.replace("_", " ")
        draft.record("guard_advice", f"{health}: GUARD_MODE=act would {would}", severity, action=action)
        return
    draft.record("guard_acts", f"{health}: {action.replace('_', ' ')}", Severity.WARNING, action=action)
    match action:
        case GuardAction.WATCH:
            pass
        case GuardAction.TIGHTEN_STOP:
            _tighten(draft, judged)
        case GuardAction.CLOSE_PART:
            _close_part(draft, judged)
        case GuardAction.CLOSE_ALL:
            decide_close(draft, CloseReason.GUARD, health, Severity.CRITICAL)
            draft.position = replace(draft.position, close_attempts=_LIMIT_FIRST)
        case GuardAction.EXIT_NOW:
            decide_close(draft, CloseReason.GUARD, health, Severity.CRITICAL)
        case _:
            assert_never(action)


def _tighten(draft: Draft, judged: RiskJudged) -> None:
    """A floor of its own: the position's own decision moves the stop, in the safe direction only."""
    position, working = draft.position, draft.position.stop.working
    if working is None:
        return
    level = tightened_stop(
        side=position.side,
        price=draft.situation.watched or judged.tick.last,
        stop_price=working.trigger_price,
        tick=draft.situation.instrument.price_tick,
    )
    if level is not None:
        floor = position.guard_stop_price or level
        draft.position = replace(position, guard_stop_price=closer(position.side, floor, level))


def _at_most(quantity: Quantity, instrument: Instrument) -> Quantity:
    """What one order at market may be for: it is never repeated, and more would be refused."""
    most = instrument.max_market_quantity if instrument.max_market_quantity is not None else instrument.max_quantity
    return quantity if most is None else min(quantity, most)


def _close_part(draft: Draft, judged: RiskJudged) -> None:
    position, instrument = draft.position, draft.situation.instrument
    if draft.exposed != position.quantity or draft.awaits_fills or position.stop.working is None:
        draft.record("guard_part_skipped", "what is open changes just now", Severity.WARNING)
        return
    policy = with_least_value(draft.situation.policies.take_profits, position.least_close_usd)
    part = partial_close(
        wanted=_at_most(position.quantity / _HALF, instrument),
        position_quantity=position.quantity,
        price=judged.tick.last,
        instrument=instrument,
        least_value_usd=policy.min_close_value_usd,
    )
    if not isinstance(part, PartialClose):
        draft.record("guard_part_skipped", f"{part.reason}: {part.text}", Severity.WARNING)
        return
    spec = OrderSpec(
        client_order_id=draft.next_order_id(OrderPurpose.GUARD),
        symbol=draft.symbol,
        side=draft.exit_side,
        kind=OrderKind.MARKET,
        purpose=OrderPurpose.GUARD,
        quantity=part.quantity,
        reduce_only=True,
        hedge_side=position.key.hedge_side,
    )
    text = f"{judged.level}: {part.quantity} of {position.quantity}"
    draft.intend(IntentAction.PLACE, spec, rule=Rule.GUARD, text=text, protective=False)
