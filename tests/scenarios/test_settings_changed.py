"""Other settings while positions are open: what can change does so at once, also for whoever is restarted later."""

from decimal import Decimal
from pathlib import Path

from messages.settings import Settings
from messages.values import Symbol
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import stops_of
from tests.scenarios.world import BTC, World

ETH = Symbol("ETHUSDT")


def a_world() -> World:
    world = World(prices={BTC: Decimal(42_000), ETH: Decimal(42_000)})
    world.start()
    world.run_for(1)
    return world


def change(world: World, **values: object) -> None:
    assert world.house is not None
    world.house.change(Settings.model_validate({"data_dir": Path("data"), "position_size_usd": 420, **values}))
    world.run_for(2)


def stop_price(world: World) -> Decimal:
    (stop,) = stops_of(world)
    assert stop.trigger_price is not None
    return stop.trigger_price


def test_an_open_position_begins_to_trail_where_the_new_settings_have_it() -> None:
    world = a_world()
    world.signal(BTC)
    world.run_for(5)
    world.price(42_300)
    world.run_for(120)
    before = stop_price(world)
    change(world, trailing_activation_percent="0.6", trailing_callback_percent="0.2", breakeven_at_percent="0.5")
    world.price(42_301)
    world.run_for(120)
    assert stop_price(world) > before
    assert_postcondition_c(world)


def test_a_restarted_position_has_the_new_settings_as_well() -> None:
    world = a_world()
    world.signal(BTC)
    world.run_for(5)
    before = stop_price(world)
    change(world, trailing_activation_percent="0.6", trailing_callback_percent="0.2", breakeven_at_percent="0.5")
    assert world.process is not None
    world.process.system.restart("position/paper/BTCUSDT")
    world.run_for(5)
    world.price(42_300)
    world.run_for(120)
    assert stop_price(world) > before
    assert_postcondition_c(world)


def test_limits_and_filters_count_for_the_next_signal() -> None:
    world = a_world()
    change(world, stoplist_symbols="BTCUSDT", max_positions=1)
    world.signal(BTC, id="stopped")
    world.signal(ETH, id="taken")
    world.run_for(5)
    assert world.fates() == {"stopped": "rejected", "taken": "accepted"}
    change(world, max_positions=2)
    world.signal(BTC, id="now")
    world.run_for(5)
    assert world.fates()["now"] == "accepted"
    assert_postcondition_c(world)


def test_the_size_of_the_next_position_is_the_new_one() -> None:
    world = a_world()
    change(world, position_size_usd=840)
    world.signal(BTC)
    world.run_for(5)
    (position,) = world.account().positions
    assert position.quantity * position.entry_price > 800
    assert_postcondition_c(world)
