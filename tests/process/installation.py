"""Holdfast as a person has it: a data directory, settings, and the real process on them."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, Self

import msgspec

from adapters.status_file import STATUS_FILE
from messages.status import StatusView

ROOT: Final = Path(__file__).resolve().parents[2]
PROGRAM: Final = (sys.executable, str(ROOT / "holdfast.py"))
LOOK_EVERY_S: Final = 0.05
READY_S: Final = 60.0
"""A start takes one or two seconds; a shared machine may need a multiple."""
STOP_S: Final = 60.0
FOREIGN: Final = ("HOLDFAST_", "DB_", "DATABASE_", "PAPER_", "TRAILING_", "COLUMNS", "LINES")
LIVELY: Final[Mapping[str, str]] = {
    "PAPER_SYMBOLS": "BTCUSDT,ETHUSDT,SOLUSDT,BNBUSDT,LINKUSDT,LTCUSDT",
    "PAPER_VOLATILITY_PERCENT": "25",
    "PAPER_LATENCY_MS": "120",
    "STOP_LOSS_PERCENT": "0.8",
    "TP1_PERCENT": "0.5",
    "TP2_PERCENT": "1.2",
    "BREAKEVEN_AT_PERCENT": "0.35",
    "TRAILING_ACTIVATION_PERCENT": "0.4",
    "TRAILING_CALLBACK_PERCENT": "0.2",
    "TRAILING_MIN_UPDATE_INTERVAL_SECONDS": "1",
    "TRAILING_MIN_IMPROVEMENT_PERCENT": "0.02",
    "MAX_TRADES_PER_15MIN": "1000",
    "PAUSE_AFTER_LOSSES_MINUTES": "0",
    "SIZE_FOLLOWS_DAY_RESULT": "false",
    "DISTANCES_FOLLOW_VOLATILITY": "false",
    "PARAMETERS_FOLLOW_REGIME": "false",
}
"""A market in which positions live for seconds and requests are often under way; no loss ends the opening."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(slots=True)
class Installation:
    """One data directory with its settings; ``environment`` is added to that of this process, without our settings."""

    directory: Path
    environment: dict[str, str] = field(default_factory=dict)
    follows_file: bool = True

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)

    @property
    def data_dir(self) -> Path:
        return self.directory / "data"

    @property
    def signals(self) -> Path:
        return self.directory / "signals.jsonl"

    def run(self, *arguments: str, timeout_s: float = READY_S, **environment: str) -> Finished:
        """One command, to its end."""
        done = subprocess.run(
            [*PROGRAM, *arguments],
            cwd=self.directory,
            env=self.environ(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout_s,
            check=False,
        )
        return Finished(code=done.returncode, out=done.stdout, err=done.stderr)

    def start(self, *arguments: str, **environment: str) -> "Life":
        """``holdfast run --json`` on the data directory, following the signals file."""
        number = len(list(self.directory.glob("*.err")))
        out = self.directory / f"life-{number}.out"
        err = self.directory / f"life-{number}.err"
        with out.open("wb") as out_file, err.open("wb") as err_file:
            return self._life(("--json", *arguments), out, err, out_file, err_file, environment)

    def start_with_nobody_reading(self, *arguments: str) -> "Life":
        """``holdfast run | head -0``: the other end of stdout and stderr is closed."""
        nothing = self.directory / "nobody-reads.err"
        nothing.touch()
        reader, writer = os.pipe()
        with open(writer, "wb", buffering=0) as pipe:  # noqa: PTH123 - a descriptor has no path
            os.close(reader)
            return self._life(arguments, nothing, nothing, pipe, pipe, {})

    def status(self) -> StatusView | None:
        """The status file, while there is a whole one."""
        try:
            return msgspec.json.decode((self.data_dir / STATUS_FILE).read_bytes(), type=StatusView)
        except (OSError, msgspec.MsgspecError):
            return None

    def logged(self) -> str:
        """Everything that was logged to files, of every start."""
        files = sorted((self.data_dir / "logs").glob("*.log"))
        return "".join(file.read_text(encoding="utf-8") for file in files)

    def _life(
        self,
        arguments: tuple[str, ...],
        out: Path,
        err: Path,
        out_file: IO[bytes],
        err_file: IO[bytes],
        environment: Mapping[str, str],
    ) -> "Life":
        self.signals.touch()
        started_ms = time.time_ns() // 1_000_000
        process = subprocess.Popen(
            [*PROGRAM, "run", *(("--signals", str(self.signals)) if self.follows_file else ()), *arguments],
            cwd=self.directory,
            env=self.environ(environment),
            stdin=subprocess.DEVNULL,
            stdout=out_file,
            stderr=err_file,
            # A group of its own, so that on Windows a Ctrl-Break reaches it alone.
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        return Life(installation=self, process=process, started_ms=started_ms, out=out, err=err)

    def environ(self, more: Mapping[str, str]) -> dict[str, str]:
        """This process's environment without settings, with ours and ``more``."""
        mine = {name: value for name, value in os.environ.items() if not name.upper().startswith(FOREIGN)}
        return {**mine, "HOLDFAST_HOME": str(self.data_dir), **self.environment, **more}


@dataclass(slots=True, kw_only=True)
class Life:
    """One running process; used in ``with``, it never outlives its test."""

    installation: Installation
    process: subprocess.Popen[bytes]
    started_ms: int
    out: Path
    err: Path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def until(self, condition: Callable[[], object], what: str, *, timeout_s: float = READY_S) -> None:
        """Wait for ``condition``; fails when time is up, or when the process ends before."""
        give_up_s = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < give_up_s, f"not within {timeout_s:.0f} s: {what}\n{self.told()}"
            assert not self.ended_within(LOOK_EVERY_S), (
                f"ended with {self.process.returncode} before: {what}\n{self.told()}"
            )

    def until_running(self) -> StatusView:
        """Wait until its own status is there."""
        self.until(self.is_running, "a status of this start")
        view = self.installation.status()
        assert view is not None
        return view

    def is_running(self) -> bool:
        """Whether it has written a status."""
        view = self.installation.status()
        return view is not None and view.started_ms >= self.started_ms

    def ended_within(self, seconds: float) -> bool:
        """Wait ``seconds``, or until it has ended by itself; whether it has."""
        try:
            self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def interrupt(self) -> None:
        """What Ctrl-C does; on Windows Ctrl-Break, which can be sent to one process."""
        self.process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGINT))

    def terminate(self) -> None:
        """What a service manager does."""
        self.process.terminate()

    def finished(self, *, timeout_s: float = STOP_S) -> Finished:
        """Wait for its end."""
        code = self.process.wait(timeout=timeout_s)
        return Finished(code=code, out=self.out.read_text(encoding="utf-8"), err=self.err.read_text(encoding="utf-8"))

    def kill(self) -> None:
        """kill -9, whatever it is doing; harmless when it has ended."""
        self.process.kill()
        self.process.wait(timeout=STOP_S)

    def told(self) -> str:
        """The end of what it wrote to stderr."""
        return self.err.read_text(encoding="utf-8", errors="replace")[-3_000:]


def wait_until(condition: Callable[[], object], what: str, *, timeout_s: float = READY_S) -> None:
    """Wait for a condition that no process of ours is behind."""
    give_up_s = time.monotonic() + timeout_s
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < give_up_s, f"not within {timeout_s:.0f} s: {what}"
        pause.wait(LOOK_EVERY_S)
