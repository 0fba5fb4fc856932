"""What one position's actor knows of the market, and what it lets the market actor keep from it."""

from typing import Final

from actors.kernel import Context, Ref
from messages.guarding import QuotePosition
from messages.instruments import Instrument
from messages.market import AttentionBand, Tick
from messages.orders import FillReport
from messages.positions import PositionSummary, WakeUp
from messages.state import StopOrder
from messages.supervision import WatchMarket
from messages.values import Price, Side, Venue
from rules.attention import attention_band, attention_due_ms
from rules.position_case import PositionCase, Situation

WATCHES_AN_EPOCH: Final = 1_000_000


class MarketWatch:
    """The last prices of one symbol, and the band between which nothing can change."""

    def __init__(self, *, venue: Venue, market: Ref) -> None:
        self.last: Price | None = None
        self.mark: Price | None = None
        self.minute_ago: Price | None = None
        self._venue = venue
        self._market = market
        self._time_ms = 0
        self._watches = 0
        self._watch = 0
        self._handled = 0
        self._told: AttentionBand | None = None

    @property
    def priced_ms(self) -> int | None:
        """The venue's time of the prices, UTC; ``None`` before the first."""
        return self._time_ms or None

    def start(self, context: Context, situation: Situation) -> None:
        """Ask for every tick: at the start, after a restart of the market actor, and before an opening."""
        self._watches += 1
        self._watch = context.epoch * WATCHES_AN_EPOCH + self._watches
        self._handled = 0
        self._told = None
        symbol = situation.instrument.symbol
        self._market.tell(WatchMarket(path=context.path, symbol=symbol, watch=self._watch))

    def take(self, tick: Tick) -> None:
        """Remember what a tick says; each one taken is answered with a band."""
        if tick.watch == self._watch:
            self._handled += tick.count
        self._told = None
        self.last, self.mark, self.minute_ago = tick.last, tick.mark, tick.minute_ago
        self._time_ms = tick.time_ms

    def traded(self, fill: FillReport) -> None:
        """A fill is news of the price where the band keeps the ticks away; the mark is as far from it as before."""
        if self.last is not None and self.mark is not None and fill.time_ms > self._time_ms:
            self.mark += fill.price - self.last
            self.last = fill.price
            self._time_ms = fill.time_ms

    def see(self, tick: Tick | None) -> None:
        """A price that came another way than by the band, which stays as it is."""
        if tick is not None and tick.time_ms >= self._time_ms:
            self.last, self.mark, self._time_ms = tick.last, tick.mark, tick.time_ms

    def show(self, case: PositionCase | None, instrument: Instrument, path: str) -> None:
        """Have the position of ``case``, if there is one, shown at ``path`` beside the newest price."""
        summary = self.summary(case, instrument)
        if summary is not None:
            self._market.tell(QuotePosition(path=path, summary=summary))

    def summary(self, case: PositionCase | None, instrument: Instrument) -> PositionSummary | None:
        """The position of ``case`` for people, beside the prices as they were last seen here."""
        if case is None:
            return None
        return PositionSummary(
            position=case.position,
            trailing=case.trailing,
            last_price=self.last,
            mark_price=self.mark,
            contract_size=instrument.contract_size,
        )

    def tell(self, context: Context, case: PositionCase | None, situation: Situation) -> None:
        """Say between which prices nothing can change; without a position none matters.

        Every one matters without a stop, and while a close, or an exit that was refused, follows the market.
        """
        lower, upper = None, None
        side = None
        working = None
        closing = False
        if case is not None and case.position.quantity > 0:
            closing = case.position.close_reason is not None or case.position.aged.attempts > 0
            side = case.position.side
            working = case.position.stop.working
            if working is not None:
                lower, upper = self._band(context, case, working, situation)
        band = AttentionBand(
            path=context.path,
            venue=self._venue,
            symbol=situation.instrument.symbol,
            lower=lower,
            upper=upper,
            handled=self._handled,
            watch=self._watch,
            momentum_side=side,
            momentum_percent=situation.policies.trailing.momentum_percent,
            everything=side is not None and (working is None or closing),
        )
        if band != self._told:
            self._told = band
            self._market.tell(band)

    def _band(
        self, context: Context, case: PositionCase, working: StopOrder, situation: Situation
    ) -> tuple[Price | None, Price | None]:
        position, policy = case.position, situation.policies.trailing
        due_ms = attention_due_ms(
            state=case.trailing, now_ms=situation.now_ms, opened_ms=position.opened_ms, policy=policy
        )
        if due_ms is not None:
            context.schedule_once("due", (due_ms - situation.now_ms) / 1_000, WakeUp())
        first = next((item for item in position.take_profits if item.level == 1), None)
        lower, upper = attention_band(
            state=case.trailing,
            side=position.side,
            entry_price=position.entry_price,
            breakeven_price=situation.breakeven_of(position),
            take_profit_1=first.trigger_price if first is not None else None,
            stop_price=working.trigger_price,
            now_ms=situation.now_ms,
            opened_ms=position.opened_ms,
            minute_ago_price=None,
            tick=situation.instrument.price_tick,
            policy=policy,
        )
        trailed = case.trailing.stop_price
        if position.stop.attempts == 0 or trailed is None:
            return lower, upper
        # The venue refuses to move the stop there: the price itself is watched instead (F10).
        return (trailed, upper) if position.side is Side.LONG else (lower, trailed)
