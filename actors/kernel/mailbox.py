"""The waiting messages of one address, in lanes. Not thread-safe by itself: its cell holds the lock."""

from collections import deque
from collections.abc import Hashable, Iterator
from typing import Any, Protocol

from messages.delivery import Delivery, Lane

PATIENCE = 16
"""A lane that waits is passed over at most this many times in a row."""

LANES = len(Lane)


class Addressed(Protocol):
    """Whatever has a path."""

    path: str


class Answerable(Protocol):
    """The asker's end of an ask, as the mailbox and the cell see it."""

    deadline_s: float

    def send(self, value: object) -> bool:
        """Answer; False when it was answered before."""
        ...

    def fail(self, error: BaseException) -> bool:
        """Answer with an error; False when it was answered before."""
        ...


class Stamp(Protocol):
    """The timer that a message came from."""

    def withdrawn(self, epoch: int) -> bool:
        """Whether the timer was cancelled, or belongs to another epoch."""
        ...

    def settled(self) -> None:
        """The message was handled or dropped."""
        ...


class Envelope:
    """A message on its way: who told it, when, how often it was tried, how many tells it stands for."""

    __slots__ = ("attempts", "delivery", "key", "message", "promise", "sender", "timer", "told_at", "weight")

    def __init__(
        self,
        message: Any,
        delivery: Delivery,
        sender: Addressed | None,
        told_at: float,
        promise: Answerable | None,
        timer: Stamp | None,
    ) -> None:
        self.message = message
        self.delivery = delivery
        self.sender = sender
        self.told_at = told_at
        self.promise = promise
        self.timer = timer
        self.weight = 1
        self.attempts = 0
        self.key: Hashable | None = None


class Mailbox:
    """Lanes served in order, first in first out within one, none of them starved.

    Invariants:
        1. ``depth`` is the number of waiting envelopes, ``weight`` the number of tells they stand for.
        2. At most one waiting envelope has a given conflation key.
        3. ``depth`` exceeds ``limit`` only by what was put back after a crash.
    """

    __slots__ = ("_conflated", "_lanes", "_passed_over", "depth", "limit", "weight")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.depth = 0
        self.weight = 0
        self._lanes: list[deque[Envelope] | None] = [None] * LANES
        self._passed_over = [0] * LANES
        self._conflated: dict[Hashable, Envelope] | None = None

    def put(self, envelope: Envelope) -> Envelope | None:
        """Add at the end of its lane; gives back what had to make room, if anything (maybe the envelope itself)."""
        lane = envelope.delivery.lane
        spilled: Envelope | None = None
        if self.depth >= self.limit:
            spilled = self._make_room(lane)
            if spilled is None:
                return envelope  # everything that waits is more urgent
        queue = self._lanes[lane]
        if queue is None:
            queue = self._lanes[lane] = deque()
        queue.append(envelope)
        self.depth += 1
        self.weight += envelope.weight
        if envelope.key is not None:
            if self._conflated is None:
                self._conflated = {}
            self._conflated[envelope.key] = envelope
        return spilled

    def put_back(self, envelope: Envelope) -> None:
        """Return an envelope that was in flight to the front of its lane, where it came from."""
        lane = envelope.delivery.lane
        queue = self._lanes[lane]
        if queue is None:
            queue = self._lanes[lane] = deque()
        envelope.key = None
        queue.appendleft(envelope)
        self.depth += 1
        self.weight += envelope.weight

    def pop(self) -> Envelope | None:
        """The next envelope: of the highest lane that waits, or of a lower one that was passed over too often."""
        for queue in self._lanes:
            if queue:
                if len(queue) != self.depth:
                    queue = self._fair_choice()  # noqa: PLW2901 - the loop ends here
                envelope = queue.popleft()
                self.depth -= 1
                self.weight -= envelope.weight
                if envelope.key is not None:
                    self._forget(envelope)
                return envelope
        return None

    def take(self, lane: Lane, types: tuple[type, ...]) -> Envelope | None:
        """The front of ``lane``, if it is a tell of one of ``types``."""
        queue = self._lanes[lane]
        if not queue:
            return None
        envelope = queue[0]
        if envelope.promise is not None or not isinstance(envelope.message, types):
            return None
        queue.popleft()
        self.depth -= 1
        self.weight -= envelope.weight
        if envelope.key is not None:
            self._forget(envelope)
        return envelope

    def waiting(self, key: Hashable) -> Envelope | None:
        """The waiting envelope with this conflation key."""
        return self._conflated.get(key) if self._conflated else None

    def merge(self, envelope: Envelope, message: object, weight: int) -> None:
        """Let a waiting envelope stand for further tells."""
        envelope.message = message
        envelope.weight += weight
        self.weight += weight

    def drain(self) -> list[Envelope]:
        """Take everything out, highest lane first."""
        everything = list(self)
        self._lanes = [None] * LANES
        self._conflated = None
        self.depth = self.weight = 0
        return everything

    def depths(self) -> dict[Lane, int]:
        """How many envelopes wait in each lane."""
        return {lane: len(self._lanes[lane] or ()) for lane in Lane}

    def __iter__(self) -> Iterator[Envelope]:
        for queue in self._lanes:
            yield from tuple(queue or ())

    def _fair_choice(self) -> deque[Envelope]:
        chosen: int | None = None
        for lane, queue in enumerate(self._lanes):
            if not queue:
                continue
            if chosen is None:
                chosen = lane
            elif self._passed_over[lane] >= PATIENCE:
                chosen = lane
                break
        assert chosen is not None  # noqa: S101 - called only while something waits
        for lane, queue in enumerate(self._lanes):
            if queue and lane > chosen:
                self._passed_over[lane] += 1
        self._passed_over[chosen] = 0
        queue = self._lanes[chosen]
        assert queue is not None  # noqa: S101 - chosen above because it is not empty
        return queue

    def _make_room(self, lane: Lane) -> Envelope | None:
        for other in range(LANES - 1, lane - 1, -1):
            queue = self._lanes[other]
            if queue:
                envelope = queue.popleft()
                self.depth -= 1
                self.weight -= envelope.weight
                if envelope.key is not None:
                    self._forget(envelope)
                return envelope
        return None

    def _forget(self, envelope: Envelope) -> None:
        if self._conflated is not None and self._conflated.get(envelope.key) is envelope:
            del self._conflated[envelope.key]
        envelope.key = None
