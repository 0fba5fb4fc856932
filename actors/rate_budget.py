"""How much a venue still allows: sliding windows, with a share that only protection may use.

Where the venue says with its answers what is used up, that counts, and what was sent since: others may use the same
address, and a process that was killed a moment ago has used it up as well.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from messages.venue import RateUsed, RateWindow

SHARE_OF_OTHERS_PERCENT: Final = 80
"""What is not protective may use this much of a window; the rest is kept for stops and closes."""
OVERTAKEN_MS: Final = 300
"""What was sent this long before a request may be counted by the venue after it."""


def _says_nothing() -> Mapping[str, RateUsed]:
    return {}


class RateBudget:
    """Counts what was sent within each window. Times are in milliseconds, of whichever clock, as long as it is one.

    The venue's windows may be fixed where ours slide: sliding never allows more.
    """

    def __init__(
        self, windows: Sequence[RateWindow], *, told: Callable[[], Mapping[str, RateUsed]] = _says_nothing
    ) -> None:
        """``told`` is what the venue said last of its windows, by their names; of many it says nothing."""
        self._windows = {window.name: window for window in windows}
        self._spent: dict[str, deque[tuple[int, int]]] = {window.name: deque() for window in windows}
        self._sums: dict[str, int] = dict.fromkeys(self._windows, 0)
        self._told = told

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
        allowed = max(limit, units) - units
        told = self._told().get(name)
        if told is not None:
            began_ms = now_ms - (now_ms - told.starts_over_ms) % window.window_ms
            used = self._used_since(name, told, began_ms)
            return 0 if used <= allowed else began_ms + window.window_ms - now_ms
        excess = self._sums[name] - allowed
        if excess <= 0:
            return 0
        for at_ms, spent in self._spent[name]:
            excess -= spent
            if excess <= 0:
                return at_ms + window.window_ms - now_ms
        return window.window_ms

    def _used_since(self, name: str, told: RateUsed, began_ms: int) -> int:
        """What is used up of a window that the venue began at ``began_ms``, as far as it was told and sent since."""
        is_of_now = told.starts_over_ms > began_ms
        since_ms = max(began_ms, told.sent_ms - OVERTAKEN_MS) if is_of_now else began_ms
        sent = sum(units for at_ms, units in self._spent[name] if at_ms >= since_ms)
        return sent + (told.units if is_of_now else 0)

    def _forget(self, name: str, now_ms: int) -> None:
        spent, since_ms = self._spent[name], now_ms - self._windows[name].window_ms
        while spent and spent[0][0] <= since_ms:
            self._sums[name] -= spent.popleft()[1]
