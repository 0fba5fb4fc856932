"""A tree of supervised actors, from the outside: start it, find addresses, look at it, stop it."""

import difflib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import count

from actors.kernel import inspection
from actors.kernel.asks import send_ask
from actors.kernel.cell import Cell, Lost, Status
from actors.kernel.crash import CrashRecord
from actors.kernel.faults import AskTimeout, KernelError, NotReady
from actors.kernel.incidents import Incident
from actors.kernel.inspection import ActorInfo, Conservation, Load, TimerInfo, TreeNode
from actors.kernel.kernel import Kernel, Parts
from actors.kernel.notices import DeadLetter, Notice
from actors.kernel.questions import CrashNow, DescribeState
from actors.kernel.ref import Ref, cell_of
from actors.kernel.runtime import Runtime
from actors.kernel.shutdown import run_phases
from actors.kernel.specs import ChildSpec, GroupSpec, ShutdownPhase, ShutdownReport
from actors.kernel.tracing import Tracer
from messages.delivery import Lane

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
DEAD_LETTERS_KEPT = 1_000
CRASH_WITHIN_S = 60.0
SUGGESTIONS = 3

Subscriber = Ref | Callable[[Notice], object]


class ActorSystem:
    """One process's actors.

    Args:
        runtime: ``ThreadRuntime()`` to live, ``VirtualRuntime(time)`` to test and to backtest.
        name: For logs and the shell.
        parts: The classes the kernel is made of; tests plant mistakes here.
    """

    def __init__(self, *, runtime: Runtime, name: str = "holdfast", parts: Parts | None = None) -> None:
        parts = parts or Parts()
        self.runtime = runtime
        self.name = name
        self.killed = False
        self._report: ShutdownReport | None = None
        self._subscribers: tuple[Subscriber, ...] = ()
        self._dead_letters: deque[DeadLetter] = deque(maxlen=DEAD_LETTERS_KEPT)
        self._letters = count(1)
        self.kernel = (parts.kernel or Kernel)(home=self, runtime=runtime, parts=parts, publish=self.publish)

    def start(self, root: GroupSpec, timeout_s: float = START_TIMEOUT_S) -> None:
        """Bring the tree up in order and wait until it is ready.

        Raises:
            NotReady: Not all of it was in time; names what is missing. The tree keeps trying.
            RuntimeError: It was started before.
        """
        if self.kernel.root is not None:
            raise RuntimeError("a system is started once")
        self.runtime.start(self.kernel.scan)
        ready = self.runtime.gate()
        self.kernel.boot(root, ready)
        if not self.runtime.wait(ready, timeout_s):
            missing = [leaf.path for leaf in tuple(self.kernel.leaves.values()) if not _is_up(leaf.cell)]
            raise NotReady(f"not ready after {timeout_s:g} s: {', '.join(missing) or 'nothing is missing any more'}")

    def ref(self, path: str) -> Ref:
        """The address ``path``.

        Raises:
            KeyError: There is none; names the nearest ones.
        """
        cell = self._cell(path)
        return Ref(cell)

    def find(self, path: str) -> Ref | None:
        """The address ``path``, if there is one."""
        cell = self.kernel.registry.cells.get(path.lstrip("/"))
        return Ref(cell) if cell is not None else None

    def spawn(self, group_path: str, spec: ChildSpec) -> Ref:
        """Add an actor to a group; it is started at once, and restarted and stopped with its group.

        Raises:
            KeyError: No such group.
            ValueError: The address is taken.
        """
        path = group_path.strip("/") or "/"
        if path not in self.kernel.groups:
            raise KeyError(f"no group {path}; there are {', '.join(sorted(self.kernel.groups))}")
        return Ref(self.kernel.spawn_in(path, spec))

    def stop_child(self, path: str) -> None:
        """Stop an actor or group and take it out of the tree; returns at once.

        Raises:
            KeyError: There is none.
        """
        path = path.strip("/")
        if path not in self.kernel.groups:
            self._cell(path)
        self.kernel.stop_path(path)

    def restart(self, path: str) -> None:
        """Stop an actor in order and start it anew, or start a parked one; its failures are forgiven."""
        self.kernel.restart_path(self._cell(path).path)

    def suspend(self, path: str) -> None:
        """Deliver nothing until ``resume``; messages wait."""
        self.kernel.hold_path(self._cell(path).path, "operator", hold=True)

    def resume(self, path: str) -> None:
        """Deliver again."""
        self.kernel.hold_path(self._cell(path).path, "operator", hold=False)

    def abandon(self, path: str) -> None:
        """Give an incarnation up as if it hung: it is fenced, and another one started."""
        self.kernel.abandon_path(self._cell(path).path)

    def subscribe(self, subscriber: Subscriber) -> None:
        """Get every kernel notice: told to a ref, or called with it (on a thread for that, one after another)."""
        self._subscribers = (*self._subscribers, subscriber)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """No longer."""
        self._subscribers = tuple(known for known in self._subscribers if known != subscriber)

    def shutdown(
        self, phases: Sequence[ShutdownPhase] = (), *, stop_timeout_s: float = STOP_TIMEOUT_S
    ) -> ShutdownReport:
        """Run the phases, stop the tree in reverse, end the runtime; a second call gives the first one's report.

        Raises:
            RuntimeError: The system was killed.
        """
        if self.killed:
            raise RuntimeError("a killed system cannot be shut down any more")
        if self._report is not None:
            return self._report
        began_s = self.runtime.monotonic_s()
        reports = run_phases(phases, runtime=self.runtime, cells=self.kernel.registry.cells)
        down = self.runtime.gate()
        self.kernel.halt(down)
        stopped = self.runtime.wait(down, stop_timeout_s)
        self.runtime.stop()
        seconds = self.runtime.monotonic_s() - began_s
        self._report = ShutdownReport(phases=reports, stopped=stopped, seconds=seconds)
        return self._report

    def kill(self) -> None:
        """As if the process died at this instant: no ``on_stop``, no delivery, no timer, no tell from here on."""
        self.killed = True
        for cell in tuple(self.kernel.registry.cells.values()):
            cell.kill()
        self.runtime.stop(abruptly=True)

    @property
    def failed(self) -> str | None:
        """Why the root group gave up, if it did."""
        return self.kernel.failed

    def tree(self) -> TreeNode:
        """Groups and actors, from the root down.

        Raises:
            RuntimeError: The system was not started.
        """
        if self.kernel.root is None:
            raise RuntimeError("the system was not started")
        return inspection.tree_of(self.kernel.root)

    def paths(self) -> list[str]:
        """All addresses, sorted."""
        return sorted(self.kernel.registry.cells)

    def info(self, path: str) -> ActorInfo:
        """Everything about one actor."""
        return inspection.info_of(self.kernel.leaves[self._cell(path).path], self.runtime.monotonic_s())

    def loads(self) -> list[Load]:
        """What each actor has to do, without its lock: cheap enough for a thousand actors once a second."""
        now_s = self.runtime.monotonic_s()
        return [inspection.load_of(leaf, now_s) for leaf in tuple(self.kernel.leaves.values())]

    def conservation(self, path: str | None = None) -> Conservation:
        """Where the messages of one address went, or of all there ever were."""
        if path is not None:
            return inspection.conservation_of(self._cell(path))
        return self.kernel.registry.conservation()

    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """The last thousand messages that nobody handled."""
        return tuple(self._dead_letters)

    def crashes(self, path: str) -> tuple[CrashRecord, ...]:
        """The last crashes of an actor, oldest first."""
        return tuple(self._cell(path).crashes)

    def incidents(self) -> list[Incident]:
        """Crashes folded by cause, newest last."""
        return self.kernel.judge.incidents.all()

    def timers(self, path: str) -> tuple[TimerInfo, ...]:
        """The pending timers of an actor, soonest first."""
        return inspection.timers_of(self._cell(path), self.runtime.monotonic_s())

    def depths(self, path: str) -> dict[Lane, int]:
        """How many messages wait in each lane of an actor's mailbox."""
        return inspection.depth_by_lane(self._cell(path))

    def peek(self, path: str, limit: int = 20) -> tuple[object, ...]:
        """The messages that wait, next first within each lane."""
        cell = self._cell(path)
        with cell.lock:
            return tuple(envelope.message for envelope in cell.mailbox)[:limit]

    def stack(self, path: str) -> str:
        """Where an actor's thread is now; empty when it is not in a turn."""
        incarnation = self._cell(path).incarnation
        turn = incarnation.turn if incarnation is not None else None
        return self.runtime.stack(turn) if turn is not None else ""

    def described(self, path: str, timeout_s: float) -> tuple[Mapping[str, object], bool]:
        """What an actor shows of its state; the second value is whether it could be asked between two messages.

        One that is busy, held or down is looked at from outside: what is seen may be in the middle of a change.

        Raises:
            KeyError: No such actor.
            LookupError: It has no incarnation now, or could not be read while it changed.
        """
        cell = self._cell(path)
        with suppress(AskTimeout, KernelError):
            return Ref(cell).ask(DescribeState(), timeout_s=timeout_s), True
        incarnation = cell.incarnation
        if incarnation is None or incarnation.actor is None:
            raise LookupError(f"{path} is {inspection.state_of(self.kernel.leaves[cell.path])}: it has no state now")
        try:
            return incarnation.actor.describe(), False
        except Exception as error:
            raise LookupError(f"{path} is busy and changes what it would show: ask again ({error!r})") from error

    def crash(self, path: str, why: str) -> None:
        """Let an actor fail at its next message, as if its code had; returns at once.

        Raises:
            KeyError: No such actor.
        """
        send_ask(self._cell(path), CrashNow(why), self.runtime.monotonic_s() + CRASH_WITHIN_S, None)

    def trace(self, path: str, tracer: Tracer | None) -> None:
        """Have ``tracer`` called for whatever an actor handles from now on; ``None`` ends it."""
        self._cell(path).tracer = tracer

    def publish(self, notice: Notice) -> None:
        """Pass a notice to the subscribers."""
        for subscriber in self._subscribers:
            if isinstance(subscriber, Ref):
                cell_of(subscriber).post(notice)
            else:
                self.runtime.announce(subscriber, notice)

    def lost(self, letter: Lost) -> None:
        """Keep a dead letter; notices that found nobody are not announced again."""
        envelope = letter.envelope
        notice = DeadLetter(
            path=letter.cell.path,
            at_ms=self.runtime.now_ms(),
            message=envelope.message,
            reason=letter.reason,
            age_s=letter.at_s - envelope.told_at,
            sender=envelope.sender.path if envelope.sender is not None else None,
            traceback=letter.traceback,
            count=envelope.weight,
            number=next(self._letters),
        )
        self._dead_letters.append(notice)
        if not isinstance(envelope.message, Notice):
            self.publish(notice)

    def _cell(self, path: str) -> Cell:
        cell = self.kernel.registry.cells.get(path.strip("/"))
        if cell is None:
            near = difflib.get_close_matches(
                path.strip("/"), tuple(self.kernel.registry.cells), n=SUGGESTIONS, cutoff=0.4
            )
            hint = f"; near it are {', '.join(near)}" if near else ""
            raise KeyError(f"no actor at {path}{hint}")
        return cell


def _is_up(cell: Cell) -> bool:
    incarnation = cell.incarnation
    return cell.status is Status.PARKED or (incarnation is not None and incarnation.ready)
