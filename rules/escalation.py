"""What is tried, one after the other, when a position must be closed and the venue does not let it (F6, F8).

Invariants:
1. After the last rung comes the first again: nothing is given up while anything is open.
2. A close is never larger than what is open, nor than the venue's largest order of its kind.
3. Slices of one round are as many as the rung says or fewer, and close what is open.
4. A limit close never reaches further through the price than its rung allows.
5. The wait before the next try is never longer than the longest one.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from messages.instruments import Instrument
from messages.reasons import Rule
from messages.values import ZERO, Price, Quantity, Side
from messages.venue import RejectReason
from rules.rounding import floor_quantity, percent_of, round_stop

LIMIT_LIFE_MS: Final = 1_000
"""How long a limit close may rest before the next rung follows."""
FIRST_WAIT_MS: Final = 100
LONGEST_WAIT_MS: Final = 5_000
OVERDUE_MS: Final = 30_000
"""A close that was decided this long ago, while something is still open, is a matter for a person (S15)."""
OVERDUE_AGAIN_MS: Final = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One way to close.

    Attributes:
        bands: For a limit order: how many times the price band of the settings it may reach through the price;
            ``None`` is a market order.
        parts: Into how many orders what was opened is cut; doubled with each further round.
    """

    rule: Rule
    bands: int | None = None
    parts: int = 1


LADDER: Final = (
    Rung(rule=Rule.CLOSE_AT_MARKET),
    Rung(rule=Rule.CLOSE_INSIDE_BAND, bands=1),
    Rung(rule=Rule.CLOSE_IN_SLICES, parts=4),
    Rung(rule=Rule.CLOSE_CAPPED, bands=4),
)
_SLICES: Final = next(number for number, rung in enumerate(LADDER) if rung.rule is Rule.CLOSE_IN_SLICES)


def rung_of(attempts: int) -> Rung:
    """The way to close after ``attempts`` that did not."""
    return LADDER[attempts % len(LADDER)]


def attempts_after(attempts: int, reason: RejectReason) -> int:
    """How far up the ladder a refusal leads: one rung, or as far as the next slices where the size was refused."""
    following = attempts + 1
    if reason is not RejectReason.SIZE:
        return following
    return following + (_SLICES - following) % len(LADDER)


def wait_ms(attempts: int, reason: RejectReason | None) -> int:
    """How long to wait before the next try; not at all after the refusal of a price."""
    if reason is RejectReason.PRICE_BAND and attempts <= len(LADDER):
        return 0
    return min(FIRST_WAIT_MS << min(attempts, 16), LONGEST_WAIT_MS)


def close_quantity(*, attempts: int, exposed: Quantity, opened: Quantity, instrument: Instrument) -> Quantity:
    """How much the next close is for.

    Slices are counted from what was ``opened``, so that each round ends. What would be left under the venue's least
    quantity is closed with the slice before it, or is a slice of its own where that is over the largest.
    """
    rung = rung_of(attempts)
    # Where the venue has made its step coarser, what is off it can be ordered by nobody.
    exposed = floor_quantity(exposed, instrument.quantity_step) or exposed
    largest = instrument.max_quantity if rung.bands is not None else instrument.max_market_quantity
    if largest is None:
        largest = instrument.max_quantity
    quantity = exposed
    if rung.parts > 1:
        parts = rung.parts * 2 ** min(attempts // len(LADDER), 10)
        slice_of_all = _on_the_step(max(opened, exposed) / parts, instrument)
        quantity = min(exposed, max(slice_of_all, instrument.min_quantity))
    if largest is not None and quantity > largest:
        quantity = max(largest // instrument.quantity_step, Decimal(1)) * instrument.quantity_step
    rest = exposed - quantity
    if ZERO < rest < instrument.min_quantity and (largest is None or exposed <= largest):
        return exposed
    return quantity


def close_price(*, rung: Rung, side: Side, price: Price | None, band_percent: Decimal, tick: Price) -> Price | None:
    """The worst price at which a close of ``rung`` may fill; ``None``: it is a market order, or no price is known."""
    if rung.bands is None or price is None:
        return None
    distance = percent_of(price, band_percent * rung.bands)
    return max(round_stop(price - distance if side is Side.LONG else price + distance, tick=tick, side=side), tick)


def _on_the_step(quantity: Quantity, instrument: Instrument) -> Quantity:
    """Rounded up, so that the parts are not one more than they should be."""
    step = instrument.quantity_step
    return (quantity // step + (1 if quantity % step else 0)) * step
