"""How a position should be protected: by its record, else by its signal, else by the settings (S15).

Invariants:
1. The stop lies between the liquidation price and the mark price, on the tick, where one lies there.
2. The take profits add up to the position, or there are none because they were given up.
3. Every take profit is ahead of the mark price.
4. What is on record and can still be reached is what is expected.
5. A record or a signal of the other side counts for nothing.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from messages.instruments import Instrument
from messages.orders import PositionReport
from messages.signals import Signal
from messages.state import PositionState, TakeProfitPhase
from messages.values import ZERO, Price, Side
from rules.position_case import PositionPolicies
from rules.rounding import closer, round_stop
from rules.stop_choice import is_behind_liquidation, wanted_stop, would_trigger
from rules.take_profits import TakeProfitPlan, plan_take_profits

_LIVE: Final = frozenset({TakeProfitPhase.PLANNED, TakeProfitPhase.PLACING, TakeProfitPhase.WORKING})


class Source(StrEnum):
    """Where it is known from how a position should be protected."""

    RECORD = "record"
    SIGNAL = "signal"
    SETTINGS = "settings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """How a position should be protected; the take profits add up to it, or are none where there should be none."""

    source: Source
    stop_price: Price
    take_profits: tuple[TakeProfitPlan, ...]


def expected_protection(
    *,
    position: PositionReport,
    instrument: Instrument,
    policies: PositionPolicies,
    row: PositionState | None = None,
    signal: Signal | None = None,
) -> Expected:
    """The stop and take profits that ``position`` should have; ``row`` and ``signal`` count where they are of its side.

    What the price has passed meanwhile is counted from the mark price instead, as after a drift (S6.4).
    """
    if row is not None and row.side is position.side:
        return Expected(
            source=Source.RECORD,
            stop_price=_recorded_stop(position, instrument, policies, row),
            take_profits=_recorded_profits(position, instrument, policies, row),
        )
    known = signal if signal is not None and signal.side is position.side else None
    first, second = (None, None) if known is None else (known.take_profit_1, known.take_profit_2)
    return Expected(
        source=Source.SETTINGS if known is None else Source.SIGNAL,
        stop_price=_planned_stop(position, instrument, policies, None if known is None else known.stop_price),
        take_profits=_planned_profits(position, instrument, policies, first, second),
    )


def _planned_stop(
    position: PositionReport, instrument: Instrument, policies: PositionPolicies, given: Price | None
) -> Price:
    return wanted_stop(
        side=position.side,
        entry_price=position.entry_price,
        current_price=position.mark_price,
        signal_stop=given,
        liquidation_price=position.liquidation_price,
        tick=instrument.price_tick,
        policy=policies.stops,
    )


def _recorded_stop(
    position: PositionReport, instrument: Instrument, policies: PositionPolicies, row: PositionState
) -> Price:
    working = row.stop.working
    price = row.initial_stop_price if working is None else working.trigger_price
    if row.floor_stop_price is not None:
        price = closer(row.side, price, row.floor_stop_price)
    price = round_stop(price, tick=instrument.price_tick, side=row.side)
    passed = would_trigger(side=row.side, stop_price=price, mark=position.mark_price)
    too_far = is_behind_liquidation(price, row.side, position.mark_price, position.liquidation_price)
    return _planned_stop(position, instrument, policies, None) if passed or too_far else price


def _planned_profits(
    position: PositionReport,
    instrument: Instrument,
    policies: PositionPolicies,
    first: Price | None,
    second: Price | None,
) -> tuple[TakeProfitPlan, ...]:
    def planned_from(entry_price: Price) -> tuple[TakeProfitPlan, ...]:
        return plan_take_profits(
            side=position.side,
            quantity=position.quantity,
            entry_price=entry_price,
            tp1=first,
            tp2=second,
            instrument=instrument,
            policy=policies.take_profits,
        )

    plans = planned_from(position.entry_price)
    return (
        plans if all(_is_ahead(position, plan.trigger_price) for plan in plans) else planned_from(position.mark_price)
    )


def _recorded_profits(
    position: PositionReport, instrument: Instrument, policies: PositionPolicies, row: PositionState
) -> tuple[TakeProfitPlan, ...]:
    """What is left of the plan on record: nothing where it was given up, and one for all after the first has filled."""
    if any(item.phase is TakeProfitPhase.SKIPPED for item in row.take_profits):
        return ()
    live = [item for item in row.take_profits if item.phase in _LIVE]
    left = [(item, item.quantity - item.filled_quantity) for item in live]
    fits = sum((quantity for _, quantity in left), ZERO) == position.quantity
    if fits and all(_is_ahead(position, item.trigger_price) for item in live):
        return tuple(
            TakeProfitPlan(level=item.level, trigger_price=item.trigger_price, quantity=quantity)
            for item, quantity in left
        )
    prices = {item.level: item.trigger_price for item in row.take_profits}
    first_is_done = any(item.level == 1 and item.phase is TakeProfitPhase.FILLED for item in row.take_profits)
    first = prices.get(2, prices.get(1)) if first_is_done else prices.get(1)
    plans = _planned_profits(position, instrument, policies, first, prices.get(2))
    if not first_is_done:
        return plans
    return tuple(replace(plan, level=2, quantity=position.quantity) for plan in plans[-1:])


def _is_ahead(position: PositionReport, trigger_price: Price) -> bool:
    if position.side is Side.LONG:
        return trigger_price > position.mark_price
    return trigger_price < position.mark_price
