"""Binance's rate limits: request weight by address, orders by account, each within the clock's own intervals."""

from dataclasses import dataclass
from typing import Final

from adapters.simulator.wire.binance_refusals import TOO_MANY, Refused

MINUTE_MS: Final = 60_000
TEN_SECONDS_MS: Final = 10_000
BANNED: Final = 418


@dataclass(frozen=True, slots=True, kw_only=True)
class BinanceLimits:
    """How much is allowed.

    Attributes:
        weight: Request weight a minute.
        orders_10s: New orders in ten seconds; ``orders_1m`` in a minute.
        patience: Requests beyond the weight until the address is banned.
        ban_s: For how long.
    """

    weight: int = 2400
    orders_10s: int = 300
    orders_1m: int = 1200
    patience: int = 100
    ban_s: float = 120.0


class _Window:
    """Counts within the current interval."""

    def __init__(self, length_ms: int) -> None:
        self._length_ms = length_ms
        self._interval = -1
        self.used = 0

    def add(self, amount: int, now_ms: int) -> int:
        interval = now_ms // self._length_ms
        if interval != self._interval:
            self._interval, self.used = interval, 0
        self.used += amount
        return self.used

    def left_s(self, now_ms: int) -> float:
        """Until the next interval, in whole seconds, as the venue says it."""
        return float((self._length_ms - now_ms % self._length_ms + 999) // 1_000)


class RateKeeper:
    """What was used up so far."""

    def __init__(self, limits: BinanceLimits) -> None:
        self._limits = limits
        self._weight = _Window(MINUTE_MS)
        self._orders_10s = _Window(TEN_SECONDS_MS)
        self._orders_1m = _Window(MINUTE_MS)
        self._beyond = 0
        self._banned_until_ms = 0

    def take(self, weight: int, orders: int, now_ms: int) -> None:
        """Count a request.

        Raises:
            Refused: It is one too many.
        """
        limits = self._limits
        if now_ms < self._banned_until_ms:
            raise _banned((self._banned_until_ms - now_ms) / 1_000)
        if self._weight.add(weight, now_ms) > limits.weight:
            self._beyond += 1
            if self._beyond > limits.patience:
                self._beyond = 0
                self._banned_until_ms = now_ms + int(limits.ban_s * 1_000)
                raise _banned(limits.ban_s)
            text = f"Too many requests; current limit is {limits.weight} requests per minute."
            raise Refused(-1003, text, status=TOO_MANY, retry_after_s=self._weight.left_s(now_ms))
        if not orders:
            return
        for window, most, per in (
            (self._orders_10s, limits.orders_10s, "TEN_SECONDS"),
            (self._orders_1m, limits.orders_1m, "MINUTE"),
        ):
            if window.add(orders, now_ms) > most:
                text = f"Too many new orders; current limit is {most} orders per {per}."
                raise Refused(-1015, text, status=TOO_MANY, retry_after_s=window.left_s(now_ms))

    def headers(self) -> dict[str, str]:
        """What each answer tells of it."""
        return {
            "X-MBX-USED-WEIGHT-1M": f"{self._weight.used}",
            "X-MBX-ORDER-COUNT-10S": f"{self._orders_10s.used}",
            "X-MBX-ORDER-COUNT-1M": f"{self._orders_1m.used}",
        }


def _banned(left_s: float) -> Refused:
    text = "Way too many requests; IP banned. Please use the websocket for live updates to avoid bans."
    return Refused(-1003, text, status=BANNED, retry_after_s=float(int(left_s) + 1))
