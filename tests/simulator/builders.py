"""Exchanges, orders and listeners with defaults, so that a test shows only what matters."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from actors.kernel import VirtualTime
from adapters.simulator.engine import Exchange
from adapters.simulator.fault_script import NO_FAULTS, FaultScript
from adapters.simulator.feed import PricePoint, TradeFeed
from adapters.simulator.funding import FundingSchedule
from adapters.simulator.paper import PaperExchange
from adapters.simulator.paper_calls import PaperCalls
from adapters.simulator.paper_config import Delay, PaperConfig
from adapters.simulator.paper_streams import PaperStreams
from adapters.simulator.profiles import PAPER, Profile
from adapters.simulator.state import ExchangeConfig, Slippage
from messages.instruments import Instrument
from messages.market import Tick
from messages.orders import FillReport, FundingReport, OrderReport, OrderSpec, PositionReport
from messages.values import ClientOrderId, OrderKind, OrderPurpose, OrderSide, Symbol, Venue, VenueOrderId
from messages.venue import (
    AccountReport,
    CancelOrder,
    OrderAccepted,
    OrderRejected,
    PlaceOrder,
    VenueAnswer,
    VenueRequest,
)

VENUE = Venue("paper")
BTC = Symbol("BTCUSDT")
ETH = Symbol("ETHUSDT")
T0 = 1_640_995_200_000
"""2022-01-01 00:00 UTC."""


def d(text: str | int) -> Decimal:
    return Decimal(text)


def an_instrument(symbol: Symbol = BTC, **changes: Any) -> Instrument:
    instrument = Instrument(
        venue=VENUE,
        symbol=symbol,
        price_tick=d("0.1"),
        quantity_step=d("0.001"),
        min_quantity=d("0.001"),
        max_quantity=d(1000),
        max_market_quantity=d(1000),
        min_notional=d(5),
    )
    return replace(instrument, **changes)


def an_exchange(
    *,
    price: str | int = 1000,
    profile: Profile = PAPER,
    wallet: str | int = 10_000,
    leverage: int = 10,
    instruments: Sequence[Instrument] = (),
    funding: FundingSchedule | None = None,
    slippage: Slippage = Slippage(half_spread_ticks=0),  # noqa: B008 - frozen
    **changes: Any,
) -> Exchange:
    """An exchange at ``T0`` whose markets all stand at ``price``; no spread, so that figures are round."""
    listed = tuple(instruments) or (an_instrument(),)
    config = ExchangeConfig(
        profile=profile,
        wallet=d(wallet),
        leverage=leverage,
        slippage=slippage,
        **changes,
    )
    exchange = Exchange(config=config, instruments=listed, now_ms=T0, funding=funding)
    for instrument in listed:
        exchange.move(instrument.symbol, d(price), T0)
    return exchange


_numbers = iter(range(1, 1 << 60))


def an_order(**changes: Any) -> OrderSpec:
    """A market buy of 1; numbers and prices may be given as text."""
    values: dict[str, Any] = {
        "client_order_id": ClientOrderId(f"c{next(_numbers)}"),
        "symbol": BTC,
        "side": OrderSide.BUY,
        "kind": OrderKind.MARKET,
        "purpose": OrderPurpose.ENTRY,
        "quantity": d(1),
    }
    for name, value in changes.items():
        number = name in ("quantity", "price", "trigger_price", "attached_stop_price") and value is not None
        values[name] = d(value) if number else value
    return OrderSpec(**values)


def a_stop(**changes: Any) -> OrderSpec:
    """A sell stop of 1 at 980, on the mark price."""
    values: dict[str, Any] = {
        "side": OrderSide.SELL,
        "kind": OrderKind.STOP_MARKET,
        "purpose": OrderPurpose.STOP,
        "trigger_price": "980",
        "reduce_only": True,
    }
    return an_order(**{**values, **changes})


def a_take_profit(**changes: Any) -> OrderSpec:
    """A sell take profit of 1 at 1030."""
    values: dict[str, Any] = {
        "kind": OrderKind.TAKE_PROFIT_MARKET,
        "purpose": OrderPurpose.TAKE_PROFIT_1,
        "trigger_price": "1030",
    }
    return a_stop(**{**values, **changes})


def a_limit(**changes: Any) -> OrderSpec:
    """A buy limit of 1 at 990."""
    return an_order(**{"kind": OrderKind.LIMIT, "price": "990", **changes})


def accepted(answer: VenueAnswer) -> OrderReport:
    assert isinstance(answer, OrderAccepted), answer
    return answer.report


def refused(answer: VenueAnswer) -> str:
    assert isinstance(answer, OrderRejected), answer
    return answer.reason.value


def order_of(exchange: Exchange, spec: OrderSpec) -> OrderReport:
    """The order as the venue shows it now."""
    return accepted(exchange.query(spec.symbol, spec.client_order_id))


def positions_of(exchange: Exchange) -> tuple[PositionReport, ...]:
    return exchange.account(None, taken_ms=0).positions


def working_of(exchange: Exchange) -> tuple[OrderReport, ...]:
    return exchange.account(None, taken_ms=0).orders


def of_order(spec: OrderSpec, venue_order_id: VenueOrderId) -> OrderSpec:
    return replace(spec, venue_order_id=venue_order_id)


@dataclass
class Heard:
    """A listener that writes down what it hears."""

    ticks: list[Tick] = field(default_factory=list)
    orders: list[OrderReport] = field(default_factory=list)
    fills: list[FillReport] = field(default_factory=list)
    positions: list[PositionReport | None] = field(default_factory=list)
    funding: list[FundingReport] = field(default_factory=list)
    connections: list[bool] = field(default_factory=list)

    def on_tick(self, tick: Tick) -> None:
        self.ticks.append(tick)

    def on_order(self, report: OrderReport) -> None:
        self.orders.append(report)

    def on_fill(self, fill: FillReport) -> None:
        self.fills.append(fill)

    def on_position(self, venue: Venue, symbol: Symbol, report: PositionReport | None) -> None:
        self.positions.append(report)

    def on_funding(self, payment: FundingReport) -> None:
        self.funding.append(payment)

    def on_connection(self, *, up: bool, detail: str) -> None:
        self.connections.append(up)


class StillFeed:
    """Prices that stand, and points that a test gives."""

    def __init__(
        self, price: str = "1000", points: Sequence[PricePoint] = (), symbols: Sequence[Symbol] = (BTC,)
    ) -> None:
        self.symbols = tuple(symbols)
        self._price = d(price)
        self._points = sorted(points)

    def opening(self, at_ms: int) -> Sequence[PricePoint]:
        return [PricePoint(at_ms, symbol, self._price) for symbol in self.symbols]

    def stream(self, after_ms: int, *, step_ms: int | None = None) -> Any:
        return (point for point in self._points if point.time_ms > after_ms)


class Desk:
    """A paper exchange in virtual time with one client, whose requests are answered by running the time on."""

    def __init__(
        self,
        *,
        faults: FaultScript = NO_FAULTS,
        feed: StillFeed | TradeFeed | None = None,
        profile: Profile = PAPER,
        delay_ms: float = 2,
        time: VirtualTime | None = None,
        **changes: Any,
    ) -> None:
        self.time = VirtualTime(start_ms=T0, seed=1) if time is None else time
        delay = Delay(min_ms=delay_ms, max_ms=delay_ms)
        config = PaperConfig(
            exchange=ExchangeConfig(profile=profile, leverage=10, slippage=Slippage(half_spread_ticks=0)),
            request_delay=delay,
            answer_delay=delay,
            event_delay=delay,
            connect_delay=delay,
        )
        options: dict[str, Any] = {"config": config, "instruments": (an_instrument(), an_instrument(ETH)), **changes}
        self.exchange = PaperExchange(
            feed=StillFeed() if feed is None else feed, scheduler=self.time, clock=self.time, faults=faults, **options
        )
        self.calls = PaperCalls(self.exchange)
        self.streams = PaperStreams(self.exchange)
        self.heard = Heard()
        self.streams.start(self.heard)
        self.streams.watch([BTC])
        self.exchange.start()
        self.time.run_for(0.1)

    def send(self, request: VenueRequest, *, timeout_s: float = 5) -> list[VenueAnswer]:
        """Start a request; the list gets the answer when it comes."""
        answers: list[VenueAnswer] = []
        self.calls.send(request, timeout_s=timeout_s, done=answers.append)
        return answers

    def ask(self, request: VenueRequest, *, timeout_s: float = 5) -> VenueAnswer:
        """The answer to a request."""
        answers = self.send(request, timeout_s=timeout_s)
        for _ in range(100_000):
            if answers:
                return answers[0]
            self.time.run_for(0.001)
        raise AssertionError("never answered")

    def place(self, spec: OrderSpec) -> VenueAnswer:
        return self.ask(PlaceOrder(order=spec))

    def cancel(self, spec: OrderSpec) -> VenueAnswer:
        return self.ask(CancelOrder(order=spec))

    def account(self) -> AccountReport:
        return self.exchange.engine.account(None, taken_ms=0)
