"""What the kernel tells: to watchers (``Terminated``) and to subscribers (everything else)."""

from dataclasses import dataclass
from typing import ClassVar

from messages.delivery import Delivery, Lane

CONTROL = Delivery(lane=Lane.CONTROL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that the kernel observed; ``at_ms`` is UTC milliseconds."""

    DELIVERY: ClassVar[Delivery] = CONTROL

    path: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminated(Notice):
    """An incarnation of a watched actor ended.

    Attributes:
        reason: ``crashed``, ``hung``, ``stopped``, ``restarted``, ``parked`` or ``removed``.
        will_restart: Whether another incarnation follows without anybody's help.
    """

    epoch: int
    reason: str
    will_restart: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorCrashed(Notice):
    """An exception left an actor, or it hung; ``restart_in_s`` is ``None`` when it is not restarted."""

    epoch: int
    error: str
    fingerprint: str
    message: str | None
    restart_in_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorRestarted(Notice):
    """A later incarnation is ready; ``down_s`` is how long nothing was handled."""

    epoch: int
    down_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorParked(Notice):
    """An actor failed too often; address and mailbox are kept, nothing is handled until it is restarted by hand."""

    epoch: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorHung(Notice):
    """A message was in flight for too long; the incarnation is fenced and replaced."""

    epoch: int
    message: str
    seconds: float
    stack: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorRemoved(Notice):
    """An actor left the tree for good; what waited for it became dead letters."""

    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupEscalated(Notice):
    """A group gave up on its children and is restarted as a whole by the group above it."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemFailed(Notice):
    """The root group gave up: the tree is being stopped and the process should end."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentOpened(Notice):
    """The first crash with a fingerprint; later ones fold into it. One alert is enough."""

    fingerprint: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter(Notice):
    """A message that nobody will handle.

    Attributes:
        reason: ``stopped``, ``crashed``, ``hung``, ``expired``, ``overflow``, ``stale sender`` or ``ask expired``.
        age_s: Seconds between tell and now.
        sender: Path of the actor that told it, if an actor did.
        traceback: Of the crash that it was in flight at; empty otherwise.
        count: How many tells it stands for (conflated messages).
        number: Counts the dead letters of this process, from 1.
    """

    message: object
    reason: str
    age_s: float
    sender: str | None
    traceback: str
    count: int
    number: int = 0
