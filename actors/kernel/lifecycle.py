"""Starting and stopping of single actors: orders given to incarnations, and what is done when they are not obeyed."""

from collections.abc import Callable

from actors.kernel.cell import Cell, Incarnation, Order, Status
from actors.kernel.ports import KernelPort
from actors.kernel.runtime import Runtime
from actors.kernel.tree import Leaf
from actors.kernel.turn import Turn


class Lifecycle:
    """Level-triggered: ``start`` and ``stop`` may be called as often as one likes; they tell whether it is so."""

    def __init__(
        self,
        *,
        runtime: Runtime,
        port: KernelPort,
        turn: type[Turn],
        start_timed_out: Callable[[Cell, Incarnation], None],
        stop_timed_out: Callable[[Cell, Incarnation], None],
    ) -> None:
        self._runtime = runtime
        self._port = port
        self._turn = turn
        self._start_timed_out = start_timed_out
        self._stop_timed_out = stop_timed_out

    def start(self, leaf: Leaf) -> bool:
        """Whether the actor is up, or never will be (parked, removed); begins an incarnation if it is down."""
        cell = leaf.cell
        match cell.status:
            case Status.RUNNING:
                incarnation = cell.incarnation
                return incarnation is not None and incarnation.ready
            case Status.PARKED | Status.REMOVED:
                return True
            case Status.DOWN:
                if leaf.brood is None or not leaf.brood.children:
                    self._begin(cell)
                return False
            case Status.STARTING | Status.STOPPING:
                return False

    def stop(self, leaf: Leaf) -> bool:
        """Whether the actor is down; orders it to stop if it is not. A parked one may be started again after it."""
        cell = leaf.cell
        match cell.status:
            case Status.DOWN | Status.REMOVED:
                return True
            case Status.PARKED:
                cell.status = Status.DOWN
                return True
            case Status.STARTING | Status.RUNNING:
                self._order_stop(cell)
                return False
            case Status.STOPPING:
                return False

    def _begin(self, cell: Cell) -> None:
        cell.status = Status.STARTING
        with cell.lock:
            if cell.void:
                return
            cell.epoch += 1
            incarnation = Incarnation(cell, cell.epoch, self._runtime.monotonic_s())
            incarnation.turn = self._turn(cell, incarnation, self._port, self._runtime)
            incarnation.watched_start = self._runtime.call_later(
                cell.spec.start_timeout_s, lambda: self._runtime.decide(self._start_timed_out, cell, incarnation)
            )
            cell.incarnation = incarnation
        self._runtime.trace(f"begin {cell.path} {cell.epoch}")
        cell.wake()

    def _order_stop(self, cell: Cell) -> None:
        with cell.lock:
            incarnation = cell.incarnation
            if incarnation is None:
                return  # it just crashed: the report is on its way
            incarnation.order = Order.STOP
            incarnation.open = False
        cell.status = Status.STOPPING
        self._runtime.trace(f"stop {cell.path} {cell.epoch}")
        incarnation.giving_up = self._runtime.call_later(
            cell.spec.stop_timeout_s, lambda: self._runtime.decide(self._stop_timed_out, cell, incarnation)
        )
        cell.wake()
