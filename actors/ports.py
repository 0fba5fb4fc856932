"""What actors need from the outside, as Protocols; the supervisor wires the real things to them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from messages.candles import CandleHistory
from messages.checks import AccountVerdict
from messages.instruments import Capabilities
from messages.journal import (
    CommitResult,
    Decision,
    JournalHealth,
    KnownSignal,
    PositionResult,
    RestoredPosition,
)
from messages.market import Tick
from messages.orders import FillReport, FundingReport, OrderReport, PositionReport
from messages.values import Symbol, Venue
from messages.venue import RateUsed, RateWindow, VenueAnswer, VenueRequest


class VenueCalls(Protocol):
    """Sends requests to one venue without ever blocking the caller.

    Live, each call runs on a worker thread with a client of its own; in virtual time it is a delay on the simulated
    network.
    """

    venue: Venue
    capabilities: Capabilities
    windows: Sequence[RateWindow]

    def cost(self, request: VenueRequest) -> Mapping[str, int]:
        """What ``request`` uses up of the venue's limits, by the name of the window."""
        ...

    def used(self) -> Mapping[str, RateUsed]:
        """What the venue said last of its windows, by name; empty where it says nothing."""
        ...

    def send(self, request: VenueRequest, *, timeout_s: float, done: Callable[[VenueAnswer], None]) -> None:
        """Start ``request``; ``done`` is called exactly once, from any thread, with what came of it.

        A call that does not answer within ``timeout_s`` is answered with OutcomeUnknown (its late answer is dropped).
        """
        ...

    def close(self) -> None:
        """Let go of threads and connections; what is under way is answered with OutcomeUnknown."""
        ...


class CandleKeeper(Protocol):
    """Keeps the candles of each venue beyond the process; neither call raises."""

    def load(self, venue: Venue) -> Mapping[Symbol, CandleHistory]:
        """What was saved last."""
        ...

    def save(self, venue: Venue, histories: Mapping[Symbol, CandleHistory]) -> None:
        """Keep ``histories`` in place of those before."""
        ...


class StreamListener(Protocol):
    """Where a venue's streams deliver; every method may be called from any thread and returns at once."""

    def on_tick(self, tick: Tick) -> None:
        """A price moved."""
        ...

    def on_order(self, report: OrderReport) -> None:
        """An order changed; may come twice, late or out of order."""
        ...

    def on_fill(self, fill: FillReport) -> None:
        """An execution; may come twice, late or out of order."""
        ...

    def on_position(self, venue: Venue, symbol: Symbol, report: PositionReport | None) -> None:
        """The position of ``symbol`` changed; ``None`` is flat."""
        ...

    def on_funding(self, payment: FundingReport) -> None:
        """A funding payment was made; may come twice."""
        ...

    def on_connection(self, *, up: bool, detail: str) -> None:
        """The stream was lost, or is back: after ``up=True`` whatever happened in between must be read by request."""
        ...


class VenueStreams(Protocol):
    """The private and market streams of one venue."""

    def start(self, listener: StreamListener) -> None:
        """Connect, and keep connected until :meth:`stop`."""
        ...

    def watch(self, symbols: Sequence[Symbol]) -> None:
        """Subscribe market data of exactly these symbols."""
        ...

    def reconnect(self) -> None:
        """Give the connections up and make new ones: somebody knows that they bring nothing."""
        ...

    def stop(self) -> None:
        """Disconnect and let go of threads; harmless when they never ran."""
        ...


class AccountLook(Protocol):
    """Finds out whether a venue's account may be traded on: its key and its modes."""

    def __call__(self, done: Callable[[AccountVerdict], None]) -> None:
        """Begin to look; never blocks. ``done`` is called once, from any thread."""
        ...


class JournalPort(Protocol):
    """The one writer: the store while it can be reached, the spool while it cannot."""

    def take_ownership(self, owner_name: str) -> int:
        """Become the owner of the account; gives the owner epoch, higher than every one before."""
        ...

    def write(self, decisions: Sequence[Decision]) -> Sequence[CommitResult]:
        """Make the decisions durable, in order, in one transaction; results in the same order. Never raises."""
        ...

    def recover(self) -> JournalHealth:
        """Try to reach the store again and to drain the spool into it; cheap when there is nothing to do."""
        ...

    def health(self) -> JournalHealth:
        """The journal's condition, from memory."""
        ...

    def prune(self, before_ms: int) -> int:
        """Forget which decisions before a time are applied; gives their number."""
        ...

    def load(self) -> Sequence[RestoredPosition]:
        """Every position that is not ended, from the store and, above it, the spool."""
        ...

    def load_before(self) -> Sequence[RestoredPosition]:
        """The same as it was before the present outage, without positions that were taken over in it."""
        ...

    def known_signals(self, since_ms: int) -> Mapping[str, KnownSignal]:
        """The signals whose fate is on record since ``since_ms``, by their ids."""
        ...

    def symbol_locks(self) -> Mapping[str, str]:
        """Why nothing is opened on a symbol, for each that a person has locked."""
        ...

    def position_results(self, since_ms: int) -> Sequence[PositionResult]:
        """What each position came to that was closed since ``since_ms``."""
        ...
