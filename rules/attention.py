"""Between which prices nothing can change for a position, so that ticks in between need not wake it (DESIGN §2).

The band is for the state that it was computed from: it is computed again after every tick handled, at
:func:`attention_due_ms`, and whenever the working stop, the entry price, TP1 or the minute-ago price is another one.
While a forwarded tick is unhandled every tick is forwarded; without that rule a quarter of random histories differed.

Invariants:
1. Deciding only on ticks outside the band gives the same moves as deciding on every tick.
2. A position whose trailing does not run has no band to leave.
3. Only prices in the position's favour wake it: its losing side rests on the venue as the stop.
4. After the due time, no later time changes anything by itself.
"""

from decimal import Decimal

from messages.state import TrailingPhase, TrailingState
from messages.values import Price, Side
from rules.rounding import closer, percent_of, round_stop
from rules.trailing import (
    TrailingPolicy,
    breakeven_level,
    momentum_price,
    old_enough_ms,
    throttled_until_ms,
    tp1_progress,
)

_HUNDRED = Decimal(100)
_HALF = Decimal("0.5")
_RUNNING = frozenset({TrailingPhase.WAITING, TrailingPhase.BREAKEVEN, TrailingPhase.ACTIVE})


def attention_band(
    *,
    state: TrailingState,
    side: Side,
    entry_price: Price,
    breakeven_price: Price,
    take_profit_1: Price | None,
    stop_price: Price,
    now_ms: int,
    opened_ms: int,
    minute_ago_price: Price | None,
    tick: Price,
    policy: TrailingPolicy,
) -> tuple[Price | None, Price | None]:
    """The lower and upper price, exclusive, between which no tick changes a decision; ``None``: no price does.

    The arguments are those of ``trailing.trail``; a merged tick is outside when its low or its high is.
    """
    if state.phase not in _RUNNING:
        return (None, None)
    levels: list[Price] = []
    breakeven_is_news = state.stop_price is None or _is_closer(side, breakeven_price, state.stop_price)
    if breakeven_is_news or state.phase is TrailingPhase.WAITING:
        levels.append(breakeven_level(side, entry_price, breakeven_price, tick, policy))
    if state.phase is TrailingPhase.ACTIVE:
        target = _next_stop(state, side, stop_price, tick, policy)
        levels.extend(_trailing_levels(state, side, target, minute_ago_price, tick, policy))
    else:
        levels.append(state.activation_price)
        progress = tp1_progress(side, entry_price, take_profit_1, policy)
        if progress is not None:
            levels.append(progress)
        old_enough = old_enough_ms(opened_ms, policy)
        if old_enough is not None and now_ms >= old_enough:
            levels.append(entry_price)
    return (None, min(levels)) if side is Side.LONG else (max(levels), None)


def attention_due_ms(*, state: TrailingState, now_ms: int, opened_ms: int, policy: TrailingPolicy) -> int | None:
    """When time alone next changes something: a wanted stop may be sent, or the age starts to count; ``None`` never.

    Then ``may_update`` is asked again for ``state.stop_price``, and the band is computed again. No price is needed.
    """
    times: list[int] = []
    if state.phase in _RUNNING:
        times.append(throttled_until_ms(state, policy))
        old_enough = old_enough_ms(opened_ms, policy)
        if old_enough is not None and state.phase is not TrailingPhase.ACTIVE:
            times.append(old_enough)
    return min((time_ms for time_ms in times if time_ms > now_ms), default=None)


def _next_stop(state: TrailingState, side: Side, working: Price, tick: Price, policy: TrailingPolicy) -> Price:
    """The nearest wanted stop that would be news: worth a request, and further than one that waits for its time.

    A best price that falls short of it need not be known, not even while updates are held back: it moves nothing.
    """
    wanted = working if state.stop_price is None else state.stop_price
    following = wanted + tick if side is Side.LONG else wanted - tick
    # An override set below the least improvement passes first.
    improvement = percent_of(working, min(policy.min_improvement_percent, policy.emergency_override_percent))
    worthwhile = working + improvement if side is Side.LONG else working - improvement
    return closer(side, following, round_stop(worthwhile, tick=tick, side=side))


def _trailing_levels(
    state: TrailingState,
    side: Side,
    target: Price,
    minute_ago_price: Price | None,
    tick: Price,
    policy: TrailingPolicy,
) -> list[Price]:
    """The prices from which on the wanted stop is ``target`` or closer: as it is, and with momentum."""
    levels = [_best_for(side, target, state.callback_percent, tick)]
    if minute_ago_price is not None:
        fast = momentum_price(side, minute_ago_price, policy)
        best_when_fast = _best_for(side, target, state.callback_percent * _HALF, tick)
        best = state.highest if side is Side.LONG else state.lowest
        if _is_closer(side, best, best_when_fast):
            levels.append(fast)
        else:
            levels.append(closer(side, fast, best_when_fast))
    return levels


def _best_for(side: Side, target: Price, callback_percent: Decimal, tick: Price) -> Price:
    """The best price beyond which the stop, rounded towards it, is at ``target``."""
    fraction = callback_percent / _HUNDRED
    if side is Side.LONG:
        return (target - tick) / (1 - fraction)
    return (target + tick) / (1 + fraction)


def _is_closer(side: Side, price: Price, than: Price) -> bool:
    return price > than if side is Side.LONG else price < than
