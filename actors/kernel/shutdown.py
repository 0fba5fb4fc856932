"""Ordered shutdown: phases with deadlines, then the tree in reverse."""

from collections.abc import Mapping, Sequence

from actors.kernel.asks import Promise, send_ask
from actors.kernel.cell import Cell
from actors.kernel.faults import AskTimeout
from actors.kernel.runtime import Runtime
from actors.kernel.specs import PhaseReport, ShutdownPhase


def run_phase(phase: ShutdownPhase, *, runtime: Runtime, cells: Mapping[str, Cell]) -> PhaseReport:
    """Ask every target at once, and wait until all answered or the deadline passed."""
    began_s = runtime.monotonic_s()
    deadline_s = began_s + phase.deadline_s
    asked: dict[str, Promise] = {}
    unanswered: dict[str, str] = {}
    for path in _paths(phase, cells):
        cell = cells.get(path)
        if cell is None:
            unanswered[path] = "no such actor"
        else:
            asked[path] = send_ask(cell, phase.message, deadline_s, None)
    answered: list[str] = []
    for path, promise in asked.items():
        if not runtime.wait(promise.gate, max(0.0, deadline_s - runtime.monotonic_s())):
            promise.fail(AskTimeout(f"no answer within {phase.deadline_s:g} s"))
        if promise.error is None:
            answered.append(path)
        else:
            unanswered[path] = f"{type(promise.error).__name__}: {promise.error}"
    return PhaseReport(
        name=phase.name,
        answered=tuple(answered),
        unanswered=unanswered,
        seconds=runtime.monotonic_s() - began_s,
    )


def run_phases(
    phases: Sequence[ShutdownPhase], *, runtime: Runtime, cells: Mapping[str, Cell]
) -> tuple[PhaseReport, ...]:
    """One phase after another, each whatever became of the one before."""
    return tuple(run_phase(phase, runtime=runtime, cells=cells) for phase in phases)


def _paths(phase: ShutdownPhase, cells: Mapping[str, Cell]) -> list[str]:
    now = tuple(cells)
    below = {target: sorted(path for path in now if path.startswith(target)) for target in phase.targets}
    return [path for target in phase.targets for path in (below[target] if target.endswith("/") else [target])]
