"""The journal over a store that comes and goes."""

import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import URL

from messages.journal import SYMBOL_LOCKED, SYMBOL_UNLOCKED, Decision, Durability, EventRecord, Severity
from messages.state import PositionPhase
from messages.values import Epoch, PositionId
from persistence.journal import Journal
from persistence.queries import Queries
from persistence.spool import Spool
from persistence.store import SqlStore
from tests.persistence.builders import decision, fate, intent, outcome, position, trailing
from tests.persistence.outage import Network, StartJournal, happened, kinds, where


@pytest.fixture
def store(url: URL, network: Network, make_store: Callable[..., SqlStore]) -> SqlStore:
    return make_store(url, boundary=network)


def test_with_the_store_there_decisions_go_to_it(journal: Journal, store: SqlStore) -> None:
    assert where(journal.write([happened("a")])) == [Durability.STORE]
    assert kinds(store) == ["a"]
    assert journal.health().store_available


def test_with_the_store_away_decisions_go_to_the_spool_and_stay_in_order(
    journal: Journal,
    store: SqlStore,
    network: Network,
) -> None:
    network.down = True
    assert where(journal.write([happened("a")])) == [Durability.SPOOL]
    network.down = False
    assert where(journal.write([happened("b")])) == [Durability.SPOOL]
    assert (journal.health().store_available, journal.health().spooled) == (False, 2)

    health = journal.recover()
    assert where(journal.write([happened("c")])) == [Durability.STORE]

    assert (health.store_available, health.spooled, health.error) == (True, 0, "")
    assert kinds(store) == ["a", "b", "c"]


def test_recovering_with_the_store_still_away_says_so_and_loses_nothing(
    journal: Journal,
    store: SqlStore,
    network: Network,
) -> None:
    network.down = True
    journal.write([happened("a")])

    health = journal.recover()

    assert (health.store_available, health.spooled) == (False, 1)
    assert "no route" in health.error
    network.down = False
    journal.recover()
    assert kinds(store) == ["a"]


def test_a_commit_whose_answer_was_lost_is_not_written_twice(
    journal: Journal,
    store: SqlStore,
    network: Network,
) -> None:
    network.answer_lost = True
    (result,) = journal.write([happened("a")])
    network.answer_lost = False
    journal.recover()

    assert (result.durability, result.repeated) == (Durability.SPOOL, False)
    assert kinds(store) == ["a"]


def test_a_long_spool_is_drained_a_part_at_a_time(start: StartJournal, store: SqlStore, network: Network) -> None:
    journal = start(drain_limit=10)
    journal.take_ownership("test")
    network.down = True
    journal.write([happened(str(number)) for number in range(25)])
    network.down = False

    waiting = [journal.recover().spooled for _ in range(3)]

    assert waiting == [15, 5, 0]
    assert kinds(store) == [str(number) for number in range(25)]


def test_a_decision_offered_again_to_the_spool_is_repeated(journal: Journal, store: SqlStore, network: Network) -> None:
    network.down = True
    offered = happened("a")

    results = [*journal.write([offered, offered]), *journal.write([offered])]

    assert where(results) == [Durability.SPOOL] * 3
    assert [result.repeated for result in results] == [False, True, True]
    network.down = False
    journal.recover()
    assert kinds(store) == ["a"]


def test_with_the_store_away_an_earlier_incarnation_is_refused_from_memory(journal: Journal, network: Network) -> None:
    journal.write([decision(epoch=Epoch(1, 2))])
    network.down = True

    (result,) = journal.write([decision(epoch=Epoch(1, 1))])

    assert (result.stale, result.durability) == (True, Durability.NOWHERE)
    assert journal.health().spooled == 0


def test_a_decision_that_the_database_refuses_does_not_stop_the_draining(
    journal: Journal,
    store: SqlStore,
    network: Network,
) -> None:
    journal.write([decision(intents=(intent("hf1"),))])
    network.down = True
    journal.write([happened("a"), decision(intents=(intent("hf1"),)), happened("b")])
    network.down = False

    health = journal.recover()

    assert health.spooled == 0
    assert kinds(store) == ["a", "b"]
    assert len(Queries(store).refused()) == 1


def test_when_the_spool_fails_as_well_decisions_are_nowhere_and_later_ones_are_not_lost(
    store: SqlStore,
    network: Network,
    tmp_path: Path,
) -> None:
    in_the_way = tmp_path / "data"
    in_the_way.write_text("a file where the directory should be", encoding="utf-8")
    spool = Spool(in_the_way / "main.spool")
    journal = Journal(store, spool)
    journal.take_ownership("test")
    network.down = True
    assert where(journal.write([happened("lost")])) == [Durability.NOWHERE]

    in_the_way.unlink()
    assert where(journal.write([happened("kept")])) == [Durability.SPOOL]
    network.down = False
    journal.recover()
    spool.close()

    assert kinds(store) == ["kept"]


