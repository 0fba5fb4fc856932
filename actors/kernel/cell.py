"""A stable address (Cell) and the volatile half behind it (Incarnation).

Invariants:
    1. Conservation: told = handled + dead-lettered + queued, at any instant, per cell.
    2. The slot holds what is in flight; whoever takes it out settles it, once.
    3. No code of a user's runs while a cell's lock is held.
"""

import threading
from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from actors.kernel.crash import CrashRecord
from actors.kernel.faults import ActorUnavailable
from actors.kernel.mailbox import Answerable, Envelope, Mailbox, Stamp
from actors.kernel.runtime import Handle, Runnable, Runtime
from actors.kernel.specs import ChildSpec
from actors.kernel.tracing import Tracer
from messages.delivery import DEFAULT_DELIVERY

if TYPE_CHECKING:
    from actors.kernel.actor import Actor

MAX_RETRIES = 3
"""How often an idempotent message that was in flight at a crash is tried again."""

MERGE_ATTEMPTS = 8
"""How often a merge is retried that lost a race against another teller, before the message waits by itself."""

CRASHES_KEPT = 20


class Status(Enum):
    """Where an address is in its life; only the kernel changes it."""

    DOWN = "down"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    PARKED = "parked"
    REMOVED = "removed"


class Order(Enum):
    """What the kernel wants an incarnation to do before its next message."""

    START = "start"
    STOP = "stop"


class Home(Protocol):
    """What all cells of one system share."""

    runtime: Runtime

    def lost(self, letter: "Lost") -> None:
        """Take note of a dead letter."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A dead letter before it is published."""

    cell: "Cell"
    envelope: Envelope
    reason: str
    traceback: str
    at_s: float


class Incarnation:
    """Everything volatile about one life of an actor. Guarded by its cell's lock, except where noted."""

    __slots__ = (
        "__weakref__",
        "actor",
        "asking",
        "began_s",
        "cell",
        "deferred",
        "envelope",
        "epoch",
        "fenced",
        "flight",
        "flight_began_s",
        "giving_up",
        "open",
        "order",
        "ready",
        "said_ready",
        "scans",
        "scheduled",
        "seen_flight",
        "slot",
        "stopping_itself",
        "timers",
        "turn",
        "watched_start",
    )

    def __init__(self, cell: "Cell", epoch: int, began_s: float) -> None:
        self.cell = cell
        self.epoch = epoch
        self.began_s = began_s
        self.actor: Actor | None = None
        self.turn: Runnable | None = None
        self.order: Order | None = Order.START
        self.open = False
        self.ready = False
        self.said_ready = False
        self.fenced = False
        self.scheduled = False
        self.slot: list[Envelope] | None = None
        self.flight = 0
        self.flight_began_s = 0.0
        self.seen_flight = 0
        self.scans = 0
        self.envelope: Envelope | None = None
        self.stopping_itself = False
        self.asking: Cell | None = None
        self.timers: dict[Hashable, Any] | None = None
        self.deferred: dict[Answerable, None] | None = None
        self.watched_start: Handle | None = None
        self.giving_up: Handle | None = None


