"""The spool: where decisions are durable while the store cannot be reached.

One file in the data directory, appended to and never renamed: a line of magic, then frames of length, CRC-32 and
payload. A payload is a decision, or the ownership under which the ones after it were decided.

**Guarantees.** What :meth:`Spool.append` returned for is on the disk. A write that was cut short, at whatever byte,
costs nothing but itself: the file is cut back to its last whole frame before anything is added. Clearing cuts the file
in place, which needs no free space and works on Windows; interrupted, it leaves all or nothing.

**Assumes** one process a file, which the data directory's lock makes sure of.
"""

import io
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
from loguru import logger

from messages.journal import Decision
from persistence.codec import Undecodable, decode_decision, encode_decision
from persistence.fencing import OwnerMark

Record: TypeAlias = Decision | OwnerMark
OpenFile: TypeAlias = Callable[[Path], io.FileIO]

_MAGIC: Final = b"holdfast spool 1\n"
_HEADER: Final = struct.Struct("<II")
_DECISION: Final = b"D"
_OWNER: Final = b"O"
_MAX_PAYLOAD: Final = 64 * 1024 * 1024
_MARKS: Final = msgspec.json.Decoder(OwnerMark)


class SpoolUnavailable(Exception):  # noqa: N818 - it names a condition that callers handle, not a mistake
    """The spool cannot be written or read; what was to be appended is not in it."""


def open_for_append(path: Path) -> io.FileIO:
    """An unbuffered file, made when it is not there."""
    return io.FileIO(path, "ab")


