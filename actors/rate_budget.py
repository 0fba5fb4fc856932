"""How much a venue still allows: sliding windows, with a share that only protection may use."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

from messages.venue import RateWindow

SHARE_OF_OTHERS_PERCENT: Final = 80
"""What is not protective may use this much of a window; the rest is kept for stops and closes."""


class RateBudget:
    """Counts what was sent within each window. Times are in milliseconds, of whichever clock, as long as it is one.

    The venue's windows may be fixed where ours slide: sliding never allows more.
    """

    def __init__(self, windows: Sequence[RateWindow]) -> None:
        self._windows = {window.name: window for window in windows}
        self._spent: dict[str, deque[tuple[int, int]]] = {window.name: deque() for window in windows}
        self._sums: dict[str, int] = dict.fromkeys(self._windows, 0)

    def wait_ms(self, cost: Mapping[str, int], *, protective: bool, now_ms: int) -> int:
        """How long until ``cost`` fits into every window; 0 when it does now."""
        return max((self._wait_in(name, units, protective, now_ms) for name, units in cost.items()), default=0)

    def spend(self, cost: Mapping[str, int], *, now_ms: int) -> None:
        """Count ``cost`` as sent now."""
        for name, units in cost.items():
            if name in self._windows and units > 0:
                self._spent[name].append((now_ms, units))
                self._sums[name] += units

    def _wait_in(self, name: str, units: int, protective: bool, now_ms: int) -> int:  # noqa: FBT001 - one caller
        window = self._windows.get(name)
        if window is None:
            return 0
        self._forget(name, now_ms)
        limit = window.limit if protective else window.limit * SHARE_OF_OTHERS_PERCENT // 100
        excess = self._sums[name] + units - max(limit, units)
        if excess <= 0:
            return 0
        for at_ms, spent in self._spent[name]:
            excess -= spent
            if excess <= 0:
                return at_ms + window.window_ms - now_ms
        return window.window_ms

    def _forget(self, name: str, now_ms: int) -> None:
        spent, since_ms = self._spent[name], now_ms - self._windows[name].window_ms
        while spent and spent[0][0] <= since_ms:
            self._sums[name] -= spent.popleft()[1]
