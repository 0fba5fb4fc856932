"""What can be asked of the records, on every database."""

from decimal import Decimal

import pytest

from messages.journal import Durability, TradeTotals
from messages.state import IntentStatus, PositionPhase
from messages.values import PositionId
from persistence.queries import Queries
from persistence.store import SqlStore
from tests.persistence import builders
from tests.persistence.builders import decision, event, fate, fill, funding, intent, outcome, position, trailing

OTHER = PositionId("p000000000000002")


@pytest.fixture
def queries(store: SqlStore) -> Queries:
    return Queries(store)


def test_open_and_closed_positions_are_told_apart(store: SqlStore, queries: Queries) -> None:
    closed = position(position_id=OTHER, phase=PositionPhase.CLOSED, closed_ms=50)
    store.commit([decision(position=position(), trailing=trailing()), decision(position=closed)])

    assert queries.open_positions() == [position()]
    assert queries.closed_positions() == [closed]
    assert queries.closed_positions(since_ms=51) == []
    assert queries.position(OTHER) == closed
    assert queries.position("nobody") is None
    assert queries.trailing(builders.POSITION) == trailing()


def test_events_are_answered_newest_first_and_never_more_than_asked_for(store: SqlStore, queries: Queries) -> None:
    store.commit([decision(events=tuple(event(f"e{n}", at_ms=n) for n in range(5)))])
    store.commit([decision(events=(event("other", position_id=OTHER, at_ms=9),))])

    assert [found.kind for found in queries.events(limit=3)] == ["other", "e4", "e3"]
    assert queries.events(position_id=builders.POSITION, since_ms=4) == [event("e4", at_ms=4)]


def test_orders_of_a_position_show_their_outcome(store: SqlStore, queries: Queries) -> None:
    refused = outcome("hf1", IntentStatus.REJECTED, text="would trigger")
    store.commit([decision(intents=(intent("hf1"), intent("hf2")), outcomes=(refused,))])

    first, second = queries.orders(builders.POSITION)

    assert (first.intent, first.status, first.text) == (intent("hf1"), IntentStatus.REJECTED, "would trigger")
    assert (second.status, second.outcome_ms) == (IntentStatus.INTENDED, None)


def test_fills_payments_audit_rows_and_signals_read_as_they_were_written(store: SqlStore, queries: Queries) -> None:
    written = decision(fills=(fill(),), funding=(funding(),), audit=(builders.audit(),), signals=(fate(),))
    store.commit([written])

    assert queries.trades(builders.POSITION) == list(written.fills)
    assert queries.funding(builders.POSITION) == list(written.funding)
    assert queries.audit(position_id=builders.POSITION) == list(written.audit)
    assert queries.signals() == list(written.signals)


def test_totals_add_up_to_the_last_digit(store: SqlStore, queries: Queries) -> None:
    tiny, huge = "0.000000000000000000000000000001", "1234567890123456789012345"
    store.commit([decision(fills=(fill("a", pnl=huge), fill("b", pnl=tiny), fill("c", pnl="-1", position_id=OTHER)))])
    store.commit([decision(funding=(funding("n1", "-0.1"), funding("n2", "0.3")))])

    totals = queries.totals(builders.POSITION)

    assert str(totals.realized_pnl) == f"{huge}.{tiny[2:]}"
    assert (totals.fills, totals.commission, totals.funding) == (2, Decimal("0.4620010"), Decimal("0.2"))
    assert queries.totals().fills == 3


def test_totals_of_nothing_are_zero(queries: Queries) -> None:
    totals = queries.totals()

    assert totals == TradeTotals(fills=0, commission=Decimal(0), realized_pnl=Decimal(0), funding=Decimal(0))


def test_rows_are_counted_by_table(store: SqlStore, queries: Queries) -> None:
    store.commit([decision(position=position(), events=(event(), event()))])

    counts = queries.counts()

    assert (counts["positions"], counts["events"], counts["orders"], counts["owners"]) == (1, 2, 0, 1)


def test_the_owner_and_what_was_refused_can_be_seen(store: SqlStore, queries: Queries) -> None:
    (result,) = store.commit([decision(intents=(intent("hf1"), intent("hf1")))])

    assert result.durability is Durability.NOWHERE
    owner = queries.owner()
    assert owner is not None
    assert (owner.epoch, owner.owner_name) == (1, "test")
    assert [refused.decision_id for refused in queries.refused()] == [result.decision_id]
