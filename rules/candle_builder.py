"""Closed 15-minute candles, made from ticks.

A candle closes with the first tick of a later one: without ticks there is nobody to tell it to. Venues fill quarters
without a trade with flat candles, and so do we; but silence that goes on is a stream that was away, and what happened
meanwhile is not known: then the history starts anew.

Invariants:
1. The closed candles follow each other without a hole.
2. A closed candle never changes.
3. A candle that was watched from its start holds the first, highest, lowest and last price of its time.
4. The candle in which watching began is never among the closed ones.
5. After a longer silence than is filled the history starts anew.
6. A late tick widens the candle that is forming, and changes nothing else.
7. No more candles are kept than are needed.
"""

from dataclasses import replace
from typing import Final

from messages.candles import CANDLE_MS, CandleHistory, ClosedCandle
from messages.values import Price

MAX_FILLED: Final = 4
"""So many quarters without a tick are taken for quiet ones, more for a stream that was away."""
KEPT: Final = 112
"""A day and a few hours: what the volatility looks back on, and what its first figure needs."""


def add_tick(history: CandleHistory, *, time_ms: int, last: Price, high: Price, low: Price) -> CandleHistory:
    """``history`` after a tick, merged from ``low`` to ``high`` and ending at ``last``; ``time_ms`` of the last, UTC.

    A merged tick counts to the candle in which it ends, with its extremes: that errs towards more movement.
    """
    start_ms = time_ms - time_ms % CANDLE_MS
    forming = history.forming
    arriving = ClosedCandle(start_ms=start_ms, open=last, high=high, low=low, close=last)
    if forming is None:
        return CandleHistory(forming=arriving, latest_ms=time_ms)
    if start_ms < forming.start_ms:
        return history
    if start_ms == forming.start_ms:
        merged = replace(forming, high=max(forming.high, high), low=min(forming.low, low))
        if time_ms >= history.latest_ms:
            merged = replace(merged, close=last)
        return replace(history, forming=merged, latest_ms=max(history.latest_ms, time_ms))
    missed = (start_ms - forming.start_ms) // CANDLE_MS - 1
    if missed > MAX_FILLED:
        return CandleHistory(forming=arriving, latest_ms=time_ms)
    candles = [*history.closed, forming] if history.whole else []
    if candles:
        candles += [_quiet(forming.start_ms + number * CANDLE_MS, forming.close) for number in range(1, missed + 1)]
    return CandleHistory(closed=tuple(candles[-KEPT:]), forming=arriving, latest_ms=time_ms, whole=True)


def _quiet(start_ms: int, price: Price) -> ClosedCandle:
    return ClosedCandle(start_ms=start_ms, open=price, high=price, low=price, close=price)
