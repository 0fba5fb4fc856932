"""F20: an actor or a REST call that never returns is noticed, replaced and fenced; the others never wait for it."""

from contextlib import suppress
from decimal import Decimal

import pytest

from actors.kernel import ActorHung, StaleEpoch, VirtualHang
from adapters.simulator.fault_script import FaultAction, FaultRule, FaultScript, RequestType
from adapters.simulator.paper import PaperExchange
from adapters.simulator.profiles import BINANCE, PAPER, WORST, Profile
from messages.positions import ClosePosition
from messages.state import CloseReason
from messages.values import OrderPurpose, PositionKey, Symbol
from tests.scenarios.plants import Fuse, FusedCalls, fused
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import DIFFERENT_PROFILES, EVERY_PROFILE
from tests.scenarios.wire.link import WireProfile
from tests.scenarios.world import BTC, World

ETH = Symbol("ETHUSDT")
DIFFERENT = (PAPER, BINANCE, WORST)
NOTICED_WITHIN_S = 5.0
MOMENTS = 16


def a_world(profile: Profile, **changes: object) -> World:
    world = World(profile=profile, prices={BTC: Decimal(42_000), ETH: Decimal(42_000)}, **changes)  # type: ignore[arg-type]
    world.start()
    world.run_for(1)
    return world


def for_ever() -> BaseException:
    return VirtualHang()


def hung(world: World) -> list[str]:
    return [notice.path for notice in world.notices if isinstance(notice, ActorHung)]


def worst_window_s(world: World) -> float:
    worst = world.ledger()["worst_window_seconds"]
    assert isinstance(worst, float)
    return worst


@EVERY_PROFILE
def test_a_position_that_hangs_at_any_moment_of_its_opening_is_replaced_and_protected(profile: Profile) -> None:
    for moment in range(1, MOMENTS, 1 if profile in DIFFERENT else 5):
        fuse = Fuse()
        world = a_world(profile, policies=fused(fuse))
        fuse.set(after=moment, error=for_ever)
        world.signal(BTC)
        world.run_for(130)
        assert hung(world) == [f"position/{world.venue}/BTCUSDT"], moment
        assert_postcondition_c(world, crashes=len(world.crashes))
        assert worst_window_s(world) <= NOTICED_WITHIN_S
        world.signal(ETH)
        world.run_for(5)
        assert ETH in {position.symbol for position in world.account().positions}


@DIFFERENT_PROFILES
def test_while_one_position_hangs_the_others_do_not_wait(profile: Profile) -> None:
    fuse = Fuse()
    world = a_world(profile, policies=fused(fuse))
    world.signal(BTC)
    world.run_for(3)
    fuse.set(after=1, error=for_ever)
    world.price(42_700, BTC)
    world.run_for(2)
    assert fuse.set_off
    world.signal(ETH)
    world.run_for(2)
    assert ETH in {position.symbol for position in world.account().positions}


@DIFFERENT_PROFILES
def test_what_a_replaced_position_does_when_it_wakes_up_is_refused(profile: Profile) -> None:
    fuse = Fuse()
    world = a_world(profile, policies=fused(fuse))
    woke: list[str] = []

    def stuck_then_closes() -> BaseException:
        assert world.process is not None
        incarnation = world.process.system.kernel.registry.cells[f"position/{world.venue}/BTCUSDT"].incarnation
        assert incarnation is not None
        stale = incarnation.actor
        assert stale is not None

        def close() -> None:
            woke.append("awake")
            with suppress(StaleEpoch):
                stale.on_receive(
                    ClosePosition(key=PositionKey(venue=world.venue, symbol=BTC), reason=CloseReason.OPERATOR)
                )
                woke.append("closed")

        return VirtualHang(resume_after_s=30, then=close)

    world.signal(BTC)
    world.run_for(3)
    fuse.set(after=1, error=stuck_then_closes)
    world.run_for(120)
    assert hung(world) == [f"position/{world.venue}/BTCUSDT"]
    assert woke == ["awake"]
    assert len(world.account().positions) == 1
    assert_postcondition_c(world, crashes=len(world.crashes))


@DIFFERENT_PROFILES
def test_an_execution_actor_that_hangs_in_its_library_is_replaced_and_no_order_is_repeated(profile: Profile) -> None:
    for moment in range(1, 5):
        fuse = Fuse()

        def connect(exchange: PaperExchange, fuse: Fuse = fuse) -> FusedCalls:
            return FusedCalls(exchange, fuse)

        world = a_world(profile, connect=connect)
        fuse.set(after=moment, error=for_ever)
        world.signal(BTC)
        world.run_for(130)
        if fuse.burnt >= moment:
            assert hung(world) == [f"exchange/{world.venue}/execution"]
        assert_postcondition_c(world, crashes=len(world.crashes))
        assert worst_window_s(world) <= NOTICED_WITHIN_S


CALLS = {
    "entry": (RequestType.PLACE, OrderPurpose.ENTRY),
    "stop": (RequestType.PLACE, OrderPurpose.STOP),
    "take profit": (RequestType.PLACE, OrderPurpose.TAKE_PROFIT_1),
    "account": (RequestType.ACCOUNT, None),
    "fills": (RequestType.FILLS, None),
    "leverage": (RequestType.LEVERAGE, None),
    "query": (RequestType.QUERY, None),
}


@pytest.mark.parametrize("action", [FaultAction.LOST_ANSWER, FaultAction.LOST_REQUEST])
@pytest.mark.parametrize("call", CALLS)
@DIFFERENT_PROFILES
def test_calls_that_never_return_hold_nobody_else_up(profile: Profile, call: str, action: FaultAction) -> None:
    if call == "account" and isinstance(profile, WireProfile):
        pytest.skip("over the wire no reading of the account is of one symbol only: the balance is everybody's")
    request, purpose = CALLS[call]
    many = tuple(Symbol(f"{name}USDT") for name in ("BTC", "SOL", "XRP", "ADA", "DOT", "LTC", "BNB", "UNI", "TRX"))
    rule = FaultRule(
        action=action,
        requests=(request,),
        purposes=(purpose,) if purpose is not None else (),
        symbols=many,
        from_s=0.5,
        until_s=20,
    )
    world = World(
        profile=profile,
        prices={symbol: Decimal(42_000) for symbol in (*many, ETH)},
        faults=FaultScript(rules=(rule,)),
    )
    world.start()
    world.run_for(1)
    for symbol in many:
        world.signal(symbol)
    world.run_for(1.5)
    world.signal(ETH)
    world.run_for(8 if isinstance(profile, WireProfile) else 2.5)
    records = world.exchange.engine.ledger.book.open
    assert ETH in records, "it had to wait"
    assert records[ETH].uncovered.since_ms is None
    assert records[ETH].uncovered.worst_ms <= 500
    world.run_for(120)
    assert_postcondition_c(world)


@DIFFERENT_PROFILES
@pytest.mark.parametrize("events", [True, False], ids=["events come", "events are lost as well"])
def test_an_entry_whose_answer_never_comes_is_protected_all_the_same(profile: Profile, *, events: bool) -> None:
    rules = [FaultRule(action=FaultAction.LOST_ANSWER, purposes=(OrderPurpose.ENTRY,))]
    if not events:
        rules.append(FaultRule(action=FaultAction.EVENT_LOST))
    world = a_world(profile, faults=FaultScript(rules=tuple(rules)))
    world.signal(BTC)
    world.run_for(60)
    assert len(world.account().positions) == 1
    assert worst_window_s(world) <= 2.0
    assert_postcondition_c(world)
