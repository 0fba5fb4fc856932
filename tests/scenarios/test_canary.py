"""Before anything is opened a venue proves that it takes stops, and nothing is left of the proof."""

import os
from dataclasses import replace

import pytest

from adapters.simulator.fault_script import FaultAction, FaultRule, FaultScript, RequestType
from adapters.simulator.profiles import PROFILES, Profile
from messages.journal import EventRecord
from messages.orders import OrderStatus
from messages.values import OrderKind, OrderPurpose, Side
from rules.client_order_ids import parse_client_order_id
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import (
    ON_PAPER,
    STOP_AFTER_ENTRY,
    a_world,
    open_quantity,
    placed_ids,
    profiles_where,
    stops_of,
)
from tests.scenarios.tally import SOAK
from tests.scenarios.test_s14_opened_by_hand import trade_by_hand
from tests.scenarios.wire.link import WireProfile
from tests.scenarios.world import BTC, World

PROVEN_S = 3.0
SHORTEST_KILL = 10
"""Boundaries before it are those of the start itself."""
WITHDRAWN_UNTIL_S = 20.0

TAKING = [
    replace(profile, stops_need_a_position=False)
    for profile in PROFILES.values()
    if profile.capabilities.stop_client_order_id
]
"""Venues that take a stop without a position: which of the real ones do is for each of them to say."""
EITHER_WAY = pytest.mark.parametrize(
    "profile",
    [*PROFILES.values(), *TAKING],
    ids=lambda profile: f"{profile.name} {'refusing' if profile.stops_need_a_position else 'taking'}",
)


def a_trial(profile: Profile, *rules: FaultRule, hedge: bool = False, seed: int = 1) -> World:
    world = World(profile=profile, faults=FaultScript(seed=seed, rules=rules), canary=True, hedge=hedge, seed=seed)
    world.start()
    return world


def findings(world: World) -> list[EventRecord]:
    found = [event for event in world.events if event.kind in {"stops_proven", "stops_not_proven"}]
    return sorted(found, key=lambda event: event.at_ms)


def canaries_of(world: World) -> list[str]:
    """What rests at the venue of a trial."""
    names = [order.client_order_id or "" for order in world.account().orders]
    found = [(name, identity) for name in names if (identity := parse_client_order_id(name)) is not None]
    return [name for name, identity in found if identity.purpose is OrderPurpose.CANARY]


@EITHER_WAY
def test_a_signal_that_comes_during_the_trial_is_opened_after_it(profile: Profile) -> None:
    world = a_trial(profile)
    world.signal()
    world.run_for(PROVEN_S)
    (proven,) = findings(world)
    assert proven.kind == "stops_proven"
    expected = "refused for want of a position only" if profile.stops_need_a_position else "placed, read, moved and"
    assert expected in proven.text
    assert open_quantity(world) > 0
    assert placed_ids(world, "canary")
    assert not canaries_of(world)
    assert_postcondition_c(world)


@EITHER_WAY
def test_nothing_is_sent_to_open_before_the_trial_is_over(profile: Profile) -> None:
    lost = FaultRule(action=FaultAction.LOST_REQUEST, requests=(RequestType.ACCOUNT,), until_s=5)
    world = a_trial(profile, lost)
    world.signal()
    world.run_for(5)
    assert not placed_ids(world, "entry")
    world.run_for(30)
    assert [event.kind for event in findings(world)][-1] == "stops_proven"
    assert open_quantity(world) > 0
    assert_postcondition_c(world)


@profiles_where(
    lambda profile: (
        profile.capabilities.hedge_mode
        and profile.capabilities.stop_client_order_id
        and not isinstance(profile, WireProfile)
    )
)
def test_in_hedge_mode_it_is_a_stop_of_one_side(profile: Profile) -> None:
    world = a_trial(replace(profile, stops_need_a_position=False), hedge=True)
    world.run_for(PROVEN_S)
    assert [event.kind for event in findings(world)] == ["stops_proven"]
    stops = [order for order in world.exchange.engine.state.orders.known(BTC) if order.is_stop]
    assert {order.hedge_side for order in stops} == {Side.LONG}
    assert not canaries_of(world)


@EITHER_WAY
def test_where_stops_are_withdrawn_nothing_is_opened_until_they_are_back(profile: Profile) -> None:
    withdrawn = FaultRule(
        action=FaultAction.ORDER_TYPE_WITHDRAWN,
        requests=(RequestType.PLACE,),
        kinds=(OrderKind.STOP_MARKET,),
        until_s=WITHDRAWN_UNTIL_S,
    )
    world = a_trial(profile, withdrawn)
    world.signal()
    world.run_for(WITHDRAWN_UNTIL_S - 1)
    assert list(world.fates().values()) == ["rejected"]
    failed = findings(world)
    assert {event.kind for event in failed} == {"stops_not_proven"}
    assert [event.severity.value for event in failed] == ["critical", *["warning"] * (len(failed) - 1)]
    world.run_for(60)
    assert findings(world)[-1].kind == "stops_proven"
    world.signal()
    world.run_for(5)
    assert open_quantity(world) > 0
    assert_postcondition_c(world)


