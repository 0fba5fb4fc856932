"""What can be seen of a system from outside: read from cell fields, without any actor's help."""

from dataclasses import dataclass

from actors.kernel.cell import Cell, Status
from actors.kernel.tree import Group, Leaf
from messages.delivery import Lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Conservation:
    """Where the messages told to one address, or to all, went. Messages in flight count as queued."""

    told: int
    handled: int
    dead_lettered: int
    queued: int

    @property
    def holds(self) -> bool:
        """Whether nothing was lost and nothing was counted twice."""
        return self.told == self.handled + self.dead_lettered + self.queued

    def __add__(self, other: "Conservation") -> "Conservation":
        return Conservation(
            told=self.told + other.told,
            handled=self.handled + other.handled,
            dead_lettered=self.dead_lettered + other.dead_lettered,
            queued=self.queued + other.queued,
        )


NOTHING = Conservation(told=0, handled=0, dead_lettered=0, queued=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorInfo:
    """One actor at an instant; ``state`` is the status, or ``suspended`` or ``backoff`` where these say more."""

    path: str
    state: str
    epoch: int
    restarts: int
    depth: int
    depth_by_lane: dict[str, int]
    in_flight: str | None
    holds: tuple[str, ...]
    conservation: Conservation
    crashes: int
    last_error: str | None
    dispatcher: str
    restart: str
    uptime_s: float | None
    restart_in_s: float | None
    watchers: tuple[str, ...]
    waits_for: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How much one actor has to do. Read without its lock: each figure is true, but not of one instant.

    Attributes:
        busy_s: For how long the message in flight has been handled; 0 between two messages.
    """

    path: str
    state: str
    depth: int
    handled: int
    dead_lettered: int
    restarts: int
    crashes: int
    in_flight: str | None
    busy_s: float
    waits_for: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeNode:
    """A group or an actor, with what is below it."""

    path: str
    kind: str
    state: str
    children: "tuple[TreeNode, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerInfo:
    """A pending timer; ``due_in_s`` may be negative while its message waits in the mailbox."""

    key: str
    due_in_s: float


def conservation_of(cell: Cell) -> Conservation:
    """The counters of one cell, of one instant."""
    with cell.lock:
        incarnation = cell.incarnation
        slot = incarnation.slot if incarnation is not None else None
        in_flight = sum(envelope.weight for envelope in slot or ())
        return Conservation(
            told=cell.told,
            handled=cell.handled,
            dead_lettered=cell.dead_lettered,
            queued=cell.mailbox.weight + in_flight,
        )


def depth_by_lane(cell: Cell) -> dict[Lane, int]:
    """How many messages wait in each lane."""
    with cell.lock:
        return cell.mailbox.depths()


def state_of(leaf: Leaf) -> str:
    """The word the shell shows."""
    cell = leaf.cell
    if cell.status is Status.DOWN and leaf.plan is not None:
        return "backoff"
    if cell.status is Status.RUNNING and cell.holds:
        return "suspended"
    return cell.status.value


def load_of(leaf: Leaf, now_s: float) -> Load:
    """What one actor has to do."""
    cell, incarnation = leaf.cell, leaf.cell.incarnation
    envelope = incarnation.envelope if incarnation is not None else None
    asking = incarnation.asking if incarnation is not None else None
    return Load(
        path=cell.path,
        state=state_of(leaf),
        depth=cell.mailbox.depth,
        handled=cell.handled,
        dead_lettered=cell.dead_lettered,
        restarts=cell.restarts,
        crashes=len(cell.crashes),
        in_flight=type(envelope.message).__name__ if envelope is not None else None,
        busy_s=max(now_s - incarnation.flight_began_s, 0.0)
        if envelope is not None and incarnation is not None
        else 0.0,
        waits_for=asking.path if asking is not None else None,
    )


def info_of(leaf: Leaf, now_s: float) -> ActorInfo:
    """Everything about one actor."""
    cell, incarnation, plan = leaf.cell, leaf.cell.incarnation, leaf.plan
    lanes = depth_by_lane(cell)
    envelope = incarnation.envelope if incarnation is not None else None
    asking = incarnation.asking if incarnation is not None else None
    crashes = tuple(cell.crashes)
    return ActorInfo(
        path=cell.path,
        state=state_of(leaf),
        epoch=cell.epoch,
        restarts=cell.restarts,
        depth=sum(lanes.values()),
        depth_by_lane={lane.name.lower(): depth for lane, depth in lanes.items()},
        in_flight=type(envelope.message).__name__ if envelope is not None else None,
        holds=tuple(sorted(cell.holds)),
        conservation=conservation_of(cell),
        crashes=len(crashes),
        last_error=crashes[-1].error if crashes else None,
        dispatcher=cell.spec.dispatcher.value,
        restart=cell.spec.restart.value,
        uptime_s=now_s - incarnation.began_s if incarnation is not None else None,
        restart_in_s=max(0.0, plan.not_before_s - now_s) if plan is not None else None,
        watchers=tuple(sorted(watcher.path for watcher in tuple(leaf.watchers))),
        waits_for=asking.path if asking is not None else None,
    )


def tree_of(node: Leaf | Group) -> TreeNode:
    """The tree from ``node`` down."""
    if isinstance(node, Leaf):
        brood = node.brood.children if node.brood is not None else ()
        return TreeNode(path=node.path, kind="actor", state=state_of(node), children=tuple(map(tree_of, tuple(brood))))
    children = tuple(map(tree_of, tuple(node.children)))
    states = {child.state for child in children}
    state = "running" if states <= {"running"} else "partly" if "running" in states or "partly" in states else "down"
    return TreeNode(path=node.path, kind=node.spec.strategy.value, state=state, children=children)


def timers_of(cell: Cell, now_s: float) -> tuple[TimerInfo, ...]:
    """The pending timers of the current incarnation, soonest first."""
    incarnation = cell.incarnation
    timers = dict(incarnation.timers or {}) if incarnation is not None else {}
    pending = [TimerInfo(key=str(key), due_in_s=timer.due_s - now_s) for key, timer in timers.items()]
    return tuple(sorted(pending, key=lambda timer: timer.due_in_s))
