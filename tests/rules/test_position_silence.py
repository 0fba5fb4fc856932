"""Orders whose end nobody tells are asked for: no position waits for ever, or leaves anything behind."""

import random
from dataclasses import replace
from decimal import Decimal

import pytest

from adapters.simulator.profiles import PROFILES
from messages.orders import OrderReport, OrderStatus, PositionReport
from messages.positions import AccountRead, IntentSettled, OrderUpdated, VerifyPosition, WakeUp
from messages.state import CloseReason, PositionPhase
from messages.values import OrderKind, OrderPurpose, OrderSide, Side, VenueOrderId
from messages.venue import OrderAccepted
from rules.position_decision import OrderNotFound
from rules.rounding import entry_side
from tests.rules.test_position_decision import BTC, PAPER, History

BINANCE = PROFILES["binance"].capabilities
OKX = PROFILES["okx"].capabilities


def a_history() -> History:
    return History(BINANCE, random.Random(1))


def accept_all(history: History, status: OrderStatus) -> None:
    """Every intent under way is accepted and shown as ``status``, and so on with what follows from that."""
    while history.case.intents:
        intent = next(iter(history.case.intents.values()))
        history.now_ms += 10
        history.take(IntentSettled(intent=intent, outcome=OrderAccepted(report=history.report_of(intent, status))))


def an_open_position() -> History:
    history = a_history()
    (entry,) = history.case.intents.values()
    history.take(IntentSettled(intent=entry, outcome=history.accepted(entry)))
    while history.case.position.opened_quantity < history.case.position.wanted_quantity:
        history.take(history.a_fill(entry.order.client_order_id, opening=True))
    accept_all(history, OrderStatus.WORKING)
    assert history.case.position.phase is PositionPhase.ACTIVE
    return history


def a_closing_position() -> History:
    history = an_open_position()
    history.take(history.close())
    accept_all(history, OrderStatus.WORKING)
    assert history.case.position.close_order_id is not None
    return history


def a_position_report(quantity: Decimal) -> PositionReport:
    return PositionReport(
        venue=PAPER,
        symbol=BTC,
        side=Side.LONG,
        quantity=quantity,
        entry_price=Decimal(42_000),
        mark_price=Decimal(42_000),
        leverage=Decimal(3),
    )


def read_account(history: History, *orders: OrderReport, quantity: Decimal = Decimal(0)) -> None:
    """The account is read a while later: ``orders`` rest, and ``quantity`` is open."""
    history.now_ms += 2_000
    read: AccountRead = history.account()
    positions = (a_position_report(quantity),) if quantity else ()
    history.take(replace(read, report=replace(read.report, orders=orders, positions=positions)))


def asked_for(history: History) -> set[str]:
    """The orders that are asked for by their id since the last event."""
    return {order.client_order_id for order in history.last.draft.queries}


def test_an_entry_that_was_accepted_and_is_not_heard_of_again_is_looked_for() -> None:
    history = a_history()
    accept_all(history, OrderStatus.WORKING)
    wake_ms = history.last.draft.wake_ms
    assert wake_ms is not None
    history.now_ms = wake_ms
    history.take(WakeUp())
    assert history.last.draft.reads_account
    read_account(history)
    assert history.case.position.entry_order_id in asked_for(history)


def test_an_entry_that_the_venue_does_not_know_is_over_once_the_fills_show_nothing_of_it() -> None:
    history = a_history()
    accept_all(history, OrderStatus.WORKING)
    entry_id = history.case.position.entry_order_id
    assert entry_id is not None
    read_account(history)
    history.take(OrderNotFound(client_order_id=entry_id))
    assert not history.case.position.entry_done, "its fills have not been read"
    assert history.last.draft.reads_fills
    history.now_ms += 10
    history.take(history.fills_read())
    read_account(history)
    history.take(OrderNotFound(client_order_id=entry_id))
    assert history.case.position.close_reason is CloseReason.ENTRY_FAILED
    read_account(history)
    assert history.case.position.phase is PositionPhase.ROLLED_BACK


