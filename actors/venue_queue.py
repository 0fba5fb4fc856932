"""The queue in front of one venue: what waits, what is under way, and what may be sent next.

A call that does not come back holds its worker no longer than :data:`STUCK_MS`, and what is sent beside it for the same
purpose holds none: others take its place, up to :data:`MAX_UNDER_WAY`, so that what hangs holds up nobody but itself.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Final, assert_never

from actors.rate_budget import RateBudget
from messages.orders import OrderReport, OrderSpec
from messages.positions import IntentOutcomeAnswer, VenueRead
from messages.state import Intent, IntentAction
from messages.values import ClientOrderId, IntentId, OrderKind, OrderPurpose
from messages.venue import AccountReport, AmendOrder, CancelOrder, OrderRejected, PlaceOrder, VenueRequest

WORKERS: Final = 8
RESERVED_FOR_PROTECTION: Final = 2
STUCK_MS: Final = 1_000
MAX_UNDER_WAY: Final = 64
RESERVED_OF_ALL: Final = 16
SETTLED_KEPT: Final = 10_000

PROTECTIVE, REDUCING, ENTRY, POLL = range(4)


@dataclass(slots=True, kw_only=True)
class Job:
    """One intent, or one read, until it is settled. ``placed``: one of its requests was answered by the order."""

    path: str
    priority: int
    intent: Intent | None = None
    read: VenueRead | None = None
    number: int = 0
    sends: int = 0
    first_sent_ms: int | None = None
    outstanding: int = 0
    queued: int = 0
    queries: int = 0
    asking: bool = False
    placed: bool = False
    refusal: OrderRejected | None = None
    given_up: bool = False
    settled: bool = False

    def is_too_late(self, now_ms: int) -> bool:
        """Whether its order must not be sent any more."""
        return self.intent is not None and self.intent.expires_ms is not None and now_ms >= self.intent.expires_ms


@dataclass(slots=True, kw_only=True)
class Call:
    """A request under way.

    Attributes:
        resolves: It asks what became of an order, and is not the order itself.
        beside: Another call of the same job was under way already when it was sent.
    """

    job: Job
    request: VenueRequest
    sent_ms: int
    resolves: bool
    beside: bool


@dataclass(order=True, slots=True)
class Waiting:
    """A request that waits for its turn: by priority, what is sent for the first time before repeats, then in order."""

    priority: int
    beside: bool
    number: int
    job: Job = field(compare=False)
    request: VenueRequest = field(compare=False)
    resolves: bool = field(compare=False)

    @property
    def protects(self) -> bool:
        """Whether a position may have no stop until it is answered; most readings, however urgent, can wait."""
        return self.priority <= PROTECTIVE and (self.job.read is None or self.job.read.protects)


class SettledIntents:
    """What became of the last intents, so that one that is handed out again is told of and not sent again."""

    def __init__(self) -> None:
        self._outcomes: OrderedDict[IntentId, IntentOutcomeAnswer] = OrderedDict()

    def remember(self, intent_id: IntentId, outcome: IntentOutcomeAnswer) -> None:
        """Keep ``outcome``; the oldest are forgotten, and are on record."""
        self._outcomes[intent_id] = outcome
        while len(self._outcomes) > SETTLED_KEPT:
            self._outcomes.popitem(last=False)

    def get(self, intent_id: IntentId) -> IntentOutcomeAnswer | None:
        """The outcome, if it is remembered."""
        return self._outcomes.get(intent_id)

    def __contains__(self, intent_id: object) -> bool:
        return intent_id in self._outcomes


class VenueQueue:
    """Protective requests before those that reduce, these before entries, entries before polls."""

    def __init__(self, *, budget: RateBudget, cost: Callable[[VenueRequest], Mapping[str, int]]) -> None:
        """``cost`` says what a request uses up of the venue's limits, which ``budget`` counts."""
        self._budget = budget
        self._cost = cost
        self._allowed_from_ms = 0
        self.under_way: dict[int, Call] = {}
        self._waiting: list[Waiting] = []
        self._numbers = 0
        self._paused_until_ms = 0

    def add(self, job: Job, request: VenueRequest, *, resolves: bool) -> None:
        """Let ``request`` wait for its turn."""
        self._numbers += 1
        job.queued += 1
        heappush(self._waiting, Waiting(job.priority, job.outstanding > 0, self._numbers, job, request, resolves))

    def pause(self, until_ms: int) -> None:
        """The venue wants to hear nothing before ``until_ms``."""
        self._paused_until_ms = max(self._paused_until_ms, until_ms)

    def next(self, now_ms: int) -> Waiting | None:
        """What is to be sent now, if anything may be; it waits no longer.

        What waits for one of the venue's limits does not hold up what needs others: a stop that only counts as an order
        goes out while a reading waits for its weight. No position is opened while something protective waits; what
        became of an entry is asked all the same, for it is what those that wait may be waiting for.
        """
        passed: list[Waiting] = []
        exhausted: dict[bool, set[str]] = {True: set(), False: set()}
        self._allowed_from_ms = 0
        try:
            while self._waiting and now_ms >= self._paused_until_ms and self._has_worker(self._waiting[0], now_ms):
                head = heappop(self._waiting)
                may_open = head.priority >= ENTRY and not head.resolves
                if head.job.settled or (head.job.given_up and not head.resolves):
                    head.job.queued -= 1
                elif may_open and any(each.protects for each in passed):
                    passed.append(head)
                elif self._is_allowed(head, exhausted, now_ms):
                    head.job.queued -= 1
                    self._budget.spend(self._cost(head.request), now_ms=now_ms)
                    return head
                else:
                    passed.append(head)
        finally:
            for each in passed:
                heappush(self._waiting, each)
        return None

    def _is_allowed(self, head: Waiting, exhausted: Mapping[bool, set[str]], now_ms: int) -> bool:
        """Whether the venue's limits leave room for it; what it is short of is ``exhausted`` for those behind it.

        What is kept for protection is for orders, questions about them and cancels. Readings, however urgent, do
        without; but for those on which it depends whether a position has a stop.
        """
        protective = head.protects or isinstance(head.request, CancelOrder)
        short = False
        for name, units in self._cost(head.request).items():
            wait_ms = self._budget.wait_ms({name: units}, protective=protective, now_ms=now_ms)
            if wait_ms > 0:
                exhausted[False].add(name)
                if protective:
                    exhausted[True].add(name)
                due_ms = now_ms + wait_ms
                self._allowed_from_ms = min(self._allowed_from_ms or due_ms, due_ms)
            short = short or (units > 0 and name in exhausted[protective])
        return not short

    def may_still_place(self, order_id: ClientOrderId) -> bool:
        """Whether requests to place an order are under way, besides the one that it came from."""
        placing = [
            call
            for call in self.under_way.values()
            if isinstance(call.request, PlaceOrder) and call.request.order.client_order_id == order_id
        ]
        # One of them is what the order came from, unless another one was answered by it.
        return len(placing) > (0 if any(call.job.placed for call in placing) else 1)

    def may_still_reduce(self, entry: Intent) -> bool:
        """Whether a repeated close of an earlier position may still arrive, and would close some of the new one."""
        return entry.order.purpose is OrderPurpose.ENTRY and any(
            isinstance(call.request, PlaceOrder)
            and call.request.order.reduce_only
            and call.job.intent is not None
            and call.job.intent.key == entry.key
            and call.job.intent.position_id != entry.position_id
            for call in self.under_way.values()
        )

    def look_again_ms(self, now_ms: int) -> int | None:
        """When something that waits now may go although nothing came back; ``None`` when an answer will tell."""
        if not self._waiting:
            return None
        held_until_ms = max(self._paused_until_ms, self._allowed_from_ms)
        if now_ms < held_until_ms:
            return held_until_ms
        stuck_at = [due for call in self.under_way.values() if (due := call.sent_ms + STUCK_MS) > now_ms]
        return min(stuck_at, default=None)

    def _has_worker(self, head: Waiting, now_ms: int) -> bool:
        protective = head.priority <= PROTECTIVE
        if len(self.under_way) >= MAX_UNDER_WAY - (0 if protective else RESERVED_OF_ALL):
            return False
        if head.beside:
            return True
        moving = sum(not call.beside and call.sent_ms + STUCK_MS > now_ms for call in self.under_way.values())
        return moving < WORKERS - (0 if protective else RESERVED_FOR_PROTECTION)


