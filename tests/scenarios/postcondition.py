"""Postcondition C: what must be true at the end of every scenario, by the venue's book and account, not by our belief.

1. Every position on the venue is covered by working stops of ours for exactly its size, to less than a step, on the
   closing side, triggered between the mark and the liquidation price; take profits are not more than the position.
2. No other order of ours rests on a symbol where nothing is open.
3. No order was sent twice, none was left behind for longer than the ledger's grace, and no cover was taken away where
   stops can be moved otherwise.
4. The database has the same open positions, with the same size, stop and trailing, and the same fills; nothing is
   open of what was intended.
5. Every order of ours that the venue has or had is explained: the rule that asked for it, and what the venue said.
6. Every message told was handled, dead-lettered or is queued, for each actor; and no actor crashed but by plan.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from typing import Protocol

from sqlalchemy import select

from actors.kernel import VirtualTime
from adapters.simulator.paper import PaperExchange
from adapters.simulator.profiles import Profile
from messages.explanation import OrderStep
from messages.orders import OrderReport, PositionReport
from messages.state import IntentAction, PositionPhase, PositionState
from messages.values import ZERO, ClientOrderId, OrderKind, Side, Symbol
from messages.venue import AccountReport
from persistence import tables
from persistence.explaining import MANY, explain
from persistence.queries import Queries
from persistence.store import SqlStore
from rules.client_order_ids import is_ours, parse_client_order_id
from rules.rounding import exit_side
from rules.stop_choice import is_in_reach, is_stop_of, remaining_quantity
from tests.scenarios import tally
from tests.scenarios.world import World


class Books(Protocol):
    """The venue's book and the records, whoever keeps them: a world, or what a real process left behind."""

    @property
    def exchange(self) -> PaperExchange: ...
    @property
    def store(self) -> SqlStore: ...
    @property
    def profile(self) -> Profile: ...
    @property
    def time(self) -> VirtualTime: ...

    def account(self) -> AccountReport: ...
    def ledger(self) -> Mapping[str, object]: ...


def assert_postcondition_c(
    world: World, *, crashes: int = 0, interrupted: bool = False, excused: Collection[str] = ()
) -> None:
    """Fail with everything that is not as it must be.

    Args:
        crashes: How many actor crashes the scenario planted.
        interrupted: Nobody was alive, or nobody answered, for a while: orders that were too many then may have been
            there, but not any more; and none was sent twice.
        excused: Counts of the venue's ledger that the scenario looks at by itself.
    """
    problems = book_problems(world, interrupted=interrupted, name_of_fill=world.name_of_fill, excused=excused)
    problems.extend(_process_problems(world, crashes))
    assert not problems, "\n".join(problems)
    way = "" if world.dialect is None else " wire"
    tally.note(world.profile.name.removesuffix(way) + way, world.ledger(), interrupted=interrupted)


def book_problems(
    world: Books,
    *,
    interrupted: bool = False,
    name_of_fill: Callable[[str], str] = str,
    excused: Collection[str] = (),
) -> list[str]:
    """Where the books break points 1 to 5; ``name_of_fill`` is how the venue's dialect names a fill of the exchange."""
    return [
        *_cover_problems(world),
        *_flat_problems(world),
        *_ledger_problems(world, interrupted=interrupted, excused=excused),
        *_record_problems(world),
        *_fill_problems(world, name_of_fill),
        *_explanation_problems(world),
    ]


def uncovered(world: Books, position: PositionReport) -> Decimal:
    """How much of ``position`` the venue's stops of ours cover too little; negative: too much."""
    stops = [order for order in _orders_of(world, position) if _counts(world, position, order)]
    if any(order.quantity is None for order in stops):
        return ZERO if len(stops) == 1 else -position.quantity
    return position.quantity - sum((remaining_quantity(order) or ZERO for order in stops), ZERO)


