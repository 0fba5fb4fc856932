"""How a tree of actors is to be supervised: policy as data."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

import pykka


class Restart(Enum):
    """When an actor that ended is started again."""

    PERMANENT = "permanent"
    """Always, also after an orderly stop of its own."""
    TRANSIENT = "transient"
    """After a crash only; an orderly end removes it."""
    TEMPORARY = "temporary"
    """Never; any end removes it."""


class Strategy(Enum):
    """Which siblings are restarted with a child that failed."""

    ONE_FOR_ONE = "one_for_one"
    REST_FOR_ONE = "rest_for_one"
    ONE_FOR_ALL = "one_for_all"


class Dispatcher(Enum):
    """Where an actor's turns run."""

    POOL = "pool"
    """On a few shared threads; such an actor never blocks."""
    PINNED = "pinned"
    """On a thread of its own; for actors that own a connection or a file."""


OnExhausted = Literal["escalate", "park"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intensity:
    """More than ``max_restarts`` within ``within_s`` seconds is given up on."""

    max_restarts: int = 10
    within_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long a restart waits; all in seconds.

    Attributes:
        first_s: Before the first restart after a healthy time.
        initial_s: Before the second; each further one waits ``factor`` times as long, at most ``cap_s``.
        jitter: Share of the delay by which it varies either way.
        reset_after_s: An uptime from which the count starts over.
    """

    first_s: float = 0.0
    initial_s: float = 0.05
    factor: float = 2.0
    cap_s: float = 30.0
    jitter: float = 0.1
    reset_after_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """One actor: how it is made, and what is done when it fails.

    Attributes:
        name: Last part of its path; may contain slashes (``bybit/BTCUSDT``).
        factory: Makes a fresh actor for every incarnation; runs on the actor's own thread or turn.
        on_exhausted: ``escalate`` fails the group; ``park`` keeps address and mailbox and tells the watchers.
        hang_timeout_s: How long one message may stay in flight; ``None`` for as long as it likes.
        explicit_ready: The start order waits until the actor calls ``context.ready()``.
        requires: Paths whose ``set_available(False)`` suspends this actor.
        mailbox_limit: Messages that may wait; beyond it the oldest of the lowest lane becomes a dead letter.
    """

    name: str
    factory: Callable[[], pykka.Actor]
    restart: Restart = Restart.PERMANENT
    backoff: Backoff = field(default_factory=Backoff)
    intensity: Intensity = field(default_factory=Intensity)
    on_exhausted: OnExhausted = "escalate"
    dispatcher: Dispatcher = Dispatcher.POOL
    hang_timeout_s: float | None = 30.0
    explicit_ready: bool = False
    start_timeout_s: float = 30.0
    stop_timeout_s: float = 5.0
    requires: tuple[str, ...] = ()
    mailbox_limit: int = 100_000

    def __post_init__(self) -> None:
        """Refuse what could never work, where it was written.

        Raises:
            ValueError: An empty name, or one that starts or ends with a slash; a mailbox without room.
        """
        check_name(self.name)
        if self.mailbox_limit < 1:
            raise ValueError(f"{self.name}: mailbox_limit must be at least 1, not {self.mailbox_limit}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSpec:
    """An ordered group of actors and groups under one strategy.

    ``intensity.max_restarts`` is per child: the group's own limit is that times the number of its children.
    """

    name: str
    strategy: Strategy = Strategy.ONE_FOR_ONE
    children: "Sequence[ChildSpec | GroupSpec]" = ()
    intensity: Intensity = field(default_factory=Intensity)
    backoff: Backoff = field(default_factory=Backoff)

    def __post_init__(self) -> None:
        """Refuse what could never work, where it was written.

        Raises:
            ValueError: An empty name, or two children of one name.
        """
        check_name(self.name)
        names = [child.name for child in self.children]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"group {self.name}: two children are called {', '.join(twice)}")


def check_name(name: str) -> None:
    """Raise ``ValueError`` for a name that cannot be part of a path."""
    if not name or name.startswith("/") or name.endswith("/"):
        raise ValueError(f"not a name for an actor or group: {name!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutdownPhase:
    """One step of an ordered shutdown: every target is asked ``message`` and has ``deadline_s`` seconds to answer.

    A target that ends with ``/`` is every actor below it, as they are when the phase begins.
    """

    name: str
    deadline_s: float
    targets: Sequence[str]
    message: object


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseReport:
    """How one phase went: who answered, and who did not and why; ``seconds`` it took."""

    name: str
    answered: tuple[str, ...]
    unanswered: dict[str, str]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutdownReport:
    """How a shutdown went; ``stopped`` is whether the whole tree stopped in order and in time."""

    phases: tuple[PhaseReport, ...]
    stopped: bool
    seconds: float

    @property
    def clean(self) -> bool:
        """Whether everybody answered and everything stopped."""
        return self.stopped and not any(phase.unanswered for phase in self.phases)
