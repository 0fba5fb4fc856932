"""The prices of one venue.

**Owns** the last price of each symbol, a minute of its history, the extremes of its present quarter of an hour, and who
needs to see which price.
**Accepts** Tick (from the market stream), WatchMarket and AttentionBand (from positions), PolledPrice (from the desk),
PriceOf (asked), CheckSignal and PriceAddition (from the desk), QuotePosition (from positions), and its own timer.
**Sends** Tick to a position whose band it leaves, or that has not handled the last one yet; SignalChecked, with bid and
ask, to whoever asked; OpenPosition to a position that is added to; PositionQuoted to the guard; QuarterEnded to the
regime monitor; SymbolWanted and, when prices that somebody needs stop coming, StreamOfNoUse to the stream actor and
ReadAccountNow to the account actor.
**On crash** the history of the last minute and the quarter so far are lost; positions, which watch this actor, ask
again for every tick.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final, assert_never

from actors.addresses import Directory
from actors.kernel import Actor, Ref
from actors.price_minute import PriceMinute
from actors.quarter import Quarter
from messages.guarding import PositionQuoted, QuotePosition
from messages.market import AttentionBand, Tick
from messages.positions import PriceAddition
from messages.supervision import (
    CheckSignal,
    Due,
    LastPrice,
    PolledPrice,
    PriceOf,
    ReadAccountNow,
    SignalChecked,
    StreamOfNoUse,
    SymbolWanted,
    WatchMarket,
)
from messages.values import ZERO, Price, Side, Symbol

CHECK_EVERY_S: Final = 1.0
POLL_EVERY_MS: Final = 2_000
RECONNECT_EVERY_MS: Final = 15_000
FRESH_MS: Final = 20_000
"""How old a price may be by which a spread is judged: recorded candles have one every 15 s."""
MAX_UNCHECKED: Final = 100


@dataclass(slots=True)
class _Watcher:
    ref: Ref
    lower: Price | None = None
    upper: Price | None = None
    watches_all: bool = True
    watch: int = 0
    told: int = 0
    handled: int = 0
    momentum_side: Side | None = None
    momentum_percent: Decimal = ZERO
    unseen_high: Price | None = None
    unseen_low: Price | None = None

    @property
    def is_interested(self) -> bool:
        """Whether any price matters to it now."""
        return self.watches_all or self.lower is not None or self.upper is not None

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
        self.ref.tell(replace(tick, high=high, low=low, minute_ago=minute_ago, watch=self.watch))

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
    heard_ms: int = 0
    minute: PriceMinute = field(default_factory=PriceMinute)
    watchers: dict[str, _Watcher] = field(default_factory=dict)
    unchecked: list[CheckSignal] = field(default_factory=list)
    quarter: Quarter = field(default_factory=Quarter)


class MarketActor(Actor):
    """Forwards to each position the ticks that can change something for it, and no others."""

    def __init__(
        self,
        *,
        directory: Directory,
        stream_path: str,
        account_path: str,
        regime_path: str,
        stale_after_s: float | None,
    ) -> None:
        """``stale_after_s``: how long a price that somebody needs may stay away; ``None`` as long as it likes."""
        super().__init__()
        self._directory = directory
        self._stream_path = stream_path
        self._account_path = account_path
        self._regime_path = regime_path
        self._stale_after_s = stale_after_s
        self._markets: dict[Symbol, _Market] = {}
        self._stale: frozenset[Symbol] = frozenset()
        self._polled_ms = 0
        self._reconnected_ms = 0

    def on_start(self) -> None:
        if self._stale_after_s is not None:
            self.context.schedule_every("check", CHECK_EVERY_S, Due(what="check"))

    def describe(self) -> Mapping[str, object]:
        """Which symbols have prices, and which of them are stale."""
        return {"symbols": list(self._markets), "stale": sorted(self._stale)}

    def on_receive(
        self,
        message: Tick
        | WatchMarket
        | AttentionBand
        | PolledPrice
        | PriceOf
        | CheckSignal
        | QuotePosition
        | PriceAddition
        | Due,
    ) -> LastPrice | None:
        match message:
            case Tick():
                self._market(message.symbol).heard_ms = self.context.now_ms()
                self._on_tick(message)
            case PolledPrice():
                self._on_polled(message)
            case Due():
                self._check(self.context.now_ms())
            case WatchMarket():
                self._on_watch(message)
            case AttentionBand():
                self._on_band(message)
            case PriceOf(symbol=symbol):
                return self._price_of(symbol)
            case CheckSignal():
                self._on_check(message)
            case QuotePosition(path=path, summary=summary):
                last = self._market(summary.position.key.symbol).last
                if last is not None:
                    self._tell(path, PositionQuoted(summary=summary, tick=last))
            case PriceAddition(path=path, command=command):
                last = self._market(command.signal.symbol).last
                self._tell(path, replace(command, tick=last))
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
        ended = market.quarter.take(tick)
        if ended is not None:
            self._tell(self._regime_path, ended)
        market.last = tick
        market.minute.take(tick)
        if market.unchecked:
            unchecked, market.unchecked = market.unchecked, []
            for check in unchecked:
                self._answer(check, tick)
        minute_ago = market.minute.ago(tick.time_ms) if market.watchers else None
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
        if not market.watchers:
            market.heard_ms = self.context.now_ms()
            self._tell(self._stream_path, SymbolWanted(symbol=message.symbol))
        watcher = market.watchers[message.path] = _Watcher(ref, watch=message.watch)
        if market.last is not None:
            watcher.tell(market.last, market.minute.ago(market.last.time_ms))

    def _on_check(self, message: CheckSignal) -> None:
        """Answered with a price of now: at once, or with the next tick, for which the symbol may have to be wanted."""
        market = self._market(message.symbol)
        if market.last is not None and self.context.now_ms() - market.heard_ms <= FRESH_MS:
            self._answer(message, market.last)
        elif len(market.unchecked) < MAX_UNCHECKED:
            market.unchecked.append(message)
            self._tell(self._stream_path, SymbolWanted(symbol=message.symbol))

    def _answer(self, check: CheckSignal, tick: Tick) -> None:
        answer = SignalChecked(signal_id=check.signal_id, venue=tick.venue, bid=tick.bid, ask=tick.ask)
        self._tell(check.path, answer)

    # --- prices that stay away ----------------------------------------------------------------------------------------

    def _check(self, now_ms: int) -> None:
        """The stream may be connected and answer pings and still bring nothing: then prices are asked for (F11)."""
        limit_ms = int((self._stale_after_s or 0.0) * 1_000)
        self._stale = frozenset(
            symbol
            for symbol, market in self._markets.items()
            if now_ms - market.heard_ms > limit_ms and any(each.is_interested for each in market.watchers.values())
        )
        if not self._stale:
            return
        why = f"no price of {', '.join(sorted(self._stale))} for {limit_ms / 1_000:g} s"
        if now_ms - self._polled_ms >= POLL_EVERY_MS:
            self._polled_ms = now_ms
            self._tell(self._account_path, ReadAccountNow(why=why))
        if now_ms - self._reconnected_ms >= RECONNECT_EVERY_MS:
            self._reconnected_ms = now_ms
            self._tell(self._stream_path, StreamOfNoUse(why=why))

    def _on_polled(self, message: PolledPrice) -> None:
        """It may be the first of all: the stream need not have brought any."""
        if message.symbol not in self._stale:
            return
        price, now_ms = message.mark, self.context.now_ms()
        last = self._market(message.symbol).last or Tick(
            venue=message.venue, symbol=message.symbol, last=price, mark=price, high=price, low=price, time_ms=now_ms
        )
        self._on_tick(replace(last, last=price, mark=price, high=price, low=price, time_ms=now_ms, count=1))

    def _tell(self, path: str, message: object) -> None:
        ref = self._directory(path)
        if ref is not None:
            ref.tell(message)

    def _on_band(self, message: AttentionBand) -> None:
        watcher = self._market(message.symbol).watchers.get(message.path)
        if watcher is not None and watcher.watch == message.watch:
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
