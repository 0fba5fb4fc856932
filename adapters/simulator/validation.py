"""Whether the venue takes an order: every reason for which it certainly does not."""

import re
from decimal import Decimal

from adapters.simulator.margin import MONEY_STEP
from adapters.simulator.orders import SimOrder
from adapters.simulator.profiles import IdRule
from adapters.simulator.state import VenueState, exit_side
from messages.instruments import Instrument
from messages.orders import OrderSpec
from messages.values import ZERO, ClientOrderId, Money, OrderKind, OrderSide, Price, Quantity, TriggerSource
from messages.venue import OrderRejected, RejectReason


def refusal_of_new(state: VenueState, spec: OrderSpec, order: SimOrder) -> OrderRejected | None:
    """Why a new order is refused; ``None`` when it is taken."""
    instrument = state.instruments.get(spec.symbol)
    if instrument is None or not instrument.trading or not state.markets[spec.symbol].last:
        return _no(RejectReason.NOT_TRADING, f"{spec.symbol} is not traded")
    return (
        _refused_id(state, spec.client_order_id)
        or _refused_id(state, spec.attached_stop_id)
        or _refused_form(state, spec)
        or refused_size(state, instrument, order)
        or _refused_limit_price(state, order)
        or (_refused_reduction(state, order) if order.reducing else _refused_opening(state, instrument, spec, order))
        or refused_trigger(state, order)
    )


def refused_size(state: VenueState, instrument: Instrument, order: SimOrder) -> OrderRejected | None:
    """Quantity against the instrument's steps and limits; what closes a position whole may be as small as that is."""
    quantity = order.quantity
    if quantity is None:
        return None
    if quantity <= 0 or quantity % instrument.quantity_step:
        return _no(RejectReason.SIZE, f"quantity {quantity} is not a multiple of {instrument.quantity_step}")
    most = instrument.max_market_quantity if order.kind is OrderKind.MARKET else instrument.max_quantity
    if most is not None and quantity > most:
        return _no(RejectReason.SIZE, f"quantity {quantity} is over the maximum {most}")
    position = state.position_of(order)
    if order.reducing and position is not None and quantity >= position.quantity:
        return None
    if quantity < instrument.min_quantity:
        return _no(RejectReason.SIZE, f"quantity {quantity} is under the minimum {instrument.min_quantity}")
    price = order.price or order.trigger_price or state.markets[order.symbol].last
    value = quantity * instrument.contract_size * price
    if not order.reducing and value < instrument.min_notional:
        return _no(RejectReason.SIZE, f"value {value} is under the minimum {instrument.min_notional}")
    return None


def refused_trigger(state: VenueState, order: SimOrder) -> OrderRejected | None:
    """A trigger price that is already reached, or that is not on the price grid."""
    if not order.conditional or order.trigger_price is None:
        return None
    market = state.markets[order.symbol]
    if order.trigger_price <= 0 or order.trigger_price % market.tick:
        return _no(RejectReason.OTHER, f"trigger price {order.trigger_price} is not a multiple of {market.tick}")
    watched = market.mark if order.trigger_source is TriggerSource.MARK else market.last
    if order.reached_by(watched):
        text = f"would trigger at once: {order.trigger_source} price {watched}, trigger {order.trigger_price}"
        return _no(RejectReason.WOULD_TRIGGER, text)
    return None


def order_margin(state: VenueState, order: SimOrder) -> Money:
    """What a working order that opens holds back of the account's available money."""
    if order.reducing or order.quantity is None:
        return ZERO
    price = order.price or order.trigger_price or state.markets[order.symbol].last
    return _margin_of(state, order, _opening_quantity(state, order), price)


def _refused_id(state: VenueState, client_order_id: ClientOrderId | None) -> OrderRejected | None:
    if not client_order_id:
        return None
    pattern = state.config.profile.id_pattern
    if not re.fullmatch(pattern, client_order_id):
        return _no(RejectReason.OTHER, f"client order id {client_order_id!r} is not {pattern}")
    known = state.orders.by_client_id(client_order_id)
    if known is not None and (known.working or state.config.profile.ids is IdRule.ALWAYS):
        return _no(RejectReason.DUPLICATE_ID, f"client order id {client_order_id} is taken")
    return None


