"""What a fuzz run knows: every message told, every life begun, every law broken.

The laws, by the names under which they are reported:
    conservation   told = handled + dead-lettered + queued, at any checkpoint; nothing is queued when all is healed
    asks           every ask is answered, with the right answer or an error
    once           a message is handled once; an idempotent one at most 1 + MAX_RETRIES times, and completed once
    fifo           one life's messages to one address in one lane are handled in the order they were told
    patience       a waiting message is passed over only so often
    epochs         an address's epochs grow, and the last incarnation was fenced before the next begins
    states         nothing is delivered before on_start, after on_stop, while suspended, or to a fenced incarnation
    stale          what a fenced incarnation tells is never handled
    timers         a timer's message comes only to the epoch that set it, and not after it was cancelled
    elders         in an ordered group nobody starts over while a younger sibling is still up, and the younger follow
    watches        who watches is told of every end
    stuck          when the faults are over, everything comes up and no plan is left
    shutdown       an orderly shutdown stops everything
"""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from actors.kernel.cell import MAX_RETRIES, Cell, Incarnation
from actors.kernel.faults import ProcessKilled
from actors.kernel.mailbox import LANES, PATIENCE
from actors.kernel.system import ActorSystem
from messages.delivery import Lane

ROOMY = 100
"""A mailbox of less may drop anything, a Terminated too."""


class LawBrokenError(ProcessKilled):
    """A law of the kernel did not hold. It ends the story, so it passes through actors and kernel alike.

    Attributes:
        law: Its name.
        detail: What was seen.
    """

    def __init__(self, law: str, detail: str) -> None:
        super().__init__(f"{law}: {detail}")
        self.law = law
        self.detail = detail


@dataclass(slots=True)
class Told:
    """One message as the world knows it."""

    life: tuple[str, int]
    order: int
    path: str
    lane: int
    idempotent: bool
    merges: bool
    stale: bool
    ahead: int
    deliveries: int
    starts: int = 0
    done: int = 0
    batch: tuple[int, int] = (0, 0)


@dataclass(slots=True)
class Life:
    """One incarnation as the world knows it; ``began`` and ``crashed`` are event numbers."""

    incarnation: Incarnation
    began: int
    started: bool = False
    stopped: bool = False
    crashed: int | None = None


@dataclass(slots=True)
class Watching:
    """A watch that one life placed, and the ends it heard of."""

    watcher: Life
    target: str
    since: int
    heard: set[int] = field(default_factory=set)


