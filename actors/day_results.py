"""The result of the day, as the risk actor keeps it: what positions came to, and what the account held at midnight."""

from collections.abc import Sequence
from typing import Final

from messages.journal import PositionResult
from messages.values import Money, PositionId
from rules.adjustments import (
    DAY_MS,
    AdjustmentPolicy,
    OpeningTerms,
    TradingDay,
    day_start_ms,
    opening_terms,
    trading_day,
)

LOOK_BACK_MS: Final = DAY_MS
"""How far before midnight results are kept: losses in a row are counted over it."""


class DayResults:
    """Counts each position once, whether it is heard of from the record, from the position, or from both."""

    def __init__(self, policy: AdjustmentPolicy) -> None:
        self._policy = policy
        self._results: dict[PositionId, PositionResult] = {}
        self._start_ms = 0
        self._balance: Money | None = None
        self.is_restored = False

    def follow(self, policy: AdjustmentPolicy) -> None:
        """Count by another policy from now on."""
        self._policy = policy

    @staticmethod
    def needed_since_ms(now_ms: int) -> int:
        """From when on the results on record are needed."""
        return day_start_ms(now_ms) - LOOK_BACK_MS

    def restored(self, results: Sequence[PositionResult]) -> None:
        """Count what is on record, and find the balance of midnight anew with it."""
        self._results.update({result.position_id: result for result in results})
        self._balance = None
        self.is_restored = True

    def ended(self, result: PositionResult, *, now_ms: int) -> None:
        """Count one more, and forget what is older than needed."""
        since_ms = self.needed_since_ms(now_ms)
        self._results = {name: each for name, each in self._results.items() if each.closed_ms >= since_ms}
        self._results[result.position_id] = result

    def heard_equity(self, equity: Money, *, now_ms: int) -> None:
        """What the account holds now: with the day's results taken back, what it held at midnight.

        The first figure of a day counts, and after a restart the first one again: then what was open at the time is
        in it with its profit or loss.
        """
        if self.is_restored and self._balance_of(now_ms) is None:
            self._start_ms = day_start_ms(now_ms)
            self._balance = equity - self._day(now_ms, None).realized

    def terms(self, *, base_usd: Money, equity: Money | None, now_ms: int) -> OpeningTerms:
        """What may be opened now; ``equity`` is what is known of the account, in case the day has no figure yet."""
        day = self._day(now_ms, self._balance_of(now_ms))
        if day.balance is None and equity is not None:
            day = self._day(now_ms, equity - day.realized)
        return opening_terms(day=day, base_usd=base_usd, now_ms=now_ms, policy=self._policy)

    def _balance_of(self, now_ms: int) -> Money | None:
        return self._balance if day_start_ms(now_ms) == self._start_ms else None

    def _day(self, now_ms: int, balance: Money | None) -> TradingDay:
        return trading_day(results=self._results.values(), now_ms=now_ms, balance=balance, policy=self._policy)
