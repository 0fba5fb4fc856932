"""What turns and contexts need from the kernel, so that neither knows how it decides."""

from typing import Protocol

from actors.kernel.cell import Cell, Incarnation
from actors.kernel.crash import CrashRecord
from actors.kernel.specs import ChildSpec


class KernelPort(Protocol):
    """Reports from turns, and requests from actors. All return at once."""

    def started(self, cell: Cell, incarnation: Incarnation) -> None:
        """``on_start`` returned."""
        ...

    def is_ready(self, cell: Cell, incarnation: Incarnation) -> None:
        """The actor may be relied on."""
        ...

    def crashed(self, cell: Cell, incarnation: Incarnation, record: CrashRecord) -> None:
        """An exception left the actor; the incarnation is already fenced and its slot settled."""
        ...

    def stopped(self, cell: Cell, incarnation: Incarnation) -> None:
        """``on_stop`` returned; the incarnation is already fenced."""
        ...

    def wants_to_stop(self, cell: Cell, incarnation: Incarnation) -> None:
        """The actor asked to be stopped."""
        ...

    def spawn_under(self, cell: Cell, spec: ChildSpec) -> Cell:
        """Make a child of an actor."""
        ...

    def stop_path(self, path: str) -> None:
        """Stop and remove an actor."""
        ...

    def children_of(self, cell: Cell) -> dict[str, Cell]:
        """The living children of an actor by name."""
        ...

    def watch(self, watcher: Incarnation, target: Cell) -> None:
        """Tell ``watcher`` when an incarnation of ``target`` ends."""
        ...

    def unwatch(self, watcher: Incarnation, target: Cell) -> None:
        """No longer."""
        ...

    def set_available(self, cell: Cell, *, available: bool) -> None:
        """Suspend or resume whoever requires ``cell``."""
        ...
