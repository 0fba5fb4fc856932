"""OKX's streams: two private connections that are up only together, and a public one."""

import threading

from adapters.streams.dialect import Listener
from adapters.streams.okx_frames import LoginClock
from adapters.streams.okx_market import OkxMarketDialect
from adapters.streams.okx_private import BUSINESS, PRIVATE, OkxPrivateDialect
from adapters.streams.session import StreamSession
from adapters.streams.venue_streams import TwoStreams
from adapters.venues.okx import OkxRest
from adapters.venues.rest import VenueConfig


class _Together:
    """Several connections as one: lost with the first of them, back with the last."""

    def __init__(self, listener: Listener, parts: int) -> None:
        self._listener = listener
        self._lock = threading.Lock()
        self._parts = parts
        self._up = 0

    def part(self) -> "_Part":
        """The listener of one of them."""
        return _Part(self._listener, self)

    def changed(self, *, up: bool, detail: str) -> None:
        """One of them was lost, or is back."""
        with self._lock:
            was_up = self._up == self._parts
            self._up += 1 if up else -1
            is_up = self._up == self._parts
            if was_up != is_up:
                self._listener.on_connection(up=is_up, detail=detail)


class _Part:
    """Passes everything on but the connection's own condition."""

    def __init__(self, listener: Listener, together: _Together) -> None:
        self.on_tick = listener.on_tick
        self.on_order = listener.on_order
        self.on_fill = listener.on_fill
        self.on_position = listener.on_position
        self.on_funding = listener.on_funding
        self._together = together

    def on_connection(self, *, up: bool, detail: str) -> None:
        """Told once for all of them."""
        self._together.changed(up=up, detail=detail)


class OkxStreams(TwoStreams):
    """As two streams; the private one has the ``business`` connection beside it, where algo orders are told."""

    def __init__(self, config: VenueConfig, clock: LoginClock) -> None:
        super().__init__(
            private=lambda: OkxPrivateDialect(config, PRIVATE, clock),
            market=lambda: OkxMarketDialect(config),
            outside=config.outside,
        )
        self.business = StreamSession(lambda: OkxPrivateDialect(config, BUSINESS, clock), outside=config.outside)

    def start(self, listener: Listener) -> None:
        """Connect all three."""
        together = _Together(listener, 2)
        self.business.start(together.part())
        super().start(together.part())

    def reconnect(self) -> None:
        """Give all three up and make new ones."""
        super().reconnect()
        self.business.reconnect()

    def stop(self) -> None:
        """Disconnect all three."""
        super().stop()
        self.business.stop()


def okx_connection(config: VenueConfig) -> tuple[OkxRest, OkxStreams]:
    """Both sides of an account; what requests measure of OKX's clock is known to logins, and the other way round."""
    rest = OkxRest(config)
    return rest, OkxStreams(config, LoginClock(config, rest.clock))
