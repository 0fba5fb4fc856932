"""The trailing stop: when it starts, where it wants the stop, and when a move is worth a request (S8).

Invariants:
1. A wanted stop never moves away from the market.
2. A wanted stop never rests on the far side of the best price.
3. The stop that an active trailing wants is the callback away from the best price since activation, to one tick.
4. Trailing activates when the profit, the way to TP1 or the time says so, and never before.
5. Breakeven protection puts the stop at breakeven or closer.
6. Merged ticks move the stop as far as the single ones that they stand for.
7. A move is never asked for within the interval, or for less than the least improvement, unless it is an emergency.
8. Only a confirmation counts as an update.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from messages.state import TrailingPhase, TrailingState
from messages.values import ZERO, PositionId, Price, Side
from rules.rounding import closer, percent_of, round_stop

_HALF = Decimal("0.5")
_HUNDRED = Decimal(100)
_MS_A_MINUTE = 60_000
_MS_A_SECOND = 1_000
_RUNNING = frozenset({TrailingPhase.WAITING, TrailingPhase.BREAKEVEN, TrailingPhase.ACTIVE})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailingPolicy:
    """The settings of S8.2 and S8.3; percents are of a price (2.0 is 2 %).

    Attributes:
        activation_percent: Profit, of the entry price, that activates.
        callback_percent: Distance of the stop from the best price, of that price.
        tp1_progress_percent: Share of the way from the entry to TP1 that activates.
        breakeven_at_percent: Profit, of the entry price, that moves the stop to breakeven.
        activate_after_minutes: Age that activates a position in profit; 0 is off.
        momentum_percent: Favourable move within a minute that halves the callback.
        min_update_interval_s: Least time between two updates at the venue.
        min_improvement_percent: Least improvement, of the working stop, that is worth an update.
        emergency_override_percent: Improvement that passes at once.
    """

    activation_percent: Decimal = Decimal("1.5")
    callback_percent: Decimal = Decimal("0.5")
    tp1_progress_percent: Decimal = Decimal(80)
    breakeven_at_percent: Decimal = Decimal("1.0")
    activate_after_minutes: int = 0
    momentum_percent: Decimal = Decimal("1.0")
    min_update_interval_s: int = 60
    min_improvement_percent: Decimal = Decimal("0.1")
    emergency_override_percent: Decimal = Decimal("1.0")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailingStep:
    """What one tick did.

    Attributes:
        move_to: The stop that is wanted where it is closer than the working one, else ``None``.
        reason: Why the state or the wanted stop changed; empty when only the extremes did, or nothing.
    """

    state: TrailingState
    move_to: Price | None
    reason: str


def start_trailing(
    *,
    position_id: PositionId,
    side: Side,
    entry_price: Price,
    now_ms: int,  # noqa: ARG001 # every trailing decision is asked with the time; this one does not depend on it yet
    policy: TrailingPolicy,
) -> TrailingState:
    """The state of a new position: waiting, with the entry as the best price seen."""
    return TrailingState(
        position_id=position_id,
        phase=TrailingPhase.WAITING,
        highest=entry_price,
        lowest=entry_price,
        activation_price=in_profit(side, entry_price, policy.activation_percent),
        callback_percent=policy.callback_percent,
    )


def trail(
    *,
    state: TrailingState,
    side: Side,
    entry_price: Price,
    breakeven_price: Price,
    take_profit_1: Price | None,
    stop_price: Price,
    high: Price,
    low: Price,
    last: Price,
    now_ms: int,
    opened_ms: int,
    minute_ago_price: Price | None,
    tick: Price,
    policy: TrailingPolicy,
) -> TrailingStep:
    """What one tick, merged from ``low`` to ``high`` and ending at ``last``, does to the trailing stop.

    Whether a wanted stop is worth a request is :func:`may_update`; whether the price is already past it (a merged tick
    that fell back) is ``stop_choice.would_trigger``, and S6.8 says what follows.

    ``stop_price`` is the working stop; ``minute_ago_price`` the last price one minute ago, and while that is unknown
    there is no momentum; ``opened_ms`` when the position was opened, UTC; ``breakeven_price`` is on the tick.
    """
    if state.phase not in _RUNNING:
        return TrailingStep(state=state, move_to=None, reason="")
    peak = high if side is Side.LONG else low
    highest, lowest = max(state.highest, high), min(state.lowest, low)
    phase, reason = state.phase, ""
    if phase is not TrailingPhase.ACTIVE:
        reason = _activation(state, side, entry_price, take_profit_1, peak, now_ms, opened_ms, policy)
        if reason:
            phase = TrailingPhase.ACTIVE
            # From here on the best price is the best since activation: a higher one of before would put the stop past
            # the price when the time activates (S8.2).
            highest, lowest = (peak, lowest) if side is Side.LONG else (highest, peak)
    best = highest if side is Side.LONG else lowest
    wanted = state.stop_price
    if _reached(side, peak, breakeven_level(side, entry_price, breakeven_price, tick, policy)):
        wanted = breakeven_price if wanted is None else closer(side, wanted, breakeven_price)
        if phase is TrailingPhase.WAITING:
            phase, reason = TrailingPhase.BREAKEVEN, f"breakeven: profit reached {policy.breakeven_at_percent} %"
    if phase is TrailingPhase.ACTIVE:
        accelerated = has_momentum(side, minute_ago_price, last, policy)
        callback = state.callback_percent * _HALF if accelerated else state.callback_percent
        trailed = _below_best(side, best, callback, tick)
        wanted = trailed if wanted is None else closer(side, wanted, trailed)
        if not reason and wanted != state.stop_price:
            reason = "best price, with momentum" if accelerated else "best price"
    changed = (
        phase is not state.phase or wanted != state.stop_price or highest != state.highest or lowest != state.lowest
    )
    return TrailingStep(
        state=replace(state, phase=phase, highest=highest, lowest=lowest, stop_price=wanted) if changed else state,
        move_to=wanted if wanted is not None and _is_closer(side, wanted, stop_price) else None,
        reason=reason,
    )


def may_update(
    *,
    state: TrailingState,
    side: Side,
    working_stop: Price,
    wanted_stop: Price,
    now_ms: int,
    policy: TrailingPolicy,
) -> bool:
    """Whether moving ``working_stop`` to ``wanted_stop`` is worth a request now (S8.3)."""
    gain = wanted_stop - working_stop if side is Side.LONG else working_stop - wanted_stop
    if gain <= ZERO:
        return False
    if gain * _HUNDRED >= working_stop * policy.emergency_override_percent:
        return True
    if is_throttled(state, now_ms, policy):
        return False
    return gain * _HUNDRED >= working_stop * policy.min_improvement_percent


def confirmed(state: TrailingState, *, stop_price: Price, now_ms: int) -> TrailingState:
    """The state after the venue confirmed a stop that trailing moved, at ``stop_price`` (S8.4).

    What is wanted stays: the best price may have moved on while the request was under way.
    """
    return replace(
        state,
        stop_price=stop_price if state.stop_price is None else state.stop_price,
        update_count=state.update_count + 1,
        last_update_ms=now_ms,
    )


# --- shared with the attention band, which must see exactly the same levels ------------------------------------------


def in_profit(side: Side, entry_price: Price, percent: Decimal) -> Price:
    """The price at which a position is ``percent`` of its entry price in profit."""
    distance = percent_of(entry_price, percent)
    return entry_price + distance if side is Side.LONG else entry_price - distance


def breakeven_level(
    side: Side, entry_price: Price, breakeven_price: Price, tick: Price, policy: TrailingPolicy
) -> Price:
    """The price that moves the stop to breakeven: in profit enough, and past breakeven by a tick at least."""
    level = in_profit(side, entry_price, policy.breakeven_at_percent)
    return max(level, breakeven_price + tick) if side is Side.LONG else min(level, breakeven_price - tick)


def tp1_progress(side: Side, entry_price: Price, take_profit_1: Price | None, policy: TrailingPolicy) -> Price | None:
    """The price at which enough of the way to TP1 is gone; ``None`` without a TP1 on the profitable side."""
    if take_profit_1 is None or not _is_closer(side, take_profit_1, entry_price):
        return None
    return entry_price + percent_of(take_profit_1 - entry_price, policy.tp1_progress_percent)


def old_enough_ms(opened_ms: int, policy: TrailingPolicy) -> int | None:
    """When a position in profit activates by its age; ``None`` when that is off."""
    if policy.activate_after_minutes <= 0:
        return None
    return opened_ms + policy.activate_after_minutes * _MS_A_MINUTE


def momentum_price(side: Side, minute_ago_price: Price, policy: TrailingPolicy) -> Price:
    """The price from which on the last minute's move counts as momentum."""
    return in_profit(side, minute_ago_price, policy.momentum_percent)


