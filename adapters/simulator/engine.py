"""The exchange itself: deterministic, synchronous, told the time; no threads, no transport, no faults.

Every method that changes something leaves what happened in :meth:`Exchange.take_events` and what must be made durable
in :meth:`Exchange.take_changes`. One caller at a time; the transport in front of it has the lock.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from adapters.simulator.account import LeverageSetting
from adapters.simulator.execution import Execution
from adapters.simulator.funding import FundingSchedule, NoFunding
from adapters.simulator.ledger import Ledger, counting_stops, missing_cover
from adapters.simulator.margin import MONEY_STEP
from adapters.simulator.matching import Matching
from adapters.simulator.orders import SimOrder
from adapters.simulator.state import Changes, ExchangeConfig, VenueEvent, VenueState
from adapters.simulator.validation import order_margin, refusal_of_new, refused_size, refused_trigger
from messages.instruments import Instrument
from messages.orders import BalanceReport, FundingReport, OrderSpec, OrderStatus
from messages.values import (
    ZERO,
    ClientOrderId,
    MarginMode,
    OrderKind,
    Price,
    Quantity,
    Side,
    Symbol,
    VenueOrderId,
)
from messages.venue import (
    AccountReport,
    FillsReport,
    InstrumentsReport,
    LeverageSet,
    OrderAccepted,
    OrderRejected,
    RejectReason,
    SetLeverage,
)


class Exchange:
    """One account at one venue, and the markets it trades on."""

    def __init__(
        self,
        *,
        config: ExchangeConfig,
        instruments: Iterable[Instrument],
        now_ms: int,
        funding: FundingSchedule | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self.state = VenueState(config=config, instruments=instruments, now_ms=now_ms)
        self.ledger = Ledger() if ledger is None else ledger
        self.hands = False  # whether what comes now is somebody else's, for which the client is not to blame
        self._execution = Execution(self.state)
        self._matching = Matching(self.state, self._execution)
        self._funding: FundingSchedule = NoFunding() if funding is None else funding
        self._next_funding_ms = self._funding.next_after(now_ms)

    # --- time and prices --------------------------------------------------------------------------------------------

    def move(self, symbol: Symbol, last: Price, now_ms: int, *, mark: Price | None = None, gap: bool = False) -> None:
        """The price of ``symbol`` goes to ``last`` (``mark`` when apart); ``gap``: not passing what lies between."""
        state = self.state
        if now_ms >= self._next_funding_ms:
            self.advance(now_ms)
        state.now_ms = now_ms
        market = state.markets[symbol]
        market.time_ms = now_ms
        self._matching.move(market, last, last if mark is None else mark, gap=gap)
        if state.touched:
            self._settle()

    def advance(self, now_ms: int) -> None:
        """Time passes: funding that fell due is paid."""
        state = self.state
        while now_ms >= self._next_funding_ms:
            due_ms = self._next_funding_ms
            state.now_ms = max(state.now_ms, due_ms)
            for position in sorted(state.account.positions.values(), key=lambda each: (each.symbol, str(each.side))):
                rate = self._funding.rate(position.symbol, due_ms)
                if not rate:
                    continue
                payment = FundingReport(
                    venue=state.config.venue,
                    symbol=position.symbol,
                    funding_id=f"{state.next_number()}",
                    amount=state.account.pay_funding(position, rate),
                    time_ms=due_ms,
                    hedge_side=position.hedge_side,
                )
                state.remember_funding(payment)
                state.changes.funding.append(payment)
                state.events.append(payment)
                state.position_changed(position.key)
            self._next_funding_ms = self._funding.next_after(due_ms)
            self._settle()
        state.now_ms = max(state.now_ms, now_ms)

    # --- orders -----------------------------------------------------------------------------------------------------

    def place(
        self, spec: OrderSpec, now_ms: int, *, allowance: Quantity | None = None
    ) -> OrderAccepted | OrderRejected:
        """Take an order. ``allowance`` limits what may fill before :meth:`allow` gives more (a partial fill)."""
        self.advance(now_ms)
        state = self.state
        order = self._new_order(spec)
        refusal = refusal_of_new(state, spec, order)
        if refusal is not None:
            return refusal
        if state.orders.by_client_id(spec.client_order_id) is not None:
            self.ledger.accepted_twice()
        order.allowance = allowance
        order.number = state.next_number()
        order.venue_order_id = VenueOrderId(f"{order.number}")
        state.orders.add(order)
        state.order_changed(order)
        market = state.markets[spec.symbol]
        if spec.kind is OrderKind.MARKET or (spec.kind is OrderKind.LIMIT and order.reached_by(market.last)):
            self._execution.take(order)
        self._settle()
        return OrderAccepted(report=order.report(state.config.venue))

    def allow(self, venue_order_id: VenueOrderId, quantity: Quantity | None, now_ms: int) -> None:
        """Let ``quantity`` more of an order fill, or all of it; at once where its price allows."""
        self.advance(now_ms)
        order = self.state.orders.by_id(venue_order_id)
        if order is None or not order.working:
            return
        order.allowance = None if quantity is None else (order.allowance or ZERO) + quantity
        market = self.state.markets[order.symbol]
        market.stale = True
        if order.kind is OrderKind.MARKET or order.triggered:
            self._execution.take(order)
        elif order.kind is OrderKind.LIMIT and order.reached_by(market.last):
            self._execution.rest(order)
        self._settle()

    def fill_working(self, spec: OrderSpec, quantity: Quantity | None, now_ms: int) -> None:
        """Execute a working order in part or whole, wherever the price is: the market was faster than its cancel."""
        self.advance(now_ms)
        order = self.state.orders.find(spec)
        if order is None or not order.working:
            return
        kept = order.allowance
        order.allowance = quantity
        if order.conditional:
            self._execution.trigger(order)
        elif order.kind is OrderKind.LIMIT:
            self._execution.rest(order)
        else:
            self._execution.take(order)
        order.allowance = kept
        self._settle()

    def deleverage(self, symbol: Symbol, part: Decimal, now_ms: int) -> None:
        """Close ``part`` (1 is all) of a one-way position against somebody who is being liquidated."""
        self.advance(now_ms)
        position = self.state.account.positions.get((symbol, None))
        if position is not None:
            step = self.state.instruments[symbol].quantity_step
            self._execution.deleverage(position, max(position.quantity * part // step * step, step))
            self._settle()

    def amend(self, spec: OrderSpec, now_ms: int) -> OrderAccepted | OrderRejected:
        """Give a working order a new trigger price or limit price, and a new quantity where it has one."""
        self.advance(now_ms)
        state = self.state
        order = self._find(spec)
        if order is None or not order.working:
            return _not_found(spec)
        if order.conditional and not state.config.profile.capabilities.amend_stop:
            return OrderRejected(reason=RejectReason.OTHER, text="conditional orders cannot be amended here")
        changed = self._new_order(spec)
        changed.kind, changed.side, changed.hedge_side = order.kind, order.side, order.hedge_side
        changed.reduce_only, changed.trigger_source = order.reduce_only, order.trigger_source
        changed.filled_quantity = order.filled_quantity
        if order.quantity is None:
            changed.quantity = None
        elif changed.quantity is None:
            changed.quantity = order.quantity
        refusal = refused_size(state, state.instruments[order.symbol], changed) or refused_trigger(state, changed)
        if refusal is not None:
            return refusal
        if changed.quantity is not None and changed.quantity <= order.filled_quantity:
            return OrderRejected(reason=RejectReason.SIZE, text=f"{order.filled_quantity} is filled already")
        order.quantity = changed.quantity
        order.trigger_price = changed.trigger_price if order.conditional else None
        if order.kind is OrderKind.LIMIT:
            order.price = changed.price or order.price
        order.updated_ms = now_ms
        state.order_changed(order)
        if order.kind is OrderKind.LIMIT and order.reached_by(state.markets[order.symbol].last):
            self._execution.take(order)
        self._settle()
        return OrderAccepted(report=order.report(state.config.venue))

    def cancel(self, spec: OrderSpec, now_ms: int) -> OrderAccepted | OrderRejected:
        """Cancel a working order; the answer shows it as it ended. One that ended before is not found."""
        self.advance(now_ms)
        order = self._find(spec)
        if order is None or not order.working:
            return _not_found(spec)
        position = self.state.position_of(order) if order.is_stop else None
        missing = ZERO if position is None else missing_cover(self.state, position)
        self._execution.end(order, OrderStatus.CANCELLED)
        bares = position is not None and missing_cover(self.state, position) > missing
        if bares and not self.hands and self._moves_otherwise(order) and not self._was_replaced(order):
            self.ledger.wrong_cancel()
        self._settle()
        return OrderAccepted(report=order.report(self.state.config.venue))

    def _moves_otherwise(self, order: SimOrder) -> bool:
        """Whether a stop can be moved without being cancelled first."""
        can = self.state.config.profile.capabilities
        is_single = can.sizeless_stop and order.quantity is None
        return can.amend_stop or (can.two_stops and not is_single)

    def _was_replaced(self, order: SimOrder) -> bool:
        """Whether a later stop protects the position: what filled while the cancel was under way nobody could know."""
        position = self.state.position_of(order)
        return position is not None and any(stop.number > order.number for stop in counting_stops(self.state, position))

    def set_leverage(self, request: SetLeverage, now_ms: int) -> LeverageSet | OrderRejected:
        """Set leverage and margin mode of a symbol; an open position is secured anew at the new leverage."""
        self.advance(now_ms)
        state = self.state
        key = (request.symbol, request.hedge_side)
        if request.symbol not in state.instruments:
            return OrderRejected(reason=RejectReason.NOT_TRADING, text=f"{request.symbol} is not traded")
        if not 1 <= request.leverage <= MAX_LEVERAGE:
            return OrderRejected(reason=RejectReason.OTHER, text=f"leverage is 1 to {MAX_LEVERAGE}")
        position = state.account.positions.get(key)
        if position is not None:
            if position.margin_mode is not request.margin_mode:
                return OrderRejected(reason=RejectReason.OTHER, text="margin mode: a position is open")
            needed = (state.account.size(position) * position.entry_price / request.leverage).quantize(MONEY_STEP)
            if position.leverage != request.leverage:
                if needed - position.margin > state.account.available():
                    return OrderRejected(reason=RejectReason.INSUFFICIENT_MARGIN, text=f"needs {needed:.2f}")
                position.margin, position.leverage = needed, request.leverage
                position.updated_ms = now_ms
                state.position_changed(key)
        state.account.settings[key] = LeverageSetting(leverage=request.leverage, margin_mode=request.margin_mode)
        state.changes.settings = True
        self._settle()
        return LeverageSet(symbol=request.symbol, leverage=request.leverage, margin_mode=request.margin_mode)

    def switch_margin_mode(self, mode: MarginMode, now_ms: int) -> None:
        """Another margin mode for the whole account, open positions included, whether or not requests may do that.

        Where a venue refuses it, the same is seen when a position is closed and opened anew while nobody looked.
        """
        self.advance(now_ms)
        account = self.state.account
        for position in account.positions.values():
            position.margin_mode = mode
            position.margin = (account.size(position) * position.entry_price / position.leverage).quantize(MONEY_STEP)
            position.updated_ms = now_ms
            self.state.position_changed(position.key)
        sides = (Side.LONG, Side.SHORT) if self.state.config.hedge else (None,)
        for key in [(symbol, side) for symbol in self.state.instruments for side in sides]:
            account.settings[key] = replace(account.setting(key), margin_mode=mode)
        self.state.changes.settings = True
        self._settle()

    def set_instrument(self, instrument: Instrument) -> None:
        """Change an instrument's rules: a new tick, a suspension. Working orders stay as they are."""
        self.state.instruments[instrument.symbol] = instrument
        self.state.markets[instrument.symbol].tick = instrument.price_tick
        self.state.markets[instrument.symbol].stale = True

    # --- reading ----------------------------------------------------------------------------------------------------

    def query(self, symbol: Symbol, client_order_id: ClientOrderId) -> OrderAccepted | OrderRejected:
        """The latest order under a client order id, working or ended."""
        order = self.state.orders.by_client_id(client_order_id)
        if order is None or order.symbol != symbol:
            return OrderRejected(reason=RejectReason.NOT_FOUND, text=f"no order {client_order_id}")
        return OrderAccepted(report=order.report(self.state.config.venue))

    def account(self, symbol: Symbol | None, *, taken_ms: int) -> AccountReport:
        """Positions, working orders and money."""
        state = self.state
        venue = state.config.venue
        orders = state.orders.all_working() if symbol is None else state.orders.working(symbol)
        return AccountReport(
            venue=venue,
            symbol=symbol,
            positions=tuple(
                state.account.report(position, venue)
                for position in state.account.positions.values()
                if symbol is None or position.symbol == symbol
            ),
            orders=tuple(order.report(venue) for order in sorted(orders, key=lambda each: each.number)),
            balance=self.balance(),
            taken_ms=taken_ms,
        )

    def balance(self) -> BalanceReport:
        """The account's money; ``available`` is net of what working orders hold back."""
        account = self.state.account
        held = sum((order_margin(self.state, each) for each in self.state.orders.all_working()), ZERO)
        return BalanceReport(
            venue=self.state.config.venue,
            equity=account.equity(),
            available=max(ZERO, account.available() - held),
            wallet=account.wallet,
        )

    def fills(self, symbol: Symbol, since_ms: int) -> FillsReport:
        """Fills and funding of ``symbol`` since then, oldest first."""
        fills = self.state.fills.get(symbol, [])
        funding = self.state.funding.get(symbol, [])
        return FillsReport(
            venue=self.state.config.venue,
            symbol=symbol,
            since_ms=since_ms,
            fills=tuple(fills[bisect_left(fills, since_ms, key=lambda each: each.time_ms) :]),
            funding=tuple(funding[bisect_left(funding, since_ms, key=lambda each: each.time_ms) :]),
        )

    def instruments(self) -> InstrumentsReport:
        """The trading rules of everything that is listed."""
        return InstrumentsReport(venue=self.state.config.venue, instruments=tuple(self.state.instruments.values()))

    def take_events(self) -> list[VenueEvent]:
        """What happened since the last call, in order."""
        events, self.state.events = self.state.events, []
        return events

    def take_changes(self) -> Changes:
        """What must be made durable since the last call."""
        changes, self.state.changes = self.state.changes, Changes()
        return changes

    # --- inside -----------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """After a change: what the present prices reach executes, then the ledger judges what was touched."""
        state = self.state
        for symbol in sorted({key[0] for key in state.touched}):
            self._matching.settle(state.markets[symbol])
        touched, state.touched = state.touched, set()
        for key in sorted(touched, key=str):
            self.ledger.observe(state, key)

    def _find(self, spec: OrderSpec) -> SimOrder | None:
        found = self.state.orders.find(spec)
        whole_stop = spec.quantity is None and spec.kind is OrderKind.STOP_MARKET
        if found is None and whole_stop and not self.state.config.profile.capabilities.stop_client_order_id:
            # Where a stop belongs to the position, the position identifies it.
            for order in self.state.reducing_orders((spec.symbol, spec.hedge_side), spec.side):
                if order.is_stop and order.quantity is None:
                    return order
        return found

    def _new_order(self, spec: OrderSpec) -> SimOrder:
        ids = self.state.config.profile.capabilities.stop_client_order_id
        position_stop = spec.kind is OrderKind.STOP_MARKET and spec.quantity is None
        anonymous = not spec.client_order_id or (position_stop and not ids)
        return SimOrder(
            number=0,
            venue_order_id=VenueOrderId(""),
            client_order_id=None if anonymous else spec.client_order_id,
            symbol=spec.symbol,
            side=spec.side,
            kind=spec.kind,
            quantity=spec.quantity,
            price=spec.price,
            trigger_price=spec.trigger_price,
            trigger_source=spec.trigger_source,
            reduce_only=spec.reduce_only or spec.quantity is None,
            hedge_side=spec.hedge_side,
            created_ms=self.state.now_ms,
            updated_ms=self.state.now_ms,
            attached_stop_price=spec.attached_stop_price,
            attached_stop_id=spec.attached_stop_id,
        )


MAX_LEVERAGE = 125


def _not_found(spec: OrderSpec) -> OrderRejected:
    return OrderRejected(reason=RejectReason.NOT_FOUND, text=f"no working order {spec.client_order_id}")


def money_is_conserved(exchange: Exchange) -> bool:
    """The law of the account: the wallet is the start, plus what was realised, minus commission, plus funding."""
    account = exchange.state.account
    expected: Decimal = account.start + account.realized - account.commission + account.funding
    return account.wallet == expected
