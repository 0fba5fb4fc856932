"""Signals from a file with one JSON object a line: read whole, or followed while something else appends to it.

Only the JSON is read here; what a signal must look like is decided elsewhere. A line that is no JSON object is passed
on with what is wrong, so that its fate is recorded like every other's.
"""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

MAX_LINE_BYTES = 65_536
MAX_READ_BYTES = 4_194_304
POLL_S = 0.25
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class SignalFileError(Exception):
    """The file cannot be read; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalLine:
    """One line that is not empty.

    Attributes:
        raw: The object on it, numbers with a point as Decimals; ``None`` when there is none.
        problem: What is wrong with a line that has no object; empty otherwise.
        text: The line as it stands, cut at 1,000 characters.
    """

    line_number: int
    raw: dict[str, object] | None
    problem: str = ""
    text: str = ""


def read_signal_file(path: Path) -> Iterator[SignalLine]:
    """Every line of the file, the last one also when no newline ends it.

    Raises:
        SignalFileError: The file cannot be opened or read.
    """
    if not path.is_file():
        raise SignalFileError(f"{path} is not there, or is no file")
    follower = SignalFileFollower(path)
    while follower.advance():
        yield from follower.take()
    yield from follower.rest()


class SignalFileFollower:
    """Reads what has been appended since the last look; a file that is cut or replaced is read from its beginning.

    A file that is not there yet is waited for. It is opened for each look and not kept open: on Windows nobody could
    rotate it otherwise. Not thread-safe.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._identity = (0, 0)
        self._offset = 0
        self._pending = b""
        self._too_long = False
        self._line_number = 0
        self._ready: list[SignalLine] = []

    def poll(self) -> list[SignalLine]:
        """The lines that are complete since the last call; empty when there are none, or no file.

        At most 4 MB are read at once. A last line without its newline counts as soon as it is a whole object.

        Raises:
            SignalFileError: The file is there and cannot be read.
        """
        if not self.advance():
            self._ready.extend(self._early_rest())
        return self.take()

    def follow(self, stop: threading.Event, *, interval_s: float = POLL_S) -> Iterator[SignalLine]:
        """Lines as they come, until ``stop`` is set; looks every ``interval_s`` and never waits longer.

        Raises:
            SignalFileError: The file is there and cannot be read.
        """
        while not stop.is_set():
            lines = self.poll()
            yield from lines
            if not lines:
                stop.wait(interval_s)

    def advance(self) -> bool:
        """Read on, at most 4 MB; whether there was anything. :meth:`take` gives the lines.

        Raises:
            SignalFileError: The file is there and cannot be read.
        """
        try:
            content = self._appended()
        except FileNotFoundError:
            # Not there yet, or between the removal of the old file and the arrival of the new one.
            return False
        except OSError as error:
            raise SignalFileError(f"{self._path} cannot be read: {error.strerror or error}") from error
        self._offset += len(content)
        self._split(content)
        return bool(content)

    def take(self) -> list[SignalLine]:
        """The complete lines that were read and not taken yet."""
        ready, self._ready = self._ready, []
        return ready

    def rest(self) -> list[SignalLine]:
        """What stands after the last newline, taken as a line; for a file that nobody appends to any more."""
        pending, self._pending = self._pending, b""
        return self._line(pending)

    def _appended(self) -> bytes:
        now = self._path.stat()
        if (now.st_dev, now.st_ino) != self._identity or now.st_size < self._offset:
            self._identity = (now.st_dev, now.st_ino)
            self._offset = 0
            self._pending = b""
            self._too_long = False
            self._line_number = 0
        if now.st_size == self._offset:
            return b""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            return file.read(MAX_READ_BYTES)

    def _split(self, content: bytes) -> None:
        *complete, self._pending = (self._pending + content).split(b"\n")
        self._ready.extend(line for part in complete for line in self._line(part))
        if len(self._pending) > MAX_LINE_BYTES:
            self._too_long = True
            self._pending = self._pending[:MAX_LINE_BYTES]

    def _early_rest(self) -> list[SignalLine]:
        """A whole object needs no newline: no JSON object is the beginning of another one."""
        if not self._pending.rstrip().endswith(b"}") or _parsed(self._pending)[0] is None:
            return []
        lines = self._line(self._pending)
        # Its newline is still to come, and belongs to the line that is counted already.
        self._line_number -= 1
        self._pending = b""
        return lines

    def _line(self, content: bytes) -> list[SignalLine]:
        self._line_number += 1
        too_long, self._too_long = self._too_long or len(content) > MAX_LINE_BYTES, False
        if self._line_number == 1:
            content = content.removeprefix(_BYTE_ORDER_MARK)
        if not content.strip():
            return []
        raw, problem = (None, f"longer than {MAX_LINE_BYTES} bytes") if too_long else _parsed(content)
        text = content[:4000].decode("utf-8", errors="backslashreplace").strip()[:1000]
        return [SignalLine(line_number=self._line_number, raw=raw, problem=problem, text=text)]


def _parsed(content: bytes) -> tuple[dict[str, object] | None, str]:
    """The object, or what is wrong."""
    try:
        text = content.decode("utf-8")
        value = json.loads(text, parse_float=Decimal, parse_constant=_no_number)
    except UnicodeDecodeError:
        return None, "not UTF-8 text"
    except RecursionError:
        return None, "nested too deeply"
    except ValueError as error:
        return None, f"not JSON: {error}"
    if not isinstance(value, dict):
        return None, "not a JSON object"
    return value, ""


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is not a number")
