"""Brings a database to the schema of this version: on start, in one transaction, one process at a time."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, text

from persistence.database_url import parse_url, sqlite_file, without_password
from persistence.engines import Patience, writing_engine
from persistence.failures import StoreFailure, StoreUnavailable, failure_of
from persistence.tables import SCHEMA

_SCRIPTS: Final = Path(__file__).parent / "migrations"
_LOCK: Final = 0x484F4C44  # any number that every Holdfast shares
_PATIENCE: Final = Patience(statement_ms=600_000, lock_ms=30_000)


def head() -> str:
    """The revision that this version of the program works with."""
    revision = _script_directory().get_current_head()
    assert revision is not None, "the migrations are part of the package"  # noqa: S101 - a packaging mistake
    return revision


def current(url: str | URL) -> str | None:
    """The revision of a database; ``None`` when it has none of our tables yet.

    Raises:
        StoreUnavailable: It cannot be reached.
    """
    parsed = parse_url(url)
    path = sqlite_file(parsed)
    if path is not None and not path.exists():
        return None
    engine = writing_engine(parsed, _PATIENCE)
    try:
        with engine.begin() as connection:
            return _revision(connection)
    except Exception as error:
        raise _unavailable(error, parsed) from error
    finally:
        engine.dispose()


def upgrade(url: str | URL, *, revision: str = "head") -> str:
    """Bring the database at ``url`` to ``revision``, keeping every row; gives the revision it now has.

    Raises:
        StoreUnavailable: It cannot be reached, or a later version of the program wrote it.
    """
    parsed = parse_url(url)
    engine = writing_engine(parsed, _PATIENCE)
    try:
        return upgrade_with(engine, revision=revision)
    except Exception as error:
        raise _unavailable(error, parsed) from error
    finally:
        engine.dispose()


def upgrade_with(engine: Engine, *, revision: str = "head") -> str:
    """The same on an engine that is there already: what a database in memory needs.

    The transaction is the lock: SQLite's from its BEGIN IMMEDIATE on, PostgreSQL's by an advisory lock in it.

    Raises:
        StoreUnavailable: A later version of the program wrote the database.
    """
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        found = _revision(connection)
        wanted = head() if revision == "head" else revision
        if found == wanted:
            return wanted
        _refuse_newer(found)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, wanted)
        return wanted


def _revision(connection: Connection) -> str | None:
    schema = SCHEMA if connection.dialect.name == "postgresql" else None
    context = MigrationContext.configure(
        connection,
        opts={"version_table": "schema_version", "version_table_schema": schema},
    )
    return context.get_current_revision()


def _refuse_newer(found: str | None) -> None:
    known = {script.revision for script in _script_directory().walk_revisions()}
    if found is not None and found not in known:
        raise StoreUnavailable(
            StoreFailure.NEWER_SCHEMA,
            f"it has schema revision {found}, and this version of Holdfast knows revisions up to {head()}",
        )


def _script_directory() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    # The option is read with %-interpolation, and a directory's name may hold a per cent sign.
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _unavailable(error: Exception, url: URL) -> Exception:
    failure = failure_of(error)
    return error if failure is None else StoreUnavailable(failure.kind, without_password(failure.text, url))
