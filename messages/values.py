"""The words everything else is said in: symbols, sides, prices, quantities, identities.

Prices and quantities are :class:`~decimal.Decimal` throughout. A quantity is in the venue's own unit (base coin, or
contracts where the instrument has a contract size other than 1).
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NewType, TypeAlias

Price: TypeAlias = Decimal
Quantity: TypeAlias = Decimal
Money: TypeAlias = Decimal
Venue = NewType("Venue", str)
Symbol = NewType("Symbol", str)
"""Normalised, without separators: ``BTCUSDT``. Adapters translate to and from each venue's spelling."""
PositionId = NewType("PositionId", str)
"""One life of a position: 16 characters of ``[a-z0-9]``, new with each opening or adoption."""
ClientOrderId = NewType("ClientOrderId", str)
"""``^[A-Za-z0-9]{1,32}$``: the strictest of the venues' rules (OKX)."""
VenueOrderId = NewType("VenueOrderId", str)
IntentId = NewType("IntentId", str)

ZERO = Decimal(0)


class Side(StrEnum):
    """The side of a position."""

    LONG = "long"
    SHORT = "short"


class OrderSide(StrEnum):
    """The side of an order."""

    BUY = "buy"
    SELL = "sell"


class OrderKind(StrEnum):
    """What makes an order execute: at once, at a price, or when a trigger price is reached."""

    MARKET = "market"
    LIMIT = "limit"
    STOP_MARKET = "stop_market"
    TAKE_PROFIT_MARKET = "take_profit_market"


class OrderPurpose(StrEnum):
    """Why Holdfast sent an order."""

    ENTRY = "entry"
    STOP = "stop"
    TAKE_PROFIT_1 = "take_profit_1"
    TAKE_PROFIT_2 = "take_profit_2"
    CLOSE = "close"
    AGED = "aged"
    GUARD = "guard"
    CANARY = "canary"


class TriggerSource(StrEnum):
    """Which price a conditional order watches."""

    MARK = "mark"
    LAST = "last"


class MarginMode(StrEnum):
    """Whether a position's margin is its own or the account's."""

    ISOLATED = "isolated"
    CROSS = "cross"


@dataclass(frozen=True, slots=True, order=True)
class Epoch:
    """Who may write: the process's ownership of the account, then the incarnation of the actor.

    A later owner outranks every incarnation of an earlier one.
    """

    owner: int
    actor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionKey:
    """Where a position lives. ``hedge_side`` is set in hedge mode only, where both sides may exist at once."""

    venue: Venue
    symbol: Symbol
    hedge_side: Side | None = None
