"""Which addresses there are, and what must outlast them: epochs that only grow, counters that still add up."""

import threading
import weakref
from collections.abc import Callable

from actors.kernel.cell import Cell, Home, Status
from actors.kernel.inspection import NOTHING, Conservation, conservation_of
from actors.kernel.mailbox import Mailbox
from actors.kernel.specs import ChildSpec

EPOCHS_REMEMBERED = 10_000
"""Removed addresses whose next incarnation, should they come back, is still a later one than their last."""

NewCell = Callable[..., Cell]


class Registry:
    """Cells by path. Safe from any thread: an address is taken the moment somebody asks for it."""

    def __init__(self, *, home: Home, mailbox: type[Mailbox], cell: NewCell) -> None:
        self._home = home
        self._mailbox = mailbox
        self._cell = cell
        self._lock = threading.Lock()
        self._numbers = 0
        self._epochs: dict[str, int] = {}
        self._removed: weakref.WeakValueDictionary[str, Cell] = weakref.WeakValueDictionary()
        self._former = NOTHING
        self.cells: dict[str, Cell] = {}

    def register(self, path: str, spec: ChildSpec) -> Cell:
        """Take an address; the cell of a removed one comes back if anybody still holds a ref to it.

        Raises:
            ValueError: It is taken.
        """
        with self._lock:
            if path in self.cells:
                raise ValueError(f"the address {path} is taken")
            cell = self._removed.pop(path, None)
            epoch = self._epochs.pop(path, 0)
            if cell is None:
                self._numbers += 1
                mailbox = self._mailbox(spec.mailbox_limit)
                cell = self._cell(home=self._home, path=path, spec=spec, mailbox=mailbox, number=self._numbers)
                cell.epoch = epoch
            else:
                cell.reopen(spec)
            self.cells[path] = cell
        return cell

    def forget(self, cell: Cell) -> None:
        """Free an address: what waits there, and what still comes, are dead letters."""
        cell.status = Status.REMOVED
        cell.close("stopped")  # before the address is free, or a newcomer's mailbox would be drained
        with self._lock:
            if self.cells.get(cell.path) is not cell:
                return
            del self.cells[cell.path]
            self._removed[cell.path] = cell
            self._epochs[cell.path] = cell.epoch
            if len(self._epochs) > EPOCHS_REMEMBERED:
                del self._epochs[next(iter(self._epochs))]
            told, handled, dead_lettered = cell.hand_over_counts()
            self._former += Conservation(told=told, handled=handled, dead_lettered=dead_lettered, queued=0)

    def conservation(self) -> Conservation:
        """Where all messages went that were ever told here."""
        with self._lock:
            cells = (*self.cells.values(), *self._removed.values())
            former = self._former
        return sum(map(conservation_of, cells), former)
