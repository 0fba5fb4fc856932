"""What every store does, on SQLite in memory, on a SQLite file and on PostgreSQL."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from sqlalchemy import URL, Table, insert, text
from sqlalchemy.exc import DBAPIError

from messages.journal import Decision, Durability, PerformanceSnapshot, PositionResult, ScalingEntry, Verdict
from messages.orders import FillKind
from messages.state import IntentAction, IntentStatus, PositionPhase, StopOrder, StopPhase, StopState
from messages.values import ClientOrderId, PositionId, Side
from persistence import tables
from persistence.store import SqlStore
from tests.persistence import builders
from tests.persistence.builders import decision, event, fate, fill, funding, intent, outcome, position, trailing
from tests.persistence.reading import count, durabilities, rows


def test_a_position_its_trailing_state_and_its_open_intents_are_restored_as_they_were(store: SqlStore) -> None:
    stop = StopOrder(client_order_id=ClientOrderId("hf1"), trigger_price=Decimal("41160.5"), quantity=None)
    state = position(stop=StopState(phase=StopPhase.PLACING, next=stop), order_fills=(("hf0", Decimal("0.0100")),))
    store.commit([decision(position=state, trailing=trailing(), intents=(intent("hf1"), intent("hf2")))])

    (restored,) = store.load()

    assert restored.position == state
    assert restored.trailing == trailing()
    assert restored.open_intents == (intent("hf1"), intent("hf2"))


def test_an_intent_is_open_until_its_outcome_is_known(store: SqlStore) -> None:
    store.commit([decision(position=position(), intents=(intent("hf1"), intent("hf2"), intent("hf3")))])
    known = outcome("hf1", venue_order_id="v1")
    store.commit([decision(outcomes=(known, outcome("hf2", IntentStatus.UNKNOWN)))])

    (restored,) = store.load()

    assert [left.intent_id for left in restored.open_intents] == ["hf2", "hf3"]
    accepted = next(row for row in rows(store, tables.orders) if row.intent_id == "hf1")
    assert (accepted.status, accepted.venue_order_id, accepted.outcome_ms) == ("accepted", "v1", known.at_ms)


def test_a_later_outcome_without_a_venue_order_id_keeps_the_known_one(store: SqlStore) -> None:
    store.commit([decision(intents=(intent("hf1"),), outcomes=(outcome("hf1", venue_order_id="v1"),))])
    store.commit([decision(outcomes=(outcome("hf1", text="cancelled since"),))])

    (row,) = rows(store, tables.orders)

    assert (row.venue_order_id, row.outcome_text) == ("v1", "cancelled since")


@pytest.mark.parametrize("ended", [PositionPhase.CLOSED, PositionPhase.ROLLED_BACK])
def test_an_ended_position_is_not_restored(store: SqlStore, ended: PositionPhase) -> None:
    store.commit([decision(position=position(), intents=(intent(),))])
    store.commit([decision(position=position(phase=ended, closed_ms=9))])

    assert store.load() == []
    assert [row.phase for row in rows(store, tables.positions)] == [ended]


def test_positions_are_restored_oldest_first(store: SqlStore) -> None:
    later = position(position_id=PositionId("a"), opened_ms=20)
    earlier = position(position_id=PositionId("b"), opened_ms=10)
    store.commit([decision(position=later), decision(position=earlier)])

    assert [restored.position.position_id for restored in store.load()] == ["b", "a"]


def test_a_client_order_id_is_placed_once_a_venue(store: SqlStore) -> None:
    store.commit([decision(intents=(intent("hf1"),))])

    (result,) = store.commit([decision(intents=(intent("other", client_order_id="hf1"),))])

    assert result.durability is Durability.NOWHERE


def test_moving_and_cancelling_an_order_repeat_its_client_order_id(store: SqlStore) -> None:
    moves = [intent(f"hf1m{n}", client_order_id="hf1", action=IntentAction.AMEND) for n in range(2)]

    results = store.commit([decision(intents=(intent("hf1"), *moves))])

    assert durabilities(results) == [Durability.STORE]


def test_a_fill_is_counted_once(store: SqlStore) -> None:
    store.commit([decision(fills=(fill("f1", pnl="5"),))])
    store.commit([decision(fills=(fill("f1", pnl="7"), fill("f2")))])

    assert sorted((row.fill_id, row.realized_pnl) for row in rows(store, tables.trades)) == [
        ("f1", Decimal(5)),
        ("f2", Decimal(0)),
    ]


def test_a_fill_that_belonged_to_no_position_can_be_given_to_one(store: SqlStore) -> None:
    store.commit([decision(fills=(fill("f1", position_id=None), fill("f1", position_id=None)))])
    store.commit([decision(fills=(fill("f1", pnl="7"),))])

    (row,) = rows(store, tables.trades)

    assert (row.position_id, row.realized_pnl) == (builders.POSITION, Decimal(7))


def test_a_funding_payment_is_counted_once(store: SqlStore) -> None:
    store.commit([decision(funding=(funding("n1"), funding("n1")))])
    store.commit([decision(funding=(funding("n1"), funding("n2")))])

    assert sorted(row.funding_id for row in rows(store, tables.funding)) == ["n1", "n2"]


def test_the_first_fate_of_a_signal_stays(store: SqlStore) -> None:
    store.commit([decision(signals=(fate("s1"),))])

    (result,) = store.commit([decision(signals=(fate("s1", verdict=Verdict.REJECTED), fate("s2")), events=(event(),))])

    assert result.durability is Durability.STORE
    assert {row.signal_id: row.verdict for row in rows(store, tables.signals_log)} == {
        "s1": "accepted",
        "s2": "accepted",
    }


def test_signals_are_known_since_a_time(store: SqlStore) -> None:
    store.commit([decision(signals=(fate("old", at_ms=10), fate("new", at_ms=20)))])

    assert store.known_signals(20).keys() == {"new"}
    assert store.known_signals(10).keys() == {"old", "new"}


def test_what_closed_positions_came_to_is_known_since_a_time(store: SqlStore) -> None:
    def closed(name: str, closed_ms: int | None, opened: str = "1") -> Decision:
        state = position(
            position_id=PositionId(name),
            phase=PositionPhase.ACTIVE if closed_ms is None else PositionPhase.CLOSED,
            closed_ms=closed_ms,
            opened_quantity=Decimal(opened),
            realized_pnl=Decimal("-3.5"),
            commission=Decimal("0.25"),
            funding=Decimal("0.01"),
        )
        return decision(position=state)

    store.commit([closed("old", 9), closed("new", 10), closed("open", None), closed("never filled", 11, "0")])

    (result,) = store.position_results(10)

    assert result == PositionResult(position_id=PositionId("new"), closed_ms=10, net_pnl=Decimal("-3.74"))


def test_accounts_do_not_see_each_other(store: SqlStore, make_store: Callable[..., SqlStore], url: URL) -> None:
    if url.get_backend_name() == "sqlite" and not url.database:
        pytest.skip("a database in memory belongs to one store")
    other = make_store(url, f"{store.account}-other")
    other.take_ownership("test")
    both = decision(position=position(), intents=(intent(),), fills=(fill(),), signals=(fate(),))

    assert durabilities(store.commit([both])) == durabilities(other.commit([both])) == [Durability.STORE]
    store.commit([decision(position=position(phase=PositionPhase.CLOSED))])

    assert (len(store.load()), len(other.load())) == (0, 1)


AMOUNTS = [
    "0.1",
    "1.50",
    "-0.000000000000000000000000000000001",
    "123456789012345678901234567890.123456789",
    "0",
    "1E+3",
]


@pytest.mark.parametrize("amount", AMOUNTS)
def test_no_digit_of_an_amount_is_lost(store: SqlStore, amount: str) -> None:
    exact = Decimal(amount)
    store.commit([decision(position=position(realized_pnl=exact), trailing=trailing(highest=exact))])
    store.commit([decision(fills=(fill(price=exact),))])

    (restored,) = store.load()

    assert str(restored.position.realized_pnl) == str(exact)
    assert restored.trailing is not None
    assert restored.trailing.highest == exact
    assert rows(store, tables.positions)[0].realized_pnl == exact
    assert rows(store, tables.trades)[0].price == exact


@pytest.mark.parametrize("amount", ["NaN", "Infinity"])
def test_what_is_not_an_amount_is_refused(store: SqlStore, amount: str) -> None:
    (result,) = store.commit([decision(fills=(fill(price=Decimal(amount)),))])

    assert result.durability is Durability.NOWHERE
    assert count(store, tables.trades) == 0


def test_texts_of_venues_are_kept_whatever_is_in_them(store: SqlStore) -> None:
    odd = "nul \x00 quote ' percent %s brace {} \N{SNOWMAN}"

    (result,) = store.commit([decision(audit=(builders.audit(answer=odd),), events=(event(text=odd),))])

    assert result.durability is Durability.STORE
    assert rows(store, tables.order_audit_log)[0].answer == odd.replace("\x00", "\ufffd")


def test_an_id_that_no_database_can_hold_costs_the_others_nothing(store: SqlStore) -> None:
    broken = decision(decision_id="\ud800", events=(event("broken"),))

    results = store.commit([broken, decision(events=(event("fine"),))])

    assert durabilities(results) == [Durability.NOWHERE, Durability.STORE]


def test_every_kind_of_record_is_written(store: SqlStore) -> None:
    entry = ScalingEntry(
        position_id=builders.POSITION,
        number=1,
        at_ms=1,
        side=Side.LONG,
        quantity=Decimal("0.5"),
        price=Decimal(42),
        coefficient="0.6",
        reason="ladder",
    )
    snapshot = PerformanceSnapshot(at_ms=5, figures=(("sharpe", ""), ("net", "1.5")))

    store.commit([decision(scaling=(entry,), performance=(snapshot,), fills=(fill(kind=FillKind.LIQUIDATION),))])

    assert rows(store, tables.scaling_entries)[0].quantity == Decimal("0.5")
    assert rows(store, tables.performance_snapshots)[0].figures == '[["sharpe",""],["net","1.5"]]'
    assert rows(store, tables.trades)[0].kind == "liquidation"


@pytest.mark.parametrize("table", [tables.events, tables.order_audit_log], ids=lambda table: table.name)
@pytest.mark.parametrize("change", ["UPDATE {} SET account = 'x'", "DELETE FROM {}"])
def test_append_only_tables_refuse_changes_from_anybody(store: SqlStore, table: Table, change: str) -> None:
    store.commit([decision(events=(event(),), audit=(builders.audit(),))])
    name = table.fullname if store.url.get_backend_name() == "postgresql" else table.name

    with store.reading() as connection, pytest.raises(DBAPIError, match="append-only"):
        connection.execute(text(change.format(name)))

    assert count(store, table) == 1


def test_what_is_read_is_never_written(store: SqlStore) -> None:
    with store.reading() as connection:
        connection.execute(
            insert(tables.decisions),
            {"account": store.account, "owner_epoch": 1, "actor_epoch": 1, "decision_id": "x", "at_ms": 1},
        )

    assert count(store, tables.decisions) == 0


def test_pruning_forgets_decisions_before_a_time_only(store: SqlStore) -> None:
    old, new = decision(at_ms=10), decision(at_ms=20)
    store.commit([old, new])

    assert store.prune_decisions(20) == 1
    assert store.applied([old.decision_id, new.decision_id]) == {new.decision_id}
