"""What the commands have in their hands: the living system, and how to have what they do written down."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final, Protocol

from actors import addresses
from actors.kernel import ActorSystem, DeadLetter, Notice, Ref
from messages.journal import Decision, EventRecord, Severity
from messages.settings import Mode
from messages.shell import CommandRefusedError, Role
from messages.status import StatusView
from messages.values import Epoch

NOTICES_KEPT: Final = 2_000
SHELL: Final = "shell"


class Session(Protocol):
    """The client that a command came from."""

    role: Role

    def send(self, event: object) -> None:
        """Give the client something before the answer."""
        ...

    def waited(self, seconds: float) -> bool:
        """Let so much time pass; False, at once, when the command should end: its client left, or said something."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One command as it was asked for, its arguments checked."""

    session: Session
    arguments: Mapping[str, Any]

    def text(self, name: str) -> str:
        """A text argument; empty when it was not given."""
        value = self.arguments.get(name, "")
        return str(value)

    def number(self, name: str, default: float) -> float:
        """A number, or ``default``."""
        return float(self.arguments.get(name, default))

    def flag(self, name: str) -> bool:
        """Whether the flag was given."""
        return bool(self.arguments.get(name, False))


class Notices:
    """The last notices of the kernel, for the history of an actor."""

    def __init__(self) -> None:
        self._kept: deque[Notice] = deque(maxlen=NOTICES_KEPT)

    def __call__(self, notice: Notice) -> None:
        """Keep ``notice``; dead letters are kept by the kernel itself."""
        if not isinstance(notice, DeadLetter):
            self._kept.append(notice)

    def of(self, path: str) -> tuple[Notice, ...]:
        """What was noticed of an actor, oldest first."""
        return tuple(notice for notice in tuple(self._kept) if notice.path == path)


@dataclass(slots=True, kw_only=True)
class Cockpit:
    """The living process, as the commands see it.

    Attributes:
        status: The picture that ``holdfast status`` shows.
        stop: Begins the ordered stop.
        explain: Why each order of a position was sent; ``None`` where there are no records to read.
        reload: Reads the settings again; gives what changed, a line each.
    """

    system: ActorSystem
    status: Callable[[], StatusView]
    mode: Mode
    account: str
    owner_epoch: int
    now_ms: Callable[[], int]
    stop: Callable[[], None]
    explain: Callable[[str], object] | None = None
    reload: Callable[[], list[str]] | None = None
    notices: Notices = field(default_factory=Notices)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def ref(self, path: str) -> Ref:
        """The actor at ``path``.

        Raises:
            CommandRefusedError: There is none; names the nearest ones.
        """
        try:
            return self.system.ref(path)
        except KeyError as error:
            raise CommandRefusedError("no_such_actor", str(error.args[0])) from error

    def venues(self) -> list[str]:
        """The venues that this process is connected to."""
        paths = self.system.paths()
        return [path.split("/")[1] for path in paths if path.startswith("exchange/") and path.endswith("/desk")]

    def next_number(self) -> int:
        """Counts what the shell has decided in this process; each client has a thread of its own."""
        return next(self._numbers)

    def write_down(self, session: Session, command: str, arguments: Mapping[str, Any]) -> None:
        """Put on record that somebody is about to do this."""
        said = " ".join((command, *(f"{name}={value}" for name, value in sorted(arguments.items()))))
        event = EventRecord(
            kind="operator_command",
            severity=Severity.WARNING,
            text=f"{session.role}: {said}",
            at_ms=self.now_ms(),
            subject=SHELL,
        )
        decision = Decision(
            decision_id=f"{SHELL}:{self.owner_epoch}.{self.next_number()}",
            path=SHELL,
            epoch=Epoch(owner=self.owner_epoch, actor=1),
            at_ms=event.at_ms,
            events=(event,),
        )
        self.ref(addresses.JOURNAL).tell(decision)
