"""The journal: the one writer, with the store in front of the spool.

**Guarantees.** Decisions keep their order: once one went to the spool, all later ones do, until :meth:`Journal.recover`
has drained it into the store. Nothing is written twice, since the store knows what it has applied. A replaced owner or
incarnation is refused by the store in its transaction and, while that is out of reach, from memory.

**Start.** :meth:`Journal.take_ownership`, then :meth:`Journal.load`. Where the first raises because the store is out of
reach, :meth:`Journal.assume_ownership` gives an epoch to go on protecting with, which the store confirms or
refuses later.
"""

import secrets
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final

from loguru import logger

from messages.journal import (
    SYMBOL_LOCKED,
    SYMBOL_UNLOCKED,
    CommitResult,
    Decision,
    Durability,
    JournalHealth,
    KnownSignal,
    PositionResult,
    RestoredPosition,
)
from messages.values import Epoch
from persistence.failures import StoreUnavailable
from persistence.fencing import OwnerMark, Standing
from persistence.overlay import overlay
from persistence.restoring import result_of
from persistence.spool import Record, Spool, SpoolUnavailable
from persistence.store import SqlStore

_DRAIN_BATCH: Final = 500
_DRAIN_LIMIT: Final = 5_000
ADOPTED: Final = "position_adopted"
"""The kind of the event with which a position is taken over that is on no record."""
_NONCE_BYTES: Final = 16
_DEPOSED: Final = "another process has taken the account over: nothing of this one is written any more"


