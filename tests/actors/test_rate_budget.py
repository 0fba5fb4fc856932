from collections.abc import Callable, Mapping

from hypothesis import given
from hypothesis import strategies as st

from actors.rate_budget import SHARE_OF_OTHERS_PERCENT, RateBudget
from messages.venue import RateUsed, RateWindow

ORDERS = RateWindow(name="orders", limit=10, window_ms=1_000)
WEIGHT = RateWindow(name="weight", limit=100, window_ms=60_000)


def test_what_is_not_protective_waits_before_the_share_of_protection_is_touched() -> None:
    budget = RateBudget([ORDERS])
    for _ in range(8):
        assert budget.wait_ms({"orders": 1}, protective=False, now_ms=0) == 0
        budget.spend({"orders": 1}, now_ms=0)
    assert budget.wait_ms({"orders": 1}, protective=False, now_ms=0) == 1_000
    assert budget.wait_ms({"orders": 1}, protective=True, now_ms=0) == 0


def test_the_wait_is_as_long_as_the_tightest_window_says() -> None:
    budget = RateBudget([ORDERS, WEIGHT])
    budget.spend({"orders": 10, "weight": 100}, now_ms=500)
    assert budget.wait_ms({"orders": 1}, protective=True, now_ms=900) == 600
    assert budget.wait_ms({"orders": 1, "weight": 1}, protective=True, now_ms=900) == 59_600


def test_a_request_that_costs_more_than_a_window_allows_is_not_held_back_for_ever() -> None:
    assert RateBudget([ORDERS]).wait_ms({"orders": 50}, protective=False, now_ms=0) == 0


def test_an_unknown_window_costs_nothing() -> None:
    budget = RateBudget([ORDERS])
    budget.spend({"bytes": 1_000}, now_ms=0)
    assert budget.wait_ms({"bytes": 1_000}, protective=False, now_ms=0) == 0


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 4), st.booleans()), max_size=60))
def test_no_window_ever_holds_more_than_its_limit(steps: list[tuple[int, int, bool]]) -> None:
    """Whoever waits as told never goes over, within any window that slides over the history."""
    budget = RateBudget([ORDERS])
    now_ms = 0
    sent: list[tuple[int, int, bool]] = []
    for pause_ms, units, protective in steps:
        now_ms += pause_ms
        now_ms += budget.wait_ms({"orders": units}, protective=protective, now_ms=now_ms)
        budget.spend({"orders": units}, now_ms=now_ms)
        sent.append((now_ms, units, protective))
    for at_ms, _, protective in sent:
        within = sum(units for other_ms, units, _ in sent if at_ms - ORDERS.window_ms < other_ms <= at_ms)
        assert within <= ORDERS.limit
        if not protective:
            others = ORDERS.limit * SHARE_OF_OTHERS_PERCENT // 100
            assert sum(u for o, u, p in sent if at_ms - ORDERS.window_ms < o <= at_ms and not p) <= others


def told(units: int, *, sent_ms: int, starts_over_ms: int = 60_000) -> Callable[[], Mapping[str, RateUsed]]:
    return lambda: {"weight": RateUsed(units=units, sent_ms=sent_ms, starts_over_ms=starts_over_ms)}


def test_what_others_used_up_counts_until_the_venue_starts_over() -> None:
    budget = RateBudget([WEIGHT], told=told(75, sent_ms=10_000))
    assert budget.wait_ms({"weight": 5}, protective=False, now_ms=12_000) == 0
    assert budget.wait_ms({"weight": 6}, protective=False, now_ms=12_000) == 48_000
    assert budget.wait_ms({"weight": 25}, protective=True, now_ms=12_000) == 0
    assert budget.wait_ms({"weight": 80}, protective=False, now_ms=60_000) == 0


def test_what_was_sent_since_the_venue_told_counts_beside_it() -> None:
    budget = RateBudget([WEIGHT], told=told(60, sent_ms=10_000))
    budget.spend({"weight": 50}, now_ms=5_000)
    budget.spend({"weight": 15}, now_ms=11_000)
    assert budget.wait_ms({"weight": 5}, protective=False, now_ms=12_000) == 0
    assert budget.wait_ms({"weight": 6}, protective=False, now_ms=12_000) == 48_000


def test_what_was_told_of_a_window_that_is_over_says_nothing_of_the_next() -> None:
    budget = RateBudget([WEIGHT], told=told(100, sent_ms=10_000))
    budget.spend({"weight": 70}, now_ms=61_000)
    assert budget.wait_ms({"weight": 10}, protective=False, now_ms=62_000) == 0
    assert budget.wait_ms({"weight": 11}, protective=False, now_ms=62_000) == 58_000


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 30), st.integers(0, 30)), max_size=60))
def test_whoever_waits_as_told_never_goes_over_what_the_venue_counts(steps: list[tuple[int, int, int]]) -> None:
    """A venue that counts by the clock's minutes, and somebody else who uses it up as well."""
    used: dict[int, int] = {}
    last: dict[str, RateUsed] = {}
    budget = RateBudget([WEIGHT], told=lambda: last)
    now_ms = 0
    for pause_ms, units, of_others in steps:
        now_ms += pause_ms
        minute = now_ms // 60_000
        used[minute] = used.get(minute, 0) + of_others
        if used[minute] > WEIGHT.limit:
            return
        # Some small answer tells.
        last["weight"] = RateUsed(units=used[minute], sent_ms=now_ms, starts_over_ms=(minute + 1) * 60_000)
        now_ms += budget.wait_ms({"weight": units}, protective=True, now_ms=now_ms)
        budget.spend({"weight": units}, now_ms=now_ms)
        minute = now_ms // 60_000
        used[minute] = used.get(minute, 0) + units
        assert used[minute] <= WEIGHT.limit
