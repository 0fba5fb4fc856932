"""Rounding to what a venue accepts, always to the safe side, and the two directions of a position.

Invariants:
1. A rounded price is a positive multiple of the tick, less than one tick away from the price.
2. A stop is never rounded away from the market price.
3. A take profit is never rounded away from the entry price.
4. A floored quantity is the largest multiple of the step that is not above the quantity.
5. The closer of two stops is the one that triggers first.
"""

from decimal import Decimal

from messages.values import ZERO, Money, OrderSide, Price, Quantity, Side

_HUNDRED = Decimal(100)


def round_stop(price: Price, *, tick: Price, side: Side) -> Price:
    """``price`` on the tick, towards the market price: up for a long, down for a short (S8.7).

    The tighter side is the safe one: a stop rounded away could lose more than was decided.
    """
    return _round_up(price, tick) if side is Side.LONG else _round_down(price, tick)


def round_take_profit(price: Price, *, tick: Price, side: Side) -> Price:
    """``price`` on the tick, towards the entry, where it fills more surely: down for a long, up for a short."""
    return _round_down(price, tick) if side is Side.LONG else _round_up(price, tick)


def floor_quantity(quantity: Quantity, step: Quantity) -> Quantity:
    """``quantity`` cut down to the venue's step; zero when it is under one step."""
    return quantity // step * step


def notional(*, quantity: Quantity, price: Price, contract_size: Decimal) -> Money:
    """The value in the quote currency: ``contracts * contract_size * price`` (S9)."""
    return quantity * contract_size * price


def exit_side(side: Side) -> OrderSide:
    """The side of an order that reduces a position of ``side``."""
    return OrderSide.SELL if side is Side.LONG else OrderSide.BUY


def entry_side(side: Side) -> OrderSide:
    """The side of an order that opens a position of ``side``."""
    return OrderSide.BUY if side is Side.LONG else OrderSide.SELL


def percent_of(price: Price, percent: Decimal) -> Price:
    """``percent`` (2.0 is 2 %) of ``price``."""
    return price * percent / _HUNDRED


def closer(side: Side, a: Price, b: Price) -> Price:
    """The safer of two stops: the one nearer to the market, which is the higher for a long, the lower for a short."""
    return max(a, b) if side is Side.LONG else min(a, b)


# ``//`` and comparison are exact where a quotient would be rounded to the context's 28 digits first.


def _round_down(price: Price, tick: Price) -> Price:
    units = price // tick
    # A price under one tick has no multiple below it but zero, which every venue refuses.
    return units * tick if units > ZERO else tick


def _round_up(price: Price, tick: Price) -> Price:
    rounded = price // tick * tick
    return rounded if rounded >= price else rounded + tick
