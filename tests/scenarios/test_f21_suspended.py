"""F21: a symbol is suspended while a position is open: the stop stays, people are told, nothing is tried in a storm."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select

from adapters.simulator.fault_script import FaultAction, FaultRule
from adapters.simulator.paper_calls import PaperCalls
from adapters.simulator.profiles import Profile
from messages.positions import ClosePosition
from messages.state import CloseReason
from messages.values import PositionKey, Side, Symbol
from messages.venue import InstrumentsReport, VenueAnswer, VenueRequest
from persistence import tables
from rules.limits import Limits
from tests.scenarios.hands import position_of, reduce_by_hand, stop_of
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import BOTH_SIDES, ENTRY, EVERY_PROFILE, ON_PAPER, a_world, alerts, at, figure, open_a
from tests.scenarios.world import BTC, World

ETH = Symbol("ETHUSDT")
KNOWN_WITHIN_S = 60
DELISTED_MS = 1_641_110_400_000
"""2022-01-02 08:00 UTC."""


def a_suspended_position(profile: Profile, side: Side) -> World:
    world = a_world(profile, prices={BTC: ENTRY, ETH: ENTRY})
    open_a(side, world, for_s=10)
    world.exchange.suspend(BTC)
    world.run_for(KNOWN_WITHIN_S)
    return world


def requests_since(world: World, since_ms: int) -> list[str]:
    with world.store.reading() as connection:
        log = tables.order_audit_log
        rows = connection.execute(select(log.c.operation).where(log.c.requested_ms > since_ms))
        return [row.operation for row in rows]


def told(world: World, kind: str) -> int:
    return sum(event.kind == kind for event in world.events)


@EVERY_PROFILE
@BOTH_SIDES
def test_the_stop_stays_and_people_are_told_once(profile: Profile, side: Side) -> None:
    world = a_suspended_position(profile, side)
    stop = stop_of(world, BTC)
    world.run_for(600)
    assert stop is not None
    assert stop_of(world, BTC) == stop
    assert told(world, "symbol_suspended") == 1
    assert any("the venue names no time" in event.text for event in world.events)
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
def test_a_price_that_calls_for_moves_makes_no_storm_and_leaves_the_stop(profile: Profile, side: Side) -> None:
    world = a_suspended_position(profile, side)
    since_ms = world.time.now_ms()
    for step in range(10):
        world.price(at(side, 42_540 + 8 * step))
        world.run_for(60)
        assert stop_of(world, BTC) is not None
    assert len(requests_since(world, since_ms)) <= 10, "at most the moves that trailing may make, one a minute"
    assert figure(world, "worst_window_seconds") <= 0.1
    assert_postcondition_c(world)


@EVERY_PROFILE
def test_nothing_is_opened_there_and_other_symbols_go_on(profile: Profile) -> None:
    world = a_world(profile, prices={BTC: ENTRY, ETH: ENTRY})
    world.exchange.suspend(BTC)
    world.run_for(KNOWN_WITHIN_S)
    since_ms = world.time.now_ms()
    world.signal(BTC)
    world.run_for(30)
    assert "PlaceOrder" not in requests_since(world, since_ms)
    world.signal(ETH)
    world.run_for(10)
    assert [position.symbol for position in world.account().positions] == [ETH]
    assert sorted(world.fates().values()) == ["accepted", "rejected"]
    assert_postcondition_c(world)


@EVERY_PROFILE
def test_a_signal_before_the_suspension_is_known_is_refused_by_the_venue_once(profile: Profile) -> None:
    world = a_world(profile)
    world.exchange.suspend(BTC)
    world.signal(BTC)
    world.run_for(30)
    assert position_of(world, BTC) is None
    assert requests_since(world, 0).count("PlaceOrder") == 1
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
@pytest.mark.parametrize("trading", [True, False], ids=["announced", "suspended"])
def test_the_alert_names_the_time_at_which_the_venue_settles_it(profile: Profile, side: Side, *, trading: bool) -> None:
    world = a_world(profile)
    open_a(side, world, for_s=10)
    engine = world.exchange.engine
    engine.set_instrument(replace(engine.state.instruments[BTC], trading=trading, ends_ms=DELISTED_MS))
    world.run_for(KNOWN_WITHIN_S)
    (alert,) = [event for event in alerts(world) if event.kind in {"symbol_ends", "symbol_suspended"}]
    assert "close it before 2022-01-02 08:00 UTC" in alert.text
    assert stop_of(world, BTC) is not None
    assert_postcondition_c(world)


@EVERY_PROFILE
@BOTH_SIDES
@pytest.mark.parametrize(
    "lost_events", [(), (FaultRule(action=FaultAction.EVENT_LOST, from_s=8.0),)], ids=["", "silent"]
)
def test_a_stop_that_executes_during_the_suspension_ends_the_position(
    profile: Profile, side: Side, lost_events: tuple[FaultRule, ...]
) -> None:
    world = a_world(profile, *lost_events)
    open_a(side, world, for_s=10)
    world.exchange.suspend(BTC)
    world.run_for(KNOWN_WITHIN_S)
    world.price(at(side, 41_000))
    world.run_for(130)
    assert position_of(world, BTC) is None
    assert_postcondition_c(world, interrupted=bool(lost_events))


@EVERY_PROFILE
@BOTH_SIDES
def test_when_trading_resumes_the_stop_follows_again(profile: Profile, side: Side) -> None:
    world = a_suspended_position(profile, side)
    world.price(at(side, 42_600))
    world.run_for(60)
    world.exchange.suspend(BTC, trading=True)
    world.run_for(130)
    stop = stop_of(world, BTC)
    assert stop is not None
    assert stop.trigger_price != at(side, 41_160)
    assert told(world, "symbol_resumed") == 1
    assert_postcondition_c(world)


@EVERY_PROFILE
def test_a_restart_during_the_suspension_keeps_the_position_and_its_stop(profile: Profile) -> None:
    world = a_suspended_position(profile, Side.LONG)
    stop = stop_of(world, BTC)
    world.kill()
    world.run_for(5)
    world.start()
    world.run_for(130)
    assert stop is not None
    assert stop_of(world, BTC) == stop
    assert_postcondition_c(world, interrupted=True)


@EVERY_PROFILE
@BOTH_SIDES
def test_a_close_asked_for_waits_under_its_stop_until_trading_resumes(profile: Profile, side: Side) -> None:
    world = a_suspended_position(profile, side)
    assert world.process is not None
    desk = world.process.system.find(f"exchange/{world.venue}/desk")
    assert desk is not None
    since_ms = world.time.now_ms()
    key = PositionKey(venue=world.venue, symbol=BTC)
    desk.tell(ClosePosition(key=key, reason=CloseReason.OPERATOR))
    world.run_for(300)
    assert requests_since(world, since_ms) == []
    assert stop_of(world, BTC) is not None
    world.exchange.suspend(BTC, trading=True)
    world.run_for(KNOWN_WITHIN_S)
    assert position_of(world, BTC) is None
    assert_postcondition_c(world)


class Unlisted(PaperCalls):
    """The venue's list of instruments does not name the first symbol any more."""

    def send(self, request: VenueRequest, *, timeout_s: float, done: Callable[[VenueAnswer], None]) -> None:
        def answered(answer: VenueAnswer) -> None:
            if isinstance(answer, InstrumentsReport):
                kept = tuple(each for each in answer.instruments if each.symbol != BTC)
                answer = replace(answer, instruments=kept)
            done(answer)

        super().send(request, timeout_s=timeout_s, done=answered)


