"""What can be wrong with the store, as one typed error, and how the databases' own errors map to it."""

import sqlite3
from enum import StrEnum
from typing import Final

import psycopg2
from psycopg2 import errorcodes
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError


class StoreFailure(StrEnum):
    """Why the store cannot be used now."""

    UNREACHABLE = "unreachable"
    LOCKED = "locked"
    DISK_FULL = "disk_full"
    FILE_GONE = "file_gone"
    NOT_BEGUN = "not_begun"
    READ_ONLY = "read_only"
    DAMAGED = "damaged"
    NEWER_SCHEMA = "newer_schema"
    BEHIND = "behind"
    REFUSED_LOGIN = "refused_login"
    CLOSED = "closed"
    OTHER = "other"


_ADVICE: Final[dict[StoreFailure, str]] = {
    StoreFailure.UNREACHABLE: "check that the database server runs and that host and port are right",
    StoreFailure.LOCKED: "find the other program that holds the database and end it",
    StoreFailure.DISK_FULL: "free space on the database's disk",
    StoreFailure.FILE_GONE: "put the database file back, or restart to begin a new one",
    StoreFailure.NOT_BEGUN: (
        "holdfast run writes the first; another data directory is named with --data-dir or HOLDFAST_HOME"
    ),
    StoreFailure.READ_ONLY: "make the database and its directory writable for this user",
    StoreFailure.DAMAGED: "restore the database from a backup; the spool keeps what comes meanwhile",
    StoreFailure.NEWER_SCHEMA: "install the version of Holdfast that wrote this database, or a later one",
    StoreFailure.BEHIND: "the database is older than what was written to it: find out who restored it",
    StoreFailure.REFUSED_LOGIN: "check the database's name, user and password",
    StoreFailure.CLOSED: "the store was closed",
    StoreFailure.OTHER: "see the text, and the database's own log",
}


class StoreUnavailable(Exception):  # noqa: N818 - it names a condition that callers handle, not a mistake
    """The store cannot be used now; nothing of what was asked for was applied, or it may be asked for again.

    Attributes:
        kind: What is wrong.
        text: In the database's words, without credentials.
        what_to_do: For the person who reads it.
    """

    def __init__(self, kind: StoreFailure, text: str) -> None:
        self.kind = kind
        self.text = " ".join(text.split())
        self.what_to_do = _ADVICE[kind]
        super().__init__(f"database {kind.replace('_', ' ')}: {self.text} ({self.what_to_do})")


_SQLITE: Final[dict[int, StoreFailure]] = {
    sqlite3.SQLITE_BUSY: StoreFailure.LOCKED,
    sqlite3.SQLITE_LOCKED: StoreFailure.LOCKED,
    sqlite3.SQLITE_FULL: StoreFailure.DISK_FULL,
    sqlite3.SQLITE_CANTOPEN: StoreFailure.UNREACHABLE,
    sqlite3.SQLITE_READONLY: StoreFailure.READ_ONLY,
    sqlite3.SQLITE_PERM: StoreFailure.READ_ONLY,
    sqlite3.SQLITE_CORRUPT: StoreFailure.DAMAGED,
    sqlite3.SQLITE_NOTADB: StoreFailure.DAMAGED,
    sqlite3.SQLITE_IOERR: StoreFailure.OTHER,
    sqlite3.SQLITE_PROTOCOL: StoreFailure.LOCKED,
    sqlite3.SQLITE_NOMEM: StoreFailure.OTHER,
}
_PRIMARY_CODE: Final = 0xFF
_SQLITE_REPLACED: Final = 1032  # SQLITE_READONLY_DBMOVED: the file was moved or deleted under an open connection

