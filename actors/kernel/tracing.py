"""What a traced actor handles: one record a message, while somebody looks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """One message that an actor handled, or crashed at.

    Attributes:
        at_ms: When it was done, UTC milliseconds.
        sender: Path of the actor that told it, if an actor did.
        waited_s: From the tell to the turn.
        took_s: The turn itself.
        outcome: ``handled`` or ``crashed``.
    """

    path: str
    at_ms: int
    message: object
    sender: str | None
    waited_s: float
    took_s: float
    outcome: str


Tracer: TypeAlias = Callable[[Handled], None]
"""Called on the traced actor's thread, so it must be quick; what it raises is ignored."""
