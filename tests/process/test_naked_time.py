"""Which part of a naked time counts."""

from tests.process.absences import LOOKED_AFTER_WITHIN_S
from tests.process.naked_time import PROTECTED_WITHIN_S, NakedTime

LIMIT_MS = int(PROTECTED_WITHIN_S * 1_000)


def test_before_the_first_reading_nothing_counts() -> None:
    naked = NakedTime()
    assert naked.too_long({"BTCUSDT": 0}, 60_000) == []
    assert naked.worst_s == 0.0


def test_what_was_naked_before_the_first_reading_counts_from_it_on() -> None:
    naked = NakedTime()
    naked.account_read(10_000)
    assert naked.too_long({"BTCUSDT": 0}, 10_000 + LIMIT_MS) == []
    assert naked.worst_s == PROTECTED_WITHIN_S
    assert naked.too_long({"BTCUSDT": 0}, 10_001 + LIMIT_MS) != []


def test_what_became_naked_afterwards_counts_from_its_beginning() -> None:
    naked = NakedTime()
    naked.account_read(10_000)
    assert naked.too_long({"BTCUSDT": 20_000}, 20_000 + LIMIT_MS) == []
    assert naked.too_long({"BTCUSDT": 20_000}, 20_001 + LIMIT_MS) != []


def test_only_the_first_reading_of_a_process_matters() -> None:
    naked = NakedTime()
    naked.account_read(10_000)
    naked.account_read(15_000)
    assert naked.too_long({"BTCUSDT": 0}, 15_000) != []


def test_the_next_process_has_to_read_for_itself() -> None:
    naked = NakedTime()
    naked.account_read(10_000)
    naked.nobody_looks()
    assert naked.too_long({"BTCUSDT": 0}, 60_000) == []


def test_after_an_outage_of_the_venue_it_takes_a_moment_to_be_heard_again() -> None:
    naked = NakedTime()
    naked.account_read(10_000)
    naked.venue_came_back(30_000)
    heard_ms = 30_000 + int(LOOKED_AFTER_WITHIN_S * 1_000)
    assert naked.too_long({"BTCUSDT": 20_000}, heard_ms + LIMIT_MS) == []
    assert naked.too_long({"BTCUSDT": 20_000}, heard_ms + LIMIT_MS + 1) != []
