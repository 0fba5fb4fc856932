"""The schema comes with the program, moves forward only, and keeps every row."""

import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import URL, Connection, create_engine, inspect, text

from messages.journal import Decision
from persistence import migrate
from persistence.engines import Patience
from persistence.failures import StoreFailure, StoreUnavailable
from persistence.migrations import versions
from persistence.queries import Queries
from persistence.rows import rows_of
from persistence.store import SqlStore
from persistence.tables import SCHEMA, metadata
from tests.persistence.builders import POSITION, decision, event, fill, intent, position, trailing
from tests.postgres import Databases


@pytest.fixture(params=["file", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    if request.param == "file":
        return URL.create("sqlite", database=str(tmp_path / "100% new" / "store.sqlite3"))
    server: Databases = request.getfixturevalue("postgresql")
    return server.fresh()


def made(url: URL) -> URL:
    if url.database and url.get_backend_name() == "sqlite":
        Path(url.database).parent.mkdir()
    return url


def on(url: URL, what: Callable[[Connection], object]) -> object:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            return what(connection)
    finally:
        engine.dispose()


def table(url: URL, name: str) -> str:
    return name if url.get_backend_name() == "sqlite" else f"{SCHEMA}.{name}"


def test_an_empty_database_is_brought_to_the_latest_revision(empty: URL) -> None:
    assert migrate.current(made(empty)) is None

    assert migrate.upgrade(empty) == migrate.head()
    assert migrate.current(empty) == migrate.head()


def test_upgrading_again_changes_nothing(empty: URL) -> None:
    migrate.upgrade(made(empty))

    assert migrate.upgrade(empty) == migrate.head()


def test_asking_for_the_revision_makes_no_file(tmp_path: Path) -> None:
    assert migrate.current(URL.create("sqlite", database=str(tmp_path / "none.sqlite3"))) is None
    assert list(tmp_path.iterdir()) == []


def test_the_migrated_schema_is_the_one_that_the_program_works_with(empty: URL) -> None:
    migrate.upgrade(made(empty))
    schema = SCHEMA if empty.get_backend_name() == "postgresql" else None
    expected = metadata if schema else type(metadata)()
    if schema is None:
        for declared in metadata.sorted_tables:
            declared.to_metadata(expected, schema=None)  # type: ignore[arg-type] # documented, and missing in the stubs

    def differences(connection: Connection) -> list[object]:
        options = {
            "compare_type": True,
            "include_schemas": schema is not None,
            "version_table": "schema_version",
            "version_table_schema": schema,
        }
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), expected))

    assert on(empty, differences) == []


def test_a_populated_database_of_the_first_release_is_upgraded_with_every_row(
    empty: URL,
    make_store: Callable[..., SqlStore],
) -> None:
    migrate.upgrade(made(empty), revision="0001")
    on(empty, lambda connection: populate(connection, empty))

    store = make_store(empty, "main")
    (restored,) = store.load()

    assert migrate.current(empty) == migrate.head()
    assert restored.position == position(entry_price=Decimal("42000.10"))
    assert [left.intent_id for left in restored.open_intents] == ["hf1"]
    assert [found.text for found in Queries(store).events()] == ["opened 0.010 BTCUSDT"]
    (order,) = Queries(store).orders(POSITION)
    assert order.outcome_ms is None


def test_the_second_revision_indexes_what_a_restart_reads(empty: URL) -> None:
    migrate.upgrade(made(empty))
    schema = SCHEMA if empty.get_backend_name() == "postgresql" else None

    def names(connection: Connection) -> set[str | None]:
        return {index["name"] for index in inspect(connection).get_indexes("orders", schema=schema)}

    found = on(empty, names)
    assert isinstance(found, set)
    assert "ix_orders_open" in found


def test_a_database_that_a_later_version_wrote_is_refused(empty: URL, make_store: Callable[..., SqlStore]) -> None:
    migrate.upgrade(made(empty))
    later = f"UPDATE {table(empty, 'schema_version')} SET version_num = '9999'"  # noqa: S608 - names of our own
    on(empty, lambda connection: connection.execute(text(later)))

    with pytest.raises(StoreUnavailable) as refused:
        make_store(empty).open()

    assert refused.value.kind is StoreFailure.NEWER_SCHEMA
    assert "9999" in refused.value.text
    assert "later" in refused.value.what_to_do


PATIENT = Patience(lock_ms=30_000, statement_ms=30_000)
"""Four schemas are made one after the other, on a machine that may be busy with something else."""


def test_two_processes_that_start_at_once_do_not_disturb_each_other(
    empty: URL,
    make_store: Callable[..., SqlStore],
) -> None:
    made(empty)
    failures: list[BaseException] = []

    def start() -> None:
        try:
            make_store(empty, patience=PATIENT).take_ownership("one of many")
        except StoreUnavailable as failure:
            failures.append(failure)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert failures == []
    owner = Queries(make_store(empty)).owner()
    assert owner is not None
    assert owner.epoch == 4


def test_every_revision_says_what_it_is_for() -> None:
    files = sorted(Path(str(versions.__file__)).parent.glob("v*.py"))

    assert [file.name.split("_")[0] for file in files] == [f"v{number:04}" for number in range(1, len(files) + 1)]


def test_the_revisions_are_part_of_what_is_installed() -> None:
    package = Path(str(versions.__file__)).parents[2]

    # What is packaged is found by its __init__.py.
    directories = {file.parent for file in package.rglob("*.py")}
    assert {directory for directory in directories if not (directory / "__init__.py").exists()} == set()
    assert package / "migrations" / "versions" in directories


def populate(connection: Connection, url: URL) -> None:
    """Rows as the first release wrote them; its ``orders`` had no ``outcome_ms``."""
    written = decision(
        position=position(entry_price=Decimal("42000.10")),
        trailing=trailing(),
        intents=(intent("hf1"),),
        events=(event(),),
        fills=(fill(),),
    )
    for name, values in first_release_rows(written).items():
        columns = ", ".join(values)
        places = ", ".join(f":{column}" for column in values)
        connection.execute(text(f"INSERT INTO {table(url, name)} ({columns}) VALUES ({places})"), values)  # noqa: S608 - names of our own


def first_release_rows(written: Decision) -> dict[str, dict[str, object]]:
    rows = rows_of([written], account="main")
    (order,) = rows.orders
    first = {
        "positions": next(iter(rows.positions.values())),
        "trailing_stop_state": next(iter(rows.trailing_stop_state.values())),
        "orders": {name: value for name, value in order.items() if name != "outcome_ms"},
        "events": rows.events[0],
        "trades": next(iter(rows.trades.values())),
    }
    return {
        name: {column: str(value) if isinstance(value, Decimal) else value for column, value in row.items()}
        for name, row in first.items()
    }
