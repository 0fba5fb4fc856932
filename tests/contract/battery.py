"""What every venue is put through: a running exchange, its calls and streams, and the words to ask them with.

A venue registers a factory in ``tests/contract/venues.py``; the laws are in ``test_contract_*.py``. The exchange behind
it is the simulated one in real time, whose prices stand still until a test moves them.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Protocol, TypeAlias

from actors.ports import StreamListener
from adapters.simulator.fault_script import NO_FAULTS, FaultScript
from adapters.simulator.paper import PaperExchange
from adapters.simulator.paper_config import Delay, PaperConfig
from adapters.simulator.profiles import Profile
from adapters.simulator.scheduler_thread import SchedulerThread
from adapters.simulator.state import ExchangeConfig, Slippage
from messages.instruments import Capabilities, Instrument
from messages.market import Tick
from messages.orders import FillReport, FundingReport, OrderReport, OrderSpec, PositionReport
from messages.values import OrderKind, OrderPurpose, OrderSide, Price, Side, Symbol, Venue
from messages.venue import (
    AccountReport,
    FetchAccount,
    FetchFills,
    FillsReport,
    OrderAccepted,
    OrderRejected,
    PlaceOrder,
    RateUsed,
    RateWindow,
    RejectReason,
    VenueAnswer,
    VenueRequest,
)
from tests.simulator.builders import BTC, ETH, StillFeed, a_limit, a_stop, a_take_profit, an_instrument, an_order

LOOK_AGAIN_S = 0.1
PATIENCE_S = 8.0
"""The longest that anything may take here; nothing waits for it unless it fails."""


class Calls(Protocol):
    """The actors' ``VenueCalls``."""

    venue: Venue
    capabilities: Capabilities
    windows: Sequence[RateWindow]

    def cost(self, request: VenueRequest) -> Mapping[str, int]: ...

    def used(self) -> Mapping[str, RateUsed]: ...

    def send(self, request: VenueRequest, *, timeout_s: float, done: Callable[[VenueAnswer], None]) -> None: ...

    def close(self) -> None: ...


