"""What a position costs and when it is lost: margin, profit, liquidation. Pure, in the settlement currency (USDT).

Sizes are in base coin (quantity times contract size). The liquidation price is where what secures the position equals
its maintenance margin, at one maintenance rate (venues use tiers; the first one is enough for sizes like ours):
secured + (p - entry) * size = rate * p * size for a long.
"""

from decimal import Decimal

from messages.values import ZERO, Money, Price, Quantity, Side

MONEY_STEP = Decimal("1E-12")
"""Every movement of money is rounded to this, so that sums of them are exact."""


def unrealized(*, side: Side, size: Quantity, entry: Price, price: Price) -> Money:
    """Profit if the position were closed at ``price``, before commission."""
    gain = (price - entry) * size
    return gain if side is Side.LONG else -gain


def liquidation_price(*, side: Side, size: Quantity, entry: Price, secured: Money, maintenance_rate: Decimal) -> Price:
    """Where ``secured`` and the position's profit together fall to its maintenance margin; zero when never."""
    if side is Side.LONG:
        return max(ZERO, (entry - secured / size) / (1 - maintenance_rate))
    return (entry + secured / size) / (1 + maintenance_rate)


def bankruptcy_price(*, side: Side, size: Quantity, entry: Price, secured: Money) -> Price:
    """Where ``secured`` is used up: a liquidation never fills worse, the venue's fund bears the rest."""
    if side is Side.LONG:
        return max(ZERO, entry - secured / size)
    return entry + secured / size
