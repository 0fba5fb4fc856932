"""How healthy each position of one venue is, every half minute (S13).

**Owns** nothing that must outlive it: a position's level is on the position's own record; how volatile each market is
comes with its next candle.
**Accepts** PositionQuoted (from the market actor), MarketConditions (from the regime monitor), SettingsChanged, and its
own timer.
**Sends** InspectPosition and RiskJudged to positions.
**On crash** it looks again; nothing that was judged is judged twice.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, assert_never

from actors import addresses
from actors.addresses import Directory
from actors.kernel import Actor
from actors.policies import guard_policy
from messages.conditions import MarketConditions
from messages.guarding import InspectPosition, PositionQuoted, RiskJudged
from messages.state import PositionPhase
from messages.supervision import Due, SettingsChanged
from messages.values import Side, Symbol, Venue
from rules.guard import GuardedPosition, GuardPolicy, GuardScores, guard_verdict

LOOK_EVERY_S: Final = 30.0


class GuardMonitor(Actor):
    """Judges; what follows is each position's own decision."""

    def __init__(
        self, *, venue: Venue, policy: GuardPolicy, directory: Directory, paths: Callable[[], Sequence[str]]
    ) -> None:
        super().__init__()
        self._venue = venue
        self._policy = policy
        self._directory = directory
        self._paths = paths
        self._ratios: dict[Symbol, Decimal | None] = {}

    def on_start(self) -> None:
        self.context.schedule_every("look", LOOK_EVERY_S, Due(what="look"))

    def describe(self) -> Mapping[str, object]:
        """Whether it acts, and how volatile each market is against what is usual there."""
        return {"mode": self._policy.mode, "volatility": dict(self._ratios)}

    def on_receive(self, message: PositionQuoted | MarketConditions | SettingsChanged | Due) -> None:
        match message:
            case Due():
                self._look()
            case PositionQuoted():
                self._judge(message)
            case MarketConditions(symbol=symbol, volatility_ratio=ratio):
                self._ratios[symbol] = ratio
            case SettingsChanged(settings=settings):
                self._policy = guard_policy(settings)
            case _:
                assert_never(message)

    def _look(self) -> None:
        below = f"{addresses.positions(self._venue)}/"
        for path in self._paths():
            ref = self._directory(path) if path.startswith(below) else None
            if ref is not None:
                ref.tell(InspectPosition(path=self.context.path))

    def _judge(self, message: PositionQuoted) -> None:
        position, trailing, tick = message.summary.position, message.summary.trailing, message.tick
        if position.phase is not PositionPhase.ACTIVE or position.close_reason is not None or not position.quantity:
            return
        is_long = position.side is Side.LONG
        verdict = guard_verdict(
            position=GuardedPosition(
                side=position.side,
                entry_price=position.entry_price,
                price=tick.last,
                best=max(trailing.highest, tick.last) if is_long else min(trailing.lowest, tick.last),
                age_ms=self.context.now_ms() - position.opened_ms,
                volatility_ratio=self._ratios.get(tick.symbol),
                bid=tick.bid,
                ask=tick.ask,
            ),
            previous=position.risk_level,
            policy=self._policy,
        )
        ref = self._directory(addresses.position(position.key))
        if ref is not None and verdict.level is not position.risk_level:
            ref.tell(
                RiskJudged(
                    position_id=position.position_id,
                    level=verdict.level,
                    health=verdict.scores.health,
                    why=_in_words(verdict.scores),
                    due=verdict.due,
                    acts=verdict.acts,
                    tick=tick,
                )
            )


def _in_words(scores: GuardScores) -> str:
    return (
        f"pnl {scores.pnl:.0f}, drawdown {scores.drawdown:.0f}, volatility {scores.volatility:.0f}, "
        f"time {scores.age:.0f}, liquidity {scores.liquidity:.0f}"
    )
