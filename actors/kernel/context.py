"""Everything an actor may take from the world: time, randomness, timers, children, its own address."""

import random
from collections.abc import Hashable, Mapping

from actors.kernel import timers
from actors.kernel.asks import Reply
from actors.kernel.cell import Cell, Incarnation
from actors.kernel.faults import StaleEpoch
from actors.kernel.ports import KernelPort
from actors.kernel.ref import Ref, cell_of
from actors.kernel.specs import ChildSpec


class Context:
    """One incarnation's window on the kernel; set before ``on_start``, not there yet in ``__init__``."""

    __slots__ = ("_cell", "_incarnation", "_kernel", "epoch", "path", "self_ref")

    def __init__(self, cell: Cell, incarnation: Incarnation, kernel: KernelPort) -> None:
        self._cell = cell
        self._incarnation = incarnation
        self._kernel = kernel
        self.path = cell.path
        self.epoch = incarnation.epoch
        self.self_ref = Ref(cell)

    @property
    def sender(self) -> Ref | None:
        """Who told the message in flight, if an actor did."""
        envelope = self._incarnation.envelope
        sender = envelope.sender if envelope is not None else None
        return Ref(sender) if isinstance(sender, Cell) else None

    @property
    def random(self) -> random.Random:
        """This address's randomness; in virtual time it comes from the seed."""
        source: random.Random = self._cell.random()
        return source

    def now_ms(self) -> int:
        """UTC wall clock in milliseconds."""
        return self._cell.home.runtime.now_ms()

    def monotonic_s(self) -> float:
        """Seconds that only ever grow."""
        return self._cell.home.runtime.monotonic_s()

    def new_id(self) -> str:
        """Sixteen characters of ``[a-z0-9]`` that do not come twice."""
        return self._cell.home.runtime.new_id(self.path)

    def schedule_once(self, key: Hashable, delay_s: float, message: object) -> None:
        """Tell myself ``message`` in ``delay_s`` seconds; replaces the timer of the same key.

        Raises:
            StaleEpoch: This incarnation was replaced.
        """
        timers.schedule(self._incarnation, key, delay_s, message, interval_s=None)

    def schedule_every(self, key: Hashable, interval_s: float, message: object) -> None:
        """Tell myself ``message`` every ``interval_s`` seconds; skipped while the last one is still unhandled.

        Raises:
            StaleEpoch: This incarnation was replaced.
        """
        timers.schedule(self._incarnation, key, interval_s, message, interval_s=interval_s)

    def cancel(self, key: Hashable) -> None:
        """Drop the timer of ``key``, also when its message already waits."""
        timers.cancel(self._incarnation, key)

    def spawn(self, spec: ChildSpec) -> Ref:
        """Start a child of mine; it is stopped with me.

        Raises:
            ValueError: The name is taken.
            StaleEpoch: This incarnation was replaced.
        """
        self.check_epoch()
        return Ref(self._kernel.spawn_under(self._cell, spec))

    def stop_child(self, name: str) -> None:
        """Stop and remove a child of mine; harmless when there is none of that name."""
        self._kernel.stop_path(f"{self.path}/{name}")

    def child(self, name: str) -> Ref | None:
        """A child of mine."""
        return self.children().get(name)

    def children(self) -> Mapping[str, Ref]:
        """My children by name."""
        return {name: Ref(cell) for name, cell in self._kernel.children_of(self._cell).items()}

    def watch(self, ref: Ref) -> None:
        """Tell me ``Terminated`` whenever an incarnation of ``ref`` ends, for as long as this incarnation lives."""
        self._kernel.watch(self._incarnation, cell_of(ref))

    def unwatch(self, ref: Ref) -> None:
        """No longer."""
        self._kernel.unwatch(self._incarnation, cell_of(ref))

    def ready(self) -> None:
        """I may be relied on: what comes after me in the start order may start (``explicit_ready``)."""
        self._kernel.is_ready(self._cell, self._incarnation)

    def set_available(self, available: bool) -> None:  # noqa: FBT001 - reads as the sentence it is
        """Say whether those who require me can work. The last word stands, also across my restarts."""
        if not self._incarnation.fenced:
            self._kernel.set_available(self._cell, available=available)

    def defer_reply(self) -> Reply:
        """Answer the ask in flight later; what ``on_receive`` returns is then ignored."""
        incarnation = self._incarnation
        envelope = incarnation.envelope
        promise = envelope.promise if envelope is not None else None
        if envelope is not None and promise is not None:
            if incarnation.deferred is None:
                incarnation.deferred = {}
            incarnation.deferred[promise] = None
        return Reply(incarnation, promise)

    def take_more(self, limit: int, types: tuple[type, ...]) -> list[object]:
        """Up to ``limit`` further tells of ``types`` that wait next in the lane of the message in flight.

        They join it in flight: settled together when ``on_receive`` returns; at a crash each counts as in flight.
        """
        return [envelope.message for envelope in self._cell.take_more(self._incarnation, limit, types)]

    def check_epoch(self) -> None:
        """Call before a durable effect.

        Raises:
            StaleEpoch: This incarnation was replaced.
        """
        if self._incarnation.fenced:
            raise StaleEpoch(f"{self.path} epoch {self.epoch} was replaced")

    def stop(self) -> None:
        """Stop me in order, after the message in flight."""
        runtime = self._cell.home.runtime
        if runtime.current().incarnation is self._incarnation:
            self._incarnation.stopping_itself = True
        else:
            runtime.decide(self._kernel.wants_to_stop, self._cell, self._incarnation)
