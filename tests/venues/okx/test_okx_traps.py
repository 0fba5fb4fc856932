"""OKX's own traps: a stop that comes late, two lists, margin modes with every order, contracts, children."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.simulator.fault_script import FaultAction, FaultRule, FaultScript, RequestType
from adapters.simulator.profiles import OKX
from adapters.venues.okx import OkxRest
from messages.checks import Finding
from messages.orders import OrderStatus
from messages.values import ClientOrderId, MarginMode, OrderKind, OrderPurpose, OrderSide, Side
from messages.venue import (
    AccountReport,
    AmendOrder,
    FetchAccount,
    FetchFills,
    OrderAccepted,
    OrderRejected,
    PlaceOrder,
    QueryOrder,
    RejectReason,
    SetLeverage,
    VenueRequest,
)
from tests.contract.battery import Setup, Trio, known_as, refused
from tests.contract.house import living_house
from tests.simulator.builders import BTC, d
from tests.venues.okx.canned import Answer, Asked, canned, success
from tests.venues.okx.running import LOT, okx, running
from tests.venues.okx.test_okx_requests import CROSS, a_stop, an_order

STOP_ID = ClientOrderId("attached1")


@pytest.fixture
def start() -> Iterator[Callable[..., Trio]]:
    with ExitStack() as stack:
        yield lambda **setup: stack.enter_context(okx(Setup(**setup)))


def in_pieces(*quantities: Decimal, every_s: float, fill_rest: bool = True) -> FaultScript:
    rule = FaultRule(
        action=FaultAction.PARTIAL_FILL,
        requests=(RequestType.PLACE,),
        purposes=(OrderPurpose.ENTRY,),
        quantities=quantities,
        every_s=every_s,
        fill_rest=fill_rest,
    )
    return FaultScript(rules=(rule,))


def test_what_the_adapter_can_is_what_the_simulated_venue_can() -> None:
    assert OkxRest.capabilities == OKX.capabilities


def test_every_request_has_a_cost_in_a_window_that_exists() -> None:
    with running() as venue:
        rest = OkxRest(venue.config)
        names = {window.name for window in rest.windows}
        requests: list[VenueRequest] = [
            PlaceOrder(order=an_order("a")),
            PlaceOrder(order=a_stop("b")),
            AmendOrder(order=a_stop("b")),
            QueryOrder(symbol=BTC, client_order_id=STOP_ID, kind=OrderKind.STOP_MARKET),
            FetchAccount(),
            FetchFills(symbol=BTC, since_ms=0),
            CROSS,
        ]
        assert all(rest.cost(each) and set(rest.cost(each)) <= names for each in requests)
        assert rest.cost(PlaceOrder(order=a_stop("b"))) != rest.cost(PlaceOrder(order=an_order("a")))


def test_the_attached_stop_comes_with_the_last_piece_and_for_all_of_them(start: Callable[..., Trio]) -> None:
    trio = start(faults=in_pieces(LOT / 4, every_s=0.3))
    heard = trio.listen()
    trio.place(trio.entry(attached_stop_price="980", attached_stop_id=STOP_ID))
    assert trio.stops() == [], "a part of the entry is open, and nothing protects it"
    question = QueryOrder(symbol=BTC, client_order_id=STOP_ID, kind=OrderKind.STOP_MARKET)
    assert refused(trio.ask(question)) is RejectReason.NOT_FOUND
    heard.until(lambda: any(order.kind is OrderKind.STOP_MARKET for order in heard.orders))
    [stop] = trio.stops()
    assert (stop.client_order_id, stop.quantity, stop.trigger_price) == (STOP_ID, LOT, d(980))
    assert isinstance(trio.ask(question), OrderAccepted)


def test_a_sized_stop_is_resized_and_moved_in_one_request(start: Callable[..., Trio]) -> None:
    trio = start()
    trio.place(trio.entry(attached_stop_price="980", attached_stop_id=STOP_ID))
    [shown] = trio.stops()
    smaller = trio.stop(client_order_id=STOP_ID, trigger_price="990", quantity=LOT / 2)
    assert isinstance(trio.ask(AmendOrder(order=known_as(smaller, shown))), OrderAccepted)
    [moved] = trio.stops()
    assert (moved.venue_order_id, moved.trigger_price, moved.quantity) == (shown.venue_order_id, d(990), LOT / 2)


def test_an_entry_that_fills_in_pieces_gets_a_stop_of_ours_in_time(start: Callable[..., Trio], tmp_path: Path) -> None:
    """The rest of the entry comes a second later: until then the attached stop does not exist."""
    trio = start(faults=in_pieces(Decimal(10), every_s=1.0))
    with living_house(trio, tmp_path) as house:
        house.signal()
        house.witness.until(lambda: house.quantity() == 10 and house.stop_levels() == [d(980)])
        [ours] = house.orders(OrderKind.STOP_MARKET)
        assert ours.quantity is None, "one on the whole position covers the rest when it comes"
        house.witness.until(lambda: house.quantity() == 40)
        house.witness.until(lambda: len(house.stop_levels()) == 1)
    ledger = trio.exchange.ledger_snapshot()
    assert float(str(ledger["worst_window_seconds"])) < 0.5
    assert ledger["duplicate_orders"] == 0


def test_an_order_says_the_margin_mode_of_its_position(start: Callable[..., Trio]) -> None:
    """A person's cross position is protected and closed in cross, whatever the settings are for what we open."""
    trio = start()
    setting = SetLeverage(symbol=BTC, leverage=10, margin_mode=MarginMode.CROSS)
    trio.exchange.by_hand(setting)
    trio.exchange.by_hand(PlaceOrder(order=trio.entry()))
    assert isinstance(trio.ask(PlaceOrder(order=trio.stop())), OrderAccepted)
    trio.place(trio.close())
    assert trio.account().positions == ()


