"""F19: an actor beside the positions ends in the middle of something, and knows nothing any more of what it heard."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from actors import addresses
from actors.signals import WavePolicy
from adapters.simulator.paper_calls import PaperCalls
from adapters.simulator.profiles import Profile
from messages.signals import Signal
from messages.supervision import ConsiderSignal, PauseOpening, RawSignal, ResumeOpening
from messages.values import OrderKind, Symbol
from messages.venue import FetchAccount, VenueAnswer, VenueRequest
from rules.limits import Limits
from rules.signal_intake import parse_signal
from rules.wave_intake import IntakePolicy
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import DIFFERENT_PROFILES
from tests.scenarios.world import BTC, World

ETH = Symbol("ETHUSDT")
SIGNALS = "signal/wave"
SYMBOLS = [Symbol(f"C{number:02d}USDT") for number in range(24)]


def crash(world: World, path: str) -> None:
    """It alone begins anew, at its next turn."""
    assert world.process is not None
    world.process.system.ref(path).tell("what it does not know")


def a_row(world: World, symbol: Symbol) -> dict[str, object]:
    timestamp = datetime.fromtimestamp(world.time.now_ms() // 1_000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    row: dict[str, object] = {"id": symbol, "timestamp": timestamp, "symbol": symbol, "side": "BUY"}
    return row | {"score_week": 80, "score_month": 70}


def offer(world: World, symbols: Sequence[Symbol]) -> None:
    """A signal for each, at once."""
    assert world.process is not None
    for symbol in symbols:
        world.process.system.ref(SIGNALS).tell(RawSignal(raw=a_row(world, symbol), origin="test"))


@DIFFERENT_PROFILES
def test_a_desk_that_crashes_beside_an_open_position_goes_on_opening(profile: Profile) -> None:
    world = World(profile=profile, prices={BTC: Decimal(42_000), ETH: Decimal(42_000)})
    world.start()
    world.run_for(1)
    world.signal(BTC)
    world.run_for(5)
    crash(world, addresses.desk(world.venue))
    world.run_for(30)
    world.signal(ETH)
    world.run_for(10)
    assert {position.symbol for position in world.account().positions} == {BTC, ETH}
    assert_postcondition_c(world, crashes=1)


@DIFFERENT_PROFILES
def test_a_desk_that_crashes_while_positions_recover_opens_when_they_have(profile: Profile) -> None:
    for moment in range(20):
        world = World(profile=profile, prices={BTC: Decimal(42_000), ETH: Decimal(42_000)})
        world.start()
        world.run_for(1)
        world.signal(BTC)
        world.run_for(5)
        world.kill()
        world.start()
        world.run_for(0.01 * moment)
        crash(world, addresses.desk(world.venue))
        world.run_for(30)
        world.signal(ETH)
        world.run_for(10)
        assert {position.symbol for position in world.account().positions} == {BTC, ETH}, moment
        assert_postcondition_c(world, crashes=1)


def test_an_opening_that_waits_in_a_new_desk_for_a_venue_that_is_away_is_not_sent_an_hour_later() -> None:
    for away_s, opened in ((30, [BTC]), (3_600, [])):
        world = World()
        world.start()
        world.run_for(2)
        assert world.process is not None
        system, desk = world.process.system, addresses.desk(world.venue)
        account = addresses.exchange(world.venue, "account")
        signal = parse_signal(a_row(world, BTC), now_ms=world.time.now_ms(), max_age_s=60)
        assert isinstance(signal, Signal)
        system.suspend(account)
        system.suspend(desk)
        crash(world, desk)
        system.ref(addresses.RISK).tell(ConsiderSignal(signal=signal, venue=world.venue))
        world.run_for(1)
        system.resume(desk)
        world.run_for(away_s)
        system.resume(account)
        world.run_for(30)
        assert [position.symbol for position in world.account().positions] == opened
        assert list(world.fates().values()) == ["accepted" if opened else "rejected"]
        assert_postcondition_c(world, crashes=1)


@DIFFERENT_PROFILES
def test_a_risk_actor_that_crashes_while_positions_are_being_opened_lets_no_more_be_opened(profile: Profile) -> None:
    for crashed_after_ms in (5, 10, 20, 30, 40, 60, 100):
        world = World(
            profile=profile,
            prices=dict.fromkeys(SYMBOLS, Decimal(1_000)),
            limits=Limits(max_positions=5),
            size_usd=Decimal(100),
            waves=WavePolicy(intake=IntakePolicy(max_trades=100)),
        )
        world.start()
        world.run_for(2)
        offer(world, SYMBOLS[:12])
        world.run_for(crashed_after_ms / 1_000)
        crash(world, addresses.RISK)
        world.run_for(0.02)
        offer(world, SYMBOLS[12:])
        world.run_for(200)
        assert len(world.account().positions) == 5, crashed_after_ms
        assert set(world.fates()) == set(SYMBOLS)
        assert_postcondition_c(world, crashes=1)


def test_a_place_whose_opening_was_lost_is_free_again_also_when_the_risk_actor_crashed_meanwhile() -> None:
    world = World(prices={BTC: Decimal(1_000), ETH: Decimal(1_000)}, limits=Limits(max_positions=1))
    world.start()
    world.run_for(2)
    assert world.process is not None
    system = world.process.system
    system.suspend(addresses.desk(world.venue))
    signal = parse_signal(a_row(world, BTC), now_ms=world.time.now_ms(), max_age_s=60)
    assert isinstance(signal, Signal)
    system.ref(addresses.RISK).tell(ConsiderSignal(signal=signal, venue=world.venue))
    world.run_for(1)
    crash(world, addresses.RISK)
    world.run_for(130)
    system.resume(addresses.desk(world.venue))
    world.run_for(1)
    assert world.fates() == {BTC: "rejected"}
    offer(world, [ETH])
    world.run_for(10)
    assert [position.symbol for position in world.account().positions] == [ETH]
    assert_postcondition_c(world, crashes=1)


def test_a_pause_outlives_a_crash_of_the_risk_actor() -> None:
    world = World()
    world.start()
    world.run_for(1)
    assert world.process is not None
    world.process.system.ref(addresses.RISK).tell(PauseOpening(why="paused from the shell"))
    crash(world, addresses.RISK)
    world.run_for(5)
    offer(world, [BTC])
    world.run_for(30)
    assert world.fates() == {BTC: "rejected"}
    world.process.system.ref(addresses.RISK).tell(ResumeOpening())
    world.signal(BTC)
    world.run_for(10)
    assert [position.symbol for position in world.account().positions] == [BTC]
    assert_postcondition_c(world, crashes=1)


@DIFFERENT_PROFILES
def test_a_stream_that_crashes_brings_the_prices_again_that_positions_need(profile: Profile) -> None:
    reads: list[int] = []

    class Counted(PaperCalls):
        def send(self, request: VenueRequest, *, timeout_s: float, done: Callable[[VenueAnswer], None]) -> None:
            if isinstance(request, FetchAccount):
                reads.append(world.time.now_ms())
            super().send(request, timeout_s=timeout_s, done=done)

    # A real venue has more symbols than anybody wants to hear of: it begins with none.
    world = World(profile=profile, connect=Counted, watched=())
    world.start()
    world.run_for(1)
    world.signal(BTC)
    world.run_for(10)
    crash(world, addresses.exchange(world.venue, "stream"))
    world.run_for(10)
    reads.clear()
    world.run_for(300)
    assert len(reads) <= 300 / 10, "its prices are asked for, every two seconds"
    world.price(42_640)
    world.run_for(5)
    (stop,) = [order for order in world.account().orders if order.kind is OrderKind.STOP_MARKET]
    assert stop.trigger_price is not None
    assert stop.trigger_price > 42_000
    assert_postcondition_c(world, crashes=1)


@pytest.mark.parametrize("in_waves", [True, False], ids=["of a server", "of a file"])
def test_a_signal_actor_that_crashes_in_a_wave_takes_ten_of_it_and_gives_each_signal_its_fate(
    *, in_waves: bool
) -> None:
    for crashed_after_ms in (0, 1, 2, 3, 5, 8, 12, 16, 20, 25, 30, 40, 60, 100):
        world = World(
            prices=dict.fromkeys(SYMBOLS, Decimal(1_000)),
            limits=Limits(max_positions=100, max_exposure_usd=Decimal(1_000_000)),
            size_usd=Decimal(100),
            in_waves=in_waves,
        )
        timestamp = "2022-01-01T01:00:00Z" if in_waves else "2022-01-01T01:15:00Z"
        for number, symbol in enumerate(SYMBOLS):
            world.signal(symbol, id=symbol, timestamp=timestamp, score_week=90 - number)
        world.start()
        while not world.signals.given:
            world.run_for(0.001)
        world.run_for(crashed_after_ms / 1_000)
        crash(world, SIGNALS)
        world.run_for(200)
        assert set(world.fates()) == set(SYMBOLS), crashed_after_ms
        assert list(world.fates().values()).count("accepted") == 10, crashed_after_ms
        assert len(world.account().positions) == 10
        assert {position.quantity for position in world.account().positions} == {Decimal("0.1")}, "nothing is added"
        assert_postcondition_c(world, crashes=1)


def test_a_signal_that_nobody_offers_again_has_its_fate_also_when_the_signal_actor_crashes() -> None:
    for crashed_after_ms in (0, 1, 2, 3, 5, 8, 12, 16, 20, 30, 60):
        world = World(prices=dict.fromkeys(SYMBOLS, Decimal(1_000)), size_usd=Decimal(100))
        world.start()
        world.run_for(2)
        offer(world, SYMBOLS[:4])
        world.run_for(crashed_after_ms / 1_000)
        crash(world, SIGNALS)
        world.run_for(200)
        assert world.fates() == dict.fromkeys(SYMBOLS[:4], "accepted"), crashed_after_ms
        assert {position.quantity for position in world.account().positions} == {Decimal("0.1")}, "nothing is added"
        assert_postcondition_c(world, crashes=1)


def test_a_signal_that_is_offered_again_when_it_is_open_adds_nothing_to_it() -> None:
    world = World(prices={BTC: Decimal(1_000)}, size_usd=Decimal(100))
    world.start()
    world.run_for(2)
    offer(world, [BTC])
    world.run_for(120)
    signal = parse_signal(a_row(world, BTC), now_ms=world.time.now_ms(), max_age_s=60)
    assert isinstance(signal, Signal)
    assert world.process is not None
    world.process.system.ref(addresses.RISK).tell(ConsiderSignal(signal=signal, venue=world.venue))
    world.run_for(60)
    (position,) = world.account().positions
    assert position.quantity == Decimal("0.1")
    assert world.fates() == {BTC: "accepted"}
    assert_postcondition_c(world)
