"""The database file itself: noticed when it is deleted or replaced, and rescued while it is still open.

A connection to a deleted file goes on working, into nothing that anybody will ever read. Its content is still there
for that connection, though, so it can be written to a new file.
"""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from persistence.failures import StoreFailure, StoreUnavailable, failure_of

_RESCUE_SUFFIX: Final = ".rescue"


class SqliteFile:
    """Remembers which file a connection was opened on."""

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        self._identity: tuple[int, int] | None = None

    def prepare(self) -> None:
        """Before the first connection: SQLite makes the file, but not its directory.

        Raises:
            StoreUnavailable: The directory cannot be made, or a file that was there before is gone.
        """
        if self._identity is not None and not self.path.exists():
            raise self._gone()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(StoreFailure.UNREACHABLE, str(error)) from error

    def opened(self) -> None:
        """The file that is there now is the one that is connected to."""
        self._identity = self._now()

    def check(self) -> None:
        """Cheap enough for every transaction.

        Raises:
            StoreUnavailable: The file of the open connection is not there any more, or another one is.
        """
        if self._identity is not None and self._now() != self._identity:
            raise self._gone()

    def rescue(self, connection: sqlite3.Connection) -> None:
        """Write what ``connection`` still sees to the place where its file was.

        Raises:
            StoreUnavailable: It cannot be written; the connection is as it was.
        """
        rescued = self.path.with_name(self.path.name + _RESCUE_SUFFIX)
        # A log left over from the deleted file would be replayed into the new one.
        for leftover in (rescued, *(self.path.with_name(self.path.name + suffix) for suffix in ("-wal", "-shm"))):
            leftover.unlink(missing_ok=True)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(rescued)) as target:
                connection.backup(target)
            with rescued.open("rb+") as written:
                os.fsync(written.fileno())
            rescued.replace(self.path)
        except (sqlite3.Error, OSError) as error:
            with suppress(OSError):
                rescued.unlink(missing_ok=True)
            raise failure_of(error) or self._gone() from error

    def _now(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _gone(self) -> StoreUnavailable:
        return StoreUnavailable(StoreFailure.FILE_GONE, f"{self.path.name} was deleted or replaced")
