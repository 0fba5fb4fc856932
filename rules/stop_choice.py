"""Where a stop belongs, whether one that rests will do, and whether a position is covered (S6.2-6.4, 6.8, DESIGN §4).

Invariants:
1. A wanted stop is on the losing side of the current price, so that it never triggers at once.
2. A wanted stop is on the near side of the liquidation price.
3. Without a signal's stop, the distance from the entry, or from the current price after a drift, is the stop loss
   percent, to one tick.
4. A signal's stop on the wrong side of the price is not used.
5. A stop is reused only where it reduces this position, covers its size and is near the wanted price.
6. A stop without a quantity covers a position of any size.
7. What covers a position still covers a smaller one.
8. A stop on the wrong side of the mark price, or behind the liquidation price, covers nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from messages.instruments import Capabilities, Instrument
from messages.orders import OrderReport, OrderStatus
from messages.values import ZERO, OrderKind, Price, Quantity, Side
from rules.rounding import closer, exit_side, floor_quantity, percent_of, round_stop
from rules.volatility import scaled_percent

_TWO = Decimal(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopPolicy:
    """Settings of S6; percents are of a price (2.0 is 2 %).

    Attributes:
        stop_loss_percent: Distance of the stop; also the drift beyond which it is counted from the current price.
        reuse_within_percent: How far, of the wanted price, a stop found on the venue may be from it.
        liquidation_buffer_percent: Least distance, of the liquidation price, between that and the stop.
    """

    stop_loss_percent: Decimal = Decimal("2.0")
    reuse_within_percent: Decimal = Decimal(5)
    liquidation_buffer_percent: Decimal = Decimal("0.5")


def scaled_stops(policy: StopPolicy, factor: Decimal) -> StopPolicy:
    """``policy`` with its distance as the volatility wants it (S3)."""
    return replace(policy, stop_loss_percent=scaled_percent(policy.stop_loss_percent, factor))


def wanted_stop(
    *,
    side: Side,
    entry_price: Price,
    current_price: Price,
    signal_stop: Price | None,
    liquidation_price: Price | None,
    tick: Price,
    policy: StopPolicy,
) -> Price:
    """The stop of a position that has none, on the tick.

    A signal's stop is used as it is; after a drift (S6.4) only where it is closer than the one that the drift gives.
    Where the liquidation price leaves no room for the buffer, the stop is half way between it and the current price.
    A current price of one tick has no price below it: then the stop of a long is that tick, and would trigger.
    """
    drifted = abs(current_price - entry_price) > percent_of(entry_price, policy.stop_loss_percent)
    stop = _losing(side, current_price if drifted else entry_price, policy.stop_loss_percent)
    if signal_stop is not None and not would_trigger(side=side, stop_price=signal_stop, mark=current_price):
        stop = closer(side, stop, signal_stop) if drifted else signal_stop
    clear = farthest_stop(side=side, liquidation_price=liquidation_price, current_price=current_price, policy=policy)
    if clear is not None:
        stop = closer(side, stop, clear)
    rounded = round_stop(stop, tick=tick, side=side)
    return rounded if _is_ahead(side, rounded, current_price) else _one_tick_away(side, current_price, tick)


def farthest_stop(
    *, side: Side, liquidation_price: Price | None, current_price: Price, policy: StopPolicy
) -> Price | None:
    """The farthest price at which a stop comes before the liquidation; ``None``: that lies nowhere ahead."""
    if liquidation_price is None or not _is_ahead(side, liquidation_price, current_price):
        return None
    buffer = percent_of(liquidation_price, policy.liquidation_buffer_percent)
    buffered = liquidation_price + buffer if side is Side.LONG else liquidation_price - buffer
    half_way = (liquidation_price + current_price) / _TWO
    return buffered if _is_ahead(side, buffered, half_way) else half_way


def stop_quantity(quantity: Quantity, *, instrument: Instrument, capabilities: Capabilities) -> Quantity | None:
    """What a stop for ``quantity`` is placed with; ``None`` is on the whole position.

    Where stops have a quantity, the venue limits it, and may make its step coarser: what does not fit is covered by one
    without, if there is such a one, else all but less than a step of it.
    """
    if capabilities.whole_position_stop:
        return None
    on_step = floor_quantity(quantity, instrument.quantity_step) or quantity
    fits = on_step == quantity and (instrument.max_quantity is None or quantity <= instrument.max_quantity)
    return on_step if fits or not capabilities.sizeless_stop else None


def reusable(*, report: OrderReport, side: Side, quantity: Quantity, wanted: Price, policy: StopPolicy) -> bool:
    """Whether a stop found on the venue will do for a position of ``quantity`` instead of a new one (S6.3)."""
    if not is_stop_of(report, side) or report.trigger_price is None:
        return False
    remaining = remaining_quantity(report)
    if remaining is not None and remaining < quantity:
        return False
    return abs(report.trigger_price - wanted) <= percent_of(wanted, policy.reuse_within_percent)


def would_trigger(*, side: Side, stop_price: Price, mark: Price) -> bool:
    """Whether a stop at ``stop_price`` would execute the moment it is placed (S6.8)."""
    return not _is_ahead(side, stop_price, mark)


def covers(
    *,
    orders: Sequence[OrderReport],
    side: Side,
    quantity: Quantity,
    mark: Price,
    liquidation: Price | None,
    step: Quantity,
) -> bool:
    """Whether the stops among ``orders`` cover the position, all but less than one ``step`` of it."""
    covered = ZERO
    for order in orders:
        if is_stop_of(order, side) and is_in_reach(order, side, mark, liquidation):
            remaining = remaining_quantity(order)
            if remaining is None:
                return True
            covered += remaining
    uncovered = quantity - covered
    return uncovered <= ZERO or uncovered < step


# --- shared with the protection audit --------------------------------------------------------------------------------


def is_stop_of(order: OrderReport, side: Side) -> bool:
    """Whether ``order`` is a working stop that can only reduce a position of ``side``.

    In hedge mode an order of the exit side reduces by definition; elsewhere it must say so, or close all.
    """
    if order.kind is not OrderKind.STOP_MARKET or order.status is not OrderStatus.WORKING:
        return False
    if order.side is not exit_side(side) or order.hedge_side not in {None, side}:
        return False
    return order.reduce_only or order.quantity is None or order.hedge_side is side


def is_reducing(order: OrderReport) -> bool:
    """Whether ``order`` can only make a position smaller: it says so, closes all, or leaves a side of a hedge."""
    in_hedge_mode = order.hedge_side is not None and order.side is exit_side(order.hedge_side)
    return order.reduce_only or order.quantity is None or in_hedge_mode


def remaining_quantity(order: OrderReport) -> Quantity | None:
    """What is left of an order; ``None`` when it closes whatever the position's size is (F25)."""
    return None if order.quantity is None else order.quantity - order.filled_quantity


