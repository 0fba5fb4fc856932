"""What one venue's dialect must be able to do; the server does the rest.

A dialect translates. It keeps no truth of its own: orders, positions and money are the engine's, reached by the same
``VenueRequest`` values that the paper venue takes, so that every fault of a script applies here as well.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from adapters.simulator.paper import PaperExchange
from adapters.simulator.profiles import Profile
from messages.market import Tick
from messages.orders import FillReport, FundingReport, OrderReport, PositionReport
from messages.values import Symbol, Venue
from messages.venue import VenueAnswer, VenueRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The one account's keys that the server accepts; signatures are checked with them.

    Attributes:
        may_withdraw: What is told when somebody asks what the key may do; nothing can be withdrawn here.
    """

    api_key: str = "KEY"
    api_secret: str = field(default="SECRET", repr=False)
    api_passphrase: str = field(default="PASS", repr=False)
    may_withdraw: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request as it came; ``query`` is the raw text after the question mark, which signatures are made over."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """What is sent back; ``body`` is JSON text."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Ask = Callable[[VenueRequest], Awaitable[VenueAnswer]]
"""Carries a request to the engine over the simulated network; an answer that is lost never comes."""


class WireSession(Protocol):
    """One WebSocket client, on the server's side. Every method gives the texts to send back, in order."""

    @property
    def hears_private(self) -> bool:
        """Whether it logged in and subscribed to orders, positions or fills."""
        ...

    @property
    def symbols(self) -> Sequence[Symbol]:
        """Whose prices it subscribed to."""
        ...

    def opened(self) -> Sequence[str]:
        """What the venue says first, if anything."""
        ...

    def received(self, text: str) -> Sequence[str]:
        """Take a message of the client: login, subscriptions, pings."""
        ...

    def on_order(self, report: OrderReport) -> Sequence[str]:
        """An order changed."""
        ...

    def on_fill(self, fill: FillReport) -> Sequence[str]:
        """An execution."""
        ...

    def on_position(self, symbol: Symbol, report: PositionReport | None) -> Sequence[str]:
        """A position changed."""
        ...

    def on_funding(self, payment: FundingReport) -> Sequence[str]:
        """A funding payment."""
        ...

    def on_tick(self, tick: Tick) -> Sequence[str]:
        """A price."""
        ...


class WireDialect(Protocol):
    """One venue's REST and WebSocket dialect over ``exchange``."""

    venue: Venue
    profile: Profile

    def __init__(self, exchange: PaperExchange, keys: Keys) -> None: ...

    async def handle(self, request: HttpRequest, ask: Ask) -> HttpResponse:
        """Answer one REST request: signature, rate limit, translation there and back."""
        ...

    def session(self, path: str, query: str) -> WireSession | None:
        """A new WebSocket client on ``path``; ``None`` where the venue has no stream."""
        ...
