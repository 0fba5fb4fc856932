"""Which stories are told over the wire in a default run; with ``HOLDFAST_SOAK`` all of them are."""

from typing import Final

WIRE: Final = "_wire"
"""The end of a profile's name in the names of tests that run over the wire."""
CHOSEN: Final = frozenset(
    {
        "test_a_stop_whose_answers_are_lost_is_there_once[1-long",
    }
)
"""Beginnings of test names, up to the venue."""


def is_told_by_default(name: str) -> bool:
    """Whether the test runs without being asked for."""
    begin, _, _ = name.rpartition("-")
    return not name.endswith(f"{WIRE}]") or begin in CHOSEN
