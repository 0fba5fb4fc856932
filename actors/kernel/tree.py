"""The kernel's picture of the tree: which groups and actors there are, and what is planned for them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from actors.kernel.cell import Cell
from actors.kernel.runtime import Handle
from actors.kernel.specs import GroupSpec


@dataclass(slots=True, kw_only=True, eq=False)
class Leaf:
    """An actor's place in the tree.

    Attributes:
        leaving: It is stopped and removed as soon as it is down.
        quitting: Its incarnation wants to stop, once its brood is gone.
        failures: Crashes since it was last healthy.
        failed_at_s: When it crashed, within the window of its intensity.
        watchers: Cells that watch it, with the epoch of theirs that asked for it.
        brood: The children that the actor itself spawned.
    """

    cell: Cell
    parent: "Group"
    plan: "Plan | None" = None
    leaving: bool = False
    quitting: bool = False
    failures: int = 0
    failed_at_s: list[float] = field(default_factory=list)
    watchers: dict[Cell, int] = field(default_factory=dict)
    brood: "Group | None" = None

    @property
    def path(self) -> str:
        """The address."""
        return self.cell.path


@dataclass(slots=True, kw_only=True, eq=False)
class Group:
    """An ordered group; ``host`` is the actor whose brood it is, where it is one.

    All children before ``cursor`` were found up since the last failure or stop here, so that starting is not quadratic.
    """

    path: str
    spec: GroupSpec
    parent: "Group | None"
    host: Leaf | None = None
    children: "list[Leaf | Group]" = field(default_factory=list)
    plan: "Plan | None" = None
    leaving: bool = False
    failures: int = 0
    failed_at_s: list[float] = field(default_factory=list)
    escalated_at_s: float = float("-inf")
    cursor: int = 0

    def leaves(self) -> Iterator[Leaf]:
        """All actors below, in start order."""
        for child in self.children:
            if isinstance(child, Leaf):
                yield child
                if child.brood is not None:
                    yield from child.brood.leaves()
            else:
                yield from child.leaves()


Node = Leaf | Group


@dataclass(slots=True, kw_only=True, eq=False)
class Plan:
    """Members of one group on their way down and up again: stop in reverse, wait, start in order.

    At most one plan covers a node. ``to_stop`` shrinks as members are found down and only ever grows by a merge.
    ``reached`` are the members whose turn to start has come; all before ``cursor`` were found up since the last merge.
    """

    group: Group
    members: list[Node]
    to_stop: set[Node]
    not_before_s: float
    over: bool = False
    reached: set[Node] = field(default_factory=set)
    cursor: int = 0
    timer: Handle | None = None


def above(node: Node) -> Node | None:
    """The node whose plan may wait for this one."""
    if isinstance(node, Leaf):
        return node.parent
    return node.host if node.host is not None else node.parent


def join(parent: str, name: str) -> str:
    """The path of a child; the root's own name is not part of any path."""
    return name if parent == "/" else f"{parent}/{name}"
