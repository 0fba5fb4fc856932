"""Requests on worker threads: each is answered once, and what hangs holds up nobody else."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import pytest

from adapters.venues.threaded_calls import MAX_WORKERS, ThreadedCalls
from messages.instruments import Capabilities
from messages.values import Symbol, Venue
from messages.venue import (
    FetchFills,
    FetchServerTime,
    OrderRejected,
    OutcomeUnknown,
    RateWindow,
    RejectReason,
    ServerTime,
    VenueAnswer,
    VenueRequest,
)

HANGS = FetchFills(symbol=Symbol("BTCUSDT"), since_ms=0)
FAILS = FetchFills(symbol=Symbol("ETHUSDT"), since_ms=0)
QUICK = FetchServerTime()
PATIENCE_S = 5.0


class AVenue:
    """Answers at once, fails, or hangs until it is let go, as the request says."""

    venue = Venue("test")
    windows: Sequence[RateWindow] = ()
    capabilities = Capabilities(
        attach_stop_to_entry=False, amend_stop=False, two_stops=False, whole_position_stop=False
    )

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.clients = 0
        self.closed = 0
        self.returned = 0
        self.executed: list[VenueRequest] = []

    def client(self) -> "AVenue":
        self.clients += 1
        return self

    def cost(self, request: VenueRequest) -> Mapping[str, int]:
        return {"all": 1}

    def execute(self, request: VenueRequest) -> VenueAnswer:
        self.executed.append(request)
        if request == FAILS:
            raise LookupError("planted")
        if request == HANGS:
            self.let_go.wait(PATIENCE_S)
            self.returned += 1
        return ServerTime(server_ms=1)

    def close(self) -> None:
        self.closed += 1


class Answers:
    """What came, and a way to wait for it."""

    def __init__(self) -> None:
        self.came: list[VenueAnswer] = []
        self._changed = threading.Condition()

    def __call__(self, answer: VenueAnswer) -> None:
        with self._changed:
            self.came.append(answer)
            self._changed.notify_all()

    def until(self, condition: Callable[[list[VenueAnswer]], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self.came), PATIENCE_S), self.came


@contextmanager
def calls_to(venue: AVenue, *, workers: int = 2) -> Iterator[ThreadedCalls]:
    calls = ThreadedCalls(venue, workers=workers)
    try:
        yield calls
    finally:
        venue.let_go.set()
        calls.close()


def test_calls_that_hang_hold_up_nobody() -> None:
    venue, hung, quick = AVenue(), Answers(), Answers()
    with calls_to(venue) as calls:
        for _ in range(20):
            calls.send(HANGS, timeout_s=PATIENCE_S, done=hung)
        calls.send(QUICK, timeout_s=PATIENCE_S, done=quick)
        quick.until(lambda came: came == [ServerTime(server_ms=1)])
        assert hung.came == []
        venue.let_go.set()
        hung.until(lambda came: len(came) == 20)


def test_there_are_never_more_threads_than_may_be_under_way() -> None:
    venue, hung = AVenue(), Answers()
    with calls_to(venue) as calls:
        for _ in range(2 * MAX_WORKERS):
            calls.send(HANGS, timeout_s=PATIENCE_S, done=hung)
        venue.let_go.set()
        hung.until(lambda came: len(came) == 2 * MAX_WORKERS)
        assert 2 < venue.clients <= MAX_WORKERS


def test_a_call_without_an_answer_in_time_is_unknown_and_its_late_answer_is_dropped() -> None:
    venue, answers = AVenue(), Answers()
    with calls_to(venue) as calls:
        calls.send(HANGS, timeout_s=0.05, done=answers)
        answers.until(lambda came: len(came) == 1)
        venue.let_go.set()
        calls.send(QUICK, timeout_s=PATIENCE_S, done=answers)
        answers.until(lambda came: len(came) == 2)
    assert [type(answer) for answer in answers.came] == [OutcomeUnknown, ServerTime]


def test_a_failure_of_ours_is_an_unknown_outcome_and_the_thread_goes_on() -> None:
    venue, answers = AVenue(), Answers()
    with calls_to(venue, workers=1) as calls:
        calls.send(FAILS, timeout_s=PATIENCE_S, done=answers)
        answers.until(lambda came: len(came) == 1)
        calls.send(QUICK, timeout_s=PATIENCE_S, done=answers)
        answers.until(lambda came: len(came) == 2)
    assert [type(answer) for answer in answers.came] == [OutcomeUnknown, ServerTime]


def test_closing_answers_what_is_under_way_and_refuses_what_comes_later() -> None:
    venue, answers = AVenue(), Answers()
    with calls_to(venue) as calls:
        calls.send(HANGS, timeout_s=PATIENCE_S, done=answers)
        venue.let_go.set()
        calls.close()
        answers.until(lambda came: len(came) == 1)
        calls.send(QUICK, timeout_s=PATIENCE_S, done=answers)
    last = answers.came[-1]
    assert isinstance(last, OrderRejected)
    assert (last.reason, len(answers.came)) == (RejectReason.NOT_SENT, 2)


def test_every_client_is_let_go_at_the_end() -> None:
    venue, answers = AVenue(), Answers()
    with calls_to(venue) as calls:
        calls.send(QUICK, timeout_s=PATIENCE_S, done=answers)
        answers.until(lambda came: len(came) == 1)
    assert venue.clients == venue.closed > 0


@pytest.mark.parametrize("request_of_ours", [QUICK, HANGS])
def test_what_a_request_costs_the_venue_says(request_of_ours: VenueRequest) -> None:
    with calls_to(AVenue()) as calls:
        assert calls.cost(request_of_ours) == {"all": 1}


class Unhurried(ThreadedCalls):
    """Its threads stop for a moment between taking a request and doing it."""

    def __init__(self, rest: AVenue, go_on: threading.Event) -> None:
        self._go_on = go_on
        super().__init__(rest, workers=1)

    def next_call(self):  # type: ignore[no-untyped-def]  # noqa: ANN201 - what it passes on is the base class's own
        call = super().next_call()
        if call is not None:
            self._go_on.wait(PATIENCE_S)
        return call


def test_what_was_told_as_never_sent_is_not_sent_after_all() -> None:
    """Whoever hears that an order never left sends it again, under another id."""
    venue, answers, after, go_on = AVenue(), Answers(), Answers(), threading.Event()
    calls = Unhurried(venue, go_on)
    try:
        calls.send(QUICK, timeout_s=0.01, done=answers)
        answers.until(lambda came: len(came) == 1)
        go_on.set()
        calls.send(FAILS, timeout_s=PATIENCE_S, done=after)
        after.until(lambda came: len(came) == 1)
    finally:
        calls.close()
    (answer,) = answers.came
    assert isinstance(answer, OrderRejected)
    assert answer.reason is RejectReason.NOT_SENT
    assert venue.executed == [FAILS]


def test_a_request_whose_time_was_up_before_there_was_a_client_is_not_sent_late() -> None:
    venue, answers, after = SlowToMeet(), Answers(), Answers()
    with calls_to(venue, workers=1) as calls:
        calls.send(QUICK, timeout_s=0.01, done=answers)
        answers.until(lambda came: len(came) == 1)
        venue.may_meet.set()
        calls.send(FAILS, timeout_s=PATIENCE_S, done=after)
        after.until(lambda came: len(came) == 1)
        calls.close()
    assert venue.executed == [FAILS]


class SlowToMeet(AVenue):
    """Its clients take a while to be made."""

    def __init__(self) -> None:
        super().__init__()
        self.may_meet = threading.Event()

    def client(self) -> AVenue:
        self.may_meet.wait(PATIENCE_S)
        return super().client()


def test_closing_does_not_wait_for_each_call_that_hangs_one_after_the_other() -> None:
    """A venue that hangs must not hold up the orderly end, which has other exchanges and the record to close."""
    venue, answers = AVenue(), Answers()
    calls = ThreadedCalls(venue, workers=1)
    for _ in range(8):
        calls.send(HANGS, timeout_s=PATIENCE_S, done=answers)
    calls.close()
    assert venue.returned == 0
    venue.let_go.set()
