"""The catalogue of mutants does not rot: each finds its line, each scenario has one, and each is written down."""

import re
from pathlib import Path

import pytest

from tests.mutants.catalogue import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parent.parent
SCENARIOS = {f"F{number}" for number in range(1, 30)}


def name_of(mutant: Mutant) -> str:
    return f"{mutant.scenario}-{mutant.what.replace(' ', '_')}"


@pytest.mark.parametrize("mutant", MUTANTS, ids=name_of)
def test_what_a_mutant_takes_out_is_there_once(mutant: Mutant) -> None:
    assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.old) == 1


@pytest.mark.parametrize("mutant", MUTANTS, ids=name_of)
def test_a_mutant_is_python_and_something_else(mutant: Mutant) -> None:
    whole = (ROOT / mutant.file).read_text(encoding="utf-8")
    changed = whole.replace(mutant.old, mutant.new)
    assert changed != whole
    compile(changed, mutant.file, "exec")


@pytest.mark.parametrize("mutant", MUTANTS, ids=name_of)
def test_the_tests_that_must_notice_are_there(mutant: Mutant) -> None:
    assert (ROOT / "tests" / mutant.tests.partition("::")[0]).is_file()


def test_every_scenario_has_a_mutant() -> None:
    assert {mutant.scenario for mutant in MUTANTS} == SCENARIOS


def test_every_mutant_is_written_down() -> None:
    text = (ROOT / "docs" / "mutants.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (F\d+) \| (.*?) \| \[(.*?)\]", text, flags=re.MULTILINE)
    assert rows == [(mutant.scenario, mutant.what, mutant.file) for mutant in MUTANTS]
