"""What the paper exchange said is what it remembers: across restarts, and across kills at any moment."""

import json
import random
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from actors.kernel import VirtualTime
from adapters.simulator.engine import money_is_conserved
from adapters.simulator.feed import PricePoint
from adapters.simulator.paper_config import PaperConfig
from adapters.simulator.paper_state import PaperStateError
from messages.orders import OrderStatus
from messages.values import ClientOrderId, MarginMode, OrderKind, OrderSide
from messages.venue import OrderAccepted, QueryOrder, SetLeverage
from tests.simulator.builders import (
    BTC,
    ETH,
    T0,
    Desk,
    StillFeed,
    a_limit,
    a_stop,
    a_take_profit,
    accepted,
    an_order,
    d,
    order_of,
    refused,
)

ROOT = Path(__file__).resolve().parents[2]


def reopened(desk: Desk, path: Path, **changes: Any) -> Desk:
    """A new process's exchange on the same file, at the same time."""
    return Desk(path=path, time=VirtualTime(start_ms=desk.time.now_ms(), seed=2), **changes)


def everything(desk: Desk) -> dict[str, Any]:
    engine = desk.exchange.engine
    return {
        "account": engine.account(None, taken_ms=0),
        "fills": [engine.fills(symbol, 0) for symbol in (BTC, ETH)],
        "sequence": engine.state.sequence,
        "money": (engine.state.account.realized, engine.state.account.commission, engine.state.account.funding),
    }


def a_busy_desk(path: Path) -> Desk:
    points = [PricePoint(T0 + 1000 * step, BTC, d(1000 + step)) for step in range(1, 40)]
    desk = Desk(path=path, feed=StillFeed(points=points, symbols=(BTC, ETH)))
    desk.ask(SetLeverage(symbol=BTC, leverage=20, margin_mode=MarginMode.ISOLATED))
    desk.place(an_order(quantity="2", attached_stop_price="960", attached_stop_id=ClientOrderId("sl")))
    desk.place(a_take_profit(trigger_price="1020"))
    accepted(desk.place(a_limit(symbol=ETH)))
    accepted(desk.place(an_order(symbol=ETH)))
    desk.place(an_order(symbol=ETH, side=OrderSide.SELL, reduce_only=True))
    desk.time.run_for(30)
    return desk


@pytest.mark.parametrize("orderly", [True, False])
def test_a_restart_finds_everything_as_it_was(tmp_path: Path, orderly: bool) -> None:  # noqa: FBT001
    path = tmp_path / "paper.sqlite3"
    desk = a_busy_desk(path)
    before = everything(desk)
    if orderly:
        desk.exchange.stop()
    after = reopened(desk, path, feed=StillFeed(price="1030", symbols=(BTC, ETH)))
    assert everything(after) == before
    assert money_is_conserved(after.exchange.engine)
    assert after.exchange.engine.state.account.positions[BTC, None].leverage == 20


def test_an_id_stays_taken_and_queries_find_ended_orders_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite3"
    desk = a_busy_desk(path)
    order = an_order(client_order_id=ClientOrderId("once"))
    desk.place(order)
    after = reopened(desk, path)
    assert refused(after.place(order)) == "duplicate_id"
    query = QueryOrder(symbol=BTC, client_order_id=ClientOrderId("once"), kind=OrderKind.MARKET)
    assert accepted(after.ask(query)).status is OrderStatus.FILLED


