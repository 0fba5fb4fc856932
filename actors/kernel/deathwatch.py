"""Who is told when an incarnation ends. Only the kernel's decisions come here."""

from actors.kernel.cell import Cell, Incarnation, Status
from actors.kernel.notices import Terminated
from actors.kernel.runtime import Runtime
from actors.kernel.tree import Leaf


class DeathWatch:
    """A watch belongs to the incarnation that asked for it, and ends with it."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def watch(self, watcher: Incarnation, target: Cell, leaf: Leaf | None) -> None:
        """Begin; a target that is parked or gone is reported at once."""
        if leaf is None:
            self._tell(watcher, target.path, target.epoch, "removed", will_restart=False)
            return
        leaf.watchers[watcher.cell] = watcher.epoch
        if target.status is Status.PARKED:
            self._tell(watcher, target.path, target.epoch, "parked", will_restart=False)

    def unwatch(self, watcher: Incarnation, leaf: Leaf | None) -> None:
        """No longer."""
        if leaf is not None and leaf.watchers.get(watcher.cell) == watcher.epoch:
            del leaf.watchers[watcher.cell]

    def ended(self, leaf: Leaf, epoch: int, reason: str, *, will_restart: bool) -> None:
        """Tell the watchers that still live."""
        for watcher, watching_epoch in tuple(leaf.watchers.items()):
            incarnation = watcher.incarnation
            if incarnation is None or incarnation.epoch != watching_epoch:
                del leaf.watchers[watcher]
            else:
                self._tell(incarnation, leaf.path, epoch, reason, will_restart=will_restart)

    def _tell(self, watcher: Incarnation, path: str, epoch: int, reason: str, *, will_restart: bool) -> None:
        watcher.cell.post(
            Terminated(path=path, at_ms=self._runtime.now_ms(), epoch=epoch, reason=reason, will_restart=will_restart)
        )
