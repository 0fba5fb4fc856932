"""What the documents say is checked where it can be."""

import re
from pathlib import Path

import pytest
import typer

from actors.control.all_commands import all_commands
from adapters.settings_source import KNOWN_NAMES
from adapters.shell.line import usage
from holdfast import app

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
SCENARIOS = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
ROOMS = ("supervisor.py", "actors/kernel/", "actors/", "rules/", "messages/", "adapters/", "persistence/")
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
