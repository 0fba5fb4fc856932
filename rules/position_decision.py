"""The decision of a position: one event and what is known become the next state and what follows from it.

Invariants:
1. The same case, event and situation give the same decision.
2. No history leaves open quantity without a stop, or its next try, or a close.
3. An ended position places nothing.
4. An event that changes nothing gives no intents.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, assert_never

from messages.account_check import RemoveZombies
from messages.guarding import RiskJudged
from messages.journal import RestoredPosition, Severity, SignalFate, Verdict
from messages.market import Tick
from messages.orders import OrderReport, PositionReport
from messages.positions import (
    AccountRead,
    ClosePosition,
    FillReceived,
    FillsRead,
    FundingReceived,
    IntentSettled,
    OpenPosition,
    OrderUpdated,
    PositionUpdated,
    VerifyPosition,
    WakeUp,
)
from messages.signals import Signal
from messages.state import (
    PositionPhase,
    PositionState,
    TakeProfitState,
    TrailingPhase,
    TrailingState,
)
from messages.values import ZERO, ClientOrderId, PositionId, PositionKey, Quantity
from rules.ladder import AdditionRefused
from rules.position_addition import begin_addition
from rules.position_case import PositionCase, PositionPolicies, Situation
from rules.position_draft import Draft, draft_of
from rules.position_fills import take_fill, take_funding
from rules.position_guard import take_risk
from rules.position_heritage import heritage_of
from rules.position_orders import take_order
from rules.position_plan import enter, plan
from rules.position_plan_exit import decide_close
from rules.position_readings import order_not_found, take_account_read, take_fills_read
from rules.position_settling import take_settled
from rules.position_zombies import leave_useless
from rules.sizing import SizingPolicy
from rules.stop_choice import StopPolicy, scaled_stops, wanted_stop
from rules.take_profits import TakeProfitPolicy, plan_take_profits, scaled_take_profits, with_least_value
from rules.trailing import start_trailing, trail

_ENDED = frozenset({PositionPhase.CLOSED, PositionPhase.ROLLED_BACK})


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderNotFound:
    """The venue, asked by client order id, does not have this order."""

    client_order_id: ClientOrderId


PositionInput: TypeAlias = (
    Tick
    | OrderUpdated
    | FillReceived
    | FundingReceived
    | PositionUpdated
    | IntentSettled
    | AccountRead
    | FillsRead
    | OrderNotFound
    | ClosePosition
    | VerifyPosition
    | RemoveZombies
    | RiskJudged
    | WakeUp
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionDecision:
    """What an event led to. ``changed`` is False when there is nothing to make durable and nothing to send."""

    draft: Draft
    case: PositionCase
    changed: bool
    clean: bool


def decide(case: PositionCase, event: PositionInput, situation: Situation) -> PositionDecision:
    """Decide what ``event`` means for the position of ``case``."""
    draft = draft_of(case, situation)
    match event:
        case Tick():
            _take_tick(draft, event)
        case OrderUpdated(report=report):
            take_order(draft, report)
        case FillReceived(fill=fill):
            take_fill(draft, fill)
        case FundingReceived(payment=payment):
            take_funding(draft, payment)
        case PositionUpdated(report=report):
            _take_position(draft, report)
        case IntentSettled():
            take_settled(draft, event)
        case AccountRead():
            take_account_read(draft, event)
        case FillsRead():
            take_fills_read(draft, event)
        case OrderNotFound(client_order_id=client_order_id):
            order_not_found(draft, client_order_id)
        case ClosePosition(reason=reason):
            decide_close(draft, reason, "asked for", Severity.INFO)
        case VerifyPosition():
            draft.doubt()
        case RemoveZombies(orders=useless, doubled=doubled):
            leave_useless(draft, useless if draft.ended else (*useless, *doubled))
        case RiskJudged():
            take_risk(draft, event)
        case WakeUp():
            pass
        case _:
            assert_never(event)
    plan(draft)
    return _decision(case, draft)


def _decision(case: PositionCase | None, draft: Draft) -> PositionDecision:
    after = draft.case()
    changed = (
        case is None
        or after.position != case.position
        or _trailing_matters(case.trailing, after.trailing)
        or bool(draft.intents or draft.outcomes or draft.fills or draft.funding or draft.events or draft.signals)
        or bool(draft.scaling)
    )
    return PositionDecision(draft=draft, case=after, changed=changed, clean=draft.position.phase in _ENDED)


def _trailing_matters(before: TrailingState, after: TrailingState) -> bool:
    """Whether the trailing state changed in a way that a restart must know (S8.8).

    The extremes count only while a stop follows them: before activation the next tick beyond the old best tells again.
    """
    if before == after:
        return False
    if after.phase is TrailingPhase.ACTIVE:
        return True
    return replace(before, highest=after.highest, lowest=after.lowest) != after


def _take_tick(draft: Draft, tick: Tick) -> None:
    position = draft.position
    working = position.stop.working
    if position.quantity == 0 or position.close_reason is not None:
        return
    first = next((item for item in position.take_profits if item.level == 1), None)
    step = trail(
        state=draft.trailing,
        side=position.side,
        entry_price=position.entry_price,
        breakeven_price=draft.breakeven,
        take_profit_1=first.trigger_price if first is not None else None,
        stop_price=working.trigger_price if working is not None else position.initial_stop_price,
        high=tick.high,
        low=tick.low,
        last=tick.last,
        now_ms=draft.now_ms,
        opened_ms=position.opened_ms,
        minute_ago_price=tick.minute_ago,
        tick=draft.situation.instrument.price_tick,
        policy=draft.situation.policies.trailing,
    )
    if step.state.phase is not draft.trailing.phase:
        draft.record(f"trailing_{step.state.phase}", step.reason, phase=step.state.phase, price=tick.last)
    draft.trailing = step.state


def _take_position(draft: Draft, report: PositionReport | None) -> None:
    """The venue's own view is a hint, not a fact to count with: where it differs, the account is read."""
    quantity = ZERO
    if report is not None and report.side is draft.position.side:
        quantity, draft.liquidation_price = report.quantity, report.liquidation_price
    settled = draft.now_ms >= draft.changed_ms + draft.situation.policies.orders.settle_ms
    if quantity != draft.position.quantity and settled and not draft.ended:
        draft.doubt()


