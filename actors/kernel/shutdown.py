"""Ordered shutdown: phases with deadlines, then the tree in reverse."""

from collections.abc import Callable, Sequence

from actors.kernel.asks import Promise, send_ask
from actors.kernel.cell import Cell
from actors.kernel.faults import AskTimeout
from actors.kernel.runtime import Runtime
from actors.kernel.specs import PhaseReport, ShutdownPhase


def run_phase(phase: ShutdownPhase, *, runtime: Runtime, find: Callable[[str], Cell | None]) -> PhaseReport:
    """Ask every target at once, and wait until all answered or the deadline passed."""
    began_s = runtime.monotonic_s()
    deadline_s = began_s + phase.deadline_s
    asked: dict[str, Promise] = {}
    unanswered: dict[str, str] = {}
    for path in phase.targets:
        cell = find(path)
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
    phases: Sequence[ShutdownPhase], *, runtime: Runtime, find: Callable[[str], Cell | None]
) -> tuple[PhaseReport, ...]:
    """One phase after another, each whatever became of the one before."""
    return tuple(run_phase(phase, runtime=runtime, find=find) for phase in phases)
