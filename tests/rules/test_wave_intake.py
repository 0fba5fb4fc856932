"""The row of a wave: filters, order, and the buffer of 13 for 10 places."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.signals import Signal
from messages.values import Side, Symbol
from rules.wave_intake import (
    Entry,
    IntakePolicy,
    Stage,
    Wave,
    joined,
    next_steps,
    passed,
    screened,
    settled,
    too_wide,
)

WAVE_MS = 1_641_204_900_000
FATES = ("opened", "refused at the check", "not opened")
chances = st.randoms(use_true_random=False)
policies = st.builds(
    IntakePolicy, max_trades=st.integers(1, 12), buffer_percent=st.sampled_from([0, 33, 50]).map(Decimal)
)
scores = st.lists(st.integers(0, 20).map(float), max_size=40)


def a_signal(number: int = 0, *, score_week: float = 80.0, score_month: float = 70.0, symbol: str = "") -> Signal:
    return Signal(
        signal_id=f"s{number}",
        timestamp_ms=WAVE_MS,
        symbol=Symbol(symbol or f"C{number}USDT"),
        side=Side.LONG,
        score_week=score_week,
        score_month=score_month,
    )


def signals_of(scores: Sequence[float]) -> list[Signal]:
    return [a_signal(number, score_week=score) for number, score in enumerate(scores)]


@dataclass
class Course:
    """A wave from its first signal to its end; what happens to each signal, and when, is drawn."""

    policy: IntakePolicy
    wave: Wave = field(default_factory=lambda: Wave(wave_ms=WAVE_MS))
    checked: list[list[str]] = field(default_factory=list)
    places_before: list[int] = field(default_factory=list)
    ends: dict[str, str] = field(default_factory=dict)
    unfair: list[str] = field(default_factory=list)
    most: int = 0

    def advance(self) -> None:
        steps = next_steps(self.wave, policy=self.policy)
        before = {entry.signal.signal_id: entry for entry in self.wave.row}
        self.places_before.append(self.policy.max_trades - self.wave.opened - staged(self.wave, Stage.OPENING))
        self.wave = steps.wave
        self.checked.append([signal.signal_id for signal in steps.check])
        self.ends.update({signal.signal_id: "left over" for signal in steps.left_over})
        self.most = max(self.most, self.wave.opened + staged(self.wave, Stage.OPENING))
        for signal in steps.opening:
            better = [
                entry
                for entry in before.values()
                if entry.stage is Stage.CHECKING and entry.signal.score_week > signal.score_week
            ]
            if len(better) > self.policy.max_trades - self.wave.opened - staged(self.wave, Stage.OPENING):
                self.unfair.append(signal.signal_id)

    def happens(self, entry: Entry, fate: str) -> None:
        name = entry.signal.signal_id
        if entry.stage is Stage.CHECKING and fate != "refused at the check":
            self.wave = passed(self.wave, name)
        elif entry.stage in {Stage.CHECKING, Stage.OPENING}:
            self.ends[name] = "opened" if fate == "opened" else "refused"
            self.wave = settled(self.wave, name, opened=fate == "opened")
        self.advance()


def staged(wave: Wave, stage: Stage) -> int:
    return sum(entry.stage is stage for entry in wave.row)


def moving(wave: Wave) -> list[Entry]:
    return [entry for entry in wave.row if entry.stage in {Stage.CHECKING, Stage.OPENING}]


@st.composite
def courses(draw: st.DrawFn, fates: Sequence[str] = FATES) -> Course:
    course = Course(policy=draw(policies))
    chance = draw(chances)
    signals = signals_of(draw(scores))
    fate = {signal.signal_id: chance.choice(fates) for signal in signals}
    groups: Iterator[list[Signal]] = iter([signals[::2], signals[1::2]] if draw(st.booleans()) else [signals])
    for group in groups:
        course.wave = joined(course.wave, group)
        course.advance()
        for _ in range(chance.randint(0, 6)):
            if moving(course.wave):
                entry = chance.choice(moving(course.wave))
                course.happens(entry, fate[entry.signal.signal_id])
    while moving(course.wave):
        entry = chance.choice(moving(course.wave))
        course.happens(entry, fate[entry.signal.signal_id])
    assert set(course.ends) <= set(fate)
    assert len(course.ends) == len(fate) or course.wave.row
    return course


@given(course=courses())
def test_1_never_are_more_opened_or_being_opened_than_a_wave_may_open(course: Course) -> None:
    assert course.most <= course.policy.max_trades


@given(course=courses())
def test_2_at_first_no_more_are_checked_than_the_buffer_holds_and_later_no_more_than_there_are_places(
    course: Course,
) -> None:
    taken = 0
    for checked, places in zip(course.checked, course.places_before, strict=True):
        assert len(checked) <= max(course.policy.first_take - taken, places)
        taken += len(checked)


@given(course=courses())
def test_3_a_signal_is_not_opened_into_a_place_that_a_better_one_being_checked_may_need(course: Course) -> None:
    assert not course.unfair


@given(course=courses())
def test_4_every_signal_ends_opened_refused_or_left_over_because_the_wave_is_full(course: Course) -> None:
    assert course.wave.is_over
    if "left over" in course.ends.values():
        assert course.wave.opened == course.policy.max_trades


@given(course=courses(fates=("opened", "opened", "refused at the check")))
def test_5_when_enough_pass_a_wave_ends_with_as_many_positions_as_it_may_open(course: Course) -> None:
    refused = list(course.ends.values()).count("refused")
    assert course.wave.opened == min(course.policy.max_trades, len(course.ends) - refused)


def test_thirteen_are_taken_for_ten_places_the_best_first() -> None:
    signals = signals_of([float(score) for score in range(30)])
    steps = next_steps(joined(Wave(wave_ms=WAVE_MS), signals), policy=IntakePolicy())
    assert [signal.score_week for signal in steps.check] == [float(score) for score in range(29, 16, -1)]


def test_equal_scores_keep_the_order_in_which_they_came() -> None:
    steps = next_steps(joined(Wave(wave_ms=WAVE_MS), signals_of([50.0] * 3)), policy=IntakePolicy())
    assert [signal.signal_id for signal in steps.check] == ["s0", "s1", "s2"]


def test_a_signal_that_is_refused_late_is_replaced_by_the_next_one_of_the_row() -> None:
    course = Course(policy=IntakePolicy(max_trades=1, buffer_percent=Decimal(0)))
    course.wave = joined(course.wave, signals_of([3.0, 2.0, 1.0]))
    course.advance()
    for fate in ("opened", "not opened", "opened", "opened"):
        course.happens(moving(course.wave)[0], fate)
    assert course.ends == {"s0": "refused", "s1": "opened", "s2": "left over"}


@pytest.mark.parametrize(
    ("signal", "told"),
    [
        (a_signal(symbol="DOGEUSDT"), "STOPLIST_SYMBOLS"),
        (a_signal(score_week=-1.0), "MIN_SCORE_WEEK"),
        (a_signal(score_month=49.9), "MIN_SCORE_MONTH"),
        (a_signal(score_month=50.0, score_week=0.0), ""),
    ],
)
def test_a_signal_is_screened_by_stop_list_and_scores(signal: Signal, told: str) -> None:
    why = screened(signal, policy=IntakePolicy(stoplist=frozenset({Symbol("DOGEUSDT")})))
    assert bool(why) == bool(told)
    assert told in why


@pytest.mark.parametrize(
    ("bid", "ask", "refused"),
    [("99", "101", False), ("98.99", "101.01", True), ("100", None, False), (None, "100", False), ("0", "0", False)],
)
def test_a_spread_over_the_limit_is_refused_and_one_that_is_not_known_is_not(
    bid: str | None, ask: str | None, *, refused: bool
) -> None:
    why = too_wide(
        bid=None if bid is None else Decimal(bid), ask=None if ask is None else Decimal(ask), policy=IntakePolicy()
    )
    assert ("MAX_SPREAD_PERCENT" in why) is refused