# --- how a position begins --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A signal that is about to become a position of ``quantity``."""

    command: OpenPosition
    key: PositionKey
    position_id: PositionId
    quantity: Quantity


def open_position(opening: Opening, situation: Situation) -> PositionDecision:
    """The first decision of a new position: its state, its entry, and the signal's fate, in one transaction."""
    signal = opening.command.signal
    price = situation.last if situation.last is not None else signal.entry_price
    if price is None:
        raise ValueError("a position cannot be opened before a price is known")
    limit_price = None
    if situation.policies.orders.entry_limit:
        limit_price = signal.entry_price or price
    stops, profits = _as_opened(opening.command, situation.policies)
    stop_price = wanted_stop(
        side=signal.side,
        entry_price=price,
        current_price=situation.watched or price,
        signal_stop=signal.stop_price,
        liquidation_price=None,
        tick=situation.instrument.price_tick,
        policy=stops,
    )
    targets = plan_take_profits(
        side=signal.side,
        quantity=opening.quantity,
        entry_price=price,
        tp1=signal.take_profit_1,
        tp2=signal.take_profit_2,
        instrument=situation.instrument,
        policy=profits,
    )
    position = PositionState(
        position_id=opening.position_id,
        key=opening.key,
        phase=PositionPhase.PENDING_ENTRY,
        side=signal.side,
        wanted_quantity=opening.quantity,
        base_quantity=opening.quantity,
        entry_price=price,
        initial_stop_price=stop_price,
        leverage=opening.command.leverage,
        margin_mode=situation.policies.margin_mode,
        opened_ms=situation.now_ms,
        signal_id=signal.signal_id,
        reservation_id=opening.command.reservation_id,
        entry_limit_price=limit_price,
        least_close_usd=opening.command.least_close_usd,
        take_profits=tuple(
            TakeProfitState(level=item.level, trigger_price=item.trigger_price, quantity=item.quantity)
            for item in targets
        ),
    )
    draft = draft_of(_new_case(position, situation), situation)
    enter(draft)
    draft.record("position_opening", f"{signal.side} {opening.quantity} near {price}, stop {stop_price}")
    draft.signals.append(_accepted(signal, position, at_ms=situation.now_ms))
    return _decision(None, draft)


def add_to_position(
    case: PositionCase, command: OpenPosition, situation: Situation, *, sizing: SizingPolicy
) -> PositionDecision | AdditionRefused:
    """The decision that adds to a position (S10), with its order and the signal's fate, or why nothing is added."""
    draft = draft_of(case, situation)
    refused = begin_addition(draft, command, sizing=sizing)
    if refused is not None:
        return refused
    enter(draft)
    draft.signals.append(_accepted(command.signal, draft.position, at_ms=situation.now_ms))
    plan(draft)
    return _decision(case, draft)


