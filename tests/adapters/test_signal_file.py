import threading
from datetime import datetime
from decimal import Decimal
from itertools import islice, pairwise
from pathlib import Path

import pytest

from adapters.demo_signals import DEMO_SYMBOLS, demo_signals
from adapters.signal_file import (
    MAX_LINE_BYTES,
    SignalFileError,
    SignalFileFollower,
    SignalLine,
    read_signal_file,
)


def a_line(number: int) -> bytes:
    return b'{"id":"%d"}\n' % number


def ids(lines: list[SignalLine]) -> list[object]:
    return [None if line.raw is None else line.raw["id"] for line in lines]


def append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "signals.jsonl"


def test_a_file_is_read_whole_with_its_line_numbers(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + a_line(1) + b"\r\n \n" + a_line(2) + b'{"id":"3"}')
    lines = list(read_signal_file(path))
    assert ids(lines) == ["1", "2", "3"]
    assert [line.line_number for line in lines] == [1, 4, 5]


def test_a_file_larger_than_one_read_loses_nothing(path: Path) -> None:
    path.write_bytes(b"".join(a_line(number) + b" " * 900 + b"\n" for number in range(6_000)))
    assert ids(list(read_signal_file(path))) == [str(number) for number in range(6_000)]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"id":', "not JSON"),
        (b"[1]", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b'{"id":"\xff"}', "not UTF-8 text"),
        (b'{"score_week":NaN}', "NaN is not a number"),
        (b"[" * 20_000, "nested too deeply"),
        (b'{"id":"' + b"x" * MAX_LINE_BYTES + b'"}', "longer than"),
    ],
)
def test_a_malformed_line_is_passed_on_as_such_and_the_rest_goes_on(path: Path, content: bytes, problem: str) -> None:
    path.write_bytes(a_line(1) + content + b"\n" + a_line(3))
    lines = list(read_signal_file(path))
    assert ids(lines) == ["1", None, "3"]
    assert problem in lines[1].problem
    assert lines[1].line_number == 2
    assert len(lines[1].text) <= 1000


def test_a_number_keeps_every_digit(path: Path) -> None:
    path.write_bytes(b'{"id":"1","sl":0.100000000000000000001}')
    (line,) = read_signal_file(path)
    assert line.raw is not None
    assert line.raw["sl"] == Decimal("0.100000000000000000001")


def test_a_file_that_is_not_there_is_refused_when_it_is_read_whole(path: Path) -> None:
    with pytest.raises(SignalFileError, match="not there"):
        list(read_signal_file(path))


def test_a_follower_waits_for_a_file_and_gives_each_line_once(path: Path) -> None:
    follower = SignalFileFollower(path)
    assert follower.poll() == []
    append(path, a_line(1))
    assert ids(follower.poll()) == ["1"]
    assert follower.poll() == []
    append(path, a_line(2) + a_line(3))
    assert ids(follower.poll()) == ["2", "3"]


def test_a_line_that_arrives_in_pieces_is_one_line(path: Path) -> None:
    follower = SignalFileFollower(path)
    for piece in (b'{"i', b'd":"', b'1"'):
        append(path, piece)
        assert follower.poll() == []
        assert follower.poll() == []
    append(path, b"}\n" + b'{"id":"2"}\n')
    assert ids(follower.poll()) == ["1", "2"]


def test_a_whole_object_does_not_wait_for_its_newline(path: Path) -> None:
    follower = SignalFileFollower(path)
    append(path, b'{"id":"1"}')
    assert follower.poll() == []
    assert ids(follower.poll()) == ["1"]
    append(path, b'\n{"id":"2"}\n')
    (second,) = follower.poll()
    assert second.line_number == 2


@pytest.mark.parametrize("after", [b"", a_line(2)])
def test_a_file_that_is_cut_is_read_from_its_beginning(path: Path, after: bytes) -> None:
    follower = SignalFileFollower(path)
    append(path, a_line(1) + a_line(1) + b'{"half')
    follower.poll()
    path.write_bytes(after)
    assert ids(follower.poll()) == (["2"] if after else [])
    append(path, a_line(3))
    assert ids(follower.poll()) == ["3"]


def test_a_file_that_is_replaced_is_read_from_its_beginning(path: Path) -> None:
    follower = SignalFileFollower(path)
    append(path, a_line(1))
    follower.poll()
    new = path.with_suffix(".new")
    new.write_bytes(a_line(2) + a_line(3))
    new.replace(path)
    assert ids(follower.poll()) == ["2", "3"]


def test_a_line_without_end_takes_no_more_memory_than_its_limit(path: Path) -> None:
    follower = SignalFileFollower(path)
    for _ in range(5):
        append(path, b"x" * MAX_LINE_BYTES)
        assert follower.poll() == []
    append(path, b"\n" + a_line(2))
    too_long, second = follower.poll()
    assert "longer than" in too_long.problem
    assert ids([second]) == ["2"]


def test_following_ends_when_it_is_told_to(path: Path) -> None:
    append(path, a_line(1))
    stop, arrived = threading.Event(), threading.Event()
    seen: list[object] = []

    def follow() -> None:
        for line in SignalFileFollower(path).follow(stop, interval_s=0.01):
            seen.extend(ids([line]))
            arrived.set()

    thread = threading.Thread(target=follow)
    thread.start()
    assert arrived.wait(20)
    arrived.clear()
    append(path, a_line(2))
    assert arrived.wait(20)
    stop.set()
    thread.join(timeout=20)
    assert not thread.is_alive()
    assert seen == ["1", "2"]


def test_the_same_seed_gives_the_same_demo_signals_on_both_sides() -> None:
    one, again, other = (list(islice(demo_signals(seed=seed, start_ms=1_640_995_200_000), 200)) for seed in (7, 7, 8))
    assert one == again != other
    assert {signal.raw["side"] for signal in one} == {"BUY", "SELL"}
    assert {signal.raw["symbol"] for signal in one} == set(DEMO_SYMBOLS)
    assert len({signal.raw["id"] for signal in one}) == 200


def test_demo_signals_come_every_20_to_40_seconds_and_are_fresh() -> None:
    start_ms = 1_640_995_200_000
    signals = list(islice(demo_signals(seed=1, start_ms=start_ms), 100))
    times = [start_ms, *(signal.at_ms for signal in signals)]
    assert all(20_000 <= later - earlier <= 40_000 for earlier, later in pairwise(times))
    for signal in signals:
        stamped = datetime.fromisoformat(str(signal.raw["timestamp"]))
        assert 0 <= signal.at_ms / 1000 - stamped.timestamp() < 1
