"""A position's trailing stop on its way through ticks: the venue confirms every move at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import strategies as st

from messages.state import TrailingPhase, TrailingState
from messages.values import Price, Side
from rules.attention import attention_band, attention_due_ms
from rules.pnl import breakeven_price
from rules.trailing import TrailingPolicy, TrailingStep, confirmed, may_update, start_trailing, trail
from tests.rules.builders import POSITION_ID, sides

ENTRY_TICKS = 10_000
"""The entry price in ticks, so that one percent is a hundred of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What stays the same while a position lives."""

    side: Side = Side.LONG
    tick: Price = Decimal("0.1")
    policy: TrailingPolicy = field(default_factory=TrailingPolicy)
    commission_percent: Decimal = Decimal("0.1")
    take_profit_1: Price | None = None
    minute_ago_price: Price | None = None

    @property
    def entry_price(self) -> Price:
        return ENTRY_TICKS * self.tick

    @property
    def breakeven(self) -> Price:
        return breakeven_price(
            side=self.side, entry_price=self.entry_price, commission_percent=self.commission_percent, tick=self.tick
        )

    def price(self, offset: int) -> Price:
        """The price ``offset`` ticks from the entry in the position's favour."""
        return (ENTRY_TICKS + offset if self.side is Side.LONG else ENTRY_TICKS - offset) * self.tick

    def offset(self, price: Price) -> Decimal:
        """The other way round."""
        units = price / self.tick - ENTRY_TICKS
        return units if self.side is Side.LONG else -units


@dataclass(slots=True, kw_only=True)
class Walk:
    """One position; ``opened_ms`` is 1000 and the first stop 2 % away."""

    setting: Setting
    state: TrailingState
    working: Price
    opened_ms: int = 1_000
    moves: list[tuple[int, Price]] = field(default_factory=list)
    phases: list[TrailingPhase] = field(default_factory=list)
    handled: int = 0

    def take(self, offsets: Sequence[int], now_ms: int) -> TrailingStep:
        """One tick, merged from prices that are ``offsets`` ticks from the entry."""
        setting = self.setting
        prices = [setting.price(offset) for offset in offsets]
        step = trail(
            state=self.state,
            side=setting.side,
            entry_price=setting.entry_price,
            breakeven_price=setting.breakeven,
            take_profit_1=setting.take_profit_1,
            stop_price=self.working,
            high=max(prices),
            low=min(prices),
            last=prices[-1],
            now_ms=now_ms,
            opened_ms=self.opened_ms,
            minute_ago_price=setting.minute_ago_price,
            tick=setting.tick,
            policy=setting.policy,
        )
        self.handled += 1
        if step.state.phase is not self.state.phase:
            self.phases.append(step.state.phase)
        self.state = step.state
        self.update(now_ms)
        return step

    def update(self, now_ms: int) -> None:
        """Move the working stop to the wanted one, where that may be."""
        wanted = self.state.stop_price
        if wanted is not None and may_update(
            state=self.state,
            side=self.setting.side,
            working_stop=self.working,
            wanted_stop=wanted,
            now_ms=now_ms,
            policy=self.setting.policy,
        ):
            self.working = wanted
            self.state = confirmed(self.state, stop_price=wanted, now_ms=now_ms)
            self.moves.append((now_ms, wanted))

    def band(self, now_ms: int) -> tuple[Price | None, Price | None]:
        setting = self.setting
        return attention_band(
            state=self.state,
            side=setting.side,
            entry_price=setting.entry_price,
            breakeven_price=setting.breakeven,
            take_profit_1=setting.take_profit_1,
            stop_price=self.working,
            now_ms=now_ms,
            opened_ms=self.opened_ms,
            minute_ago_price=setting.minute_ago_price,
            tick=setting.tick,
            policy=setting.policy,
        )

    def due_ms(self, now_ms: int) -> int | None:
        return attention_due_ms(state=self.state, now_ms=now_ms, opened_ms=self.opened_ms, policy=self.setting.policy)


def a_walk(setting: Setting) -> Walk:
    return Walk(
        setting=setting,
        state=start_trailing(
            position_id=POSITION_ID,
            side=setting.side,
            entry_price=setting.entry_price,
            now_ms=1_000,
            policy=setting.policy,
        ),
        working=setting.price(-200),
    )


def _percent(least: str, most: str) -> st.SearchStrategy[Decimal]:
    return st.decimals(least, most, places=2)


policies = st.builds(
    TrailingPolicy,
    activation_percent=_percent("0.3", "3"),
    callback_percent=_percent("0.1", "2"),
    breakeven_at_percent=_percent("0.2", "3"),
    activate_after_minutes=st.sampled_from([0, 0, 1, 3]),
    min_improvement_percent=_percent("0.01", "0.5"),
    emergency_override_percent=_percent("0.3", "2"),
)
settings = st.builds(
    Setting,
    side=sides(),
    tick=st.sampled_from([Decimal("0.1"), Decimal("0.5"), Decimal("0.00001"), Decimal("2.5")]),
    policy=policies,
)


@st.composite
def walks(draw: st.DrawFn, *, longest: int = 40) -> list[tuple[int, list[int]]]:
    """Ticks of one to three merged prices, as (UTC ms, offsets from the entry in ticks), drifting in one direction."""
    drift, stride = draw(st.sampled_from([(0, 3), (2, 5), (8, 25), (25, 70), (-5, 70)]))
    now_ms, offset, path = 1_000, draw(st.sampled_from([0, 0, 90, 140, 250])), []
    for _ in range(draw(st.integers(1, longest))):
        now_ms += draw(st.integers(100, 30_000))
        offsets = []
        for _ in range(draw(st.integers(1, 3))):
            offset = max(-5_000, min(5_000, offset + drift + draw(st.integers(-stride, stride))))
            offsets.append(offset)
        path.append((now_ms, offsets))
    return path
