from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from messages.candles import CANDLE_MS, CandleHistory, ClosedCandle
from messages.values import Price
from rules.candle_builder import KEPT, MAX_FILLED, add_tick

START_MS = 1_641_204_000_000
"""A full hour."""
Ticks = list[tuple[int, int]]
"""Milliseconds since the tick before, and the price."""
gaps = st.integers(0, CANDLE_MS) | st.integers(0, (MAX_FILLED + 3) * CANDLE_MS)
walks = st.lists(st.tuples(gaps, st.integers(90, 110)), min_size=1, max_size=40)


def _with(history: CandleHistory, time_ms: int, price: Price) -> CandleHistory:
    return add_tick(history, time_ms=time_ms, last=price, high=price, low=price)


def _walked(ticks: Ticks) -> list[tuple[int, CandleHistory]]:
    """The history after each tick, with the tick's time."""
    histories, history, now_ms = [], CandleHistory(), START_MS
    for gap_ms, price in ticks:
        now_ms += gap_ms
        history = _with(history, now_ms, Decimal(price))
        histories.append((now_ms, history))
    return histories


def _candle(start_ms: int, first: int, high: int, low: int, last: int) -> ClosedCandle:
    return ClosedCandle(
        start_ms=start_ms, open=Decimal(first), high=Decimal(high), low=Decimal(low), close=Decimal(last)
    )


@given(ticks=walks)
def test_1_the_closed_candles_follow_each_other_without_a_hole(ticks: Ticks) -> None:
    for _, history in _walked(ticks):
        assert history.forming is not None
        candles = (*history.closed, history.forming)
        assert all(after.start_ms - before.start_ms == CANDLE_MS for before, after in pairwise(candles))
        assert all(candle.start_ms % CANDLE_MS == 0 for candle in candles)
        assert all(candle.low <= min(candle.open, candle.close) for candle in candles)
        assert all(candle.high >= max(candle.open, candle.close) for candle in candles)


@given(ticks=walks, late_ms=st.integers(1, 10 * CANDLE_MS), price=st.integers(50, 150))
def test_2_a_closed_candle_never_changes(ticks: Ticks, late_ms: int, price: int) -> None:
    histories = _walked(ticks)
    for (_, before), (_, after) in pairwise(histories):
        known = {candle.start_ms: candle for candle in before.closed}
        assert all(known.get(candle.start_ms, candle) == candle for candle in after.closed)
    now_ms, last = histories[-1]
    assert _with(last, now_ms - late_ms, Decimal(price)).closed == last.closed


@given(ticks=walks)
def test_3_a_candle_that_was_watched_from_its_start_holds_the_first_highest_lowest_and_last_price_of_its_time(
    ticks: Ticks,
) -> None:
    by_candle: dict[int, list[int]] = {}
    now_ms = START_MS
    for gap_ms, price in ticks:
        now_ms += gap_ms
        by_candle.setdefault(now_ms - now_ms % CANDLE_MS, []).append(price)
    for candle in _walked(ticks)[-1][1].closed:
        seen = by_candle.get(candle.start_ms)
        if seen is not None:
            assert candle == _candle(candle.start_ms, seen[0], max(seen), min(seen), seen[-1])
        else:
            assert candle.open == candle.high == candle.low == candle.close


@given(ticks=walks)
def test_4_the_candle_in_which_watching_began_is_never_among_the_closed_ones(ticks: Ticks) -> None:
    for _, history in _walked(ticks):
        assert all(candle.start_ms > START_MS for candle in history.closed)


@given(ticks=walks, silent=st.integers(0, 12), price=st.integers(90, 110))
def test_5_after_a_longer_silence_than_is_filled_the_history_starts_anew(ticks: Ticks, silent: int, price: int) -> None:
    now_ms, before = _walked(ticks)[-1]
    next_ms = now_ms - now_ms % CANDLE_MS + (silent + 1) * CANDLE_MS
    after = _with(before, next_ms, Decimal(price))
    if silent > MAX_FILLED:
        assert after == _with(CandleHistory(), next_ms, Decimal(price))
    elif before.whole:
        assert len(after.closed) == min(len(before.closed) + 1 + silent, KEPT)


@given(ticks=walks, back_ms=st.integers(1, CANDLE_MS), price=st.integers(50, 150))
def test_6_a_late_tick_widens_the_candle_that_is_forming_and_changes_nothing_else(
    ticks: Ticks, back_ms: int, price: int
) -> None:
    now_ms, before = _walked(ticks)[-1]
    after = _with(before, now_ms - back_ms, Decimal(price))
    assert before.forming is not None
    assert after.forming is not None
    in_time = now_ms - back_ms >= before.forming.start_ms
    assert after.forming.high == (max(before.forming.high, price) if in_time else before.forming.high)
    assert after.forming.low == (min(before.forming.low, price) if in_time else before.forming.low)
    assert (after.forming.open, after.forming.close) == (before.forming.open, before.forming.close)
    assert (after.closed, after.latest_ms, after.whole) == (before.closed, before.latest_ms, before.whole)


@given(more=st.integers(1, 60))
def test_7_no_more_candles_are_kept_than_are_needed(more: int) -> None:
    ticks = [(CANDLE_MS, 100)] * (KEPT + more)
    closed = _walked(ticks)[-1][1].closed
    assert len(closed) == min(KEPT, KEPT + more - 2)


def test_two_quarters_of_ticks_are_two_candles_once_a_third_begins() -> None:
    ticks = [(0, 99), (CANDLE_MS, 100), (60_000, 103), (60_000, 98), (60_000, 101), (CANDLE_MS, 105), (CANDLE_MS, 104)]
    assert _walked(ticks)[-1][1].closed == (
        _candle(START_MS + CANDLE_MS, 100, 103, 98, 101),
        _candle(START_MS + 2 * CANDLE_MS, 105, 105, 105, 105),
    )


def test_a_merged_tick_brings_the_extremes_of_those_it_stands_for() -> None:
    history = _walked([(0, 100), (CANDLE_MS, 100)])[-1][1]
    history = add_tick(history, time_ms=START_MS + CANDLE_MS + 1, last=Decimal(101), high=Decimal(120), low=Decimal(80))
    history = _with(history, START_MS + 2 * CANDLE_MS, Decimal(101))
    assert history.closed == (_candle(START_MS + CANDLE_MS, 100, 120, 80, 101),)


def test_a_quiet_quarter_stays_where_the_last_one_closed() -> None:
    history = _walked([(0, 99), (CANDLE_MS, 100), (2 * CANDLE_MS, 110)])[-1][1]
    assert history.closed[-1] == _candle(START_MS + 2 * CANDLE_MS, 100, 100, 100, 100)
