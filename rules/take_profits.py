"""Where profit is taken, and how much of the position each time (S7, S9).

Invariants:
1. The parts add up to the position's size.
2. Each part is large enough to be worth an order, or there is only one, for the whole size.
3. Every take profit is in profit.
4. TP2 is further away than TP1.
5. Each part but the last is a multiple of the venue's step.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from messages.instruments import Instrument
from messages.values import ZERO, Money, Price, Quantity, Side
from rules.rounding import floor_quantity, notional, percent_of, round_take_profit
from rules.volatility import scaled_percent

_LARGE = 2
"""A position of more than this many times its base size takes the smaller share first (S9)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeProfitPolicy:
    """Settings of S7 and S9; percents are of the entry price, shares of the position.

    Attributes:
        split: Shares of TP1 and TP2 in percent; they add up to 100.
        split_large: The same for a position of more than twice its base size.
        min_close_value_usd: Least value of a partial close.
    """

    split: tuple[Decimal, Decimal] = (Decimal(50), Decimal(50))
    split_large: tuple[Decimal, Decimal] = (Decimal(35), Decimal(65))
    tp1_percent: Decimal = Decimal("1.5")
    tp2_percent: Decimal = Decimal("3.0")
    min_close_value_usd: Money = Decimal(5)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeProfitPlan:
    """One take profit to place: ``level`` 1 or 2."""

    level: int
    trigger_price: Price
    quantity: Quantity


def with_least_value(policy: TakeProfitPolicy, least_close_usd: Money | None) -> TakeProfitPolicy:
    """``policy`` for a position that was opened with a least value of its own for partial closes; ``None``: without."""
    return policy if least_close_usd is None else replace(policy, min_close_value_usd=least_close_usd)


def scaled_take_profits(policy: TakeProfitPolicy, factor: Decimal) -> TakeProfitPolicy:
    """``policy`` with its distances as the volatility wants them (S3)."""
    return replace(
        policy,
        tp1_percent=scaled_percent(policy.tp1_percent, factor),
        tp2_percent=scaled_percent(policy.tp2_percent, factor),
    )


def plan_take_profits(
    *,
    side: Side,
    quantity: Quantity,
    entry_price: Price,
    tp1: Price | None,
    tp2: Price | None,
    instrument: Instrument,
    policy: TakeProfitPolicy,
    base_quantity: Quantity | None = None,
) -> tuple[TakeProfitPlan, ...]:
    """The take profits of a position of ``quantity``; none for an empty one.

    ``tp1`` and ``tp2`` are the signal's prices; one that is ``None`` or not in profit is taken from the policy.
    ``base_quantity`` is the size of the first entry, where additions may have made the position larger.
    """
    if quantity <= ZERO:
        return ()
    tick = instrument.price_tick
    first = _trigger(side, entry_price, tp1, policy.tp1_percent, tick)
    second = _trigger(side, entry_price, tp2, policy.tp2_percent, tick)
    if (second < first) is (side is Side.LONG):
        first, second = second, first
    is_large = base_quantity is not None and ZERO < base_quantity * _LARGE < quantity
    share = (policy.split_large if is_large else policy.split)[0]
    part = floor_quantity(percent_of(quantity, share), instrument.quantity_step)
    rest = quantity - part
    if (
        first == second
        or not _is_worth_it(part, first, instrument, policy)
        or not _is_worth_it(rest, second, instrument, policy)
    ):
        return (TakeProfitPlan(level=1, trigger_price=first, quantity=quantity),)
    return (
        TakeProfitPlan(level=1, trigger_price=first, quantity=part),
        TakeProfitPlan(level=2, trigger_price=second, quantity=rest),
    )


def _trigger(side: Side, entry_price: Price, given: Price | None, percent: Decimal, tick: Price) -> Price:
    distance = percent_of(entry_price, percent)
    if side is Side.LONG:
        price = given if given is not None and given > entry_price else entry_price + distance
        rounded = round_take_profit(price, tick=tick, side=side)
        return rounded if rounded > entry_price else entry_price // tick * tick + tick
    price = given if given is not None and given < entry_price else entry_price - distance
    rounded = round_take_profit(price, tick=tick, side=side)
    if rounded < entry_price:
        return rounded
    below = entry_price // tick * tick
    return below if below < entry_price else max(below - tick, tick)


def _is_worth_it(quantity: Quantity, price: Price, instrument: Instrument, policy: TakeProfitPolicy) -> bool:
    value = notional(quantity=quantity, price=price, contract_size=instrument.contract_size)
    return quantity >= instrument.min_quantity and quantity > ZERO and value >= policy.min_close_value_usd