def an_unlisted_position(profile: Profile, *, settled: bool) -> World:
    """A process begins after the symbol was delisted; what was open is still there, or the venue has settled it."""
    world = a_world(profile, prices={BTC: ENTRY, ETH: ENTRY}, limits=Limits(max_positions=1))
    open_a(Side.LONG, world, for_s=10)
    world.kill()
    if settled:
        reduce_by_hand(world, BTC)
        world.run_for(5)
    world.connect = Unlisted
    world.start()
    world.run_for(300)
    return world


@ON_PAPER
def test_what_is_open_on_a_symbol_that_is_not_listed_when_the_process_starts_is_told_once(profile: Profile) -> None:
    world = an_unlisted_position(profile, settled=False)
    (alert,) = [event for event in alerts(world) if event.kind == "symbol_suspended"]
    assert "BTCUSDT" in alert.text
    assert stop_of(world, BTC) is not None
    world.signal(ETH)
    world.run_for(10)
    assert position_of(world, ETH) is None, "it counts"


@ON_PAPER
def test_the_record_of_what_a_venue_settled_with_its_symbol_ends_and_its_place_is_free(profile: Profile) -> None:
    world = an_unlisted_position(profile, settled=True)
    world.signal(ETH)
    world.run_for(10)
    assert position_of(world, ETH) is not None
    assert told(world, "symbol_suspended") == 0
    assert told(world, "phantom_position") == 1
    with world.store.reading() as connection:
        rows = connection.execute(select(tables.positions.c.phase).where(tables.positions.c.symbol == BTC))
        assert [row.phase for row in rows] == ["closed"]
