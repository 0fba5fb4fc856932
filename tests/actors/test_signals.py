"""Signals wave by wave: order, venues, silence, restarts, stalls, and ten thousand malformed ones."""

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from actors.signals import CHECK_LIFE_S, OPENING_LIFE_S, WavePolicy
from messages.journal import KnownSignal, Verdict
from messages.supervision import SignalSettled, SignalsRestored
from rules.wave_intake import IntakePolicy
from tests.actors.signal_stage import HOUR_MS, START_MS, VENUES, WAVE_MS, Stage, a_row


def test_the_best_signals_are_considered_first() -> None:
    stage = Stage()
    stage.give(a_row("low", score_week=1), a_row("high", score_week=9), a_row("middle", score_week=5))
    assert [name for name, _ in stage.considered] == ["high", "middle", "low"]


def test_a_symbol_that_the_first_venue_does_not_trade_is_opened_on_the_next() -> None:
    stage = Stage(untraded={VENUES[0]: frozenset({"AUSDT", "CUSDT"}), VENUES[1]: frozenset({"CUSDT"})})
    stage.give(a_row("a"), a_row("b"), a_row("c"), a_row("d", exchange="second"))
    assert dict(stage.considered) == {"a": "second", "b": "first", "d": "second"}
    assert stage.fates["c"].reason == "is not traded"


def test_a_symbol_that_is_wanted_on_one_venue_is_not_opened_on_another() -> None:
    stage = Stage(untraded={VENUES[0]: frozenset({"AUSDT"})})
    stage.give(a_row("a", exchange="first"))
    assert not stage.considered
    assert stage.fates["a"].verdict is Verdict.REJECTED


def test_a_venue_that_says_nothing_costs_its_signal_and_the_next_one_has_its_turn() -> None:
    one = WavePolicy(intake=IntakePolicy(max_trades=1))
    stage = Stage(silent=frozenset({"AUSDT"}), policy=one)
    stage.give(a_row("a"), a_row("b", score_week=1))
    assert not stage.considered
    stage.run_for(CHECK_LIFE_S)
    assert [name for name, _ in stage.considered] == ["b"]
    assert "neither a price nor an answer" in stage.fates["a"].reason


def test_a_signal_that_the_risk_actor_lost_in_a_crash_is_given_up_after_a_while() -> None:
    stage = Stage(settles=False)
    stage.give(a_row("a"))
    assert not stage.fates
    stage.run_for(OPENING_LIFE_S)
    assert stage.fates["a"].verdict is Verdict.REJECTED


def test_what_was_accepted_of_a_wave_before_a_restart_counts() -> None:
    known = {
        f"k{number}": KnownSignal(verdict=Verdict.ACCEPTED, at_ms=START_MS, wave_ms=WAVE_MS) for number in range(9)
    }
    stage = Stage(known=known)
    stage.give(a_row("a"), a_row("b", score_week=1), a_row("k3"))
    assert [name for name, _ in stage.considered] == ["a"]
    assert set(stage.fates) == {"b"}


def test_what_is_told_a_second_time_when_the_database_is_back_is_not_counted_twice() -> None:
    known = {
        f"k{number}": KnownSignal(verdict=Verdict.ACCEPTED, at_ms=START_MS, wave_ms=WAVE_MS) for number in range(5)
    }
    stage = Stage(known=known)
    stage.give(a_row("a"))
    own = {"a": KnownSignal(verdict=Verdict.ACCEPTED, at_ms=START_MS, wave_ms=WAVE_MS)}
    older = {"older": KnownSignal(verdict=Verdict.ACCEPTED, at_ms=START_MS - HOUR_MS, wave_ms=WAVE_MS)}
    stage.tell(SignalsRestored(signals=known | own | older))
    stage.run_for(1)
    stage.give(*(a_row(name) for name in "bcde"))
    assert [name for name, _ in stage.considered] == ["a", "b", "c", "d"]


def test_nothing_opened_for_48_hours_is_told_once_and_ends_with_the_next_position() -> None:
    stage = Stage()
    stage.run_for(47 * 3_600)
    assert stage.summary().stalled_since_ms is None
    stage.run_for(100 * 3_600)
    assert [event.kind for event in stage.events] == ["signals_stalled"]
    assert stage.summary().stalled_since_ms == START_MS
    now = datetime.fromtimestamp(stage.time.now_ms() / 1_000, tz=UTC)
    stage.give(a_row("a", timestamp=now.isoformat()))
    assert stage.summary().stalled_since_ms is None


