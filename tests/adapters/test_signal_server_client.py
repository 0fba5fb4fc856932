"""The client of the signal server, against a real one on loopback: handshake, waves, garbage, and what is lost."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from adapters.signal_server_client import (
    MAX_MESSAGE_BYTES,
    REFUSED_WAIT_S,
    SignalServerConfig,
    SignalServerFeed,
)
from adapters.simulator.signal_server import SignalServer, SignalServerOptions
from tests.process.installation import wait_until

TOKEN = "let-me-in"  # noqa: S105 - made up here
SOON_S = 20.0


class Pauses:
    """Between two connections nothing is waited for; how long it would have been is kept."""

    def __init__(self, *, at_most: int = 1_000) -> None:
        self.seconds: list[float] = []
        self.over = threading.Event()
        self._at_most = at_most

    def __call__(self, seconds: float) -> bool:
        self.seconds.append(seconds)
        if len(self.seconds) >= self._at_most:
            self.over.wait(SOON_S)
        return self.over.wait(0.01)


class Stage:
    """A server over a file, and a client of it."""

    def __init__(self, directory: Path, resources: ExitStack) -> None:
        self.file = directory / "signals.jsonl"
        self.file.touch()
        self._resources = resources
        self.pauses = Pauses()
        resources.callback(self.pauses.over.set)

    def serve(self, *, port: int = 0, push: bool = False, fresh: bool = False) -> SignalServer:
        server = SignalServer(SignalServerOptions(file=self.file, token=TOKEN, port=port, push=push, fresh=fresh))
        server.start()
        self._resources.callback(server.stop)
        return server

    def client(self, server: SignalServer, **changes: object) -> SignalServerFeed:
        values: dict[str, object] = {"url": server.url, "token": TOKEN} | changes
        feed = SignalServerFeed(SignalServerConfig(**values), wait=self.pauses)  # type: ignore[arg-type] # by name
        self._resources.callback(feed.stop)
        feed.start()
        return feed

    def append(self, *rows: object) -> None:
        with self.file.open("a", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(row)}\n" for row in rows)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with ExitStack() as resources:
        yield Stage(tmp_path, resources)


def soon(condition: Callable[[], object], what: str) -> None:
    wait_until(condition, what, timeout_s=SOON_S)


def given(feed: SignalServerFeed, count: int) -> list[object]:
    """The first ``count`` signals that come; fails when they do not."""
    found: list[object] = []

    def enough() -> bool:
        found.extend(raw.raw for raw in feed.due(0))
        return len(found) >= count

    soon(enough, f"{count} signals")
    return found


def test_after_the_handshake_the_server_is_asked_and_its_signals_come(stage: Stage) -> None:
    server = stage.serve()
    stage.append({"id": "one"}, {"id": "two"})
    feed = stage.client(server)
    feed.ask()
    assert given(feed, 2) == [{"id": "one"}, {"id": "two"}]
    assert server.asked == 1


def test_nothing_is_asked_for_before_a_wave_is_due(stage: Stage) -> None:
    server = stage.serve()
    stage.append({"id": "one"})
    feed = stage.client(server)
    assert feed.connected.wait(SOON_S)
    server.send_raw("wait for this")
    soon(lambda: feed.counters.garbage, "a later message")
    assert server.asked == 0
    assert not feed.due(0)


def test_what_the_server_pushes_by_itself_is_kept_until_it_is_taken(stage: Stage) -> None:
    feed = stage.client(stage.serve(push=True))
    assert feed.connected.wait(SOON_S)
    stage.append({"id": "one"})
    soon(lambda: feed.counters.signals == 1, "the push")
    assert [raw.raw for raw in feed.due(0)] == [{"id": "one"}]
    assert not feed.due(0)


def test_a_refused_token_is_tried_again_no_faster_than_once_a_minute(stage: Stage) -> None:
    server = stage.serve()
    feed = stage.client(server, token="wrong")  # noqa: S106 - made up here
    soon(lambda: len(stage.pauses.seconds) >= 3, "three refusals")
    assert set(stage.pauses.seconds) == {REFUSED_WAIT_S}
    assert feed.counters.refusals >= 3
    assert not feed.connected.is_set()


def test_a_cut_connection_comes_back_after_the_interval(stage: Stage) -> None:
    server = stage.serve()
    stage.append({"id": "one"})
    feed = stage.client(server, reconnect_interval_s=7.0)
    assert feed.connected.wait(SOON_S)
    server.cut()
    soon(lambda: feed.counters.connections == 2, "a second connection")
    assert stage.pauses.seconds == [7.0]
    feed.ask()
    assert given(feed, 1) == [{"id": "one"}]


def test_it_says_why_nothing_can_come_for_as_long_as_that_is_so(stage: Stage) -> None:
    server = stage.serve()
    port = server.port
    feed = stage.client(server)
    assert feed.connected.wait(SOON_S)
    assert feed.trouble() == ""
    server.stop()
    soon(lambda: f"no signals from {server.url}" in feed.trouble(), "the loss to be known")
    stage.serve(port=port)
    soon(lambda: feed.trouble() == "", "the server to be back")
    refused = stage.client(stage.serve(), token="wrong")  # noqa: S106 - made up here
    soon(lambda: "SIGNAL_WS_TOKEN" in refused.trouble(), "the refusal to be known")


def test_a_server_that_is_not_there_yet_is_waited_for_and_then_asked(stage: Stage) -> None:
    first = stage.serve()
    port = first.port
    first.stop()
    feed = stage.client(first)
    feed.ask()
    soon(lambda: feed.counters.failures >= 3, "three tries")
    stage.append({"id": "one"})
    stage.serve(port=port)
    assert given(feed, 1) == [{"id": "one"}]


def test_a_server_is_given_up_after_as_many_tries_as_the_settings_allow(stage: Stage) -> None:
    server = stage.serve()
    server.stop()
    feed = stage.client(server, max_attempts=3)
    soon(lambda: not feed.is_running, "the end")
    assert feed.counters.failures == 3


def test_without_reconnecting_the_first_loss_is_the_last(stage: Stage) -> None:
    server = stage.serve()
    feed = stage.client(server, reconnects=False)
    assert feed.connected.wait(SOON_S)
    server.cut()
    soon(lambda: not feed.is_running, "the end")
    assert feed.counters.connections == 1


def test_of_too_many_signals_the_oldest_are_dropped_and_counted(stage: Stage) -> None:
    server = stage.serve()
    stage.append(*({"id": f"s{number}"} for number in range(25)))
    feed = stage.client(server, buffer_size=10)
    feed.ask()
    soon(lambda: feed.counters.signals == 25, "all of them")
    assert [raw.raw for raw in feed.due(0)] == [{"id": f"s{number}"} for number in range(15, 25)]
    assert feed.counters.dropped == 15


GARBAGE: list[str | bytes] = [
    "",
    "no JSON",
    "7",
    "null",
    "[]",
    "{}",
    '{"type":"signals"}',
    '{"type":"signals","data":{"id":"one"}}',
    '{"type":["signals"],"data":[]}',
    '{"type":"signals","data":[NaN]}',
    "[" * 100_000,
    b"\xff\xfe\x00",
    json.dumps({"type": "signals", "data": ["x" * MAX_MESSAGE_BYTES]}),
]


@pytest.mark.parametrize("content", GARBAGE, ids=lambda content: repr(content[:30]))
def test_garbage_is_counted_and_the_connection_lives_on(stage: Stage, content: str | bytes) -> None:
    server = stage.serve()
    stage.append({"id": "one"})
    feed = stage.client(server)
    assert feed.connected.wait(SOON_S)
    server.send_raw(content)
    soon(lambda: feed.counters.garbage == 1, "the garbage")
    feed.ask()
    assert given(feed, 1) == [{"id": "one"}]
    assert feed.counters.connections == 1


def test_rows_of_every_kind_are_passed_on_for_their_fate_to_be_recorded(stage: Stage) -> None:
    rows = [7, None, "text", ["list"], {"id": 7}, {"score_week": 1e300}]
    server = stage.serve()
    feed = stage.client(server)
    assert feed.connected.wait(SOON_S)
    server.send_raw(json.dumps({"type": "signals", "data": rows}))
    assert len(given(feed, len(rows))) == len(rows)


def test_a_stop_ends_the_thread_at_once_also_in_a_pause(stage: Stage) -> None:
    server = stage.serve()
    server.stop()
    feed = SignalServerFeed(SignalServerConfig(url=server.url, reconnect_interval_s=3_600))
    feed.start()
    soon(lambda: feed.counters.failures == 1, "a failure")
    feed.stop()
    assert not feed.is_running


def test_a_signal_of_the_simulated_server_may_be_stamped_as_of_the_candle_that_closed_last(stage: Stage) -> None:
    stage.append({"id": "one", "timestamp": "2000-01-01T00:00:00Z"})
    feed = stage.client(stage.serve(fresh=True))
    feed.ask()
    (row,) = given(feed, 1)
    assert isinstance(row, dict)
    assert row["timestamp"] > "2020"
