"""One life of a position, from the signal to the end, with the whole house on each venue in real time."""

from decimal import Decimal
from pathlib import Path

from messages.values import OrderKind
from tests.contract.battery import Trio
from tests.contract.house import living_house
from tests.simulator.builders import d

HALF_USD = d("0.2")
"""Half of 400 USDT at 1000, in base coins."""


def test_a_position_is_opened_with_its_stop_taken_in_part_trailed_and_closed(trio: Trio, tmp_path: Path) -> None:
    with living_house(trio, tmp_path) as house:
        rest = HALF_USD * trio.lot
        house.signal()
        house.witness.until(lambda: house.quantity() == 2 * rest and house.stop_levels() == [d(980)])
        house.witness.until(lambda: len(house.orders(OrderKind.TAKE_PROFIT_MARKET)) == 2)

        trio.move(1016)
        house.witness.until(lambda: house.quantity() == rest)
        house.witness.until(lambda: [level for level in house.stop_levels() if level and level > 1000] != [])
        covers = ([None], [rest])
        house.witness.until(lambda: [stop.quantity for stop in house.orders(OrderKind.STOP_MARKET)] in covers)

        trio.move(1025)
        # 99.5 % of 1025, to the safe side.
        house.witness.until(lambda: house.stop_levels() == [d("1019.9")])

        trio.move(1031)
        house.witness.until(lambda: house.quantity() == 0)
        house.witness.until(lambda: house.trio.exchange.look(lambda engine: not [*engine.state.orders.all_working()]))
    ledger = trio.exchange.ledger_snapshot()
    entry_window = Decimal(0) if trio.can.attach_stop_to_entry else Decimal("0.5")
    assert Decimal(str(ledger["worst_window_seconds"])) <= entry_window
    assert ledger["unprotected_seconds"] == ledger["worst_window_seconds"], "no window but the entry's"
    assert (ledger["duplicate_orders"], ledger["zombie_orders"]) == (0, 0)
