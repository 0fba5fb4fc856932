"""What the house and the venue are like in a wider life: each seed draws another one."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from adapters.simulator.fault_script import EventType, FaultAction, FaultRule, RequestType
from adapters.simulator.paper_config import Delay
from adapters.simulator.profiles import IdRule, Profile
from messages.settings import GuardMode
from messages.values import OrderPurpose, Quantity, Symbol
from rules.aged import AgedPolicy
from rules.guard import GuardPolicy
from tests.scenarios.soak import PRICES, Weather, usual_faults
from tests.scenarios.world import an_instrument

if TYPE_CHECKING:
    from messages.instruments import Instrument

BTC, ETH, SOL = PRICES
BORDERS: Final = ((60, 45, 30, 15), (70, 65, 60, 50), (66, 60, 58, 10))
"""Of the guard: as they are by default, and so high that it acts."""


class Style(StrEnum):
    """How the venue counts what is traded."""

    FINE = "fine"
    COARSE = "coarse"
    CONTRACTS = "contracts"
    CAPPED = "capped"

    def instrument(self, symbol: Symbol, min_notional: int) -> Instrument:
        """``symbol`` as it is traded there; ``min_notional`` is that of the cheapest."""
        changes: dict[str, object] = {}
        match self:
            case Style.COARSE:
                step = {BTC: Decimal("0.005"), ETH: Decimal("0.05"), SOL: Decimal(1)}[symbol]
                changes = {"quantity_step": step, "min_quantity": step}
            case Style.CONTRACTS:
                size = {BTC: Decimal("0.001"), ETH: Decimal("0.01"), SOL: Decimal("0.1")}[symbol]
                changes = {"contract_size": size, "quantity_step": Decimal(1), "min_quantity": Decimal(1)}
            case Style.CAPPED:
                largest = {BTC: Decimal("0.004"), ETH: Decimal("0.05"), SOL: Decimal("1.5")}[symbol]
                changes = {"max_market_quantity": largest}
            case Style.FINE:
                pass
        if symbol == SOL:
            changes |= {"price_tick": Decimal("0.01"), "min_notional": Decimal(min_notional)}
        return an_instrument(symbol, **changes)

    def in_its_steps(self, rule: FaultRule) -> FaultRule:
        """``rule`` with pieces that the venue can fill."""
        if rule.action is not FaultAction.PARTIAL_FILL:
            return rule
        match self:
            case Style.COARSE:
                return replace(rule, quantities=(Decimal(1),), symbols=(SOL,))
            case Style.CONTRACTS:
                return replace(rule, quantities=(Decimal(1), Decimal(2)))
            case Style.FINE | Style.CAPPED:
                return rule

    @property
    def piece(self) -> Quantity:
        """Of a partial fill; in coarse steps, of the cheapest symbol."""
        return Decimal("0.001") if self in {Style.FINE, Style.CAPPED} else Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a seed's life is like; the order of the draws is that of the seeds that are on record as once failed."""

    weather: Weather
    hedge: bool
    style: Style
    instruments: tuple[Instrument, ...]
    aged: AgedPolicy
    guard: GuardPolicy
    entry_limit: bool
    faults: tuple[FaultRule, ...]
    delay: Delay
    size_usd: Decimal

    @staticmethod
    def of(seed: int, profile: Profile) -> Setting:
        """The setting of ``seed``."""
        drawn = random.Random(seed * 7919 + 1)
        weather = Weather(
            duration_s=drawn.choice((300.0, 600.0)),
            signal=drawn.choice((0.3, 0.5)),
            request_probability=drawn.choice((0.0, 0.02, 0.05)),
            event_probability=drawn.choice((0.0, 0.03, 0.08)),
            crash=drawn.choice((0.0, 0.03, 0.08)),
            kill=drawn.choice((0.0, 0.03, 0.08)),
            by_hand=drawn.choice((0.0, 0.03, 0.08)),
            jump=drawn.choice((0.03, 0.1, 0.2)),
        )
        hedge = profile.capabilities.hedge_mode and drawn.random() < 0.3
        style = Style(drawn.choice(("fine", "coarse", "contracts", "capped")))
        min_notional = drawn.choice((5, 100))
        aged = _aged(drawn) if drawn.random() < 0.6 else AgedPolicy()
        guard = _guard(drawn) if drawn.random() < 0.6 else GuardPolicy()
        drawn.random()
        entry_limit = drawn.random() < 0.25
        usual = tuple(style.in_its_steps(rule) for rule in usual_faults(seed, weather, profile))
        return Setting(
            weather=weather,
            hedge=hedge,
            style=style,
            instruments=tuple(style.instrument(symbol, min_notional) for symbol in PRICES),
            aged=aged,
            guard=guard,
            entry_limit=entry_limit,
            faults=(*usual, *_more_faults(drawn, weather, profile, style)),
            delay=Delay(min_ms=5, max_ms=drawn.choice((20, 300))),
            size_usd=Decimal(drawn.choice((420, 900))),
        )


def _aged(drawn: random.Random) -> AgedPolicy:
    """Minutes instead of hours, and a loss that grows as quickly."""
    minute = Decimal(1) / 60
    return AgedPolicy(
        max_age_hours=drawn.choice((1, 3)) * minute,
        grace_hours=minute,
        loss_step_percent=Decimal(15),
        max_loss_percent=Decimal("1.5"),
        check_every_ms=drawn.choice((20_000, 60_000)),
    )


def _guard(drawn: random.Random) -> GuardPolicy:
    low, medium, high, critical = map(Decimal, drawn.choice(BORDERS))
    return GuardPolicy(mode=GuardMode.ACT, borders=(low, medium, high, critical))


def _more_faults(drawn: random.Random, weather: Weather, profile: Profile, style: Style) -> list[FaultRule]:
    faults = []
    placed = (RequestType.PLACE,)
    moving = (RequestType.PLACE, RequestType.AMEND, RequestType.CANCEL)
    if drawn.random() < 0.5 and weather.request_probability and profile.ids is IdRule.ALWAYS:
        late_s = drawn.choice((0.3, 2.5))
        faults.append(FaultRule(action=FaultAction.LATE_EXECUTION, requests=moving, probability=0.05, delay_s=late_s))
    if drawn.random() < 0.5 and weather.request_probability:
        faults.append(
            FaultRule(
                action=FaultAction.PARTIAL_FILL,
                requests=placed,
                purposes=tuple(OrderPurpose),
                quantities=(style.piece,),
                every_s=drawn.choice((0.05, 0.7)),
                fill_rest=True,
                probability=0.2,
            )
        )
    if drawn.random() < 0.4:
        late_s = drawn.choice((0.2, 1.0, 3.0))
        faults.append(
            FaultRule(action=FaultAction.EVENT_LATE, events=(EventType.FILL,), probability=0.3, delay_s=late_s)
        )
    if drawn.random() < 0.3 and weather.request_probability:
        faults.append(FaultRule(action=FaultAction.FILL_AFTER_CANCEL, requests=(RequestType.CANCEL,), probability=0.3))
    return [replace(rule, until_s=weather.duration_s) for rule in faults]
