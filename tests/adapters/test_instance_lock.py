import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from adapters.instance_lock import (
    HOLDER_FILE,
    LOCK_FILE,
    STOP_REQUEST_FILE,
    DataDirectoryError,
    InstanceHeldError,
    InstanceLock,
    holder,
    running_instances,
)

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys, threading
from pathlib import Path
from adapters.instance_lock import InstanceLock

lock = InstanceLock(Path(sys.argv[1]))
lock.acquire()
print("holding", flush=True)
never = threading.Event()
while not (sys.argv[2] == "gentle" and lock.stop_requested()):
    never.wait(0.02)
lock.release()
print("stopped in order", flush=True)
"""
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + PROGRAM


@contextmanager
def other_instance(data_dir: Path, *, manner: str, program: str = PROGRAM) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(data_dir), manner], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert _output(process).readline() == "holding\n"
        yield process
    finally:
        process.kill()
        process.wait(timeout=20)
        _output(process).close()


def _output(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout


def held(data_dir: Path) -> InstanceHeldError:
    with pytest.raises(InstanceHeldError) as caught:
        InstanceLock(data_dir).acquire()
    return caught.value


def test_a_second_instance_is_refused_and_told_who_the_first_is(tmp_path: Path) -> None:
    with other_instance(tmp_path, manner="gentle") as process:
        refusal = held(tmp_path)
    assert refusal.holder is not None
    assert refusal.holder.pid == process.pid
    assert str(process.pid) in str(refusal)
    assert "--force" in str(refusal)
    assert "--data-dir" in str(refusal)


def test_two_directories_are_two_instances(tmp_path: Path) -> None:
    one, other = InstanceLock(tmp_path / "a"), InstanceLock(tmp_path / "b")
    one.acquire()
    other.acquire()
    assert holder(tmp_path / "a") is not None
    one.release()
    other.release()
    assert holder(tmp_path / "a") is None


def test_a_killed_instance_leaves_the_directory_free(tmp_path: Path) -> None:
    with other_instance(tmp_path, manner="gentle") as process:
        process.kill()
        process.wait(timeout=20)
        assert (tmp_path / HOLDER_FILE).exists()
        assert holder(tmp_path) is None
        lock = InstanceLock(tmp_path)
        lock.acquire()
        assert not lock.stop_requested()
        lock.release()


def test_force_asks_the_other_one_to_stop_and_takes_its_place(tmp_path: Path) -> None:
    steps: list[str] = []
    lock = InstanceLock(tmp_path, on_progress=steps.append)
    with other_instance(tmp_path, manner="gentle") as process:
        lock.acquire(force=True, grace_s=20)
        assert _output(process).readline() == "stopped in order\n"
        assert process.wait(timeout=20) == 0
    assert [step.split()[0] for step in steps] == ["asking"]
    assert not lock.stop_requested()
    lock.release()


def test_force_ends_one_that_does_not_listen(tmp_path: Path) -> None:
    steps: list[str] = []
    lock = InstanceLock(tmp_path, on_progress=steps.append)
    with other_instance(tmp_path, manner="deaf") as process:
        lock.acquire(force=True, grace_s=0.1, kill_s=10)
        assert process.wait(timeout=20) != 0
    assert [step.split()[0] for step in steps] == ["asking", "terminating"]
    lock.release()


@pytest.mark.skipif(os.name == "nt", reason="on Windows terminating is killing")
def test_force_kills_one_that_cannot_be_terminated(tmp_path: Path) -> None:
    steps: list[str] = []
    lock = InstanceLock(tmp_path, on_progress=steps.append)
    with other_instance(tmp_path, manner="deaf", program=STUBBORN) as process:
        lock.acquire(force=True, grace_s=0.1, kill_s=0.5)
        process.wait(timeout=20)
    assert [step.split()[0] for step in steps] == ["asking", "terminating", "killing"]
    lock.release()


def _another_start(written: dict[str, object]) -> None:
    started_ms = written["started_ms"]
    assert isinstance(started_ms, int)
    written["started_ms"] = started_ms - 60_000


def _another_host(written: dict[str, object]) -> None:
    written["host"] = "elsewhere"


def _another_command(written: dict[str, object]) -> None:
    written["command"] = ["vim", "notes.txt"]


@pytest.mark.parametrize("disguise", [_another_start, _another_host, _another_command])
def test_force_never_ends_a_process_that_is_not_certainly_the_holder(
    tmp_path: Path, disguise: Callable[[dict[str, object]], None]
) -> None:
    with other_instance(tmp_path, manner="deaf") as process:
        written = json.loads((tmp_path / HOLDER_FILE).read_text(encoding="utf-8"))
        disguise(written)
        (tmp_path / HOLDER_FILE).write_text(json.dumps(written), encoding="utf-8")
        with pytest.raises(InstanceHeldError, match="end it where it runs"):
            InstanceLock(tmp_path).acquire(force=True, grace_s=0.1, kill_s=0.1)
        assert process.poll() is None


def test_a_request_to_another_one_is_not_a_request_to_this_one(tmp_path: Path) -> None:
    lock = InstanceLock(tmp_path)
    lock.acquire()
    own = json.loads((tmp_path / HOLDER_FILE).read_text(encoding="utf-8"))
    request = tmp_path / STOP_REQUEST_FILE
    request.write_text(json.dumps(own | {"pid": own["pid"] + 1}), encoding="utf-8")
    assert not lock.stop_requested()
    request.write_text('{"pid": ', encoding="utf-8")
    assert not lock.stop_requested()
    request.write_text(json.dumps(own), encoding="utf-8")
    assert lock.stop_requested()
    lock.release()
    assert not request.exists()


def test_looking_does_not_keep_another_one_from_starting(tmp_path: Path) -> None:
    assert holder(tmp_path / "nothing here") is None
    assert not (tmp_path / "nothing here").exists()
    (tmp_path / LOCK_FILE).touch()
    assert holder(tmp_path) is None
    lock = InstanceLock(tmp_path)
    lock.acquire()
    assert holder(tmp_path) is not None
    lock.release()


def test_a_directory_that_cannot_be_made_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(DataDirectoryError, match="--data-dir"):
        InstanceLock(tmp_path / "file" / "data").acquire()


def test_a_process_that_is_no_holdfast_run_is_not_listed(tmp_path: Path) -> None:
    with other_instance(tmp_path, manner="gentle") as process:
        assert process.pid not in {instance.pid for instance in running_instances()}


def test_a_holdfast_run_is_listed(tmp_path: Path) -> None:
    script = tmp_path / "holdfast"
    script.write_text(PROGRAM, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path), "run"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert _output(process).readline() == "holding\n"
        assert process.pid in {instance.pid for instance in running_instances()}
    finally:
        process.kill()
        process.wait(timeout=20)
        _output(process).close()
