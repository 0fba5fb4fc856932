"""All supervision decisions, one after another; never runs an actor's code, never waits.

Whatever is called from elsewhere (turns, contexts, the system) returns at once; what it decides comes through
``runtime.decide``, so that decisions never overlap.
"""

import threading
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from actors.kernel import supervision
from actors.kernel.cell import Cell, CrashRecord, Home, Incarnation, Status
from actors.kernel.faults import Abandoned, Hung, KernelError, StartTimedOut, StopTimedOut
from actors.kernel.incidents import Incidents
from actors.kernel.inspection import NOTHING, Conservation, conservation_of
from actors.kernel.lifecycle import Lifecycle
from actors.kernel.mailbox import Mailbox
from actors.kernel.notices import (
    ActorCrashed,
    ActorHung,
    ActorParked,
    ActorRemoved,
    ActorRestarted,
    GroupEscalated,
    IncidentOpened,
    Notice,
    SystemFailed,
    Terminated,
)
from actors.kernel.plan import Driver
from actors.kernel.runtime import Gate, Runtime
from actors.kernel.specs import ChildSpec, GroupSpec, Restart
from actors.kernel.supervision import Verdict
from actors.kernel.tree import Group, Leaf, Node, join
from actors.kernel.turn import Turn

EPOCHS_REMEMBERED = 10_000
"""Addresses that were removed and whose next incarnation, should they come back, must still be a later one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The classes a system is made of. A test plants a mistake by subclassing one of them."""

    mailbox: type[Mailbox] = Mailbox
    cell: type[Cell] = Cell
    turn: type[Turn] = Turn
    driver: type[Driver] = Driver
    lifecycle: type[Lifecycle] = Lifecycle
    kernel: "type[Kernel] | None" = None