def has_momentum(side: Side, minute_ago_price: Price | None, last: Price, policy: TrailingPolicy) -> bool:
    """Whether the last minute moved far enough in the position's favour to halve the callback."""
    return minute_ago_price is not None and _reached(side, last, momentum_price(side, minute_ago_price, policy))


def throttled_until_ms(state: TrailingState, policy: TrailingPolicy) -> int:
    """Before this time only an emergency passes; 0 before the first update."""
    if state.last_update_ms == 0:
        return 0
    return state.last_update_ms + policy.min_update_interval_s * _MS_A_SECOND


def is_throttled(state: TrailingState, now_ms: int, policy: TrailingPolicy) -> bool:
    """Whether the last confirmed update is too fresh for another one."""
    return now_ms < throttled_until_ms(state, policy)


# --- the parts of a step ----------------------------------------------------------------------------------------------


def _activation(
    state: TrailingState,
    side: Side,
    entry_price: Price,
    take_profit_1: Price | None,
    peak: Price,
    now_ms: int,
    opened_ms: int,
    policy: TrailingPolicy,
) -> str:
    """Why trailing activates now; empty when it does not."""
    if _reached(side, peak, state.activation_price):
        return f"activated: profit reached {policy.activation_percent} %"
    progress = tp1_progress(side, entry_price, take_profit_1, policy)
    if progress is not None and _reached(side, peak, progress):
        return f"activated: {policy.tp1_progress_percent} % of the way to TP1"
    old_enough = old_enough_ms(opened_ms, policy)
    if old_enough is not None and now_ms >= old_enough and _is_closer(side, peak, entry_price):
        return f"activated: in profit after {policy.activate_after_minutes} minutes"
    return ""


def _below_best(side: Side, best: Price, callback_percent: Decimal, tick: Price) -> Price:
    """The stop at the callback's distance from ``best``; never at it or past it, however coarse the tick."""
    distance = percent_of(best, callback_percent)
    if side is Side.LONG:
        stop = round_stop(best - distance, tick=tick, side=side)
        return stop if stop < best or stop <= tick else stop - tick
    stop = round_stop(best + distance, tick=tick, side=side)
    return stop if stop > best else stop + tick


def _reached(side: Side, price: Price, level: Price) -> bool:
    return price >= level if side is Side.LONG else price <= level


def _is_closer(side: Side, price: Price, than: Price) -> bool:
    """Whether ``price`` is strictly further in the position's favour, which for stops is closer to the market."""
    return price > than if side is Side.LONG else price < than
