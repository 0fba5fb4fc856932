"""S3: what a day has brought decides how much is opened, and whether anything is; a restart does not forget it."""

from collections.abc import Callable
from decimal import Decimal
from typing import TypeAlias

import pytest

from adapters.simulator.paper_config import PaperConfig
from adapters.simulator.profiles import PAPER
from adapters.simulator.state import ExchangeConfig, Slippage
from persistence.failures import StoreFailure, StoreUnavailable
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import open_quantity
from tests.scenarios.world import BTC, PAPER_VENUE, World

ENTRY, PAST_THE_STOP = 42_000, 41_000
HOUR_S, DAY_S = 3_600, 86_400
FULL, THREE_QUARTERS = Decimal("0.119"), Decimal("0.089")
"""What 5000 and 3750 buy at 42000, on the step."""


def a_trading_world(*, size_usd: int = 420, wallet: int = 10_000) -> World:
    """Without a spread, so that what a loss comes to is known."""
    exchange = ExchangeConfig(
        venue=PAPER_VENUE, profile=PAPER, slippage=Slippage(half_spread_ticks=0), wallet=Decimal(wallet)
    )
    world = World(profile=PAPER, config=PaperConfig(exchange=exchange), size_usd=Decimal(size_usd))
    world.start()
    world.run_for(2)
    return world


def opened(world: World) -> Decimal:
    """How much a signal opens at the entry price."""
    world.price(ENTRY)
    world.run_for(5)
    world.signal(BTC)
    world.run_for(10)
    return open_quantity(world)


def lose(world: World) -> Decimal:
    """Open, and let the stop do its work; gives how much was opened."""
    quantity = opened(world)
    assert quantity > 0
    world.price(PAST_THE_STOP)
    world.run_for(10)
    assert open_quantity(world) == 0
    return quantity


def go_on(world: World) -> None:
    """Nothing happens."""


def restart(world: World) -> None:
    world.kill()
    world.start()
    world.run_for(5)


def crash(world: World) -> None:
    """The risk actor alone begins anew."""
    assert world.process is not None
    world.process.system.ref("risk").tell("what it does not know")
    world.run_for(5)


Interrupt: TypeAlias = Callable[[World], None]
INTERRUPTED = pytest.mark.parametrize(
    ("interrupt", "crashes"), [(go_on, 0), (restart, 0), (crash, 1)], ids=["living", "restarted", "crashed"]
)


@INTERRUPTED
def test_after_four_losing_closes_nothing_is_opened_for_an_hour(interrupt: Interrupt, crashes: int) -> None:
    world = a_trading_world()
    for _ in range(4):
        lose(world)
    interrupt(world)
    assert opened(world) == 0
    world.run_for(HOUR_S)
    assert opened(world) > 0
    assert_postcondition_c(world, crashes=crashes)


@INTERRUPTED
def test_the_size_follows_what_the_day_has_lost(interrupt: Interrupt, crashes: int) -> None:
    world = a_trading_world(size_usd=5_000)
    assert lose(world) == FULL
    interrupt(world)
    assert lose(world) == THREE_QUARTERS
    assert opened(world) == THREE_QUARTERS
    assert_postcondition_c(world, crashes=crashes)


def test_losses_that_only_the_spool_knows_of_count_after_a_restart() -> None:
    world = a_trading_world()
    for _ in range(3):
        lose(world)
    opened(world)
    world.boundary = _no_commit
    world.price(PAST_THE_STOP)
    world.run_for(10)
    restart(world)
    world.boundary = None
    world.run_for(30)
    assert opened(world) == 0
    assert_postcondition_c(world)


def _no_commit(boundary: str) -> None:
    if boundary == "before_commit":
        raise StoreUnavailable(StoreFailure.DISK_FULL, "no space left on device")


def test_a_day_that_lost_too_much_is_over_and_the_next_one_starts_at_full_size() -> None:
    world = a_trading_world(size_usd=5_000, wallet=1_900)
    assert lose(world) == FULL
    assert opened(world) == 0
    restart(world)
    assert opened(world) == 0
    told = [event for event in world.events if event.kind == "opening_adjusted"]
    assert [dict(event.data)["factor"] for event in told] == ["0.25", "0.25"]
    world.run_for(DAY_S)
    assert opened(world) == FULL
    assert_postcondition_c(world)
