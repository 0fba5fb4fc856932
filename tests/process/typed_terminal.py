"""A pseudo-terminal of 80 columns with a screen that can be read, and hands that type."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import pyte

from tests.process.installation import PROGRAM, READY_S, Installation

WIDTH, HEIGHT = 80, 24
LOOK_S = 0.02
PROMPT = "paper/main>"

if sys.platform != "win32":
    import fcntl
    import pty
    import struct
    import termios

UP, DOWN, ENTER, TAB, ESCAPE = "\x1b[A", "\x1b[B", "\r", "\t", "\x1b"


class TypedTerminal:
    """A terminal window in which one command of ours runs."""

    def __init__(self, installation: Installation, *arguments: str) -> None:
        self._screen = pyte.Screen(WIDTH, HEIGHT)
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        self.process = subprocess.Popen(
            [*PROGRAM, *arguments],
            cwd=installation.directory,
            env=installation.environ({"TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"}),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def lines(self) -> list[str]:
        """What is on the screen now."""
        with self._lock:
            return [line.rstrip() for line in self._screen.display]

    def text(self) -> str:
        """The screen as one text, without empty lines at its end."""
        return "\n".join(self.lines()).rstrip()

    def press(self, keys: str) -> None:
        """Press keys, one after another."""
        os.write(self._master, keys.encode())

    def until(self, what: str | Callable[[Sequence[str]], bool], timeout_s: float = READY_S) -> list[str]:
        """Wait for ``what`` to be on the screen; gives the screen.

        Raises:
            AssertionError: It did not come; with what is there instead.
        """
        wanted = (lambda lines: any(what in line for line in lines)) if isinstance(what, str) else what
        deadline_s = time.monotonic() + timeout_s
        while True:
            lines = self.lines()
            if wanted(lines):
                return lines
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise AssertionError(f"{what!r} did not come; the screen is:\n{self.text()}")
            with self._changed:
                self._changed.wait(min(left_s, LOOK_S))

    def ask(self, line: str) -> None:
        """Type a line once the shell asks for one."""
        self.until(lambda lines: [line for line in lines if line][-1:] == [PROMPT])
        self.press(line)

    def record(self, path: Path) -> None:
        """Write the screen down."""
        path.write_text(self.text() + "\n", encoding="utf-8")

    def _read(self) -> None:
        while True:
            try:
                part = os.read(self._master, 65_536)
            except OSError:
                return
            if not part:
                return
            with self._changed:
                self._stream.feed(part)
                self._changed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=READY_S)
        with suppress(OSError):
            os.close(self._master)
