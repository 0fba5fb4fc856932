"""The live table on a terminal of 80 columns, and a terminal that is closed."""

import os
import random
import re
import subprocess
import sys
import threading
import time

import pyte
import pytest

from tests.process.installation import PROGRAM, Installation, Life
from tests.process.signal_writer import SignalWriter
from tests.process.test_full_disk import until_open
from tests.process.test_stopping import CALM, STOPS_WITHIN_S

WIDTH, HEIGHT = 80, 24
ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")

if sys.platform == "win32":
    pytest.skip("a pseudo-terminal needs another interface there", allow_module_level=True)
else:
    import fcntl
    import pty
    import struct
    import termios


class Terminal:
    """A pseudo-terminal with a person who only looks."""

    def __init__(self) -> None:
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        self.shown = b""
        self._reader = threading.Thread(target=self._read, daemon=True)

    def start(self, installation: Installation) -> Life:
        """A run of its own session, as a shell in a terminal window would have it."""
        installation.signals.touch()
        nothing = installation.directory / "terminal.err"
        nothing.touch()
        started_ms = time.time_ns() // 1_000_000
        process = subprocess.Popen(
            [*PROGRAM, "run", "--signals", str(installation.signals)],
            cwd=installation.directory,
            env=installation.environ({"TERM": "xterm-256color"}),
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
        )
        os.close(self.slave)
        self._reader.start()
        return Life(installation=installation, process=process, started_ms=started_ms, out=nothing, err=nothing)

    def lines(self) -> list[str]:
        """Everything that was ever on it, without colours and movements."""
        text = ESCAPES.sub(b"\n", self.shown).decode(errors="replace")
        return [line.strip("\r") for line in text.split("\n")]

    def press_ctrl_c(self) -> None:
        """What the terminal writes for it; it sends a signal to nobody, for it is no process's own."""
        os.write(self.master, b"\x03")

    def screen(self) -> list[str]:
        """As it looks now."""
        screen = pyte.Screen(WIDTH, HEIGHT)
        pyte.ByteStream(screen).feed(self.shown)
        return list(screen.display)

    def close(self) -> None:
        """The window is closed."""
        os.close(self.master)

    def wait(self) -> None:
        """Until the other side has closed it."""
        self._reader.join(timeout=STOPS_WITHIN_S)

    def _read(self) -> None:
        while True:
            try:
                part = os.read(self.master, 65_536)
            except OSError:
                return
            if not part:
                return
            self.shown += part


def test_the_table_fits_into_80_columns_shows_the_position_and_leaves_the_terminal_in_order(
    installation: Installation,
) -> None:
    installation.environment.update(CALM)
    terminal = Terminal()
    with terminal.start(installation) as life:
        SignalWriter(path=installation.signals, symbols=("BTCUSDT",), chance=random.Random(1)).write("BTCUSDT")
        until_open(life, 1)
        life.until(lambda: b"BTCUSDT" in terminal.shown, "the position on the terminal")
        terminal.press_ctrl_c()
        life.interrupt()
        code = life.process.wait(timeout=STOPS_WITHIN_S)
        terminal.wait()

    lines = terminal.lines()
    assert code == 0
    assert max(len(line) for line in lines) <= WIDTH
    assert any("PAPER" in line for line in lines)
    assert any("health HEALTHY" in line for line in lines)
    assert not any("Traceback" in line for line in lines)
    assert sum("╭" in line for line in terminal.screen()) == 1, "what Ctrl-C writes tears nothing"
    assert terminal.shown.rfind(b"\x1b[?25h") > terminal.shown.rfind(b"\x1b[?25l"), "the cursor is shown again"
    said = [line for line in lines if line.startswith("stop")]
    assert said == [
        "stopping in order... once more stops at once",
        "stopped: 1 position is open, its stop rests at the venue",
    ]
    terminal.close()


def test_a_terminal_window_that_is_closed_stops_the_run_in_order(installation: Installation) -> None:
    installation.environment.update(CALM)
    terminal = Terminal()
    with terminal.start(installation) as life:
        SignalWriter(path=installation.signals, symbols=("BTCUSDT",), chance=random.Random(1)).write("BTCUSDT")
        until_open(life, 1)
        terminal.close()
        os.killpg(life.process.pid, 1)
        code = life.process.wait(timeout=STOPS_WITHIN_S)

    last = installation.status()
    assert code == 0, installation.logged()
    assert last is not None
    assert last.note == "stopped in order"
    assert [position.protected for position in last.positions] == [True]
