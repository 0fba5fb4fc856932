"""Made-up signals, so that ``holdfast run`` shows what it does without any source being set up."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from messages.values import Symbol

DEMO_SYMBOLS = (Symbol("BTCUSDT"), Symbol("ETHUSDT"), Symbol("SOLUSDT"))
SHORTEST_PAUSE_MS = 20_000
LONGEST_PAUSE_MS = 40_000
LEAST_SCORE = 50
BEST_SCORE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedSignal:
    """A signal as a source would send it, and when: UTC, market time."""

    at_ms: int
    raw: dict[str, object]


def demo_signals(*, seed: int, start_ms: int, symbols: Sequence[Symbol] = DEMO_SYMBOLS) -> Iterator[TimedSignal]:
    """Signals without end, one each 20 to 40 seconds after ``start_ms``, for both sides.

    The same seed and start give the same signals, and no two have one id.
    """
    chance = random.Random(seed)  # noqa: S311 - it plays a market, it guards nothing
    at_ms = start_ms
    while True:
        at_ms += chance.randint(SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS)
        symbol = chance.choice(symbols)
        yield TimedSignal(
            at_ms=at_ms,
            raw={
                "id": f"demo-{seed}-{at_ms}",
                "timestamp": datetime.fromtimestamp(at_ms // 1000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "symbol": symbol,
                "side": chance.choice(("BUY", "SELL")),
                "score_week": chance.randint(LEAST_SCORE, BEST_SCORE),
                "score_month": chance.randint(LEAST_SCORE, BEST_SCORE),
            },
        )
