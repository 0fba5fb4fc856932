"""What the paper exchange knows of its clients."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from adapters.simulator.state import VenueEvent
from messages.market import Tick
from messages.values import Symbol


class Subscriber(Protocol):
    """A client's streams, as the exchange sees them."""

    def publish(self, events: Sequence[VenueEvent], *, late_s: float) -> None:
        """Private events, in order, to be delivered ``late_s`` later than usual."""
        ...

    def tick(self, tick: Tick) -> None:
        """A price."""
        ...

    def wants(self, symbol: Symbol) -> bool:
        """Whether ticks of ``symbol`` are wanted now."""
        ...

    def drop(self, for_s: float) -> None:
        """Lose the connection; it may come back after ``for_s`` seconds."""
        ...


@dataclass(slots=True)
class Session:
    """What the venue's gateway knows of one client: by how much that client believes our clock to be off."""

    clock_offset_ms: int = 0