def _cover_problems(world: Books) -> Iterator[str]:
    steps = {item.symbol: item.quantity_step for item in world.exchange.engine.state.instruments.values()}
    for position in world.account().positions:
        name = f"{position.symbol} {position.side} {position.quantity}"
        missing = uncovered(world, position)
        if abs(missing) >= steps[position.symbol]:
            orders = [
                f"{o.kind} {o.quantity}@{o.trigger_price} {o.client_order_id}" for o in _orders_of(world, position)
            ]
            yield f"{name} is not covered exactly: {missing} missing, mark {position.mark_price}; orders: {orders}"
        for order in _orders_of(world, position):
            if (
                order.kind is OrderKind.STOP_MARKET
                and _is_of_ours(world, order)
                and not _counts(world, position, order)
            ):
                yield f"{name} has a stop that does not count: {order.side} {order.trigger_price}"
        profits = [
            order.quantity - order.filled_quantity
            for order in _orders_of(world, position)
            if order.kind is OrderKind.TAKE_PROFIT_MARKET and order.quantity is not None
        ]
        if sum(profits, ZERO) > position.quantity:
            yield f"{name} has take profits of {sum(profits, ZERO)}"


def _counts(world: Books, position: PositionReport, order: OrderReport) -> bool:
    return (
        _is_of_ours(world, order)
        and is_stop_of(order, position.side)
        and is_in_reach(order, position.side, position.mark_price, position.liquidation_price)
    )


def _orders_of(world: Books, position: PositionReport) -> list[OrderReport]:
    return [
        order
        for order in world.account().orders
        if order.symbol == position.symbol and order.hedge_side == position.hedge_side
    ]


def _is_of_ours(world: Books, order: OrderReport) -> bool:
    """Ours by its id; where stops carry none, whatever stop is there; and one of others that was taken over (S6.3)."""
    if order.kind is OrderKind.STOP_MARKET and not is_ours(order.client_order_id) and _is_taken_over(world, order):
        return True
    anonymous = not world.profile.capabilities.stop_client_order_id and order.client_order_id is None
    return is_ours(order.client_order_id) or (anonymous and order.kind is OrderKind.STOP_MARKET)


def _is_taken_over(world: Books, order: OrderReport) -> bool:
    """Somebody else's stop counts once the record names it; whether it covers, the venue's account says."""
    return order.client_order_id is not None and any(
        restored.position.stop.working is not None
        and restored.position.stop.working.client_order_id == order.client_order_id
        for restored in world.store.load()
    )


def _flat_problems(world: Books) -> Iterator[str]:
    account = world.account()
    open_keys = {(position.symbol, position.hedge_side): position for position in account.positions}
    for order in account.orders:
        position = open_keys.get((order.symbol, order.hedge_side))
        if not _is_of_ours(world, order):
            continue
        if position is None:
            yield f"an orphan of ours rests on {order.symbol}: {order.kind} {order.side} {order.client_order_id}"
        elif order.side is not exit_side(position.side):
            yield f"an order of ours on {order.symbol} does not reduce the position: {order.kind} {order.side}"


def _ledger_problems(world: Books, *, interrupted: bool, excused: Collection[str]) -> Iterator[str]:
    ledger = world.ledger()
    too_many = ("zombie_orders_now", "accepted_twice") if interrupted else ("zombie_orders", "duplicate_orders")
    for name in (*too_many, "wrong_cancels", "positions_uncovered_now"):
        if ledger[name] and name not in excused:
            yield f"the venue's ledger counts {ledger[name]} {name}"


def _record_problems(world: Books) -> Iterator[str]:
    at_venue = {(item.symbol, item.hedge_side): item for item in world.account().positions}
    on_record: dict[tuple[Symbol, Side | None], PositionState] = {}
    for restored in world.store.load():
        state = restored.position
        key = (state.key.symbol, state.key.hedge_side)
        if key in on_record:
            yield f"two open positions on record for {key}"
        on_record[key] = state
        if restored.open_intents:
            yield f"{key}: open intents {[intent.intent_id for intent in restored.open_intents]}"
        if restored.trailing is None:
            yield f"{key} has no trailing state"
    for key, position in at_venue.items():
        known = on_record.get(key)
        if known is None:
            yield f"{key} is on the venue and not on record"
        else:
            yield from _difference(world, position, known)
    for key, state in on_record.items():
        if key not in at_venue:
            yield f"{key} is on record as {state.phase} {state.quantity} and not on the venue"