def test_the_book_goes_on_and_counts_the_time_in_between(tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite3"
    desk = Desk(path=path)
    desk.place(an_order())
    desk.time.run_for(10)
    began = desk.exchange.ledger_snapshot()["unprotected_seconds"]
    desk.time.run_for(90)
    after = reopened(desk, path)
    after.place(a_stop())
    after.time.run_for(100)
    book: Any = after.exchange.ledger_snapshot()
    assert isinstance(began, float)
    assert 100 <= book["unprotected_seconds"] < 100.3
    assert len(book["positions"]) == 1


def test_stops_that_the_market_crossed_while_nobody_ran_have_executed_at_their_trigger(tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite3"
    points = [PricePoint(T0 + 60_000, BTC, d(970)), PricePoint(T0 + 120_000, BTC, d(1000))]
    desk = Desk(path=path, feed=StillFeed(points=points))
    desk.place(an_order())
    stop = a_stop(quantity=None)
    desk.place(stop)
    desk.time.run_for(1)
    late = Desk(path=path, time=VirtualTime(start_ms=T0 + 600_000, seed=2), feed=StillFeed(points=points))
    assert order_of(late.exchange.engine, stop).average_price == d(980)
    assert late.account().positions == ()
    assert late.exchange.current_tick(BTC) is not None


def test_a_scripted_gap_lasts_beyond_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite3"
    desk = Desk(path=path)
    desk.exchange.gap(BTC, d(-10))
    after = reopened(desk, path)
    tick = after.exchange.current_tick(BTC)
    assert tick is not None
    assert tick.last == d(900)


def test_an_exchange_in_memory_writes_no_file(tmp_path: Path) -> None:
    Desk().place(an_order())
    assert list(tmp_path.iterdir()) == []


def test_relaxed_durability_is_whole_after_an_orderly_end(tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite3"
    desk = Desk(path=path, config=PaperConfig(commit_every=500))
    for _ in range(20):
        desk.place(an_order(quantity="0.01"))
    before = everything(desk)
    desk.exchange.stop()
    assert everything(reopened(desk, path)) == before


def test_a_file_that_is_something_else_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite3"
    path.write_text("this is a diary, not a database" * 100, encoding="utf-8")
    with pytest.raises(PaperStateError, match="move it away"):
        Desk(path=path)
    other = tmp_path / "other.sqlite3"
    Desk(path=other).place(an_order())
    with sqlite3.connect(other) as db:
        db.execute("UPDATE meta SET body = replace(CAST(body AS TEXT), '\"version\":1', '\"version\":9')")
    db.close()
    with pytest.raises(PaperStateError, match="version 9"):
        Desk(path=other)


CHILD = """
import json, sys
from pathlib import Path
from messages.values import ClientOrderId, OrderSide
from messages.venue import OrderAccepted
from tests.simulator.builders import Desk, a_stop, an_order
desk = Desk(path=Path(sys.argv[1]))
number = 0
while True:
    number += 1
    side = OrderSide.BUY if number % 4 < 3 else OrderSide.SELL
    spec = an_order(client_order_id=ClientOrderId(f"k{number}"), side=side, quantity="0.1")
    stop = a_stop(client_order_id=ClientOrderId(f"s{number}"), quantity="0.1")
    for order in (spec, stop):
        answer = desk.place(order)
        if isinstance(answer, OrderAccepted):
            print(json.dumps([order.client_order_id, str(answer.report.filled_quantity)]), flush=True)
"""


def killed_child(path: Path, after_lines: int) -> list[tuple[str, str]]:
    """Run a client and its exchange in a process of their own, kill it, and give what it had acknowledged."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert child.stdout is not None
    heard = [child.stdout.readline() for _ in range(after_lines)]
    child.kill()
    # Not by communicate(): that reads past what readline() has taken in already, and loses it.
    rest = child.stdout.read()
    child.wait(timeout=30)
    child.stdout.close()
    lines = [line for line in ("".join(heard) + rest).splitlines() if line.endswith("]")]
    return [(name, filled) for name, filled in map(json.loads, lines)]


def test_whatever_was_acknowledged_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    moments = random.Random(7)
    for round_number in range(4):
        path = tmp_path / f"paper{round_number}.sqlite3"
        said = killed_child(path, moments.randint(1, 60))
        assert said
        after = Desk(path=path, time=VirtualTime(start_ms=T0 + 3_600_000, seed=2))
        engine = after.exchange.engine
        for name, filled in said:
            answer = engine.query(BTC, ClientOrderId(name))
            assert isinstance(answer, OrderAccepted), name
            assert answer.report.filled_quantity == d(filled)
        fills = engine.fills(BTC, 0).fills
        size = sum((fill.quantity if fill.side is OrderSide.BUY else -fill.quantity for fill in fills), d(0))
        positions = engine.account(None, taken_ms=0).positions
        assert sum((position.quantity for position in positions), d(0)) == size
        assert money_is_conserved(engine)
        # At most the one request that was being answered is there beyond what was said.
        numbers = {order.client_order_id for order in engine.account(None, taken_ms=0).orders}
        numbers |= {fill.client_order_id for fill in fills}
        assert len(numbers - {name for name, _ in said}) <= 1
