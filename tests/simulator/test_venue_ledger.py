"""The laws of the venue's book: what counts as cover, for how long, and what was too many."""

from typing import Any

import pytest

from adapters.simulator.engine import Exchange
from adapters.simulator.funding import ConstantFunding
from adapters.simulator.profiles import BINANCE, PAPER, WORST, Profile
from messages.values import ClientOrderId, MarginMode, OrderSide, Side
from messages.venue import SetLeverage
from tests.simulator.builders import (
    BTC,
    T0,
    a_limit,
    a_stop,
    a_take_profit,
    accepted,
    an_exchange,
    an_order,
    d,
)

SELL = OrderSide.SELL


def ledger(exchange: Exchange, after_ms: int) -> Any:
    return exchange.ledger.snapshot(T0 + after_ms)


def test_a_position_counts_as_unprotected_until_its_stop_rests() -> None:
    exchange = an_exchange(profile=BINANCE)
    exchange.place(an_order(quantity="2"), T0)
    exchange.place(a_stop(quantity="2"), T0 + 300)
    book = ledger(exchange, 60_000)
    assert (book["unprotected_seconds"], book["worst_window_seconds"], book["unprotected_windows"]) == (0.3, 0.3, 1)
    assert book["unprotected_notional_seconds"] == "600.00"


def test_an_entry_with_its_stop_attached_has_no_window() -> None:
    exchange = an_exchange()
    exchange.place(an_order(attached_stop_price="980", attached_stop_id=ClientOrderId("s")), T0)
    book = ledger(exchange, 60_000)
    assert (book["unprotected_seconds"], book["unprotected_windows"]) == (0, 0)
    assert [each["worst_window_seconds"] for each in book["positions"]] == [0]


def test_a_window_that_is_still_open_counts_up_to_now() -> None:
    exchange = an_exchange()
    exchange.place(an_order(), T0)
    assert ledger(exchange, 7_000)["unprotected_seconds"] == 7
    assert ledger(exchange, 9_000)["worst_window_seconds"] == 9
    assert ledger(exchange, 9_000)["positions_uncovered_now"] == 1


@pytest.mark.parametrize(
    "stop",
    [
        a_stop(quantity="0.9"),
        a_stop(trigger_price="905"),
        a_take_profit(),
        a_limit(side=SELL, price="1010", reduce_only=True),
        a_stop(reduce_only=False),
    ],
    ids=["too small", "beyond liquidation", "a take profit", "a limit", "not reducing"],
)
def test_what_does_not_protect_does_not_count(stop: Any) -> None:
    exchange = an_exchange(leverage=10)
    exchange.place(an_order(), T0)
    exchange.move(BTC, d(1005), T0)
    if stop.trigger_price == d(905):
        exchange.set_leverage(SetLeverage(symbol=BTC, leverage=20, margin_mode=MarginMode.ISOLATED), T0)
    exchange.place(stop, T0)
    assert ledger(exchange, 1_000)["unprotected_seconds"] == 1


def test_quantity_stops_that_add_up_cover() -> None:
    exchange = an_exchange()
    exchange.place(an_order(quantity="2"), T0)
    exchange.place(a_stop(quantity="0.5", trigger_price="970"), T0)
    exchange.place(a_stop(quantity="1.5"), T0)
    assert ledger(exchange, 10_000)["unprotected_seconds"] == 0
    assert ledger(exchange, 10_000)["duplicate_orders"] == 0


def test_an_addition_is_uncovered_until_the_stop_follows() -> None:
    exchange = an_exchange()
    exchange.place(an_order(), T0)
    stop = a_stop()
    exchange.place(stop, T0)
    exchange.place(an_order(), T0 + 1_000)
    exchange.amend(a_stop(client_order_id=stop.client_order_id, quantity="2"), T0 + 1_400)
    book = ledger(exchange, 9_000)
    assert (book["unprotected_seconds"], book["unprotected_notional_seconds"]) == (0.4, "400.00")


def test_funding_that_lifts_the_liquidation_price_over_the_stop_ends_the_cover() -> None:
    exchange = an_exchange(leverage=20, funding=ConstantFunding(d("0.02")))
    exchange.place(an_order(), T0)
    exchange.place(a_stop(trigger_price="960"), T0)
    assert ledger(exchange, 1_000)["positions_uncovered_now"] == 0
    exchange.advance(T0 + 8 * 3_600_000)
    assert ledger(exchange, 8 * 3_600_000 + 2_000)["unprotected_seconds"] == 2


def test_more_stop_than_position_is_a_window_of_its_own_kind() -> None:
    exchange = an_exchange()
    exchange.place(an_order(quantity="2"), T0)
    exchange.place(a_stop(quantity="2"), T0)
    exchange.place(an_order(quantity="1", side=SELL, reduce_only=True), T0 + 1_000)
    book = ledger(exchange, 4_000)
    assert (book["over_covered_seconds"], book["worst_over_cover_seconds"], book["unprotected_seconds"]) == (3, 3, 0)


def test_replacing_a_stop_by_a_second_one_is_no_duplicate_while_it_is_quick() -> None:
    exchange = an_exchange(profile=BINANCE)
    exchange.place(an_order(), T0)
    old, new = a_stop(), a_stop(trigger_price="985")
    exchange.place(old, T0)
    exchange.place(new, T0 + 60_000)
    exchange.cancel(old, T0 + 65_000)
    book = ledger(exchange, 900_000)
    assert (book["duplicate_orders"], book["unprotected_seconds"], book["over_covered_seconds"]) == (0, 0, 5)


