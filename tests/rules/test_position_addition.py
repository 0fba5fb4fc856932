"""Additions at any moment of any history: the laws of the header hold, whatever the venue says."""

import random
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from messages.conditions import BalanceProfile, Regime
from messages.instruments import Capabilities
from messages.positions import LadderTerms, OpenPosition
from messages.signals import Signal
from messages.state import AgedPhase, PositionPhase, PositionState, TakeProfitPhase
from messages.values import OrderPurpose, Side
from rules.ladder import AdditionRefused
from rules.position_decision import add_to_position
from rules.rounding import closer
from rules.sizing import SizingPolicy
from rules.stop_choice import would_trigger
from tests.rules.test_position_decision import BTC, VENUES, History
from tests.rules.test_position_guard import accept, an_open_position

SIZING = SizingPolicy()
MINUTE_MS = 61_000
seeds = st.integers(0, 2**32)
sides = st.sampled_from(list(Side))
venues = st.sampled_from(VENUES)


def a_command(history: History, number: int) -> OpenPosition:
    signal = Signal(
        signal_id=f"s{number}",
        timestamp_ms=history.now_ms,
        symbol=BTC,
        side=history.side,
        score_week=80.0,
        score_month=70.0,
    )
    terms = LadderTerms(profile=BalanceProfile.LARGE, regime=Regime.TRENDING, available_usd=Decimal(10_000))
    return OpenPosition(signal=signal, size_usd=Decimal(1_000), reservation_id=f"s{number}", leverage=3, ladder=terms)


def offered(history: History, number: int) -> AdditionRefused | None:
    """Offer an addition; it is taken over where it is not refused."""
    decision = add_to_position(history.case, a_command(history, number), history.situation(), sizing=SIZING)
    if isinstance(decision, AdditionRefused):
        return decision
    history.last, history.case = decision, decision.case
    return None


def filled(history: History) -> None:
    """Everything that is under way is accepted, and the addition's order fills; no price reaches a take profit."""
    accept(history)
    order_id = history.case.position.entry_order_id
    assert order_id is not None
    while history.case.position.opened_quantity < history.case.position.wanted_quantity:
        history.take(history.a_fill(order_id, opening=True))
        history.fills += 1
    accept(history)


@given(seeds, venues, sides)
def test_1_nothing_is_added_but_to_an_active_position_with_a_confirmed_stop(
    seed: int, venue: Capabilities, side: Side
) -> None:
    history = History(venue, random.Random(seed), side)
    for number in range(40):
        history.step()
        before = history.case.position
        if offered(history, number) is None:
            assert before.phase is PositionPhase.ACTIVE
            assert before.stop.working is not None
            assert before.stop.unprotected_since_ms is None
            assert before.close_reason is None
            assert before.entry_done
            assert before.aged.phase is AgedPhase.YOUNG


@given(seeds, venues, sides)
def test_2_at_most_one_addition_is_under_way_and_counts_once(seed: int, venue: Capabilities, side: Side) -> None:
    history = History(venue, random.Random(seed), side)
    rows: list[int] = []
    for number in range(60):
        history.step()
        rows += [entry.number for entry in history.last.draft.scaling]
        sent = sum(
            intent.order.purpose is OrderPurpose.ENTRY and intent.created_ms == history.now_ms
            for intent in history.case.intents.values()
        )
        assert sent <= 1
        under_way = history.case.position.ladder.under_way
        refused = offered(history, number)
        assert refused is not None or under_way is None
        assert history.case.position.ladder.additions == len(rows)
    assert rows == list(range(1, len(rows) + 1))


@given(sides, st.lists(st.integers(-200, 200), min_size=1, max_size=3))
def test_3_the_stop_never_moves_away_nor_past_the_price(side: Side, moves: list[int]) -> None:
    history = an_open_position(side)
    for number, move in enumerate(moves):
        history.now_ms += MINUTE_MS
        history.price += move
        history.take(history.tick_at(history.price))
        accept(history)
        before = history.case.position
        if before.stop.working is None or offered(history, number) is not None:
            continue
        filled(history)
        after = history.case.position
        assert after.stop.working is not None
        assert closer(side, before.stop.working.trigger_price, after.stop.working.trigger_price) == (
            after.stop.working.trigger_price
        )
        assert not would_trigger(side=side, stop_price=after.stop.working.trigger_price, mark=history.price)
        assert after.stop.working.quantity in {None, after.quantity}
        assert after.close_reason is None


@given(sides, st.integers(1, 6))
def test_4_after_an_addition_the_take_profits_add_up_to_the_new_size(side: Side, additions: int) -> None:
    history = an_open_position(side)
    for number in range(additions):
        history.now_ms += MINUTE_MS
        assert offered(history, number) is None
        filled(history)
        position = history.case.position
        assert position.ladder.additions == number + 1
        assert live_quantity(position) == position.quantity == position.opened_quantity
        assert position.wanted_quantity == position.quantity


def live_quantity(position: PositionState) -> Decimal:
    live = {TakeProfitPhase.PLANNED, TakeProfitPhase.PLACING, TakeProfitPhase.WORKING}
    return sum((item.quantity for item in position.take_profits if item.phase in live), Decimal(0))
