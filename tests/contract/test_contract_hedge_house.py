"""Both sides of one symbol at once, with the whole house on each venue in hedge mode, in real time."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from messages.orders import OrderReport
from messages.values import OrderKind, Side
from tests.contract.battery import Trio
from tests.contract.house import LivingHouse, living_house
from tests.simulator.builders import BTC, d


def sides(house: LivingHouse) -> dict[Side, Decimal]:
    """How much is open on each side, in base coins."""
    report = house.trio.exchange.look(lambda engine: engine.account(BTC, taken_ms=0))
    return {position.side: position.quantity / house.trio.lot for position in report.positions}


def stops(house: LivingHouse) -> dict[Side | None, OrderReport]:
    return {order.hedge_side: order for order in house.orders(OrderKind.STOP_MARKET)}


def open_a(held: Side, house: LivingHouse) -> None:
    """A position on ``held``, with its stop."""
    house.signal("BUY" if held is Side.LONG else "SELL")
    house.witness.until(lambda: held in sides(house) and held in stops(house))


def test_each_side_lives_its_own_life_beside_the_other(start: Callable[..., Trio], tmp_path: Path) -> None:
    trio = start(hedge=True)
    with living_house(trio, tmp_path, hedge_mode=True) as house:
        open_a(Side.LONG, house)
        open_a(Side.SHORT, house)
        house.witness.until(lambda: len(house.orders(OrderKind.TAKE_PROFIT_MARKET)) == 4)
        assert {held: stop.trigger_price for held, stop in stops(house).items()} == {
            Side.LONG: d(980),
            Side.SHORT: d(1020),
        }

        trio.move(1016)
        house.witness.until(lambda: sides(house) == {Side.LONG: d("0.2"), Side.SHORT: d("0.4")})
        house.witness.until(lambda: Side.LONG in stops(house) and (stops(house)[Side.LONG].trigger_price or 0) > 1000)
        assert stops(house)[Side.SHORT].trigger_price == d(1020)

        trio.move(1021)
        house.witness.until(lambda: Side.SHORT not in sides(house))
        trio.move(1031)
        house.witness.until(lambda: sides(house) == {})
        house.witness.until(lambda: not trio.exchange.look(lambda engine: [*engine.state.orders.all_working()]))
    ledger = trio.exchange.ledger_snapshot()
    if trio.can.attach_stop_to_entry:
        assert ledger["unprotected_seconds"] == 0
    assert (ledger["duplicate_orders"], ledger["zombie_orders"]) == (0, 0)
