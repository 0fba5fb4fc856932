"""The path inside a candle, and prices that are the same each time they are asked for."""

import time
from decimal import Decimal
from itertools import islice, pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from adapters.candles import Candle, Trade, read_candles
from adapters.simulator.engine import Exchange
from adapters.simulator.feed import CandleFeed, SeededFeed, TradeFeed, candle_points
from adapters.simulator.listing import base_prices, paper_instruments, recorded_instrument
from adapters.simulator.state import ExchangeConfig
from messages.values import Symbol
from tests.simulator.builders import BTC, ETH, T0, VENUE, a_stop, an_exchange, an_order, d, order_of

MINUTE = 60_000


def a_candle(text: str, time_ms: int = T0) -> Candle:
    """``open high low close``."""
    first, high, low, close = (d(part) for part in text.split())
    return Candle(time_ms=time_ms, open=first, high=high, low=low, close=close, volume=d(1))


def seeded(seed: int = 1, step_ms: int = 1000, symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT")) -> SeededFeed:
    listed = paper_instruments(VENUE, symbols)
    bases = base_prices()
    return SeededFeed(
        seed=seed,
        bases={each.symbol: bases[each.symbol] for each in listed},
        ticks={each.symbol: each.price_tick for each in listed},
        step_ms=step_ms,
    )


def test_a_rising_candle_goes_open_low_high_close_a_quarter_apart() -> None:
    points = candle_points(BTC, a_candle("10 12 9 11"), MINUTE)
    assert [point.last for point in points] == [10, 9, 12, 11]
    assert [point.time_ms - T0 for point in points] == [0, 15_000, 30_000, 45_000]


def test_a_falling_candle_goes_open_high_low_close() -> None:
    assert [point.last for point in candle_points(BTC, a_candle("11 12 9 10"), MINUTE)] == [11, 12, 9, 10]


def test_only_the_way_from_one_candle_to_the_next_is_a_jump() -> None:
    feed = CandleFeed({BTC: [a_candle("10 12 9 11"), a_candle("15 16 14 15", T0 + MINUTE)]})
    assert [point.gap for point in feed.stream(T0 - 1)] == [True, False, False, False] * 2


def test_a_stop_between_two_candles_executes_at_the_open_of_the_next() -> None:
    exchange = an_exchange(price=1000)
    exchange.place(an_order(), T0)
    stop = a_stop(trigger_price="980")
    exchange.place(stop, T0)
    for candle in (a_candle("1000 1000 990 990", T0), a_candle("970 975 960 972", T0 + MINUTE)):
        for point in candle_points(BTC, candle, MINUTE):
            exchange.move(BTC, point.last, point.time_ms, gap=point.gap)
    assert order_of(exchange, stop).average_price == d(970)


def test_a_stop_inside_a_candle_executes_at_its_trigger_when_the_path_reaches_it() -> None:
    exchange = an_exchange(price=1000)
    exchange.place(an_order(), T0)
    stop = a_stop(trigger_price="980")
    exchange.place(stop, T0)
    for point in candle_points(BTC, a_candle("1000 1010 960 1005", T0), MINUTE):
        exchange.move(BTC, point.last, point.time_ms, gap=point.gap)
    report = order_of(exchange, stop)
    assert (report.average_price, report.updated_ms) == (d(980), T0 + 15_000)


def test_candles_of_several_symbols_come_in_the_order_of_time() -> None:
    feed = CandleFeed(
        {
            BTC: [a_candle("10 12 9 11", T0 + index * MINUTE) for index in range(3)],
            ETH: [a_candle("1 2 1 2", T0 + index * 5 * MINUTE) for index in range(2)],
        }
    )
    times = [point.time_ms for point in feed.stream(0)]
    assert times == sorted(times)
    assert len(times) == 20


@given(offset=st.integers(min_value=-1, max_value=5 * MINUTE))
def test_recorded_prices_can_be_taken_up_anywhere(offset: int) -> None:
    candles = [a_candle("10 12 9 11", T0 + index * MINUTE) for index in range(4)]
    trades = [Trade(time_ms=T0 + index * 777, price=d(index + 1), quantity=d(1)) for index in range(400)]
    for feed in (CandleFeed({BTC: candles}), TradeFeed({BTC: trades})):
        whole = list(feed.stream(T0 - 1))
        assert list(feed.stream(T0 + offset)) == [point for point in whole if point.time_ms > T0 + offset]
        before = [point for point in whole if point.time_ms <= T0 + offset]
        assert [point.last for point in feed.opening(T0 + offset)] == [point.last for point in before[-1:]]


def test_recorded_prices_can_be_replayed_in_the_present() -> None:
    feed = CandleFeed({BTC: [a_candle("10 12 9 11", 0)]}, shift_ms=T0)
    assert (feed.start_ms, feed.end_ms) == (T0, T0 + MINUTE)
    assert next(iter(feed.stream(T0 - 1))).time_ms == T0


@given(seed=st.integers(min_value=0, max_value=1 << 32), start=st.integers(min_value=0, max_value=1 << 22))
def test_the_seeded_market_is_the_same_wherever_it_is_taken_up(seed: int, start: int) -> None:
    at_ms = T0 + start * 1000
    running = list(islice(seeded(seed).stream(at_ms), 40))
    later = running[19].time_ms
    assert list(islice(seeded(seed).stream(later), 20)) == running[20:]
    fresh = seeded(seed)
    assert [fresh.price(point.symbol, point.time_ms // 1000) for point in reversed(running)] == [
        point.last for point in reversed(running)
    ]


def test_coarser_steps_of_the_seeded_market_lie_on_the_same_path() -> None:
    fine = {(point.symbol, point.time_ms): point.last for point in islice(seeded().stream(T0), 4000)}
    coarse = [
        point for point in islice(seeded().stream(T0, step_ms=60_000), 40) if (point.symbol, point.time_ms) in fine
    ]
    assert len(coarse) > 20
    assert all(fine[point.symbol, point.time_ms] == point.last for point in coarse)


def test_the_seeded_market_moves_about_as_much_as_it_was_told_to_and_stays_around_its_base() -> None:
    feed = seeded(seed=5)
    hours = [feed.price(BTC, T0 // 1000 + hour * 3600) for hour in range(24 * 60)]
    moves = [abs(after / before - 1) for before, after in pairwise(hours)]
    assert Decimal("0.001") < sum(moves) / len(moves) < Decimal("0.01")
    assert Decimal(30_000) < min(hours) < max(hours) < Decimal(120_000)
    assert len(set(hours)) > 1000


def test_two_symbols_and_two_seeds_go_different_ways() -> None:
    def shape(feed: SeededFeed, symbol: Symbol) -> list[Decimal]:
        base = feed.price(symbol, T0 // 1000)
        return [feed.price(symbol, T0 // 1000 + index * 60) / base for index in range(50)]

    assert len({tuple(shape(seeded(seed), symbol)) for seed in (1, 2) for symbol in (BTC, ETH)}) == 4


def test_a_recorded_instrument_has_a_tick_that_every_price_lies_on(recorded_data: Path) -> None:
    candles = read_candles(recorded_data / "XRPUSDT-5m-2021-11.csv")
    prices = [price for each in candles for price in (each.open, each.high, each.low, each.close)]
    instrument = recorded_instrument(VENUE, Symbol("XRPUSDT"), prices)
    assert all(price % instrument.price_tick == 0 for price in prices)


def test_a_recorded_month_runs_through_the_engine_in_seconds(recorded_data: Path) -> None:
    candles = read_candles(recorded_data / "BTCUSDT-1m-2022-01.csv.gz")
    feed = CandleFeed({BTC: candles})
    instrument = recorded_instrument(VENUE, BTC, (candle.close for candle in candles))
    exchange = Exchange(config=ExchangeConfig(leverage=1), instruments=[instrument], now_ms=feed.start_ms)
    stream = feed.stream(0)
    first = next(stream)
    exchange.move(BTC, first.last, first.time_ms)
    exchange.place(an_order(quantity="0.1", attached_stop_price="30000"), first.time_ms)
    for step in range(5):
        exchange.place(a_stop(quantity="0.1", trigger_price=str(29_000 - step)), first.time_ms)
    began = time.perf_counter()
    count = 0
    for point in stream:
        exchange.move(BTC, point.last, point.time_ms, gap=point.gap)
        count += 1
    assert count > 180_000
    assert time.perf_counter() - began < 3
