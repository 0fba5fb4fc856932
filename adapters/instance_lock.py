"""One Holdfast per data directory (S19), and how a second one may take the place of the first.

The lock is the operating system's, so that it never outlives a killed process. Beside it lies a file in which the
holder says who it is: written from inside, because a virtual environment's python.exe on Windows is another process.
"""

import contextlib
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psutil
from filelock import FileLock, Timeout

LOCK_FILE = "holdfast.lock"
HOLDER_FILE = "instance.json"
STOP_REQUEST_FILE = "stop-request.json"

PROBE_S = 1.0
"""How long a start waits for the lock: longer than another process needs for a look at who holds it."""
GRACE_S = 30.0
KILL_S = 5.0
REPLACE_S = 2.0
SAME_START_MS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A running Holdfast.

    Attributes:
        started_ms: When the process began, as the operating system says, UTC.
        command: Its command line, part by part.
    """

    pid: int
    started_ms: int
    host: str
    command: tuple[str, ...]
    data_dir: str = ""

    def __str__(self) -> str:
        since = datetime.fromtimestamp(self.started_ms / 1000, tz=UTC)
        return f"pid {self.pid} on {self.host}, since {since:%Y-%m-%d %H:%M:%S} UTC"


class DataDirectoryError(Exception):
    """The data directory cannot be used; the text says why and what to do."""


class InstanceHeldError(Exception):
    """Another instance has the data directory.

    Attributes:
        holder: Who it is, as far as it could be read.
    """

    def __init__(self, text: str, holder: Instance | None) -> None:
        super().__init__(text)
        self.holder = holder


class InstanceLock:
    """The right to run on one data directory; held from :meth:`acquire` to :meth:`release` or to the process's end."""

    def __init__(self, data_dir: Path, *, on_progress: Callable[[str], None] | None = None) -> None:
        """``on_progress`` is told, line by line, what a forced start is waiting for."""
        self._data_dir = data_dir
        self._say = on_progress or _say_nothing
        # Not thread-local: the thread that stops the process is not the one that started it.
        self._lock = FileLock(data_dir / LOCK_FILE, thread_local=False)
        self._me: Instance | None = None

    def acquire(self, *, force: bool = False, grace_s: float = GRACE_S, kill_s: float = KILL_S) -> None:
        """Become the one instance.

        Args:
            force: Ends the instance that runs here: it is asked to stop, after ``grace_s`` it is terminated, and
                ``kill_s`` later killed. Only a process that certainly is the holder is ever ended.
            grace_s: Time for an ordered stop.
            kill_s: Time after each of the harder ways.

        Raises:
            InstanceHeldError: Another one runs here, and was not or could not be ended.
            DataDirectoryError: The directory cannot be made or written.
        """
        try:
            self._data_dir.mkdir(parents=True, exist_ok=True)
            if not self._take(PROBE_S):
                self._take_from_other(force=force, grace_s=grace_s, kill_s=kill_s)
            self._me = _this_process(self._data_dir)
            (self._data_dir / STOP_REQUEST_FILE).unlink(missing_ok=True)
            _write(self._data_dir / HOLDER_FILE, self._me)
        except OSError as error:
            self._lock.release()
            raise DataDirectoryError(
                f"the data directory {self._data_dir} cannot be used ({error.strerror or error}): "
                f"make it writable, or choose another with --data-dir or HOLDFAST_HOME"
            ) from error

    def stop_requested(self) -> bool:
        """Whether somebody asked this instance to stop; cheap enough to be asked every second."""
        request = _read(self._data_dir / STOP_REQUEST_FILE)
        return request is not None and self._me is not None and _same_process(request, self._me)

    def release(self) -> None:
        """Let the next one run here. Does nothing when the lock is not held."""
        if self._me is None:
            return
        self._me = None
        with contextlib.suppress(OSError):  # who looks meets a free lock, and then this file counts for nothing
            (self._data_dir / HOLDER_FILE).unlink(missing_ok=True)
            (self._data_dir / STOP_REQUEST_FILE).unlink(missing_ok=True)
        self._lock.release()

    def _take(self, timeout_s: float) -> bool:
        try:
            self._lock.acquire(timeout=timeout_s)
        except Timeout:
            return False
        return True

    def _take_from_other(self, *, force: bool, grace_s: float, kill_s: float) -> None:
        other = _read(self._data_dir / HOLDER_FILE)
        who = str(other) if other is not None else "one that has not said who it is yet"
        if not force:
            raise InstanceHeldError(
                f"another Holdfast uses {self._data_dir} ({who}): stop it, end it with --force, "
                f"or give this one a directory of its own with --data-dir",
                other,
            )
        if other is None:
            raise InstanceHeldError(f"another Holdfast uses {self._data_dir} ({who}): try again", other)
        self._say(f"asking the other Holdfast to stop ({who}); waiting up to {grace_s:.0f} s")
        request_stop(self._data_dir, other)
        if self._take(grace_s):
            return
        for how, end in (("terminating", psutil.Process.terminate), ("killing", psutil.Process.kill)):
            process = _process_of(other)
            if process is None:
                raise InstanceHeldError(
                    f"the Holdfast that uses {self._data_dir} ({who}) did not stop, and no process here is certainly "
                    f"that one: end it where it runs",
                    other,
                )
            self._say(f"{how} the other Holdfast ({who})")
            with contextlib.suppress(psutil.NoSuchProcess):  # it ended by itself just now: the lock is what counts
                end(process)
            if self._take(kill_s):
                return
        raise InstanceHeldError(f"the Holdfast that uses {self._data_dir} ({who}) cannot be ended", other)


