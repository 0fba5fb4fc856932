"""Everything that is sent to one venue.

**Owns** the venue's calls, their order of priority and their budget, and each intent from the moment it is durable
until what came of it is known.
**Accepts** ExecuteIntents, Committed and CommitRefused (from the journal), ResolveIntents (from positions that come
back), VenueRead, and its own CallAnswered and timers.
**Sends** IntentSettled and late OrderUpdated to positions, VenueReadDone to whoever asked, Decision (the audit log) to
the journal.
**On crash** what was under way is forgotten; the positions, which watch this actor, ask for their open intents to be
resolved, and each is looked for at the venue by its id before anything is sent again.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias, assert_never

from actors.addresses import Directory
from actors.kernel import Actor, Ref
from actors.lease import Lease
from actors.order_audit import OrderAudit
from actors.order_verdict import Next, Verdict, may_still_arrive, verdict_of_answer, verdict_of_search
from actors.ports import VenueCalls
from actors.rate_budget import RateBudget
from actors.venue_queue import (
    ENTRY,
    POLL,
    PROTECTIVE,
    Call,
    Job,
    SettledIntents,
    VenueQueue,
    Waiting,
    intent_of,
    overtakes,
    priority_of,
    request_of,
)
from messages.journal import CommitRefused, Committed
from messages.positions import (
    ExecuteIntents,
    IntentOutcomeAnswer,
    IntentSettled,
    NeverSent,
    OrderUpdated,
    ResolveIntents,
    Settle,
    VenueRead,
    VenueReadDone,
)
from messages.state import Intent, IntentAction
from messages.supervision import CallAnswered, Due
from messages.values import IntentId, OrderPurpose
from messages.venue import (
    AmendOrder,
    CancelOrder,
    FetchAccount,
    FetchFills,
    FetchServerTime,
    OrderAccepted,
    OrderRejected,
    OutcomeUnknown,
    PlaceOrder,
    QueryOrder,
    ReadRequest,
    RejectReason,
    SetLeverage,
    VenueAnswer,
)

REQUEST_TIMEOUT_S: Final = 10.0
MAX_SENDS: Final = 4
HEDGE_FLOOR_S: Final = 0.15
HEDGE_CAP_S: Final = 1.0
HEDGE_ROUND_TRIPS: Final = 4
HOLD_MS: Final = 4_000
ENTRY_HOLD_MS: Final = 10_000
"""How long a cancel, or an entry, waits for repeated requests that may still arrive."""
QUERY_TIMEOUT_S: Final = 2.0
"""A question about an order costs nothing to repeat."""
HOLD_STEP_S: Final = 0.1
MAX_ASKED_AT_ONCE: Final = 2
SLOW_S: Final = 1.0
"""A request without an answer for this long is asked about, or asked again, beside the first one."""
CLOCKS_APART_MS: Final = 60_000
"""How much earlier than our own clock said the venue may have stamped a fill: far more than opening is allowed with."""
CHANGES: Final = (PlaceOrder, AmendOrder, CancelOrder, SetLeverage)
CALLS_AN_EPOCH: Final = 10**9
RETRYABLE: Final = frozenset({RejectReason.RATE_LIMITED, RejectReason.CLOCK})

ExecutionMessage: TypeAlias = (
    ExecuteIntents | ResolveIntents | VenueRead | CallAnswered | Committed | CommitRefused | Due | Settle
)


class ExecutionActor(Actor):
    """The queue in front of one venue, and the judge of what became of each order."""

    def __init__(self, *, calls: VenueCalls, journal: Ref, directory: Directory, owner_epoch: int) -> None:
        super().__init__()
        self._calls = calls
        self._directory = directory
        self._jobs: dict[IntentId, Job] = {}
        self._settled = SettledIntents()
        self._queue = VenueQueue(budget=RateBudget(calls.windows, told=calls.used), cost=calls.cost)
        self._numbers = 0
        self._reads: dict[int, Job] = {}
        self._round_trip_s = HEDGE_FLOOR_S / HEDGE_ROUND_TRIPS
        self._audit = OrderAudit(venue=calls.venue, journal=journal, directory=directory, owner_epoch=owner_epoch)
        self._lease = Lease(journal=journal, owner_epoch=owner_epoch)
        self._held_back: list[Waiting] = []

    def describe(self) -> Mapping[str, object]:
        """The orders of which it is not known yet what became of them, and how many calls are under way."""
        return {
            "orders": [
                {"intent": name, "sends": job.sends, "asking": job.asking, "given_up": job.given_up}
                for name, job in self._jobs.items()
            ],
            "reads": len(self._reads),
            "held_back": len(self._held_back),
            "round_trip_s": round(self._round_trip_s, 3),
        }

    def on_receive(self, message: ExecutionMessage) -> object:
        match message:
            case ExecuteIntents(committed_ms=committed_ms):
                self._lease.confirm(committed_ms)
                for intent in message.intents:
                    self._execute(intent, message.path)
            case ResolveIntents():
                for intent in message.intents:
                    self._resolve_restored(intent, message.path)
            case VenueRead():
                self._read(message)
            case CallAnswered():
                self._answered(message)
            case Due(what=what):
                self._due(what)
            case Committed() | CommitRefused():
                if self._lease.answered(self.context, granted=isinstance(message, Committed)):
                    self._send_held_back()
                elif self._held_back:
                    self._lease.ask(self.context)
            case Settle():
                return sum(not job.given_up for job in self._jobs.values())
            case _:
                assert_never(message)
        self._send_what_fits()
        return None

    # --- intents ------------------------------------------------------------------------------------------------------

    def _execute(self, intent: Intent, path: str) -> None:
        if intent.intent_id in self._jobs or intent.intent_id in self._settled:
            return
        self._send_order(self._job(intent, path))

    def _resolve_restored(self, intent: Intent, path: str) -> None:
        """An intent of before a restart: sent perhaps, or under way, or told of while whoever asks had forgotten it."""
        settled = self._settled.get(intent.intent_id)
        if settled is not None:
            self._tell(path, IntentSettled(intent=intent, outcome=settled))
        elif intent.intent_id not in self._jobs:
            job = self._job(intent, path)
            job.sends = 1
            job.first_sent_ms = intent.created_ms
            self._ask_for(job)

    def _job(self, intent: Intent, path: str) -> Job:
        job = Job(path=path, priority=priority_of(intent), intent=intent)
        self._jobs[intent.intent_id] = job
        return job

    def _send_order(self, job: Job) -> None:
        intent = intent_of(job)
        if self._must_wait(intent):
            self.context.schedule_once(("hold", intent.intent_id), HOLD_STEP_S, Due(what=f"hold {intent.intent_id}"))
            return
        self._stop_repeating(intent)
        job.sends += 1
        self._queue.add(job, request_of(intent), resolves=False)
        if intent.protective:
            self._hedge_later(job)
        else:
            self.context.schedule_once(("ask", intent.intent_id), SLOW_S, Due(what=f"ask {intent.intent_id}"))

    def _must_wait(self, intent: Intent) -> bool:
        """Where ids are unique among open orders only, a request that was repeated may still arrive and be taken."""
        waited_ms = self.context.now_ms() - intent.created_ms
        if intent.action is IntentAction.CANCEL:
            return waited_ms < HOLD_MS and self._queue.may_still_place(intent.order.client_order_id)
        return waited_ms < ENTRY_HOLD_MS and self._queue.may_still_reduce(intent)

    def _stop_repeating(self, intent: Intent) -> None:
        """What a later request for the same order overtakes is not sent again, though its answer has not come yet.

        A move would take the order back to where it was, and a placing would bring back what is being cancelled.
        """
        for earlier in tuple(self._jobs.values()):
            if earlier.intent is intent:
                return
            if earlier.intent is not None and not earlier.given_up and overtakes(intent, earlier.intent):
                earlier.given_up = True
                self._ask_later(earlier)

    def _hedge_later(self, job: Job) -> None:
        intent = intent_of(job)
        delay_s = min(max(self._round_trip_s * HEDGE_ROUND_TRIPS, HEDGE_FLOOR_S), HEDGE_CAP_S)
        self.context.schedule_once(("hedge", intent.intent_id), delay_s, Due(what=f"hedge {intent.intent_id}"))

    def _ask_for(self, job: Job) -> None:
        """Look the order up by its client order id, unless that is under way."""
        if job.asking or job.settled:
            return
        intent = intent_of(job)
        job.asking = True
        job.queries += 1
        order = intent.order
        if self._is_anonymous(intent):
            self._queue.add(job, FetchAccount(symbol=order.symbol), resolves=True)
            return
        request = QueryOrder(
            symbol=order.symbol,
            client_order_id=order.client_order_id,
            kind=order.kind,
            venue_order_id=order.venue_order_id,
        )
        self._queue.add(job, request, resolves=True)

    def _is_anonymous(self, intent: Intent) -> bool:
        """A stop that carries no id of ours is known by what it is: the one stop of its position (Bybit)."""
        return intent.order.purpose is OrderPurpose.STOP and not self._calls.capabilities.stop_client_order_id

    # --- calls --------------------------------------------------------------------------------------------------------

    def _send_what_fits(self) -> None:
        now_ms = self.context.now_ms()
        while (waiting := self._queue.next(now_ms)) is not None:
            if isinstance(waiting.request, CHANGES) and not self._lease.holds(now_ms):
                self._held_back.append(waiting)
                waiting.job.queued += 1
                self._lease.ask(self.context)
            else:
                self._send(waiting)
        look_again_ms = self._queue.look_again_ms(now_ms)
        if look_again_ms is not None:
            self.context.schedule_once("queue", (look_again_ms - now_ms) / 1_000, Due(what="queue"))

    def _send_held_back(self, *, only_protective: bool = False) -> None:
        """The journal gave its word, or could not in time; without the word only what protects goes out."""
        if self._lease.lost:
            return
        held_back, self._held_back = self._held_back, []
        for waiting in held_back:
            if only_protective and waiting.priority > PROTECTIVE:
                self._held_back.append(waiting)
                continue
            waiting.job.queued -= 1
            if not waiting.job.settled and not waiting.job.given_up:
                self._send(waiting)
        if self._held_back:
            self._lease.ask(self.context)

    def _send(self, waiting: Waiting) -> None:
        job = waiting.job
        self.context.check_epoch()
        if job.first_sent_ms is None and not waiting.resolves and job.is_too_late(self.context.now_ms()):
            self._settle(job, NeverSent(text="it was too late to send it"))
            return
        self._numbers += 1
        # Unique across incarnations: an answer to a call of a predecessor must not be taken for one of ours.
        call_id = self.context.epoch * CALLS_AN_EPOCH + self._numbers
        now_ms = self.context.now_ms()
        self._queue.under_way[call_id] = Call(
            job=job,
            request=waiting.request,
            sent_ms=now_ms,
            resolves=waiting.resolves,
            beside=job.outstanding > 0,
        )
        job.outstanding += 1
        if job.first_sent_ms is None and not waiting.resolves:
            job.first_sent_ms = now_ms
        me = self.context.self_ref
        self._calls.send(
            waiting.request,
            timeout_s=QUERY_TIMEOUT_S if waiting.resolves else REQUEST_TIMEOUT_S,
            done=lambda answer: me.tell(CallAnswered(call_id=call_id, answer=answer)),
        )

    def _answered(self, message: CallAnswered) -> None:
        call = self._queue.under_way.pop(message.call_id, None)
        if call is None:
            return
        job, answer = call.job, message.answer
        job.outstanding -= 1
        now_ms = self.context.now_ms()
        if not isinstance(answer, OutcomeUnknown):
            self._round_trip_s += ((now_ms - call.sent_ms) / 1_000 - self._round_trip_s) / 8
        if job.read is not None:
            self._read_answered(job, call, answer)
            return
        self._audit.record(self.context, call, answer)
        job.placed = job.placed or (isinstance(call.request, PlaceOrder) and isinstance(answer, OrderAccepted))
        if call.resolves:
            job.asking = False
        if job.settled:
            self._late(job, call, answer)
        elif isinstance(answer, OrderRejected) and answer.reason in RETRYABLE:
            self._pause(answer)
            self._queue.add(job, call.request, resolves=call.resolves)
            job.asking = job.asking or call.resolves
            if not call.resolves and job.sends == 1 and job.outstanding == 0:
                # It certainly never counted: an entry that has become old meanwhile is not sent again.
                job.first_sent_ms = None
        elif call.resolves:
            anonymous = self._is_anonymous(intent_of(job))
            self._conclude(job, verdict_of_search(job, answer, anonymous=anonymous, now_ms=now_ms))
        else:
            self._conclude(job, verdict_of_answer(job, answer))

    def _pause(self, answer: OrderRejected) -> None:
        wait_ms = int(1_000 * (answer.retry_after_s if answer.retry_after_s is not None else 1.0))
        self._queue.pause(self.context.now_ms() + max(wait_ms, 1))
        if answer.reason is RejectReason.CLOCK:
            # The adapter takes the venue's clock from the answer, which is asked for by nobody else.
            self._read(VenueRead(path="", request=FetchServerTime(), urgent=True))

    def _read(self, read: VenueRead) -> None:
        self._numbers += 1
        urgent = ENTRY if isinstance(read.request, SetLeverage) else PROTECTIVE
        priority = urgent if read.urgent else POLL
        job = Job(path=read.path, priority=priority, read=read, number=self._numbers)
        self._reads[self._numbers] = job
        self._queue.add(job, read.request, resolves=False)
        if read.urgent:
            what = f"read {self._numbers}"
            self.context.schedule_once(what, SLOW_S, Due(what=what))

    def _read_is_slow(self, number: int) -> None:
        """An urgent question without an answer is asked again beside the first time; the first answer counts."""
        job = self._reads.get(number)
        if job is None or job.read is None:
            return
        if not job.queued and job.outstanding < MAX_ASKED_AT_ONCE:
            self._queue.add(job, job.read.request, resolves=False)
        what = f"read {number}"
        self.context.schedule_once(what, SLOW_S, Due(what=what))

    def _read_answered(self, job: Job, call: Call, answer: VenueAnswer) -> None:
        if job.settled or (isinstance(answer, OutcomeUnknown) and job.outstanding + job.queued > 0):
            return
        if isinstance(answer, OrderRejected) and answer.reason in RETRYABLE:
            self._pause(answer)
            self._queue.add(job, call.request, resolves=False)
            return
        if isinstance(call.request, SetLeverage):
            self._audit.record(self.context, call, answer)
        job.settled = True
        self._reads.pop(job.number, None)
        request: ReadRequest | SetLeverage = job.read.request if job.read is not None else FetchAccount()
        self._tell(job.path, VenueReadDone(request=request, answer=answer, asked_ms=call.sent_ms))

    def _conclude(self, job: Job, verdict: Verdict) -> None:
        match verdict:
            case Next.ASK:
                self._ask_for(job)
            case Next.ASK_LATER:
                self._ask_later(job)
            case Next.ASK_ACCOUNT:
                job.asking = True
                self._queue.add(job, FetchAccount(symbol=intent_of(job).order.symbol), resolves=True)
            case Next.ASK_FILLS:
                job.asking = True
                since_ms = (job.first_sent_ms or intent_of(job).created_ms) - CLOCKS_APART_MS
                request = FetchFills(symbol=intent_of(job).order.symbol, since_ms=since_ms)
                self._queue.add(job, request, resolves=True)
            case Next.TRY_AGAIN:
                self._try_again(job)
            case _:
                self._settle(job, verdict)

    def _try_again(self, job: Job) -> None:
        if job.given_up or job.is_too_late(self.context.now_ms()):
            self._ask_while_it_may_arrive(job)
        elif job.sends < MAX_SENDS:
            self._send_order(job)
        elif job.outstanding == 0:
            self._give_up(job, OutcomeUnknown(text=f"no conclusive answer to {job.sends} requests"))

    def _ask_while_it_may_arrive(self, job: Job) -> None:
        if may_still_arrive(job, self.context.now_ms()) or job.outstanding > 0:
            self._ask_later(job)
        else:
            self._settle(job, job.refusal or NeverSent(text="the venue shows no trace of it"))

    def _give_up(self, job: Job, outcome: OutcomeUnknown) -> None:
        """The position must go on without it now; what became of it is asked for until it is known."""
        intent = intent_of(job)
        job.given_up = True
        self.context.cancel(("hedge", intent.intent_id))
        self._tell(job.path, IntentSettled(intent=intent, outcome=outcome))
        self._ask_later(job)

    def _ask_later(self, job: Job) -> None:
        intent = intent_of(job)
        delay_s = min(0.25 * 2 ** min(job.queries, 4), 1.0 if intent.protective else 4.0)
        self.context.schedule_once(("ask", intent.intent_id), delay_s, Due(what=f"ask {intent.intent_id}"))

    def _due(self, what: str) -> None:
        verb, _, intent_id = what.partition(" ")
        if verb == "lease":
            if self._lease.unanswered(self.context):
                self._send_held_back(only_protective=True)
            return
        if verb == "read":
            self._read_is_slow(int(intent_id))
            return
        job = self._jobs.get(IntentId(intent_id))
        if job is None or job.settled:
            return
        if verb == "ask" and job.queued:
            self._ask_later(job)
        elif verb == "ask":
            if job.intent is not None and job.intent.protective and job.sends < MAX_SENDS and not job.given_up:
                self._send_order(job)
            self._ask_for(job)
        elif verb == "hedge" and not job.given_up:
            self._hedge(job)
        elif verb == "hold":
            self._send_order(job)

    def _hedge(self, job: Job) -> None:
        """No answer in good time: the same request again, with the same id, beside the first one."""
        if job.queued:
            self._hedge_later(job)
            return
        if job.sends >= MAX_SENDS:
            self._give_up(job, OutcomeUnknown(text=f"no answer to {job.sends} requests in time"))
            return
        self._send_order(job)
        self._ask_for(job)

    def _settle(self, job: Job, outcome: IntentOutcomeAnswer) -> None:
        intent = intent_of(job)
        job.settled = True
        self._jobs.pop(intent.intent_id, None)
        self._settled.remember(intent.intent_id, outcome)
        self.context.cancel(("hedge", intent.intent_id))
        self.context.cancel(("ask", intent.intent_id))
        self._tell(job.path, IntentSettled(intent=intent, outcome=outcome))

    def _late(self, job: Job, call: Call, answer: VenueAnswer) -> None:
        """An answer after the intent was settled: what it says of the order is told, nothing is concluded.

        Of a cancel or a move it says what was asked for then, and not how the order is now.
        """
        if isinstance(answer, OrderAccepted) and isinstance(call.request, PlaceOrder | QueryOrder):
            self._tell(job.path, OrderUpdated(report=answer.report))

    def _tell(self, path: str, message: object) -> None:
        ref = self._directory(path)
        if ref is not None:
            ref.tell(message)
