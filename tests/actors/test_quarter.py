from decimal import Decimal

from actors.quarter import Quarter
from messages.candles import CANDLE_MS, QuarterEnded
from messages.market import Tick
from messages.values import Symbol, Venue

START_MS = 1_641_204_000_000


def a_tick(offset_ms: int, last: int, *, high: int | None = None, low: int | None = None) -> Tick:
    price = Decimal(last)
    return Tick(
        venue=Venue("paper"),
        symbol=Symbol("BTCUSDT"),
        last=price,
        mark=price,
        high=price if high is None else Decimal(high),
        low=price if low is None else Decimal(low),
        time_ms=START_MS + offset_ms,
    )


def ended(*ticks: Tick) -> list[QuarterEnded]:
    quarter = Quarter()
    return [found for tick in ticks if (found := quarter.take(tick)) is not None]


def the_one(*, high: int, low: int, last: int, last_ms: int, after: int, after_ms: int) -> list[QuarterEnded]:
    found = QuarterEnded(
        symbol=Symbol("BTCUSDT"),
        high=Decimal(high),
        low=Decimal(low),
        last=Decimal(last),
        last_ms=START_MS + last_ms,
        next=Decimal(after),
        next_ms=START_MS + after_ms,
    )
    return [found]


def test_the_first_tick_of_a_later_quarter_tells_what_the_one_before_came_to() -> None:
    ticks = [a_tick(0, 100), a_tick(10, 105, high=109), a_tick(20, 95, low=91), a_tick(30, 99), a_tick(CANDLE_MS, 120)]
    assert ended(*ticks) == the_one(high=109, low=91, last=99, last_ms=30, after=120, after_ms=CANDLE_MS)


def test_nothing_is_told_within_a_quarter() -> None:
    assert ended(a_tick(0, 100), a_tick(CANDLE_MS - 1, 105)) == []


def test_a_late_tick_of_the_quarter_widens_it_and_is_not_its_last() -> None:
    ticks = [a_tick(0, 100), a_tick(20, 101), a_tick(10, 110), a_tick(CANDLE_MS, 102)]
    assert ended(*ticks) == the_one(high=110, low=100, last=101, last_ms=20, after=102, after_ms=CANDLE_MS)


def test_a_late_tick_of_the_quarter_before_changes_nothing() -> None:
    ticks = [a_tick(CANDLE_MS, 100), a_tick(CANDLE_MS - 1, 500), a_tick(2 * CANDLE_MS, 102)]
    assert ended(*ticks) == the_one(high=100, low=100, last=100, last_ms=CANDLE_MS, after=102, after_ms=2 * CANDLE_MS)
