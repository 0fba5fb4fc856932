"""How the markets of one venue move: their candles, their volatility and their regime (S3).

**Owns** the candles of each symbol; they outlive it, and with a keeper the process.
**Accepts** QuarterEnded (from the market actor), Terminated of the risk actor and the guard, and its own timer.
**Sends** MarketConditions to the risk actor and the guard, Decision (a regime that changed, an event) to the journal.
**On crash** the candles are still there, and what they say is told again.
"""

from collections.abc import MutableMapping
from dataclasses import replace
from typing import Final, assert_never

from actors.kernel import Actor, Ref, Terminated
from actors.ports import CandleKeeper
from actors.record import Record
from messages.candles import CANDLE_MS, CandleHistory, QuarterEnded
from messages.conditions import MarketConditions, Regime
from messages.journal import EventRecord, Severity
from messages.supervision import Due
from messages.values import Symbol, Venue
from rules.candle_builder import MAX_FILLED, add_tick
from rules.regime import RegimePolicy, market_regime
from rules.volatility import Volatility, VolatilityPolicy, distance_factor, measured_volatility

VOLATILITY = VolatilityPolicy()
REGIME = RegimePolicy()
SAVE_AFTER_S: Final = 5.0
"""The candles of all symbols end within moments of each other: they are kept together."""


class RegimeMonitor(Actor):
    """Measures a market when one of its candles closes, and tells whoever opens."""

    def __init__(
        self,
        *,
        venue: Venue,
        risk: Ref,
        guard: Ref,
        journal: Ref,
        histories: MutableMapping[Symbol, CandleHistory],
        keeper: CandleKeeper | None,
        owner_epoch: int,
    ) -> None:
        super().__init__()
        self._venue = venue
        self._risk = risk
        self._guard = guard
        self._histories = histories
        self._keeper = keeper
        self._record = Record(journal=journal, owner_epoch=owner_epoch)
        self._told: dict[Symbol, MarketConditions] = {}

    def on_start(self) -> None:
        self.context.watch(self._risk)
        self.context.watch(self._guard)
        oldest_ms = self.context.now_ms() - (MAX_FILLED + 1) * CANDLE_MS
        for symbol, history in self._histories.items():
            if history.latest_ms > oldest_ms:
                self._tell(self._measured(symbol, history))

    def on_receive(self, message: QuarterEnded | Due | Terminated) -> None:
        match message:
            case QuarterEnded():
                self._on_quarter(message)
            case Due():
                if self._keeper is not None:
                    self._keeper.save(self._venue, self._histories)
            case Terminated():
                for told in self._told.values():
                    self._risk.tell(told)
                    self._guard.tell(told)
            case _:
                assert_never(message)

    def _on_quarter(self, message: QuarterEnded) -> None:
        history = self._histories.get(message.symbol, CandleHistory())
        history = add_tick(history, time_ms=message.last_ms, last=message.last, high=message.high, low=message.low)
        history = add_tick(history, time_ms=message.next_ms, last=message.next, high=message.next, low=message.next)
        self._histories[message.symbol] = history
        self.context.schedule_once("save", SAVE_AFTER_S, Due(what="save"))
        conditions = self._measured(message.symbol, history)
        before = self._told.get(message.symbol)
        self._tell(conditions)
        if conditions.regime is not (before.regime if before is not None else None):
            volatility = measured_volatility(candles=history.closed, policy=VOLATILITY)
            self._tell_regime(message.symbol, conditions.regime, volatility)

    def _measured(self, symbol: Symbol, history: CandleHistory) -> MarketConditions:
        volatility = measured_volatility(candles=history.closed, policy=VOLATILITY)
        return MarketConditions(
            venue=self._venue,
            symbol=symbol,
            regime=market_regime(candles=history.closed, policy=REGIME),
            distance_factor=distance_factor(volatility),
            volatility_ratio=None if volatility is None else volatility.now / volatility.usual,
        )

    def _tell(self, conditions: MarketConditions) -> None:
        self._told[conditions.symbol] = conditions
        self._risk.tell(conditions)
        self._guard.tell(conditions)

    def _tell_regime(self, symbol: Symbol, regime: Regime | None, volatility: Volatility | None) -> None:
        blank = self._record.blank(self.context)
        data = [("regime", str(regime or ""))]
        if volatility is not None:
            data += [
                ("range_now", f"{volatility.now:f}"),
                ("range_usual", f"{volatility.usual:f}"),
                ("distance_factor", f"{volatility.factor:f}"),
            ]
        event = EventRecord(
            kind="regime_changed",
            severity=Severity.INFO,
            text=f"the market is {regime}" if regime is not None else "too few candles to say how the market moves",
            at_ms=blank.at_ms,
            subject=f"{self._venue}/{symbol}",
            data=tuple(data),
        )
        self._record.write(replace(blank, events=(event,)))
