"""Who is suspended and why: by an operator, or because something it requires cannot work."""

from collections.abc import Iterable

from actors.kernel.cell import Cell
from actors.kernel.runtime import Runtime
from actors.kernel.tree import Leaf


class Availability:
    """Holds on cells. A held cell starts and stops as ever; it is only delivered nothing."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._unavailable: set[str] = set()

    def apply(self, cell: Cell) -> None:
        """Hold a new cell for whatever it requires that cannot work now."""
        for path in cell.spec.requires:
            if path in self._unavailable:
                self.hold(cell, f"requires {path}", hold=True)

    def hold(self, cell: Cell, reason: str, *, hold: bool) -> None:
        """Add or take away one reason."""
        with cell.lock:
            cell.holds = cell.holds | {reason} if hold else cell.holds - {reason}
        self._runtime.trace(f"hold {cell.path} {reason} {hold}")
        cell.wake()

    def declare(self, path: str, leaves: Iterable[Leaf], *, available: bool) -> None:
        """Suspend or resume everybody who requires ``path``."""
        if available == (path not in self._unavailable):
            return
        if available:
            self._unavailable.discard(path)
        else:
            self._unavailable.add(path)
        for leaf in leaves:
            if path in leaf.cell.spec.requires:
                self.hold(leaf.cell, f"requires {path}", hold=not available)
