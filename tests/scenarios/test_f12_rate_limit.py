"""F12: a restart with sixty positions meets a storm of 429, and then a ban.

Fails without the pause of the venue's queue (``VenueQueue.pause``) and without its budget (``RateBudget``).
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from actors.signals import WavePolicy
from adapters.simulator.fault_script import FaultAction, FaultRule, RequestType
from adapters.simulator.paper_clients import Carrier
from adapters.simulator.profiles import Profile
from messages.values import OrderPurpose, Symbol
from messages.venue import (
    AmendOrder,
    CancelOrder,
    FetchAccount,
    FetchFills,
    OrderRejected,
    PlaceOrder,
    RateWindow,
    RejectReason,
    SetLeverage,
    VenueAnswer,
    VenueRequest,
)
from rules.limits import Limits
from rules.wave_intake import IntakePolicy
from tests.scenarios.plants import WatchedCalls
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import DIFFERENT_PROFILES, a_world, figure
from tests.scenarios.test_f01_lost_answer import cancel_stop_by_hand
from tests.scenarios.wire.link import WireProfile
from tests.scenarios.world import World

SIXTY: Final = {Symbol(f"C{number:02d}USDT"): Decimal(42_000) for number in range(60)}
EIGHT: Final = dict(list(SIXTY.items())[:8])
MANY = Limits(max_positions=60, max_exposure_usd=Decimal(100_000))
IN_ONE_WAVE = WavePolicy(intake=IntakePolicy(max_trades=60))
WEIGHT: Final = RateWindow(name="weight", limit=2_400, window_ms=60_000)
"""Binance's: an account in whole costs 45, of one symbol 11, fills 5, an order 1."""
MOST_WEIGHT: Final = WEIGHT.limit * 80 // 100
"""What is left beyond it is for what protects, and the storm is there before it is needed."""
STORM_S, BAN_S, RETRY_AFTER_S = 10.0, 120.0, 5.0
CHANGING: Final = PlaceOrder | AmendOrder | CancelOrder | SetLeverage


class WeighedCalls(WatchedCalls):
    """A client of a venue that counts weight; it writes down everything that it sends, and each refusal to listen.

    Over the wire the venue's own limits hold.
    """

    def __init__(self, exchange: Carrier) -> None:
        super().__init__(exchange)
        self._weighs = not exchange.windows
        if self._weighs:
            self.windows = (WEIGHT,)
        self._time = exchange.clock
        self.requests: list[tuple[int, VenueRequest]] = []
        self.pauses: list[tuple[int, int]] = []

    def cost(self, request: VenueRequest) -> Mapping[str, int]:
        if not self._weighs:
            return super().cost(request)
        match request:
            case FetchAccount(symbol=None):
                return {"weight": 45}
            case FetchAccount():
                return {"weight": 11}
            case FetchFills():
                return {"weight": 5}
            case _:
                return {"weight": 1}

    def send(self, request: VenueRequest, *, timeout_s: float, done: Callable[[VenueAnswer], None]) -> None:
        self.requests.append((self._time.now_ms(), request))

        def answered(answer: VenueAnswer) -> None:
            if isinstance(answer, OrderRejected) and answer.reason is RejectReason.RATE_LIMITED:
                now_ms = self._time.now_ms()
                self.pauses.append((now_ms, now_ms + int(1_000 * (answer.retry_after_s or 0))))
            done(answer)

        super().send(request, timeout_s=timeout_s, done=answered)

    def heaviest_minute(self) -> int:
        """The most weight that was used within any sixty seconds."""
        weights = [(at_ms, self.cost(request).get("weight", 0)) for at_ms, request in self.requests]
        return max(
            sum(weight for at_ms, weight in weights[first:] if at_ms < since_ms + 60_000)
            for first, (since_ms, _) in enumerate(weights)
        )


def many_on(profile: Profile) -> Mapping[Symbol, Decimal]:
    """Sixty; over the wire eight, which is quicker to tell."""
    return EIGHT if isinstance(profile, WireProfile) else SIXTY


def a_world_of_sixty(profile: Profile, *rules: FaultRule) -> tuple[World, list[WeighedCalls]]:
    """Sixty positions are open, and the process is dead; the rules count from the start of the exchange."""
    clients: list[WeighedCalls] = []

    def connect(exchange: Carrier) -> WeighedCalls:
        clients.append(WeighedCalls(exchange))
        return clients[-1]

    world = a_world(
        profile, *rules, prices=many_on(profile), limits=MANY, waves=IN_ONE_WAVE, connect=connect, size_usd=Decimal(420)
    )
    for symbol in many_on(profile):
        world.signal(symbol)
    world.run_for(178)
    assert len(world.account().positions) == len(many_on(profile))
    world.kill()
    world.run_for(120)
    return world, clients


DEAD_UNTIL_S = 300.0


@DIFFERENT_PROFILES
def test_sixty_positions_come_back_through_a_storm_and_a_ban(profile: Profile) -> None:
    storm = FaultRule(
        action=FaultAction.RATE_LIMIT,
        requests=(RequestType.ACCOUNT, RequestType.FILLS, RequestType.QUERY, RequestType.INSTRUMENTS),
        from_s=DEAD_UNTIL_S,
        until_s=DEAD_UNTIL_S + STORM_S,
        retry_after_s=RETRY_AFTER_S,
    )
    ban = FaultRule(
        action=FaultAction.RATE_LIMIT,
        from_s=DEAD_UNTIL_S + STORM_S,
        until_s=DEAD_UNTIL_S + STORM_S + BAN_S,
        retry_after_s=BAN_S,
        text="418 banned",
    )
    world, clients = a_world_of_sixty(profile, storm, ban)
    before = figure(world, "unprotected_seconds")
    world.start()
    world.signal(Symbol("C00USDT"))
    world.run_for(STORM_S + BAN_S + 5)
    client = clients[-1]
    assert client.pauses, "the storm was met"
    for from_ms, until_ms in client.pauses:
        early = [request for at_ms, request in client.requests if from_ms < at_ms < until_ms]
        assert early == [], "nothing is sent before the venue wants to hear of it"
    world.run_for(240)
    assert client.heaviest_minute() <= MOST_WEIGHT
    opened = [
        request
        for _, request in client.requests
        if isinstance(request, PlaceOrder) and request.order.purpose is OrderPurpose.ENTRY
    ]
    assert opened == []
    assert figure(world, "unprotected_seconds") == before
    assert len(world.account().positions) == len(many_on(profile))
    assert_postcondition_c(world)


@DIFFERENT_PROFILES
def test_after_a_ban_what_protects_is_sent_first(profile: Profile) -> None:
    """A stop was taken away by hand while the process was dead: after the ban it is there before anything is opened."""
    ban = FaultRule(
        action=FaultAction.RATE_LIMIT,
        from_s=DEAD_UNTIL_S,
        until_s=DEAD_UNTIL_S + BAN_S,
        retry_after_s=BAN_S,
        text="418 banned",
    )
    world, clients = a_world_of_sixty(profile, ban)
    cancel_stop_by_hand(world)
    world.start()
    world.signal(Symbol("C00USDT"))
    world.run_for(BAN_S + 60)
    client = clients[-1]
    first = next(request for _, request in client.requests if isinstance(request, CHANGING))
    assert isinstance(first, PlaceOrder)
    assert first.order.purpose is OrderPurpose.STOP
    assert figure(world, "positions_uncovered_now") == 0
    assert client.heaviest_minute() <= MOST_WEIGHT
    assert_postcondition_c(world)