def _difference(world: Books, position: PositionReport, known: PositionState) -> Iterator[str]:
    name = f"{position.symbol} ({known.phase})"
    if known.phase is not PositionPhase.ACTIVE:
        yield f"{name}: not active"
    if (known.side, known.quantity) != (position.side, position.quantity):
        yield f"{name}: the venue has {position.side} {position.quantity}, the record {known.side} {known.quantity}"
    stops = {(o.trigger_price, o.quantity) for o in _orders_of(world, position) if _counts(world, position, o)}
    working = known.stop.working
    if working is None or (working.trigger_price, working.quantity) not in stops:
        yield f"{name}: the record's stop is {working}, the venue's {stops}"
    if known.leftovers:
        yield f"{name}: leftovers {[leftover.order.client_order_id for leftover in known.leftovers]}"
    profits = {o.client_order_id for o in _orders_of(world, position) if o.kind is OrderKind.TAKE_PROFIT_MARKET}
    recorded = {item.client_order_id for item in known.take_profits if item.phase == "working"}
    if profits != recorded:
        yield f"{name}: take profits {sorted(map(str, profits))} at the venue, {sorted(map(str, recorded))} on record"


def _fill_problems(world: Books, name_of_fill: Callable[[str], str]) -> Iterator[str]:
    """Every fill of ours, and of a position while it was ours, is on record once (the table has a unique index)."""
    with world.store.reading() as connection:
        rows = list(connection.execute(select(tables.trades)))
        lives = [
            (row.symbol, row.opened_ms, row.closed_ms or world.time.now_ms())
            for row in connection.execute(select(tables.positions))
        ]
    on_record = {row.fill_id for row in rows}
    at_venue, expected = set(), set()
    for symbol in _symbols(world):
        for fill in world.exchange.engine.fills(symbol, 0).fills:
            at_venue.add(name_of_fill(fill.fill_id))
            ours = any(life[0] == symbol and life[1] <= fill.time_ms <= life[2] for life in lives)
            if ours or is_ours(fill.client_order_id):
                expected.add(name_of_fill(fill.fill_id))
    if missing := expected - on_record:
        yield f"fills at the venue that are not on record: {sorted(missing)}"
    if made_up := on_record - at_venue:
        yield f"fills on record that the venue does not know: {sorted(made_up)}"
    if homeless := [row.fill_id for row in rows if row.position_id is None]:
        yield f"fills that were counted to no position: {homeless}"


def _symbols(world: Books) -> list[Symbol]:
    return list(world.exchange.engine.state.instruments)


def _explanation_problems(world: Books) -> Iterator[str]:
    """Every order of ours that the venue has or had: explained, with the rule that asked for it and an answer.

    Those of a life of which nothing is on record any more are asked after only as long as they rest or have filled.
    """
    steps, lives = _explained(world)
    alive = {order.client_order_id for order in world.account().orders}
    for order in world.exchange.engine.state.orders.all_known():
        identity = parse_client_order_id(order.client_order_id or "")
        if identity is None or order.client_order_id is None:
            continue
        step = steps.get(order.client_order_id)
        if step is None:
            if identity.position_id in lives or order.client_order_id in alive or order.filled_quantity > 0:
                yield f"order {order.client_order_id} is at the venue and was never intended"
        elif not any(request.answer for request in step.requests):
            yield f"order {order.client_order_id} has no answer in the audit log"
        elif step.rule is None:
            yield f"order {order.client_order_id} was sent by no rule"


def _explained(world: Books) -> tuple[dict[ClientOrderId, OrderStep], set[str]]:
    """The steps that placed orders, by the orders' ids, and the positions that are on record."""
    queries = Queries(world.store)
    lives = [*queries.open_positions(limit=MANY), *queries.closed_positions(limit=MANY)]
    steps: dict[ClientOrderId, OrderStep] = {}
    for position in lives:
        for step in explain(queries, position).steps:
            if isinstance(step, OrderStep) and step.action is IntentAction.PLACE:
                steps[step.client_order_id] = step
                if step.attached_stop_id is not None:
                    steps[step.attached_stop_id] = step
    return steps, {position.position_id for position in lives}


def _process_problems(world: World, crashes: int) -> Iterator[str]:
    if world.process is not None and world.process.link is not None and world.process.link.errors:
        yield f"errors left the adapter: {world.process.link.errors}"
    if len(world.crashes) != crashes:
        yield f"{len(world.crashes)} actor crashes, {crashes} planted: {[str(crash) for crash in world.crashes]}"
    if world.process is None:
        yield "no process is alive"
        return
    system = world.process.system
    for path in system.paths():
        conservation = system.conservation(path)
        if not conservation.holds:
            yield f"{path} lost messages: {conservation}"