def test_two_stops_side_by_side_for_over_five_seconds_are_one_duplicate_then_and_afterwards() -> None:
    exchange = an_exchange(profile=BINANCE)
    exchange.place(an_order(), T0)
    old = a_stop()
    exchange.place(old, T0)
    exchange.place(a_stop(trigger_price="985"), T0)
    assert ledger(exchange, 5_000)["duplicate_orders"] == 0
    assert ledger(exchange, 5_001)["duplicate_orders"] == 1
    exchange.cancel(old, T0 + 5_001)
    assert ledger(exchange, 900_000)["duplicate_orders"] == 1


def test_an_id_accepted_twice_is_a_duplicate() -> None:
    exchange = an_exchange(profile=WORST)
    order = an_order()
    exchange.place(order, T0)
    exchange.place(order, T0)
    assert ledger(exchange, 0)["duplicate_orders"] == 1


def test_two_resting_entries_for_over_five_seconds_are_a_duplicate_and_pieces_of_one_are_not() -> None:
    exchange = an_exchange(wallet=10_000_000)
    exchange.place(a_limit(quantity="1"), T0)
    exchange.place(a_limit(quantity="1000"), T0)
    assert ledger(exchange, 6_000)["duplicate_orders"] == 0
    exchange.place(a_limit(quantity="1"), T0)
    assert ledger(exchange, 6_000)["duplicate_orders"] == 1


def test_a_reducing_order_without_a_position_is_a_zombie_after_five_seconds() -> None:
    exchange = an_exchange(profile=PAPER)
    exchange.place(an_order(), T0)
    stop, target = a_stop(), a_take_profit()
    exchange.place(stop, T0)
    exchange.place(target, T0)
    exchange.place(an_order(side=SELL, reduce_only=True), T0 + 10_000)
    exchange.cancel(stop, T0 + 12_000)
    assert ledger(exchange, 15_000)["zombie_orders"] == 0
    assert ledger(exchange, 15_001)["zombie_orders"] == 1
    exchange.cancel(target, T0 + 20_000)
    book = ledger(exchange, 99_000)
    assert (book["zombie_orders"], book["zombie_orders_now"], book["worst_zombie_seconds"]) == (1, 0, 10)


def test_an_orphan_on_the_wrong_side_of_the_next_position_stays_a_zombie() -> None:
    exchange = an_exchange()
    exchange.place(an_order(), T0)
    exchange.place(a_stop(), T0)
    exchange.place(an_order(side=SELL, quantity="2"), T0)
    book = ledger(exchange, 6_000)
    assert (book["zombie_orders"], book["unprotected_seconds"]) == (1, 6)


def test_a_turned_position_is_a_new_life_in_the_book() -> None:
    exchange = an_exchange()
    exchange.place(an_order(), T0)
    exchange.place(an_order(side=SELL, quantity="2"), T0 + 1_000)
    book = ledger(exchange, 3_000)
    assert [(each["side"], each["unprotected_seconds"]) for each in book["positions"]] == [("long", 1), ("short", 2)]
    assert (book["unprotected_seconds"], book["worst_window_seconds"], book["positions_opened"]) == (3, 2, 2)


def test_each_side_of_a_hedged_symbol_has_its_own_cover() -> None:
    exchange = an_exchange(hedge=True)
    exchange.place(an_order(hedge_side=Side.LONG), T0)
    exchange.place(an_order(side=SELL, hedge_side=Side.SHORT), T0)
    exchange.place(a_stop(hedge_side=Side.LONG, quantity=None), T0)
    book = ledger(exchange, 2_000)
    assert {each["side"]: each["unprotected_seconds"] for each in book["positions"]} == {"long": 0, "short": 2}


def test_a_stop_that_was_triggered_and_fills_in_pieces_still_counts() -> None:
    exchange = an_exchange()
    exchange.place(an_order(), T0)
    stop = accepted(exchange.place(a_stop(), T0, allowance=d("0.4")))
    exchange.move(BTC, d(970), T0 + 1_000)
    assert ledger(exchange, 3_000)["positions_uncovered_now"] == 0
    exchange.allow(stop.venue_order_id, None, T0 + 4_000)
    assert ledger(exchange, 9_000)["unprotected_seconds"] == 0
    assert ledger(exchange, 9_000)["positions_open"] == 0


@pytest.mark.parametrize(
    ("profile", "who", "counted"),
    [(BINANCE, "client", 1), (PAPER, "client", 1), (BINANCE, "hands", 0), (WORST, "client", 0)],
)
def test_taking_cover_away_is_wrong_where_a_stop_can_be_moved_otherwise_and_for_the_client_only(
    profile: Profile, who: str, counted: int
) -> None:
    exchange = an_exchange(profile=profile)
    exchange.place(an_order(quantity="2"), T0)
    stop = a_stop(quantity="2")
    exchange.place(stop, T0)
    exchange.hands = who == "hands"
    exchange.cancel(stop, T0 + 10)
    assert ledger(exchange, 20)["wrong_cancels"] == counted


def test_a_stop_that_is_one_too_many_may_be_cancelled() -> None:
    exchange = an_exchange(profile=BINANCE)
    exchange.place(an_order(quantity="2"), T0)
    one, other = (a_stop(quantity="2", client_order_id=ClientOrderId(name)) for name in ("one", "other"))
    exchange.place(one, T0)
    exchange.place(other, T0)
    exchange.cancel(one, T0 + 10)
    assert ledger(exchange, 20)["wrong_cancels"] == 0
