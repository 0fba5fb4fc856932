from dataclasses import replace
from decimal import Decimal

import pytest

from actors.rate_budget import RateBudget
from actors.venue_queue import (
    ENTRY,
    POLL,
    PROTECTIVE,
    RESERVED_FOR_PROTECTION,
    WORKERS,
    Call,
    Job,
    VenueQueue,
    stop_among,
)
from messages.orders import BalanceReport, OrderReport, OrderSpec, OrderStatus
from messages.positions import VenueRead
from messages.state import Intent, IntentAction
from messages.values import (
    ClientOrderId,
    IntentId,
    OrderKind,
    OrderPurpose,
    OrderSide,
    PositionId,
    PositionKey,
    Symbol,
    Venue,
    VenueOrderId,
)
from messages.venue import AccountReport, FetchAccount, PlaceOrder, QueryOrder, RateWindow, VenueRequest

KEY = PositionKey(venue=Venue("paper"), symbol=Symbol("BTCUSDT"))


def an_intent(purpose: OrderPurpose, position: str = "old", name: str = "o1") -> Intent:
    return Intent(
        intent_id=IntentId(name),
        position_id=PositionId(position),
        key=KEY,
        action=IntentAction.PLACE,
        order=OrderSpec(
            client_order_id=ClientOrderId(name),
            symbol=KEY.symbol,
            side=OrderSide.SELL,
            kind=OrderKind.MARKET,
            purpose=purpose,
            quantity=Decimal(1),
            reduce_only=purpose is not OrderPurpose.ENTRY,
        ),
        protective=purpose is OrderPurpose.CLOSE,
        created_ms=0,
    )


def a_job(priority: int, purpose: OrderPurpose = OrderPurpose.ENTRY, position: str = "old") -> Job:
    return Job(path="p", priority=priority, intent=an_intent(purpose, position))


def a_queue(*windows: RateWindow) -> VenueQueue:
    def cost(request: VenueRequest) -> dict[str, int]:
        return {"orders": 1} if isinstance(request, PlaceOrder) else {}

    return VenueQueue(budget=RateBudget(windows), cost=cost)


def sending(queue: VenueQueue, job: Job, number: int, *, at_ms: int = 0) -> None:
    assert job.intent is not None
    request = PlaceOrder(order=job.intent.order)
    queue.under_way[number] = Call(job=job, request=request, sent_ms=at_ms, resolves=False, beside=False)


def test_what_protects_goes_first_whatever_waited_longer() -> None:
    queue = a_queue()
    for priority in (POLL, ENTRY, PROTECTIVE):
        queue.add(a_job(priority), FetchAccount(), resolves=False)
    priorities = [waiting.priority for _ in range(3) if (waiting := queue.next(0)) is not None]
    assert priorities == [PROTECTIVE, ENTRY, POLL]


def test_some_workers_are_kept_for_protection() -> None:
    queue = a_queue()
    for number in range(WORKERS - RESERVED_FOR_PROTECTION):
        sending(queue, a_job(ENTRY), number)
    queue.add(a_job(ENTRY), FetchAccount(), resolves=False)
    assert queue.next(0) is None
    queue.add(a_job(PROTECTIVE), FetchAccount(), resolves=False)
    assert queue.next(0) is not None


def test_what_the_venue_does_not_allow_now_waits_until_it_does_and_protection_has_a_share_of_its_own() -> None:
    queue = a_queue(RateWindow(name="orders", limit=5, window_ms=1_000))
    entry, stop = an_intent(OrderPurpose.ENTRY), an_intent(OrderPurpose.CLOSE)
    for _ in range(5):
        queue.add(a_job(ENTRY), PlaceOrder(order=entry.order), resolves=False)
    sent = [waiting for _ in range(5) if (waiting := queue.next(0)) is not None]
    assert len(sent) == 4
    assert queue.look_again_ms(0) == 1_000
    queue.add(a_job(PROTECTIVE), PlaceOrder(order=stop.order), resolves=False)
    assert queue.next(0) is not None


def test_an_entry_waits_for_a_close_of_the_position_before_that_may_still_arrive() -> None:
    queue = a_queue()
    sending(queue, a_job(PROTECTIVE, OrderPurpose.CLOSE, position="old"), 1)
    assert queue.may_still_reduce(an_intent(OrderPurpose.ENTRY, position="new"))
    assert not queue.may_still_reduce(an_intent(OrderPurpose.ENTRY, position="old"))
    elsewhere = replace(an_intent(OrderPurpose.ENTRY, position="new"), key=replace(KEY, symbol=Symbol("ETHUSDT")))
    assert not queue.may_still_reduce(elsewhere)
    queue.under_way.clear()
    assert not queue.may_still_reduce(an_intent(OrderPurpose.ENTRY, position="new"))


def test_a_stop_that_only_counts_as_an_order_does_not_wait_behind_a_reading_that_has_no_weight_left() -> None:
    def cost(request: VenueRequest) -> dict[str, int]:
        return {"orders": 1} if isinstance(request, PlaceOrder) else {"weight": 90}

    windows = (
        RateWindow(name="weight", limit=100, window_ms=60_000),
        RateWindow(name="orders", limit=5, window_ms=1_000),
    )
    queue = VenueQueue(budget=RateBudget(windows), cost=cost)
    for _ in range(2):
        queue.add(a_job(PROTECTIVE), FetchAccount(), resolves=False)
    assert queue.next(0) is not None
    queue.add(a_job(PROTECTIVE), PlaceOrder(order=an_intent(OrderPurpose.CLOSE).order), resolves=False)
    queue.add(a_job(ENTRY), PlaceOrder(order=an_intent(OrderPurpose.ENTRY).order), resolves=False)

    stop = queue.next(10)

    assert stop is not None
    assert isinstance(stop.request, PlaceOrder)
    assert stop.priority == PROTECTIVE
    assert queue.next(10) is None, "no position is opened while something protective waits"
    assert queue.look_again_ms(10) == 60_000
    assert [queue.next(60_000) is not None for _ in range(2)] == [True, True]


