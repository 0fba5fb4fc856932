"""Where actors live.

Refs are handed to constructors by role; an address is only kept where it must outlive an actor or a process.
"""

from collections.abc import Callable
from typing import TypeAlias

from actors.kernel import Ref
from messages.values import PositionKey, Venue

Directory: TypeAlias = Callable[[str], Ref | None]
"""Finds an actor by its address; ``None`` when none lives there."""

JOURNAL = "journal"
RISK = "risk"
CONNECTIONS = "monitor/connections"
SOURCE = "signal/source"
_DESK = "desk"
POSITIONS = "position"
"""The address below which every position lives."""


def exchange(venue: Venue, part: str) -> str:
    """The address of one part of a venue's connection."""
    return f"exchange/{venue}/{part}"


def desk(venue: Venue) -> str:
    """The address of a venue's desk."""
    return exchange(venue, _DESK)


def is_desk(path: str) -> bool:
    """Whether this is the address of a desk."""
    return path.startswith("exchange/") and path.endswith(f"/{_DESK}")


def check(venue: Venue) -> str:
    """The address of a venue's whole check."""
    return f"monitor/check/{venue}"


def zombies(venue: Venue) -> str:
    """The address of a venue's zombie monitor."""
    return f"monitor/zombie/{venue}"


def regime(venue: Venue) -> str:
    """The address of a venue's regime monitor."""
    return f"monitor/regime/{venue}"


def position_name(key: PositionKey) -> str:
    """The name of a position's actor below the positions of its venue."""
    return key.symbol if key.hedge_side is None else f"{key.symbol}/{key.hedge_side}"


def guard(venue: Venue) -> str:
    """The address of a venue's guard."""
    return f"monitor/guard/{venue}"


def positions(venue: Venue) -> str:
    """The address below which a venue's positions live."""
    return f"{POSITIONS}/{venue}"


def position(key: PositionKey) -> str:
    """The address of a position's actor."""
    return f"{positions(key.venue)}/{position_name(key)}"
