"""Values for tests of the rules: what a test does not say is ordinary."""

from decimal import Decimal

from hypothesis import strategies as st

from messages.instruments import Instrument
from messages.orders import OrderReport, OrderStatus, PositionReport
from messages.values import (
    ClientOrderId,
    OrderKind,
    OrderSide,
    PositionId,
    Price,
    Quantity,
    Side,
    Symbol,
    Venue,
    VenueOrderId,
)

VENUE = Venue("bybit")
SYMBOL = Symbol("BTCUSDT")
POSITION_ID = PositionId("abcdefgh01234567")


def an_instrument(
    *,
    symbol: str = SYMBOL,
    tick: str = "0.1",
    step: str = "0.001",
    minimum: str = "0.001",
    maximum: str | None = None,
    market_maximum: str | None = None,
    min_notional: str = "5",
    contract_size: str = "1",
    trading: bool = True,
) -> Instrument:
    return Instrument(
        venue=VENUE,
        symbol=Symbol(symbol),
        price_tick=Decimal(tick),
        quantity_step=Decimal(step),
        min_quantity=Decimal(minimum),
        max_quantity=None if maximum is None else Decimal(maximum),
        max_market_quantity=None if market_maximum is None else Decimal(market_maximum),
        min_notional=Decimal(min_notional),
        contract_size=Decimal(contract_size),
        trading=trading,
    )


def a_stop(
    *,
    trigger: str | Decimal | None = "98",
    quantity: str | Decimal | None = "1",
    side: OrderSide = OrderSide.SELL,
    kind: OrderKind = OrderKind.STOP_MARKET,
    status: OrderStatus = OrderStatus.WORKING,
    filled: str = "0",
    reduce_only: bool = True,
    hedge_side: Side | None = None,
    order_id: str = "o1",
    symbol: str = SYMBOL,
    client_order_id: str | None = None,
) -> OrderReport:
    return OrderReport(
        venue=VENUE,
        symbol=Symbol(symbol),
        venue_order_id=VenueOrderId(order_id),
        client_order_id=None if client_order_id is None else ClientOrderId(client_order_id),
        side=side,
        kind=kind,
        status=status,
        quantity=None if quantity is None else Decimal(quantity),
        filled_quantity=Decimal(filled),
        trigger_price=None if trigger is None else Decimal(trigger),
        reduce_only=reduce_only,
        hedge_side=hedge_side,
    )


def a_position(
    *,
    side: Side = Side.LONG,
    quantity: str | Decimal = "1",
    entry: str = "100",
    mark: str | Decimal = "100",
    liquidation: str | Decimal | None = None,
    hedge_side: Side | None = None,
    symbol: str = SYMBOL,
) -> PositionReport:
    return PositionReport(
        venue=VENUE,
        symbol=Symbol(symbol),
        side=side,
        quantity=Decimal(quantity),
        entry_price=Decimal(entry),
        mark_price=Decimal(mark),
        leverage=Decimal(3),
        liquidation_price=None if liquidation is None else Decimal(liquidation),
        hedge_side=hedge_side,
    )


def sides() -> st.SearchStrategy[Side]:
    return st.sampled_from(Side)


def ticks() -> st.SearchStrategy[Price]:
    """Tick sizes as venues have them, those that are no power of ten among them."""
    return st.sampled_from([Decimal(text) for text in ("0.00001", "0.001", "0.01", "0.05", "0.1", "0.5", "1", "2.5")])


def prices(*, least: str = "0.00001", most: str = "100000", places: int = 8) -> st.SearchStrategy[Price]:
    return st.decimals(min_value=least, max_value=most, places=places, allow_nan=False, allow_infinity=False)


def quantities(*, least: str = "0.001", most: str = "1000", places: int = 3) -> st.SearchStrategy[Quantity]:
    return st.decimals(min_value=least, max_value=most, places=places, allow_nan=False, allow_infinity=False)


def units(least: int = 1, most: int = 100_000) -> st.SearchStrategy[Decimal]:
    """Whole numbers of ticks or steps."""
    return st.integers(least, most).map(Decimal)
