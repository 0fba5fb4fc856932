"""What the documents say is checked where it can be."""

import importlib
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import typer

from actors.control.all_commands import all_commands
from adapters.settings_source import KNOWN_NAMES
from adapters.shell.line import usage
from adapters.simulator.profiles import Profile
from adapters.simulator.wire.simulation import WIRES
from holdfast import app
from tests.scenarios.wire.link import WireProfile

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
SCENARIOS = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
ROOMS = ("supervisor.py", "actors/kernel/", "actors/", "rules/", "messages/", "adapters/", "persistence/")
FEW_WORDS = 4
"""A reason has more."""
NOT_A_SETTING = {"PAPER", "HOLDFAST_DATA", "HOLDFAST_FACTS"}


def test_the_readme_can_be_read_at_one_sitting() -> None:
    assert len(README.splitlines()) <= 100


def test_every_setting_in_the_readme_is_a_setting() -> None:
    named = set(re.findall(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|PAPER)`", README))
    assert {"POSITION_SIZE_USD", "HOLDFAST_HOME"} <= named
    assert named - NOT_A_SETTING <= KNOWN_NAMES


def test_the_script_for_every_change_runs_the_test_command_of_the_readme() -> None:
    (command,) = re.findall(r"\.venv/bin/(python -m pytest[^\n]*)", README)
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert script[-1] == f'"$bin/{command.split(maxsplit=1)[0]}" {command.split(maxsplit=1)[1]}'


@pytest.mark.parametrize("text", [README, ARCHITECTURE], ids=["README", "ARCHITECTURE"])
def test_every_link_leads_somewhere(text: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_file_that_the_architecture_points_to_is_there() -> None:
    named = re.findall(r"`((?:actors|rules|messages|adapters|persistence)/[\w/*.]*)`", ARCHITECTURE)
    assert named
    assert [name for name in named if not any(ROOT.glob(name.rstrip("/")))] == []


def test_every_scenario_that_is_written_down_is_a_test() -> None:
    written = set(re.findall(r"`(test_\w+)`", SCENARIOS))
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "scenarios").glob("test_*.py"))
    assert written
    assert written - set(re.findall(r"^def (test_\w+)", tests, re.MULTILINE)) == set()


def test_every_scenario_has_a_test_or_a_reason_on_every_venue() -> None:
    """A cell names tests that run there, over the wire where it is a venue's, or says why there is none."""
    rows = re.findall(r"^\| F(\d+) \|(.+)\|$", SCENARIOS.partition("## By venue")[2], re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 31))
    told = told_on()
    for number, row in rows:
        cells = dict(zip(("paper", *WIRES), row.split(" | "), strict=True))
        for venue, cell in cells.items():
            names = re.findall(r"`(test_\w+)`", cell)
            assert names or len(cell.split()) > FEW_WORDS, f"F{number} on {venue}: neither a test nor a reason"
            assert all(venue in told[name] for name in names), f"F{number} on {venue}: {names}"


def told_on() -> Mapping[str, set[str]]:
    """The venues on which each scenario's test runs: over the wire by their names, all others are the paper venue."""
    told: dict[str, set[str]] = {}
    for path in (ROOT / "tests" / "scenarios").glob("test_*.py"):
        for name, test in vars(importlib.import_module(f"tests.scenarios.{path.stem}")).items():
            if name.startswith("test_"):
                profiles = [
                    profile
                    for mark in getattr(test, "pytestmark", ())
                    if mark.name == "parametrize"
                    for values in mark.args[1]
                    for profile in (values if isinstance(values, tuple) else (values,))
                    if isinstance(profile, Profile)
                ]
                found = {each.name if isinstance(each, WireProfile) else "paper" for each in profiles}
                told[name] = found or {"paper"}
    return told


@pytest.mark.parametrize("command", sorted(typer.main.get_group(app).commands))
def test_every_command_is_in_the_readme(command: str) -> None:
    assert f"`holdfast {command}" in README


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_its_paragraph_and_its_invariant(room: str) -> None:
    paragraphs = ARCHITECTURE.split("\n\n")
    assert any(each.startswith(f"**{room}**") and "**Invariant:**" in each for each in paragraphs)


def test_every_command_of_the_shell_stands_in_its_document_as_it_is() -> None:
    text = (ROOT / "docs" / "shell.md").read_text(encoding="utf-8")
    for spec in all_commands().specs():
        how = usage(spec).replace("|", "\\|")
        assert f"| `{how}` | {spec.summary} | {spec.role} | `{spec.example}` |" in text
