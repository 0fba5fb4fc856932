"""The venue's own book on its clients: how long positions were not covered, what was sent twice, what was left behind.

Definitions, for each position (a symbol, in hedge mode a symbol and side):

- A stop **counts** when it is working, a stop order that only reduces, on the position's closing side, and its trigger
  lies between the price it watches and the liquidation price; also while it was triggered and is filling.
- The position is **covered** when a whole-position stop counts, or the quantities of the stops that count add up to
  at least its size. Otherwise it is uncovered, by what is missing; the time until that ends is a window. A window of
  length zero (the stop came with the fill) is none. One that is still open counts up to the moment of asking.
- It is **over-covered** while the stops that count are more than its size; a kind of window of its own, no fault as
  long as it is short (a stop is being replaced).
- **Duplicate orders**: a client order id accepted a second time; two stops of one position of which the larger alone
  would cover it, side by side for more than 5 s; two working opening orders on one side of a position for more than
  5 s, pieces at the venue's maximum size excepted. Each order that is too many counts once. Those of the first kind are
  counted apart as well: a client that is dead for a while cannot help the others.
- **Wrong cancels**: requests of the client to cancel a stop after which less of a position was covered than before,
  where the venue moves stops in place or lets two stand side by side, so that it need not be.
- **Zombie orders**: reducing orders on a symbol (and side) without a position for more than 5 s. Each counts once.

Windows are looked at when an order, position or payment changes them; a cross position's liquidation price moves with
other markets in between, which is not looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from adapters.simulator.account import PositionId, SimPosition
from adapters.simulator.orders import SimOrder
from adapters.simulator.state import VenueState, exit_side
from messages.values import ZERO, OrderKind, OrderSide, Quantity, Side, TriggerSource

GRACE_MS = 5_000

Snapshot: TypeAlias = dict[str, object]


@dataclass(slots=True, kw_only=True)
class Windows:
    """Time in one condition: the closed windows, and when the open one began."""

    total_ms: int = 0
    worst_ms: int = 0
    count: int = 0
    since_ms: int | None = None

    def turn(self, *, on: bool, now_ms: int) -> None:
        """Open or close the window."""
        if on and self.since_ms is None:
            self.since_ms = now_ms
        elif not on and self.since_ms is not None:
            self._add(now_ms - self.since_ms)
            self.since_ms = None

    def until(self, now_ms: int) -> "Windows":
        """The same with the open window counted up to ``now_ms``."""
        copy = Windows(total_ms=self.total_ms, worst_ms=self.worst_ms, count=self.count)
        if self.since_ms is not None:
            copy._add(now_ms - self.since_ms)
        return copy

    def _add(self, length_ms: int) -> None:
        if length_ms > 0:
            self.total_ms += length_ms
            self.worst_ms = max(self.worst_ms, length_ms)
            self.count += 1


@dataclass(slots=True, kw_only=True)
class PositionRecord:
    """The book on one life of a position. ``missing`` is what is uncovered since ``measured_ms``, in USDT."""

    symbol: str
    side: str
    opened_ms: int
    closed_ms: int | None = None
    uncovered: Windows = field(default_factory=Windows)
    over_covered: Windows = field(default_factory=Windows)
    missing: Decimal = ZERO
    measured_ms: int = 0
    notional_seconds: Decimal = ZERO

    def measure(self, *, missing: Decimal, now_ms: int) -> None:
        """Count the value that was missing until now; from now on it is ``missing``."""
        self.notional_seconds += self.missing * (now_ms - self.measured_ms) / 1000
        self.missing = missing
        self.measured_ms = now_ms


@dataclass(slots=True, kw_only=True)
class LedgerBook:
    """All that the ledger remembers besides the list of closed positions; plain values, to be written down.

    Keys are ``symbol`` or ``symbol/side``, followed by the venue's order id where it is about an order.
    """

    open: dict[str, PositionRecord] = field(default_factory=dict)
    closed_uncovered: Windows = field(default_factory=Windows)
    closed_over_covered: Windows = field(default_factory=Windows)
    closed_notional_seconds: Decimal = ZERO
    redundant_since: dict[str, int] = field(default_factory=dict)
    flat_since: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    accepted_twice: int = 0
    zombies: int = 0
    worst_zombie_ms: int = 0
    positions: int = 0
    wrong_cancels: int = 0


class Ledger:
    """Keeps the book; told by the exchange whenever something that matters changed.

    ``records_kept`` limits how many closed positions are listed one by one; the sums contain all of them.
    """

    def __init__(
        self, book: LedgerBook | None = None, closed: Sequence[PositionRecord] = (), *, records_kept: int = 1_000
    ) -> None:
        self.book = LedgerBook() if book is None else book
        self._closed = list(closed)
        self._closed_since: list[PositionRecord] = []
        self._records_kept = records_kept

    def take_closed(self) -> list[PositionRecord]:
        """The positions that ended since the last call, for durable state."""
        closed, self._closed_since = self._closed_since, []
        return closed

    def accepted_twice(self) -> None:
        """An order was accepted under a client order id that an earlier order had."""
        self.book.duplicates += 1
        self.book.accepted_twice += 1

    def wrong_cancel(self) -> None:
        """The client has taken cover away, and need not have."""
        self.book.wrong_cancels += 1

    def observe(self, state: VenueState, key: PositionId) -> None:
        """Judge one position (or its absence) as it is now."""
        name = _name(key)
        position = state.account.positions.get(key)
        record = self.book.open.get(name)
        now_ms = state.now_ms
        if record is not None and (
            position is None or record.side != position.side.value or record.opened_ms != position.opened_ms
        ):
            self._close(name, record, now_ms)
            record = None
        if position is not None:
            if record is None:
                record = PositionRecord(
                    symbol=key[0], side=position.side.value, opened_ms=position.opened_ms, measured_ms=now_ms
                )
                self.book.open[name] = record
                self.book.positions += 1
            self._judge_cover(state, position, record)
        self._note(self.book.redundant_since, name, _redundant(state, key, position), now_ms)
        self._note(self.book.flat_since, name, _left_behind(state, key, position), now_ms)

    def snapshot(self, now_ms: int) -> Snapshot:
        """The book as an object for JSON; times in seconds, values in USDT written out."""
        book = self.book
        uncovered = book.closed_uncovered.until(now_ms)
        over = book.closed_over_covered.until(now_ms)
        notional_seconds = book.closed_notional_seconds
        for record in book.open.values():
            _merge(uncovered, record.uncovered.until(now_ms))
            _merge(over, record.over_covered.until(now_ms))
            notional_seconds += record.notional_seconds + record.missing * (now_ms - record.measured_ms) / 1000
        overdue = [now_ms - since for since in book.flat_since.values() if now_ms - since > GRACE_MS]
        twice = [since for since in book.redundant_since.values() if now_ms - since > GRACE_MS]
        return {
            "unprotected_seconds": uncovered.total_ms / 1000,
            "worst_window_seconds": uncovered.worst_ms / 1000,
            "unprotected_windows": uncovered.count,
            "unprotected_notional_seconds": f"{notional_seconds:.2f}",
            "over_covered_seconds": over.total_ms / 1000,
            "worst_over_cover_seconds": over.worst_ms / 1000,
            "duplicate_orders": book.duplicates + len(twice),
            "accepted_twice": book.accepted_twice,
            "wrong_cancels": book.wrong_cancels,
            "zombie_orders": book.zombies + len(overdue),
            "zombie_orders_now": len(overdue),
            "worst_zombie_seconds": max([book.worst_zombie_ms, *overdue]) / 1000,
            "positions_opened": book.positions,
            "positions_open": len(book.open),
            "positions_uncovered_now": sum(record.uncovered.since_ms is not None for record in book.open.values()),
            "positions": [_listed(record, now_ms) for record in [*self._closed, *book.open.values()]],
        }

    def _judge_cover(self, state: VenueState, position: SimPosition, record: PositionRecord) -> None:
        stops = counting_stops(state, position)
        whole = sum(stop.quantity is None for stop in stops)
        covered = sum((stop.remaining for stop in stops), ZERO)
        missing = missing_cover(state, position)
        over = whole + (covered > 0) > 1 if whole else covered > position.quantity
        record.uncovered.turn(on=missing > 0, now_ms=state.now_ms)
        record.over_covered.turn(on=over, now_ms=state.now_ms)
        size = missing * state.instruments[position.symbol].contract_size
        record.measure(missing=size * state.account.mark(position), now_ms=state.now_ms)

    def _close(self, name: str, record: PositionRecord, now_ms: int) -> None:
        book = self.book
        record.uncovered.turn(on=False, now_ms=now_ms)
        record.over_covered.turn(on=False, now_ms=now_ms)
        record.measure(missing=ZERO, now_ms=now_ms)
        record.closed_ms = now_ms
        _merge(book.closed_uncovered, record.uncovered)
        _merge(book.closed_over_covered, record.over_covered)
        book.closed_notional_seconds += record.notional_seconds
        self._closed.append(record)
        del self._closed[: -self._records_kept]
        self._closed_since.append(record)
        del book.open[name]

    def _note(self, since: dict[str, int], name: str, orders: list[SimOrder], now_ms: int) -> None:
        """Keep since when each of these orders is too many; those that are no more count when it was for long."""
        prefix = f"{name}:"
        present = {f"{prefix}{order.venue_order_id}" for order in orders}
        for each in [each for each in since if each.startswith(prefix) and each not in present]:
            lasted_ms = now_ms - since.pop(each)
            if lasted_ms > GRACE_MS and since is self.book.flat_since:
                self.book.zombies += 1
                self.book.worst_zombie_ms = max(self.book.worst_zombie_ms, lasted_ms)
            elif lasted_ms > GRACE_MS:
                self.book.duplicates += 1
        for each in sorted(present):
            since.setdefault(each, now_ms)


def missing_cover(state: VenueState, position: SimPosition) -> Quantity:
    """How much of the position no stop protects."""
    stops = counting_stops(state, position)
    if any(stop.quantity is None for stop in stops):
        return ZERO
    return max(ZERO, position.quantity - sum((stop.remaining for stop in stops), ZERO))


def counting_stops(state: VenueState, position: SimPosition) -> list[SimOrder]:
    """The stops of the position that protect it: right side, and triggered between price and liquidation."""
    market = state.markets[position.symbol]
    liquidation = state.account.liquidation_price(position)
    counting = []
    for order in state.reducing_orders(position.key, exit_side(position.side)):
        level = order.trigger_price
        if not order.is_stop or level is None:
            continue
        if order.triggered:
            counting.append(order)
            continue
        watched = market.mark if order.trigger_source is TriggerSource.MARK else market.last
        if liquidation < level <= watched if position.side is Side.LONG else watched <= level < liquidation:
            counting.append(order)
    return counting


def _redundant(state: VenueState, key: PositionId, position: SimPosition | None) -> list[SimOrder]:
    """Orders that are one too many beside another of their kind."""
    found: list[SimOrder] = []
    if position is not None:
        stops = counting_stops(state, position)
        covered: Quantity = ZERO
        complete = False
        for stop in sorted(stops, key=lambda each: (each.quantity is not None, -each.remaining, each.number)):
            if complete:
                found.append(stop)
            covered += stop.remaining
            complete = complete or stop.quantity is None or covered >= position.quantity
    most = state.instruments[key[0]].max_quantity
    for side in (OrderSide.BUY, OrderSide.SELL):
        entries = [
            order
            for order in state.orders.working(key[0])
            if order.hedge_side is key[1]
            and order.side is side
            and order.kind is OrderKind.LIMIT
            and not order.reducing
            and order.quantity != most
        ]
        found.extend(entries[1:])
    return found


def _left_behind(state: VenueState, key: PositionId, position: SimPosition | None) -> list[SimOrder]:
    """Reducing orders that have nothing to reduce: no position, or one on the other side."""
    closing = None if position is None else exit_side(position.side)
    return [order for order in state.reducing_orders(key) if order.side is not closing]


def _merge(into: Windows, windows: Windows) -> None:
    into.total_ms += windows.total_ms
    into.worst_ms = max(into.worst_ms, windows.worst_ms)
    into.count += windows.count


def _listed(record: PositionRecord, now_ms: int) -> Snapshot:
    uncovered = record.uncovered.until(now_ms)
    over = record.over_covered.until(now_ms)
    notional_seconds = record.notional_seconds + record.missing * (now_ms - record.measured_ms) / 1000
    return {
        "symbol": record.symbol,
        "side": record.side,
        "opened_ms": record.opened_ms,
        "closed_ms": record.closed_ms,
        "unprotected_seconds": uncovered.total_ms / 1000,
        "worst_window_seconds": uncovered.worst_ms / 1000,
        "unprotected_notional_seconds": f"{notional_seconds:.2f}",
        "over_covered_seconds": over.total_ms / 1000,
        "worst_over_cover_seconds": over.worst_ms / 1000,
    }


def _name(key: PositionId) -> str:
    return key[0] if key[1] is None else f"{key[0]}/{key[1].value}"
