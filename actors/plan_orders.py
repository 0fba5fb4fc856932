"""How many stops and take profits were sent to one venue, and how many of them came to nothing (S15, S18: under 1 %).

Counted where requests leave, so that a restart of whoever sends them loses none.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from actors.ports import VenueCalls
from messages.instruments import Capabilities
from messages.values import OrderKind, Venue
from messages.venue import AmendOrder, OrderAccepted, PlaceOrder, RateUsed, RateWindow, VenueAnswer, VenueRequest

COUNTED_AT_MOST: Final = 1_000_000
PLAN_ORDERS: Final = frozenset({OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOrderShare:
    """Plan orders that were placed or moved; ``failed`` were refused, or nothing is known of them."""

    sent: int = 0
    failed: int = 0

    def __str__(self) -> str:
        share = 100 * self.failed / self.sent if self.sent else 0.0
        return f"{self.failed} of {self.sent} failed ({share:.1f} %)"


class CountedCalls:
    """The venue's calls, with what became of plan orders counted; satisfies ``VenueCalls``."""

    venue: Venue
    capabilities: Capabilities
    windows: Sequence[RateWindow]

    def __init__(self, calls: VenueCalls) -> None:
        self.venue, self.capabilities, self.windows = calls.venue, calls.capabilities, calls.windows
        self._calls = calls
        # A few threads answer: adding to a deque, and taking from it, are whole by themselves.
        self._failures: deque[bool] = deque(maxlen=COUNTED_AT_MOST)

    def take_share(self) -> PlanOrderShare:
        """What was counted since this was asked the last time."""
        failures = [self._failures.popleft() for _ in range(len(self._failures))]
        return PlanOrderShare(sent=len(failures), failed=sum(failures))

    def cost(self, request: VenueRequest) -> Mapping[str, int]:
        """As the venue's."""
        return self._calls.cost(request)

    def used(self) -> Mapping[str, RateUsed]:
        """As the venue's."""
        return self._calls.used()

    def send(self, request: VenueRequest, *, timeout_s: float, done: Callable[[VenueAnswer], None]) -> None:
        """As the venue's; the answer to a plan order is counted on its way."""
        if not isinstance(request, PlaceOrder | AmendOrder) or request.order.kind not in PLAN_ORDERS:
            self._calls.send(request, timeout_s=timeout_s, done=done)
            return

        def counted(answer: VenueAnswer) -> None:
            self._failures.append(not isinstance(answer, OrderAccepted))
            done(answer)

        self._calls.send(request, timeout_s=timeout_s, done=counted)

    def close(self) -> None:
        """As the venue's."""
        self._calls.close()
