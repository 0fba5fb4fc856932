"""Readings of the account that something overtook."""

import random
from dataclasses import replace
from decimal import Decimal

from adapters.simulator.profiles import PROFILES
from messages.market import Tick
from messages.orders import OrderReport, OrderStatus
from messages.positions import IntentSettled, OrderUpdated, WakeUp
from messages.state import IntentAction, Leftover, PositionPhase, StopPhase
from messages.values import ClientOrderId, IntentId, OrderKind, OrderPurpose, OrderSide, Price
from messages.venue import OrderAccepted
from rules.position_draft import spec_of
from tests.rules.test_position_decision import BTC, PAPER, History
from tests.rules.test_position_silence import a_position_report, accept_all

AMENDS = PROFILES["paper"].capabilities
PLANNED, TRAILED = Decimal(41_160), Decimal(42_417)


def a_protected_position() -> tuple[History, OrderReport]:
    """A long of 42,000 with the stop that came with its entry, and that stop as the venue reports it."""
    history = History(AMENDS, random.Random(1))
    (entry,) = history.case.intents.values()
    attached = history.case.position.stop.next
    assert attached is not None
    history.take(IntentSettled(intent=entry, outcome=history.accepted(entry)))
    history.take(OrderUpdated(report=history.report_of(entry, OrderStatus.FILLED)))
    while history.case.position.opened_quantity < history.case.position.wanted_quantity:
        history.take(history.a_fill(entry.order.client_order_id, opening=True))
    stop = replace(
        history.report_of(entry, OrderStatus.WORKING),
        client_order_id=attached.client_order_id,
        side=OrderSide.SELL,
        kind=OrderKind.STOP_MARKET,
        quantity=None,
        trigger_price=PLANNED,
        reduce_only=True,
    )
    history.take(OrderUpdated(report=stop))
    accept_all(history, OrderStatus.WORKING)
    assert history.case.position.phase is PositionPhase.ACTIVE
    return history, stop


def trail_to(history: History, price: Decimal) -> None:
    """The price rises, and the venue confirms that the stop follows."""
    history.now_ms += 60_000
    history.price = price
    history.take(Tick(venue=PAPER, symbol=BTC, last=price, mark=price, high=price, low=price, time_ms=history.now_ms))
    (move,) = [each for each in history.case.intents.values() if each.action is IntentAction.AMEND]
    history.now_ms += 100
    history.take(IntentSettled(intent=move, outcome=OrderAccepted(report=history.report_of(move, OrderStatus.WORKING))))


def read_stop(history: History, stop: OrderReport, *, asked_ms: int) -> None:
    """The account comes with the position whole and ``stop`` resting."""
    read = history.account()
    shown = replace(read.report, positions=(a_position_report(history.case.position.quantity),), orders=(stop,))
    history.take(replace(read, report=shown, asked_ms=asked_ms))


def working_level(history: History) -> Price:
    working = history.case.position.stop.working
    assert working is not None
    return working.trigger_price


def test_a_reading_that_a_move_of_the_stop_overtook_is_not_taken_for_a_persons_hand() -> None:
    history, stop = a_protected_position()
    trail_to(history, Decimal(42_630))
    assert working_level(history) == TRAILED
    history.now_ms += 10
    read_stop(history, stop, asked_ms=history.now_ms - 60)
    assert working_level(history) == TRAILED
    assert not history.last.draft.intents
    assert not history.last.draft.events


def test_a_reading_that_was_asked_for_after_it_is() -> None:
    history, stop = a_protected_position()
    trail_to(history, Decimal(42_630))
    history.now_ms += 60
    read_stop(history, stop, asked_ms=history.now_ms - 30)
    assert [event.kind for event in history.last.draft.events] == ["stop_moved_by_hand"]
    (restoring,) = history.last.draft.intents
    assert (restoring.action, restoring.order.trigger_price) == (IntentAction.AMEND, TRAILED)


def test_a_second_stop_stays_while_the_first_is_being_made_smaller() -> None:
    """What it is for was added while the first one shrank for what a take profit had closed."""
    history, stop = a_protected_position()
    second = replace(stop, client_order_id=ClientOrderId("HF0000000000000000SL1"), quantity=Decimal("0.004"))
    state = history.case.position.stop
    assert state.working is not None
    size = history.case.position.quantity
    smaller = replace(state.working, quantity=size - Decimal("0.004"))
    moving = replace(
        state,
        phase=StopPhase.MOVING,
        working=replace(state.working, quantity=size),
        next=smaller,
        intent_id=IntentId("resizing"),
    )
    leftover = Leftover(order=spec_of(second, OrderPurpose.STOP), why="one stop is enough")
    history.case = replace(history.case, position=replace(history.case.position, stop=moving, leftovers=(leftover,)))
    history.take(WakeUp())
    assert not [each for each in history.last.draft.intents if each.order.purpose is OrderPurpose.STOP]


def test_what_is_shown_open_after_the_end_is_looked_for_among_the_fills_while_cancels_are_unanswered() -> None:
    history, stop = a_protected_position()
    while history.case.position.quantity > 0:
        history.fills += 1
        history.take(history.a_fill(stop.client_order_id, opening=False))
    assert history.case.position.closed_ms is not None
    assert history.case.intents
    history.now_ms += 1_000
    history.take(WakeUp())
    assert history.last.draft.reads_account
    history.now_ms += 100
    read = history.account()
    shown = replace(read.report, positions=(a_position_report(Decimal("0.004")),), orders=())
    history.take(replace(read, report=shown))
    assert history.last.draft.reads_fills
