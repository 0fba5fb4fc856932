"""docs/settings.md names every setting with its default, and nothing else."""

import re
from pathlib import Path

import pytest

from adapters.settings_source import setting_name, shown_defaults
from messages.settings import TOPICS, VenueAccess

DOCUMENT = (Path(__file__).resolve().parent.parent / "docs" / "settings.md").read_text(encoding="utf-8")
ROWS = {
    name: (default.strip().strip("`"), meaning.strip())
    for name, default, meaning in re.findall(r"^\| `([A-Z0-9_]+)` \| ([^|]*) \| ([^|]*) \|$", DOCUMENT, re.MULTILINE)
}


def test_every_setting_is_in_the_document_and_every_name_of_the_document_is_a_setting() -> None:
    assert list(ROWS) == [setting_name(field) for topic in TOPICS for field in topic.model_fields if field != "access"]


@pytest.mark.parametrize("name", ROWS)
def test_the_document_tells_the_default_that_counts(name: str) -> None:
    default = shown_defaults()[name]
    assert ROWS[name][0] == ("" if default == "not set" else default)


def test_every_part_of_a_venues_own_settings_is_in_the_document() -> None:
    named = re.findall(r"^\| `<VENUE>_([A-Z_]+)` \|", DOCUMENT, re.MULTILINE)
    assert named == [field.upper() for field in VenueAccess.model_fields]
