"""The prices of one venue.

**Owns** the last price of each symbol, a minute of its history, and who needs to see which price.
**Accepts** Tick (from the market stream), WatchMarket and AttentionBand (from positions), PriceOf (asked).
**Sends** Tick to a position whose band it leaves, or that has not handled the last one yet.
**On crash** the history of the last minute is lost; positions, which watch this actor, ask again for every tick.
"""

from collections import deque
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final, assert_never

from actors.addresses import Directory
from actors.kernel import Actor, Ref
from messages.market import AttentionBand, Tick
from messages.supervision import LastPrice, PriceOf, WatchMarket
from messages.values import ZERO, Price, Side, Symbol

MINUTE_MS: Final = 60_000
HISTORY_STEP_MS: Final = 1_000


@dataclass(slots=True)
class _Watcher:
    ref: Ref
    lower: Price | None = None
    upper: Price | None = None
    watches_all: bool = True
    told: int = 0
    handled: int = 0
    momentum_side: Side | None = None
    momentum_percent: Decimal = ZERO
    unseen_high: Price | None = None
    unseen_low: Price | None = None

    def needs(self, tick: Tick, minute_ago: Price | None) -> bool:
        """A tick outside the band matters; and while one is unhandled, the band that follows from it is not known."""
        return (
            self.watches_all
            or self.told != self.handled
            or (self.lower is not None and tick.low <= self.lower)
            or (self.upper is not None and tick.high >= self.upper)
            or (minute_ago is not None and self._has_momentum(tick, minute_ago))
        )

    def tell(self, tick: Tick, minute_ago: Price | None) -> None:
        """Forward ``tick``, with the extremes of those that were not forwarded: no best price is lost (S8.5)."""
        high = tick.high if self.unseen_high is None else max(tick.high, self.unseen_high)
        low = tick.low if self.unseen_low is None else min(tick.low, self.unseen_low)
        self.unseen_high = self.unseen_low = None
        self.told += tick.count
        self.ref.tell(replace(tick, high=high, low=low, minute_ago=minute_ago))

    def remember(self, tick: Tick) -> None:
        """Keep the extremes of a tick that is not forwarded."""
        if self.unseen_high is None or tick.high > self.unseen_high:
            self.unseen_high = tick.high
        if self.unseen_low is None or tick.low < self.unseen_low:
            self.unseen_low = tick.low

    def _has_momentum(self, tick: Tick, minute_ago: Price) -> bool:
        moved = (tick.last - minute_ago) * 100
        if self.momentum_side is Side.SHORT:
            moved = -moved
        return self.momentum_side is not None and moved >= minute_ago * self.momentum_percent


@dataclass(slots=True)
class _Market:
    last: Tick | None = None
    history: deque[tuple[int, Price]] = field(default_factory=deque)
    watchers: dict[str, _Watcher] = field(default_factory=dict)

    def minute_ago(self, now_ms: int) -> Price | None:
        """The last price at least a minute old, once there is a minute of history."""
        found: Price | None = None
        while self.history and self.history[0][0] <= now_ms - MINUTE_MS:
            found = self.history[0][1]
            if len(self.history) > 1 and self.history[1][0] <= now_ms - MINUTE_MS:
                self.history.popleft()
            else:
                break
        return found

    def remember(self, tick: Tick) -> None:
        """Keep one price a second."""
        if not self.history or tick.time_ms - self.history[-1][0] >= HISTORY_STEP_MS:
            self.history.append((tick.time_ms, tick.last))


class MarketActor(Actor):
    """Forwards to each position the ticks that can change something for it, and no others."""

    def __init__(self, *, directory: Directory) -> None:
        super().__init__()
        self._directory = directory
        self._markets: dict[Symbol, _Market] = {}

    def on_receive(self, message: Tick | WatchMarket | AttentionBand | PriceOf) -> LastPrice | None:
        match message:
            case Tick():
                self._on_tick(message)
            case WatchMarket():
                self._on_watch(message)
            case AttentionBand():
                self._on_band(message)
            case PriceOf(symbol=symbol):
                return self._price_of(symbol)
            case _:
                assert_never(message)
        return None

    def _market(self, symbol: Symbol) -> _Market:
        market = self._markets.get(symbol)
        if market is None:
            market = self._markets[symbol] = _Market()
        return market

    def _on_tick(self, tick: Tick) -> None:
        market = self._market(tick.symbol)
        market.last = tick
        market.remember(tick)
        minute_ago = market.minute_ago(tick.time_ms) if market.watchers else None
        for watcher in market.watchers.values():
            if watcher.needs(tick, minute_ago):
                watcher.tell(tick, minute_ago)
            else:
                watcher.remember(tick)

    def _on_watch(self, message: WatchMarket) -> None:
        ref = self._directory(message.path)
        if ref is None:
            return
        market = self._market(message.symbol)
        watcher = market.watchers[message.path] = _Watcher(ref)
        if market.last is not None:
            watcher.tell(market.last, market.minute_ago(market.last.time_ms))

    def _on_band(self, message: AttentionBand) -> None:
        watcher = self._market(message.symbol).watchers.get(message.path)
        if watcher is not None:
            watcher.lower, watcher.upper = message.lower, message.upper
            watcher.handled = message.handled
            watcher.momentum_side = message.momentum_side
            watcher.momentum_percent = message.momentum_percent
            watcher.watches_all = message.everything

    def _price_of(self, symbol: Symbol) -> LastPrice | None:
        tick = self._market(symbol).last
        if tick is None:
            return None
        return LastPrice(symbol=symbol, last=tick.last, mark=tick.mark, time_ms=tick.time_ms)
