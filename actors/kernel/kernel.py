"""All supervision decisions, one after another; never runs an actor's code, never waits.

Whatever is called from elsewhere (turns, contexts, the system) returns at once; what it decides comes through
``runtime.decide``, so that decisions never overlap.
"""

from collections.abc import Callable
from dataclasses import dataclass

from actors.kernel.availability import Availability
from actors.kernel.cell import Cell, Home, Incarnation, Status
from actors.kernel.crash import CrashRecord
from actors.kernel.deathwatch import DeathWatch
from actors.kernel.faults import Abandoned, Hung, KernelError, StartTimedOut, StopTimedOut
from actors.kernel.judge import Judge
from actors.kernel.lifecycle import Lifecycle
from actors.kernel.mailbox import Mailbox
from actors.kernel.notices import ActorHung, ActorRemoved, ActorRestarted, Notice
from actors.kernel.plan import Driver
from actors.kernel.registry import Registry
from actors.kernel.runtime import Gate, Runtime
from actors.kernel.specs import ChildSpec, GroupSpec, Restart
from actors.kernel.tree import Group, Leaf, Node, join
from actors.kernel.turn import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The classes a system is made of. A test plants a mistake by subclassing one of them."""

    mailbox: type[Mailbox] = Mailbox
    cell: type[Cell] = Cell
    turn: type[Turn] = Turn
    driver: type[Driver] = Driver
    lifecycle: type[Lifecycle] = Lifecycle
    deathwatch: type[DeathWatch] = DeathWatch
    judge: type[Judge] = Judge
    kernel: "type[Kernel] | None" = None


class Kernel:
    """Owns the tree. Methods under "reports" and "requests" may be called from any thread."""

    def __init__(self, *, home: Home, runtime: Runtime, parts: Parts, publish: Callable[[Notice], None]) -> None:
        self._runtime = runtime
        self._publish = publish
        self._halted: list[Gate] = []
        self._booting: Gate | None = None
        self.registry = Registry(home=home, mailbox=parts.mailbox, cell=parts.cell)
        self.leaves: dict[str, Leaf] = {}
        self.groups: dict[str, Group] = {}
        self.root: Group | None = None
        self.failed: str | None = None
        self.availability = Availability(runtime)
        self.deaths = parts.deathwatch(runtime)
        self.lifecycle = parts.lifecycle(
            runtime=runtime,
            port=self,
            turn=parts.turn,
            start_timed_out=self._start_timed_out,
            stop_timed_out=self._stop_timed_out,
        )
        self.driver = parts.driver(runtime=runtime, lifecycle=self.lifecycle, remove=self._remove)
        self.judge = parts.judge(
            runtime=runtime,
            driver=self.driver,
            deaths=self.deaths,
            publish=publish,
            fail_host=self._fail_host,
            fail_system=self._fail_system,
        )

    # Reports from turns.

    def started(self, cell: Cell, incarnation: Incarnation) -> None:
        """``on_start`` returned: messages are delivered from now on."""
        leaf = self._leaf_of(cell, incarnation)
        if leaf is None or cell.status is not Status.STARTING:
            return
        cell.status = Status.RUNNING
        if incarnation.said_ready or not cell.spec.explicit_ready:
            self._became_ready(leaf, incarnation)

    def is_ready(self, cell: Cell, incarnation: Incarnation) -> None:
        """The actor says so itself (``explicit_ready``)."""
        self._runtime.decide(self._explicitly_ready, cell, incarnation)

    def crashed(self, cell: Cell, incarnation: Incarnation, record: CrashRecord) -> None:
        """An exception left the actor."""
        leaf = self.leaves.get(cell.path)
        if leaf is not None and leaf.cell is cell and cell.epoch == incarnation.epoch:
            self._went_down(leaf, record, "crashed")

    def stopped(self, cell: Cell, incarnation: Incarnation) -> None:
        """``on_stop`` returned."""
        leaf = self.leaves.get(cell.path)
        if leaf is None or leaf.cell is not cell or cell.epoch != incarnation.epoch:
            return
        cell.status = Status.DOWN
        self.driver.unsettle(leaf)
        self._runtime.trace(f"down {cell.path} {incarnation.epoch}")
        self._disband(leaf)
        if self.driver.being_stopped(leaf) and cell.spec.restart is not Restart.TEMPORARY:
            comes_back = not leaf.leaving and not self.driver.halting
            reason = "restarted" if comes_back else "stopped"
            self.deaths.ended(leaf, incarnation.epoch, reason, will_restart=comes_back)
            self.driver.drive_from(leaf)
        else:
            self.judge.stopped_itself(leaf, incarnation.epoch, self._runtime.monotonic_s() - incarnation.began_s)
        self._drive_halt()

    def wants_to_stop(self, cell: Cell, incarnation: Incarnation) -> None:
        """``context.stop()``."""
        leaf = self._leaf_of(cell, incarnation)
        if leaf is not None:
            leaf.quitting = True
            self.driver.drive_from(leaf)

    # Requests from actors and from the system.

    def boot(self, spec: GroupSpec, ready: Gate) -> None:
        """Build the tree and bring it up in order; opens ``ready`` when all of it is up for the first time."""
        self.root = self._build(spec, None)
        self._booting = ready
        self._runtime.decide(self._boot)

    def spawn_under(self, cell: Cell, spec: ChildSpec) -> Cell:
        """Make a child of the actor at ``cell``.

        Raises:
            ValueError: The address is taken.
        """
        child = self.registry.register(join(cell.path, spec.name), spec)
        self._runtime.decide(self._adopt_brood, cell, cell.epoch, child)
        return child

    def spawn_in(self, group_path: str, spec: ChildSpec) -> Cell:
        """Make a further child of a group.

        Raises:
            KeyError: No such group.
            ValueError: The address is taken.
        """
        group = self.groups[group_path]
        child = self.registry.register(join(group_path, spec.name), spec)
        self._runtime.decide(self._adopt, group, child)
        return child

    def stop_path(self, path: str) -> None:
        """Stop and remove an actor or a group."""
        self._runtime.decide(self._stop_path, path)

    def restart_path(self, path: str) -> None:
        """Stop an actor in order and start it again; a parked one is started."""
        self._runtime.decide(self._restart_path, path)

    def abandon_path(self, path: str) -> None:
        """Give up the current incarnation without its help, and start another."""
        self._runtime.decide(self._abandon_path, path)

    def hold_path(self, path: str, reason: str, *, hold: bool) -> None:
        """Suspend or resume deliveries."""
        self._runtime.decide(self._hold_path, path, reason, hold)

    def children_of(self, cell: Cell) -> dict[str, Cell]:
        """The children of an actor by name; one that was just spawned shows up with the kernel's next decision."""
        prefix = cell.path + "/"
        leaf = self.leaves.get(cell.path)
        known = tuple(leaf.brood.children) if leaf is not None and leaf.brood is not None else ()
        return {node.path.removeprefix(prefix): node.cell for node in known if isinstance(node, Leaf)}

    def watch(self, watcher: Incarnation, target: Cell) -> None:
        """Tell ``watcher`` when an incarnation of ``target`` ends."""
        self._runtime.decide(self._watch, watcher, target)

    def unwatch(self, watcher: Incarnation, target: Cell) -> None:
        """No longer."""
        self._runtime.decide(self._unwatch, watcher, target)

    def set_available(self, cell: Cell, *, available: bool) -> None:
        """Suspend or resume whoever requires ``cell``."""
        self._runtime.decide(self._set_available, cell.path, available)

    def halt(self, gate: Gate) -> None:
        """Stop the whole tree in reverse; opens ``gate`` when it is down."""
        self._runtime.decide(self._halt, gate)

    def scan(self) -> bool:
        """Count for how many scans each message has been in flight, and give up on those that exceed their limit.

        A suspended host scans once, however long it slept, so it declares nobody hung. Gives whether anything is
        in flight that could be hung.
        """
        busy = False
        for leaf in tuple(self.leaves.values()):
            incarnation = leaf.cell.incarnation
            limit_s = leaf.cell.spec.hang_timeout_s
            if incarnation is None or limit_s is None or incarnation.slot is None:
                continue
            busy = True
            if incarnation.flight != incarnation.seen_flight:
                incarnation.seen_flight, incarnation.scans = incarnation.flight, 0
                continue
            incarnation.scans += 1
            if incarnation.scans * self._runtime.scan_interval_s >= limit_s:
                self._hung(leaf, incarnation)
        return busy

    # Decisions.

    def _boot(self) -> None:
        assert self.root is not None  # noqa: S101 - boot set it
        self.driver.drive(self.driver.cover(self.root, self.root.children, [], self._runtime.monotonic_s()))
        self._booted()

    def _booted(self) -> None:
        if self._booting is None or self.root is None:
            return
        if not self.driver.halting and all(child.plan is None for child in self.root.children):
            self._booting.open()
            self._booting = None

    def _build(self, spec: GroupSpec, parent: Group | None) -> Group:
        path = "/" if parent is None else join(parent.path, spec.name)
        group = Group(path=path, spec=spec, parent=parent)
        self.groups[path] = group
        for child in spec.children:
            if isinstance(child, GroupSpec):
                group.children.append(self._build(child, group))
            else:
                group.children.append(self._plant(self.registry.register(join(path, child.name), child), group))
        return group

    def _plant(self, cell: Cell, group: Group) -> Leaf:
        leaf = Leaf(cell=cell, parent=group)
        self.leaves[cell.path] = leaf
        self.availability.apply(cell)
        return leaf

    def _adopt(self, group: Group, cell: Cell) -> None:
        leaf = self._plant(cell, group)
        group.children.append(leaf)
        if group.leaving or self.driver.halting:
            self.driver.leave(leaf)
        elif not self.driver.is_closed(group):  # else it comes up with its group
            self.driver.drive(self.driver.cover(group, [leaf], [], self._runtime.monotonic_s()))

    def _adopt_brood(self, parent: Cell, epoch: int, cell: Cell) -> None:
        host = self.leaves.get(parent.path)
        living = parent.incarnation is not None and parent.epoch == epoch
        if host is None or host.cell is not parent or not living or self.driver.being_stopped(host):
            self.registry.forget(cell)
            return
        if host.brood is None:
            spec = GroupSpec(name="brood", intensity=cell.spec.intensity)
            host.brood = Group(path=parent.path, spec=spec, parent=None, host=host)
        self._adopt(host.brood, cell)

    def _became_ready(self, leaf: Leaf, incarnation: Incarnation) -> None:
        cell = leaf.cell
        incarnation.ready = True
        if incarnation.watched_start is not None:
            incarnation.watched_start.cancel()
        self._runtime.trace(f"ready {cell.path} {incarnation.epoch}")
        if incarnation.epoch > 1:
            cell.restarts += 1
            self._publish(
                ActorRestarted(
                    path=leaf.path,
                    at_ms=self._runtime.now_ms(),
                    epoch=incarnation.epoch,
                    down_s=self._runtime.monotonic_s() - cell.down_since_s,
                )
            )
        self.driver.drive_from(leaf)
        self._booted()

    def _explicitly_ready(self, cell: Cell, incarnation: Incarnation) -> None:
        leaf = self._leaf_of(cell, incarnation)
        if leaf is None or incarnation.ready:
            return
        if cell.status is Status.STARTING:  # said within on_start: it counts once that returned
            incarnation.said_ready = True
        elif cell.status is Status.RUNNING:
            self._became_ready(leaf, incarnation)

    def _stop_path(self, path: str) -> None:
        node = self.leaves.get(path) or self.groups.get(path)
        if node is not None and node is not self.root:
            self.driver.leave(node)

    def _restart_path(self, path: str) -> None:
        leaf = self.leaves.get(path)
        if leaf is not None and not self.driver.being_stopped(leaf):
            self.judge.restart(leaf)

    def _abandon_path(self, path: str) -> None:
        leaf = self.leaves.get(path)
        incarnation = leaf.cell.incarnation if leaf is not None else None
        if leaf is not None and incarnation is not None:
            self._give_up(leaf, incarnation, Abandoned("given up by an operator"), "hung")

    def _hold_path(self, path: str, reason: str, hold: bool) -> None:  # noqa: FBT001 - through decide, by position
        leaf = self.leaves.get(path)
        if leaf is not None:
            self.availability.hold(leaf.cell, reason, hold=hold)

    def _set_available(self, path: str, available: bool) -> None:  # noqa: FBT001 - through decide, by position
        self.availability.declare(path, tuple(self.leaves.values()), available=available)

    def _watch(self, watcher: Incarnation, target: Cell) -> None:
        leaf = self.leaves.get(target.path)
        self.deaths.watch(watcher, target, leaf if leaf is not None and leaf.cell is target else None)

    def _unwatch(self, watcher: Incarnation, target: Cell) -> None:
        self.deaths.unwatch(watcher, self.leaves.get(target.path))

    def _halt(self, gate: Gate) -> None:
        self._halted.append(gate)
        self.driver.halting = True
        self._drive_halt()

    def _drive_halt(self) -> None:
        if self.driver.halting and (self.root is None or self.driver.stop(self.root)):
            for cell in tuple(self.registry.cells.values()):
                cell.close("stopped")
            for gate in self._halted:
                gate.open()
            self._halted.clear()

    def _fail_system(self, error: str) -> None:
        self.failed = error
        self.driver.halting = True
        self._drive_halt()

    def _fail_host(self, host: Leaf, error: str) -> None:
        incarnation = host.cell.incarnation
        if incarnation is not None:
            self._give_up(host, incarnation, Abandoned(f"its children failed too often: {error}"), "crashed")

    def _start_timed_out(self, cell: Cell, incarnation: Incarnation) -> None:
        leaf = self._leaf_of(cell, incarnation)
        if leaf is not None and not incarnation.ready and cell.status in {Status.STARTING, Status.RUNNING}:
            error = StartTimedOut(f"not ready after {cell.spec.start_timeout_s:g} s")
            self._give_up(leaf, incarnation, error, "crashed")

    def _stop_timed_out(self, cell: Cell, incarnation: Incarnation) -> None:
        leaf = self._leaf_of(cell, incarnation)
        if leaf is not None:
            error = StopTimedOut(f"still not stopped after {cell.spec.stop_timeout_s:g} s")
            self._give_up(leaf, incarnation, error, "crashed")

    def _hung(self, leaf: Leaf, incarnation: Incarnation) -> None:
        seconds = incarnation.scans * self._runtime.scan_interval_s
        slot = incarnation.slot
        message = type(slot[0].message).__name__ if slot else "nothing"
        stack = self._runtime.stack(incarnation.turn) if incarnation.turn is not None else ""
        self._publish(
            ActorHung(
                path=leaf.path,
                at_ms=self._runtime.now_ms(),
                epoch=incarnation.epoch,
                message=message,
                seconds=seconds,
                stack=stack,
            )
        )
        self._give_up(leaf, incarnation, Hung(f"{message} in flight for {seconds:g} s"), "hung", stack=stack)

    def _give_up(
        self, leaf: Leaf, incarnation: Incarnation, error: KernelError, reason: str, *, stack: str | None = None
    ) -> None:
        cell, turn = leaf.cell, incarnation.turn
        if stack is None:
            stack = self._runtime.stack(turn) if turn is not None else ""
        slot, was_current = cell.end(incarnation)
        if not was_current:
            return  # it ended by itself just now: that report is on its way
        if turn is not None:
            self._runtime.replace(turn)
        record = CrashRecord(
            at_ms=self._runtime.now_ms(),
            epoch=incarnation.epoch,
            error=f"{type(error).__name__}: {error}",
            fingerprint=f"{type(error).__name__}@{leaf.path}",
            phase=cell.status.value,
            message=type(slot[0].message).__name__ if slot else None,
            attempts=slot[0].attempts + 1 if slot else 0,
            uptime_s=self._runtime.monotonic_s() - incarnation.began_s,
            traceback=stack,
        )
        cell.settle_after_crash(slot, reason, stack)
        self._went_down(leaf, record, reason)

    def _went_down(self, leaf: Leaf, record: CrashRecord, reason: str) -> None:
        cell = leaf.cell
        cell.crashes.append(record)
        self.driver.unsettle(leaf)
        cell.status = Status.DOWN
        self._runtime.trace(f"{reason} {cell.path} {record.epoch} {record.error}")
        self._disband(leaf)
        self.judge.crashed(leaf, record, reason)
        self._booted()
        self._drive_halt()

    def _disband(self, leaf: Leaf) -> None:
        leaf.quitting = False
        if leaf.brood is not None:
            self.driver.empty(leaf.brood)

    def _remove(self, node: Node) -> None:
        if isinstance(node, Group):
            for child in tuple(node.children):
                self._remove(child)
            self.groups.pop(node.path, None)
            self.driver.release(node)
            if node.parent is not None and node in node.parent.children:
                node.parent.children.remove(node)
                self.driver.unsettle(node)
                self._runtime.decide(self.driver.drive_from, node.parent)
            return
        if node not in node.parent.children:
            return
        node.parent.children.remove(node)
        self.driver.unsettle(node)
        self.driver.release(node)
        self.leaves.pop(node.path, None)
        self._runtime.trace(f"removed {node.path}")
        self.registry.forget(node.cell)
        self._set_available(node.path, True)
        self.deaths.ended(node, node.cell.epoch, "removed", will_restart=False)
        self._publish(ActorRemoved(path=node.path, at_ms=self._runtime.now_ms(), epoch=node.cell.epoch))
        self._runtime.decide(self._left, node.parent)

    def _left(self, group: Group) -> None:
        self.driver.drive_waiting(group)
        self.driver.drive_from(group)

    def _leaf_of(self, cell: Cell, incarnation: Incarnation) -> Leaf | None:
        leaf = self.leaves.get(cell.path)
        return leaf if leaf is not None and leaf.cell is cell and cell.incarnation is incarnation else None
