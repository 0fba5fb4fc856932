"""How the kernel treats a message while it waits: declared on the message's type, as ``DELIVERY``.

A type without a ``DELIVERY`` gets the defaults: normal lane, no time to live, not retried after a crash.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class Lane(IntEnum):
    """The order in which one mailbox serves its messages; first in, first out within a lane."""

    CONTROL = 0
    PROTECTIVE = 1
    NORMAL = 2
    BULK = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflation:
    """Waiting messages with one key become one message, so that a burst costs one turn and loses nothing.

    Attributes:
        key: What makes two messages of the type the same subject.
        merge: ``merge(waiting, arriving)`` gives the message that stands for both.
    """

    key: Callable[[Any], Hashable]
    merge: Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message type's delivery rules.

    Attributes:
        lane: Which lane of the mailbox it waits in.
        ttl_s: Seconds after which a message that still waits becomes a dead letter; ``None`` never.
        idempotent: Whether a message in flight at a crash may be handled again; others become dead letters.
        conflation: How waiting messages merge; ``None`` keeps each.
    """

    lane: Lane = Lane.NORMAL
    ttl_s: float | None = None
    idempotent: bool = False
    conflation: Conflation | None = None


DEFAULT_DELIVERY = Delivery()


def delivery_of(message: object) -> Delivery:
    """The delivery rules of ``message``'s type."""
    delivery: Delivery = getattr(type(message), "DELIVERY", DEFAULT_DELIVERY)
    return delivery
