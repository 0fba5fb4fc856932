"""Which database: DATABASE_URL, or the DB_… settings of S17, or SQLite in the data directory."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

SQLITE_NAME: Final = "holdfast.sqlite3"
_POSTGRESQL: Final = "postgresql+psycopg2"
_MEMORY_NAMES: Final = (None, "", ":memory:")


class WrongDatabaseUrl(ValueError):  # noqa: N818 - it names the setting that is wrong
    """DATABASE_URL cannot be used; the text never repeats it, since it may hold a password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """The settings that choose the database, by their names in S17; all empty means SQLite."""

    database_url: str = field(default="", repr=False)
    db_host: str = ""
    db_port: int = 5433
    db_name: str = ""
    db_user: str = ""
    db_password: str = field(default="", repr=False)
    db_pool_size: int = 10
    db_max_overflow: int = 20


def database_url(settings: DatabaseSettings, *, data_dir: Path) -> URL:
    """The database to use; DATABASE_URL goes before DB_HOST, and that before the file in ``data_dir``.

    Raises:
        WrongDatabaseUrl: DATABASE_URL is malformed, or names a database other than SQLite and PostgreSQL.
    """
    if settings.database_url:
        return parse_url(settings.database_url)
    if settings.db_host:
        return URL.create(
            _POSTGRESQL,
            username=settings.db_user or None,
            password=settings.db_password or None,
            host=settings.db_host,
            port=settings.db_port,
            database=settings.db_name or None,
        )
    return URL.create("sqlite", database=str(data_dir / SQLITE_NAME))


def parse_url(text: str | URL) -> URL:
    """``text`` as a URL with the driver that is used, also when it says ``postgres://`` or names another driver.

    Raises:
        WrongDatabaseUrl: It is malformed, or names a database other than SQLite and PostgreSQL.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise WrongDatabaseUrl("DATABASE_URL is not a URL like postgresql://user:password@host:5433/name") from None
    family = url.drivername.partition("+")[0]
    if family in {"postgresql", "postgres"}:
        return url.set(drivername=_POSTGRESQL)
    if family == "sqlite":
        return url.set(drivername="sqlite")
    raise WrongDatabaseUrl(f"DATABASE_URL names the database {family!r}; known are sqlite and postgresql")


def sqlite_file(url: URL) -> Path | None:
    """The database file, or ``None`` for PostgreSQL and for a database in memory."""
    if url.get_backend_name() != "sqlite" or url.database in _MEMORY_NAMES:
        return None
    return Path(str(url.database))


def without_password(text: str, url: URL) -> str:
    """``text`` with the password of ``url`` blacked out, for error texts that a driver wrote."""
    password = url.password
    return text if not password else text.replace(str(password), "***")
