"""S3: how a market has been moving decides how far stops and take profits of a new position are away."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from adapters.simulator.profiles import PAPER
from messages.values import Side
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import ENTRY, a_world, at, open_a, profits_of, stops_of
from tests.scenarios.world import World

QUARTER_S = 900
CALM, WILD, STILL = Decimal("0.001"), Decimal("0.02"), Decimal(0)
"""By how much of the entry price the market moves up in one quarter and down in the next."""


def moved(world: World, *swings: Decimal) -> None:
    for number, swing in enumerate(swings):
        world.price(ENTRY * (1 + swing) if number % 2 else ENTRY)
        world.run_for(QUARTER_S)
    world.price(ENTRY)
    world.run_for(QUARTER_S + 5)


def a_moving_world(*swings: Decimal) -> World:
    world = a_world(PAPER)
    moved(world, *swings)
    return world


def regimes(world: World) -> list[str]:
    return [dict(event.data)["regime"] for event in world.events if event.kind == "regime_changed"]


def distances(world: World, side: Side) -> tuple[Sequence[Decimal], Sequence[Decimal]]:
    """Of stops and take profits from the entry, in percent."""

    def percent(price: Decimal | None) -> Decimal:
        assert price is not None
        return abs(price - ENTRY) * 100 / ENTRY

    stops, profits = stops_of(world), profits_of(world)
    assert all((each.trigger_price or 0) < ENTRY for each in stops) is (side is Side.LONG)
    return [percent(each.trigger_price) for each in stops], sorted(percent(each.trigger_price) for each in profits)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(
    ("swings", "stop", "profits"),
    [
        ((CALM,) * 4, "2", ("1.5", "3")),
        ((CALM,) * 40, "2", ("1.5", "3")),
        ((*(CALM,) * 40, *(WILD,) * 6), "4", ("3", "6")),
        ((*(WILD,) * 40, *(STILL,) * 40), "1", ("0.75", "1.5")),
    ],
    ids=["unknown", "as usual", "wild", "asleep"],
)
def test_distances_follow_the_volatility(
    side: Side, swings: tuple[Decimal, ...], stop: str, profits: tuple[str, str]
) -> None:
    world = a_moving_world(*swings)
    open_a(side, world)
    found_stops, found_profits = distances(world, side)
    assert found_stops == [Decimal(stop)]
    assert found_profits == [Decimal(each) for each in profits]
    assert_postcondition_c(world)


def test_a_position_that_is_open_keeps_its_distances_when_the_market_wakes_up() -> None:
    world = a_moving_world(*(CALM,) * 40)
    open_a(Side.LONG, world)
    moved(world, *(Decimal("0.009"),) * 6)
    assert [each.trigger_price for each in stops_of(world)] == [at(Side.LONG, 41_160)]


def test_the_regime_is_told_when_it_changes() -> None:
    world = a_moving_world(*(WILD,) * 20)
    assert regimes(world) == ["choppy"]
    moved(world, CALM)
    assert regimes(world) == ["choppy"]


def test_a_crash_of_its_monitor_loses_no_candle_and_whoever_crashes_after_it_is_told_again() -> None:
    world = a_moving_world(*(CALM,) * 40, *(WILD,) * 6)
    assert world.process is not None
    for path in ("monitor/regime/paper", "risk"):
        world.process.system.ref(path).tell("what it does not know")
        world.run_for(5)
    assert len(world.crashes) == 2
    open_a(Side.LONG, world)
    assert distances(world, Side.LONG)[0] == [Decimal(4)]


def test_a_restart_knows_at_once_how_the_market_moves() -> None:
    world = a_moving_world(*(CALM,) * 40, *(WILD,) * 6)
    world.kill()
    world.run_for(QUARTER_S)
    world.start()
    open_a(Side.LONG, world)
    stops, profits = distances(world, Side.LONG)
    assert (stops, profits) == ([Decimal(4)], [Decimal(3), Decimal(6)])


def test_after_a_long_absence_candles_are_collected_anew() -> None:
    world = a_moving_world(*(CALM,) * 40, *(WILD,) * 6)
    world.kill()
    world.run_for(6 * QUARTER_S)
    world.start()
    open_a(Side.LONG, world)
    assert distances(world, Side.LONG)[0] == [Decimal(2)]
