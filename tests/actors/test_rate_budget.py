from hypothesis import given
from hypothesis import strategies as st

from actors.rate_budget import SHARE_OF_OTHERS_PERCENT, RateBudget
from messages.venue import RateWindow

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
