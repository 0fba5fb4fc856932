"""How orders become fills: money booked, positions changed, attached stops created, leftovers removed."""

from adapters.simulator.account import PositionId, SimPosition
from adapters.simulator.margin import MONEY_STEP
from adapters.simulator.orders import SimOrder
from adapters.simulator.state import VenueState, exit_side
from messages.orders import FillKind, FillReport, OrderStatus
from messages.values import (
    ZERO,
    ClientOrderId,
    OrderKind,
    OrderSide,
    Price,
    Quantity,
    Side,
    TriggerSource,
    VenueOrderId,
)


class Execution:
    """Executes orders against the venue's state, at the prices that matching says."""

    def __init__(self, state: VenueState) -> None:
        self._state = state

    def take(self, order: SimOrder) -> None:
        """Execute what may fill of ``order`` now, at the price of whoever takes liquidity.

        A reducing order is cut to its position. A limit order does not pay more than its price.
        """
        quantity = self._fillable(order)
        if quantity <= 0:
            if order.reducing and self._state.position_of(order) is None:
                self.end(order, OrderStatus.EXPIRED, "no position to reduce")
            return
        price = self._state.taking_price(order.symbol, order.side, quantity)
        if order.price is not None:
            price = min(price, order.price) if order.side is OrderSide.BUY else max(price, order.price)
        self._fill(order, quantity, price, maker=False)

    def rest(self, order: SimOrder) -> None:
        """Execute what may fill of a resting limit order, at its own price."""
        quantity = self._fillable(order)
        if order.price is None or quantity <= 0:
            if order.reducing and self._state.position_of(order) is None:
                self.end(order, OrderStatus.EXPIRED, "no position to reduce")
            return
        self._fill(order, quantity, order.price, maker=True)

    def trigger(self, order: SimOrder) -> None:
        """Execute a conditional order whose trigger price was reached."""
        order.triggered = True
        self.take(order)

    def liquidate(self, position: SimPosition, price: Price) -> None:
        """Take the whole position over at ``price``, or where it is bankrupt if that is less bad for the client."""
        limit = self._state.account.bankruptcy_price(position)
        fair = max(price, limit) if position.side is Side.LONG else min(price, limit)
        self._seize(position, position.quantity, fair, FillKind.LIQUIDATION)

    def deleverage(self, position: SimPosition, quantity: Quantity) -> None:
        """Close ``quantity`` of the position at the mark price, against somebody who is being liquidated (ADL)."""
        price = self._state.markets[position.symbol].mark
        self._seize(position, min(quantity, position.quantity), price, FillKind.AUTO_DELEVERAGING)

    def _seize(self, position: SimPosition, quantity: Quantity, price: Price, kind: FillKind) -> None:
        """An order of the venue's own, which carries no id of anybody's."""
        state = self._state
        number = state.next_number()
        order = SimOrder(
            number=number,
            venue_order_id=VenueOrderId(f"{number}"),
            client_order_id=None,
            symbol=position.symbol,
            side=exit_side(position.side),
            kind=OrderKind.MARKET,
            quantity=quantity,
            price=None,
            trigger_price=None,
            trigger_source=TriggerSource.MARK,
            reduce_only=True,
            hedge_side=position.hedge_side,
            created_ms=state.now_ms,
            updated_ms=state.now_ms,
        )
        state.orders.add(order)
        self._fill(order, quantity, price, maker=False, kind=kind)

    def end(self, order: SimOrder, status: OrderStatus, reason: str = "") -> None:
        """An order ends without (further) execution."""
        order.status = status
        order.reject_reason = reason
        order.updated_ms = self._state.now_ms
        self._state.orders.ended(order)
        self._state.order_changed(order)

    def _fillable(self, order: SimOrder) -> Quantity:
        quantity = order.remaining
        if order.reducing:
            position = self._state.position_of(order)
            open_quantity = ZERO if position is None else position.quantity
            quantity = open_quantity if order.quantity is None else min(quantity, open_quantity)
        return quantity if order.allowance is None else min(quantity, order.allowance)

    def _fill(
        self, order: SimOrder, quantity: Quantity, price: Price, *, maker: bool, kind: FillKind = FillKind.TRADE
    ) -> None:
        state = self._state
        instrument = state.instruments[order.symbol]
        rate = instrument.maker_rate if maker else instrument.taker_rate
        commission = (quantity * instrument.contract_size * price * rate).quantize(MONEY_STEP)
        fill = FillReport(
            venue=state.config.venue,
            symbol=order.symbol,
            fill_id=f"{state.next_number()}",
            venue_order_id=order.venue_order_id,
            client_order_id=order.client_order_id,
            side=order.side,
            price=price,
            quantity=quantity,
            commission=commission,
            time_ms=state.now_ms,
            kind=kind,
            maker=maker,
            hedge_side=order.hedge_side,
        )
        state.remember_fill(fill)
        state.changes.fills.append(fill)
        state.events.append(fill)
        order.filled_quantity += quantity
        order.filled_cost += price * quantity
        order.updated_ms = state.now_ms
        if order.allowance is not None:
            order.allowance -= quantity
        opened = self._book(order, fill)
        self._settle_order(order)
        key = (order.symbol, order.hedge_side)
        if key not in state.account.positions:
            self._remove_leftovers(key)
        elif opened:
            self._attach_stop(order, opened)
        state.position_changed(key)

    def _book(self, order: SimOrder, fill: FillReport) -> Quantity:
        """Book the fill; one that flips a position closes it first. Gives how much of it opened."""
        state = self._state
        key: PositionId = (order.symbol, order.hedge_side)
        position = state.account.positions.get(key)
        closes = ZERO
        if position is not None and order.side is exit_side(position.side):
            closes = min(position.quantity, fill.quantity)
        opens = fill.quantity - closes
        commission = fill.commission
        for part in (closes, opens):
            if part:
                state.account.apply_fill(
                    key=key,
                    side=order.side,
                    price=fill.price,
                    quantity=part,
                    commission=commission,
                    now_ms=state.now_ms,
                )
                commission = ZERO
                if part is closes and opens:
                    self._remove_leftovers(key, besides=order)
        return opens

    def _settle_order(self, order: SimOrder) -> None:
        """After a fill: done when nothing is left to fill; a reducing order is cut to what its position allowed."""
        state = self._state
        nothing_to_reduce = order.reducing and state.position_of(order) is None
        if order.quantity is not None and nothing_to_reduce and order.remaining:
            order.quantity = order.filled_quantity
        if nothing_to_reduce if order.quantity is None else not order.remaining:
            order.status = OrderStatus.FILLED
            state.orders.ended(order)
        state.order_changed(order)

    def _remove_leftovers(self, key: PositionId, besides: SimOrder | None = None) -> None:
        """What belongs to a position goes with it; what merely reduces stays where the venue lets it."""
        profile = self._state.config.profile
        survive = profile.quantity_orders_survive
        for order in self._state.reducing_orders(key):
            # Where it has a quantity, the stop that came with the entry stays as well (OKX; okxapi/python-okx #111).
            attached = order.parent is not None and not profile.capabilities.attached_stop_needs_full_fill
            belongs = order.quantity is None or attached
            if order is not besides and (belongs or not survive):
                self.end(order, OrderStatus.CANCELLED, "the position is closed")

    def _attach_stop(self, entry: SimOrder, opened: Quantity) -> None:
        """Create the entry's stop with its first fill; where stops have quantities, let it grow with the next ones."""
        if entry.attached_stop_price is None:
            return
        state = self._state
        profile = state.config.profile
        when_full = profile.capabilities.attached_stop_needs_full_fill
        whole = profile.capabilities.whole_position_stop and not when_full
        if when_full:
            if entry.remaining:
                return
            opened = entry.filled_quantity
        key = (entry.symbol, entry.hedge_side)
        side = OrderSide.SELL if entry.side is OrderSide.BUY else OrderSide.BUY
        for stop in state.reducing_orders(key, side):
            if stop.is_stop and stop.parent == entry.venue_order_id:
                if stop.quantity is not None:
                    stop.quantity += opened
                    stop.updated_ms = state.now_ms
                    state.order_changed(stop)
                return
            if stop.is_stop and whole and stop.quantity is None:
                # A position has one stop of its own: the later entry's takes the place of the earlier one's.
                self.end(stop, OrderStatus.CANCELLED, "replaced by the stop of a later entry")
        number = state.next_number()
        stop = SimOrder(
            number=number,
            venue_order_id=VenueOrderId(f"{number}"),
            client_order_id=self._attached_id(entry),
            symbol=entry.symbol,
            side=side,
            kind=OrderKind.STOP_MARKET,
            quantity=None if whole else opened,
            price=None,
            trigger_price=entry.attached_stop_price,
            trigger_source=entry.trigger_source,
            reduce_only=True,
            hedge_side=entry.hedge_side,
            created_ms=state.now_ms,
            updated_ms=state.now_ms,
            parent=entry.venue_order_id,
        )
        state.orders.add(stop)
        state.order_changed(stop)

    def _attached_id(self, entry: SimOrder) -> ClientOrderId | None:
        return entry.attached_stop_id if self._state.config.profile.capabilities.stop_client_order_id else None
