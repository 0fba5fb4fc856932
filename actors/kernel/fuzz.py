"""The fuzz of the kernel: random trees, random deeds, random faults, in virtual time, against the laws.

A seed is a whole story and replays exactly; ``holdfast chaos kernel`` runs thousands.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from actors.kernel.cell import Cell, Status
from actors.kernel.faults import ActorUnavailable
from actors.kernel.fuzz_actor import MAX_HOPS, Society, spec_of
from actors.kernel.fuzz_world import LawBrokenError, World
from actors.kernel.kernel import Parts
from actors.kernel.notices import ActorRemoved, Notice
from actors.kernel.specs import GroupSpec, Intensity, Strategy
from actors.kernel.system import ActorSystem
from actors.kernel.tree import Group, Leaf
from actors.kernel.virtual_runtime import VirtualRuntime
from actors.kernel.virtual_time import VirtualTime

STEPS = 40
HEALING_S = 90.0
"""Virtual seconds after the last fault in which everything must have come up: far above every back-off and time-out."""

OUTSIDE = ("outside", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FuzzReport:
    """What a campaign found; ``seconds`` is real time."""

    runs: int
    crash_points: int
    violations: int
    first_violation: dict[str, object] | None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What one seed did; ``violation`` names the law and what was seen."""

    seed: int
    crash_points: int
    messages: int
    violation: dict[str, object] | None
    trace_hash: str


def run_fuzz(
    seeds: Iterable[int],
    *,
    steps: int = STEPS,
    on_progress: Callable[[int, int], None] | None = None,
    parts: Parts | None = None,
    stop_at_first: bool = False,
) -> FuzzReport:
    """Run every seed; ``on_progress`` is called with runs and violations so far after each.

    ``parts`` plants mistakes: the harness is tested by them.
    """
    began_s = time.monotonic()
    runs = crash_points = violations = 0
    first: dict[str, object] | None = None
    for seed in seeds:
        result = run_seed(seed, steps=steps, parts=parts)
        runs += 1
        crash_points += result.crash_points
        if result.violation is not None:
            violations += 1
            first = first or result.violation
        if on_progress is not None:
            on_progress(runs, violations)
        if first is not None and stop_at_first:
            break
    return FuzzReport(
        runs=runs,
        crash_points=crash_points,
        violations=violations,
        first_violation=first,
        seconds=time.monotonic() - began_s,
    )


def run_seed(seed: int, *, steps: int = STEPS, parts: Parts | None = None) -> RunResult:
    """One story: a tree, ``steps`` deeds from outside, healing, shutdown; all laws checked on the way."""
    story = Story(seed, parts)
    violation: dict[str, object] | None = None
    try:
        story.run(steps)
    except LawBrokenError as broken:
        violation = {"seed": seed, "law": broken.law, "detail": broken.detail}
    except Exception as error:  # noqa: BLE001 - an error out of the kernel itself is a finding
        violation = {"seed": seed, "law": "kernel", "detail": f"{type(error).__name__}: {error}"}
    world = story.world
    return RunResult(
        seed=seed,
        crash_points=world.crash_points,
        messages=len(world.told),
        violation=violation,
        trace_hash=story.runtime.trace_hash(),
    )


