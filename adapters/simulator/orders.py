"""The venue's own record of each order, and where it finds them again."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from messages.orders import OrderReport, OrderSpec, OrderStatus
from messages.values import (
    ZERO,
    ClientOrderId,
    OrderKind,
    OrderSide,
    Price,
    Quantity,
    Side,
    Symbol,
    TriggerSource,
    Venue,
    VenueOrderId,
)

CONDITIONAL = frozenset({OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET})


@dataclass(slots=True, kw_only=True)
class SimOrder:
    """An order as the venue keeps it; it changes in place, and reports of it are taken as it changes.

    Attributes:
        number: The venue's sequence number: earlier orders execute first at one price.
        filled_cost: Sum of price times quantity over its fills, for the average price.
        parent: The entry that an attached stop belongs to.
        allowance: How much may fill for now: less than the quantity while a scripted partial fill is under way.
    """

    number: int
    venue_order_id: VenueOrderId
    client_order_id: ClientOrderId | None
    symbol: Symbol
    side: OrderSide
    kind: OrderKind
    quantity: Quantity | None
    price: Price | None
    trigger_price: Price | None
    trigger_source: TriggerSource
    reduce_only: bool
    hedge_side: Side | None
    created_ms: int
    updated_ms: int
    status: OrderStatus = OrderStatus.WORKING
    filled_quantity: Quantity = ZERO
    filled_cost: Decimal = ZERO
    reject_reason: str = ""
    attached_stop_price: Price | None = None
    attached_stop_id: ClientOrderId | None = None
    parent: VenueOrderId | None = None
    allowance: Quantity | None = None
    triggered: bool = False

    @property
    def conditional(self) -> bool:
        """Whether it waits for a trigger price."""
        return self.kind in CONDITIONAL

    @property
    def reducing(self) -> bool:
        """Whether it can only make a position smaller."""
        if self.hedge_side is not None:
            return (self.side is OrderSide.SELL) == (self.hedge_side is Side.LONG)
        return self.reduce_only or self.quantity is None

    @property
    def is_stop(self) -> bool:
        """Whether it is a protective stop: a stop order that only reduces."""
        return self.kind is OrderKind.STOP_MARKET and self.reducing

    @property
    def working(self) -> bool:
        """Whether it can still execute."""
        return self.status is OrderStatus.WORKING

    @property
    def remaining(self) -> Quantity:
        """What is left to fill; zero for a whole-position order, whose size is the position's."""
        return ZERO if self.quantity is None else self.quantity - self.filled_quantity

    @property
    def level(self) -> Price | None:
        """The price that makes it execute; ``None`` for a market order, or one whose trigger was reached."""
        if self.triggered:
            return None
        return self.trigger_price if self.conditional else self.price

    @property
    def rises(self) -> bool:
        """Whether its level is reached from below; otherwise from above."""
        buys = self.side is OrderSide.BUY
        return buys if self.kind is OrderKind.STOP_MARKET else not buys

    def reached_by(self, price: Price) -> bool:
        """Whether ``price`` is at or past the level."""
        level = self.level
        return level is not None and (price >= level if self.rises else price <= level)

    def report(self, venue: Venue) -> OrderReport:
        """The order as it is shown now."""
        return OrderReport(
            venue=venue,
            symbol=self.symbol,
            venue_order_id=self.venue_order_id,
            client_order_id=self.client_order_id,
            side=self.side,
            kind=self.kind,
            status=self.status,
            quantity=self.quantity,
            filled_quantity=self.filled_quantity,
            price=self.price,
            trigger_price=self.trigger_price,
            trigger_source=self.trigger_source,
            average_price=self.filled_cost / self.filled_quantity if self.filled_quantity else None,
            reduce_only=self.reduce_only,
            hedge_side=self.hedge_side,
            created_ms=self.created_ms,
            updated_ms=self.updated_ms,
            reject_reason=self.reject_reason,
        )


class OrderShelf:
    """All orders of the account: the working ones by symbol, and every one by its ids, up to a limit of ended ones."""

    def __init__(self, *, history_limit: int) -> None:
        self._by_id: dict[VenueOrderId, SimOrder] = {}
        self._by_client_id: dict[ClientOrderId, SimOrder] = {}
        self._working: dict[Symbol, dict[VenueOrderId, SimOrder]] = {}
        self._history_limit = history_limit

    def add(self, order: SimOrder) -> None:
        """Take a new order in, or one restored from durable state; in the order of their numbers."""
        self._by_id[order.venue_order_id] = order
        if order.client_order_id is not None:
            self._by_client_id[order.client_order_id] = order
        if order.working:
            self._working.setdefault(order.symbol, {})[order.venue_order_id] = order
        elif len(self._by_id) > self._history_limit:
            self._forget_oldest()

    def ended(self, order: SimOrder) -> None:
        """Note that ``order`` works no more."""
        self._working.get(order.symbol, {}).pop(order.venue_order_id, None)
        if len(self._by_id) > self._history_limit:
            self._forget_oldest()

    def working(self, symbol: Symbol) -> tuple[SimOrder, ...]:
        """The working orders of ``symbol``, oldest first."""
        return tuple(self._working.get(symbol, {}).values())

    def all_working(self) -> Iterator[SimOrder]:
        """The working orders of all symbols."""
        for orders in self._working.values():
            yield from orders.values()

    def known(self, symbol: Symbol) -> tuple[SimOrder, ...]:
        """Every order of ``symbol`` that is remembered, working or ended, oldest first."""
        return tuple(order for order in self._by_id.values() if order.symbol == symbol)

    def all_known(self) -> tuple[SimOrder, ...]:
        """Every order that is remembered, ended ones too, oldest first."""
        return tuple(self._by_id.values())

    def by_client_id(self, client_order_id: ClientOrderId) -> SimOrder | None:
        """The latest order under this client order id."""
        return self._by_client_id.get(client_order_id)

    def by_id(self, venue_order_id: VenueOrderId) -> SimOrder | None:
        """The order with the venue's own id."""
        return self._by_id.get(venue_order_id)

    def find(self, spec: OrderSpec) -> SimOrder | None:
        """The order that ``spec`` identifies: by the venue's id when it is given, else by the client's."""
        if spec.venue_order_id is not None:
            found = self._by_id.get(spec.venue_order_id)
            if found is not None:
                return found if found.symbol == spec.symbol else None
        found = self._by_client_id.get(spec.client_order_id)
        return found if found is not None and found.symbol == spec.symbol else None

    def _forget_oldest(self) -> None:
        for order in self._by_id.values():
            if not order.working:
                oldest = order
                break
        else:
            return
        del self._by_id[oldest.venue_order_id]
        client_id = oldest.client_order_id
        if client_id is not None and self._by_client_id.get(client_id) is oldest:
            del self._by_client_id[client_id]
