"""A wave of entries during which the process is killed, once or again and again, at boundaries that are counted.

A boundary is every commit (before and after), every request (when it reaches the venue, when it is executed, when its
answer arrives) and every event of the private stream. ``wave`` is one life story; a campaign is one for each boundary.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from adapters.simulator.fault_script import NO_FAULTS, FaultScript
from adapters.simulator.profiles import PAPER, Profile
from messages.values import Symbol
from rules.position_case import OrderPolicy, PositionPolicies
from tests.scenarios.plants import WatchedCalls
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.world import World

EIGHT: Final = tuple(Symbol(f"{name}USDT") for name in ("BTC", "ETH", "SOL", "XRP", "ADA", "DOT", "LTC", "BNB"))
PROTECTED_WITHIN_S: Final = 3.0
SETTLED_AFTER_S: Final = 30.0
"""Longer than the longest life of an entry that was never sent, and than the venue's grace for leftovers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """What is opened, and where: the story that a campaign tells once for each boundary.

    Attributes:
        dead_s: How long the process is dead.
        price_after: Where the price goes while it is dead for the first time; ``None`` stays.
    """

    profile: Profile = PAPER
    symbols: Sequence[Symbol] = EIGHT
    side: str = "BUY"
    faults: FaultScript = NO_FAULTS
    limit_entries: bool = False
    dead_s: float = 1.0
    price_after: int | None = None
    seed: int = 1

    def __str__(self) -> str:
        return f"{self.profile.name}-{self.side.lower()}-{len(self.symbols)}"


def strided(last: int, *, stride: int, offset: int) -> range:
    """Every ``stride``-th boundary up to ``last``."""
    return range(1 + offset % stride, last + 1, stride)


def boundaries_of(wave: Wave) -> int:
    """How many boundaries an undisturbed wave passes, from its signals until everything is quiet."""
    world = begun(wave)
    before = len(world.boundaries)
    world.run_for(5)
    return len(world.boundaries) - before


def kill_in(wave: Wave, *kills: int) -> World:
    """Tell the story with the process killed at the first boundary given; after its restart at the next one; and so on.

    Fails when anything is not protected in time, or postcondition C does not hold at the end.
    """
    world = begun(wave)
    restarted_ms = world.time.now_ms()
    for kill in kills:
        live_until(world, kill)
        if wave.price_after is not None:
            for symbol in wave.symbols:
                world.price(wave.price_after, symbol)
        world.run_for(wave.dead_s)
        restarted_ms = world.time.now_ms()
        world.start()
    world.run_for(PROTECTED_WITHIN_S)
    naked = [
        record.symbol
        for record in world.exchange.engine.ledger.book.open.values()
        if record.uncovered.since_ms is not None and record.opened_ms <= restarted_ms
    ]
    assert not naked, f"not protected {PROTECTED_WITHIN_S} s after the restart: {naked}"
    world.run_for(SETTLED_AFTER_S)
    assert_postcondition_c(world)
    _assert_nothing_repeated(world, wave)
    _assert_never_naked(world)
    return world


def live_until(world: World, kill: int) -> None:
    """Until the ``kill``-th boundary from now on, or 5 s when there are not as many."""
    world.kill_at = len(world.boundaries) + kill
    until_ms = world.time.now_ms() + 5_000
    while world.doomed and world.time.now_ms() < until_ms:
        world.run_for(0.005)
    world.kill_at = None
    world.kill()


def _assert_nothing_repeated(world: World, wave: Wave) -> None:
    """One life a symbol at most, each of the size that one signal asks for."""
    lives = [str(record["symbol"]) for record in _records(world)]
    assert len(lives) == len(set(lives)), f"entered more than once: {sorted(lives)}"
    sizes = {position.quantity for position in world.account().positions}
    assert all(size <= Decimal("0.010") for size in sizes), f"more than one signal asks for: {sizes}"
    fates = world.fates()
    assert set(fates) == {str(raw["id"]) for _, raw in world.signals.signals}, "a signal has no fate on record"
    assert all(verdict == "accepted" for verdict in fates.values()), fates
    assert {str(position.symbol) for position in world.account().positions} <= set(wave.symbols)


def _assert_never_naked(world: World) -> None:
    """A stop that comes with the entry and is moved in place leaves no gap, whoever dies when."""
    capabilities = world.profile.capabilities
    if capabilities.attach_stop_to_entry and capabilities.amend_stop:
        assert world.ledger()["unprotected_seconds"] == 0.0, world.ledger()


def _records(world: World) -> list[dict[str, object]]:
    listed = world.ledger()["positions"]
    assert isinstance(listed, list)
    return listed


def begun(wave: Wave) -> World:
    """A process that runs, and the signals of ``wave`` on their way to it."""
    orders = OrderPolicy(entry_limit=wave.limit_entries)
    world = World(
        profile=wave.profile,
        prices={symbol: Decimal(42_000) for symbol in wave.symbols},
        faults=wave.faults,
        seed=wave.seed,
        policies=PositionPolicies(orders=orders),
        connect=WatchedCalls,
    )
    world.start()
    world.run_for(1)
    for symbol in wave.symbols:
        world.signal(symbol, wave.side)
    return world


LIFE: Final = ((42_630, 5), (42_700, 70), (42_900, 65), (43_300, 10), (42_900, 70))
"""Prices of a long's life and for how many seconds each: activation, TP1 with breakeven, two moves, TP2 or the stop."""
LOSS: Final = ((42_500, 20), (41_500, 5), (41_000, 10))
"""Prices of a long that ends at its stop."""
MIRROR: Final = 84_000


def kill_in_life(
    profile: Profile, kill: int, *, prices: Sequence[tuple[int, int]] = LIFE, side: str = "BUY", dead_s: float = 1.0
) -> World:
    """A whole life of one position, with the process killed at the ``kill``-th boundary after its entry.

    Fails where postcondition C does not hold at the end.
    """
    symbol = EIGHT[0]
    world = World(profile=profile)
    world.start()
    world.run_for(1)
    world.signal(symbol, side)
    world.run_for(5)
    world.kill_at = len(world.boundaries) + kill
    for price, seconds in prices:
        world.price(price if side == "BUY" else MIRROR - price, symbol)
        until_ms = world.time.now_ms() + seconds * 1_000
        while world.time.now_ms() < until_ms:
            world.run_for(0.25 if world.doomed else 1)
            if world.process is None:
                world.run_for(dead_s)
                world.start()
    world.kill_at = None
    world.run_for(SETTLED_AFTER_S)
    assert_postcondition_c(world)
    assert len(_records(world)) == 1, "entered more than once"
    _assert_never_naked(world)
    return world
