"""How long a stream waits before it connects again."""

from adapters.streams.backoff import CAP_S, FATAL_S, GOOD_S, Backoff


def test_a_connection_that_never_comes_up_is_tried_less_and_less_often_up_to_a_minute() -> None:
    backoff = Backoff()
    assert [backoff.after(0.0) for _ in range(8)] == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert CAP_S == 60.0


def test_after_a_connection_that_proved_good_the_next_comes_at_once_and_counting_begins_anew() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.after(0.0)
    assert backoff.after(14.0) == 0.0
    assert backoff.after(0.0) == 2.0


def test_one_that_was_up_for_a_moment_only_does_not_prove_anything() -> None:
    backoff = Backoff()
    assert backoff.after(0.0) == 2.0
    assert backoff.after(GOOD_S - 0.1) == 4.0


def test_what_trying_soon_does_not_change_waits_a_minute() -> None:
    backoff = Backoff()
    assert backoff.after(14.0, fatal=True) == FATAL_S
    assert backoff.after(14.0) == 0.0
