"""Shadow mode: connected to a real account, reading everything, sending nothing (S19)."""

from collections.abc import Callable, Mapping, Sequence

from loguru import logger

from adapters.venues.threaded_calls import ThreadedCalls
from messages.instruments import Capabilities
from messages.values import Venue
from messages.venue import (
    AmendOrder,
    CancelOrder,
    OrderRejected,
    PlaceOrder,
    RateWindow,
    RejectReason,
    SetLeverage,
    VenueAnswer,
    VenueRequest,
)


class ShadowCalls:
    """Passes reads on; what would change anything is said in the log and answered with NOT_SENT."""

    venue: Venue
    capabilities: Capabilities
    windows: Sequence[RateWindow]

    def __init__(self, calls: ThreadedCalls) -> None:
        self._calls = calls
        self.venue = calls.venue
        self.capabilities = calls.capabilities
        self.windows = calls.windows

    def cost(self, request: VenueRequest) -> Mapping[str, int]:
        """What ``request`` would use up, by the name of the rate window."""
        return self._calls.cost(request)

    def send(self, request: VenueRequest, *, timeout_s: float, done: Callable[[VenueAnswer], None]) -> None:
        """Send a read; say what anything else would have been."""
        match request:
            case PlaceOrder() | AmendOrder() | CancelOrder() | SetLeverage():
                logger.info("shadow: {} would have been sent: {}", self.venue, request)
                done(OrderRejected(reason=RejectReason.NOT_SENT, text="shadow mode sends no order"))
            case _:
                self._calls.send(request, timeout_s=timeout_s, done=done)

    def close(self) -> None:
        """Close the connection."""
        self._calls.close()
