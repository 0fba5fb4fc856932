"""What outlives the risk actor: what it has let others open, and why opening is paused."""

from dataclasses import dataclass, field

from messages.supervision import ConsiderSignal
from messages.values import Money
from rules.limits import Book


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A place that was given to a signal, which nothing was heard of yet; ``key`` as the book has it."""

    considered: ConsiderSignal
    key: str
    notional: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskMemory:
    """Nobody else could tell it again: a position that waits for the venue's answers has no record yet."""

    under_way: dict[str, Reservation] = field(default_factory=dict)
    pauses: dict[str, str] = field(default_factory=dict)

    def book(self) -> Book:
        """What is being opened, and nothing yet that is open."""
        return Book(
            reserved={name: each.notional for name, each in self.under_way.items()},
            reserved_keys={name: each.key for name, each in self.under_way.items()},
        )