class World:
    """Shared by all actors of one run; ``fury`` scales how much goes wrong."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(f"fuzz/{seed}")  # noqa: S311 - replayable on purpose
        self.fury = 1.0
        self.system: ActorSystem | None = None
        self.told: list[Told] = []
        self.lives: dict[str, dict[int, Life]] = defaultdict(dict)
        self.watches: list[Watching] = []
        self.removed: set[str] = set()
        self.crash_points = 0
        self.stops: list[str] = []
        self.elders: dict[str, list[str]] = {}
        self._orders: dict[tuple[tuple[str, int], str, int], int] = defaultdict(int)
        self._last: dict[tuple[tuple[str, int], str, int], Told] = {}
        self._deliveries: dict[str, int] = defaultdict(int)
        self._events = 0

    def tick(self) -> int:
        """The next event number."""
        self._events += 1
        return self._events

    def note_told(self, life: tuple[str, int], target: Cell, lane: int, *, idempotent: bool, merges: bool) -> int:
        """Number a message that is about to be told."""
        teller = self.lives[life[0]].get(life[1]) if life[0] in self.lives else None
        key = (life, target.path, lane)
        self._orders[key] += 1
        self.told.append(
            Told(
                life=life,
                order=self._orders[key],
                path=target.path,
                lane=lane,
                idempotent=idempotent,
                merges=merges,
                stale=teller is not None and teller.incarnation.fenced,
                ahead=_ahead(target, lane),
                deliveries=self._deliveries[target.path],
            )
        )
        return len(self.told) - 1

    def note_life(self, path: str, incarnation: Incarnation) -> Life:
        """An incarnation begins (``on_start`` was called)."""
        lives = self.lives[path]
        if lives:
            last_epoch = max(lives)
            if incarnation.epoch <= last_epoch:
                raise LawBrokenError("epochs", f"{path} begins epoch {incarnation.epoch} after {last_epoch}")
            if not lives[last_epoch].incarnation.fenced:
                raise LawBrokenError("epochs", f"{path} begins epoch {incarnation.epoch}, {last_epoch} is not fenced")
            if lives[last_epoch].crashed is not None:
                self._check_elders(path)
        life = Life(incarnation=incarnation, began=self.tick())
        lives[incarnation.epoch] = life
        return life

    def note_delivery(self, path: str, life: Life) -> None:
        """A message is delivered to ``life``."""
        self._deliveries[path] += 1
        incarnation = life.incarnation
        if incarnation.fenced or not life.started or life.stopped or incarnation.cell.incarnation is not incarnation:
            raise LawBrokenError("states", f"{path} epoch {incarnation.epoch} gets a message: {life}")
        if incarnation.cell.holds:
            raise LawBrokenError("states", f"{path} gets a message while held: {set(incarnation.cell.holds)}")

    def note_start(self, number: int, life: Life) -> Told:
        """A numbered message begins to be handled by ``life``."""
        incarnation = life.incarnation
        path = incarnation.cell.path
        told = self.told[number]
        if told.path != path:
            raise LawBrokenError("once", f"message {number} for {told.path} came to {path}")
        if told.stale:
            raise LawBrokenError("stale", f"message {number} of fenced {told.life} came to {path}")
        retried = told.starts > 0
        told.starts += 1
        if told.done:
            raise LawBrokenError("once", f"message {number} was completed before")
        if retried and not told.idempotent:
            raise LawBrokenError("once", f"message {number} is not idempotent and came {told.starts} times")
        if told.starts > 1 + MAX_RETRIES:
            raise LawBrokenError("once", f"message {number} came {told.starts} times")
        if not told.merges:
            self._check_order(number, told, retried=retried)
        told.batch = (incarnation.epoch, incarnation.flight)
        return told

    def note_crash(self, life: Life) -> None:
        """An actor is about to raise."""
        self.crash_points += 1
        life.crashed = self.tick()

    def check_conservation(self) -> None:
        """Every address, and the whole."""
        system = self._system()
        for path in system.paths():
            counted = system.conservation(path)
            if not counted.holds:
                raise LawBrokenError("conservation", f"{path}: {counted}")
        total = system.conservation()
        if not total.holds:
            raise LawBrokenError("conservation", f"all: {total}")

    def check_watches(self) -> None:
        """Every watcher that still lives heard of every crash of a life that began after it watched."""
        for watching in self.watches:
            watcher = watching.watcher.incarnation
            small = watcher.cell.mailbox.limit < ROOMY
            if watcher.fenced or not watcher.open or small or watching.target in self.removed:
                continue
            for epoch, life in self.lives[watching.target].items():
                if life.crashed is None or life.began < watching.since or epoch in watching.heard:
                    continue
                if life.incarnation.fenced:
                    raise LawBrokenError(
                        "watches", f"{watcher.cell.path} did not hear that {watching.target} epoch {epoch} ended"
                    )

    def check_younger_followed(self) -> None:
        """In ordered groups the current life of a younger sibling began after the last crash of an elder."""
        for younger, elders in self.elders.items():
            mine = self._current(younger)
            if mine is None:
                continue
            for elder in elders:
                theirs = self._current(elder)
                crashes = [life.crashed for life in self.lives[elder].values() if life.crashed is not None]
                if theirs is not None and crashes and theirs.began > max(crashes) > mine.began:
                    raise LawBrokenError("elders", f"{younger} was not restarted after {elder} crashed")

    def _check_order(self, number: int, told: Told, *, retried: bool) -> None:
        key = (told.life, told.path, told.lane)
        last = self._last.get(key)
        if last is not None and told.order < last.order:
            taken_together = retried and last.batch == told.batch  # both crashed, and come again one after the other
            if not taken_together:
                raise LawBrokenError(
                    "fifo", f"message {number}, the {told.order}th of {key}, came after the {last.order}th"
                )
        self._last[key] = told
        waited = self._deliveries[told.path] - told.deliveries
        bound = (told.ahead + 1) * (PATIENCE + LANES)
        if told.lane == Lane.BULK and waited > bound:  # nothing in this lane is retried, so the bound is exact
            raise LawBrokenError("patience", f"message {number} was passed over {waited} times, allowed are {bound}")

    def _check_elders(self, path: str) -> None:
        for younger, elders in self.elders.items():
            if path not in elders:
                continue
            life = self._current(younger)
            if life is not None and life.incarnation.ready and not life.stopped:
                raise LawBrokenError("elders", f"{path} starts over while {younger} is still up")

    def _current(self, path: str) -> Life | None:
        lives = self.lives.get(path)
        if not lives:
            return None
        life = lives[max(lives)]
        return None if life.incarnation.fenced else life

    def _system(self) -> ActorSystem:
        assert self.system is not None  # noqa: S101 - set before anything is checked
        return self.system


def _ahead(target: Cell, lane: int) -> int:
    incarnation = target.incarnation
    in_flight = incarnation.slot if incarnation is not None else None
    return target.mailbox.depths()[Lane(lane)] + len(in_flight or ())


def incarnation_of(actor: Any) -> Incarnation:
    """The kernel's own record behind an actor's context."""
    incarnation: Incarnation = actor.context._incarnation  # noqa: SLF001 - the fuzz looks behind the curtain
    return incarnation
