"""What is tried on a venue before anything is opened there: a stop that protects nothing and cannot fire.

Invariants:
1. The order can only reduce a position.
2. Its trigger is on the tick, above zero, and at most the given share of the price.
3. Its quantity is on the step, not under the minimum, and worth the minimum notional where it would trigger.
4. Nothing is tried on a symbol that has a position or an order, or that is not traded.
5. Every symbol that can be tried has its turn.
"""

from collections.abc import Sequence
from decimal import Decimal

from messages.instruments import Instrument
from messages.orders import OrderSpec
from messages.values import ClientOrderId, OrderKind, OrderPurpose, OrderSide, Price, Quantity, Side
from messages.venue import AccountReport
from rules.rounding import floor_quantity, round_take_profit


def symbol_to_try(instruments: Sequence[Instrument], account: AccountReport, *, attempt: int) -> Instrument | None:
    """Where the ``attempt``-th try (from 0) is made: a symbol with nothing on it; ``None`` when there is none.

    A stop may be one of its position, and to place another one there would move it.
    """
    taken = {position.symbol for position in account.positions} | {order.symbol for order in account.orders}
    free = [each for each in instruments if each.trading and each.symbol not in taken]
    return free[attempt % len(free)] if free else None


def canary_stop(
    *,
    instrument: Instrument,
    price: Price,
    share: Decimal,
    client_order_id: ClientOrderId,
    hedged: bool,
    whole_position: bool,
) -> OrderSpec:
    """A stop of a long position that does not exist, with its trigger at a ``share`` (0.5 is half) of ``price``.

    In hedge mode it belongs to the long side, which it can only reduce.
    """
    trigger = round_take_profit(price * share, tick=instrument.price_tick, side=Side.LONG)
    return OrderSpec(
        client_order_id=client_order_id,
        symbol=instrument.symbol,
        side=OrderSide.SELL,
        kind=OrderKind.STOP_MARKET,
        purpose=OrderPurpose.CANARY,
        quantity=None if whole_position else _least_quantity(instrument, trigger),
        trigger_price=trigger,
        reduce_only=True,
        hedge_side=Side.LONG if hedged else None,
    )


def _least_quantity(instrument: Instrument, trigger: Price) -> Quantity:
    worth = instrument.min_notional / (trigger * instrument.contract_size)
    least = max(worth, instrument.min_quantity)
    floored = floor_quantity(least, instrument.quantity_step)
    return floored if floored >= least else floored + instrument.quantity_step
