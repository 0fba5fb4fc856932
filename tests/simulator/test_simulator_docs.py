"""What docs/simulator.md says is what the code does."""

import re
from pathlib import Path

from adapters.simulator.fault_script import FaultAction
from adapters.simulator.profiles import PROFILES, IdRule
from tests.simulator.builders import T0, an_exchange

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8")


def cells(first: str) -> list[str]:
    """The cells of the table row that begins with ``first``."""
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| {first} |"))
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_every_fault_is_in_the_table_and_nothing_else_is() -> None:
    section = TEXT.split("## Faults")[1].split("## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == {action.value for action in FaultAction}


def test_the_profiles_are_as_the_table_says() -> None:
    yes = {True: "yes", False: "no"}
    for profile in PROFILES.values():
        can = profile.capabilities
        offered = "yes" if can.whole_position_stop else "not offered" if profile.accepts_whole_position_stop else "no"
        assert cells(profile.name) == [
            profile.name,
            yes[can.attach_stop_to_entry],
            yes[can.amend_stop],
            yes[can.two_stops],
            offered,
            yes[can.stop_client_order_id],
            "all" if profile.ids is IdRule.ALWAYS else "open orders",
            "stay" if profile.quantity_orders_survive else "go",
        ]


def test_every_figure_that_the_table_explains_is_in_the_ledger() -> None:
    section = TEXT.split("## The ledger")[1].split("## ")[0]
    names = {name for line in section.splitlines() if line.startswith("| `") for name in re.findall(r"`(\w+)`", line)}
    assert len(names) > 5
    assert names <= an_exchange().ledger.snapshot(T0).keys()
