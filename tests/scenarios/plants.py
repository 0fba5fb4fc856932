"""What a test plants in a running house without touching its code: settings that fail, calls that never come back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from adapters.simulator.paper_calls import PaperCalls
from adapters.simulator.paper_clients import Carrier
from messages.venue import AccountReport, AmendOrder, CancelOrder, PlaceOrder, SetLeverage, VenueAnswer, VenueRequest
from rules.position_case import OrderPolicy, PositionPolicies

READ_WITH_EVERY_DECISION: Final = frozenset({"trigger_source", "verify_every_ms"})


class Fuse:
    """Fails at one of the moments at which it is burnt; counts them before and after."""

    def __init__(self) -> None:
        self.burnt = 0
        self._at: int | None = None
        self._times = 0
        self._error: Callable[[], BaseException] = RuntimeError

    def set(self, *, after: int, error: Callable[[], BaseException], times: int = 1) -> None:
        """Let the ``after``-th moment from now raise ``error()``, and the ones that follow, ``times`` altogether."""
        self._at, self._error, self._times = self.burnt + after, error, times

    @property
    def set_off(self) -> bool:
        """Whether it was set, and has failed as often as it was to."""
        return self._at is not None and self._times == 0

    def burn(self) -> None:
        """One moment."""
        self.burnt += 1
        if self._at is not None and self.burnt >= self._at and self._times > 0:
            self._times -= 1
            raise self._error()


@dataclass(frozen=True, slots=True, kw_only=True)
class FusedOrders(OrderPolicy):
    """The settings of orders, reading which burns a fuse: a failure at any point of a position's decisions."""

    fuse: Fuse = field(default_factory=Fuse)

    def __getattribute__(self, name: str) -> object:
        if name in READ_WITH_EVERY_DECISION:
            self.fuse.burn()
        return object.__getattribute__(self, name)


def fused(fuse: Fuse) -> PositionPolicies:
    """Policies of positions that fail when ``fuse`` does."""
    return PositionPolicies(orders=FusedOrders(fuse=fuse))


class FusedCalls(PaperCalls):
    """The venue's client library: sending a request burns a fuse, an order's own one as well."""

    def __init__(self, exchange: Carrier, fuse: Fuse, *, only_orders: bool = True) -> None:
        super().__init__(exchange)
        self._fuse = fuse
        self._only_orders = only_orders

    def send(self, request: VenueRequest, *, timeout_s: float, done: Callable[[VenueAnswer], None]) -> None:
        if isinstance(request, PlaceOrder) or not self._only_orders:
            self._fuse.burn()
        super().send(request, timeout_s=timeout_s, done=done)


class WatchedCalls(PaperCalls):
    """A client that writes down when it sent what changes something, and when it first read the account."""

    def __init__(self, exchange: Carrier) -> None:
        super().__init__(exchange)
        self._exchange_clock = exchange.clock
        self.sent: list[tuple[int, VenueRequest]] = []
        self.first_read_ms: int | None = None

    def send(self, request: VenueRequest, *, timeout_s: float, done: Callable[[VenueAnswer], None]) -> None:
        if isinstance(request, PlaceOrder | AmendOrder | CancelOrder | SetLeverage):
            self.sent.append((self._exchange_clock.now_ms(), request))

        def answered(answer: VenueAnswer) -> None:
            if isinstance(answer, AccountReport) and self.first_read_ms is None:
                self.first_read_ms = self._exchange_clock.now_ms()
            done(answer)

        super().send(request, timeout_s=timeout_s, done=answered)