def test_a_position_that_tells_of_itself_again_is_no_new_one() -> None:
    stage = Stage()
    stage.give(a_row("a"))
    opened_ms = stage.time.now_ms()
    for _ in range(5):
        stage.run_for(10 * 3_600)
        stage.tell(SignalSettled(signal_id="a", opened=True))
    stage.run_for(600)
    assert [event.kind for event in stage.events] == ["signals_stalled"]
    assert opened_ms - 1_000 <= (stage.summary().stalled_since_ms or 0) <= opened_ms


def test_a_restart_does_not_forget_since_when_nothing_was_opened() -> None:
    ages = {"accepted": (Verdict.ACCEPTED, 50), "rejected": (Verdict.REJECTED, 60), "new": (Verdict.REJECTED, 1)}
    known = {
        name: KnownSignal(verdict=verdict, at_ms=START_MS - hours * HOUR_MS, wave_ms=None)
        for name, (verdict, hours) in ages.items()
    }
    stage = Stage(known=known)
    stage.run_for(3_600)
    assert stage.summary().stalled_since_ms == START_MS - 50 * HOUR_MS


# --- 10,000 malformed signals -----------------------------------------------------------------------------------------

RUBBISH: tuple[Callable[[random.Random], object], ...] = (
    lambda _: None,
    lambda chance: chance.randint(-(10**40), 10**40),
    lambda chance: chance.choice([float("nan"), float("inf"), -0.0, 1e308]),
    lambda chance: "".join(chance.choices('aZ9 \x00\ud800ß€{}[]":,', k=chance.randint(0, 300))),
    lambda chance: [chance.random() for _ in range(chance.randint(0, 5))],
    lambda chance: {chance.choice(["a", "type", "symbol"]): chance.random()},
    lambda _: True,
    lambda _: {},
    lambda chance: "9" * chance.randint(1, 6_000),
)
"""What a field may hold that none should."""

WRONG: Mapping[str, tuple[object, ...]] = {
    "timestamp": ("", "yesterday", "2022-01-03 10:15", "2099-01-01T00:00:00Z", "1970-01-01T00:00:00Z", 1_641_204_900),
    "symbol": ("", " ", "BTC_USDT", "💰", "B" * 41, "BTC\nUSDT"),
    "side": ("LONG", "buy!", "", 1),
    "score_week": ("high", "", "1e999", "0x10", "1,5"),
    "score_month": ("", "ten", "-", "1e-400"),
    "exchange": ("nowhere", 5, ["first"]),
    "entry": (0, -1, "0.0", "a lot"),
    "tp1": ("79", -5),
    "sl": ("120", "zero"),
}
"""What looks like a value and is none; with an entry of 100, for a long."""


def malformed(chance: random.Random, number: int) -> object:
    """Something that is no signal: rubbish, or a good signal with one to three fields that are not."""
    if chance.random() < 0.2:
        return chance.choice(RUBBISH)(chance)
    row = a_row(f"m{number}", entry=100, tp1="110", tp2="120", sl="90")
    names = chance.sample(list(WRONG), k=chance.randint(1, 3))
    for name in names:
        row[name] = chance.choice(WRONG[name])
    if chance.random() < 0.3:
        row[chance.choice(["timestamp", "symbol", "side", "score_week"])] = chance.choice(RUBBISH[:6])(chance)
    if chance.random() < 0.2:
        del row[chance.choice(["timestamp", "symbol", "side", "score_week", "score_month"])]
    return row


def test_ten_thousand_malformed_signals_are_each_refused_with_a_reason_and_crash_nothing() -> None:
    chance = random.Random(23)
    stage = Stage()
    good = 0
    for batch in range(100):
        rows = [malformed(chance, batch * 100 + number) for number in range(100)]
        # One good signal among them: the rest of a wave goes on.
        name = f"good{batch}"
        now = datetime.fromtimestamp(stage.time.now_ms() / 1_000, tz=UTC)
        rows.insert(chance.randrange(101), a_row(name, timestamp=now.isoformat()))
        stage.give(*rows)
        good += name in dict(stage.considered)
        stage.run_for(15 * 60)
    assert good == 100
    assert {name for name, _ in stage.considered} == {f"good{batch}" for batch in range(100)}
    assert all(fate.verdict is Verdict.REJECTED and fate.reason for fate in stage.fates.values())
    # What is the same to the letter has one fate: rubbish of few kinds.
    named = {f"m{number}" for number in range(10_000)}
    assert len(named & set(stage.fates)) > 7_000
    assert not stage.system.crashes("signal/wave")
    assert not stage.system.dead_letters()