def _accepted(signal: Signal, position: PositionState, *, at_ms: int) -> SignalFate:
    return SignalFate(
        signal_id=signal.signal_id,
        at_ms=at_ms,
        verdict=Verdict.ACCEPTED,
        reason="",
        symbol=signal.symbol,
        raw=signal.raw,
        wave_ms=signal.timestamp_ms,
        venue=position.key.venue,
        position_id=position.position_id,
    )


def _as_opened(command: OpenPosition, policies: PositionPolicies) -> tuple[StopPolicy, TakeProfitPolicy]:
    """Distances as the volatility wants them when a position is opened; from then on its prices stand (S3)."""
    factor, profits = command.distance_factor, policies.take_profits
    return (
        scaled_stops(policies.stops, factor),
        scaled_take_profits(with_least_value(profits, command.least_close_usd), factor),
    )


def adopt_position(
    *,
    report: PositionReport,
    key: PositionKey,
    position_id: PositionId,
    orders: Sequence[OrderReport],
    keeps_identity: bool,
    situation: Situation,
) -> PositionDecision:
    """Take over a position that is on the venue and on no record of ours (S14); its stop comes first.

    Where the record cannot be read, the orders of ours that are there tell which position it is (``keeps_identity``);
    else they are of a life that is over, and go. What a repair or somebody else has placed, and will do, stays.
    """
    instrument, policies = situation.instrument, situation.policies
    wanted = plan_take_profits(
        side=report.side,
        quantity=report.quantity,
        entry_price=report.entry_price,
        tp1=None,
        tp2=None,
        instrument=instrument,
        policy=policies.take_profits,
    )
    heritage = heritage_of(
        orders=orders,
        key=key,
        side=report.side,
        quantity=report.quantity,
        keeps_identity=keeps_identity,
        wanted=wanted,
        least=instrument.min_quantity,
    )
    stop_price = wanted_stop(
        side=report.side,
        entry_price=report.entry_price,
        current_price=situation.watched or report.mark_price,
        signal_stop=None,
        liquidation_price=report.liquidation_price,
        tick=situation.instrument.price_tick,
        policy=situation.policies.stops,
    )
    position = PositionState(
        position_id=heritage.position_id or position_id,
        key=key,
        phase=PositionPhase.PENDING_SL,
        side=report.side,
        wanted_quantity=report.quantity,
        quantity=report.quantity,
        base_quantity=report.quantity,
        opened_quantity=report.quantity,
        entry_price=report.entry_price,
        initial_stop_price=stop_price,
        leverage=int(report.leverage),
        margin_mode=report.margin_mode,
        opened_ms=situation.now_ms,
        entry_done=True,
        sequence=heritage.sequence,
        take_profits=heritage.take_profits,
    )
    draft = draft_of(_new_case(position, situation), situation)
    draft.recovering_since_ms = situation.now_ms
    for order in heritage.strangers:
        draft.leave(order, "it belongs to a life that is over")
    draft.record(
        "position_adopted",
        f"{report.side} {report.quantity} at {report.entry_price} found on the venue",
        Severity.WARNING,
    )
    plan(draft)
    return _decision(None, draft)


def restored_case(restored: RestoredPosition, situation: Situation) -> PositionCase:
    """The case of a position that comes back from the record: the venue is read before anything is decided."""
    trailing = restored.trailing or _new_case(restored.position, situation).trailing
    return PositionCase(
        position=restored.position,
        trailing=trailing,
        intents={intent.intent_id: intent for intent in restored.open_intents},
        changed_ms=situation.now_ms - 1,
        recovering_since_ms=situation.now_ms,
    )


def _new_case(position: PositionState, situation: Situation) -> PositionCase:
    return PositionCase(
        position=position,
        trailing=start_trailing(
            position_id=position.position_id,
            side=position.side,
            entry_price=position.entry_price,
            now_ms=situation.now_ms,
            policy=situation.policies.trailing,
        ),
        changed_ms=situation.now_ms,
    )


__all__ = [
    "Opening",
    "OrderNotFound",
    "PositionDecision",
    "PositionInput",
    "adopt_position",
    "decide",
    "open_position",
    "restored_case",
]