@pytest.mark.parametrize("protects", [False, True])
def test_an_entry_waits_for_a_reading_only_where_a_stop_depends_on_it(*, protects: bool) -> None:
    queue = VenueQueue(
        budget=RateBudget([RateWindow(name="readings", limit=1, window_ms=1_000)]),
        cost=lambda request: {"readings": 1} if isinstance(request, FetchAccount) else {},
    )
    read = VenueRead(path="p", request=FetchAccount(), urgent=True, protects=protects)
    for number in range(2):
        queue.add(Job(path="p", priority=PROTECTIVE, read=read, number=number), FetchAccount(), resolves=False)
    queue.add(a_job(ENTRY), PlaceOrder(order=an_intent(OrderPurpose.ENTRY).order), resolves=False)

    sent = [type(waiting.request) for _ in range(3) if (waiting := queue.next(0)) is not None]

    assert sent == ([FetchAccount] if protects else [FetchAccount, PlaceOrder])


def test_readings_however_urgent_leave_the_share_of_protection_to_orders_and_questions_about_them() -> None:
    queue = VenueQueue(
        budget=RateBudget([RateWindow(name="weight", limit=10, window_ms=60_000)]), cost=lambda _request: {"weight": 2}
    )
    urgent = VenueRead(path="p", request=FetchAccount(), urgent=True)
    for number in range(5):
        queue.add(Job(path="p", priority=PROTECTIVE, read=urgent, number=number), FetchAccount(), resolves=False)
    assert [queue.next(0) is not None for _ in range(5)] == [True, True, True, True, False]

    queue.add(a_job(PROTECTIVE), PlaceOrder(order=an_intent(OrderPurpose.CLOSE).order), resolves=False)

    stop = queue.next(0)
    assert stop is not None
    assert isinstance(stop.request, PlaceOrder)


def test_a_reading_on_which_it_depends_whether_a_position_has_a_stop_may_use_that_share() -> None:
    """After many starts within a minute a position that had just been entered was read only in the next one."""
    queue = VenueQueue(
        budget=RateBudget([RateWindow(name="weight", limit=10, window_ms=1_000)]), cost=lambda _: {"weight": 2}
    )
    for number, protects in enumerate((False, False, False, False, False, True)):
        read = VenueRead(path="p", request=FetchAccount(symbol=KEY.symbol), urgent=True, protects=protects)
        queue.add(Job(path="p", priority=PROTECTIVE, read=read, number=number), read.request, resolves=False)
    sent = [waiting.job.read for _ in range(6) if (waiting := queue.next(0)) is not None]
    assert [read.protects for read in sent if read is not None] == [False, False, False, False, True]


def test_what_became_of_an_entry_is_asked_although_readings_wait_for_a_limit_of_their_own() -> None:
    """The readings may go on for ever because nobody knows what became of the entries (met on Bitget)."""

    def cost(request: VenueRequest) -> dict[str, int]:
        return {"readings": 1} if isinstance(request, FetchAccount) else {}

    window = RateWindow(name="readings", limit=1, window_ms=1_000)
    queue = VenueQueue(budget=RateBudget([window]), cost=cost)
    for _ in range(2):
        queue.add(a_job(PROTECTIVE), FetchAccount(), resolves=False)
    assert queue.next(0) is not None
    entry = a_job(ENTRY)
    assert entry.intent is not None
    queue.add(entry, PlaceOrder(order=entry.intent.order), resolves=False)
    question = QueryOrder(symbol=KEY.symbol, client_order_id=ClientOrderId("o1"), kind=OrderKind.MARKET)
    queue.add(entry, question, resolves=True)
    asked = queue.next(0)
    assert asked is not None
    assert isinstance(asked.request, QueryOrder)
    assert queue.next(0) is None, "and nothing is opened"


def test_a_stop_order_of_somebody_else_is_not_taken_for_the_positions_own_stop() -> None:
    """The position's stop carries no id and no size where it is known by that alone; a person's order has a size."""
    ours = OrderSpec(
        client_order_id=ClientOrderId("s1"),
        symbol=KEY.symbol,
        side=OrderSide.SELL,
        kind=OrderKind.STOP_MARKET,
        purpose=OrderPurpose.STOP,
        quantity=None,
        trigger_price=Decimal(95),
        reduce_only=True,
    )
    the_stop = a_report("77", quantity=None)
    account = AccountReport(
        venue=KEY.venue,
        symbol=KEY.symbol,
        positions=(),
        orders=(a_report("76", quantity=Decimal(1)), the_stop),
        balance=BalanceReport(venue=KEY.venue, equity=Decimal(0), available=Decimal(0), wallet=Decimal(0)),
        taken_ms=0,
    )
    assert stop_among(account, ours) == the_stop


def a_report(order_id: str, *, quantity: Decimal | None) -> OrderReport:
    return OrderReport(
        venue=KEY.venue,
        symbol=KEY.symbol,
        venue_order_id=VenueOrderId(order_id),
        client_order_id=None,
        side=OrderSide.SELL,
        kind=OrderKind.STOP_MARKET,
        status=OrderStatus.WORKING,
        quantity=quantity,
        trigger_price=Decimal(95),
        reduce_only=True,
        updated_ms=0,
    )