_POSTGRESQL: Final[dict[str, StoreFailure]] = {
    errorcodes.LOCK_NOT_AVAILABLE: StoreFailure.LOCKED,
    errorcodes.QUERY_CANCELED: StoreFailure.LOCKED,
    errorcodes.DEADLOCK_DETECTED: StoreFailure.LOCKED,
    errorcodes.SERIALIZATION_FAILURE: StoreFailure.LOCKED,
    errorcodes.DISK_FULL: StoreFailure.DISK_FULL,
    errorcodes.READ_ONLY_SQL_TRANSACTION: StoreFailure.READ_ONLY,
    errorcodes.INSUFFICIENT_PRIVILEGE: StoreFailure.READ_ONLY,
    errorcodes.DATA_CORRUPTED: StoreFailure.DAMAGED,
    errorcodes.INDEX_CORRUPTED: StoreFailure.DAMAGED,
    errorcodes.INVALID_PASSWORD: StoreFailure.REFUSED_LOGIN,
    errorcodes.INVALID_AUTHORIZATION_SPECIFICATION: StoreFailure.REFUSED_LOGIN,
    errorcodes.INVALID_CATALOG_NAME: StoreFailure.REFUSED_LOGIN,
    errorcodes.UNDEFINED_TABLE: StoreFailure.BEHIND,
    errorcodes.INVALID_SCHEMA_NAME: StoreFailure.BEHIND,
}
_POSTGRESQL_CLASSES: Final[dict[str, StoreFailure]] = {
    "08": StoreFailure.UNREACHABLE,
    "25": StoreFailure.OTHER,
    "53": StoreFailure.OTHER,
    "57": StoreFailure.UNREACHABLE,
    "58": StoreFailure.OTHER,
    "XX": StoreFailure.OTHER,
}
_LOGIN_WORDS: Final = ("authentication failed", "no pg_hba.conf entry", "does not exist", "no password supplied")


def failure_of(error: BaseException) -> StoreUnavailable | None:
    """What ``error`` says about the store, or ``None`` when it is the statement that is wrong."""
    if isinstance(error, StoreUnavailable):
        return error
    if isinstance(error, InvalidRequestError | PoolTimeoutError):
        return StoreUnavailable(StoreFailure.OTHER, str(error))
    if isinstance(error, DBAPIError) and error.orig is not None:
        return failure_of(error.orig)
    if isinstance(error, sqlite3.Error):
        return _sqlite_failure(error)
    if isinstance(error, psycopg2.Error):
        return _postgresql_failure(error)
    if isinstance(error, OSError):
        return StoreUnavailable(StoreFailure.OTHER, str(error))
    return None


def _sqlite_failure(error: sqlite3.Error) -> StoreUnavailable | None:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        closed = isinstance(error, sqlite3.ProgrammingError) and "closed database" in str(error)
        return StoreUnavailable(StoreFailure.CLOSED, str(error)) if closed else None
    if code == _SQLITE_REPLACED:
        return StoreUnavailable(StoreFailure.FILE_GONE, str(error))
    kind = _SQLITE.get(code & _PRIMARY_CODE)
    if kind is None and "no such table" in str(error):
        kind = StoreFailure.BEHIND
    return None if kind is None else StoreUnavailable(kind, str(error))


def _postgresql_failure(error: psycopg2.Error) -> StoreUnavailable | None:
    state = error.pgcode
    if state is not None:
        kind = _POSTGRESQL.get(state) or _POSTGRESQL_CLASSES.get(state[:2])
        return None if kind is None else StoreUnavailable(kind, str(error))
    # Without an SQLSTATE the server did not say it: the connection failed, or it never came about. One that ends in the
    # middle of a result is the bare DatabaseError; its other subclasses are about the statement.
    if type(error) is not psycopg2.DatabaseError and not isinstance(
        error, psycopg2.OperationalError | psycopg2.InterfaceError
    ):
        return None
    refused = any(words in str(error) for words in _LOGIN_WORDS)
    return StoreUnavailable(StoreFailure.REFUSED_LOGIN if refused else StoreFailure.UNREACHABLE, str(error))