def _refused_form(state: VenueState, spec: OrderSpec) -> OrderRejected | None:
    profile = state.config.profile
    conditional = spec.kind in (OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET)
    problem = ""
    if state.config.hedge != (spec.hedge_side is not None):
        problem = "position side does not match the position mode"
    elif conditional != (spec.trigger_price is not None):
        problem = "a trigger price belongs to conditional orders, and to no others"
    elif (spec.kind is OrderKind.LIMIT) != (spec.price is not None):
        problem = "a price belongs to limit orders, and to no others"
    elif spec.quantity is None and spec.kind is not OrderKind.STOP_MARKET:
        problem = "only a stop may be without a quantity"
    elif spec.quantity is None and not profile.accepts_whole_position_stop:
        problem = "no whole-position stops here"
    elif spec.attached_stop_price is not None and not profile.capabilities.attach_stop_to_entry:
        problem = "no attached stops here"
    return _no(RejectReason.OTHER, problem) if problem else None


def _refused_limit_price(state: VenueState, order: SimOrder) -> OrderRejected | None:
    if order.price is None:
        return None
    market = state.markets[order.symbol]
    if order.price <= 0 or order.price % market.tick:
        return _no(RejectReason.OTHER, f"price {order.price} is not a multiple of {market.tick}")
    band = state.config.price_band_percent
    if band is None:
        return None
    room = market.mark * band / 100
    buys = order.side is OrderSide.BUY
    if (buys and order.price > market.mark + room) or (not buys and order.price < market.mark - room):
        return _no(RejectReason.PRICE_BAND, f"price {order.price} is over {band} % past the mark price {market.mark}")
    return None


def _refused_reduction(state: VenueState, order: SimOrder) -> OrderRejected | None:
    position = state.position_of(order)
    if position is None and (state.config.profile.stops_need_a_position or not order.is_stop):
        return _no(RejectReason.NO_POSITION, "there is no position to reduce")
    others = state.reducing_orders((order.symbol, order.hedge_side), order.side)
    if order.kind is OrderKind.LIMIT:
        resting = sum((each.remaining for each in others if each.kind is OrderKind.LIMIT), ZERO)
        if position is not None and resting + order.remaining > position.quantity:
            text = f"reduce-only orders of {resting + order.remaining} exceed the position of {position.quantity}"
            return _no(RejectReason.REDUCE_ONLY_REFUSED, text)
    if order.is_stop:
        stops = [each for each in others if each.is_stop]
        both_whole = order.quantity is None and any(each.quantity is None for each in stops)
        if both_whole or (stops and not state.config.profile.capabilities.two_stops):
            return _no(RejectReason.STOP_EXISTS, "the position stop loss is already set")
    return None


def _refused_opening(
    state: VenueState, instrument: Instrument, spec: OrderSpec, order: SimOrder
) -> OrderRejected | None:
    market = state.markets[order.symbol]
    stop = spec.attached_stop_price
    if stop is not None:
        if stop <= 0 or stop % market.tick:
            return _no(RejectReason.OTHER, f"stop price {stop} is not a multiple of {market.tick}")
        if stop >= market.last if order.side is OrderSide.BUY else stop <= market.last:
            return _no(RejectReason.WOULD_TRIGGER, f"attached stop {stop} is past the price {market.last}")
    opening = _opening_quantity(state, order)
    if not opening:
        return None
    price = order.price or order.trigger_price or state.taking_price(order.symbol, order.side, opening)
    fee = opening * instrument.contract_size * price * instrument.taker_rate
    needed = _margin_of(state, order, opening, price) + fee
    held = sum((order_margin(state, each) for each in state.orders.all_working()), ZERO)
    available = state.account.available() - held
    if needed > available:
        return _no(RejectReason.INSUFFICIENT_MARGIN, f"needs {needed:.2f}, available {available:.2f}")
    return None


def _opening_quantity(state: VenueState, order: SimOrder) -> Quantity:
    position = state.account.positions.get((order.symbol, order.hedge_side))
    if position is None or order.side is not exit_side(position.side):
        return order.remaining
    return max(ZERO, order.remaining - position.quantity)


def _margin_of(state: VenueState, order: SimOrder, quantity: Quantity, price: Price) -> Money:
    key = (order.symbol, order.hedge_side)
    position = state.account.positions.get(key)
    leverage = position.leverage if position is not None else state.account.setting(key).leverage
    size = quantity * state.instruments[order.symbol].contract_size
    return (size * price / Decimal(leverage)).quantize(MONEY_STEP)


def _no(reason: RejectReason, text: str) -> OrderRejected:
    return OrderRejected(reason=reason, text=text)
