"""A life at random, by seed: prices walk, messages go wrong, actors crash, the process is killed; then calm."""

import os
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

from msgspec.structs import replace

from actors.kernel import ProcessKilled
from adapters.simulator.fault_script import EventType, FaultAction, FaultRule, RequestType, random_faults
from adapters.simulator.profiles import PROFILES, IdRule, Profile
from messages.orders import OrderSpec
from messages.values import ClientOrderId, OrderKind, OrderPurpose, Price, Symbol
from messages.venue import CancelOrder, RejectReason
from tests.scenarios.stage import a_world
from tests.scenarios.world import World

PRICES: dict[Symbol, Price] = {
    Symbol("BTCUSDT"): Decimal(42_000),
    Symbol("ETHUSDT"): Decimal(3_000),
    Symbol("SOLUSDT"): Decimal(100),
}
CALM_S = 330.0
"""After the last fault: time-outs run out, the account is read twice, protection is verified."""
DEAD_FOR_S = (0.0, 0.5, 3.0, 12.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How rough a life is; probabilities a step of one to ten seconds."""

    duration_s: float = 300.0
    request_probability: float = 0.02
    event_probability: float = 0.03
    signal: float = 0.25
    crash: float = 0.05
    kill: float = 0.03
    by_hand: float = 0.02
    jump: float = 0.05


class _Stray:
    """A message that no actor knows: handling it is a bug, so it crashes the actor."""


class Soak:
    """One seed's life."""

    def __init__(self, seed: int, weather: Weather) -> None:
        self.random = random.Random(seed)
        self.weather = weather
        self.profile = list(PROFILES.values())[seed % len(PROFILES)]
        self.world = self._begun(seed)
        self.kills = 0
        self.deeds: dict[Callable[[], None], float] = {
            self._signal: weather.signal,
            self._crash: weather.crash,
            self._kill: weather.kill,
            self._take_stop_away: weather.by_hand,
        }

    def _begun(self, seed: int) -> World:
        return a_world(
            self.profile,
            *usual_faults(seed, self.weather, self.profile),
            seed=seed,
            prices=PRICES,
            size_usd=Decimal(420),
        )

    @property
    def planted_crashes(self) -> int:
        """How many actors crashed because they were made to."""
        return sum(crash.message == _Stray.__name__ for crash in self.world.crashes)

    def live(self) -> World:
        """Rough weather, then calm; gives the world as it is then."""
        world = self.world
        end_ms = world.time.now_ms() + int(self.weather.duration_s * 1_000)
        while world.time.now_ms() < end_ms:
            self._walk()
            for deed, probability in self.deeds.items():
                if self.random.random() < probability:
                    deed()
            world.run_for(self.random.choice((1, 2, 3, 5, 10)))
            self._restart_if_dead()
        world.kill_at = None
        self._restart_if_dead()
        world.run_for(CALM_S)
        return world

    def _walk(self) -> None:
        for symbol, price in self.world.market.prices.items():
            jumps = self.random.random() < self.weather.jump
            percent = self.random.choice((-3, -2, 2, 3)) if jumps else self.random.uniform(-0.4, 0.4)
            tick = 1 if price > 1_000 else Decimal("0.01")
            moved = price * (1 + Decimal(f"{percent:.3f}") / 100)
            self.world.price(moved // tick * tick, symbol)

    def _signal(self) -> None:
        symbol = self.random.choice(list(PRICES))
        self.world.signal(symbol, self.random.choice(("BUY", "SELL")))

    def _crash(self) -> None:
        process = self.world.process
        if process is not None:
            paths = [path for path in process.system.paths() if not path.startswith("/signal")]
            process.system.ref(self.random.choice(paths)).tell(_Stray())

    def _kill(self) -> None:
        """At one of the next boundaries, wherever that is."""
        self.world.kill_at = len(self.world.boundaries) + self.random.randint(1, 40)

    def _restart_if_dead(self) -> None:
        while self.world.process is None:
            self.kills += 1
            self.world.run_for(self.random.choice(DEAD_FOR_S))
            self.world.signals.rewind()
            with suppress(ProcessKilled):
                self.world.start()

    def _take_stop_away(self) -> None:
        stops = [order for order in self.world.account().orders if order.kind is OrderKind.STOP_MARKET]
        if stops:
            stop = self.random.choice(stops)
            self.world.exchange.by_hand(
                CancelOrder(
                    order=OrderSpec(
                        client_order_id=stop.client_order_id or ClientOrderId("byhand"),
                        venue_order_id=stop.venue_order_id,
                        symbol=stop.symbol,
                        side=stop.side,
                        kind=stop.kind,
                        purpose=OrderPurpose.STOP,
                        quantity=stop.quantity,
                        reduce_only=True,
                    )
                )
            )


def seeds_asked_for() -> Sequence[int]:
    """From ``HOLDFAST_SOAK_SEEDS=first-last``; none where it is not set."""
    first, _, last = os.environ.get("HOLDFAST_SOAK_SEEDS", "").partition("-")
    return range(int(first), int(last) + 1) if first else ()


def usual_faults(seed: int, weather: Weather, profile: Profile) -> list[FaultRule]:
    """Everything that the simulator can do to a message, until the calm."""
    # Where an id is free again when its order has ended, nobody can keep a network from delivering a request twice.
    twice = weather.request_probability if profile.ids is IdRule.ALWAYS else 0.0
    usual = random_faults(
        seed=seed, request_probability=weather.request_probability, event_probability=weather.event_probability
    ).rules
    more = (
        FaultRule(action=FaultAction.EVENT_LOST, probability=weather.event_probability),
        FaultRule(action=FaultAction.DUPLICATE_REQUEST, probability=twice, delay_s=0.5),
        FaultRule(
            action=FaultAction.REJECT,
            requests=(RequestType.PLACE, RequestType.AMEND),
            reason=RejectReason.OTHER,
            probability=weather.request_probability,
        ),
        FaultRule(
            action=FaultAction.PARTIAL_FILL,
            requests=(RequestType.PLACE,),
            purposes=(OrderPurpose.ENTRY, OrderPurpose.TAKE_PROFIT_1, OrderPurpose.CLOSE),
            quantities=(Decimal("0.001"), Decimal("0.002")),
            every_s=1.0,
            fill_rest=True,
            probability=0.2,
        ),
        FaultRule(
            action=FaultAction.RATE_LIMIT, probability=weather.request_probability / 4, retry_after_s=2.0, text="429"
        ),
        FaultRule(
            action=FaultAction.EVENT_LATE, events=(EventType.TICK,), probability=weather.event_probability, delay_s=2.0
        ),
    )
    until = [replace(rule, until_s=weather.duration_s) for rule in (*usual, *more)]
    drops = [
        FaultRule(action=FaultAction.STREAM_DROP, from_s=at_s, for_s=4.0)
        for at_s in (weather.duration_s * 0.3, weather.duration_s * 0.7)
    ]
    return [*until, *drops]
