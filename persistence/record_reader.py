"""An account's records for reading only: beside a running instance, and without bringing the schema up to date."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import URL, Connection

from persistence.database_url import parse_url, sqlite_file, without_password
from persistence.engines import Patience, reading_engine
from persistence.failures import StoreFailure, StoreUnavailable, failure_of


class RecordReader:
    """What :class:`persistence.queries.Queries` reads from, where nothing may be written.

    Raises:
        WrongDatabaseUrl: ``url`` is malformed or names another database.
    """

    def __init__(self, url: str | URL, account: str) -> None:
        self.account: Final = account
        self._url: Final = parse_url(url)
        self._engine: Final = reading_engine(self._url, Patience())

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for queries.

        Raises:
            StoreUnavailable: It cannot be read, or a file that should be there is not.
        """
        path = sqlite_file(self._url)
        if path is not None and not path.exists():
            # SQLite would begin a new one.
            if any(path.parent.glob("spool-*")):
                raise StoreUnavailable(StoreFailure.FILE_GONE, f"there is no {path}")
            raise StoreUnavailable(StoreFailure.NOT_BEGUN, f"there are no records in {path.parent} yet")
        try:
            with self._engine.connect() as connection:
                yield connection
        except Exception as error:
            typed = failure_of(error)
            if typed is None:
                raise
            raise StoreUnavailable(typed.kind, without_password(typed.text, self._url)) from None

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()
