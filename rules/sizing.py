"""How much to open for an amount of money, and how to cut it into orders (S3).

Invariants:
1. An order never costs more than the amount, or than the largest position allowed.
2. An order is on the step, and neither under the venue's least quantity nor under its least value.
3. One step more would cost too much.
4. The parts of a split add up to the quantity.
5. No part is over the venue's maximum, and none under its minimum where that is possible.
"""

from dataclasses import dataclass
from decimal import Decimal

from messages.instruments import Instrument
from messages.values import ZERO, Money, Price, Quantity
from rules.rounding import floor_quantity, notional


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingPolicy:
    """Position sizes in the quote currency."""

    position_size_usd: Money = Decimal(200)
    min_position_size_usd: Money = Decimal(10)
    max_position_size_usd: Money = Decimal(5000)


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRefused:
    """Nothing can be opened for that amount, and why."""

    reason: str


def order_quantity(
    *, size_usd: Money, price: Price, instrument: Instrument, policy: SizingPolicy
) -> Quantity | SizeRefused:
    """The quantity that ``size_usd`` buys at ``price``, rounded down to the step; an amount over the maximum is cut."""
    if not instrument.trading:
        return SizeRefused(reason=f"{instrument.symbol} is not traded at present")
    if price <= ZERO:
        return SizeRefused(reason=f"no price: {price}")
    if size_usd < policy.min_position_size_usd:
        return SizeRefused(reason=f"size {size_usd} is under the minimum position size {policy.min_position_size_usd}")
    amount = min(size_usd, policy.max_position_size_usd)
    # A whole number of steps: the integer quotient is exact where a quotient could be rounded up past the amount.
    value_of_step = notional(quantity=instrument.quantity_step, price=price, contract_size=instrument.contract_size)
    quantity = amount // value_of_step * instrument.quantity_step
    if quantity < instrument.min_quantity or quantity == ZERO:
        return SizeRefused(
            reason=f"{amount} buys {quantity}, under the venue's minimum quantity {instrument.min_quantity}"
        )
    value = notional(quantity=quantity, price=price, contract_size=instrument.contract_size)
    if value < instrument.min_notional:
        return SizeRefused(reason=f"value {value} is under the venue's minimum notional {instrument.min_notional}")
    return quantity


def split_quantity(*, quantity: Quantity, instrument: Instrument, market: bool) -> tuple[Quantity, ...]:
    """``quantity`` as orders that the venue takes, as few and as even as possible; as it is when it needs no split.

    Where even parts would be under the minimum (a maximum of less than twice the minimum), as many as possible are of
    the maximum, and the last one is what is left.
    """
    step = instrument.quantity_step
    largest = instrument.max_quantity
    if market and instrument.max_market_quantity is not None:
        largest = instrument.max_market_quantity
    if largest is None or quantity <= largest:
        return (quantity,)
    largest = max(floor_quantity(largest, step), step)
    count = int(quantity // largest)
    if quantity % largest != ZERO:
        count += 1
    steps, residue = int(quantity // step), quantity % step
    each, extra = divmod(steps, count)
    if each * step < instrument.min_quantity:
        rest = quantity - largest * (count - 1)
        return (*(largest for _ in range(count - 1)), rest)
    parts = [(each + 1) * step] * extra + [each * step] * (count - extra)
    # Off the step, which only an adopted position can be: the last part is never a largest one, so it fits there.
    parts[-1] += residue
    return tuple(parts)
