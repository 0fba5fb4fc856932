"""The prices of the last minute of one symbol, one a second, as the market actor hears them."""

from collections import deque
from typing import Final

from messages.market import Tick
from messages.values import Price

MINUTE_MS: Final = 60_000
STEP_MS: Final = 1_000


class PriceMinute:
    """Forgets what is older by itself: also of a symbol that nobody ever asks about."""

    __slots__ = ("_prices",)

    def __init__(self) -> None:
        self._prices: deque[tuple[int, Price]] = deque()

    def __len__(self) -> int:
        return len(self._prices)

    def take(self, tick: Tick) -> None:
        """Keep one price a second."""
        if not self._prices or tick.time_ms - self._prices[-1][0] >= STEP_MS:
            self._prices.append((tick.time_ms, tick.last))
            self._forget_before(tick.time_ms)

    def ago(self, now_ms: int) -> Price | None:
        """The last price at least a minute old, once there is a minute of history."""
        self._forget_before(now_ms)
        if self._prices and self._prices[0][0] <= now_ms - MINUTE_MS:
            return self._prices[0][1]
        return None

    def _forget_before(self, now_ms: int) -> None:
        """Of what is a minute old only the last one counts."""
        while len(self._prices) > 1 and self._prices[1][0] <= now_ms - MINUTE_MS:
            self._prices.popleft()
