"""What the guard may do to a position, whatever it finds and whenever."""

import random
from collections.abc import Sequence
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from messages.guarding import RiskJudged
from messages.market import Tick
from messages.positions import IntentSettled, WakeUp
from messages.state import IntentAction, PositionPhase, RiskLevel
from messages.values import OrderPurpose, Side
from rules.rounding import closer
from tests.rules.test_position_decision import BTC, PAPER, VENUES, History

sides = st.sampled_from(list(Side))
findings = st.lists(
    st.tuples(st.sampled_from([RiskLevel.LOW, RiskLevel.MEDIUM, RiskLevel.HIGH]), st.integers(41_200, 42_800)),
    max_size=12,
)
"""Levels that leave the position open, each with the price at which it was found."""


def an_open_position(side: Side) -> History:
    """Entered, and whatever is intended afterwards is accepted."""
    history = History(VENUES[1], random.Random(1), side)
    while history.case.position.opened_quantity < history.case.position.wanted_quantity:
        accept(history)
        assert history.case.position.entry_order_id is not None
        history.take(history.a_fill(history.case.position.entry_order_id, opening=True))
        history.fills += 1
    accept(history)
    assert history.case.position.phase is PositionPhase.ACTIVE
    return history


def accept(history: History) -> None:
    for _ in range(10):
        if not history.case.intents:
            return
        for intent in tuple(history.case.intents.values()):
            if intent.intent_id in history.case.intents:
                history.take(IntentSettled(intent=intent, outcome=history.accepted(intent)))


def judged(history: History, level: RiskLevel, *, acts: bool = True) -> RiskJudged:
    price = history.price
    return RiskJudged(
        position_id=history.case.position.position_id,
        level=level,
        health=Decimal(50),
        why="",
        due=level is not RiskLevel.LOW,
        acts=acts and level is not RiskLevel.LOW,
        tick=Tick(venue=PAPER, symbol=BTC, last=price, mark=price, high=price, low=price, time_ms=history.now_ms),
    )


@given(side=sides, found=findings)
def test_1_a_level_is_told_and_acted_on_once_nothing_is_done_in_advise_mode(
    side: Side, found: Sequence[tuple[RiskLevel, int]]
) -> None:
    history = an_open_position(side)
    for level, price in found:
        history.price = Decimal(price)
        history.take(WakeUp())
        accept(history)
        before = history.case.position
        history.take(judged(history, level, acts=False))
        told = [event for event in history.last.draft.events if event.kind.startswith("guard")]
        assert len(told) == (level is not before.risk_level)
        assert history.last.draft.intents == []
        assert history.case.position.guard_stop_price is None
        history.take(judged(history, level))
        assert [event for event in history.last.draft.events if event.kind.startswith("guard")] == []


@given(side=sides, found=findings)
def test_2_what_the_guard_does_never_takes_the_stop_further_from_the_price(
    side: Side, found: Sequence[tuple[RiskLevel, int]]
) -> None:
    history = an_open_position(side)
    for level, price in found:
        history.price = Decimal(price)
        before = history.case.position
        history.take(judged(history, level))
        accept(history)
        after = history.case.position
        if before.stop.working is not None and after.stop.working is not None:
            old, new = before.stop.working.trigger_price, after.stop.working.trigger_price
            assert closer(side, old, new) == new
        if before.guard_stop_price is not None:
            assert after.guard_stop_price is not None
            assert closer(side, before.guard_stop_price, after.guard_stop_price) == after.guard_stop_price


@given(side=sides, found=findings)
def test_3_a_part_is_closed_by_one_reduce_only_order_which_is_never_repeated(
    side: Side, found: Sequence[tuple[RiskLevel, int]]
) -> None:
    history = an_open_position(side)
    for level, price in found:
        history.price = Decimal(price)
        worse = level is RiskLevel.HIGH and history.case.position.risk_level is not RiskLevel.HIGH
        parts = []
        history.take(judged(history, level))
        for _ in range(3):
            parts += [each for each in history.last.draft.intents if each.order.purpose is OrderPurpose.GUARD]
            history.now_ms += 61_000
            history.take(WakeUp())
        assert len(parts) <= worse
        assert all(each.action is IntentAction.PLACE and each.order.reduce_only for each in parts)
        assert all((each.order.quantity or 0) <= history.case.position.quantity / 2 for each in parts)
