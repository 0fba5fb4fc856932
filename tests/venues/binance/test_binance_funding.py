"""Funding is read rarely, and none of it is missed."""

import queue
import threading
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.venues.binance_funding import DAY_MS, HOUR_MS, FundingMemory
from adapters.venues.binance_reports import Income
from messages.values import Symbol
from tests.simulator.builders import BTC, ETH

NOON_MS = 500_000 * HOUR_MS
MINUTE_MS = 60_000
LATEST_MS = MINUTE_MS
PATIENCE_S = 10.0


class Payments:
    """The venue's list, and how often it was read; what is paid is told when its time has come."""

    def __init__(self, *payments: tuple[Symbol, int]) -> None:
        self.now_ms = NOON_MS
        self.reads = 0
        self._payments = payments

    def read(self, since_ms: int) -> list[Income]:
        self.reads += 1
        return [
            Income(income=Decimal(1), time=at_ms, tran_id=number, symbol=symbol)
            for number, (symbol, at_ms) in enumerate(self._payments)
            if since_ms <= at_ms <= self.now_ms
        ]

    def memory(self) -> FundingMemory:
        return FundingMemory(lambda: self.now_ms)


def times(memory: FundingMemory, venue: Payments, symbol: Symbol, since_ms: int) -> list[int]:
    return [each.time_ms for each in memory.of(symbol, since_ms, venue.read)]


def test_a_position_that_no_full_hour_was_a_part_of_is_not_asked_about() -> None:
    venue = Payments()
    memory = venue.memory()
    venue.now_ms = NOON_MS + 50 * MINUTE_MS
    assert times(memory, venue, BTC, NOON_MS + 5 * MINUTE_MS) == []
    assert venue.reads == 0


def test_one_reading_serves_all_symbols_until_the_next_full_hour() -> None:
    venue = Payments((BTC, NOON_MS), (ETH, NOON_MS), (BTC, NOON_MS + HOUR_MS))
    memory = venue.memory()
    venue.now_ms = NOON_MS + 10 * MINUTE_MS
    assert times(memory, venue, BTC, NOON_MS - MINUTE_MS) == [NOON_MS]
    assert times(memory, venue, ETH, NOON_MS - 2 * HOUR_MS) == [NOON_MS]
    assert venue.reads == 1
    venue.now_ms = NOON_MS + HOUR_MS + 3 * MINUTE_MS
    assert times(memory, venue, BTC, NOON_MS - MINUTE_MS) == [NOON_MS, NOON_MS + HOUR_MS]
    assert venue.reads == 2


def test_an_earlier_day_is_read_when_somebody_asks_for_it() -> None:
    venue = Payments((BTC, NOON_MS - 2 * DAY_MS))
    memory = venue.memory()
    venue.now_ms = NOON_MS + 10 * MINUTE_MS
    assert times(memory, venue, BTC, NOON_MS - MINUTE_MS) == []
    assert times(memory, venue, BTC, NOON_MS - 3 * DAY_MS) == [NOON_MS - 2 * DAY_MS]


def test_who_waits_for_a_reading_that_fails_does_not_wait_again_and_the_next_one_reads() -> None:
    venue = Payments((BTC, NOON_MS))
    venue.now_ms = NOON_MS + 10 * MINUTE_MS
    second_asks = threading.Event()

    def now_ms() -> int:
        if threading.current_thread() is second:
            second_asks.set()
        return venue.now_ms

    memory = FundingMemory(now_ms)
    ends: queue.SimpleQueue[str] = queue.SimpleQueue()

    def silent(since_ms: int) -> list[Income]:
        _ = since_ms
        venue.reads += 1
        second.start()
        assert second_asks.wait(PATIENCE_S)
        raise TimeoutError

    def ask() -> None:
        try:
            memory.of(BTC, NOON_MS, venue.read)
        except TimeoutError:
            ends.put("failed as well")

    second = threading.Thread(target=ask)
    with pytest.raises(TimeoutError):
        memory.of(BTC, NOON_MS, silent)
    assert ends.get(timeout=PATIENCE_S) == "failed as well"
    assert venue.reads == 1
    venue.now_ms += 1
    assert times(memory, venue, BTC, NOON_MS) == [NOON_MS]


@given(
    late_ms=st.lists(st.integers(0, LATEST_MS), min_size=6, max_size=6),
    questions=st.lists(
        st.tuples(st.sampled_from([BTC, ETH]), st.integers(0, 30 * MINUTE_MS), st.integers(0, 6 * HOUR_MS)),
        max_size=30,
    ),
)
def test_whenever_it_is_asked_everything_told_by_then_is_known(
    late_ms: list[int], questions: list[tuple[Symbol, int, int]]
) -> None:
    paid = [(symbol, NOON_MS + hour * HOUR_MS + late_ms[hour]) for hour in range(6) for symbol in (BTC, ETH)]
    venue = Payments(*paid)
    memory = venue.memory()
    for symbol, pause_ms, back_ms in questions:
        venue.now_ms += pause_ms
        since_ms = venue.now_ms - back_ms
        wanted = [at_ms for name, at_ms in paid if name == symbol and since_ms <= at_ms <= venue.now_ms]
        assert times(memory, venue, symbol, since_ms) == wanted