def test_loading_puts_what_is_spooled_above_what_is_stored(journal: Journal, network: Network) -> None:
    ended = position(position_id=PositionId("ended"))
    journal.write([decision(position=position(), intents=(intent("hf1"), intent("hf2"))), decision(position=ended)])
    network.down = True
    spooled = position(sequence=9)
    closed = position(position_id=PositionId("ended"), phase=PositionPhase.CLOSED)
    opened = position(position_id=PositionId("new"), phase=PositionPhase.PENDING_ENTRY)
    journal.write(
        [
            decision(position=spooled, trailing=trailing(), outcomes=(outcome("hf1"),), intents=(intent("hf3"),)),
            decision(position=closed),
            decision(position=opened),
        ],
    )

    first, second = journal.load()

    assert (first.position, first.trailing) == (spooled, trailing())
    assert [left.intent_id for left in first.open_intents] == ["hf2", "hf3"]
    assert second.position == opened


def test_signals_are_known_from_the_store_and_from_the_spool(journal: Journal, network: Network) -> None:
    journal.write([decision(signals=(fate("stored", at_ms=10), fate("old", at_ms=1)))])
    network.down = True
    journal.write([decision(signals=(fate("spooled", at_ms=10), fate("older", at_ms=1)))])

    assert journal.known_signals(5).keys() == {"stored", "spooled"}


def test_pruning_waits_until_nothing_is_spooled(journal: Journal, network: Network) -> None:
    journal.write([decision(at_ms=1)])
    network.down = True
    journal.write([happened("a")])
    network.down = False

    assert journal.prune(before_ms=2) == 0
    journal.recover()
    assert journal.prune(before_ms=2) == 1


def test_the_results_of_positions_are_those_of_the_latest_record(journal: Journal, network: Network) -> None:
    def closed(name: str, pnl: str, closed_ms: int | None = 20) -> Decision:
        state = position(
            position_id=PositionId(name),
            closed_ms=closed_ms,
            opened_quantity=Decimal(1),
            realized_pnl=Decimal(pnl),
        )
        return decision(position=state)

    journal.write([closed("stored", "-1"), closed("opened again", "-2"), closed("changed", "-3")])
    network.down = True
    journal.write([closed("spooled", "-4"), closed("opened again", "-2", None), closed("changed", "5")])
    journal.write([closed("too old", "-6", 9)])
    network.down = False

    results = {result.position_id: result.net_pnl for result in journal.position_results(10)}

    assert results == {"stored": -1, "spooled": -4, "changed": 5}


def test_the_last_word_on_a_symbol_is_whether_it_is_locked_also_from_the_spool(
    journal: Journal, network: Network
) -> None:
    def said(kind: str, symbol: str, why: str = "") -> Decision:
        event = EventRecord(kind=kind, severity=Severity.WARNING, text=why, at_ms=5, subject=symbol)
        return decision(events=(event,))

    journal.write([said(SYMBOL_LOCKED, "A", "stored"), said(SYMBOL_LOCKED, "B", "stored"), said("other", "C", "x")])
    journal.write([said(SYMBOL_UNLOCKED, "B"), said(SYMBOL_LOCKED, "D", "stored")])
    assert journal.symbol_locks() == {"A": "stored", "D": "stored"}
    network.down = True
    journal.write([said(SYMBOL_UNLOCKED, "A"), said(SYMBOL_LOCKED, "B", "spooled")])
    network.down = False
    assert journal.symbol_locks() == {"B": "spooled", "D": "stored"}
    journal.recover()
    assert journal.symbol_locks() == {"B": "spooled", "D": "stored"}


def test_what_is_spooled_after_a_clearing_that_failed_half_way_is_drained_as_well(
    store: SqlStore,
    network: Network,
    spool_path: Path,
) -> None:
    """The decisions were cut off, and then the owner's mark could not be written: the file is shorter than it was."""
    refuses = False

    def open_file(path: Path) -> io.FileIO:
        if refuses:
            raise PermissionError("somebody holds the file")
        return io.FileIO(path, "ab")

    spool = Spool(spool_path, open_file=open_file)
    journal = Journal(store, spool)
    journal.take_ownership("test")
    network.down = True
    journal.write([happened(f"before {number}") for number in range(20)])
    network.down = False
    spool.close()
    refuses = True
    assert journal.recover().store_available
    refuses = False

    network.down = True
    assert where(journal.write([happened("after")])) == [Durability.SPOOL]
    network.down = False
    journal.recover()
    spool.close()

    assert kinds(store)[-1] == "after"


def test_what_follows_a_damage_in_the_spool_is_not_cleared_away_unread(
    store: SqlStore,
    network: Network,
    spool_path: Path,
) -> None:
    """It was whole when it was looked at first; what came before the damage is drained, what comes after it is kept."""
    spool = Spool(spool_path)
    journal = Journal(store, spool)
    journal.take_ownership("test")
    network.down = True
    journal.write([happened("first")])
    damaged_from = spool.end
    journal.write([happened("second")])
    journal.write([happened("third")])
    content = bytearray(spool_path.read_bytes())
    content[damaged_from + 20] ^= 0xFF
    spool_path.write_bytes(content)
    network.down = False

    journal.recover()
    assert kinds(store) == ["first"]

    network.down = True
    journal.write([happened("of the next outage")])
    network.down = False
    journal.recover()
    spool.close()

    assert kinds(store) == ["first", "of the next outage"]
    assert b"third" in spool_path.read_bytes()
