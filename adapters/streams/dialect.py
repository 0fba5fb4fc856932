"""What one venue's stream connection must be able to say; the session does the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from messages.market import Tick
from messages.orders import FillReport, FundingReport, OrderReport, PositionReport
from messages.values import Symbol, Venue


class Listener(Protocol):
    """Where streams deliver; structurally the actors' ``StreamListener``."""

    def on_tick(self, tick: Tick) -> None:
        """A price moved."""
        ...

    def on_order(self, report: OrderReport) -> None:
        """An order changed."""
        ...

    def on_fill(self, fill: FillReport) -> None:
        """An execution."""
        ...

    def on_position(self, venue: Venue, symbol: Symbol, report: PositionReport | None) -> None:
        """A position changed; ``None`` is flat."""
        ...

    def on_funding(self, payment: FundingReport) -> None:
        """A funding payment."""
        ...

    def on_connection(self, *, up: bool, detail: str) -> None:
        """The stream was lost, or is back."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """What follows from a message of the venue.

    Attributes:
        send: To be sent now, in order.
        ready: Everything asked for is confirmed: the stream is up.
        problem: Why this connection is of no use (login refused, subscription refused, told to leave): reconnect.
        fatal: The problem will not go away by trying again soon (wrong key): wait a minute at least.
        unknown: The message was not understood; counted, otherwise ignored.
    """

    send: Sequence[str] = ()
    ready: bool = False
    problem: str = ""
    fatal: bool = False
    unknown: bool = False


NOTHING = Reaction()


class Dialect(Protocol):
    """One connection (private, or market) of one venue. Made anew for each connection; used by one thread.

    Attributes:
        name: For logs, such as ``bybit private``.
        ping_every_s: How often :meth:`ping` is sent; 0 when the venue pings.
        silence_s: Without any message for this long the connection counts as dead.
        life_s: The venue ends connections after this long; ours are renewed a little earlier.
    """

    name: str
    ping_every_s: float
    silence_s: float
    life_s: float

    def url(self) -> str:
        """Where to connect; may ask REST for a listen key, and raise OSError when that fails."""
        ...

    def opened(self, now_ms: int) -> Sequence[str]:
        """What is said first: login, or subscriptions where there is no login."""
        ...

    def ping(self, now_ms: int) -> str | None:
        """A heartbeat; ``None`` for a WebSocket ping frame."""
        ...

    def received(self, data: bytes, listener: Listener, now_ms: int) -> Reaction:
        """Take one message. Whatever it is, it never raises for it."""
        ...

    def keep_alive(self, now_ms: int) -> None:
        """Called about once a second, for what a venue needs beside the connection (listen keys)."""
        ...

    def watch(self, symbols: Sequence[Symbol]) -> Sequence[str]:
        """What to send so that market data of exactly these symbols comes; empty on a private connection."""
        ...


@runtime_checkable
class ReadyWhenOpen(Protocol):
    """A dialect whose venue confirms nothing: with the connection itself, everything that was asked for is there."""

    ready_when_open: bool
