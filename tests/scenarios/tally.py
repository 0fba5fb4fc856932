"""What the venues' own books say of every world of a test run together: a pytest plugin that adds them up.

A world is noted when it passes postcondition C. Under pytest-xdist each worker hands its sums to the controller.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import pytest

SOAK: Final = "HOLDFAST_SOAK"
"""The environment variable that asks for whole campaigns."""

TALLY_KEY = "ledgers"


@dataclass(slots=True, kw_only=True)
class Sums:
    """Over the worlds of one kind. ``dead``: nobody was alive, or nobody answered, for a while in them."""

    worlds: int = 0
    positions: int = 0
    unprotected_seconds: float = 0.0
    worst_window_seconds: float = 0.0
    dead_seconds: float = 0.0
    accepted_twice: int = 0
    duplicate_orders: int = 0
    zombie_orders: int = 0
    wrong_cancels: int = 0

    def add(self, other: "Sums") -> None:
        """The sums of both."""
        self.worst_window_seconds = max(self.worst_window_seconds, other.worst_window_seconds)
        for name in (
            "worlds",
            "positions",
            "unprotected_seconds",
            "dead_seconds",
            "accepted_twice",
            "duplicate_orders",
            "zombie_orders",
            "wrong_cancels",
        ):
            setattr(self, name, getattr(self, name) + getattr(other, name))


_SUMS: dict[str, Sums] = {}


def note(kind: str, ledger: Mapping[str, Any], *, interrupted: bool) -> None:
    """Add one world's book, of ``kind``: which profile, by which way.

    Where it was ``interrupted`` its seconds and what was left behind meanwhile count apart: there was nobody to act.
    """
    seconds = ledger["unprotected_seconds"]
    sums = Sums(
        worlds=1,
        positions=ledger["positions_opened"],
        accepted_twice=ledger["accepted_twice"],
        wrong_cancels=ledger["wrong_cancels"],
    )
    if interrupted:
        sums.dead_seconds = seconds
    else:
        sums.unprotected_seconds = seconds
        sums.worst_window_seconds = ledger["worst_window_seconds"]
        sums.duplicate_orders = ledger["duplicate_orders"]
        sums.zombie_orders = ledger["zombie_orders"]
    _SUMS.setdefault(kind, Sums()).add(sums)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker's sums go to the controller."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[TALLY_KEY] = {kind: asdict(sums) for kind, sums in _SUMS.items()}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """The controller's side; a worker that died has nothing to hand over."""
    del error
    for kind, sums in getattr(node, "workeroutput", {}).get(TALLY_KEY, {}).items():
        _SUMS.setdefault(kind, Sums()).add(Sums(**sums))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The table at the end of the run, where worlds took part."""
    if not _SUMS:
        return
    terminalreporter.section("the venues' own books on the scenarios")
    for line in table(_SUMS):
        terminalreporter.write_line(line)


def table(sums: Mapping[str, Sums]) -> list[str]:
    """One line a kind of world, and one for all."""
    whole = Sums()
    for each in sums.values():
        whole.add(each)
    rows = [(kind, sums[kind]) for kind in sorted(sums)]
    heading = ("worlds", "positions", "naked s", "worst s", "dead s", "twice", "double", "zombie", "wrong cancels")
    lines = [f"{'':16}" + "".join(f"{each:>{len(each) + 3}}" for each in heading)]
    for kind, each in [*rows, ("all", whole)]:
        figures = (
            str(each.worlds),
            str(each.positions),
            f"{each.unprotected_seconds:.1f}",
            f"{each.worst_window_seconds:.2f}",
            f"{each.dead_seconds:.0f}",
            str(each.accepted_twice),
            str(each.duplicate_orders),
            str(each.zombie_orders),
            str(each.wrong_cancels),
        )
        cells = zip(figures, heading, strict=True)
        lines.append(f"{kind:16}" + "".join(f"{figure:>{len(name) + 3}}" for figure, name in cells))
    return lines
