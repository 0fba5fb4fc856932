"""The paper exchange in real time, with many threads asking at once."""

import threading
from collections import Counter
from pathlib import Path

from adapters.simulator.engine import money_is_conserved
from adapters.simulator.fault_script import random_faults
from adapters.simulator.feed import SeededFeed
from adapters.simulator.paper import PaperExchange
from adapters.simulator.paper_calls import PaperCalls
from adapters.simulator.paper_streams import PaperStreams
from adapters.simulator.scheduler_thread import SchedulerThread
from messages.values import ClientOrderId, OrderSide
from messages.venue import FetchAccount, PlaceOrder, VenueAnswer
from tests.simulator.builders import BTC, Heard, an_instrument, an_order, d

THREADS = 4
REQUESTS = 50


def test_every_request_of_every_thread_is_answered_exactly_once(tmp_path: Path) -> None:
    errors: list[BaseException] = []
    runtime = SchedulerThread(on_error=errors.append)
    runtime.start()
    exchange = PaperExchange(
        instruments=[an_instrument()],
        feed=SeededFeed(seed=1, bases={BTC: d(1000)}, ticks={BTC: d("0.1")}, step_ms=20),
        scheduler=runtime,
        clock=runtime,
        path=tmp_path / "paper.sqlite3",
        faults=random_faults(seed=2, request_probability=0.02, late_s=0.2),
    )
    heard = Heard()
    streams = PaperStreams(exchange)
    answers: Counter[str] = Counter()
    all_answered = threading.Event()

    def client(calls: PaperCalls, name: int) -> None:
        for number in range(REQUESTS):
            key = f"t{name}n{number}"
            side = OrderSide.BUY if number % 2 else OrderSide.SELL
            order = an_order(client_order_id=ClientOrderId(key), side=side, quantity="0.01")
            request = FetchAccount() if number % 5 == 0 else PlaceOrder(order=order)

            def done(answer: VenueAnswer, key: str = key) -> None:
                answers[key] += 1
                if len(answers) == THREADS * REQUESTS:
                    all_answered.set()

            calls.send(request, timeout_s=0.5, done=done)

    try:
        exchange.start()
        streams.start(heard)
        streams.watch([BTC])
        calls = [PaperCalls(exchange) for _ in range(THREADS)]
        threads = [threading.Thread(target=client, args=(each, number)) for number, each in enumerate(calls)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=10)
        assert all_answered.wait(timeout=20)
        assert set(answers.values()) == {1}
        assert all(each.under_way == 0 for each in calls)
        assert heard.fills
        assert heard.ticks
    finally:
        exchange.stop()
        runtime.stop()
    assert errors == []
    assert money_is_conserved(exchange.engine)


def test_calls_run_in_the_order_of_their_times_and_one_that_fails_or_is_cancelled_stops_no_other() -> None:
    errors: list[BaseException] = []
    scheduler = SchedulerThread(on_error=errors.append)
    ran: list[str] = []
    over = threading.Event()

    def fail() -> None:
        raise ValueError("planted")

    scheduler.call_later(0.05, over.set)
    scheduler.call_later(0.03, lambda: ran.append("third"))
    scheduler.call_later(0.0, fail)
    scheduler.call_later(0.01, lambda: ran.append("first"))
    scheduler.call_later(0.02, lambda: ran.append("never")).cancel()
    scheduler.call_later(0.02, lambda: ran.append("second"))
    scheduler.start()
    assert over.wait(timeout=5)
    scheduler.stop()
    assert ran == ["first", "second", "third"]
    assert [str(error) for error in errors] == ["planted"]