class Streams(Protocol):
    """The actors' ``VenueStreams``."""

    def start(self, listener: StreamListener) -> None: ...

    def watch(self, symbols: Sequence[Symbol]) -> None: ...

    def reconnect(self) -> None: ...

    def stop(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a law needs of the exchange."""

    hedge: bool = False
    faults: FaultScript = NO_FAULTS
    wallet: Decimal = Decimal(10_000)
    leverage: int = 10


@dataclass
class Listening:
    """A stream's listener that can be waited on."""

    ticks: list[Tick] = field(default_factory=list)
    orders: list[OrderReport] = field(default_factory=list)
    fills: list[FillReport] = field(default_factory=list)
    positions: list[PositionReport | None] = field(default_factory=list)
    funding: list[FundingReport] = field(default_factory=list)
    connections: list[bool] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def on_tick(self, tick: Tick) -> None:
        self._add(self.ticks, tick)

    def on_order(self, report: OrderReport) -> None:
        self._add(self.orders, report)

    def on_fill(self, fill: FillReport) -> None:
        self._add(self.fills, fill)

    def on_position(self, venue: Venue, symbol: Symbol, report: PositionReport | None) -> None:
        self._add(self.positions, report)

    def on_funding(self, payment: FundingReport) -> None:
        self._add(self.funding, payment)

    def on_connection(self, *, up: bool, detail: str) -> None:
        self._add(self.connections, up)

    def until(self, condition: Callable[[], object], timeout_s: float = PATIENCE_S) -> None:
        """Wait for ``condition``, looked at again when something was heard, and now and then."""
        until_s = time.monotonic() + timeout_s
        with self.changed:
            while not condition():
                assert time.monotonic() < until_s, self
                self.changed.wait(LOOK_AGAIN_S)

    def _add(self, heard: list[Any], what: object) -> None:
        with self.changed:
            heard.append(what)
            self.changed.notify_all()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trio:
    """A running venue.

    Attributes:
        lot: One base coin in its own unit.
        names_attached_stops: The stop that comes with an entry carries the id that we gave it.
    """

    calls: Calls
    streams: Streams
    exchange: PaperExchange
    lot: Decimal = Decimal(1)
    names_attached_stops: bool = True

    @property
    def can(self) -> Capabilities:
        return self.calls.capabilities

    # --- asking -------------------------------------------------------------------------------------------------------

    def ask(self, request: VenueRequest, *, timeout_s: float = PATIENCE_S) -> VenueAnswer:
        """What the venue answers."""
        answers: list[VenueAnswer] = []
        answered = threading.Event()

        def done(answer: VenueAnswer) -> None:
            answers.append(answer)
            answered.set()

        self.calls.send(request, timeout_s=timeout_s, done=done)
        assert answered.wait(timeout_s + 2.0), request
        return answers[0]

    def place(self, order: OrderSpec) -> OrderReport:
        """Place an order that must be taken."""
        return accepted(self.ask(PlaceOrder(order=order)))

    def refusal(self, order: OrderSpec) -> RejectReason:
        """Why placing the order is refused."""
        return refused(self.ask(PlaceOrder(order=order)))

    def account(self, symbol: Symbol | None = None) -> AccountReport:
        answer = self.ask(FetchAccount(symbol=symbol))
        assert isinstance(answer, AccountReport), answer
        return answer

    def fills(self, symbol: Symbol = BTC) -> FillsReport:
        answer = self.ask(FetchFills(symbol=symbol, since_ms=self.exchange.clock.now_ms() - 3_600_000))
        assert isinstance(answer, FillsReport), answer
        return answer

    def listen(self, *symbols: Symbol) -> Listening:
        """Streams that are up."""
        heard = Listening()
        self.streams.watch(symbols)
        self.streams.start(heard)
        heard.until(lambda: heard.connections == [True])
        return heard

    def stops(self, symbol: Symbol = BTC) -> list[OrderReport]:
        """The working stops that the venue shows."""
        return [order for order in self.account(symbol).orders if order.kind is OrderKind.STOP_MARKET]

    # --- what is asked for --------------------------------------------------------------------------------------------

    def entry(self, **changes: Any) -> OrderSpec:
        """A market buy of one lot."""
        return an_order(**{"quantity": self.lot, **changes})

    def limit(self, **changes: Any) -> OrderSpec:
        """A limit buy of one lot at 990."""
        return a_limit(**{"quantity": self.lot, **changes})

    def stop(self, **changes: Any) -> OrderSpec:
        """A stop at 980 for a long of one lot, on the whole position where the venue has that."""
        return a_stop(**{"quantity": None if self.can.whole_position_stop else self.lot, **changes})

    def take_profit(self, **changes: Any) -> OrderSpec:
        """A take profit of half a lot at 1030."""
        return a_take_profit(**{"quantity": self.lot / 2, **changes})

    def close(self, **changes: Any) -> OrderSpec:
        """A market sell that only reduces."""
        values: dict[str, Any] = {
            "side": OrderSide.SELL,
            "purpose": OrderPurpose.CLOSE,
            "quantity": self.lot,
            "reduce_only": True,
        }
        return an_order(**{**values, **changes})

    # --- the market ---------------------------------------------------------------------------------------------------

    def move(self, price: int, symbol: Symbol = BTC) -> None:
        """Let the price jump to ``price``."""
        last: Price = self.exchange.look(lambda exchange: exchange.state.markets[symbol].last)
        self.exchange.gap(symbol, (Decimal(price) / last - 1) * 100)


Factory: TypeAlias = Callable[[Setup], AbstractContextManager[Trio]]


def accepted(answer: VenueAnswer) -> OrderReport:
    """The order that was taken."""
    assert isinstance(answer, OrderAccepted), answer
    return answer.report


def refused(answer: VenueAnswer) -> RejectReason:
    """Why it was refused."""
    assert isinstance(answer, OrderRejected), answer
    return answer.reason


def known_as(order: OrderSpec, report: OrderReport) -> OrderSpec:
    """The order with the id that the venue gave it, as amends and cancels name it."""
    return replace(order, venue_order_id=report.venue_order_id)


def on_side(side: Side | None, order: OrderSpec) -> OrderSpec:
    """The same order in hedge mode."""
    return replace(order, hedge_side=side)


def listed(venue: Venue, **changes: Any) -> tuple[Instrument, ...]:
    """The two instruments that every venue lists; ``changes`` for units of its own."""
    values: dict[str, Any] = {
        "venue": venue,
        "max_quantity": Decimal(100),
        "max_market_quantity": Decimal(50),
        **changes,
    }
    return an_instrument(BTC, **values), an_instrument(ETH, **values)


@contextmanager
def running_exchange(
    setup: Setup, *, venue: Venue, profile: Profile, instruments: Sequence[Instrument] = ()
) -> Iterator[PaperExchange]:
    """An exchange in real time whose markets stand at 1000, without a spread, 1 ms away."""
    errors: list[BaseException] = []
    clock = SchedulerThread(on_error=errors.append)
    near = Delay(min_ms=1, max_ms=1)
    exchange = PaperExchange(
        instruments=instruments or listed(venue),
        feed=StillFeed(symbols=(BTC, ETH)),
        scheduler=clock,
        clock=clock,
        faults=setup.faults,
        config=PaperConfig(
            exchange=ExchangeConfig(
                venue=venue,
                profile=profile,
                wallet=setup.wallet,
                leverage=setup.leverage,
                hedge=setup.hedge,
                slippage=Slippage(half_spread_ticks=0),
            ),
            request_delay=near,
            answer_delay=near,
            event_delay=near,
            connect_delay=near,
        ),
    )
    clock.start()
    exchange.start()
    try:
        yield exchange
    finally:
        exchange.stop()
        clock.stop()
    assert errors == []
