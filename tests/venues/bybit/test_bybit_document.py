"""What ``docs/venues/bybit.md`` says of codes is what the adapter does."""

import re

from adapters.venues.bybit_errors import refusal
from messages.venue import OutcomeUnknown, RejectReason
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "venues" / "bybit.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (`(\w+)`|unknown outcome|as asked already[^|]*) \| ([^|]*) \|$", PAGE, re.MULTILINE)
IN_WORDS = {10001, 110017}


def codes_of(text: str) -> list[int]:
    return [int(code) for code in re.findall(r"(?<![\w-])-?\d+(?![\w/])", text) if int(code) not in IN_WORDS]


def test_every_code_of_a_reason_is_refused_for_it() -> None:
    found = {(name, code): refusal(code, "x").answer for _, name, text in ROWS if name for code in codes_of(text)}
    assert len(found) > 30
    for (name, code), answer in found.items():
        assert not isinstance(answer, OutcomeUnknown), code
        assert answer.reason is RejectReason(name), code


def test_every_unknown_outcome_and_every_success_is_one() -> None:
    [unknown] = [text for title, _, text in ROWS if title == "unknown outcome"]
    assert all(isinstance(refusal(code, "x").answer, OutcomeUnknown) for code in codes_of(unknown.partition(";")[0]))
    [already] = [text for title, _, text in ROWS if title.startswith("as asked")]
    assert len(codes_of(already)) == 4
    assert all(refusal(code, "x").as_asked for code in codes_of(already))
