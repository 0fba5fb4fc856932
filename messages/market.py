"""Prices on their way from a market stream to whoever they concern."""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from messages.delivery import Conflation, Delivery, Lane
from messages.values import Price, Side, Symbol, Venue


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """The last and mark price of one symbol, with the extremes of what was merged into it.

    Attributes:
        high: Highest last price since the tick before; ``low`` the lowest.
        count: How many ticks of the stream stand behind this one.
        time_ms: The venue's time of the last of them, UTC.
        minute_ago: The last price a minute before, where the market actor knows it.
        watch: For which watch (see WatchMarket) the market actor forwarded it; 0 as it comes from the stream.
    """

    DELIVERY: ClassVar[Delivery]

    venue: Venue
    symbol: Symbol
    last: Price
    mark: Price
    high: Price
    low: Price
    time_ms: int
    bid: Price | None = None
    ask: Price | None = None
    minute_ago: Price | None = None
    count: int = 1
    watch: int = 0


def merge_ticks(waiting: Tick, arriving: Tick) -> Tick:
    """One tick for both, in the order in which they came: nothing that could move a stop is lost (S8.5)."""
    return Tick(
        venue=arriving.venue,
        symbol=arriving.symbol,
        last=arriving.last,
        mark=arriving.mark,
        high=max(waiting.high, arriving.high),
        low=min(waiting.low, arriving.low),
        time_ms=arriving.time_ms,
        bid=arriving.bid,
        ask=arriving.ask,
        minute_ago=arriving.minute_ago,
        # Only what was forwarded for the present watch is counted as handled by whoever watches.
        count=arriving.count + (waiting.count if waiting.watch == arriving.watch else 0),
        watch=arriving.watch,
    )


def _subject(tick: Tick) -> tuple[str, str]:
    return (tick.venue, tick.symbol)


Tick.DELIVERY = Delivery(lane=Lane.NORMAL, idempotent=True, conflation=Conflation(key=_subject, merge=merge_ticks))


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionBand:
    """Told by a position to its market actor: between these prices, exclusive, nothing can change for it.

    ``None`` on a side means that no price on that side matters. ``handled`` is how many ticks of its ``watch`` the
    position has handled so far: while a forwarded one is still unhandled, the market actor forwards every tick. While
    the last minute moved by ``momentum_percent`` to ``momentum_side`` every tick matters as well (S8.2); with
    ``everything`` every one does.
    """

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.PROTECTIVE, idempotent=True)

    path: str
    venue: Venue
    symbol: Symbol
    lower: Price | None
    upper: Price | None
    handled: int
    watch: int
    momentum_side: Side | None = None
    momentum_percent: Decimal = Decimal(0)
    everything: bool = False