class Spool:
    """The spool file at ``path``; nothing is touched before the first use. Not thread-safe."""

    def __init__(self, path: Path, *, open_file: OpenFile = open_for_append) -> None:
        self.path: Final = path
        self._open_file: Final = open_file
        self._file: io.FileIO | None = None
        self._end = 0
        self._decisions = 0
        self._mark: OwnerMark | None = None
        self._scanned = False

    @property
    def decisions(self) -> int:
        """How many decisions are in it."""
        self._scan()
        return self._decisions

    @property
    def end(self) -> int:
        """The offset after the last whole record."""
        self._scan()
        return self._end

    @property
    def mark(self) -> OwnerMark | None:
        """The last ownership on record in it, kept when it is cleared."""
        self._scan()
        return self._mark

    def append(self, records: Sequence[Record]) -> int:
        """Make ``records`` durable, all of them or none.

        Returns:
            The offset that they begin after. It is lower than :attr:`end` was where the file had become shorter.

        Raises:
            SpoolUnavailable: None of them is in the spool.
            ValueError: A text in one of them is not valid Unicode.
        """
        frames = b"".join(_frame(record) for record in records)
        self._scan()
        try:
            began = self._write(frames)
        except OSError as error:
            self._forget_file()
            raise SpoolUnavailable(f"{self.path.name}: {error.strerror or error}") from error
        for record in records:
            self._count(record)
        return began

    def records(self, *, start: int = 0) -> Iterator[tuple[int, Record]]:
        """The records from offset ``start`` on, oldest first, each with the offset after it.

        Raises:
            SpoolUnavailable: The file cannot be read, or not to its end.
        """
        self._scan()
        return self._read(max(start, len(_MAGIC)), self._end)

    def clear(self, mark: OwnerMark | None = None) -> None:
        """Forget every decision, durably; the last ownership, or ``mark`` in its place, is kept.

        Raises:
            SpoolUnavailable: The decisions are all still there, or all gone; offering them again is harmless.
        """
        self._scan()
        kept = mark or self._mark
        try:
            if self._end > len(_MAGIC):
                self._cut(len(_MAGIC))
            self._end, self._decisions, self._mark = min(self._end, len(_MAGIC)), 0, None
            if kept is not None:
                self._write(_frame(kept))
                self._mark = kept
        except OSError as error:
            self._forget_file()
            raise SpoolUnavailable(f"{self.path.name}: {error.strerror or error}") from error

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        self._forget_file()

    def _write(self, data: bytes) -> int:
        file = self._opened()
        began = self._end
        if began == 0:
            data = _MAGIC + data
        written = 0
        try:
            while written < len(data):
                written += file.write(memoryview(data)[written:]) or 0
            os.fsync(file.fileno())
        except OSError:
            # Best effort here; opening the file again cuts it back in any case.
            with suppress(OSError):
                self._cut(self._end)
            raise
        self._end += len(data)
        return began

    def _opened(self) -> io.FileIO:
        if self._file is not None and self._is_still_there(self._file):
            return self._file
        self._forget_file()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        known = self.path.exists()
        if known and self.path.is_file() and self.path.stat().st_size != self._end:
            if self.path.stat().st_size < self._end:
                # Somebody cut or replaced it: what is there now is what counts.
                self._scanned = False
                self._scan()
            self._cut(self._end)
        if not known:
            self._end, self._decisions = 0, 0
        self._file = self._open_file(self.path)
        if not known:
            _sync_directory(self.path.parent)
        return self._file

    def _is_still_there(self, file: io.FileIO) -> bool:
        """An open file may have been deleted or replaced under its name: what is written to it then is lost."""
        if file.closed or not self.path.is_file():
            return False
        return os.path.samestat(self.path.stat(), os.fstat(file.fileno()))

    def _cut(self, size: int) -> None:
        with self.path.open("rb+") as file:
            file.truncate(size)
            file.flush()
            os.fsync(file.fileno())

    def _forget_file(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        self._file = None

    def _count(self, record: Record) -> None:
        if isinstance(record, OwnerMark):
            self._mark = record
        else:
            self._decisions += 1

    def _scan(self) -> None:
        """Find the end of the whole records, once; what is after it was never acknowledged, or is damaged."""
        if self._scanned:
            return
        self._end, self._decisions, self._mark = 0, 0, None
        try:
            with self.path.open("rb") as file:
                magic = file.read(len(_MAGIC))
        except FileNotFoundError:
            self._scanned = True
            return
        except OSError as error:
            raise SpoolUnavailable(f"{self.path.name}: {error.strerror or error}") from error
        if not _MAGIC.startswith(magic):
            raise SpoolUnavailable(f"{self.path.name} is not a spool file; move it away")
        self._end = len(_MAGIC) if magic == _MAGIC else 0
        if self._end:
            for end, record in self._read(self._end, None):
                self._end = end
                self._count(record)
        self._scanned = True
        self._keep_damaged_tail()

    def _read(self, start: int, end: int | None) -> Iterator[tuple[int, Record]]:
        offset = start
        try:
            if end is not None and end <= start:
                return
            with self.path.open("rb") as file:
                file.seek(start)
                while end is None or offset < end:
                    payload = _payload(file)
                    if payload is None and end is not None:
                        raise SpoolUnavailable(
                            f"{self.path.name} has been damaged at byte {offset} since it was written"
                        )
                    if payload is None:
                        return
                    offset = file.tell()
                    yield offset, _record(payload)
        except OSError as error:
            raise SpoolUnavailable(f"{self.path.name}: {error.strerror or error}") from error

    def _keep_damaged_tail(self) -> None:
        """A torn write is shorter than its frame says. Anything else behind the last whole record is kept aside."""
        with suppress(OSError), self.path.open("rb") as file:
            file.seek(self._end)
            tail = file.read()
            if self._end == 0 or len(tail) <= _HEADER.size:
                return
            length, _ = _HEADER.unpack_from(tail)
            if len(tail) < _HEADER.size + length:
                return
            aside = self.path.with_name(f"{self.path.name}.damaged-{self._end}")
            aside.write_bytes(tail)
            logger.error("the spool was damaged from byte {} on; the rest is kept in {}", self._end, aside.name)


def _frame(record: Record) -> bytes:
    if isinstance(record, OwnerMark):
        payload = _OWNER + msgspec.json.encode(record)
    else:
        payload = _DECISION + encode_decision(record)
    if len(payload) > _MAX_PAYLOAD:
        raise ValueError(f"a record of {len(payload)} bytes is over the spool's limit of {_MAX_PAYLOAD}")
    return _HEADER.pack(len(payload), zlib.crc32(payload)) + payload


def _payload(file: io.BufferedReader) -> bytes | None:
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    length, checksum = _HEADER.unpack(header)
    if not 0 < length <= _MAX_PAYLOAD:
        return None
    payload = file.read(length)
    return payload if len(payload) == length and zlib.crc32(payload) == checksum else None


def _record(payload: bytes) -> Record:
    kind, data = payload[:1], payload[1:]
    try:
        return _MARKS.decode(data) if kind == _OWNER else decode_decision(data)
    except (Undecodable, msgspec.DecodeError) as error:
        raise SpoolUnavailable(f"a later version of Holdfast wrote this spool: {error}") from error


def _sync_directory(directory: Path) -> None:
    """Make a new file's name durable; Windows does so by itself and cannot open directories."""
    if os.name == "nt":
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