def test_an_entry_whose_stop_has_triggered_already_is_no_failed_entry() -> None:
    """Nobody heard the entry's answer, nor its fills; its orders say that it came and went (the venue was away)."""
    history = History(OKX, random.Random(1))
    (entry,) = history.case.intents.values()
    attached = history.case.position.stop.next
    assert attached is not None
    stop = replace(
        history.report_of(entry, OrderStatus.FILLED),
        venue_order_id=VenueOrderId("v2"),
        client_order_id=attached.client_order_id,
        side=OrderSide.SELL,
        kind=OrderKind.STOP_MARKET,
        trigger_price=attached.trigger_price,
        reduce_only=True,
    )
    history.take(OrderUpdated(report=stop))
    history.now_ms += 1_000
    history.take(IntentSettled(intent=entry, outcome=history.accepted(entry)))
    assert history.case.position.closed_ms is None, "its fills have not been read"
    history.now_ms += 1_000
    history.take(WakeUp())
    assert history.last.draft.reads_fills

    some = history.a_fill(entry.order.client_order_id, opening=True).fill
    opened = replace(some, fill_id="in", quantity=history.case.position.wanted_quantity)
    closed = replace(opened, fill_id="out", client_order_id=attached.client_order_id, side=OrderSide.SELL)
    read = history.fills_read()
    history.take(replace(read, report=replace(read.report, fills=(opened, closed))))
    assert [fill.fill.fill_id for fill in history.last.draft.fills] == ["in", "out"]
    position = history.case.position
    assert (position.phase, position.close_reason) == (PositionPhase.CLOSING, CloseReason.STOP_LOSS)
    read_account(history)
    assert history.case.position.phase is PositionPhase.CLOSED


def test_a_close_that_the_venue_does_not_know_is_sent_again_under_a_new_id() -> None:
    history = a_closing_position()
    first = history.case.position.close_order_id
    assert first is not None
    history.now_ms += 10
    history.take(history.fills_read())
    read_account(history, quantity=history.case.position.quantity)
    assert first in asked_for(history)
    history.take(OrderNotFound(client_order_id=first))
    assert history.case.position.close_order_id not in {None, first}
    assert OrderPurpose.CLOSE in {intent.order.purpose for intent in history.last.draft.intents}


@pytest.mark.parametrize("purpose", [OrderPurpose.ENTRY, OrderPurpose.CLOSE])
def test_an_order_that_rests_after_the_end_is_cancelled(purpose: OrderPurpose) -> None:
    """The rest of a limit entry whose answer came late, or a close that rested while the stop filled."""
    history = a_closing_position()
    before = history.case.position
    while history.case.position.quantity:
        history.take(history.exit_fill())
    assert history.case.position.closed_ms is not None
    order_id = before.entry_order_id if purpose is OrderPurpose.ENTRY else before.close_order_id
    assert order_id is not None
    history.now_ms += 10
    resting = OrderReport(
        venue=PAPER,
        symbol=BTC,
        venue_order_id=VenueOrderId(f"v{order_id}"),
        client_order_id=order_id,
        side=entry_side(Side.LONG if purpose is OrderPurpose.ENTRY else Side.SHORT),
        kind=OrderKind.LIMIT,
        status=OrderStatus.WORKING,
        quantity=Decimal("0.010"),
        price=Decimal(42_000),
    )
    history.take(OrderUpdated(report=resting))
    assert order_id in {leftover.order.client_order_id for leftover in history.case.position.leftovers}


def test_a_check_that_is_asked_for_is_repeated_until_the_account_could_be_compared_with() -> None:
    history = an_open_position()
    read_account(history, quantity=history.case.position.quantity)
    history.take(VerifyPosition(key=history.case.position.key, why="an order could not be asked for"))
    assert history.last.draft.reads_account
    history.now_ms += 1_500
    history.take(WakeUp())
    assert history.last.draft.reads_account, "the first reading did not come"