class Journal:
    """Satisfies ``JournalPort`` of the actors. Thread-safe; writes block for as long as the store and the disk do.

    Args:
        store: Of one account.
        spool: In the data directory, of the same account.
        drain_limit: How many decisions one :meth:`recover` drains at most, so that it never blocks long.
    """

    def __init__(self, store: SqlStore, spool: Spool, *, drain_limit: int = _DRAIN_LIMIT) -> None:
        self._store: Final = store
        self._spool: Final = spool
        self._drain_limit: Final = drain_limit
        self._lock: Final = threading.RLock()
        self._mark: OwnerMark | None = None
        self._under: OwnerMark | None = None
        self._confirmed = True
        self._latest: dict[str, Epoch] = {}
        self._spooled_ids: set[str] = set()
        self._drained_to = 0
        self._waiting = 0
        self._spooling = False
        self._unreadable = False
        self._before: Sequence[RestoredPosition] | None = None
        self._health = JournalHealth(store_available=True, spooled=0)
        self._look_into_spool()

    def take_ownership(self, owner_name: str) -> int:
        """Become the owner of the account, after the spool of whoever was it before is drained.

        Returns:
            The owner epoch, higher than every one before.

        Raises:
            StoreUnavailable: The store is out of reach; what to do then is for the caller to decide.
        """
        with self._lock:
            try:
                self._store.open()
                self._drain_all()
                known = self._known_mark()
                mark = self._store.take_ownership(owner_name, above=0 if known is None else known.epoch)
            except StoreUnavailable as failure:
                self._say(available=False, error=str(failure))
                raise
            self._mark = self._under = mark
            self._cleared(mark)
            return mark.epoch

    def assume_ownership(self, owner_name: str) -> int:
        """Go on with the store out of reach, under the epoch after the last one that this data directory knows.

        The store confirms it once it is back, unless another process took the account over: then everything decided
        under it is refused, and kept for a person to look at.

        Returns:
            The owner epoch.
        """
        with self._lock:
            known = self._mark or self._known_mark()
            epoch = 1 if known is None else known.epoch + 1
            self._mark = OwnerMark(epoch=epoch, nonce=secrets.token_hex(_NONCE_BYTES), owner_name=owner_name)
            self._spooling = True
            self._append([])
            return epoch

    def write(self, decisions: Sequence[Decision]) -> Sequence[CommitResult]:
        """Make the decisions durable, in order; results in the same order.

        Never raises for what the store or the disk do. A result ``NOWHERE`` that is not stale was refused by the
        database, or neither the store nor the spool could take it.
        """
        with self._lock:
            if not self._spooling:
                try:
                    results = self._store.commit(decisions)
                except StoreUnavailable as failure:
                    self._store_lost(failure)
                else:
                    self._remember(decisions, results)
                    return results
            return self._to_spool(decisions)

    def recover(self) -> JournalHealth:
        """Try to reach the store again and drain the spool into it, a bounded part at a time."""
        with self._lock:
            if not self._spooling:
                return self._health
            before, drained_to = self._before, self._drained_to
            try:
                self._store.open()
                self._look_back()
                self._stand_by(self._under)
                if self._drain(self._drain_limit):
                    self._stand_by(self._mark)
                    self._cleared(self._mark)
                    self._say(available=True, error="" if self._confirmed else _DEPOSED)
                else:
                    self._say(available=True, error="the spool is being drained")
            except StoreUnavailable as failure:
                if self._drained_to == drained_to:
                    self._before = before  # nothing of the record has changed yet, and more may come to the spool
                self._say(available=False, error=str(failure))
            return self._health

    def health(self) -> JournalHealth:
        """The journal's condition, from memory; never waits."""
        return self._health

    def load(self) -> Sequence[RestoredPosition]:
        """Every position that is not ended, from the store and, above it, the spool; from that alone if need be."""
        with self._lock:
            waiting = list(self._waiting_decisions())
            try:
                restored = self._store.load()
                applied = self._store.applied([decision.decision_id for decision in waiting])
            except StoreUnavailable as failure:
                self._store_lost(failure)
                restored, applied = [], frozenset()
            return overlay(restored, (decision for decision in waiting if decision.decision_id not in applied))

    def load_before(self) -> Sequence[RestoredPosition]:
        """Positions as they were on record before any was taken over without it: for those who could not ask then."""
        with self._lock:
            return self.load() if self._before is None else self._before

    def known_signals(self, since_ms: int) -> Mapping[str, KnownSignal]:
        """The signals whose fate is on record since ``since_ms``, by their ids."""
        with self._lock:
            spooled = {
                fate.signal_id: KnownSignal(verdict=fate.verdict, at_ms=fate.at_ms, wave_ms=fate.wave_ms)
                for decision in self._waiting_decisions()
                for fate in decision.signals
                if fate.at_ms >= since_ms
            }
            try:
                # The first fate of a signal counts, and what waits in the spool came later.
                return spooled | self._store.known_signals(since_ms)
            except StoreUnavailable as failure:
                self._store_lost(failure)
                return spooled

    def position_results(self, since_ms: int) -> Sequence[PositionResult]:
        """What each position came to that was closed at ``since_ms`` or later, as the latest record has it."""
        with self._lock:
            spooled = {
                decision.position.position_id: decision.position
                for decision in self._waiting_decisions()
                if decision.position is not None
            }
            try:
                stored = self._store.position_results(since_ms)
            except StoreUnavailable as failure:
                self._store_lost(failure)
                stored = []
            later = [result for position in spooled.values() for result in result_of(position)]
            return [
                *(result for result in stored if result.position_id not in spooled),
                *(result for result in later if result.closed_ms >= since_ms),
            ]

    def symbol_locks(self) -> Mapping[str, str]:
        """Why nothing is opened on a symbol, for each that a person has locked."""
        with self._lock:
            told = [
                event
                for decision in self._waiting_decisions()
                for event in decision.events
                if event.kind in {SYMBOL_LOCKED, SYMBOL_UNLOCKED}
            ]
            try:
                locks = self._store.symbol_locks()
            except StoreUnavailable as failure:
                self._store_lost(failure)
                locks = {}
            for event in told:
                locks.pop(event.subject, None)
                if event.kind == SYMBOL_LOCKED:
                    locks[event.subject] = event.text
            return locks

    def prune(self, before_ms: int) -> int:
        """Forget which decisions before a time are applied, while nothing waits in the spool; gives their number."""
        with self._lock:
            if self._spooling or self._spooled_ids:
                return 0
            try:
                return self._store.prune_decisions(before_ms)
            except StoreUnavailable as failure:
                self._store_lost(failure)
                return 0

    def close(self) -> None:
        """Let go of the spool's file and of the store's connections."""
        with self._lock:
            self._spool.close()
            self._store.close()

    def _look_into_spool(self) -> None:
        try:
            self._waiting = self._spool.decisions
            for decision in self._waiting_decisions():
                self._spooled_ids.add(decision.decision_id)
                self._advance(decision)
        except SpoolUnavailable as failure:
            logger.error("the spool cannot be read: {}", failure)
            self._say(available=True, error=str(failure))
            return
        self._spooling = self._waiting > 0
        self._say(available=True, error="the spool waits to be drained" if self._spooling else "")

    def _to_spool(self, decisions: Sequence[Decision]) -> list[CommitResult]:
        fresh: list[Decision] = []
        standings: list[Standing] = []
        known = set(self._spooled_ids)
        for decision in decisions:
            if decision.decision_id in known:
                standings.append(Standing.APPLIED)
            elif self._is_stale(decision):
                standings.append(Standing.STALE)
            else:
                standings.append(Standing.FRESH)
                fresh.append(decision)
                known.add(decision.decision_id)
                self._advance(decision)
        kept = self._append(fresh)
        self._spooled_ids.update(kept)
        self._waiting += len(kept)
        self._say(available=False, error=self._health.error)
        return [
            _spooled(decision, standing, kept=decision.decision_id in self._spooled_ids)
            for decision, standing in zip(decisions, standings, strict=True)
        ]

    def _append(self, decisions: Sequence[Decision]) -> list[str]:
        """Append what can be; gives the ids of what is in the spool now."""
        try:
            own = self._mark is not None and self._spool.mark != self._mark
            records: list[Record] = [self._mark] if own and self._mark is not None else []
            try:
                self._append_to_spool([*records, *decisions])
            except ValueError:
                return self._append_singly(records, decisions)
        except SpoolUnavailable as failure:
            logger.critical("neither the database nor the spool can be written: {}", failure)
            return []
        return [decision.decision_id for decision in decisions]

    def _append_singly(self, records: Sequence[Record], decisions: Sequence[Decision]) -> list[str]:
        self._append_to_spool(records)
        kept: list[str] = []
        for decision in decisions:
            try:
                self._append_to_spool([decision])
            except ValueError as error:
                logger.error("decision {!r} cannot be written down: {}", decision.decision_id, error)
            else:
                kept.append(decision.decision_id)
        return kept

    def _append_to_spool(self, records: Sequence[Record]) -> None:
        began = self._spool.append(records)
        # A file that has become shorter, because clearing it was cut short, begins anew: so does draining it.
        self._drained_to = min(self._drained_to, began)

    def _drain_all(self) -> None:
        while not self._drain(self._drain_limit):
            pass

    def _drain(self, limit: int) -> bool:
        """Hand up to ``limit`` decisions to the store; whether nothing waits any more."""
        batch: list[Decision] = []
        drained = 0
        try:
            for end, record in self._spool.records(start=self._drained_to):
                if isinstance(record, OwnerMark):
                    self._hand_over(batch)
                    self._stand_by(record)
                else:
                    batch.append(record)
                    drained += 1
                    if len(batch) >= _DRAIN_BATCH or drained >= limit:
                        self._hand_over(batch)
                if not batch:
                    self._drained_to = end
                if drained >= limit:
                    return self._drained_to >= self._spool.end
            self._hand_over(batch)
            self._drained_to = self._spool.end
        except SpoolUnavailable as failure:
            logger.error("the spool cannot be read, what is left in it stays there: {}", failure)
            self._unreadable = True
            self._hand_over(batch)
            self._pass_over()
        return True

    def _pass_over(self) -> None:
        """What cannot be read must not stand before what is spooled after it."""
        with suppress(SpoolUnavailable):
            self._drained_to = self._spool.end

    def _stand_by(self, mark: OwnerMark | None) -> None:
        """What is drained from here on was decided under ``mark``."""
        if mark is not None:
            self._confirmed = self._store.claim(mark)
            self._under = mark

    def _hand_over(self, batch: list[Decision]) -> None:
        if batch:
            self._store.commit(batch, draining=True)
            self._waiting = max(0, self._waiting - len(batch))
            batch.clear()

    def _cleared(self, mark: OwnerMark | None) -> None:
        """Everything that can be read is in the store: decisions go there directly again."""
        try:
            if not self._unreadable:
                self._spool.clear(mark)
                self._drained_to = self._spool.end
        except SpoolUnavailable as failure:
            # What is drained is not offered again by this process, and by the next one without effect.
            logger.warning("the spool is drained, but cannot be cleared: {}", failure)
        self._spooled_ids.clear()
        self._waiting = 0
        self._spooling = False
        self._say(available=True, error="")

    def _look_back(self) -> None:
        """What the drain is about to overwrite, kept for the positions that went on without knowing it."""
        if self._before is not None:
            return
        earlier: list[Decision] = []
        without_record: set[str] = set()
        for decision in self._waiting_decisions():
            if any(event.kind == ADOPTED for event in decision.events):
                without_record.add(decision.path)
            if decision.path not in without_record:
                earlier.append(decision)
        applied = self._store.applied([decision.decision_id for decision in earlier])
        known = self._store.load()
        self._before = overlay(known, (decision for decision in earlier if decision.decision_id not in applied))

    def _waiting_decisions(self) -> Iterator[Decision]:
        try:
            for _, record in self._spool.records(start=self._drained_to):
                if not isinstance(record, OwnerMark):
                    yield record
        except SpoolUnavailable as failure:
            logger.error("the spool cannot be read: {}", failure)

    def _known_mark(self) -> OwnerMark | None:
        try:
            return self._spool.mark
        except SpoolUnavailable:
            return None

    def _remember(self, decisions: Iterable[Decision], results: Iterable[CommitResult]) -> None:
        for decision, result in zip(decisions, results, strict=True):
            if result.durability is Durability.STORE:
                self._advance(decision)

    def _advance(self, decision: Decision) -> None:
        latest = self._latest.get(decision.path)
        if latest is None or latest < decision.epoch:
            self._latest[decision.path] = decision.epoch

    def _is_stale(self, decision: Decision) -> bool:
        if self._mark is not None and decision.epoch.owner < self._mark.epoch:
            return True
        latest = self._latest.get(decision.path)
        return latest is not None and decision.epoch < latest

    def _store_lost(self, failure: StoreUnavailable) -> None:
        if not self._spooling:
            logger.error("the database cannot be used, records go to the spool: {}", failure)
            self._before = None
        self._spooling = True
        self._say(available=False, error=str(failure))

    def _say(self, *, available: bool, error: str) -> None:
        self._health = JournalHealth(store_available=available, spooled=self._waiting, error=error)


def _spooled(decision: Decision, standing: Standing, *, kept: bool) -> CommitResult:
    return CommitResult(
        decision_id=decision.decision_id,
        stale=standing is Standing.STALE,
        durability=Durability.SPOOL if kept else Durability.NOWHERE,
        repeated=kept and standing is Standing.APPLIED,
    )
