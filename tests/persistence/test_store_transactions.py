"""What is written once, by whom, and all or nothing: on every database."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from sqlalchemy import URL

from messages.journal import Durability
from messages.values import Epoch
from persistence import tables
from persistence.fencing import OwnerMark
from persistence.store import SqlStore
from tests.persistence.builders import decision, event, fill, intent, position
from tests.persistence.reading import count, durabilities, rows


def test_a_decision_that_is_offered_twice_is_written_once_and_said_to_be_repeated(store: SqlStore) -> None:
    offered = decision(position=position(), intents=(intent(),), events=(event(),), fills=(fill(),))

    first = store.commit([offered])
    second = store.commit([offered])

    assert durabilities(first) == durabilities(second) == [Durability.STORE]
    assert [first[0].repeated, second[0].repeated] == [False, True]
    assert [count(store, table) for table in (tables.events, tables.orders, tables.trades)] == [1, 1, 1]


def test_a_decision_that_is_twice_in_a_batch_is_written_once(store: SqlStore) -> None:
    offered = decision(events=(event(),))

    results = store.commit([offered, offered])

    assert [result.repeated for result in results] == [False, True]
    assert count(store, tables.events) == 1


def test_in_one_batch_the_last_state_of_a_position_counts(store: SqlStore) -> None:
    store.commit([decision(position=position(quantity=Decimal(amount))) for amount in ("1", "2", "3")])

    assert store.load()[0].position.quantity == Decimal(3)


def test_an_earlier_incarnation_of_the_actor_is_stale_and_writes_nothing(store: SqlStore) -> None:
    store.commit([decision(epoch=Epoch(1, 2), position=position())])

    (result,) = store.commit([decision(epoch=Epoch(1, 1), position=position(quantity=Decimal(9)), events=(event(),))])

    assert result.stale
    assert store.load()[0].position == position()
    assert count(store, tables.events) == 0


def test_a_stale_decision_costs_the_others_of_its_batch_nothing(store: SqlStore) -> None:
    batch = [
        decision(epoch=Epoch(1, 2), events=(event("first"),)),
        decision(epoch=Epoch(1, 1), events=(event("stale"),)),
        decision(epoch=Epoch(1, 1), path="/another", events=(event("last"),)),
    ]

    results = store.commit(batch)

    assert [result.stale for result in results] == [False, True, False]
    assert [row.kind for row in rows(store, tables.events)] == ["first", "last"]


def test_the_first_incarnation_of_a_new_owner_outranks_every_one_of_the_old_owner(store: SqlStore) -> None:
    store.commit([decision(epoch=Epoch(1, 7), events=(event(),))])
    store.take_ownership("next")

    old, new = store.commit([decision(epoch=Epoch(1, 8)), decision(epoch=Epoch(2, 1))])

    assert (old.stale, new.stale) == (True, False)


def test_each_owner_gets_a_higher_epoch(store: SqlStore) -> None:
    assert [store.take_ownership("a").epoch, store.take_ownership("b").epoch] == [2, 3]


def test_nobody_writes_under_an_epoch_that_was_never_given_out(store: SqlStore) -> None:
    offered = decision(epoch=Epoch(5, 1), events=(event(),))

    (result,) = store.commit([offered])

    assert (result.stale, result.durability) == (False, Durability.NOWHERE)
    assert count(store, tables.events) == 0
    assert [row.decision_id for row in rows(store, tables.refused_decisions)] == [offered.decision_id]


def test_a_former_owner_in_another_process_is_refused(shared_url: URL, make_store: Callable[..., SqlStore]) -> None:
    former, owner = make_store(shared_url), make_store(shared_url)
    former.take_ownership("former")
    former.commit([decision(epoch=Epoch(1, 1), position=position())])
    owner.take_ownership("owner")

    (result,) = former.commit([decision(epoch=Epoch(1, 1), position=position(quantity=Decimal(9)))])

    assert result.stale
    assert owner.load()[0].position == position()


def test_two_processes_never_share_an_epoch(shared_url: URL, make_store: Callable[..., SqlStore]) -> None:
    offline, owner = make_store(shared_url), make_store(shared_url)
    taken = owner.take_ownership("owner")

    confirmed = offline.claim(OwnerMark(epoch=taken.epoch, nonce="another", owner_name="offline"))
    (refused,) = offline.commit([decision(epoch=Epoch(taken.epoch, 1))])
    (written,) = owner.commit([decision(epoch=Epoch(taken.epoch, 1))])

    assert not confirmed
    assert refused.stale
    assert not written.stale


def test_a_decision_that_the_database_refuses_costs_the_others_nothing(store: SqlStore) -> None:
    store.commit([decision(intents=(intent("hf1"),))])
    poison = decision(position=position(), intents=(intent("hf1"),), events=(event("poison"),))

    results = store.commit([decision(events=(event("before"),)), poison, decision(events=(event("after"),))])

    assert durabilities(results) == [Durability.STORE, Durability.NOWHERE, Durability.STORE]
    assert [row.kind for row in rows(store, tables.events)] == ["before", "after"]
    assert store.load() == []


def test_a_refused_decision_is_kept_whole_for_a_person(store: SqlStore) -> None:
    poison = decision(intents=(intent("hf1"), intent("hf1")))

    store.commit([poison])

    (kept,) = rows(store, tables.refused_decisions)
    assert kept.decision_id == poison.decision_id
    assert '"intent_id":"hf1"' in kept.decision
    assert kept.error


def test_a_crash_before_the_commit_leaves_nothing(url: URL, make_store: Callable[..., SqlStore]) -> None:
    boundary = Boundary()
    store = make_store(url, boundary=boundary)
    store.take_ownership("test")
    boundary.kill_at = "before_commit"

    with pytest.raises(Killed):
        store.commit([decision(events=(event(),))])

    boundary.kill_at = ""
    assert count(store, tables.events) == 0
    assert durabilities(store.commit([decision(events=(event(),))])) == [Durability.STORE]


def test_a_crash_after_the_commit_leaves_everything(url: URL, make_store: Callable[..., SqlStore]) -> None:
    boundary = Boundary()
    store = make_store(url, boundary=boundary)
    store.take_ownership("test")
    boundary.kill_at = "after_commit"
    offered = decision(events=(event(),))

    with pytest.raises(Killed):
        store.commit([offered])

    boundary.kill_at = ""
    assert count(store, tables.events) == 1
    assert store.commit([offered])[0].repeated


def test_a_batch_of_hundreds_is_one_commit(url: URL, make_store: Callable[..., SqlStore]) -> None:
    boundary = Boundary()
    store = make_store(url, boundary=boundary)
    store.take_ownership("test")
    before = len(boundary.seen)

    results = store.commit([decision(events=(event(),), fills=(fill(f"f{n}"),)) for n in range(300)])

    assert {result.durability for result in results} == {Durability.STORE}
    assert boundary.seen[before:] == ["before_commit", "after_commit"]
    assert count(store, tables.trades) == 300


class Killed(BaseException):
    """As abrupt as a kill."""


class Boundary:
    def __init__(self) -> None:
        self.kill_at = ""
        self.seen: list[str] = []

    def __call__(self, name: str) -> None:
        self.seen.append(name)
        if name == self.kill_at:
            raise Killed
