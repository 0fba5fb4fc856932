"""The whole house on a Bitget account in hedge mode, where a close is written with the side of its position."""

from pathlib import Path

import pytest

from messages.orders import OrderReport
from messages.values import OrderKind, OrderSide, Side
from tests.contract.battery import Setup
from tests.contract.house import LivingHouse, living_house
from tests.simulator.builders import BTC, d
from tests.venues.bitget.running import bitget


def sides(house: LivingHouse) -> dict[Side, object]:
    report = house.trio.exchange.look(lambda engine: engine.account(BTC, taken_ms=0))
    return {position.side: position.quantity for position in report.positions}


def stops(house: LivingHouse) -> dict[Side | None, OrderReport]:
    return {order.hedge_side: order for order in house.orders(OrderKind.STOP_MARKET)}


def signal_and_wait(house: LivingHouse, side: str, held: Side) -> None:
    house.signal(side)
    house.witness.until(lambda: held in sides(house) and held in stops(house))


def test_both_sides_live_beside_each_other_each_with_its_stop_and_profits(tmp_path: Path) -> None:
    with bitget(Setup(hedge=True)) as trio:
        with living_house(trio, tmp_path, hedge_mode=True) as house:
            signal_and_wait(house, "BUY", Side.LONG)
            signal_and_wait(house, "SELL", Side.SHORT)
            assert {held: stop.trigger_price for held, stop in stops(house).items()} == {
                Side.LONG: d(980),
                Side.SHORT: d(1020),
            }
            house.witness.until(lambda: len(house.orders(OrderKind.TAKE_PROFIT_MARKET)) == 4)
            profits = {(each.hedge_side, each.side) for each in house.orders(OrderKind.TAKE_PROFIT_MARKET)}
            assert profits == {(Side.LONG, OrderSide.SELL), (Side.SHORT, OrderSide.BUY)}

            trio.move(1016)
            house.witness.until(lambda: sides(house) == {Side.LONG: d("0.2"), Side.SHORT: d("0.4")})
            house.witness.until(lambda: (stops(house)[Side.LONG].trigger_price or 0) > 1000)
            assert stops(house)[Side.SHORT].trigger_price == d(1020)

            trio.move(1021)
            house.witness.until(lambda: Side.SHORT not in sides(house))
            trio.move(1031)
            house.witness.until(lambda: sides(house) == {})
            house.witness.until(lambda: not trio.exchange.look(lambda engine: [*engine.state.orders.all_working()]))
        ledger = trio.exchange.ledger_snapshot()
        assert (ledger["unprotected_seconds"], ledger["duplicate_orders"], ledger["zombie_orders"]) == (0, 0, 0)


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_a_position_is_stopped_out_and_known_to_be(tmp_path: Path, side: str) -> None:
    held = Side.LONG if side == "BUY" else Side.SHORT
    with bitget(Setup(hedge=True)) as trio:
        with living_house(trio, tmp_path, hedge_mode=True) as house:
            signal_and_wait(house, side, held)
            trio.move(975 if held is Side.LONG else 1025)
            house.witness.until(lambda: sides(house) == {})
            house.witness.until(lambda: not trio.exchange.look(lambda engine: [*engine.state.orders.all_working()]))
            house.witness.until(lambda: any(event.kind == "position_closed" for event in house.events))
        [closed] = [event for event in house.events if event.kind == "position_closed"]
        assert "stop_loss" in closed.text
