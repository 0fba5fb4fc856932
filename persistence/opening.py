"""From settings to an open journal: which database, and what to do when it is out of reach at the start."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from loguru import logger
from sqlalchemy import URL

from messages.settings import Settings
from persistence.database_url import DatabaseSettings, database_url
from persistence.engines import Patience
from persistence.failures import StoreUnavailable
from persistence.journal import Journal
from persistence.record_reader import RecordReader
from persistence.spool import Spool
from persistence.store import SqlStore


def store_of(
    settings: Settings, *, data_dir: Path, now_ms: Callable[[], int] | None = None, flushes: bool = True
) -> SqlStore:
    """The account's store; nothing is connected yet.

    Without ``flushes`` a power cut may lose an SQLite file: only for records that can be made again, as in a replay.

    Raises:
        WrongDatabaseUrl: DATABASE_URL is malformed.
    """
    address = _address(settings, data_dir)
    patience = Patience(pool_size=settings.db_pool_size, max_overflow=settings.db_max_overflow, flushes=flushes)
    if now_ms is None:
        return SqlStore(address, settings.account, patience=patience)
    return SqlStore(address, settings.account, patience=patience, now_ms=now_ms)


def records_of(settings: Settings, *, data_dir: Path) -> RecordReader:
    """The account's records for reading only, also beside a running instance; nothing is connected yet.

    Raises:
        WrongDatabaseUrl: DATABASE_URL is malformed.
    """
    return RecordReader(_address(settings, data_dir), settings.account)


def _address(settings: Settings, data_dir: Path) -> URL:
    password, url = settings.db_password, settings.database_url
    return database_url(
        DatabaseSettings(
            database_url=url.get_secret_value() if url is not None else "",
            db_host=settings.db_host or "",
            db_port=settings.db_port,
            db_name=settings.db_name or "",
            db_user=settings.db_user or "",
            db_password=password.get_secret_value() if password is not None else "",
            db_pool_size=settings.db_pool_size,
            db_max_overflow=settings.db_max_overflow,
        ),
        data_dir=data_dir,
    )


def open_journal(store: SqlStore, *, data_dir: Path, owner_name: str, resources: ExitStack) -> tuple[Journal, int]:
    """The journal over ``store`` and a spool in ``data_dir``, and the epoch under which this process owns the account.

    A database that this data directory has written to before and that is out of reach now is no reason not to protect:
    the process goes on from the spool and the venue. One that was never reached is a mistake in the settings.

    Raises:
        StoreUnavailable: The database was never reached from this data directory.
    """
    resources.callback(store.close)
    spool = Spool(data_dir / f"spool-{store.account}.bin")
    resources.callback(spool.close)
    journal = Journal(store, spool)
    try:
        return journal, journal.take_ownership(owner_name)
    except StoreUnavailable as error:
        if spool.mark is None:
            raise
        logger.critical("{}; protecting from the spool and the venue until it is back, opening nothing", error)
        return journal, journal.assume_ownership(owner_name)