class Cell:
    """An address: its mailbox, counters, history and current incarnation."""

    __slots__ = (
        "__weakref__",
        "_clock",
        "_current",
        "_random",
        "closed",
        "crashes",
        "dead_lettered",
        "down_since_s",
        "epoch",
        "handled",
        "holds",
        "home",
        "incarnation",
        "lock",
        "mailbox",
        "number",
        "path",
        "restarts",
        "spec",
        "status",
        "told",
        "tracer",
        "void",
    )

    def __init__(self, *, home: Home, path: str, spec: ChildSpec, mailbox: Mailbox, number: int) -> None:
        self.home = home
        self.path = path
        self.spec = spec
        self.mailbox = mailbox
        self.number = number
        self.lock = threading.Lock()
        self.status = Status.DOWN
        self.incarnation: Incarnation | None = None
        self.epoch = 0
        self.restarts = 0
        self.down_since_s = home.runtime.monotonic_s()
        self.holds: frozenset[str] = frozenset()
        self.closed: str | None = None
        self.void = False
        self.tracer: Tracer | None = None
        self.told = 0
        self.handled = 0
        self.dead_lettered = 0
        self.crashes: deque[CrashRecord] = deque(maxlen=CRASHES_KEPT)
        self._clock = home.runtime.clock()
        self._current = home.runtime.current()
        self._random: Any = None

    def tell(self, message: object) -> None:
        """Post ``message`` in the name of the incarnation whose turn runs on this thread, unless it was replaced."""
        teller: Incarnation | None = self._current.incarnation
        if teller is None:
            self.post(message)
        elif teller.fenced:
            self.refuse(message, teller)
        else:
            self.post(message, teller.cell)

    def post(
        self, message: Any, sender: "Cell | None" = None, promise: Answerable | None = None, timer: Stamp | None = None
    ) -> None:
        """Let a message wait here, and wake the actor; never raises, never blocks."""
        delivery = getattr(type(message), "DELIVERY", DEFAULT_DELIVERY)
        envelope = Envelope(message, delivery, sender, self._clock(), promise, timer)
        if delivery.conflation is not None and promise is None and timer is None and self._merged(envelope):
            return
        with self.lock:
            if self.void:
                return
            self.told += 1
            closed = self.closed
            spilled = None if closed else self.mailbox.put(envelope)
            incarnation = self.incarnation
            wake = incarnation is not None and incarnation.open and not incarnation.scheduled and not self.holds
            if wake:
                assert incarnation is not None  # noqa: S101 - said by wake, which mypy cannot follow
                incarnation.scheduled = True
        if wake:
            assert incarnation is not None  # noqa: S101 - as above
            assert incarnation.turn is not None  # noqa: S101 - set before it is open
            self.home.runtime.schedule(incarnation.turn)
        if closed:
            self.bury([envelope], closed)
        elif spilled is not None:
            self.bury([spilled], "overflow")

    def refuse(self, message: Any, teller: Incarnation) -> None:
        """Make a dead letter of what a replaced incarnation still tells."""
        delivery = getattr(type(message), "DELIVERY", DEFAULT_DELIVERY)
        envelope = Envelope(message, delivery, teller.cell, self._clock(), None, None)
        with self.lock:
            if self.void:
                return
            self.told += 1
        self.bury([envelope], "stale sender")

    def bury(self, envelopes: Iterable[Envelope], reason: str, *, traceback: str = "") -> None:
        """Settle messages as dead letters: counted, told to the asker, kept for the shell."""
        for envelope in envelopes:
            with self.lock:
                self.dead_lettered += envelope.weight
            if envelope.timer is not None:
                envelope.timer.settled()
            if envelope.promise is not None:
                envelope.promise.fail(ActorUnavailable(f"{self.path} did not answer: {reason}"))
            self.home.lost(Lost(cell=self, envelope=envelope, reason=reason, traceback=traceback, at_s=self._clock()))

    def wake(self) -> None:
        """Give the current incarnation a turn if it has something to do."""
        with self.lock:
            incarnation = self.incarnation
            if incarnation is None or incarnation.scheduled or incarnation.turn is None:
                return
            deliverable = incarnation.open and not self.holds and self.mailbox.depth > 0
            if incarnation.order is None and not deliverable:
                return
            incarnation.scheduled = True
            turn = incarnation.turn
        self.home.runtime.schedule(turn)

    def end(self, incarnation: Incarnation) -> tuple[list[Envelope], bool]:
        """Fence ``incarnation`` and take its slot; the second value tells whether it was still the current one."""
        with self.lock:
            was_current = self.incarnation is incarnation
            incarnation.fenced = True
            incarnation.open = False
            incarnation.ready = False
            slot, incarnation.slot = incarnation.slot or [], None
            if was_current:
                self.incarnation = None
                self.down_since_s = self._clock()
        self._drop_volatile(incarnation)
        return slot, was_current

    def settle_after_crash(self, envelopes: list[Envelope], reason: str, traceback: str) -> None:
        """What was in flight is retried if its type says so, and a dead letter otherwise."""
        dead: list[Envelope] = []
        with self.lock:
            for envelope in reversed(envelopes):
                if self.may_retry(envelope) and not self.closed and not self.void:
                    envelope.attempts += 1
                    self.mailbox.put_back(envelope)
                else:
                    dead.append(envelope)
        self.bury(reversed(dead), reason, traceback=traceback)

    def unfit(self, envelope: Envelope, incarnation: Incarnation) -> str | None:
        """Why a message that was just taken out is not handled: a reason, or empty when it was never told after all.

        The caller holds the lock.
        """
        if envelope.timer is not None and envelope.timer.withdrawn(incarnation.epoch):
            self.told -= envelope.weight
            return ""
        ttl_s = envelope.delivery.ttl_s
        if ttl_s is not None and self._clock() - envelope.told_at > ttl_s:
            return "expired"
        if envelope.promise is not None and self._clock() > envelope.promise.deadline_s:
            return "ask expired"
        return None

    def take_more(self, incarnation: Incarnation, limit: int, types: tuple[type, ...]) -> list[Envelope]:
        """Move further waiting tells of the lane in flight into the slot."""
        taken: list[Envelope] = []
        expired: list[Envelope] = []
        with self.lock:
            slot = incarnation.slot
            if self.incarnation is not incarnation or not slot:
                return []
            lane = slot[0].delivery.lane
            while len(taken) < limit and (envelope := self.mailbox.take(lane, types)) is not None:
                reason = self.unfit(envelope, incarnation)
                if reason is None:
                    taken.append(envelope)
                    slot.append(envelope)
                elif reason:
                    expired.append(envelope)
        self.bury(expired, "expired")
        return taken

    def may_retry(self, envelope: Envelope) -> bool:
        """Whether a message that was in flight at a crash is handled again."""
        return envelope.delivery.idempotent and envelope.promise is None and envelope.attempts < MAX_RETRIES

    def close(self, reason: str) -> None:
        """Nothing is handled here any more: what waits and what comes are dead letters."""
        with self.lock:
            self.closed = reason
            waiting = self.mailbox.drain()
        self.bury(waiting, reason)

    def reopen(self, spec: ChildSpec) -> None:
        """A removed address comes back, maybe with another spec: the refs that are still around are right again."""
        with self.lock:
            self.spec = spec
            self.status = Status.DOWN
            self.mailbox.limit = spec.mailbox_limit
            self.holds = frozenset()
            self.closed = None

    def hand_over_counts(self) -> tuple[int, int, int]:
        """Told, handled and dead-lettered so far; counting starts over."""
        with self.lock:
            counts = self.told, self.handled, self.dead_lettered
            self.told = self.handled = self.dead_lettered = 0
        return counts

    def kill(self) -> None:
        """The process died at this instant: nothing is delivered or told any more."""
        with self.lock:
            self.void = True
            incarnation, self.incarnation = self.incarnation, None
            if incarnation is not None:
                for envelope in incarnation.slot or ():
                    self.mailbox.put_back(envelope)  # it still counts as queued
                incarnation.slot = None
                incarnation.fenced = True
                incarnation.open = False

    def random(self) -> Any:
        """This address's source of randomness; made when first asked for, since few actors do."""
        if self._random is None:
            self._random = self.home.runtime.random_for(self.path)
        return self._random

    def _merged(self, envelope: Envelope) -> bool:
        conflation = envelope.delivery.conflation
        assert conflation is not None  # noqa: S101 - the caller asked
        try:
            envelope.key = (type(envelope.message), conflation.key(envelope.message))
            for _ in range(MERGE_ATTEMPTS):
                with self.lock:
                    waiting = None if self.void or self.closed else self.mailbox.waiting(envelope.key)
                    if waiting is None:
                        return False
                    before = waiting.message
                merged = conflation.merge(before, envelope.message)
                with self.lock:
                    if self.mailbox.waiting(envelope.key) is waiting and waiting.message is before:
                        self.told += 1
                        self.mailbox.merge(waiting, merged, 1)
                        return True
        except Exception:  # noqa: BLE001, S110 - a tell never raises; the message then waits by itself
            pass
        envelope.key = None
        return False

    @staticmethod
    def _drop_volatile(incarnation: Incarnation) -> None:
        timers, incarnation.timers = incarnation.timers, None
        for timer in (timers or {}).values():
            timer.cancel()
        deferred, incarnation.deferred = incarnation.deferred, None
        for promise in tuple(deferred or ()):
            promise.fail(ActorUnavailable(f"{incarnation.cell.path} ended before it answered"))
        for handle in (incarnation.watched_start, incarnation.giving_up):
            if handle is not None:
                handle.cancel()
