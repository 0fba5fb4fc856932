"""A close that does not close: what was taken and ended unfilled is one try of the ladder, and is no storm."""

import random
from decimal import Decimal

import pytest

from messages.orders import OrderStatus
from messages.positions import IntentSettled, OrderUpdated, WakeUp
from messages.reasons import Rule
from messages.state import Intent, IntentAction
from messages.values import OrderPurpose
from messages.venue import OrderAccepted
from rules.escalation import LADDER, OVERDUE_MS
from tests.rules.test_position_decision import VENUES, History


def a_closing_position() -> tuple[History, Intent]:
    """An open position whose close has just been decided."""
    history = History(VENUES[0], random.Random(1))
    entry = next(iter(history.case.intents.values()))
    history.take(IntentSettled(intent=entry, outcome=history.accepted(entry)))
    fill = history.a_fill(entry.order.client_order_id, opening=True)
    while history.case.position.opened_quantity < history.case.position.wanted_quantity:
        history.take(fill)
        history.fills += 1
        fill = history.a_fill(entry.order.client_order_id, opening=True)
    history.take(history.close())
    return history, the_close(history)


def the_close(history: History) -> Intent:
    """The one intent that closes."""
    (close,) = [
        intent
        for intent in history.case.intents.values()
        if intent.order.purpose is OrderPurpose.CLOSE and intent.action is IntentAction.PLACE
    ]
    return close


def rule_of(intent: Intent) -> Rule:
    assert intent.why is not None
    return intent.why.rule


def end_unfilled(history: History, close: Intent) -> None:
    """The venue took the order, and ends it before anything has filled."""
    expired = history.report_of(close, OrderStatus.EXPIRED)
    history.take(IntentSettled(intent=close, outcome=OrderAccepted(report=expired)))


def test_a_close_that_was_taken_and_filled_nothing_is_followed_by_the_next_rung_after_a_wait() -> None:
    history, close = a_closing_position()
    rules = [rule_of(close)]
    for _ in range(2 * len(LADDER) - 1):
        end_unfilled(history, close)
        closes = [i for i in history.last.draft.intents if i.order.purpose is OrderPurpose.CLOSE]
        if closes and close.order.price is None:
            pytest.fail("a market order that ended unfilled is sent again at once")
        history.now_ms += 5_000
        history.take(WakeUp())
        close = the_close(history)
        rules.append(rule_of(close))
    assert rules == [rung.rule for rung in LADDER] * 2


def test_what_is_told_twice_of_a_close_that_ended_counts_once() -> None:
    history, close = a_closing_position()
    end_unfilled(history, close)
    history.take(OrderUpdated(report=history.report_of(close, OrderStatus.EXPIRED)))
    assert history.case.position.close_attempts == 1


def test_a_person_is_told_of_a_close_that_does_not_succeed_and_told_again() -> None:
    history, _ = a_closing_position()
    told: list[int] = []
    for second in range(3 * OVERDUE_MS // 1_000 + 1):
        history.take(WakeUp())
        told += [second for event in history.last.draft.events if event.kind == "close_overdue"]
        history.now_ms += 1_000
    assert told == [30, 90]
    assert history.case.position.quantity > Decimal(0)