def is_in_reach(order: OrderReport, side: Side, mark: Price, liquidation: Price | None) -> bool:
    """Whether the stop waits between the liquidation price and the mark price."""
    if order.trigger_price is None or would_trigger(side=side, stop_price=order.trigger_price, mark=mark):
        return False
    return not is_behind_liquidation(order.trigger_price, side, mark, liquidation)


def is_behind_liquidation(trigger_price: Price, side: Side, mark: Price, liquidation: Price | None) -> bool:
    """Whether the position would be liquidated before its stop; a liquidation price past the mark is no figure."""
    if liquidation is None or not _is_ahead(side, liquidation, mark):
        return False
    return not _is_ahead(side, liquidation, trigger_price)


def _losing(side: Side, price: Price, percent: Decimal) -> Price:
    distance = percent_of(price, percent)
    return price - distance if side is Side.LONG else price + distance


def _is_ahead(side: Side, a: Price, b: Price) -> bool:
    """Whether a losing position of ``side`` has ``a`` still before it when it is at ``b``."""
    return a < b if side is Side.LONG else a > b


def _one_tick_away(side: Side, price: Price, tick: Price) -> Price:
    below = price // tick * tick
    if side is Side.SHORT:
        return below + tick
    return max(below if below < price else below - tick, tick)
