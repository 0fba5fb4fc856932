"""When longs pay shorts, and how much."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from messages.values import ZERO, Symbol

EIGHT_HOURS_MS = 8 * 3_600_000
NEVER_MS = 1 << 62


class FundingSchedule(Protocol):
    """Settlement times, and each symbol's rate at them."""

    def next_after(self, now_ms: int) -> int:
        """The first settlement after ``now_ms`` (UTC)."""
        ...

    def rate(self, symbol: Symbol, due_ms: int) -> Decimal:
        """The rate as a fraction of the position's value; longs pay a positive one."""
        ...


class NoFunding:
    """A venue without funding."""

    def next_after(self, now_ms: int) -> int:  # noqa: ARG002 - the Protocol's signature
        """Never."""
        return NEVER_MS

    def rate(self, symbol: Symbol, due_ms: int) -> Decimal:  # noqa: ARG002 - the Protocol's signature
        """Nothing."""
        return ZERO


class ConstantFunding:
    """The same rate for all symbols at 00:00, 08:00 and 16:00 UTC."""

    def __init__(self, rate: Decimal) -> None:
        self._rate = rate

    def next_after(self, now_ms: int) -> int:
        """The next of the three."""
        return (now_ms // EIGHT_HOURS_MS + 1) * EIGHT_HOURS_MS

    def rate(self, symbol: Symbol, due_ms: int) -> Decimal:  # noqa: ARG002 - the Protocol's signature
        """The constant."""
        return self._rate


class RecordedFunding:
    """Recorded rates by symbol: (time, rate), in the order of time."""

    def __init__(self, rates: Mapping[Symbol, Sequence[tuple[int, Decimal]]]) -> None:
        self._rates = {symbol: dict(entries) for symbol, entries in rates.items()}
        self._times = sorted({time_ms for entries in self._rates.values() for time_ms in entries})

    def next_after(self, now_ms: int) -> int:
        """The next recorded time of any symbol."""
        index = bisect_right(self._times, now_ms)
        return self._times[index] if index < len(self._times) else NEVER_MS

    def rate(self, symbol: Symbol, due_ms: int) -> Decimal:
        """The recorded rate; zero when none is recorded for just that time."""
        return self._rates.get(symbol, {}).get(due_ms, ZERO)