@STOP_AFTER_ENTRY
def test_stops_that_are_withdrawn_later_are_tried_until_they_are_back(profile: Profile) -> None:
    withdrawn = FaultRule(
        action=FaultAction.ORDER_TYPE_WITHDRAWN,
        requests=(RequestType.PLACE,),
        kinds=(OrderKind.STOP_MARKET,),
        from_s=5,
        until_s=30,
    )
    world = a_trial(profile, withdrawn)
    world.run_for(6)
    for opened, wait_s in ((False, 20), (False, 60), (True, 5)):
        world.signal()
        world.run_for(wait_s)
        assert (open_quantity(world) > 0) is opened
    assert list(world.fates().values()) == ["accepted", "rejected", "accepted"]
    assert [event.kind for event in findings(world)][-1] == "stops_proven"


@EITHER_WAY
@pytest.mark.parametrize(
    "action",
    [
        FaultAction.LOST_REQUEST,
        FaultAction.LOST_ANSWER,
        FaultAction.LATE_ANSWER,
        FaultAction.LATE_EXECUTION,
        FaultAction.DUPLICATE_REQUEST,
        FaultAction.RATE_LIMIT,
    ],
    ids=str,
)
def test_a_bad_connection_delays_the_proof_and_leaves_nothing(profile: Profile, action: FaultAction) -> None:
    requests = (RequestType.PLACE, RequestType.AMEND, RequestType.CANCEL, RequestType.QUERY)
    world = a_trial(
        profile,
        FaultRule(action=action, requests=requests, count=6, delay_s=3.0, retry_after_s=1.0),
    )
    world.run_for(180)
    assert findings(world)[-1].kind == "stops_proven"
    assert not canaries_of(world)
    assert not world.crashes


@pytest.mark.parametrize(("number", "profile"), list(enumerate(TAKING)), ids=[each.name for each in TAKING])
def test_a_process_that_is_killed_anywhere_in_the_trial_leaves_nothing_after_the_next_start(
    number: int, profile: Profile
) -> None:
    """Each profile at other boundaries; with ``HOLDFAST_SOAK`` each at all of them."""
    whole = a_trial(profile)
    whole.run_for(PROVEN_S)
    stride = 1 if SOAK in os.environ else len(TAKING)
    for kill_at in range(SHORTEST_KILL + number % stride, len(whole.boundaries), stride):
        world = World(profile=profile, canary=True)
        world.kill_at = kill_at
        world.start()
        world.run_for(PROVEN_S)
        if world.process is None:
            world.start()
        world.run_for(30)
        assert [event.kind for event in findings(world)][-1] == "stops_proven", kill_at
        assert not canaries_of(world), kill_at
        assert not stops_of(world), kill_at


@ON_PAPER
def test_the_venue_stays_closed_when_the_actor_that_closed_it_is_started_again(profile: Profile) -> None:
    withdrawn = FaultRule(
        action=FaultAction.ORDER_TYPE_WITHDRAWN, requests=(RequestType.PLACE,), kinds=(OrderKind.STOP_MARKET,)
    )
    world = a_trial(profile, withdrawn)
    world.run_for(PROVEN_S)
    process = world.process
    assert process is not None
    process.system.restart("risk")
    world.run_for(1)
    world.signal()
    world.run_for(2)
    assert list(world.fates().values()) == ["rejected"]


def test_a_stop_that_became_that_of_somebody_elses_position_is_left_to_it() -> None:
    """Bybit's stop has no name: it is the one stop of the position, whoever placed it."""
    profile = replace(PROFILES["bybit"], stops_need_a_position=False)
    world = a_trial(profile)
    world.run_for(PROVEN_S)
    assert "somebody opened a position" in findings(world)[0].text
    assert len(stops_of(world)) == 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (FaultRule(action=FaultAction.LOST_REQUEST, requests=(RequestType.ACCOUNT,)), "the account and the"),
        (FaultRule(action=FaultAction.STREAM_SILENCE, for_s=600), "a price of BTCUSDT did not come"),
        (FaultRule(action=FaultAction.LOST_REQUEST, requests=(RequestType.PLACE,)), "could not be placed"),
    ],
    ids=["no account", "no price", "no answer"],
)
def test_a_trial_that_comes_to_nothing_says_why_and_keeps_the_venue_closed(fault: FaultRule, said: str) -> None:
    world = a_trial(PROFILES["binance"], fault)
    world.signal()
    world.run_for(130)
    failed = findings(world)
    assert len(failed) >= 2
    assert all(event.kind == "stops_not_proven" and said in event.text for event in failed)
    assert list(world.fates().values()) == ["rejected"]


@pytest.mark.parametrize("action", [FaultAction.LOST_REQUEST, FaultAction.LOST_ANSWER], ids=str)
def test_a_position_that_is_opened_by_hand_during_the_trial_keeps_its_own_stop(action: FaultAction) -> None:
    """Where a stop has no name, a later request of the trial would move or cancel the stop of that position."""
    rule = FaultRule(action=action, requests=(RequestType.PLACE, RequestType.AMEND), count=3)
    world = a_world(PROFILES["bybit"], rule, canary=True)
    world.run_for(0.5)
    trade_by_hand(world, Side.LONG)
    world.run_for(60)
    stops = [order for order in world.exchange.engine.state.orders.known(BTC) if order.is_stop]
    assert [order.status for order in stops] == [OrderStatus.WORKING]
    assert "stop_lost" not in world.kinds()
