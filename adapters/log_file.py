"""The log's files: a new name at each rotation, the oldest removed, and no failure of the disk reaches the caller."""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

PREFIX = "holdfast-"
SUFFIX = ".log"
MAX_FILE_BYTES = 100_000_000
FILES_KEPT = 10
RETRY_AFTER_S = 30.0


class LogFile:
    """Text goes to ``directory``; where that fails it goes to stderr, which is told once, until writing works again.

    A file's name holds the time at which it was begun, so that rotation never renames: on Windows a rename fails while
    somebody reads the file. Not thread-safe; the logger calls a sink under its lock.
    """

    def __init__(
        self,
        directory: Path,
        *,
        max_bytes: int = MAX_FILE_BYTES,
        files_kept: int = FILES_KEPT,
        monotonic_s: Callable[[], float] = time.monotonic,
        fallback: TextIO | None = None,
    ) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._files_kept = files_kept
        self._monotonic_s = monotonic_s
        self._fallback = fallback
        self._file: TextIO | None = None
        self._path: Path | None = None
        self._bytes = 0
        self._failing = False
        self._retry_at_s = 0.0

    @property
    def path(self) -> Path | None:
        """The file that is written now; ``None`` before the first line and while the disk fails."""
        return self._path

    def write(self, text: str) -> None:
        """Append ``text`` and hand it to the operating system at once. Never raises for what a disk may do."""
        if self._failing and self._monotonic_s() < self._retry_at_s:
            self._write_fallback(text)
            return
        try:
            self._append(text)
        except OSError as error:
            self._give_way(error)
            self._write_fallback(text)
        else:
            self._failing = False

    def close(self) -> None:
        """Close the file; a later write begins a new one."""
        file, self._file, self._path = self._file, None, None
        if file is not None:
            try:
                file.close()
            except OSError as error:
                self._give_way(error)

    def _append(self, text: str) -> None:
        size = len(text.encode("utf-8", errors="backslashreplace"))
        if self._file is not None and self._bytes + size > self._max_bytes:
            self.close()
        if self._file is None:
            self._begin()
        if self._file is not None:
            self._file.write(text)
            self._file.flush()
            self._bytes += size

    def _begin(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        begun = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
        path = self._directory / f"{PREFIX}{begun}{SUFFIX}"
        self._file = path.open("a", encoding="utf-8", errors="backslashreplace", newline="\n")
        self._path = path
        self._bytes = 0
        for old in sorted(self._directory.glob(f"{PREFIX}*{SUFFIX}"))[: -self._files_kept]:
            try:
                old.unlink()
            except OSError as error:
                # Somebody has it open (Windows): it goes at the next rotation.
                self._write_fallback(f"the old log {old} stays for now: {error}\n")

    def _give_way(self, error: OSError) -> None:
        file, self._file, self._path = self._file, None, None
        if file is not None:
            try:
                file.close()
            except OSError as closing:
                error.add_note(f"and closing it failed: {closing}")
        self._retry_at_s = self._monotonic_s() + RETRY_AFTER_S
        if not self._failing:
            self._failing = True
            self._write_fallback(
                f"Holdfast cannot write its log to {self._directory}: {error}. "
                f"It goes on, logs here, and tries again every {RETRY_AFTER_S:.0f} seconds.\n"
            )

    def _write_fallback(self, text: str) -> None:
        write_quietly(self._fallback if self._fallback is not None else sys.stderr, text)


def write_quietly(stream: TextIO | None, text: str) -> None:
    """Write where anything may be wrong with the stream: absent (a service), closed, a broken pipe, a full disk."""
    if stream is None:
        return
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError):
        # There is nobody left to tell.
        return
