"""The paper exchange: the engine with a market, a network, faults, streams and durable state around it.

It lives beside its clients, not inside them: it goes on while none is connected, and a request that is under way when
its client dies still reaches it. The same code runs in virtual and in real time; both come in as a scheduler and a
clock. All callbacks run on the scheduler's thread, never under the exchange's lock.

What a request or a price changed is durable before anybody hears of it.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from adapters.simulator.engine import Exchange
from adapters.simulator.fault_script import NO_FAULTS, FaultAction, FaultRule, FaultScript
from adapters.simulator.faults import Faults
from adapters.simulator.feed import MarketFeed, PricePoint
from adapters.simulator.funding import FundingSchedule
from adapters.simulator.ledger import Snapshot
from adapters.simulator.paper_clients import Session, Subscriber
from adapters.simulator.paper_config import Clock, PaperConfig, Scheduler
from adapters.simulator.paper_desk import Found, answer_request
from adapters.simulator.paper_faults import schedule_faults
from adapters.simulator.paper_memory import PaperMemory
from adapters.simulator.state import VenueEvent, round_to
from messages.instruments import Capabilities, Instrument
from messages.market import Tick
from messages.values import MarginMode, Price, Symbol, Venue, VenueOrderId
from messages.venue import (
    CancelOrder,
    FetchServerTime,
    OrderRejected,
    PlaceOrder,
    RateUsed,
    RateWindow,
    RejectReason,
    VenueAnswer,
    VenueRequest,
)

_POINTS_A_TURN = 500
_T = TypeVar("_T")


class PaperExchange:
    """One simulated venue with one account."""

    def __init__(
        self,
        *,
        instruments: Iterable[Instrument],
        feed: MarketFeed,
        scheduler: Scheduler,
        clock: Clock,
        config: PaperConfig | None = None,
        path: Path | None = None,
        funding: FundingSchedule | None = None,
        faults: FaultScript = NO_FAULTS,
        on_boundary: Callable[[str], None] | None = None,
    ) -> None:
        """Set up, or continue from the state in ``path`` (``None``: in memory only); :meth:`start` sets it going.

        Raises:
            PaperStateError: when the state file cannot be used.
        """
        self.config = PaperConfig() if config is None else config
        self.scheduler = scheduler
        self.clock = clock
        self.on_boundary = on_boundary
        self._feed = feed
        self._lock = threading.RLock()
        self._subscribers: list[Subscriber] = []
        self._memory = PaperMemory(path, self.config, tuple(instruments), funding, now_ms=clock.now_ms())
        self.engine: Exchange = self._memory.exchange
        self.faults = Faults(faults, start_ms=self._memory.started_ms)
        self._points: Iterator[PricePoint] = iter(())
        self._pending: PricePoint | None = None
        self._skew_ms = 0
        self._running = False
        self.ticks = 0

    # --- life -------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the market: at the feed's present price, or, after a restart, having walked there from the last one."""
        with self._lock:
            if self._running:
                return
            self._running = True
            now_ms = self.clock.now_ms()
            since_ms = self._memory.resumed_ms
            if since_ms is None:
                for point in self._feed.opening(now_ms):
                    self._move(point._replace(time_ms=now_ms))
            else:
                self._catch_up(since_ms, now_ms)
            self._points = self._feed.stream(now_ms)
            self._pending = next(self._points, None)
            events = self._commit()
        self._publish(events)
        self._wait_for_market()
        schedule_faults(
            self.faults.timed,
            self,
            self.scheduler,
            since_s=(now_ms - self._memory.started_ms) / 1000,
            resumed=since_ms is not None,
            running=lambda: self._running,
        )

    def hold_market(self) -> threading.Event:
        """No price moves any more: whoever is stopping sees the end of everything that has begun, and nothing new.

        Returns:
            Set once the streams have told their clients of all that had happened by then.
        """
        with self._lock:
            self._pending = None
        told = threading.Event()

        def all_sent() -> None:
            longest = self.config.event_delay
            self.scheduler.call_later(max(longest.min_ms, longest.max_ms) / 1000, told.set)

        # Not before what runs now has sent its events on their way.
        self.scheduler.call_later(0.0, all_sent)
        return told

    def stop(self) -> None:
        """Close the market and the state file; what is under way is not executed any more."""
        with self._lock:
            self._running = False
            self._memory.close(self.clock.now_ms())

    @property
    def venue(self) -> Venue:
        """Whose account it is."""
        return self.config.exchange.venue

    @property
    def capabilities(self) -> Capabilities:
        """What its profile offers to clients."""
        return self.config.exchange.profile.capabilities

    @property
    def windows(self) -> Sequence[RateWindow]:
        """None: the paper venue has no limits of its own; faults may say that one is reached."""
        return ()

    def cost(self, request: VenueRequest) -> Mapping[str, int]:
        """Nothing."""
        _ = request
        return {}

    def used(self) -> Mapping[str, RateUsed]:
        """Nothing is said of limits."""
        return {}

    @property
    def finished(self) -> bool:
        """Whether a recorded feed has come to its end."""
        return self._running and self._pending is None

    def ledger_snapshot(self) -> Snapshot:
        """The venue's book on its clients, as of now."""
        with self._lock:
            return self.engine.ledger.snapshot(self.clock.now_ms())

    # --- clients ----------------------------------------------------------------------------------------------------

    def subscribe(self, subscriber: Subscriber) -> None:
        """Let a client's streams hear what happens."""
        with self._lock:
            self._subscribers = [*self._subscribers, subscriber]

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """No longer; harmless when it never did."""
        with self._lock:
            self._subscribers = [each for each in self._subscribers if each is not subscriber]

    def carry(self, request: VenueRequest, session: Session, answered: Callable[[VenueAnswer], None]) -> None:
        """Carry a request over the simulated network; ``answered`` is called when, and if, the answer arrives."""
        sent_ms = self.clock.now_ms()
        with self._lock:
            number = self._memory.next_request()
            found = self.faults.of_request(request, sent_ms)
        if FaultAction.LOST_REQUEST in found:
            return
        delay_s = self.config.request_delay.draw_s(self.config.seed, number, 1)
        late = found.get(FaultAction.LATE_EXECUTION)
        if late is not None:
            delay_s += late.delay_s
        offset_ms = session.clock_offset_ms

        def arrive() -> None:
            self._arrive(request, found, session, answered, number=number, sent_ms=sent_ms, offset_ms=offset_ms)

        def arrive_again() -> None:
            # What the venue refuses is refused each time: a certain refusal stays certain.
            refused: Found = {action: rule for action, rule in found.items() if action is FaultAction.REJECT}
            self._arrive(request, refused, session, _ignore, number=number, sent_ms=sent_ms, offset_ms=offset_ms)

        self.scheduler.call_later(delay_s, arrive)
        twice = found.get(FaultAction.DUPLICATE_REQUEST)
        if twice is not None:
            self.scheduler.call_later(delay_s + twice.delay_s, arrive_again)

    def boundary(self, name: str) -> None:
        """Tell a crash harness where we are; it may raise, to end the client's process here."""
        if self.on_boundary is not None:
            self.on_boundary(name)

    def current_tick(self, symbol: Symbol) -> Tick | None:
        """The latest price of ``symbol``; ``None`` before its first."""
        with self._lock:
            market = self.engine.state.markets.get(symbol)
            return None if market is None or not market.last else self._tick(symbol)

    @property
    def venue_ms(self) -> int:
        """What the venue takes the time to be, UTC in milliseconds."""
        return self.clock.now_ms() + self._skew_ms

    def look(self, read: Callable[[Exchange], _T]) -> _T:
        """What ``read`` finds in the exchange, between two changes: for what no request tells (a wire's details)."""
        with self._lock:
            return read(self.engine)

    # --- hands: what people and markets do past the client ----------------------------------------------------------

    def by_hand(self, request: VenueRequest) -> VenueAnswer:
        """Execute a request at once, as somebody else's client would: no network, no faults; the streams hear of it."""
        now_ms = self.clock.now_ms()
        with self._lock:
            self.engine.hands = True
            answer = answer_request(self.engine, request, {}, now_ms=now_ms, sent_ms=now_ms, venue_ms=now_ms)
            self.engine.hands = False
            events = self._commit()
        self._publish(events)
        return answer

    def deleverage(self, symbol: Symbol, part: Decimal = Decimal(1)) -> None:
        """The venue closes ``part`` of a one-way position by itself (ADL), at the mark price."""
        with self._lock:
            self.engine.deleverage(symbol, part, self.clock.now_ms())
            events = self._commit()
        self._publish(events)

    def switch_margin_mode(self, mode: MarginMode) -> None:
        """Somebody switches the account to another margin mode, with open positions where there are any."""
        with self._lock:
            self.engine.switch_margin_mode(mode, self.clock.now_ms())
            events = self._commit()
        self._publish(events)

    def gap(self, symbol: Symbol, percent: Decimal) -> None:
        """Let the price jump, and stay away from the feed's by as much from now on."""
        with self._lock:
            self.engine.state.changes.settings = True
            self._memory.factors[symbol] = self._memory.factor(symbol) * (1 + percent / 100)
            last = round_to(self.engine.state.markets[symbol].last * (1 + percent / 100), self._tick_size(symbol))
            self._move_to(symbol, last, self.clock.now_ms(), mark=None, gap=True)
            events = self._commit()
        self._publish(events)
        self._tell_price(symbol)

    def offset_mark(self, symbol: Symbol, percent: Decimal) -> None:
        """Keep the mark price ``percent`` away from the last price, from now on; 0 ends it."""
        with self._lock:
            self.engine.state.changes.settings = True
            self._memory.mark_offsets[symbol] = percent
            self._move_to(symbol, self.engine.state.markets[symbol].last, self.clock.now_ms(), mark=None, gap=True)
            events = self._commit()
        self._publish(events)
        self._tell_price(symbol)

    def suspend(self, symbol: Symbol, *, trading: bool = False) -> None:
        """Suspend (or resume) trading of a symbol; its working orders stay."""
        with self._lock:
            self.engine.set_instrument(replace(self.engine.state.instruments[symbol], trading=trading))

    def skew_clock(self, offset_ms: int) -> None:
        """Let the venue's clock be ``offset_ms`` ahead of the real one."""
        self._skew_ms = offset_ms

    def drop_streams(self, for_s: float) -> None:
        """Break every stream; each is back after ``for_s`` seconds."""
        for subscriber in self._subscribers:
            subscriber.drop(for_s)

    # --- inside: requests -------------------------------------------------------------------------------------------

    def _arrive(
        self,
        request: VenueRequest,
        found: Found,
        session: Session,
        answered: Callable[[VenueAnswer], None],
        *,
        number: int,
        sent_ms: int,
        offset_ms: int,
    ) -> None:
        if not self._running:
            return
        # The boundary may raise to end the client's process; the exchange is another one, and goes on.
        try:
            self.boundary("request_arrived")
        finally:
            answer = self._serve(request, found, session, sent_ms=sent_ms, offset_ms=offset_ms)
            self._send_back(answer, found, answered, number=number)
            self.boundary("request_executed")

    def _serve(
        self, request: VenueRequest, found: Found, session: Session, *, sent_ms: int, offset_ms: int
    ) -> VenueAnswer:
        now_ms = self.clock.now_ms()
        late_events: list[VenueEvent] = []
        overtaken = found.get(FaultAction.FILL_AFTER_CANCEL)
        with self._lock:
            if isinstance(request, FetchServerTime):
                session.clock_offset_ms = self._skew_ms
            elif abs(self._skew_ms - offset_ms) > self.config.receive_window_ms:
                return OrderRejected(reason=RejectReason.CLOCK, text="timestamp outside of the receive window")
            if overtaken is not None and isinstance(request, CancelOrder):
                quantity = overtaken.quantities[0] if overtaken.quantities else None
                self.engine.fill_working(request.order, quantity, now_ms)
                late_events = self._commit()
            answer = answer_request(
                self.engine, request, found, now_ms=now_ms, sent_ms=sent_ms, venue_ms=now_ms + self._skew_ms
            )
            events = self._commit()
        self._publish(events)
        if overtaken is not None:
            self._publish(late_events, late_s=overtaken.delay_s)
        partial = found.get(FaultAction.PARTIAL_FILL)
        if partial is not None and isinstance(request, PlaceOrder) and not isinstance(answer, OrderRejected):
            # By the order, not by the answer: a maintenance may have executed it and still not say so.
            placed = self.engine.state.orders.by_client_id(request.order.client_order_id)
            if placed is not None:
                self._fill_piecewise(placed.venue_order_id, partial, 1)
        return answer

    def _send_back(
        self, answer: VenueAnswer, found: Found, answered: Callable[[VenueAnswer], None], *, number: int
    ) -> None:
        if FaultAction.LOST_ANSWER in found:
            return
        delay_s = self.config.answer_delay.draw_s(self.config.seed, number, 2)
        late = found.get(FaultAction.LATE_ANSWER)
        if late is not None:
            delay_s += late.delay_s
        self.scheduler.call_later(delay_s, lambda: answered(answer))

    def _fill_piecewise(self, venue_order_id: VenueOrderId, rule: FaultRule, piece: int) -> None:
        if piece > len(rule.quantities) or (piece == len(rule.quantities) and not rule.fill_rest):
            return

        def fill() -> None:
            if not self._running:
                return
            quantity = rule.quantities[piece] if piece < len(rule.quantities) else None
            with self._lock:
                self.engine.allow(venue_order_id, quantity, self.clock.now_ms())
                events = self._commit()
            self._publish(events)
            self._fill_piecewise(venue_order_id, rule, piece + 1)

        self.scheduler.call_later(rule.every_s, fill)

    def _commit(self) -> list[VenueEvent]:
        """Make durable what happened; gives what may be told now."""
        self._memory.save()
        return self.engine.take_events()

    def _publish(self, events: Sequence[VenueEvent], *, late_s: float = 0.0) -> None:
        if events:
            for subscriber in self._subscribers:
                subscriber.publish(events, late_s=late_s)

    # --- inside: the market -----------------------------------------------------------------------------------------

    def _wait_for_market(self) -> None:
        pending = self._pending
        if pending is not None:
            self.scheduler.call_later((pending.time_ms - self.clock.now_ms()) / 1000, self._market_due)

    def _market_due(self) -> None:
        """Take every point that is due; a limited number a turn, so that requests are served in between."""
        pending = self._pending
        if not self._running or pending is None:
            return
        due_ms = max(pending.time_ms, self.clock.now_ms())
        for _ in range(_POINTS_A_TURN):
            if pending is None or pending.time_ms > due_ms:
                break
            with self._lock:
                if self._pending is None:
                    return  # held meanwhile
                self._move(pending)
                events = self._commit() if self.engine.state.events else ()
            self._publish(events)
            self._tell_price(pending.symbol)
            pending = next(self._points, None)
        with self._lock:
            if self._pending is not None:
                self._pending = pending
        self._wait_for_market()

    def _catch_up(self, since_ms: int, now_ms: int) -> None:
        step_ms = max(1, (now_ms - since_ms) // self.config.catch_up_points)
        for point in self._feed.stream(since_ms, step_ms=step_ms):
            if point.time_ms > now_ms:
                break
            self._move(point)
        for point in self._feed.opening(now_ms):
            self._move(point._replace(time_ms=now_ms, gap=False))

    def _move(self, point: PricePoint) -> None:
        last = point.last
        factor = self._memory.factors.get(point.symbol)
        if factor is not None:
            last = round_to(last * factor, self._tick_size(point.symbol))
        self._move_to(point.symbol, last, point.time_ms, mark=point.mark, gap=point.gap)

    def _move_to(self, symbol: Symbol, last: Price, at_ms: int, *, mark: Price | None, gap: bool) -> None:
        offset = self._memory.mark_offsets.get(symbol)
        if offset:
            mark = round_to(last * (1 + offset / 100), self._tick_size(symbol))
        self.engine.move(symbol, last, max(at_ms, self.engine.state.now_ms), mark=mark, gap=gap)
        self.ticks += 1

    def _tell_price(self, symbol: Symbol) -> None:
        tick: Tick | None = None
        for subscriber in self._subscribers:
            if subscriber.wants(symbol):
                tick = self._tick(symbol) if tick is None else tick
                subscriber.tick(tick)

    def _tick(self, symbol: Symbol) -> Tick:
        market = self.engine.state.markets[symbol]
        exchange = self.config.exchange
        half_spread = market.tick * exchange.slippage.half_spread_ticks
        last = market.last
        return Tick(
            venue=exchange.venue,
            symbol=symbol,
            last=last,
            mark=market.mark,
            high=last,
            low=last,
            time_ms=market.time_ms,
            bid=last - half_spread,
            ask=last + half_spread,
        )

    def _tick_size(self, symbol: Symbol) -> Price:
        return self.engine.state.markets[symbol].tick


def _ignore(answer: VenueAnswer) -> None:
    """The answer to a request that nobody sent."""
    _ = answer