def test_the_margin_mode_is_looked_up_once_where_nothing_is_known() -> None:
    def route(asked: Asked) -> Answer:
        return success() if asked.path.endswith("positions") else success({"ordId": "1"})

    with canned(route) as venue:
        for number in range(3):
            venue.client.execute(PlaceOrder(order=an_order(f"e{number}")))
        paths = [asked.path.rpartition("/")[2] for asked in venue.asked]
        assert paths == ["positions", "order", "order", "order"]
        assert venue.asked[-1].body["tdMode"] == "isolated"


def test_a_stop_that_fired_is_found_as_filled_by_our_id(start: Callable[..., Trio]) -> None:
    trio = start()
    trio.place(trio.entry())
    stop = trio.stop()
    trio.place(stop)
    trio.move(975)
    question = QueryOrder(symbol=BTC, client_order_id=stop.client_order_id, kind=stop.kind)
    answer = trio.ask(question)
    assert isinstance(answer, OrderAccepted)
    assert (answer.report.status, answer.report.filled_quantity) == (OrderStatus.FILLED, LOT)
    assert trio.fills().fills[-1].client_order_id == stop.client_order_id


def test_a_second_stop_on_the_whole_position_exists_already(start: Callable[..., Trio]) -> None:
    trio = start()
    trio.place(trio.entry())
    trio.place(trio.stop())
    assert trio.refusal(trio.stop(trigger_price="985")) is RejectReason.STOP_EXISTS


def test_values_are_of_contracts(start: Callable[..., Trio]) -> None:
    """A hundred contracts of a hundredth at 1000 are worth 1000, not 100,000."""
    trio = start()
    trio.place(trio.entry())
    account = trio.account()
    assert account.balance.available == pytest.approx(d("9899.4"), abs=d("0.6"))
    trio.move(1010)
    assert trio.account().positions[0].unrealized_pnl == d(10)


@pytest.mark.parametrize(
    ("config", "problems"),
    [
        ({"acctLv": "2", "posMode": "net_mode", "perm": "read_only,trade"}, []),
        ({"acctLv": "1", "posMode": "net_mode", "perm": "read_only,trade"}, ["account type"]),
        ({"acctLv": "2", "posMode": "long_short_mode", "perm": "read_only,trade"}, ["position mode"]),
        ({"acctLv": "2", "posMode": "net_mode", "perm": "read_only,withdraw,trade"}, ["withdrawal"]),
        ({"acctLv": "2", "posMode": "net_mode", "perm": "read_only"}, ["trading"]),
        ({"acctLv": "9", "posMode": "", "perm": ""}, ["account type", "position mode", "trading", "withdrawal"]),
    ],
)
def test_an_account_that_does_not_fit_is_told_before_it_is_traded(config: dict[str, Any], problems: list[str]) -> None:
    with canned(lambda _: success(config)) as venue:
        checks = venue.rest.preflight()
    assert [check.name for check in checks if check.finding is not Finding.FINE] == problems


@pytest.mark.parametrize(
    ("age_ms", "endpoints"),
    [
        (60_000, ["fills", "bills"]),
        (5 * 86_400_000, ["fills-history", "bills"]),
        (8 * 86_400_000, ["fills-history", "bills-archive"]),
    ],
)
def test_fills_and_funding_are_asked_for_where_they_still_are(age_ms: int, endpoints: list[str]) -> None:
    """``bills`` goes back seven days: the funding of a position that is older would be lost."""
    with running() as venue, canned(lambda _: success()) as asked:
        asked.client.execute(FetchFills(symbol=BTC, since_ms=venue.exchange.clock.now_ms() - age_ms))
        assert [each.path.rpartition("/")[2] for each in asked.asked] == endpoints


def test_pages_are_read_to_the_end_and_endless_ones_are_no_answer() -> None:
    def page(asked: Asked) -> Answer:
        row = {"instId": "BTC-USDT-SWAP", "side": "buy", "ordType": "limit", "state": "live", "sz": "1", "px": "9"}
        return success(*(row | {"ordId": str(number)} for number in range(100)))

    def route(asked: Asked) -> Answer:
        return page(asked) if asked.path.endswith("orders-pending") else success()

    with canned(route) as venue:
        answer = venue.client.execute(FetchAccount())
        assert not isinstance(answer, OrderAccepted | OrderRejected)
        assert "pages" in getattr(answer, "text", "")


def test_both_sides_of_an_isolated_account_in_hedge_mode_get_the_leverage() -> None:
    request = SetLeverage(symbol=BTC, leverage=7, margin_mode=MarginMode.ISOLATED)
    with canned(lambda _: success({}), hedge=True) as venue:
        venue.client.execute(request)
        set_for = [asked.body["posSide"] for asked in venue.asked if asked.method == "POST"]
        assert set_for == ["long", "short"]


def test_a_trigger_order_of_a_persons_is_read_as_well() -> None:
    row = {
        "instId": "BTC-USDT-SWAP",
        "algoId": "77",
        "side": "sell",
        "ordType": "trigger",
        "state": "live",
        "sz": "1",
        "triggerPx": "900",
        "last": "1000",
        "posSide": "long",
    }

    def route(asked: Asked) -> Answer:
        return success(row) if asked.query.get("ordType") == "trigger" else success()

    with canned(route, hedge=True) as venue:
        account = venue.client.execute(FetchAccount())
    assert isinstance(account, AccountReport), account
    [order] = account.orders
    assert (order.kind, order.hedge_side, order.side) == (OrderKind.STOP_MARKET, Side.LONG, OrderSide.SELL)
    assert order.reduce_only, "in hedge mode the position side says so"
