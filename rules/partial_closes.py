"""Whether closing a part of a position is worth an order (S9).

The least value that a venue asks for is that of an opening order; what reduces is exempt from it.

Invariants:
1. A partial close never closes the whole position, and never leaves less than the venue's minimum.
2. A partial close is on the venue's step, and not more than was asked for.
3. A partial close is worth the least value of its balance profile, twice that while the market is trending.
4. A partial close is not under the venue's least quantity.
5. A close that is skipped names its reason, with the figures.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from messages.conditions import BalanceProfile, Regime
from messages.instruments import Instrument
from messages.values import ZERO, Money, Price, Quantity
from rules.rounding import floor_quantity, notional

LEAST_VALUE_USD: Final[Mapping[BalanceProfile, Money]] = MappingProxyType(
    {BalanceProfile.SMALL: Decimal(3), BalanceProfile.MEDIUM: Decimal(5), BalanceProfile.LARGE: Decimal(10)}
)
_TRENDING_TIMES: Final = 2


class SkipReason(StrEnum):
    """Why a partial close is not made."""

    NOTHING = "nothing"
    WHOLE_POSITION = "whole_position"
    LEAVES_TOO_LITTLE = "leaves_too_little"
    UNDER_MIN_QUANTITY = "under_min_quantity"
    UNDER_MIN_VALUE = "under_min_value"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialClose:
    """Close ``quantity``, in the venue's unit."""

    quantity: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialCloseSkipped:
    """Nothing is closed: the first ``reason`` that was found, and the figures in ``text``."""

    reason: SkipReason
    text: str


def least_close_value(*, profile: BalanceProfile, regime: Regime, set_usd: Money | None) -> Money:
    """The least value of a partial close in the quote currency.

    ``set_usd`` (MIN_PARTIAL_CLOSE_VALUE_USD) takes the place of the profile's figure; a trend doubles either.
    """
    least = LEAST_VALUE_USD[profile] if set_usd is None else set_usd
    return least * _TRENDING_TIMES if regime is Regime.TRENDING else least


def partial_close(
    *, wanted: Quantity, position_quantity: Quantity, price: Price, instrument: Instrument, least_value_usd: Money
) -> PartialClose | PartialCloseSkipped:
    """What is closed when ``wanted`` of ``position_quantity`` is to go at about ``price``."""
    quantity = floor_quantity(wanted, instrument.quantity_step)
    if quantity <= ZERO:
        return _skipped(SkipReason.NOTHING, f"{wanted} is less than one step of {instrument.quantity_step}")
    if quantity >= position_quantity:
        return _skipped(SkipReason.WHOLE_POSITION, f"{quantity} is all of the {position_quantity} that are open")
    if quantity < instrument.min_quantity:
        return _skipped(
            SkipReason.UNDER_MIN_QUANTITY, f"{quantity} is under the venue's minimum of {instrument.min_quantity}"
        )
    rest = position_quantity - quantity
    if rest < instrument.min_quantity:
        return _skipped(
            SkipReason.LEAVES_TOO_LITTLE,
            f"{quantity} of {position_quantity} would leave {rest}, under the venue's minimum of "
            f"{instrument.min_quantity}",
        )
    value = notional(quantity=quantity, price=price, contract_size=instrument.contract_size)
    if value < least_value_usd:
        return _skipped(
            SkipReason.UNDER_MIN_VALUE,
            f"{quantity} x {instrument.contract_size} x {price} is {value}, under the least value of {least_value_usd}",
        )
    return PartialClose(quantity=quantity)


def _skipped(reason: SkipReason, text: str) -> PartialCloseSkipped:
    return PartialCloseSkipped(reason=reason, text=text)
