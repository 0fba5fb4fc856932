"""An entry over a venue's largest market order is sent in parts on each venue, and closed in parts (S3).

Where stops have a quantity and the venue limits that as well (Binance), no more is opened than one stop can be for.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from messages.positions import ClosePosition
from messages.state import CloseReason
from messages.values import OrderKind, PositionKey
from tests.contract.battery import Trio
from tests.contract.house import LONG_S, SIZE_USD, living_house
from tests.simulator.builders import BTC, d

PARTS = 3
FIRST_PART = d("0.134")
WORST_WINDOW_S = 1.0


def test_what_is_too_large_for_one_order_is_opened_covered_and_closed_in_several(
    start: Callable[..., Trio], tmp_path: Path
) -> None:
    trio = start()
    whole = trio.can.whole_position_stop
    size = (SIZE_USD / 1000 if whole else FIRST_PART) * trio.lot
    largest = d("0.15") * trio.lot
    known = trio.exchange.look(lambda engine: engine.state.instruments[BTC])
    trio.exchange.look(lambda engine: engine.set_instrument(replace(known, max_market_quantity=largest)))
    with living_house(trio, tmp_path) as house:
        house.signal()
        house.witness.until(lambda: house.quantity() == size, timeout_s=LONG_S)
        house.witness.until(lambda: [stop.quantity for stop in house.orders(OrderKind.STOP_MARKET)] in ([None], [size]))
        desk = house.system.ref(f"exchange/{trio.calls.venue}/desk")
        desk.tell(ClosePosition(key=PositionKey(venue=trio.calls.venue, symbol=BTC), reason=CloseReason.OPERATOR))
        house.witness.until(lambda: house.quantity() == 0, timeout_s=LONG_S)
        house.witness.until(lambda: trio.exchange.look(lambda engine: not [*engine.state.orders.all_working()]))
    orders = trio.exchange.look(lambda engine: engine.state.orders.known(BTC))
    market = [order.filled_quantity for order in orders if order.kind is OrderKind.MARKET and order.filled_quantity]
    assert sum(market) == 2 * size
    assert max(market) <= largest
    assert len(market) == (2 * PARTS if whole else 2)
    ledger = trio.exchange.ledger_snapshot()
    assert ledger["duplicate_orders"] == 0
    assert float(str(ledger["worst_window_seconds"])) < WORST_WINDOW_S
