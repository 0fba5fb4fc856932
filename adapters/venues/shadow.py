"""Shadow mode: connected to a real account, reading everything, sending nothing (S19)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from loguru import logger

from messages.instruments import Capabilities
from messages.values import Venue
from messages.venue import (
    AmendOrder,
    CancelOrder,
    LeverageSet,
    OrderRejected,
    PlaceOrder,
    RateUsed,
    RateWindow,
    RejectReason,
    SetLeverage,
    VenueAnswer,
    VenueRequest,
)


class Calls(Protocol):
    """The connection that reads go through."""

    venue: Venue
    capabilities: Capabilities
    windows: Sequence[RateWindow]

    def cost(self, request: VenueRequest) -> Mapping[str, int]:
        """What ``request`` uses up."""
        ...

    def used(self) -> Mapping[str, RateUsed]:
        """What the venue said of its windows."""
        ...

    def send(self, request: VenueRequest, *, timeout_s: float, done: Callable[[VenueAnswer], None]) -> None:
        """Start ``request``."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class ShadowCalls:
    """Passes reads on; what would change anything is said in the log and answered with NOT_SENT."""

    venue: Venue
    capabilities: Capabilities
    windows: Sequence[RateWindow]

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self.venue = calls.venue
        self.capabilities = calls.capabilities
        self.windows = calls.windows

    def cost(self, request: VenueRequest) -> Mapping[str, int]:
        """What ``request`` would use up, by the name of the rate window."""
        return self._calls.cost(request)

    def used(self) -> Mapping[str, RateUsed]:
        """What the venue said last of its windows."""
        return self._calls.used()

    def send(self, request: VenueRequest, *, timeout_s: float, done: Callable[[VenueAnswer], None]) -> None:
        """Send a read; say what anything else would have been."""
        match request:
            case SetLeverage():
                # Answered as if it were so, or nothing would be said of the entry that follows.
                logger.info("shadow: {} would have been sent: {}", self.venue, request)
                done(LeverageSet(symbol=request.symbol, leverage=request.leverage, margin_mode=request.margin_mode))
            case PlaceOrder() | AmendOrder() | CancelOrder():
                logger.info("shadow: {} would have been sent: {}", self.venue, request)
                done(OrderRejected(reason=RejectReason.NOT_SENT, text="shadow mode sends no order"))
            case _:
                self._calls.send(request, timeout_s=timeout_s, done=done)

    def close(self) -> None:
        """Close the connection."""
        self._calls.close()
