"""Between the guard, the positions that it judges, and the market that they are judged by (S13)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from messages.delivery import Delivery, Lane
from messages.market import Tick
from messages.positions import PositionSummary
from messages.state import RiskLevel
from messages.values import PositionId

_SAFE_TO_REPEAT = Delivery(lane=Lane.NORMAL, idempotent=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectPosition:
    """Told to a position: have the guard at ``path`` know how it stands, and at which price."""

    DELIVERY: ClassVar[Delivery] = _SAFE_TO_REPEAT

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotePosition:
    """Told to the market actor: pass this on to ``path``, with the newest price."""

    DELIVERY: ClassVar[Delivery] = _SAFE_TO_REPEAT

    path: str
    summary: PositionSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionQuoted:
    """Told to the guard: a position, and the newest price of its symbol."""

    DELIVERY: ClassVar[Delivery] = _SAFE_TO_REPEAT

    summary: PositionSummary
    tick: Tick


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskJudged:
    """Told to a position: the level of its risk is another one, by the price of ``tick``.

    Attributes:
        health: From 0 to 100; ``why`` is what it is made of.
        due: It has become worse, and asks for something to be done.
        acts: It is to be done, not only told.
    """

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.PROTECTIVE, idempotent=True)

    position_id: PositionId
    level: RiskLevel
    health: Decimal
    why: str
    due: bool
    acts: bool
    tick: Tick
