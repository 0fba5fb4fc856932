"""Orders that have outlived what they were for (S12): which they are, and which of them are ours to take away.

Invariants:
1. An order that only reduces is a zombie exactly when there is no position that it can reduce.
2. An order that may open is a zombie only where it would flip a position, or is an exit of ours from none.
3. An order younger than the grace is no zombie, and one of unknown age is never taken away.
4. What is taken away is ours, or the scope allows it.
5. Without the surplus stops a position is covered as before, by the tightest of those that cover it alone.
6. The order of positions and orders does not change what is found.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from messages.orders import OrderReport, OrderStatus, PositionReport
from messages.settings import ZombieScope
from messages.values import ZERO, OrderPurpose, OrderSide, Price, Quantity, Side, Symbol
from rules.client_order_ids import is_ours, parse_client_order_id
from rules.rounding import exit_side
from rules.stop_choice import is_in_reach, is_reducing, is_stop_of, remaining_quantity

GRACE_MS: Final = 30_000
"""An opening may be under way whose position the venue does not show yet."""


class ZombieKind(StrEnum):
    """Why an order is a zombie, by the four criteria of S12."""

    REDUCES_NOTHING = "reduces_nothing"
    EXIT_WITHOUT_POSITION = "exit_without_position"
    WRONG_POSITION_SIDE = "wrong_position_side"
    WOULD_FLIP = "would_flip"


@dataclass(frozen=True, slots=True, kw_only=True)
class ZombiePolicy:
    """What is allowed. ``managed`` are the symbols that have, or had, a position of ours."""

    scope: ZombieScope = ZombieScope.OWN
    managed: Collection[Symbol] = ()
    hedge_mode: bool = False

    def allows(self, order: OrderReport) -> bool:
        """Whether ``order`` is ours to touch."""
        if is_ours(order.client_order_id) or self.scope is ZombieScope.ALL:
            return True
        return self.scope is ZombieScope.MANAGED and order.symbol in self.managed


@dataclass(frozen=True, slots=True, kw_only=True)
class Zombie:
    """One order that is of no use any more; ``may_go``: it is old enough, and ours to take away."""

    order: OrderReport
    kind: ZombieKind
    may_go: bool


def find_zombies(
    *, positions: Sequence[PositionReport], orders: Sequence[OrderReport], policy: ZombiePolicy, now_ms: int
) -> tuple[Zombie, ...]:
    """Every zombie among ``orders``, by symbol and id; those of others are told too, and stay."""
    found = []
    for order in orders:
        is_old = not order.created_ms or now_ms - order.created_ms >= GRACE_MS
        if order.status is not OrderStatus.WORKING or not is_old:
            continue
        here = [item for item in positions if item.venue == order.venue and item.symbol == order.symbol]
        kind = _kind(order, here, hedge_mode=policy.hedge_mode)
        if kind is not None:
            may_go = bool(order.created_ms) and policy.allows(order)
            found.append(Zombie(order=order, kind=kind, may_go=may_go))
    return tuple(sorted(found, key=lambda each: (each.order.venue, each.order.symbol, each.order.venue_order_id)))


def side_of(order: OrderReport, *, hedge_mode: bool) -> Side | None:
    """The side of the position that ``order`` is to be told to; in hedge mode the one that it would reduce."""
    if not hedge_mode or order.hedge_side is not None:
        return order.hedge_side if hedge_mode else None
    return Side.LONG if order.side is OrderSide.SELL else Side.SHORT


def surplus_stops(position: PositionReport, orders: Sequence[OrderReport]) -> tuple[OrderReport, ...]:
    """The stops beside the tightest one that covers ``position`` alone; none where only several together cover it."""
    stops = stops_in_reach(position, orders)
    whole = [order for order in stops if _covers_alone(order, position.quantity)]
    if not whole:
        return ()
    mark = position.mark_price
    kept = min(whole, key=lambda order: (_distance(order, mark), order.quantity is not None, order.venue_order_id))
    return tuple(order for order in stops if order is not kept)


def stops_in_reach(position: PositionReport, orders: Sequence[OrderReport]) -> tuple[OrderReport, ...]:
    """Every stop that protects ``position``, by its id."""
    side, mark, liquidation = position.side, position.mark_price, position.liquidation_price
    found = (
        order
        for order in orders
        if order.symbol == position.symbol
        and order.hedge_side in {None, position.hedge_side}
        and is_stop_of(order, side)
        and is_in_reach(order, side, mark, liquidation)
    )
    return tuple(sorted(found, key=lambda order: order.venue_order_id))


def _kind(order: OrderReport, here: Sequence[PositionReport], *, hedge_mode: bool) -> ZombieKind | None:
    reduces = is_reducing(order)
    leaves = reduces or _was_to_leave(order)
    if not leaves or any(_can_reduce(order, position, hedge_mode=hedge_mode) for position in here):
        return ZombieKind.WOULD_FLIP if not reduces and _would_flip(order, here) else None
    names_a_side = hedge_mode and order.hedge_side is not None
    if not here or (names_a_side and all(order.hedge_side is not position.hedge_side for position in here)):
        return ZombieKind.REDUCES_NOTHING if reduces else ZombieKind.EXIT_WITHOUT_POSITION
    return ZombieKind.WRONG_POSITION_SIDE


def _can_reduce(order: OrderReport, position: PositionReport, *, hedge_mode: bool) -> bool:
    of_the_side = order.hedge_side is position.hedge_side or (order.hedge_side is None and not hedge_mode)
    return order.side is exit_side(position.side) and of_the_side


def _was_to_leave(order: OrderReport) -> bool:
    """Ours, and sent to leave a position, though the venue does not show it as an order that only reduces."""
    identity = parse_client_order_id(order.client_order_id or "")
    return identity is not None and identity.purpose is not OrderPurpose.ENTRY


def _would_flip(order: OrderReport, here: Sequence[PositionReport]) -> bool:
    """Whether executing it would close the position and open one the other way round; in hedge mode nothing does."""
    remaining = remaining_quantity(order) or ZERO
    return any(
        position.hedge_side is None
        and order.hedge_side is None
        and order.side is exit_side(position.side)
        and remaining > position.quantity
        for position in here
    )


def _covers_alone(order: OrderReport, quantity: Quantity) -> bool:
    remaining = remaining_quantity(order)
    return remaining is None or remaining >= quantity


def _distance(order: OrderReport, mark: Price) -> Price:
    return abs((order.trigger_price or ZERO) - mark)