class Story:
    """One seed's system and what is done to it."""

    def __init__(self, seed: int, parts: Parts | None) -> None:
        self.world = World(seed)
        self.time = VirtualTime(seed=seed)
        self.runtime = VirtualRuntime(self.time, scan_interval_s=1.0)
        self.system = ActorSystem(runtime=self.runtime, parts=parts)
        self.world.system = self.system
        self.system.subscribe(self._on_notice)
        self._society = Society(self.world)
        self._spawned = 0

    def run(self, steps: int) -> None:
        """Tell the whole story."""
        self.world.fury = 0.0
        self.system.start(self._tree(), timeout_s=60.0)
        self.world.fury = self.world.rng.choice((0.5, 1.0, 1.5))
        for _ in range(steps):
            self._one_deed()
            self.world.check_conservation()
        self._heal()
        self._check_healed()
        self._shut_down()

    def _on_notice(self, notice: Notice) -> None:
        if isinstance(notice, ActorRemoved):
            self.world.removed.add(notice.path)

    def _tree(self) -> GroupSpec:
        rng, society = self.world.rng, self._society
        groups = []
        for number in range(rng.randint(1, 2)):
            strategy = rng.choice(tuple(Strategy))
            children = [spec_of(society, f"b{at}") for at in range(rng.randint(1, 4))]
            groups.append(
                GroupSpec(
                    name=f"g{number}",
                    strategy=strategy,
                    children=children,
                    intensity=Intensity(max_restarts=rng.choice((3, 50)), within_s=10.0),
                )
            )
            if strategy is not Strategy.ONE_FOR_ONE:
                paths = [f"g{number}/{child.name}" for child in children]
                for at, path in enumerate(paths):
                    self.world.elders[path] = paths[:at]
        first = spec_of(society, "a0")
        return GroupSpec(
            name="root",
            strategy=rng.choice(tuple(Strategy)),
            children=[first, *groups],
            intensity=Intensity(max_restarts=rng.choice((5, 1000)), within_s=10.0),
        )

    def _one_deed(self) -> None:
        rng, society, system = self.world.rng, self._society, self.system
        dice = rng.random()
        paths = system.paths()
        if not paths:
            return
        path = rng.choice(paths)
        if dice < 0.40:  # noqa: PLR2004 - the shares of what is done from outside
            for _ in range(rng.randint(1, 8)):
                society.tell(OUTSIDE, MAX_HOPS)
        elif dice < 0.50:  # noqa: PLR2004
            society.ask(OUTSIDE)
        elif dice < 0.53:  # noqa: PLR2004
            society.flood(OUTSIDE, 150)
        elif dice < 0.55:  # noqa: PLR2004
            society.bombard(OUTSIDE)
        elif dice < 0.58:  # noqa: PLR2004
            system.suspend(path)
        elif dice < 0.63:  # noqa: PLR2004
            system.resume(path)
        elif dice < 0.66:  # noqa: PLR2004
            system.restart(path)
        elif dice < 0.69:  # noqa: PLR2004
            system.abandon(path)
        elif dice < 0.72:  # noqa: PLR2004
            self._spawn()
        elif dice < 0.74:  # noqa: PLR2004
            self.world.removed.add(path)
            system.stop_child(path)
        self.time.run_for(rng.choice((0.0, 0.0, 0.01, 0.1, 0.5, 2.0)))

    def _spawn(self) -> None:
        self._spawned += 1
        group = self.world.rng.choice(sorted(self.system.kernel.groups))
        self.system.spawn(group, spec_of(self._society, f"d{self._spawned}"))

    def _heal(self) -> None:
        self.world.fury = 0.0
        for _ in range(2):  # whoever comes back to life may hold others once more
            for leaf in tuple(self.system.kernel.leaves.values()):
                self.system.resume(leaf.path)
                self.system.kernel.set_available(leaf.cell, available=True)
            self.time.run_for(HEALING_S)

    def _check_healed(self) -> None:
        world, kernel = self.world, self.system.kernel
        world.check_conservation()
        if kernel.failed is not None:
            return  # the root gave up, as it may: everything is down, which the shutdown proves
        for leaf in tuple(kernel.leaves.values()):
            self._check_leaf(leaf)
        for group in tuple(kernel.groups.values()):
            if group.plan is not None:
                raise LawBrokenError("stuck", f"group {group.path} still has a plan: {_plan(group)}")
        world.check_watches()
        world.check_younger_followed()
        self._check_questions()

    def _check_leaf(self, leaf: Leaf) -> None:
        cell, incarnation = leaf.cell, leaf.cell.incarnation
        if leaf.plan is not None or leaf.leaving:
            raise LawBrokenError("stuck", f"{leaf.path} is {cell.status.value} and still has a plan: {_plan(leaf)}")
        if cell.status is Status.PARKED:
            return
        if cell.status is not Status.RUNNING or incarnation is None or not incarnation.ready:
            raise LawBrokenError("stuck", f"{leaf.path} is {cell.status.value}, incarnation {incarnation}")
        if cell.mailbox.depth or incarnation.slot is not None:
            raise LawBrokenError("stuck", f"{leaf.path} runs and does not handle {cell.mailbox.depth} messages")

    def _check_questions(self) -> None:
        for question in self._society.questions:
            promise = question.promise
            if promise.gate.is_open():
                if promise.error is None and promise.value != question.number:
                    raise LawBrokenError("asks", f"{question.target.path} answered {promise.value!r}")
                if promise.error is not None and not isinstance(promise.error, ActorUnavailable):
                    raise LawBrokenError("asks", f"{question.target.path} failed with {promise.error!r}")
            elif not _still_waits(question.target, question.promise):
                raise LawBrokenError("asks", f"{question.target.path} never answered message {question.number}")

    def _shut_down(self) -> None:
        self.world.stops.clear()
        report = self.system.shutdown(stop_timeout_s=60.0)
        if not report.stopped:
            left = [leaf.path for leaf in self.system.kernel.leaves.values() if leaf.cell.incarnation is not None]
            raise LawBrokenError("shutdown", f"not everything stopped: {left}")
        self.world.check_conservation()
        if self.system.conservation().queued:
            raise LawBrokenError("shutdown", f"messages are still queued: {self.system.conservation()}")
        self._check_stop_order()
        for question in self._society.questions:
            if not question.promise.gate.is_open():
                raise LawBrokenError("asks", f"{question.target.path} never answered message {question.number}")

    def _check_stop_order(self) -> None:
        stops = self.world.stops
        place = {path: at for at, path in enumerate(stops)}
        for younger, elders in self.world.elders.items():
            for elder in elders:
                if younger in place and elder in place and place[younger] > place[elder]:
                    raise LawBrokenError("shutdown", f"{elder} stopped before {younger}, which came after it")


def _still_waits(cell: Cell, promise: object) -> bool:
    with cell.lock:
        return any(envelope.promise is promise for envelope in cell.mailbox)


def _plan(node: Leaf | Group) -> str:
    plan = node.plan
    if plan is None:
        return "leaving"
    members = ", ".join(member.path for member in plan.members)
    to_stop = ", ".join(sorted(member.path for member in plan.to_stop))
    return f"members {members}; to stop {to_stop}; not before {plan.not_before_s}"
