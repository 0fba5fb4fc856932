"""Driving plans: one idempotent ``drive``, called whenever anything changed, does what is not done yet.

Invariants:
    1. At most one plan covers a node; overlapping ones merge.
    2. Members stop in reverse order, each down before the one before it is told to stop, and start in order.
    3. Nothing of a plan starts before everything it stops is down and its wait is over.
"""

from collections.abc import Callable, Sequence

from actors.kernel.cell import Status
from actors.kernel.lifecycle import Lifecycle
from actors.kernel.runtime import Runtime
from actors.kernel.specs import Strategy
from actors.kernel.tree import Group, Leaf, Node, Plan, above


class Driver:
    """Brings the tree to where its plans want it, one step at a time."""

    def __init__(self, *, runtime: Runtime, lifecycle: Lifecycle, remove: Callable[[Node], None]) -> None:
        self._runtime = runtime
        self._lifecycle = lifecycle
        self._remove = remove
        self.halting = False

    def cover(self, group: Group, members: Sequence[Node], stop: Sequence[Node], not_before_s: float) -> Plan:
        """Plan that ``members`` come up again after ``stop`` of them went down; merges with what is planned already."""
        chosen = set(members)
        to_stop = set(stop)
        reached: set[Node] = set()
        for old in {id(node.plan): node.plan for node in members if node.plan is not None}.values():
            chosen.update(old.members)
            to_stop.update(old.to_stop)
            reached.update(old.reached)
            not_before_s = max(not_before_s, old.not_before_s)
            self._dissolve(old)
        ordered = [node for node in group.children if node in chosen]
        plan = Plan(group=group, members=ordered, to_stop=to_stop, not_before_s=not_before_s, reached=reached - to_stop)
        for node in ordered:
            node.plan = plan
        return plan

    def drive(self, plan: Plan) -> None:
        """Do the next thing that this plan still lacks, if it can be done now."""
        if plan.over:
            return
        for node in reversed(plan.members):
            if node in plan.to_stop:
                if not self.stop(node):
                    return
                plan.to_stop.discard(node)
        if not self._waited(plan) or self.is_closed(plan.group):
            return
        while plan.cursor < len(plan.members):
            node = plan.members[plan.cursor]
            if not self._elders_are_up(plan, node):
                return
            plan.reached.add(node)
            if not self.start(node):
                return
            plan.cursor += 1
        self._dissolve(plan)
        self.drive_from(plan.group)

    def drive_from(self, node: Node | None) -> None:
        """Something changed at ``node``: drive what may have waited for it, from there up."""
        while node is not None:
            if node.leaving and self.stop(node):
                self._remove(node)
            elif isinstance(node, Leaf) and node.quitting:
                self.stop(node)
            if node.plan is not None:
                self.drive(node.plan)
            if node.parent is not None:
                self.drive_waiting(node.parent)
            node = above(node)

    def stop(self, node: Node) -> bool:
        """Whether everything of ``node`` is down; if not, orders the next to stop."""
        if isinstance(node, Leaf):
            if node.brood is not None and node.brood.children:
                self.empty(node.brood)
                if node.brood.children:
                    return False
            return self._lifecycle.stop(node)
        node.cursor = 0
        for child in tuple(node.children):
            if child.plan is not None:
                self._dissolve(child.plan)
        return all(self.stop(child) for child in reversed(tuple(node.children)))

    def start(self, node: Node) -> bool:
        """Whether everything of ``node`` is up; if not, begins the next."""
        if isinstance(node, Leaf):
            return node.leaving or self._lifecycle.start(node)
        while not node.leaving and node.cursor < len(node.children):
            child = node.children[node.cursor]
            if child.plan is not None and not child.leaving:
                self._runtime.decide(self.drive, child.plan)  # brings it up, and drives this one when it is done
                return False
            if not self.start(child):
                return False
            node.cursor += 1
        return True

    def empty(self, brood: Group) -> None:
        """Let all children of an actor leave."""
        for child in reversed(tuple(brood.children)):
            self.leave(child)

    def leave(self, node: Node) -> None:
        """Stop and then remove ``node``; a plan that is to stop it still waits for that, and will not start it."""
        node.leaving = True
        if self.stop(node):
            self._remove(node)

    def release(self, node: Node) -> None:
        """``node`` is gone: its plan goes on without it."""
        plan, node.plan = node.plan, None
        if plan is not None:
            plan.members.remove(node)
            plan.to_stop.discard(node)
            plan.cursor = 0
            self._runtime.decide(self.drive, plan)

    def being_stopped(self, leaf: Leaf) -> bool:
        """Whether a plan takes care of ``leaf`` already: it, or something above it, is to go down first."""
        return leaf.leaving or (leaf.plan is not None and leaf in leaf.plan.to_stop) or self.is_closed(leaf.parent)

    def is_closed(self, group: Group) -> bool:
        """Whether nothing may start in ``group`` now: a plan above still stops and waits, or starts others first."""
        at: Node | None = group
        while at is not None:
            if at.leaving or (at.plan is not None and at not in at.plan.reached):
                return True
            at = above(at)
        return self.halting

    def unsettle(self, node: Node) -> None:
        """``node`` went down or left: what waits for its group to be up looks at all of it again."""
        group = above(node)
        while group is not None:
            if isinstance(group, Group):
                group.cursor = 0
            group = above(group)

    def hurry(self, plan: Plan) -> None:
        """Do not wait any longer before starting."""
        plan.not_before_s = self._runtime.monotonic_s()
        if plan.timer is not None:
            plan.timer.cancel()
            plan.timer = None
        self.drive(plan)

    def _elders_are_up(self, plan: Plan, node: Node) -> bool:
        if plan.group.spec.strategy is Strategy.ONE_FOR_ONE:
            return True
        for elder in plan.group.children:
            if elder is node:
                break
            if elder not in plan.members and not _is_up(elder):
                return False  # whoever brings it up drives this plan then
        return True

    def drive_waiting(self, group: Group) -> None:
        """Drive the plans in an ordered group: one may wait for an elder that just came up, or left."""
        if group.spec.strategy is not Strategy.ONE_FOR_ONE:
            for plan in {id(child.plan): child.plan for child in group.children if child.plan is not None}.values():
                self.drive(plan)

    def _waited(self, plan: Plan) -> bool:
        left_s = plan.not_before_s - self._runtime.monotonic_s()
        if left_s <= 0:
            return True
        if plan.timer is None:

            def over() -> None:
                plan.timer = None
                self._runtime.decide(self.drive, plan)

            plan.timer = self._runtime.call_later(left_s, over)
        return False

    @staticmethod
    def _dissolve(plan: Plan) -> None:
        plan.over = True
        if plan.timer is not None:
            plan.timer.cancel()
        for node in plan.members:
            if node.plan is plan:
                node.plan = None


def _is_up(node: Node) -> bool:
    if node.leaving:
        return True
    if isinstance(node, Group):
        return all(_is_up(child) for child in node.children)
    incarnation = node.cell.incarnation
    if node.cell.status is Status.RUNNING:
        return incarnation is not None and incarnation.ready
    return node.cell.status in {Status.PARKED, Status.REMOVED}
