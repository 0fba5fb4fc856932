"""What a fill does to a position: its size, its average entry and the profit realised.

The rule for digits: products and sums are exact; an average that has no end is rounded once, half to even, to 28
significant digits, which is what every later computation works with. A profit that follows from such an average is
rounded once, half to even, to 16 decimals, so that the profits of any number of fills add up to the last digit.

Invariants:
1. A fill changes the quantity by exactly what it opened or closed.
2. A fill never turns a position round: closing more than is open is refused.
3. Opening fills leave the profit alone, closing fills leave the average entry alone.
4. Once flat, the realised profit is what the sales brought less what the purchases cost.
5. The average entry lies between the prices of the opening fills.
6. A stop at breakeven pays for the commission, and is the nearest tick that does.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

from messages.values import ZERO, Money, OrderSide, Price, Quantity, Side
from rules.rounding import entry_side, percent_of, round_stop

_EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN)
_KEPT = Context(prec=28, rounding=ROUND_HALF_EVEN)
_DECIMALS = 16
"""Of a profit: with them a sum of up to 12 digits before the point is exact in 28."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FillEffect:
    """The position after a fill.

    Attributes:
        quantity: Open after the fill.
        entry_price: Average of what opened it; unchanged, for the record, once it is flat.
        realized_pnl: Gross: by the prices alone, without commission; of this fill.
        opened: What the fill added to the quantity.
        closed: What it took away.
    """

    quantity: Quantity
    entry_price: Price
    realized_pnl: Money
    opened: Quantity
    closed: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class FillRefused:
    """The fill does not fit the position: ``excess`` is what it would close beyond what is open."""

    excess: Quantity


def apply_fill(
    *,
    side: Side,
    quantity: Quantity,
    entry_price: Price,
    fill_side: OrderSide,
    fill_price: Price,
    fill_quantity: Quantity,
    contract_size: Decimal,
) -> FillEffect | FillRefused:
    """The position after a fill of ``fill_quantity`` (the venue's unit) at ``fill_price``.

    Profit of a linear contract: ``(exit - entry) * quantity * contract_size``, with the opposite sign for a short.
    """
    if fill_side is entry_side(side):
        return FillEffect(
            quantity=quantity + fill_quantity,
            entry_price=_average(quantity, entry_price, fill_quantity, fill_price),
            realized_pnl=ZERO,
            opened=fill_quantity,
            closed=ZERO,
        )
    if fill_quantity > quantity:
        return FillRefused(excess=fill_quantity - quantity)
    before, after = (entry_price, fill_price) if side is Side.LONG else (fill_price, entry_price)
    gain = _EXACT.multiply(_EXACT.multiply(_EXACT.subtract(after, before), fill_quantity), contract_size)
    return FillEffect(
        quantity=quantity - fill_quantity,
        entry_price=entry_price,
        realized_pnl=_rounded(gain),
        opened=ZERO,
        closed=fill_quantity,
    )


def breakeven_price(*, side: Side, entry_price: Price, commission_percent: Decimal, tick: Price) -> Price:
    """``entry * (1 + commission)`` for a long, ``(1 - commission)`` for a short, on the tick that pays (S11)."""
    commission = percent_of(entry_price, commission_percent)
    price = entry_price + commission if side is Side.LONG else entry_price - commission
    return round_stop(price, tick=tick, side=side)


def _rounded(profit: Money) -> Money:
    """What needs no rounding stays as it is written."""
    if -int(profit.as_tuple().exponent) <= _DECIMALS:
        return profit
    return _EXACT.quantize(profit, Decimal(1).scaleb(-_DECIMALS))


def _average(quantity: Quantity, entry_price: Price, fill_quantity: Quantity, fill_price: Price) -> Price:
    if quantity == ZERO or fill_price == entry_price:
        return fill_price
    cost = _EXACT.add(_EXACT.multiply(quantity, entry_price), _EXACT.multiply(fill_quantity, fill_price))
    return _KEPT.divide(cost, _EXACT.add(quantity, fill_quantity))