class Kernel:
    """Owns the tree. Methods under "reports" and "requests" may be called from any thread."""

    def __init__(self, *, home: Home, runtime: Runtime, parts: Parts, publish: Callable[[Notice], None]) -> None:
        self._home = home
        self._runtime = runtime
        self._parts = parts
        self._publish = publish
        self._registry = threading.Lock()
        self._numbers = 0
        self._jitter = runtime.random_for("/kernel")
        self._epochs: dict[str, int] = {}
        self._removed: weakref.WeakValueDictionary[str, Cell] = weakref.WeakValueDictionary()
        self._unavailable: set[str] = set()
        self._halted: list[Gate] = []
        self.cells: dict[str, Cell] = {}
        self.leaves: dict[str, Leaf] = {}
        self.groups: dict[str, Group] = {}
        self._booting: Gate | None = None
        self._former = NOTHING
        self.root: Group | None = None
        self.failed: str | None = None
        self.incidents = Incidents()
        self.lifecycle = parts.lifecycle(
            runtime=runtime,
            port=self,
            turn=parts.turn,
            start_timed_out=self._start_timed_out,
            stop_timed_out=self._stop_timed_out,
        )
        self.driver = parts.driver(runtime=runtime, lifecycle=self.lifecycle, remove=self._remove)

    # Reports from turns.

    def started(self, cell: Cell, incarnation: Incarnation) -> None:
        """``on_start`` returned: messages are delivered from now on."""
        leaf = self._leaf_of(cell, incarnation)
        if leaf is None or cell.status is not Status.STARTING:
            return
        cell.status = Status.RUNNING
        if incarnation.said_ready or not cell.spec.explicit_ready:
            self._became_ready(leaf, incarnation)
        cell.wake()

    def is_ready(self, cell: Cell, incarnation: Incarnation) -> None:
        """The actor says so itself (``explicit_ready``)."""
        self._runtime.decide(self._explicitly_ready, cell, incarnation)

    def crashed(self, cell: Cell, incarnation: Incarnation, record: CrashRecord) -> None:
        """An exception left the actor."""
        leaf = self.leaves.get(cell.path)
        if leaf is not None and leaf.cell is cell and cell.epoch == incarnation.epoch:
            self._failed(leaf, record, "crashed")

    def stopped(self, cell: Cell, incarnation: Incarnation) -> None:
        """``on_stop`` returned."""
        leaf = self.leaves.get(cell.path)
        if leaf is None or leaf.cell is not cell or cell.epoch != incarnation.epoch:
            return
        cell.status = Status.DOWN
        self._runtime.trace(f"down {cell.path} {incarnation.epoch}")
        self._disband(leaf)
        going_down = self.driver.being_stopped(leaf)
        if going_down and cell.spec.restart is not Restart.TEMPORARY:
            will_restart = not leaf.leaving and not self.driver.halting
            self._ended(leaf, incarnation.epoch, "restarted" if will_restart else "stopped", will_restart=will_restart)
            self.driver.drive_from(leaf)
            if self.driver.halting:
                self._drive_halt()
            return
        delay_s = self._count_failure(leaf, self._runtime.monotonic_s() - incarnation.began_s)
        verdict = self._verdict(leaf, crashed=False)
        self._ended(leaf, incarnation.epoch, "stopped", will_restart=verdict is Verdict.RESTART)
        self._carry_out(leaf, verdict, "it keeps stopping", delay_s)
        if self.driver.halting:
            self._drive_halt()

    def wants_to_stop(self, cell: Cell, incarnation: Incarnation) -> None:
        """``context.stop()``."""
        leaf = self._leaf_of(cell, incarnation)
        if leaf is not None and self.driver.stop(leaf):
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
        child = self._register(join(cell.path, spec.name), spec)
        self._runtime.decide(self._adopt_brood, cell, child)
        return child

    def spawn_in(self, group_path: str, spec: ChildSpec) -> Cell:
        """Make a further child of a group.

        Raises:
            KeyError: No such group.
            ValueError: The address is taken.
        """
        group = self.groups[group_path]
        child = self._register(join(group_path, spec.name), spec)
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
        """The living children of an actor by name."""
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

    def conservation(self) -> Conservation:
        """Where all messages went that were ever told here, removed addresses included."""
        with self._registry:
            cells = tuple(self.cells.values())
        return sum(map(conservation_of, cells), self._former)

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
        now_s = self._runtime.monotonic_s()
        self.driver.drive(self.driver.cover(self.root, self.root.children, [], now_s))
        self._booted()

    def _booted(self) -> None:
        if (
            self._booting is not None
            and self.root is not None
            and all(child.plan is None for child in self.root.children)
        ):
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
                cell = self._register(join(path, child.name), child)
                group.children.append(self._plant(cell, group))
        return group

    def _register(self, path: str, spec: ChildSpec) -> Cell:
        with self._registry:
            if path in self.cells or path in self.groups:
                raise ValueError(f"the address {path} is taken")
            cell = self._removed.pop(path, None)
            if cell is None:
                self._numbers += 1
                mailbox = self._parts.mailbox(spec.mailbox_limit)
                cell = self._parts.cell(home=self._home, path=path, spec=spec, mailbox=mailbox, number=self._numbers)
                cell.epoch = self._epochs.pop(path, 0)
            else:
                cell.reopen(spec)
            self.cells[path] = cell
        return cell

    def _plant(self, cell: Cell, group: Group) -> Leaf:
        leaf = Leaf(cell=cell, parent=group)
        self.leaves[cell.path] = leaf
        for path in cell.spec.requires:
            if path in self._unavailable:
                self._hold(cell, f"requires {path}", hold=True)
        return leaf

    def _adopt(self, group: Group, cell: Cell) -> None:
        leaf = self._plant(cell, group)
        group.children.append(leaf)
        if self.driver.being_stopped(group) and (group.leaving or self.driver.halting):
            self.driver.leave(leaf)
            return
        if self.driver.being_stopped(group):
            return  # it comes up with its group
        self.driver.drive(self.driver.cover(group, [leaf], [], self._runtime.monotonic_s()))

    def _adopt_brood(self, parent: Cell, cell: Cell) -> None:
        host = self.leaves.get(parent.path)
        if host is None or host.cell is not parent or parent.incarnation is None:
            self._forget(cell)
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
            down_s = self._runtime.monotonic_s() - cell.down_since_s
            self._publish(self._notice(ActorRestarted, leaf, epoch=incarnation.epoch, down_s=down_s))
        self.driver.drive_from(leaf)
        self._booted()

    def _explicitly_ready(self, cell: Cell, incarnation: Incarnation) -> None:
        leaf = self._leaf_of(cell, incarnation)
        if leaf is None or incarnation.ready:
            return
        if cell.status is Status.STARTING:  # said within on_start: count it once that returned
            incarnation.said_ready = True
        elif cell.status is Status.RUNNING:
            self._became_ready(leaf, incarnation)

    def _stop_path(self, path: str) -> None:
        node = self.leaves.get(path) or self.groups.get(path)
        if node is not None and node is not self.root:
            self.driver.leave(node)

    def _restart_path(self, path: str) -> None:
        leaf = self.leaves.get(path)
        if leaf is None or self.driver.being_stopped(leaf):
            return
        leaf.failures = 0
        leaf.failed_at_s.clear()
        self.driver.drive(self.driver.cover(leaf.parent, [leaf], [leaf], self._runtime.monotonic_s()))

    def _abandon_path(self, path: str) -> None:
        leaf = self.leaves.get(path)
        incarnation = leaf.cell.incarnation if leaf is not None else None
        if leaf is not None and incarnation is not None:
            self._give_up(leaf, incarnation, Abandoned("given up by an operator"), "hung")

    def _hold_path(self, path: str, reason: str, hold: bool) -> None:  # noqa: FBT001 - through decide, by position
        leaf = self.leaves.get(path)
        if leaf is not None:
            self._hold(leaf.cell, reason, hold=hold)

    def _hold(self, cell: Cell, reason: str, *, hold: bool) -> None:
        with cell.lock:
            cell.holds = cell.holds | {reason} if hold else cell.holds - {reason}
        self._runtime.trace(f"hold {cell.path} {reason} {hold}")
        cell.wake()

    def _set_available(self, path: str, available: bool) -> None:  # noqa: FBT001 - through decide, by position
        if available == (path not in self._unavailable):
            return
        if available:
            self._unavailable.discard(path)
        else:
            self._unavailable.add(path)
        for leaf in tuple(self.leaves.values()):
            if path in leaf.cell.spec.requires:
                self._hold(leaf.cell, f"requires {path}", hold=not available)

    def _watch(self, watcher: Incarnation, target: Cell) -> None:
        leaf = self.leaves.get(target.path)
        if leaf is not None and leaf.cell is target:
            leaf.watchers[watcher.cell] = watcher.epoch
            if target.status is Status.PARKED:
                self._tell_ended(watcher, target, target.epoch, "parked", will_restart=False)
        else:
            self._tell_ended(watcher, target, target.epoch, "removed", will_restart=False)

    def _unwatch(self, watcher: Incarnation, target: Cell) -> None:
        leaf = self.leaves.get(target.path)
        if leaf is not None and leaf.watchers.get(watcher.cell) == watcher.epoch:
            del leaf.watchers[watcher.cell]

    def _halt(self, gate: Gate) -> None:
        self._halted.append(gate)
        self._drive_halt()

    def _drive_halt(self) -> None:
        self.driver.halting = True
        if self.root is None or self.driver.stop(self.root):
            for leaf in tuple(self.leaves.values()):
                leaf.cell.close("stopped")
            for gate in self._halted:
                gate.open()
            self._halted.clear()

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
            self._notice(ActorHung, leaf, epoch=incarnation.epoch, message=message, seconds=seconds, stack=stack)
        )
        self._give_up(leaf, incarnation, Hung(f"{message} in flight for {seconds:g} s"), "hung", stack=stack)

    def _give_up(
        self, leaf: Leaf, incarnation: Incarnation, error: KernelError, reason: str, *, stack: str | None = None
    ) -> None:
        cell, turn = leaf.cell, incarnation.turn
        if stack is None:
            stack = self._runtime.stack(turn) if turn is not None else ""
        message = incarnation.envelope.message if incarnation.envelope is not None else None
        slot, was_current = cell.end(incarnation)
        if not was_current:
            return
        if turn is not None and incarnation.scheduled:
            self._runtime.replace(turn)
        record = CrashRecord(
            at_ms=self._runtime.now_ms(),
            epoch=incarnation.epoch,
            error=f"{type(error).__name__}: {error}",
            fingerprint=f"{type(error).__name__}@{leaf.path}",
            phase=cell.status.value,
            message=type(message).__name__ if message is not None else None,
            attempts=slot[0].attempts + 1 if slot else 0,
            uptime_s=self._runtime.monotonic_s() - incarnation.began_s,
            traceback=stack,
        )
        cell.settle_after_crash(slot, reason, stack)
        self._failed(leaf, record, reason)

    def _failed(self, leaf: Leaf, record: CrashRecord, reason: str) -> None:
        cell, driver = leaf.cell, self.driver
        cell.crashes.append(record)
        cell.status = Status.DOWN
        self._runtime.trace(f"{reason} {cell.path} {record.epoch} {record.error}")
        delay_s = self._count_failure(leaf, record.uptime_s)
        opened, delay_s = self.incidents.fold(record, cell.path, self._runtime.monotonic_s(), delay_s)
        if opened:
            self._publish(self._notice(IncidentOpened, leaf, fingerprint=record.fingerprint, error=record.error))
        self._disband(leaf)
        going_down = driver.being_stopped(leaf)
        verdict = self._verdict(leaf, crashed=True)
        if going_down and verdict is not Verdict.REMOVE:
            verdict = Verdict.RESTART
        stays_away = leaf.leaving or driver.halting or verdict is not Verdict.RESTART
        restart_in_s = None if stays_away else delay_s
        self._publish(
            self._notice(
                ActorCrashed,
                leaf,
                epoch=record.epoch,
                error=record.error,
                fingerprint=record.fingerprint,
                message=record.message,
                restart_in_s=restart_in_s,
            )
        )
        self._ended(leaf, record.epoch, reason, will_restart=not stays_away)
        if going_down and verdict is Verdict.RESTART:
            driver.drive_from(leaf)
            if driver.halting:
                self._drive_halt()
            return
        self._carry_out(leaf, verdict, record.error, delay_s)

    def _carry_out(self, leaf: Leaf, verdict: Verdict, error: str, delay_s: float) -> None:
        match verdict:
            case Verdict.RESTART:
                group = leaf.parent
                members = supervision.affected(
                    strategy=group.spec.strategy, children=tuple(group.children), failed=leaf
                )
                not_before_s = self._runtime.monotonic_s() + delay_s
                self._runtime.trace(f"plan {leaf.path} {not_before_s!r}")
                others = [node for node in members if not node.leaving]
                self.driver.drive(
                    self.driver.cover(group, others, [node for node in others if node is not leaf], not_before_s)
                )
            case Verdict.REMOVE:
                self.driver.leave(leaf)
            case Verdict.PARK:
                leaf.cell.status = Status.PARKED
                self._publish(self._notice(ActorParked, leaf, epoch=leaf.cell.epoch, error=error))
                self._ended(leaf, leaf.cell.epoch, "parked", will_restart=False)
                self.driver.drive_from(leaf)
                self._booted()
            case Verdict.ESCALATE:
                self._escalate(leaf.parent, error)

    def _escalate(self, group: Group, error: str) -> None:
        self._runtime.trace(f"escalate {group.path}")
        self._publish(GroupEscalated(path=group.path, at_ms=self._runtime.now_ms(), error=error))
        if group.host is not None:
            host, incarnation = group.host, group.host.cell.incarnation
            if incarnation is not None:
                self._give_up(host, incarnation, Abandoned(f"its children failed too often: {error}"), "crashed")
            return
        if group.parent is None:
            self.failed = error
            self._publish(SystemFailed(path="/", at_ms=self._runtime.now_ms(), error=error))
            self._drive_halt()
            return
        parent, now_s = group.parent, self._runtime.monotonic_s()
        self._note(parent.failed_at_s, now_s, parent.spec.intensity.within_s)
        if supervision.too_often(
            failures_s=parent.failed_at_s,
            now_s=now_s,
            intensity=parent.spec.intensity,
            children=len(parent.children),
        ):
            self._escalate(parent, error)
            return
        group.failures = 1 if not group.failed_at_s else group.failures + 1
        group.failed_at_s.clear()
        delay_s = supervision.restart_delay_s(
            backoff=group.spec.backoff, failures=group.failures, jitter=self._jitter.uniform(-1, 1)
        )
        members = supervision.affected(strategy=parent.spec.strategy, children=tuple(parent.children), failed=group)
        present = [node for node in members if not node.leaving]
        self.driver.drive(self.driver.cover(parent, present, present, now_s + delay_s))

    def _count_failure(self, leaf: Leaf, uptime_s: float) -> float:
        spec, group, now_s = leaf.cell.spec, leaf.parent, self._runtime.monotonic_s()
        leaf.failures = 1 if uptime_s >= spec.backoff.reset_after_s else leaf.failures + 1
        self._note(leaf.failed_at_s, now_s, spec.intensity.within_s)
        self._note(group.failed_at_s, now_s, group.spec.intensity.within_s)
        return supervision.restart_delay_s(
            backoff=spec.backoff, failures=leaf.failures, jitter=self._jitter.uniform(-1, 1)
        )

    @staticmethod
    def _note(failures_s: list[float], now_s: float, within_s: float) -> None:
        while failures_s and now_s - failures_s[0] > within_s:
            failures_s.pop(0)
        failures_s.append(now_s)

    def _verdict(self, leaf: Leaf, *, crashed: bool) -> Verdict:
        spec, group, now_s = leaf.cell.spec, leaf.parent, self._runtime.monotonic_s()
        return supervision.verdict(
            restart=spec.restart,
            crashed=crashed,
            exhausted=supervision.too_often(failures_s=leaf.failed_at_s, now_s=now_s, intensity=spec.intensity),
            group_exhausted=supervision.too_often(
                failures_s=group.failed_at_s,
                now_s=now_s,
                intensity=group.spec.intensity,
                children=len(group.children),
            ),
            on_exhausted=spec.on_exhausted,
        )

    def _disband(self, leaf: Leaf) -> None:
        if leaf.brood is not None:
            self.driver.empty(leaf.brood)

    def _remove(self, node: Node) -> None:
        if isinstance(node, Group):
            for child in tuple(node.children):
                self._remove(child)
            self.groups.pop(node.path, None)
            siblings = node.parent.children if node.parent is not None else []
        else:
            siblings = node.parent.children
        if node in siblings:
            siblings.remove(node)
        if isinstance(node, Leaf) and node.cell.status is not Status.REMOVED:
            self._ended(node, node.cell.epoch, "removed", will_restart=False)
            self._forget(node.cell)
            self._publish(self._notice(ActorRemoved, node, epoch=node.cell.epoch))
            self._runtime.decide(self.driver.drive_from, node.parent)

    def _forget(self, cell: Cell) -> None:
        cell.status = Status.REMOVED
        self._runtime.trace(f"removed {cell.path}")
        with self._registry:
            self.leaves.pop(cell.path, None)
            if self.cells.get(cell.path) is cell:
                del self.cells[cell.path]
            self._removed[cell.path] = cell
            self._epochs[cell.path] = cell.epoch
            if len(self._epochs) > EPOCHS_REMEMBERED:
                del self._epochs[next(iter(self._epochs))]
        cell.close("stopped")

    def _ended(self, leaf: Leaf, epoch: int, reason: str, *, will_restart: bool) -> None:
        for watcher, watching_epoch in tuple(leaf.watchers.items()):
            incarnation = watcher.incarnation
            if incarnation is None or incarnation.epoch != watching_epoch:
                del leaf.watchers[watcher]
            else:
                self._tell_ended(incarnation, leaf.cell, epoch, reason, will_restart=will_restart)

    def _tell_ended(self, watcher: Incarnation, target: Cell, epoch: int, reason: str, *, will_restart: bool) -> None:
        watcher.cell.post(
            Terminated(
                path=target.path,
                at_ms=self._runtime.now_ms(),
                epoch=epoch,
                reason=reason,
                will_restart=will_restart,
            )
        )

    def _leaf_of(self, cell: Cell, incarnation: Incarnation) -> Leaf | None:
        leaf = self.leaves.get(cell.path)
        return leaf if leaf is not None and leaf.cell is cell and cell.incarnation is incarnation else None

    def _notice(self, kind: type[Notice], leaf: Leaf, **fields: object) -> Notice:
        return kind(path=leaf.path, at_ms=self._runtime.now_ms(), **fields)  # type: ignore[arg-type]
