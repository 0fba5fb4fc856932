"""Every word that a check may say has its line in the check's page."""

from pathlib import Path

import pytest

from rules.protection_audit import FindingKind
from rules.zombies import ZombieKind

PAGE = (Path(__file__).parents[2] / "docs" / "check.md").read_text(encoding="utf-8")
NOT_SAID = {FindingKind.ORPHAN_ORDER, FindingKind.NO_TAKE_PROFIT}
"""The check says which kind of zombie it is, and which take profit."""
WORDS = [
    *(str(kind) for kind in FindingKind if kind not in NOT_SAID),
    *(f"zombie_{kind}" for kind in ZombieKind),
    "phantom_position",
    "size_differs",
    "untracked_position",
]


@pytest.mark.parametrize("word", WORDS)
def test_what_a_check_may_find_is_explained(word: str) -> None:
    assert f"`{word}`" in PAGE
