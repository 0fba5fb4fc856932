"""The prices of the last minute: the one of a minute ago is known, and nothing older is kept."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from actors.price_minute import MINUTE_MS, PriceMinute
from messages.market import Tick
from messages.values import Symbol, Venue

DAY_S = 86_400


def a_tick(time_ms: int, price: int) -> Tick:
    last = Decimal(price)
    return Tick(
        venue=Venue("paper"), symbol=Symbol("BTCUSDT"), last=last, mark=last, high=last, low=last, time_ms=time_ms
    )


def test_a_symbol_that_nobody_watches_for_a_day_keeps_a_minute() -> None:
    minute = PriceMinute()
    for second in range(DAY_S):
        minute.take(a_tick(second * 1_000, 1))
    assert len(minute) <= MINUTE_MS // 1_000 + 1


@given(st.lists(st.integers(min_value=1, max_value=20_000), min_size=1, max_size=200))
def test_the_price_of_a_minute_ago_is_the_last_that_is_at_least_as_old(steps: list[int]) -> None:
    minute, kept, now_ms = PriceMinute(), list[tuple[int, int]](), 0
    for number, step_ms in enumerate(steps):
        now_ms += step_ms
        minute.take(a_tick(now_ms, number))
        if not kept or now_ms - kept[-1][0] >= 1_000:
            kept.append((now_ms, number))
        old = [price for time_ms, price in kept if time_ms <= now_ms - MINUTE_MS]
        assert minute.ago(now_ms) == (Decimal(old[-1]) if old else None)
