"""Funding payments on Binance: read for all symbols at once, and only when there can be new ones.

To read them weighs 30, as much as four readings of a symbol's account. They come on the full hour (every 8, 4 or 1
hours, "Get Funding Rate Info": ``fundingIntervalHours``), so that what was read after an hour holds until the next one,
and a position of which no full hour was a part has none.
"""

import threading
from collections.abc import Callable
from typing import Final

from adapters.venues.binance_reports import Income, funding_report
from messages.orders import FundingReport
from messages.values import Symbol

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
LATE_MS: Final = 120_000
"""A payment may be stamped and told this long after its hour; the venue speaks of up to a minute."""
CLOCK_MS: Final = 5_000
"""By how much our own clock may be behind the venue's."""

Read = Callable[[int], list[Income]]
"""Everything that was paid since a time (UTC ms)."""


class FundingMemory:
    """What was paid, as it was read last; shared by the clients of one account, used from all their threads."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._reading = threading.Lock()
        self._failure: tuple[int, Exception] | None = None
        self._known: _Known = _Known(since_ms=0, read_ms=0, payments=[])

    def needs_reading(self, since_ms: int) -> bool:
        """Whether the venue has to be asked for the payments since ``since_ms``."""
        last_hour_ms = (self._now_ms() + CLOCK_MS) // HOUR_MS * HOUR_MS
        if last_hour_ms < since_ms - LATE_MS:
            return False
        known = self._known
        return since_ms < known.since_ms or known.read_ms < last_hour_ms + LATE_MS

    def of(self, symbol: Symbol, since_ms: int, read: Read) -> tuple[FundingReport, ...]:
        """The payments of ``symbol``, oldest first; by ``read`` where what is known does not suffice.

        Others that need it as well wait for the one who reads. When that fails it fails for all who waited: each of
        them might have to wait as long again.
        """
        asked_ms = self._now_ms()
        with self._reading:
            if self.needs_reading(since_ms):
                if self._failure is not None and self._failure[0] >= asked_ms:
                    raise self._failure[1]
                self._read(since_ms, read)
            known = self._known
        found = {
            row.tran_id: funding_report(symbol, row)
            for row in known.payments
            if row.symbol == symbol and row.time >= since_ms
        }
        return tuple(sorted(found.values(), key=lambda each: (each.time_ms, each.funding_id)))

    def _read(self, since_ms: int, read: Read) -> None:
        """From the day's beginning on, so that the next one, who may ask for an earlier time, need not read."""
        from_ms, read_ms = since_ms - since_ms % DAY_MS, self._now_ms()
        try:
            payments = read(from_ms)
        except Exception as failure:
            self._failure = (self._now_ms(), failure)
            raise
        self._known = _Known(since_ms=from_ms, read_ms=read_ms, payments=payments)


class _Known:
    """One reading; replaced whole."""

    def __init__(self, *, since_ms: int, read_ms: int, payments: list[Income]) -> None:
        self.since_ms = since_ms
        self.read_ms = read_ms
        self.payments = payments