def request_stop(data_dir: Path, instance: Instance) -> None:
    """Ask ``instance`` to stop in order; it sees that within a second or so.

    A file, and not a signal: Windows has no signal that another process could send.
    """
    _write(data_dir / STOP_REQUEST_FILE, instance)


def holder(data_dir: Path) -> Instance | None:
    """The instance that runs on ``data_dir`` now, or ``None``. What a killed one left behind does not count."""
    if not (data_dir / LOCK_FILE).exists():
        return None
    probe = FileLock(data_dir / LOCK_FILE, thread_local=False)
    try:
        probe.acquire(timeout=0)
    except Timeout:
        return _read(data_dir / HOLDER_FILE)
    probe.release()
    return None


def running_instances() -> tuple[Instance, ...]:
    """Every process on this host that is a ``holdfast run``, whatever its data directory, oldest first."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # it ended meanwhile, or is none of ours to look at
            instance = _instance_of(process)
            if _is_holdfast_run(instance.command):
                found.append(instance)
    return tuple(sorted(found, key=lambda instance: instance.started_ms))


def _is_holdfast_run(command: tuple[str, ...]) -> bool:
    names = [Path(part).stem.lower() for part in command[:3]]
    return "run" in command and any(name in {"holdfast", "holdfast-script", "supervisor"} for name in names)


def _this_process(data_dir: Path) -> Instance:
    return _instance_of(psutil.Process(os.getpid()), data_dir=str(data_dir))


def _instance_of(process: psutil.Process, *, data_dir: str = "") -> Instance:
    return Instance(
        pid=process.pid,
        started_ms=round(process.create_time() * 1000),
        host=socket.gethostname(),
        command=tuple(process.cmdline()),
        data_dir=data_dir,
    )


def _process_of(instance: Instance) -> psutil.Process | None:
    """The living process that certainly is ``instance``: its number alone may be another's by now."""
    if instance.host != socket.gethostname():
        return None
    try:
        process = psutil.Process(instance.pid)
        now = _instance_of(process)
    except psutil.Error:
        return None
    return process if _same_process(now, instance) and now.command == instance.command else None


def _same_process(one: Instance, other: Instance) -> bool:
    return one.pid == other.pid and one.host == other.host and abs(one.started_ms - other.started_ms) <= SAME_START_MS


def _read(path: Path) -> Instance | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Instance)
    except (OSError, msgspec.MsgspecError):
        return None


def _write(path: Path, instance: Instance) -> None:
    """Whole or not at all; on Windows a reader who has the file open just now holds it up for a moment."""
    written = path.with_name(f"{path.name}.{os.getpid()}")
    written.write_bytes(msgspec.json.encode(instance))
    give_up_s = time.monotonic() + REPLACE_S
    while True:
        try:
            written.replace(path)
        except PermissionError:
            if time.monotonic() > give_up_s:
                raise
            time.sleep(0.02)
        else:
            return


def _say_nothing(_: str) -> None:
    return None
