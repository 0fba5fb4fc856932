"""What sizes, distances, additions and partial closes are chosen by (S3)."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from messages.delivery import Delivery, Lane
from messages.values import Symbol, Venue


class Regime(StrEnum):
    """How a market has been moving lately."""

    TRENDING = "trending"
    RANGING = "ranging"
    CHOPPY = "choppy"


class BalanceProfile(StrEnum):
    """How large the account is."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketConditions:
    """Told to the risk actor and the guard when a candle closes: how a market moves.

    Attributes:
        regime: ``None`` while there are too few candles to say.
        distance_factor: What distances of stops and take profits are multiplied by; 1 while that is not known.
        volatility_ratio: Average true range now / usual, not cut to bounds; ``None`` while that is not known.
    """

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.NORMAL, idempotent=True)

    venue: Venue
    symbol: Symbol
    regime: Regime | None
    distance_factor: Decimal
    volatility_ratio: Decimal | None = None
