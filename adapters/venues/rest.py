"""What a venue's REST adapter is to the rest of the adapters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from adapters.outside import MACHINE, Outside
from messages.instruments import Capabilities
from messages.values import Venue
from messages.venue import RateUsed, RateWindow, VenueAnswer, VenueRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueConfig:
    """How one account on one venue is reached.

    Attributes:
        rest_url: Base URL without a trailing slash, in place of the venue's own (a simulated exchange).
        ws_url: The same for streams, such as ``ws://127.0.0.1:9002``.
        hedge: Whether the account is in hedge mode.
        timeout_ms: Of one HTTP request.
        outside: Where time and sockets come from.
    """

    venue: Venue
    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)
    api_passphrase: str = field(default="", repr=False)
    testnet: bool = False
    rest_url: str | None = None
    ws_url: str | None = None
    hedge: bool = False
    timeout_ms: int = 10_000
    outside: Outside = field(default=MACHINE, repr=False)


class RestClient(Protocol):
    """One ccxt client, used by one thread only."""

    def execute(self, request: VenueRequest) -> VenueAnswer:
        """Do ``request`` and say what came of it; blocks. A venue's refusal or silence is an answer, not an error."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class VenueRest(Protocol):
    """One venue's REST side: makes clients that share the markets, loaded once."""

    venue: Venue
    capabilities: Capabilities
    windows: Sequence[RateWindow]

    def client(self) -> RestClient:
        """A client for one more worker thread; may block to load the markets the first time."""
        ...

    def cost(self, request: VenueRequest) -> Mapping[str, int]:
        """What ``request`` uses up, by the name of the rate window."""
        ...


@runtime_checkable
class TellsUsage(Protocol):
    """A REST side whose venue says with its answers how much of a rate window is used up."""

    def used(self) -> Mapping[str, RateUsed]:
        """What it said last, by the name of the rate window."""
        ...
