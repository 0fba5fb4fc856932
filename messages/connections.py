"""How the connections stand that are held open: streams of venues, the signal server."""

from dataclasses import dataclass
from typing import ClassVar

from messages.delivery import Delivery, Lane

_SAFE_TO_REPEAT = Delivery(lane=Lane.NORMAL, idempotent=True)
_CONTROL = Delivery(lane=Lane.CONTROL, idempotent=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSeen:
    """Whoever holds a connection saw it ``up`` or down; may be told again. ``detail`` says why it is down."""

    DELIVERY: ClassVar[Delivery] = _SAFE_TO_REPEAT

    name: str
    up: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockMeasured:
    """The clock of the venue at ``name`` is ahead of ours by ``ahead_ms``; negative when it is behind."""

    DELIVERY: ClassVar[Delivery] = _SAFE_TO_REPEAT

    name: str
    ahead_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeConnections:
    """Asked of the connection monitor; answered with ConnectionsSummary."""

    DELIVERY: ClassVar[Delivery] = _CONTROL


@dataclass(frozen=True, slots=True, kw_only=True)
class LostConnection:
    """One that is down for longer than people should have to find out by themselves."""

    name: str
    since_ms: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionsSummary:
    """The connections that are lost now."""

    lost: tuple[LostConnection, ...]