def intent_of(job: Job) -> Intent:
    """What ``job`` is to bring about.

    Raises:
        TypeError: It is a read.
    """
    if job.intent is None:
        raise TypeError("a read has no intent")
    return job.intent


def priority_of(intent: Intent) -> int:
    """How urgent ``intent`` is."""
    if intent.protective:
        return PROTECTIVE
    return REDUCING if intent.order.reduce_only else ENTRY


def request_of(intent: Intent) -> PlaceOrder | AmendOrder | CancelOrder:
    """``intent`` as a request to the venue."""
    match intent.action:
        case IntentAction.PLACE:
            return PlaceOrder(order=intent.order)
        case IntentAction.AMEND:
            return AmendOrder(order=intent.order)
        case IntentAction.CANCEL:
            return CancelOrder(order=intent.order)
        case _:
            assert_never(intent.action)


def overtakes(later: Intent, earlier: Intent) -> bool:
    """Whether to repeat ``earlier`` might undo ``later``: both are about the same order."""
    same = later.order.client_order_id == earlier.order.client_order_id
    return same and earlier.action is not IntentAction.CANCEL


def stop_among(account: AccountReport, order: OrderSpec) -> OrderReport | None:
    """The stop of the position that ``order`` belongs to; one with a size is another one than the position's own."""
    for report in account.orders:
        same_place = (report.symbol, report.side, report.hedge_side) == (order.symbol, order.side, order.hedge_side)
        same_size = (report.quantity is None) is (order.quantity is None)
        if report.kind is order.kind and same_place and same_size:
            return report
    return None


def may_run_twice(intent: Intent) -> bool:
    """An order that fills at once frees its id at once, where ids are unique among open orders only; closing may."""
    return intent.order.kind is OrderKind.MARKET and intent.order.purpose is not OrderPurpose.CLOSE
