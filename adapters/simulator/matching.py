"""What a price movement does: which orders and liquidations it reaches, in which order, and at which price.

Between two points the last and the mark price move together in a straight line. Whatever lies on the way executes
where it lies, nearest first; orders at one point in the order of their age. A gap has no way: whatever it jumped over
executes at its far end. A quiet movement, inside the bounds that were worked out before, costs four comparisons.
"""

from dataclasses import dataclass
from decimal import Decimal

from adapters.simulator.account import SimPosition
from adapters.simulator.execution import Execution
from adapters.simulator.orders import SimOrder
from adapters.simulator.state import NEVER_HIGH, NEVER_LOW, Market, VenueState, round_to
from messages.values import ZERO, MarginMode, Price, Side, TriggerSource

MOST_EXECUTIONS = 10_000
"""In one movement: beyond it there is a loop in the matching, which is better an error than a hung exchange."""

_START = ZERO
_END = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Crossing:
    """Something that the movement reaches: ``at`` is how far along, 0 to 1."""

    at: Decimal
    number: int
    subject: SimOrder | SimPosition


class Matching:
    """Moves the prices of the venue's markets."""

    def __init__(self, state: VenueState, execution: Execution) -> None:
        self._state = state
        self._execution = execution

    def move(self, market: Market, last: Price, mark: Price, *, gap: bool) -> None:
        """Bring a market to new prices, executing what lies between."""
        if market.stale:
            self._refresh_bounds(market)
        if not market.last:
            market.last, market.mark = last, mark
            self._state.account.marks[market.symbol] = mark
            return
        if market.last_low < last < market.last_high and market.mark_low < mark < market.mark_high:
            market.last, market.mark = last, mark
            self._state.account.marks[market.symbol] = mark
            return
        self._walk(market, last, mark, gap=gap)

    def settle(self, market: Market) -> None:
        """Execute what the present prices reach already (a stop attached behind them, an eaten margin)."""
        if market.last:
            self._walk(market, market.last, market.mark, gap=False)

    def _walk(self, market: Market, last: Price, mark: Price, *, gap: bool) -> None:
        state = self._state
        from_last, from_mark = market.last, market.mark
        progress = _START
        for _ in range(MOST_EXECUTIONS):
            crossing = self._next_crossing(market, (from_last, from_mark), (last, mark), progress)
            if crossing is None:
                break
            progress = crossing.at
            at = _END if gap else progress
            market.last = round_to(from_last + (last - from_last) * at, market.tick)
            market.mark = round_to(from_mark + (mark - from_mark) * at, market.tick)
            state.account.marks[market.symbol] = market.mark
            self._execute(crossing.subject, market)
        else:
            raise RuntimeError(f"{market.symbol}: over {MOST_EXECUTIONS} executions in one movement of the price")
        market.last, market.mark = last, mark
        state.account.marks[market.symbol] = mark
        self._refresh_bounds(market)

    def _execute(self, subject: SimOrder | SimPosition, market: Market) -> None:
        if isinstance(subject, SimPosition):
            self._execution.liquidate(subject, market.last)
        elif subject.conditional:
            self._execution.trigger(subject)
        else:
            self._execution.rest(subject)

    def _next_crossing(
        self, market: Market, start: tuple[Price, Price], end: tuple[Price, Price], progress: Decimal
    ) -> _Crossing | None:
        nearest: _Crossing | None = None
        for order in self._state.orders.working(market.symbol):
            level = order.level
            if level is None or order.allowance == ZERO:
                continue
            watches_mark = order.conditional and order.trigger_source is TriggerSource.MARK
            at = _reached(level, start[watches_mark], end[watches_mark], rises=order.rises)
            if at is not None:
                nearest = _nearer(nearest, _Crossing(at=max(at, progress), number=order.number, subject=order))
        for position in self._positions(market):
            level = self._state.account.liquidation_price(position)
            at = _reached(level, start[1], end[1], rises=position.side is Side.SHORT) if level else None
            if at is not None:
                # An order at the same point is served first: it may be the stop.
                nearest = _nearer(nearest, _Crossing(at=max(at, progress), number=1 << 62, subject=position))
        return nearest

    def _positions(self, market: Market) -> list[SimPosition]:
        positions = self._state.account.positions
        keys = ((market.symbol, None), (market.symbol, Side.LONG), (market.symbol, Side.SHORT))
        return [positions[key] for key in keys if key in positions]

    def _refresh_bounds(self, market: Market) -> None:
        lows = [NEVER_LOW, NEVER_LOW]
        highs = [NEVER_HIGH, NEVER_HIGH]
        for order in self._state.orders.working(market.symbol):
            level = order.level
            if level is None or order.allowance == ZERO:
                continue
            source = int(order.conditional and order.trigger_source is TriggerSource.MARK)
            if order.rises:
                highs[source] = min(highs[source], level)
            else:
                lows[source] = max(lows[source], level)
        cross = False
        for position in self._positions(market):
            level = self._state.account.liquidation_price(position)
            cross = cross or position.margin_mode is MarginMode.CROSS
            if position.side is Side.SHORT:
                highs[1] = min(highs[1], level)
            elif level:
                lows[1] = max(lows[1], level)
        market.last_low, market.mark_low = lows
        market.last_high, market.mark_high = highs
        # Where the whole account secures a position, every other market moves its liquidation price.
        market.stale = cross and len(self._state.account.positions) > 1


def _reached(level: Price, start: Price, end: Price, *, rises: bool) -> Decimal | None:
    """How far along the way from ``start`` to ``end`` the level is reached; ``None`` when it is not."""
    if start >= level if rises else start <= level:
        return _START
    if end < level if rises else end > level:
        return None
    return (level - start) / (end - start)


def _nearer(first: _Crossing | None, second: _Crossing) -> _Crossing:
    if first is None or (second.at, second.number) < (first.at, first.number):
        return second
    return first
