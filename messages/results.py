"""What positions came to, on its way from the record to the risk actor."""

from dataclasses import dataclass
from typing import ClassVar

from messages.delivery import Delivery, Lane
from messages.journal import PositionResult

_PROTECTIVE = Delivery(lane=Lane.PROTECTIVE, idempotent=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreResults:
    """Ask the journal what positions closed since ``since_ms`` came to; answered with ResultsRestored."""

    DELIVERY: ClassVar[Delivery] = _PROTECTIVE

    path: str
    since_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsRestored:
    """The results on record; told again when a database that was away is back.

    ``locks``: why nothing is opened on a symbol, for each that a person has locked.
    """

    DELIVERY: ClassVar[Delivery] = _PROTECTIVE

    results: tuple[PositionResult, ...]
    locks: tuple[tuple[str, str], ...] = ()
