"""F14, F15, F21, F25: what people do past Holdfast, with another client on the same account."""

from decimal import Decimal

from adapters.simulator.profiles import Profile
from messages.orders import OrderReport, OrderSpec, PositionReport
from messages.values import (
    ClientOrderId,
    MarginMode,
    OrderKind,
    OrderPurpose,
    OrderSide,
    Price,
    Quantity,
    Symbol,
    TriggerSource,
)
from messages.venue import (
    AmendOrder,
    CancelOrder,
    LeverageSet,
    OrderAccepted,
    PlaceOrder,
    SetLeverage,
    VenueAnswer,
    VenueRequest,
)
from rules.rounding import exit_side
from tests.scenarios.world import World


def position_of(world: World, symbol: Symbol) -> PositionReport | None:
    """What is open on ``symbol``, at the venue."""
    return next((each for each in world.account().positions if each.symbol == symbol), None)


def stop_of(world: World, symbol: Symbol) -> OrderReport | None:
    """The one stop that works on ``symbol``."""
    stops = [each for each in world.account().orders if each.symbol == symbol and each.kind is OrderKind.STOP_MARKET]
    assert len(stops) <= 1, stops
    return stops[0] if stops else None


def trade(world: World, symbol: Symbol, side: OrderSide, quantity: Quantity, *, reduce_only: bool = False) -> None:
    """A market order by hand."""
    order = OrderSpec(
        client_order_id=ClientOrderId(f"byhand{world.exchange.engine.state.next_number()}"),
        symbol=symbol,
        side=side,
        kind=OrderKind.MARKET,
        purpose=OrderPurpose.ENTRY,
        quantity=quantity,
        reduce_only=reduce_only,
    )
    done(world, PlaceOrder(order=order))


def reduce_by_hand(world: World, symbol: Symbol, part: Decimal = Decimal(1)) -> None:
    """Close ``part`` of what is open on ``symbol``."""
    position = position_of(world, symbol)
    assert position is not None
    trade(world, symbol, exit_side(position.side), position.quantity * part, reduce_only=True)


def drag_stop(world: World, symbol: Symbol, price: Price) -> None:
    """Move the stop of ``symbol``, where a venue lets people do so."""
    stop = stop_of(world, symbol)
    assert stop is not None
    done(world, AmendOrder(order=spec_of_stop(stop, price)))


def cancel_stop(world: World, symbol: Symbol) -> None:
    """Take the stop of ``symbol`` away."""
    stop = stop_of(world, symbol)
    assert stop is not None
    assert stop.trigger_price is not None
    done(world, CancelOrder(order=spec_of_stop(stop, stop.trigger_price)))


def spec_of_stop(stop: OrderReport, price: Price) -> OrderSpec:
    """``stop`` at another price."""
    return OrderSpec(
        client_order_id=stop.client_order_id or ClientOrderId("byhandstop"),
        symbol=stop.symbol,
        side=stop.side,
        kind=stop.kind,
        purpose=OrderPurpose.STOP,
        quantity=stop.quantity,
        trigger_price=price,
        trigger_source=stop.trigger_source,
        reduce_only=True,
        hedge_side=stop.hedge_side,
        venue_order_id=stop.venue_order_id,
    )


def place_stop(world: World, position: PositionReport, price: Price, quantity: Quantity | None) -> None:
    """A stop of somebody else's; without a quantity on the whole position."""
    order = OrderSpec(
        client_order_id=ClientOrderId(f"byhand{world.exchange.engine.state.next_number()}"),
        symbol=position.symbol,
        side=exit_side(position.side),
        kind=OrderKind.STOP_MARKET,
        purpose=OrderPurpose.STOP,
        quantity=quantity,
        trigger_price=price,
        trigger_source=TriggerSource.MARK,
        reduce_only=True,
        hedge_side=position.hedge_side,
    )
    done(world, PlaceOrder(order=order))


def set_leverage(world: World, symbol: Symbol, leverage: int) -> None:
    """Another leverage, for the open position too."""
    done(world, SetLeverage(symbol=symbol, leverage=leverage, margin_mode=MarginMode.ISOLATED))


def switch_margin_mode(world: World, mode: MarginMode) -> None:
    """Another margin mode, for the open position too."""
    world.exchange.switch_margin_mode(mode)


def done(world: World, request: VenueRequest) -> VenueAnswer:
    """``request``, which the venue must not refuse."""
    answer = world.exchange.by_hand(request)
    assert isinstance(answer, OrderAccepted | LeverageSet), answer
    return answer


def can_have_whole_position_stops(profile: Profile) -> bool:
    """Whether anybody may place a stop without a quantity there."""
    return profile.accepts_whole_position_stop
