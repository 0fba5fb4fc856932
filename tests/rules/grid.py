"""A transition table as text: a column for each state, a row for each event; ``.`` stays, ``-`` is a missing cell."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)


def drawn(transitions: Mapping[State, Mapping[Event, State]], events: type[Event]) -> list[list[str]]:
    rows = [[str(state) for state in transitions]]
    for event in events:
        after = {state: row.get(event) for state, row in transitions.items()}
        cells = ["-" if after[state] is None else str(after[state]) for state in transitions]
        rows.append([str(event), *("." if cell == state else cell for cell, state in zip(cells, after, strict=True))])
    return rows


def as_grid(text: str) -> list[list[str]]:
    return [line.split() for line in text.strip().splitlines()]
