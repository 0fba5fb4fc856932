"""Which signals of one wave are opened: filters, order and the buffer (S2.4, S2.5).

A wave's signals stand in a row, best score of the week first. The first of them (10 and a third more) are checked at
the venue; those that pass are opened in the order of the row, and for each that did not become a position a further one
is taken, until enough are open or none is left.

Invariants:
1. Never are more opened, or being opened, than a wave may open.
2. At first no more are checked than the buffer holds, and later no more than there are places.
3. A signal is not opened into a place that a better one being checked may need.
4. Every signal ends: opened, refused, or left over because the wave is full.
5. When enough pass, a wave ends with as many positions as it may open.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Final

from messages.signals import Signal
from messages.values import Price, Symbol

MAX_WAITING: Final = 1_000
"""Signals of one wave that may wait for their turn."""

_PERCENT: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakePolicy:
    """What is taken of a wave.

    Attributes:
        max_trades: How many positions one wave may open.
        buffer_percent: How many more than that are checked at first.
        max_spread_percent: Between bid and ask, of the middle of the two.
    """

    max_trades: int = 10
    buffer_percent: Decimal = Decimal(33)
    min_score_week: Decimal = Decimal(0)
    min_score_month: Decimal = Decimal(50)
    max_spread_percent: Decimal = Decimal(2)
    stoplist: frozenset[Symbol] = frozenset()

    @property
    def first_take(self) -> int:
        """How many are checked at first (S2.5: 10 and a third, 13, rounded down)."""
        return int(self.max_trades * (_PERCENT + self.buffer_percent) // _PERCENT)


class Stage(StrEnum):
    """How far a signal of a wave has come."""

    WAITING = "waiting"
    CHECKING = "checking"
    PASSED = "passed"
    OPENING = "opening"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A signal that has not ended yet."""

    signal: Signal
    stage: Stage = Stage.WAITING


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """One wave under way.

    Attributes:
        row: Best first; of equal scores the one that came first.
        opened: How many became positions.
        taken: How many were checked, ever.
    """

    wave_ms: int
    row: tuple[Entry, ...] = ()
    opened: int = 0
    taken: int = 0

    @property
    def is_over(self) -> bool:
        """Whether every signal that came has ended."""
        return not self.row


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What is to be done next: ``check`` and ``opening`` at the venue, and refuse those that are ``left_over``."""

    wave: Wave
    check: tuple[Signal, ...] = ()
    opening: tuple[Signal, ...] = ()
    left_over: tuple[Signal, ...] = ()


def screened(signal: Signal, *, policy: IntakePolicy) -> str:
    """Why ``signal`` is not even looked at; empty when it is."""
    if signal.symbol in policy.stoplist:
        return f"{signal.symbol} is on the stop list (STOPLIST_SYMBOLS)"
    if signal.score_week < policy.min_score_week:
        return f"score_week {signal.score_week:g} is under MIN_SCORE_WEEK {policy.min_score_week}"
    if signal.score_month < policy.min_score_month:
        return f"score_month {signal.score_month:g} is under MIN_SCORE_MONTH {policy.min_score_month}"
    return ""


def too_wide(*, bid: Price | None, ask: Price | None, policy: IntakePolicy) -> str:
    """Why a symbol's spread is refused; empty when it is not, or when the venue does not tell one of the two."""
    if bid is None or ask is None or bid + ask <= 0:
        return ""
    spread_percent = (ask - bid) * 2 * _PERCENT / (ask + bid)
    if spread_percent <= policy.max_spread_percent:
        return ""
    return f"spread {spread_percent:.2f} % is over MAX_SPREAD_PERCENT {policy.max_spread_percent}"


def joined(wave: Wave, signals: Iterable[Signal]) -> Wave:
    """``wave`` with more signals in its row."""
    row = (*wave.row, *(Entry(signal=signal) for signal in signals))
    return replace(wave, row=tuple(sorted(row, key=lambda entry: -entry.signal.score_week)))


def passed(wave: Wave, signal_id: str) -> Wave:
    """The signal was found fit at the venue; one that is not being checked changes nothing."""
    return replace(
        wave,
        row=tuple(
            replace(entry, stage=Stage.PASSED)
            if entry.signal.signal_id == signal_id and entry.stage is Stage.CHECKING
            else entry
            for entry in wave.row
        ),
    )


def settled(wave: Wave, signal_id: str, *, opened: bool) -> Wave:
    """The signal became a position, or will not; one that is not in the row changes nothing."""
    row = tuple(entry for entry in wave.row if entry.signal.signal_id != signal_id)
    if len(row) == len(wave.row):
        return wave
    return replace(wave, row=row, opened=wave.opened + opened)


def next_steps(wave: Wave, *, policy: IntakePolicy) -> Steps:
    """What follows from how the wave stands now; asked again without a change in between, nothing does."""
    if wave.opened >= policy.max_trades:
        under_way = tuple(entry for entry in wave.row if entry.stage is Stage.OPENING)
        rest = tuple(entry.signal for entry in wave.row if entry.stage is not Stage.OPENING)
        return Steps(wave=replace(wave, row=under_way), left_over=rest)
    places = policy.max_trades - wave.opened - sum(entry.stage is Stage.OPENING for entry in wave.row)
    row: list[Entry] = []
    opening: list[Signal] = []
    for entry in wave.row:
        # A better one that is still being checked keeps its place.
        if entry.stage in {Stage.PASSED, Stage.CHECKING} and places > 0:
            places -= 1
            if entry.stage is Stage.PASSED:
                opening.append(entry.signal)
                row.append(replace(entry, stage=Stage.OPENING))
                continue
        row.append(entry)
    room = max(policy.first_take - wave.taken, places)
    check: list[Signal] = []
    for number, entry in enumerate(row):
        if entry.stage is Stage.WAITING and len(check) < room:
            check.append(entry.signal)
            row[number] = replace(entry, stage=Stage.CHECKING)
    return Steps(
        wave=replace(wave, row=tuple(row), taken=wave.taken + len(check)), check=tuple(check), opening=tuple(opening)
    )
