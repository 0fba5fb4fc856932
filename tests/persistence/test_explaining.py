"""A position's story from the records: found by its name, in the order of time, with the cause before its effect."""

from dataclasses import replace
from decimal import Decimal

import pytest

from messages.explanation import EventStep, FillStep, InputView, OrderStep
from messages.reasons import Input, Rule, Why
from messages.state import IntentStatus, PositionPhase
from messages.values import PositionId, PositionKey, Side, Symbol, Venue
from persistence.explaining import NoSuchPosition, explain, find_position
from persistence.queries import Queries
from persistence.store import SqlStore
from tests.persistence import builders
from tests.persistence.builders import decision, event, fill, intent, outcome, position

OTHER = PositionId("p000000000000002")
WHY = Why(
    rule=Rule.TRAILING,
    text="as it says",
    before=Decimal(41160),
    inputs=(Input(name="price", value=Decimal(42630), read_ms=900), Input(name="entry", value=Decimal(42000))),
)


@pytest.fixture
def queries(store: SqlStore) -> Queries:
    return Queries(store)


@pytest.mark.parametrize("wanted", [builders.POSITION, "p0000000000000", "bybit/BTCUSDT", "BYBIT/btcusdt"])
def test_a_position_is_found_by_its_id_by_how_that_begins_and_by_its_place(
    store: SqlStore, queries: Queries, wanted: str
) -> None:
    store.commit([decision(position=position())])
    assert find_position(queries, wanted) == position()


def test_a_place_means_the_open_position_there_or_else_the_last_one(store: SqlStore, queries: Queries) -> None:
    over = position(position_id=OTHER, phase=PositionPhase.CLOSED, opened_ms=9_000, closed_ms=9_500)
    store.commit([decision(position=over)])
    assert find_position(queries, "bybit/BTCUSDT") == over
    store.commit([decision(position=position(opened_ms=2_000))])
    assert find_position(queries, "bybit/BTCUSDT").position_id == builders.POSITION


def test_in_hedge_mode_the_side_tells_which_of_two_is_meant(store: SqlStore, queries: Queries) -> None:
    key = PositionKey(venue=Venue("bybit"), symbol=Symbol("BTCUSDT"), hedge_side=Side.SHORT)
    short = position(position_id=OTHER, side=Side.SHORT, key=key)
    store.commit([decision(position=position()), decision(position=short)])
    assert find_position(queries, "bybit/BTCUSDT/short") == short
    with pytest.raises(NoSuchPosition, match="several"):
        find_position(queries, "bybit/BTCUSDT")


@pytest.mark.parametrize("wanted", ["nothing", "bybit/ETHUSDT", "okx/BTCUSDT", "%", "p00000000000000_1"])
def test_what_is_not_there_is_said_not_to_be(store: SqlStore, queries: Queries, wanted: str) -> None:
    store.commit([decision(position=position())])
    with pytest.raises(NoSuchPosition, match="no position"):
        find_position(queries, wanted)


def test_an_order_is_told_with_its_rule_its_figures_and_their_ages_and_the_venues_answer(
    store: SqlStore, queries: Queries
) -> None:
    sent = replace(intent("hf1", created_ms=1_000), why=WHY)
    refusal = 'OrderRejected {"reason":"would_trigger","text":"no"}'
    asked = builders.audit(intent_id="hf1", answer=refusal, requested_ms=1_001, answered_ms=1_030)
    refused = outcome("hf1", IntentStatus.REJECTED, text="would_trigger: no")
    store.commit([decision(position=position(), intents=(sent,), outcomes=(refused,), audit=(asked,))])

    (step,) = explain(queries, position()).steps

    assert isinstance(step, OrderStep)
    assert (step.rule, step.why, step.before) == (Rule.TRAILING, "as it says", Decimal(41160))
    assert step.inputs == (
        InputView(name="price", value=Decimal(42630), age_ms=100),
        InputView(name="entry", value=Decimal(42000)),
    )
    (request,) = step.requests
    assert (request.answer, request.says) == ("OrderRejected", "would_trigger: no")
    assert request.answered_ms - request.asked_ms == 29
    assert (step.outcome, step.outcome_text) == (IntentStatus.REJECTED, "would_trigger: no")


def test_an_order_that_an_earlier_version_wrote_is_told_without_a_rule(store: SqlStore, queries: Queries) -> None:
    asked = builders.audit(intent_id="hf1", answer="OrderAccepted(report=...)")
    store.commit([decision(position=position(), intents=(intent("hf1"),), audit=(asked,))])
    (step,) = explain(queries, position()).steps
    assert isinstance(step, OrderStep)
    assert step.rule is None
    assert step.requests[0].answer == "OrderAccepted"


def test_steps_are_in_the_order_of_time_and_a_cause_stands_before_its_order(store: SqlStore, queries: Queries) -> None:
    store.commit(
        [decision(position=position(), intents=(intent("hf1", created_ms=50),), fills=(fill("a", time_ms=50),))]
    )
    store.commit([decision(events=(event("first", at_ms=10), event("cause", at_ms=50)))])
    steps = explain(queries, position()).steps
    assert [type(step) for step in steps] == [EventStep, FillStep, EventStep, OrderStep]


def test_every_client_order_id_of_its_orders_is_explained(store: SqlStore, queries: Queries) -> None:
    store.commit([decision(position=position(), intents=(intent("hf1"), intent("hf2")))])
    assert {"hf1", "hf2"} <= {str(each) for each in explain(queries, position()).order_ids}
