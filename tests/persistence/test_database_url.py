"""Which database is used, and that its password is nobody's business."""

from pathlib import Path

import pytest

from persistence.database_url import DatabaseSettings, WrongDatabaseUrl, database_url, parse_url, sqlite_file

DATA = Path("data")


def test_without_settings_it_is_a_file_in_the_data_directory() -> None:
    url = database_url(DatabaseSettings(), data_dir=DATA)

    assert sqlite_file(url) == DATA / "holdfast.sqlite3"


def test_the_settings_of_a_server_make_its_url() -> None:
    settings = DatabaseSettings(db_host="db", db_name="fox", db_user="me", db_password="p@ss/wörd:%")  # noqa: S106 - made up

    url = database_url(settings, data_dir=DATA)

    assert (url.drivername, url.host, url.port, url.database, url.username) == (
        "postgresql+psycopg2",
        "db",
        5433,
        "fox",
        "me",
    )
    assert url.password == "p@ss/wörd:%"  # noqa: S105 - made up
    assert parse_url(url.render_as_string(hide_password=False)) == url


def test_database_url_goes_before_the_settings_of_a_server() -> None:
    settings = DatabaseSettings(database_url="sqlite:///x.db", db_host="db")

    assert sqlite_file(database_url(settings, data_dir=DATA)) == Path("x.db")


@pytest.mark.parametrize("text", ["postgres://h/n", "postgresql://h/n", "postgresql+psycopg2://h/n"])
def test_every_spelling_of_postgresql_uses_the_driver_that_is_there(text: str) -> None:
    assert parse_url(text).drivername == "postgresql+psycopg2"


@pytest.mark.parametrize("text", ["mysql://u:s3cret-word@h/n", "s3cret-word", "postgresql://u:s3cret-word@h:port/n"])
def test_another_database_or_no_url_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(WrongDatabaseUrl) as refused:
        parse_url(text)

    assert "s3cret-word" not in str(refused.value)


@pytest.mark.parametrize("text", ["sqlite://", "sqlite:///:memory:", "postgresql://h/n"])
def test_only_a_file_is_a_file(text: str) -> None:
    assert sqlite_file(parse_url(text)) is None


def test_no_password_shows_in_the_settings() -> None:
    secret = "s3cret-word"  # noqa: S105 - made up
    settings = DatabaseSettings(database_url=f"postgresql://u:{secret}@h/n", db_password=secret)

    assert secret not in repr(settings)
    assert secret not in repr(parse_url(settings.database_url))
