"""Which method of a venue's client does which request: the same table for every venue that uses it."""

from typing import Protocol, assert_never

from messages.orders import OrderSpec
from messages.values import Symbol
from messages.venue import (
    AmendOrder,
    CancelOrder,
    FetchAccount,
    FetchFills,
    FetchInstruments,
    FetchServerTime,
    PlaceOrder,
    QueryOrder,
    SetLeverage,
    VenueAnswer,
    VenueRequest,
)


class RequestMethods(Protocol):
    """What a client can do; each blocks, and may raise whatever the client's own ``execute`` reads as an answer."""

    def place(self, order: OrderSpec, /) -> VenueAnswer:
        """Send a new order."""
        ...

    def amend(self, order: OrderSpec, /) -> VenueAnswer:
        """Change a working order in place."""
        ...

    def cancel(self, order: OrderSpec, /) -> VenueAnswer:
        """Take a working order back."""
        ...

    def query(self, request: QueryOrder) -> VenueAnswer:
        """Look for one order by its client order id."""
        ...

    def account(self, symbol: Symbol | None) -> VenueAnswer:
        """Positions, open orders and money."""
        ...

    def fills(self, request: FetchFills) -> VenueAnswer:
        """Executions and funding payments."""
        ...

    def instruments(self) -> VenueAnswer:
        """What is traded."""
        ...

    def set_leverage(self, request: SetLeverage) -> VenueAnswer:
        """Leverage and margin mode of a symbol."""
        ...

    def server_time(self) -> VenueAnswer:
        """The venue's clock."""
        ...


def answer(methods: RequestMethods, request: VenueRequest) -> VenueAnswer:
    """Do ``request`` by the method that it belongs to."""
    match request:
        case PlaceOrder(order=order):
            return methods.place(order)
        case AmendOrder(order=order):
            return methods.amend(order)
        case CancelOrder(order=order):
            return methods.cancel(order)
        case QueryOrder():
            return methods.query(request)
        case FetchAccount(symbol=symbol):
            return methods.account(symbol)
        case FetchFills():
            return methods.fills(request)
        case FetchInstruments():
            return methods.instruments()
        case SetLeverage():
            return methods.set_leverage(request)
        case FetchServerTime():
            return methods.server_time()
        case _:
            assert_never(request)
