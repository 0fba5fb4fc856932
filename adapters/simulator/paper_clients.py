"""What the paper exchange and its clients know of each other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from adapters.simulator.paper_config import Clock, Scheduler
from adapters.simulator.state import VenueEvent
from messages.instruments import Capabilities
from messages.market import Tick
from messages.values import Symbol, Venue
from messages.venue import RateUsed, RateWindow, VenueAnswer, VenueRequest


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


class Carrier(Protocol):
    """What carries a client's requests to the exchange and the answers back: the exchange itself, or a wire to it."""

    scheduler: Scheduler
    clock: Clock

    @property
    def venue(self) -> Venue:
        """Whose account it is."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What the venue offers to its clients."""
        ...

    @property
    def windows(self) -> Sequence[RateWindow]:
        """The venue's limits."""
        ...

    def cost(self, request: VenueRequest) -> Mapping[str, int]:
        """What ``request`` uses up, by the name of the rate window."""
        ...

    def used(self) -> Mapping[str, RateUsed]:
        """What was said last about the limits, by the name of the rate window."""
        ...

    def carry(self, request: VenueRequest, session: Session, answered: Callable[[VenueAnswer], None]) -> None:
        """Carry a request there; ``answered`` is called when, and if, the answer arrives."""
        ...

    def boundary(self, name: str) -> None:
        """Tell a crash harness where we are."""
        ...
