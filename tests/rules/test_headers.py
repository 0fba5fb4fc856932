"""The header of a rule file and its tests say the same: a property test per invariant, of its number and wording."""

import ast
import re
from pathlib import Path

import pytest

RULES = Path(__file__).parents[2] / "rules"
TESTS = Path(__file__).parent


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _invariants(source: str) -> list[str]:
    header = ast.get_docstring(ast.parse(source)) or ""
    numbered = re.findall(r"^(\d+)\. (.+(?:\n +.+)*)", header, flags=re.MULTILINE)
    return [f"test_{number}_{_slug(text)}" for number, text in numbered]


def _tested_rules() -> list[str]:
    return sorted(path.stem for path in RULES.glob("*.py") if (TESTS / f"test_{path.stem}.py").exists())


@pytest.mark.parametrize("rule", _tested_rules())
def test_every_numbered_invariant_has_a_test_of_its_number_and_wording(rule: str) -> None:
    wanted = _invariants((RULES / f"{rule}.py").read_text(encoding="utf-8"))
    tree = ast.parse((TESTS / f"test_{rule}.py").read_text(encoding="utf-8"))
    tests = [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    numbered = [name for name in tests if re.match(r"test_\d+_", name)]
    assert numbered == wanted


@pytest.mark.parametrize("rule", _tested_rules())
def test_a_rule_imports_messages_and_rules_and_no_clock(rule: str) -> None:
    allowed = {
        "collections", "dataclasses", "datetime", "decimal", "enum", "hashlib", "itertools", "json", "math", "messages",
        "re", "rules", "types", "typing",
    }  # fmt: skip
    tree = ast.parse((RULES / f"{rule}.py").read_text(encoding="utf-8"))
    modules = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    modules |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {module.partition(".")[0] for module in modules} <= allowed
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not called & {"now", "utcnow", "today", "time", "monotonic", "random"}
