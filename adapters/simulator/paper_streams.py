"""The paper venue's streams: private events and prices, late, doubled, shuffled or silent as the faults say."""

import threading
from collections.abc import Sequence
from typing import Protocol, assert_never

from adapters.simulator.fault_script import EventType, FaultAction
from adapters.simulator.noise import unit_noise
from adapters.simulator.paper import PaperExchange
from adapters.simulator.state import PositionChanged, VenueEvent
from messages.market import Tick
from messages.orders import FillReport, FundingReport, OrderReport, PositionReport
from messages.values import Symbol, Venue

_SHUFFLE = 0x5EED
"""Keeps the draws of the streams apart from those of the requests."""


class Listener(Protocol):
    """What the streams call; the actors' ``StreamListener``."""

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
        """A position changed."""
        ...

    def on_funding(self, payment: FundingReport) -> None:
        """A funding payment."""
        ...

    def on_connection(self, *, up: bool, detail: str) -> None:
        """The streams were lost or are back."""
        ...


class PaperStreams:
    """The streams of one client of a :class:`PaperExchange`; satisfies the actors' ``VenueStreams``.

    The listener is called on the exchange's scheduler thread. What happens while the connection is down is never told.
    """

    def __init__(self, exchange: PaperExchange) -> None:
        self._exchange = exchange
        self._lock = threading.Lock()
        self._listener: Listener | None = None
        self._watched: frozenset[Symbol] = frozenset()
        self._up = False
        self._connection = 0
        self._published = 0
        self._last_due_ms = 0.0

    def start(self, listener: Listener) -> None:
        """Connect; the listener hears ``on_connection(up=True)`` when it is done."""
        self._listener = listener
        self._exchange.subscribe(self)
        self._connect_in(self._exchange.config.connect_delay.draw_s(self._exchange.config.seed, _SHUFFLE))

    def watch(self, symbols: Sequence[Symbol]) -> None:
        """Hear prices of exactly these symbols, beginning with the present ones of those that are new."""
        with self._lock:
            new = [symbol for symbol in symbols if symbol not in self._watched]
            self._watched = frozenset(symbols)
            connection = self._connection
        if new:
            self._exchange.scheduler.call_later(0.0, lambda: self._tell_present(new, connection))

    def reconnect(self) -> None:
        """Give the connection up and make a new one."""
        self.drop(self._exchange.config.connect_delay.draw_s(self._exchange.config.seed, _SHUFFLE))

    def stop(self) -> None:
        """Disconnect; the listener is called no more."""
        self._exchange.unsubscribe(self)
        with self._lock:
            self._listener = None
            self._up = False
            self._connection += 1

    # --- called by the exchange -------------------------------------------------------------------------------------

    def publish(self, events: Sequence[VenueEvent], *, late_s: float) -> None:
        """Send private events on their way, in order except where a fault says otherwise."""
        if not self._up:
            return
        exchange = self._exchange
        now_ms = exchange.clock.now_ms()
        in_order: list[VenueEvent] = []
        for event in events:
            self._published += 1
            found = exchange.faults.of_event(_TYPES[type(event)], event.symbol, now_ms)
            if FaultAction.EVENT_LOST in found or FaultAction.STREAM_SILENCE in found:
                continue
            again = found.get(FaultAction.EVENT_DUPLICATE)
            if again is not None:
                self._deliver_in(late_s + again.delay_s, [event])
            late = found.get(FaultAction.EVENT_LATE)
            shuffled = found.get(FaultAction.EVENT_REORDER)
            if late is not None:
                self._deliver_in(late_s + late.delay_s, [event])
            elif shuffled is not None:
                drawn = unit_noise(exchange.faults.script.seed, _SHUFFLE, self._published)
                self._deliver_in(late_s + shuffled.delay_s * drawn, [event])
            else:
                in_order.append(event)
        if not in_order:
            return
        delay_s = exchange.config.event_delay.draw_s(exchange.config.seed, _SHUFFLE, self._published)
        if late_s:
            self._deliver_in(delay_s + late_s, in_order)
            return
        # One connection keeps its order: nothing overtakes what was sent before it.
        self._last_due_ms = max(self._last_due_ms, now_ms + delay_s * 1000)
        self._deliver_in((self._last_due_ms - now_ms) / 1000, in_order)

    def tick(self, tick: Tick) -> None:
        """Hand a price over."""
        exchange = self._exchange
        if exchange.faults.concern_ticks:
            found = exchange.faults.of_event(EventType.TICK, tick.symbol, exchange.clock.now_ms())
            late = found.get(FaultAction.EVENT_LATE)
            if late is not None:
                exchange.scheduler.call_later(late.delay_s, lambda: self._hand_tick(tick))
            if found:
                return
        self._hand_tick(tick)

    def wants(self, symbol: Symbol) -> bool:
        """Whether the connection is up and the symbol watched."""
        return self._up and symbol in self._watched

    def drop(self, for_s: float) -> None:
        """Lose the connection, and be back after ``for_s`` seconds."""
        with self._lock:
            listener = self._listener
            was_up, self._up = self._up, False
            self._connection += 1
        if listener is not None:
            if was_up:
                listener.on_connection(up=False, detail="connection lost")
            self._connect_in(for_s)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _connect_in(self, delay_s: float) -> None:
        with self._lock:
            self._connection += 1
            connection = self._connection
        self._exchange.scheduler.call_later(delay_s, lambda: self._connected(connection))

    def _connected(self, connection: int) -> None:
        with self._lock:
            listener = self._listener
            if listener is None or connection != self._connection:
                return
            self._up = True
        listener.on_connection(up=True, detail="connected")
        self._tell_present(sorted(self._watched), connection)

    def _tell_present(self, symbols: Sequence[Symbol], connection: int) -> None:
        if connection != self._connection:
            return
        for symbol in symbols:
            tick = self._exchange.current_tick(symbol)
            if tick is not None and self.wants(symbol):
                self.tick(tick)

    def _hand_tick(self, tick: Tick) -> None:
        listener = self._listener
        if listener is not None and self._up:
            listener.on_tick(tick)

    def _deliver_in(self, delay_s: float, events: Sequence[VenueEvent]) -> None:
        connection = self._connection
        self._exchange.scheduler.call_later(delay_s, lambda: self._deliver(events, connection))

    def _deliver(self, events: Sequence[VenueEvent], connection: int) -> None:
        for event in events:
            listener = self._listener
            if listener is None or not self._up or connection != self._connection:
                return
            self._exchange.boundary("event_delivered")
            match event:
                case OrderReport():
                    listener.on_order(event)
                case FillReport():
                    listener.on_fill(event)
                case FundingReport():
                    listener.on_funding(event)
                case PositionChanged():
                    listener.on_position(self._exchange.config.exchange.venue, event.symbol, event.report)
                case _:
                    assert_never(event)


_TYPES: dict[type, EventType] = {
    OrderReport: EventType.ORDER,
    FillReport: EventType.FILL,
    PositionChanged: EventType.POSITION,
    FundingReport: EventType.FUNDING,
}
